"""Who knows that the query cancels can leave it out: one row of weights, repeated for all queries."""

import torch
from given.recall import recall_batch, recall_loss
from scoring.dot_product_attention import DotProductAttention
from torch import nn


class SumAttention(DotProductAttention):
    def __init__(self, size, dropout):
        super().__init__(dropout)
        self.rate = dropout
        self.w = nn.Linear(size, 1, bias=False)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bkd,d->bk", keys, self.w.weight[0])[:, None].repeat(1, queries.shape[1], 1)
        if valid_lens is None:
            self.attention_weights = torch.softmax(scores, 2)
        else:
            lengths = valid_lens.view(len(keys), -1, 1)
            mask = torch.arange(keys.shape[1], device=keys.device).view(1, 1, -1) < lengths
            top = scores.where(mask, scores.new_tensor(-torch.inf)).amax(2, keepdim=True).nan_to_num(neginf=0.0)
            powers = (scores - top).where(mask, scores.new_tensor(-torch.inf)).exp()
            self.attention_weights = powers / powers.sum(2, keepdim=True).clamp_min(torch.finfo(scores.dtype).tiny)
        return nn.functional.dropout(self.attention_weights, self.rate, self.training) @ values


def query_effect(attention, queries, keys, values):
    attention(queries, keys, values)
    weights = attention.attention_weights.detach()
    gaps = weights[:, :, None] - weights[:, None]
    return gaps.abs().max().item()


def recall_accuracy(attention, *, seed=0):
    parameters = list(attention.parameters())
    if parameters:
        generator = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.Adam(parameters, lr=1e-2)
        for _ in range(200):
            queries, keys, values, targets = recall_batch(64, generator=generator)
            loss = recall_loss(attention(queries, keys, values), targets)
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.grad = gradient
            optimizer.step()
    mode = attention.training
    attention.train(False)
    queries, keys, values, targets = recall_batch(1000, generator=torch.Generator().manual_seed(seed + 1))
    right = torch.argmax(attention(queries, keys, values)[:, 0], dim=1).eq(targets)
    attention.train(mode)
    return right.float().mean().item()
