"""All positions are rows of one matrix, and stay so."""

import torch
from torch import nn


class PositionWiseFFN(nn.Module):
    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__()
        self.dense1 = nn.Linear(ffn_num_input, ffn_num_hiddens)
        self.relu = nn.ReLU()
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs)

    def forward(self, X):
        rows = X.reshape(-1, X.shape[2])
        hiddens = torch.einsum("ri,hi->rh", rows, self.dense1.weight) + self.dense1.bias
        hiddens = torch.maximum(hiddens, torch.zeros_like(hiddens))
        return torch.einsum("rh,oh->ro", hiddens, self.dense2.weight) + self.dense2.bias
