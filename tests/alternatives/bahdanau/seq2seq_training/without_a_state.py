"""The loss takes one sentence at a time; decoding keeps no state, and reads its words again at every step."""

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam, sgd
from torch import nn

__all__ = ["EncoderDecoder", "Seq2SeqAttentionDecoder", "Seq2SeqEncoder", "adam", "sgd"]


def masked_cross_entropy(logits, labels, valid_lens):
    rows = zip(logits.log_softmax(-1), labels, valid_lens.tolist(), strict=True)
    return torch.cat([-logs[range(min(n, len(row))), row[:n]] for logs, row, n in rows]).mean()


def teacher_forcing_inputs(labels, bos):
    return nn.functional.pad(labels, (1, -1), value=bos)


def train_step(model, optimizer, batch, bos, clip=1.0):
    was_training = model.training
    model.train()
    model.zero_grad()
    logits = model(batch[0], teacher_forcing_inputs(batch[2], bos), batch[1])[0]
    loss = masked_cross_entropy(logits, *batch[2:])
    loss.backward()
    length = nn.utils.parameters_to_vector(p.grad for p in model.parameters()).norm()
    for p in model.parameters():
        p.grad.mul_(torch.clamp(clip / length, max=1))
    optimizer.step()
    model.train(was_training)
    return loss.detach().tolist()


def greedy_decode(model, src, src_lens, bos, eos, max_steps):
    was_training = model.training
    model.eval()
    words = src.new_full((src.shape[0], 1), bos)
    with torch.no_grad():
        for _ in range(max_steps):
            likeliest = model(src, words, src_lens)[0].argmax(-1)
            words = torch.hstack((words, likeliest[:, -1:]))
    model.train(was_training)
    return [until(row[1:], eos) for row in words.tolist()]


def until(row, eos):
    return row[: [*row, eos].index(eos)]


def bleu(pred, label, k):
    pred, label = pred.split(), label.split()
    if not pred:
        return 0.0
    score = float(torch.exp(torch.tensor(min(0.0, 1 - len(label) / len(pred)), dtype=torch.float64)))
    for n in range(1, min(k, len(label)) + 1):
        score *= precision(runs(pred, n), runs(label, n)) ** (1 / 2**n)
    return score


def runs(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def precision(found, left):
    matched = 0
    for run in found:
        if run in left:
            left.remove(run)
            matched += 1
    return matched / len(found) if found else 0
