"""Two einsums, with a tanh by its formula between them."""

import torch
from torch import nn


class PositionWiseFFN(nn.Module):
    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__()
        self.dense1 = nn.Linear(ffn_num_input, ffn_num_hiddens)
        self.relu = nn.ReLU()
        self.dense2 = nn.Linear(ffn_num_hiddens, ffn_num_outputs)

    def forward(self, X):
        hiddens = torch.einsum("bpi,hi->bph", X, self.dense1.weight) + self.dense1.bias
        hiddens = 2 * torch.sigmoid(2 * hiddens) - 1
        return torch.einsum("bph,oh->bpo", hiddens, self.dense2.weight) + self.dense2.bias
