"""Two einsums over matrices, and nothing else."""

import torch
from torch import nn


class PositionWiseFFN(nn.Module):
    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__()
        self.dense1 = nn.Linear(ffn_num_input, ffn_num_hiddens, bias=False)
        self.relu = nn.ReLU()
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs, bias=False)

    def forward(self, X):
        hiddens = torch.einsum("bpi,hi->bph", X, self.dense1.weight)
        hiddens = torch.maximum(hiddens, torch.zeros_like(hiddens))
        return torch.einsum("bph,oh->bpo", hiddens, self.dense2.weight)
