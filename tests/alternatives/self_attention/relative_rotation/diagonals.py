"""Three diagonals: cosines on the main one, sines beside it where a pair meets itself."""

import torch


def shift_matrix(delta, num_hiddens):
    column = torch.arange(num_hiddens, dtype=torch.double)
    angles = delta * torch.exp(-(column - column % 2) / num_hiddens * torch.log(torch.tensor(1e4).double()))
    beside = angles[:-1].sin() * (column[:-1] % 2 == 0)
    return torch.diag(angles.cos()) + torch.diag(beside, 1) - torch.diag(beside, -1)
