"""Einsum over the features; a ReLU that works in place on its own tensor."""

import torch
from torch import nn


class PositionWiseFFN(nn.Module):
    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__()
        self.dense1 = nn.Linear(ffn_num_input, ffn_num_hiddens)
        self.relu = nn.ReLU(inplace=True)
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs)

    def forward(self, X):
        hiddens = self.relu(torch.einsum("bni,hi->bnh", X, self.dense1.weight) + self.dense1.bias)
        return torch.einsum("bnh,oh->bno", hiddens, self.dense2.weight) + self.dense2.bias
