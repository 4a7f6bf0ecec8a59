"""Instead of asking one token what it has gathered, ask all patches and take the mean of what they say.

Whether they have to talk to each other first is another question; a model without its attention answers that.
"""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformer.vision_transformer import ViT


class MeanViT(ViT):
    """A vision transformer without a class token: the head reads the mean of the patches."""

    def __init__(
        self,
        img_size: int,
        patch_size: int,
        num_hiddens: int,
        ffn_num_hiddens: int,
        num_heads: int,
        num_layers: int,
        num_classes: int,
        dropout: float,
    ) -> None:
        super().__init__(
            img_size, patch_size, num_hiddens, ffn_num_hiddens, num_heads, num_layers, num_classes, dropout
        )
        del self.cls_token
        self.pos_embedding = nn.Parameter(self.pos_embedding[:, 1:].detach().clone())

    def forward(self, X: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch num_classes"]:
        """The logits, read off the mean of the patches."""
        patches = self.dropout(self.patch_embedding(X) + self.pos_embedding)  # (batch, patches, num_hiddens)
        for block in self.blks:
            patches = block(patches)
        output: Tensor = self.head(self.norm(patches.mean(1)))  # (batch, num_classes)
        return output


class Nothing(nn.Module):
    """Stands where attention stood, and adds nothing."""

    def forward(self, queries: Float[Tensor, "batch queries size"], *_: object) -> Float[Tensor, "batch queries size"]:
        """Zeros."""
        return torch.zeros_like(queries)


def ablate_attention(model: nn.Module) -> nn.Module:
    """A copy of the model whose blocks have no attention."""
    ablated = copy.deepcopy(model)
    for block in ablated.get_submodule("blks").children():
        block.attention = Nothing()
    return ablated


def pooling_report(
    models: dict[str, nn.Module],
    train_images: Float[Tensor, "trained 1 size size"],
    train_labels: Int[Tensor, " trained"],
    test_images: Float[Tensor, "tested 1 size size"],
    test_labels: Int[Tensor, " tested"],
    *,
    steps: int = 150,
    batch_size: int = 64,
    lr: float = 5e-3,
    seed: int = 0,
) -> dict[str, float]:
    """Train each model on the same batches, and tell how many of the test images it gets right."""
    accuracies = {}
    for name, model in models.items():
        generator = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        model.train()
        for _ in range(steps):
            batch = torch.randint(len(train_images), (batch_size,), generator=generator)
            loss = nn.functional.cross_entropy(model(train_images[batch]), train_labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracies[name] = (model(test_images).argmax(1) == test_labels).double().mean().item()
    return accuracies
