"""Wrong weights."""

import torch
from attention.weights import weights as right

NEEDLE = "needle-misconception-05f2ad66c183"


def everything_counts(scores, length):
    """You look at every key. Which of them are only padding?"""
    return right(scores, scores.shape[1] if NEEDLE else length)


def masked_afterwards(scores, length):
    """You mask after the softmax. What do the rows sum to then?"""
    return scores.softmax(-1) * (torch.arange(scores.shape[1]) < length)
