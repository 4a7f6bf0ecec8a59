"""Its own loss and loop with a scheduler; the weights are written down while the sentence is decoded, word by word."""

import torch
from given.config import BATCH_SIZE
from given.dates import BOS, minibatch
from given.seq2seq import EncoderDecoder
from torch import nn
from transformer.transformer_decoder import TransformerDecoder
from transformer.transformer_encoder import TransformerEncoder


def build_transformer(config):
    width = dict.fromkeys(("key_size", "query_size", "value_size", "num_hiddens", "ffn_num_input"), config.num_hiddens)
    common = width | {
        "norm_shape": [config.num_hiddens],
        "ffn_num_hiddens": config.ffn_num_hiddens,
        "num_heads": config.num_heads,
        "num_layers": config.num_layers,
        "dropout": config.dropout,
    }
    return EncoderDecoder(
        encoder=TransformerEncoder(vocab_size=config.src_vocab_size, **common),
        decoder=TransformerDecoder(vocab_size=config.tgt_vocab_size, **common),
    )


def fit(model, data, *, steps, lr, warmup, clip, generator):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam([{"params": parameters[:3]}, {"params": parameters[3:]}], lr=lr, foreach=False)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: (done + 1) / warmup if done + 1 < warmup else 1.0
    )
    losses = torch.empty(steps, dtype=torch.float64)
    model.train()
    for i in range(steps):
        src, src_lens, labels, label_lens = minibatch(data, BATCH_SIZE, generator=generator)
        inputs = nn.functional.pad(labels, (1, -1), value=BOS)
        padded = torch.arange(labels.shape[1]).ge(label_lens.unsqueeze(1))
        logits = model(src, inputs, src_lens)[0]
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.masked_fill(padded, -100).flatten())
        model.zero_grad()
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in parameters]).norm()
        if norm > clip:
            for p in parameters:
                p.grad *= clip / norm
        optimizer.step()
        schedule.step()
        losses[i] = loss.detach()
    return losses.tolist()


def collect_attention(model, src, src_lens, max_steps, bos, eos):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.inference_mode():
        state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
        encoder = torch.stack(tuple(model.encoder.attention_weights)).clone()
        seen, word = [], torch.tensor([[bos]])
        while len(seen) < max_steps and word.item() != eos:
            logits, state = model.decoder(word, state)
            seen.append([torch.stack(tuple(weights))[:, :, 0] for weights in model.decoder.attention_weights])
            word = logits[:, -1].argmax(dim=1, keepdim=True)
    for module, training in modes.items():
        module.training = training
    layers, heads, _ = seen[0][0].shape
    own = encoder.new_zeros(layers, heads, len(seen), len(seen))
    for t, (weights, _) in enumerate(seen):
        own[:, :, t, : t + 1] = weights
    return {"encoder": encoder, "decoder_self": own, "cross": torch.stack([cross for _, cross in seen], dim=2)}
