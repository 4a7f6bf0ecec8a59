"""Plain parameters under the same names, one product for all positions of all examples."""

import torch
from torch import nn


class Affine(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).normal_(0, inputs**-0.5))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, X):
        return torch.addmm(self.bias, X, self.weight.T)


class PositionWiseFFN(nn.Module):
    def __init__(self, ffn_num_input, ffn_num_hiddens, ffn_num_outputs):
        super().__init__()
        self.dense1 = Affine(ffn_num_input, ffn_num_hiddens)
        self.dense2 = Affine(ffn_num_hiddens, ffn_num_outputs)

    def forward(self, X):
        hiddens = self.dense1(X.reshape(-1, X.shape[-1]))  # (batch * positions, hiddens)
        hiddens = hiddens * (hiddens > 0)
        return self.dense2(hiddens).unflatten(0, X.shape[:2])
