"""Entry by entry, for a table whose second half is cosines."""

import torch


def shift_matrix(delta, num_hiddens):
    M = torch.zeros(num_hiddens, num_hiddens, dtype=torch.float64)
    for j in range(num_hiddens // 2):
        angle = torch.tensor(delta / 10000 ** (2 * j / num_hiddens), dtype=torch.float64)
        k = j + num_hiddens // 2
        M[j, j] = M[k, k] = torch.cos(angle)
        M[j, k], M[k, j] = torch.sin(angle), -torch.sin(angle)
    return M
