"""The recurrent model's training, with one more habit: the learning rate starts small, while attention finds its feet.

What a trained model looked at can be read off one pass over its own words, for no step sees what comes after it.
"""

from __future__ import annotations

import torch
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.config import BATCH_SIZE, TransformerConfig
from given.dates import BOS, Pairs, minibatch
from given.seq2seq import EncoderDecoder, adam
from jaxtyping import Float, Int
from torch import Tensor
from transformer.transformer_decoder import TransformerDecoder
from transformer.transformer_encoder import TransformerEncoder


def build_transformer(config: TransformerConfig) -> EncoderDecoder:
    """An encoder and a decoder of these sizes."""
    d = config.num_hiddens
    sizes = d, d, d, d, d, d, config.ffn_num_hiddens, config.num_heads, config.num_layers, config.dropout
    encoder = TransformerEncoder(config.src_vocab_size, *sizes)
    return EncoderDecoder(encoder, TransformerDecoder(config.tgt_vocab_size, *sizes))


def fit(
    model: EncoderDecoder,
    data: Pairs,
    *,
    steps: int,
    lr: float,
    warmup: int,
    clip: float,
    generator: torch.Generator,
) -> list[float]:
    """The loss of each step of Adam, on batches drawn from `generator`; the rate rises to `lr` in `warmup` steps."""
    optimizer = adam(model, lr)
    losses = []
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, step / max(1, warmup))
        batch = minibatch(data, BATCH_SIZE, generator=generator)
        losses.append(train_step(model, optimizer, batch, BOS, clip))
    return losses


@torch.no_grad()
def collect_attention(
    model: EncoderDecoder, src: Int[Tensor, "1 source"], src_lens: Int[Tensor, "1"], max_steps: int, bos: int, eos: int
) -> dict[str, Float[Tensor, "layers heads queries keys"]]:
    """All weights while one sentence is translated: `encoder`, `decoder_self` and `cross`."""
    training = model.training
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    model.eval()
    model(src, torch.tensor([[bos, *words[: max_steps - 1]]], device=src.device), src_lens)
    model.train(training)
    decoder_self, cross = model.decoder.attention_weights  # type: ignore[misc]
    collected = {"encoder": model.encoder.attention_weights, "decoder_self": decoder_self, "cross": cross}
    return {name: torch.stack(weights) for name, weights in collected.items()}
