"""Right, and chatty: prints at every call and warns; neither costs a point."""

import warnings

import torch

print("hello from lena's file")


def masked_softmax(X, valid_lens=None):
    print("scores", X.shape, "lengths", valid_lens)
    warnings.warn("this is only a warning", stacklevel=2)
    lengths = torch.full((X.shape[0],), X.shape[-1]) if valid_lens is None else valid_lens
    keep = torch.arange(X.shape[-1]).to(X.device) < lengths.to(X.device).reshape(X.shape[0], -1, 1)
    return X.masked_fill(~keep, -torch.inf).softmax(-1).nan_to_num(0.0)
