"""# Training the transformer

All parts are there: an encoder that reads, a decoder that writes, a loss and a training step. Here they become a model
that learns to translate dates in 200 steps and a few seconds. One habit is new. At first a transformer does not know
where to look, and Adam takes steps of full length however little a gradient can be trusted. So the learning rate *warms
up*: it starts small, rises in equal steps and then stays. (A model of one layer forgives you if you leave that out;
do not count on it.) At the end you look inside: which words did each head look at, while it read and while it wrote?

Write three functions. The sizes come from a `TransformerConfig` of `given/config.py`; data are `Pairs` of
`given/dates.py` (needs Babel) or `given/reversal.py`: source, its lengths, labels, their lengths.

1. `build_transformer(config)`: an `EncoderDecoder` of your encoder, for the source's vocabulary, and your decoder, for
   the target's. Everything is `num_hiddens` wide but the inner layer of the networks, `ffn_num_hiddens`. Attention has
   no biases, and the two halves share no parameter.
2. `fit(model, data, *, steps, lr, warmup, clip, generator)`: `steps` training steps with one Adam (`adam` of
   `given/seq2seq.py`) for all parameters, starting from `BOS`, with gradients clipped to the norm `clip`. Every batch
   is `minibatch(data, BATCH_SIZE, generator=generator)`, one draw for each step and no other, so that the same
   generator means the same run. Step k (the first is k = 1) has the learning rate `lr * k / warmup` as long as k is
   below `warmup`, and `lr` from then on. Returns the list of losses, floats, each from before its step.
3. `collect_attention(model, src, src_lens, max_steps, bos, eos)`: let the model translate one sentence, `src` of shape
   `(1, S)`, and return all attention weights, none averaged, in a dictionary: `"encoder"` `(layers, heads, S, S)`,
   `"decoder_self"` `(layers, heads, T, T)` and `"cross"` `(layers, heads, T, S)`. Translation is greedy, so dropout
   takes no part. Row t belongs to the step that chose word t, whose input was `bos` or the word before: there is one
   row for every word, and one for `eos` if it comes within `max_steps` steps. A step cannot look at later ones: zeros.

*Beyond the book,* which has a fixed learning rate: `warmup=0` means no warm-up. It writes to nothing that it was handed
either: `fit` leaves the data alone; `collect_attention` leaves the model in the mode that it was in, training or
evaluation, and its results carry no graph.

A model that reaches a loss near 0 and then cannot write a sentence has seen the answers while it trained. Is that your
model? The second task, saying sequences backwards, finds it out at once.

Example: with `lr=0.1` and `warmup=4` the first six steps have the rates 0.025, 0.05, 0.075, 0.1, 0.1, 0.1. And a
model that answers a source of 5 tokens with the words 7, 4 and then `eos` took 3 steps, with the inputs `bos`, 7, 4. If
it has 2 layers of 4 heads, `"encoder"` is `(2, 4, 5, 5)`, `"decoder_self"` `(2, 4, 3, 3)` and `"cross"` `(2, 4, 3, 5)`.
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
    ...


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
    ...


def collect_attention(
    model: EncoderDecoder, src: Int[Tensor, "1 source"], src_lens: Int[Tensor, "1"], max_steps: int, bos: int, eos: int
) -> dict[str, Float[Tensor, "layers heads queries keys"]]:
    """All weights while one sentence is translated: `encoder`, `decoder_self` and `cross`."""
    ...
