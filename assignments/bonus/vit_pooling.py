"""# Pooling instead of a class token

Your vision transformer reads its answer off a class token that has gathered what it needs. Do you need that token? The
head could as well read the *mean* of the patches. And while you are at it: does your model get its answers by attention
at all? Nothing tells you as clearly as taking it out. You build both, train all of them, and report what comes out.

1. `MeanViT` is called with the arguments of `ViT`. It has no `cls_token`, so its `pos_embedding` is `(1, patches,
   num_hiddens)`; the other submodules are those of `ViT`, under the same names (you may subclass it). Patches get their
   positions and `dropout`, go through `blks`, and then comes the mean over the patches, then `norm`, then `head`.
2. `ablate_attention(model)` takes a `ViT` or a `MeanViT` and returns a deep copy in which the attention of each block
   adds nothing, while everything else is as before, with the same weights. Parameters set to zero would learn to attend
   again, so the copy has no parameters named `blks.<i>.attention...` any more. The model itself stays as it is.
3. `pooling_report(models, train_images, train_labels, test_images, test_labels, *, steps, batch_size, lr, seed)` trains
   each of `models`, a dictionary from names to models, in place, and returns a dictionary from the same names to
   accuracies: the share of right answers on the test images, as a float. Every model is trained in the same way:
   * a `torch.Generator` with `seed`, and in each step the batch `torch.randint(len(train_images), (batch_size,),
     generator=generator)`, so that all models see the same images in the same order;
   * cross-entropy (its mean over the batch) and `torch.optim.Adam` with the learning rate `lr`, for `steps` steps, in
     training mode; the accuracy is measured in evaluation mode.
* *Beyond the book:* the images and labels that you are given stay as they are, and the copy without attention keeps
  the mode and the dtype of its model.

In the end your report is made of the digits of `given/digits.py`, with both poolings, each with and without attention,
and the graders run the trained models again to see whether your numbers are right. Before you run it, write down which
of the four you think will be best, and which will be no better than chance. There is a written question about the
result beside this exercise, in `vit_pooling.md`. (Keep the import of `ViT`: the graders make their models from it.)

Example: an image of 8 x 8 pixels with a `patch_size` of 4 has 4 patches. A `MeanViT` of width 32 makes them
`(batch, 4, 32)`, its blocks leave the shape as it is, and the mean is `(batch, 32)`. If 3 of 4 test images are read
right by the model `"mean"`, then `pooling_report({"mean": model}, ...)` is `{"mean": 0.75}`.
"""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformer.vision_transformer import ViT


class MeanViT(nn.Module):
    """A vision transformer whose head reads the mean of the patches."""

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
        """Make what `ViT` has, without `cls_token` and its position."""
        super().__init__()
        ...

    def forward(self, X: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch num_classes"]:
        """The logits, read off the mean of the patches."""
        ...


def ablate_attention(model: nn.Module) -> nn.Module:
    """A copy of the model whose blocks have no attention."""
    ...


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
    ...
