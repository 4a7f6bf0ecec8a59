"""Masks are weights; gradients are taken, shortened and handed over by hand; decoding marks what is done."""

import collections
import math

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam, sgd

__all__ = ["EncoderDecoder", "Seq2SeqAttentionDecoder", "Seq2SeqEncoder", "adam", "sgd"]


def masked_cross_entropy(logits, labels, valid_lens):
    steps = torch.arange(labels.size(1)).expand_as(labels)
    weights = (steps < valid_lens.unsqueeze(1)).to(logits.dtype)
    scores = logits.gather(2, labels.unsqueeze(2)).squeeze(2)
    losses = logits.logsumexp(2) - scores
    return (losses * weights).sum() / weights.sum()


def teacher_forcing_inputs(labels, bos):
    inputs = labels.roll(1, dims=1)
    inputs[:, 0] = bos
    return inputs


def train_step(model, optimizer, batch, bos, clip=1.0):
    src, src_lens, labels, label_lens = batch
    model.train()
    logits, _ = model(src, teacher_forcing_inputs(labels, bos), src_lens)
    loss = masked_cross_entropy(logits, labels, label_lens)
    parameters = [p for p in model.parameters() if p.requires_grad]
    grads = torch.autograd.grad(loss, parameters)
    norm = math.sqrt(sum(float((g * g).sum()) for g in grads))
    factor = clip / norm if norm > clip else 1.0
    for p, g in zip(parameters, grads, strict=True):
        p.grad = g * factor
    optimizer.step()
    optimizer.zero_grad()
    return float(loss)


def greedy_decode(model, src, src_lens, bos, eos, max_steps):
    training = model.training
    model.eval()
    sentences = [[] for _ in range(len(src))]
    done = [False] * len(src)
    with torch.inference_mode():
        state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
        words = torch.tensor([[bos]] * len(src))
        for _ in range(max_steps):
            logits, state = model.decoder(words, state)
            words = logits[:, -1].topk(1).indices
            for i, word in enumerate(words.flatten().tolist()):
                done[i] = done[i] or word == eos
                if not done[i]:
                    sentences[i].append(word)
            if all(done):
                break
    model.train(training)
    return sentences


def bleu(pred, label, k):
    pred, label = pred.split(), label.split()
    if len(pred) == 0:
        return 0.0
    log_score = min(0, 1 - len(label) / len(pred))
    for n in range(1, k + 1):
        if n > len(label):
            break
        left = collections.defaultdict(int)
        for i in range(len(label) - n + 1):
            left[" ".join(label[i : i + n])] += 1
        matches = 0
        for i in range(len(pred) - n + 1):
            run = " ".join(pred[i : i + n])
            if left[run] > 0:
                left[run] -= 1
                matches += 1
        if matches == 0:
            return 0.0
        log_score += math.log(matches / (len(pred) - n + 1)) / 2**n
    return math.exp(log_score)
