"""Entry by entry, with a product for the quotient."""

import torch


def shift_matrix(delta, num_hiddens):
    M = torch.zeros(num_hiddens, num_hiddens, dtype=torch.float64)
    for j in range(num_hiddens // 2):
        angle = torch.tensor(delta * 10000 ** (2 * j / num_hiddens), dtype=torch.float64)
        M[2 * j, 2 * j] = M[2 * j + 1, 2 * j + 1] = torch.cos(angle)
        M[2 * j, 2 * j + 1] = torch.sin(angle)
        M[2 * j + 1, 2 * j] = -torch.sin(angle)
    return M
