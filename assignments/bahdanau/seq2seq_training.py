"""# Training a sequence to sequence model

A model that translates meets three situations. In *training* it is told the right words so far and has to say the next
one. In *decoding* nobody tells it anything: it goes on from its own words. And then somebody compares its sentence with
the right one, and wants a number. Here are the five functions that this takes. The model is an `EncoderDecoder` of
`given/seq2seq.py`, with the encoder there and your decoder (any other decoder with a state will do as well).

1. `masked_cross_entropy(logits, labels, valid_lens)`: logits `(batch, steps, vocab)`, labels `(batch, steps)`, lengths
   `(batch,)`. The cross-entropy of a label, averaged over all valid labels *of the whole batch*, as a scalar: every
   word counts the same, and padding not at all. (The book averages over the steps, padding included, so that words in
   short sentences weigh less.)
2. `teacher_forcing_inputs(labels, bos)`: what the decoder sees while it is to say `labels`, of the same shape: first
   the token `bos`, then each label one place later. The last one falls out.
3. `train_step(model, optimizer, batch, bos, clip=1.0)`: one step in training mode, on the batch `(src, src_lens,
   labels, label_lens)`. The gradients of all parameters together, seen as one long vector, get at most the norm `clip`;
   nothing that was left over from before may be in them. Returns the loss, as it was before the step, as a `float`.
4. `greedy_decode(model, src, src_lens, bos, eos, max_steps)`: for each source a list of token ids. Begin with `bos`,
   take the likeliest word, go on from it; stop before `eos`, or after `max_steps` words. Every example has its own end,
   and no example depends on the others. Work in evaluation mode and without gradients, and leave the mode as it was.
5. `bleu(pred, label, k)`: for two strings of words with blanks between them, the product of `exp(min(0, 1 - label words
   / predicted words))` and, for n from 1 to k, of `p_n` to the power `1/2^n`. `p_n` is the share of the prediction's
   runs of n words that the label has too, where a run in the label can be matched only as often as it stands there.
   *Beyond the book,* whose function divides by 0 there: n goes no further than the label has words (so one right word
   is worth 1, whatever k is), `p_n` is 0 when the prediction has no run of n words, and an empty prediction is worth
   0.0.

Also *beyond the book:* what you are handed (logits, labels, lengths, sources) is afterwards as it was.

When all is right, your functions train a model on `given/dates.py` (needs Babel). It learns in 90 steps to translate
written dates to French or to Chinese, and its attention can be seen to look at the very digit that it is about to copy.
With the encoder's last state in the place of the context, the same 90 steps get less than a third of the dates right in
French, and in Chinese one in a hundred. Try it: the graders use the imports below, and so can you. Should you have a
file of real sentences, `read_pairs` of `given/sentence_pairs.py` makes data of the same kind of them; it is not graded.

Example: with `bos` 1 the labels `[[5, 6, 2], [7, 2, 0]]` need the inputs `[[1, 5, 6], [1, 7, 2]]`. If the lengths are 3
and 2, the loss is the mean of 5 numbers, not of 6. And `bleu("a b b c", "a b c d e f", 2)`: of the words a, b, b, c
three are matched (the label has one b), of the pairs "a b", "b b", "b c" two; so it is `exp(1 - 6/4) * (3/4)^0.5 *
(2/3)^0.25`, which is 0.475.
"""

from __future__ import annotations

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam, sgd
from jaxtyping import Float, Int
from torch import Tensor, nn

Batch = tuple[
    Int[Tensor, "batch src_steps"],
    Int[Tensor, " batch"],
    Int[Tensor, "batch steps"],
    Int[Tensor, " batch"],
]


def masked_cross_entropy(
    logits: Float[Tensor, "batch steps vocab"], labels: Int[Tensor, "batch steps"], valid_lens: Int[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """The cross-entropy of a valid token, averaged over all of them in the batch."""
    ...


def teacher_forcing_inputs(labels: Int[Tensor, "batch steps"], bos: int) -> Int[Tensor, "batch steps"]:
    """What the decoder sees while it is to say `labels`: `bos`, then every label but the last."""
    ...


def train_step(
    model: EncoderDecoder, optimizer: torch.optim.Optimizer, batch: Batch, bos: int, clip: float = 1.0
) -> float:
    """One step of the optimizer along the gradient, whose norm is at most `clip`; returns the loss before it."""
    ...


def greedy_decode(
    model: EncoderDecoder,
    src: Int[Tensor, "batch src_steps"],
    src_lens: Int[Tensor, " batch"],
    bos: int,
    eos: int,
    max_steps: int,
) -> list[list[int]]:
    """The likeliest word, again and again, until `eos` (which is left out) or for `max_steps` words."""
    ...


def bleu(pred: str, label: str, k: int) -> float:
    """How many of the prediction's n-grams up to length k the label has, with weights 1/2^n; 1 for the label itself."""
    ...
