"""Mean and variance written out; the dropout a function."""

from torch import nn


class AddNorm(nn.Module):
    def __init__(self, normalized_shape, dropout):
        super().__init__()
        try:
            (size,) = normalized_shape
        except TypeError:
            size = normalized_shape
        self.rate = dropout
        self.ln = nn.LayerNorm(size)

    def forward(self, X, Y):
        Z = X + nn.functional.dropout(Y, self.rate, self.training)
        centred = Z - Z.mean(dim=2, keepdim=True)
        deviation = (Z.var(dim=2, keepdim=True, correction=0) + self.ln.eps).sqrt()
        return centred / deviation * self.ln.weight + self.ln.bias
