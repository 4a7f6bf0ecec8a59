"""Train on the truth, decode on one's own words, and judge by what came out.

In training the decoder is shown the right words, one place later; in decoding its own best guesses.
"""

from __future__ import annotations

from collections import Counter
from itertools import takewhile
from math import exp

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam, sgd
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = [  # the tools of training are at hand for whoever has this file
    "EncoderDecoder",
    "Seq2SeqAttentionDecoder",
    "Seq2SeqEncoder",
    "adam",
    "bleu",
    "greedy_decode",
    "masked_cross_entropy",
    "sgd",
    "teacher_forcing_inputs",
    "train_step",
]

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
    valid = torch.arange(labels.shape[1], device=labels.device) < valid_lens[:, None]  # (batch, steps)
    return nn.functional.cross_entropy(logits[valid], labels[valid])


def teacher_forcing_inputs(labels: Int[Tensor, "batch steps"], bos: int) -> Int[Tensor, "batch steps"]:
    """What the decoder sees while it is to say `labels`: `bos`, then every label but the last."""
    return torch.cat((torch.full_like(labels[:, :1], bos), labels[:, :-1]), dim=1)


def train_step(
    model: EncoderDecoder, optimizer: torch.optim.Optimizer, batch: Batch, bos: int, clip: float = 1.0
) -> float:
    """One step of the optimizer along the gradient, whose norm is at most `clip`; returns the loss before it."""
    src, src_lens, labels, label_lens = batch
    model.train()
    logits, _ = model(src, teacher_forcing_inputs(labels, bos), src_lens)
    loss = masked_cross_entropy(logits, labels, label_lens)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def greedy_decode(
    model: EncoderDecoder,
    src: Int[Tensor, "batch src_steps"],
    src_lens: Int[Tensor, " batch"],
    bos: int,
    eos: int,
    max_steps: int,
) -> list[list[int]]:
    """The likeliest word, again and again, until `eos` (which is left out) or for `max_steps` words."""
    training = model.training
    model.eval()
    words = [torch.full_like(src[:, :1], bos)]  # each (batch, 1)
    state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
    for _ in range(max_steps):
        logits, state = model.decoder(words[-1], state)
        words.append(logits.argmax(dim=-1))
    model.train(training)
    return [list(takewhile(lambda word: word != eos, row[1:])) for row in torch.cat(words, dim=1).tolist()]


def bleu(pred: str, label: str, k: int) -> float:
    """How many of the prediction's n-grams up to length k the label has; Papineni et al., 2002, with weights 1/2^n."""
    predicted, wanted = pred.split(), label.split()
    if not predicted:
        return 0.0
    score = exp(min(0.0, 1 - len(wanted) / len(predicted)))
    for n in range(1, min(k, len(wanted)) + 1):
        found = _ngrams(predicted, n)
        precision = (found & _ngrams(wanted, n)).total() / max(1, found.total())
        score *= precision ** (0.5**n)
    return score


def _ngrams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    """Every run of n words, and how often it occurs."""
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))
