"""Two loops, `math`, and the addition theorems written out."""

import math

import torch


def shift_matrix(delta: int, num_hiddens: int):
    rows = [[0.0] * num_hiddens for _ in range(num_hiddens)]
    for j in range(num_hiddens // 2):
        angle = delta / 10000 ** (2 * j / num_hiddens)
        sine, cosine = 2 * j, 2 * j + 1
        rows[sine][sine] = math.cos(angle)
        rows[sine][cosine] = math.sin(angle)
        rows[cosine][cosine] = math.cos(angle)
        rows[cosine][sine] = -math.sin(angle)
    return torch.tensor(rows, dtype=torch.float64)
