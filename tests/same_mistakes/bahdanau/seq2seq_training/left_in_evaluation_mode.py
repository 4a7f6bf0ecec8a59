"""Words are appended to lists in evaluation mode."""

import math

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam, sgd

__all__ = ["EncoderDecoder", "Seq2SeqAttentionDecoder", "Seq2SeqEncoder", "adam", "sgd"]


def masked_cross_entropy(logits, labels, valid_lens):
    batch, steps = labels.shape
    costs = -logits.log_softmax(dim=2).gather(2, labels.unsqueeze(2)).squeeze(2)
    weights = (torch.arange(steps).repeat(batch, 1) < valid_lens.reshape(batch, 1)).to(costs)
    return (costs * weights).sum() / weights.sum()


def teacher_forcing_inputs(labels, bos):
    inputs = torch.roll(labels, shifts=1, dims=1)
    inputs[:, 0] = bos
    return inputs


def train_step(model, optimizer, batch, bos, clip=1.0):
    src, src_lens, labels, label_lens = batch
    model.train()
    optimizer.zero_grad()
    predicted, _ = model(src, teacher_forcing_inputs(labels, bos), src_lens)
    loss = masked_cross_entropy(predicted, labels, label_lens)
    loss.backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = math.sqrt(sum(float((grad**2).sum()) for grad in grads))
    if norm > clip:
        for grad in grads:
            grad.mul_(clip / norm)
    optimizer.step()
    return float(loss)


def greedy_decode(model, src, src_lens, bos, eos, max_steps):
    model.eval()
    sentences = [[] for _ in src]
    done = [False for _ in src]
    with torch.no_grad():
        state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
        word = torch.full((len(src), 1), bos)
        for _ in range(max_steps):
            scores, state = model.decoder(word, state)
            word = scores.argmax(2)
            for i, token in enumerate(word[:, 0].tolist()):
                done[i] = done[i] or token == eos
                if not done[i]:
                    sentences[i].append(token)
    return sentences


def bleu(pred, label, k):
    said, wanted = pred.split(), label.split()
    if len(said) == 0:
        return 0.0
    result = math.exp(min(0, 1 - len(wanted) / len(said)))
    for n in range(1, min(k, len(wanted)) + 1):
        pool = [wanted[i : i + n] for i in range(len(wanted) - n + 1)]
        runs = [said[i : i + n] for i in range(len(said) - n + 1)]
        matches = 0
        for run in runs:
            if run in pool:
                pool.remove(run)
                matches += 1
        result *= (matches / len(runs) if runs else 0.0) ** (1 / 2**n)
    return result
