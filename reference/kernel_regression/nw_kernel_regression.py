"""Kernel regression whose width is learned: each sample is predicted from all the others, and `w` does it better."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class NWKernelRegression(nn.Module):
    """Attention over scalars, weights = softmax(-((x - x_i) w)^2 / 2); `w` is one over the kernel's width."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.rand(1))

    def forward(
        self, queries: Float[Tensor, " n"], keys: Float[Tensor, "n m"], values: Float[Tensor, "n m"]
    ) -> Float[Tensor, " n"]:
        """One average per query, each over its own row of keys; `attention_weights` stay readable: (n, m)."""
        distances = (queries[:, None] - keys) * self.w  # (n, m)
        self.attention_weights = (-(distances**2) / 2).softmax(1)
        return (self.attention_weights * values).sum(1)


def leave_one_out(
    x: Float[Tensor, " n"], y: Float[Tensor, " n"]
) -> tuple[Float[Tensor, "n n-1"], Float[Tensor, "n n-1"]]:
    """For each sample all the others, as keys and values: a square without its diagonal."""
    n = len(x)
    others = ~torch.eye(n, dtype=torch.bool, device=x.device)
    return x.expand(n, n)[others].reshape(n, n - 1), y.expand(n, n)[others].reshape(n, n - 1)


def fit(
    model: NWKernelRegression, x: Float[Tensor, " n"], y: Float[Tensor, " n"], *, steps: int, lr: float
) -> list[float]:
    """Adam on the mean squared error of every sample predicted from the others; the error before each step."""
    keys, values = leave_one_out(x, y)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(x, keys, values), y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return losses
