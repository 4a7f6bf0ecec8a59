"""Row |delta| of a table in float64 holds all sines and cosines that are needed; a step back is the transpose."""

import torch


def shift_matrix(delta, num_hiddens):
    speed = 1 / 10000 ** (torch.arange(0, num_hiddens, 2, dtype=torch.float64) / num_hiddens)
    table = torch.outer(torch.arange(abs(delta) + 1, dtype=torch.float64), speed)
    sin, cos = torch.sin(table[-1]), torch.cos(table[-1])
    matrix = torch.kron(torch.diag(cos), torch.eye(2)) + torch.kron(torch.diag(sin), torch.tensor([[0, 1], [-1, 0]]))
    return (matrix if delta >= 0 else matrix.T).to(torch.float64)
