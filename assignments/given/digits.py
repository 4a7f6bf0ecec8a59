"""Handwritten digits: 1797 small grey images, and which digit each shows.

They come with scikit-learn, so nothing is downloaded. Their order there is that of the people who wrote them; here it
is shuffled, always in the same way, before 1400 become training data and 397 are kept back for the test.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

NUM_CLASSES, IMG_SIZE = 10, 8
TRAINED = 1400


def digits() -> tuple[
    Float[Tensor, "1400 1 8 8"], Int[Tensor, " 1400"], Float[Tensor, "397 1 8 8"], Int[Tensor, " 397"]
]:
    """Training images and labels, test images and labels; pixels lie between 0 (paper) and 1 (ink)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        message = 'the digits are part of scikit-learn; install it with: pip install "headcheck[attention]"'
        raise ImportError(message) from error
    data, target = load_digits(return_X_y=True)
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(0))
    images = torch.tensor(data, dtype=torch.float32)[order].reshape(-1, 1, IMG_SIZE, IMG_SIZE) / 16
    labels = torch.tensor(target)[order]
    return images[:TRAINED], labels[:TRAINED], images[TRAINED:], labels[TRAINED:]
