"""Ways to get heads into the wrong rows, and back to the wrong places."""

from __future__ import annotations

import torch
from multihead.head_reshape import transpose_output as _output
from multihead.head_reshape import transpose_qkv as _qkv

from headcheck.properties import misconception


@misconception(of="transpose_qkv")
def reshaped_without_moving(X, num_heads):
    """You reshaped without moving an axis, so each row holds all the heads of a few positions. Which axis has to go
    next to the batch before the two can merge?
    """
    batch, positions, hiddens = X.shape
    return X.reshape(batch * num_heads, positions, hiddens // num_heads)


@misconception(of="transpose_qkv")
def heads_before_examples(X, num_heads):
    """Your rows are ordered head by head. The heads of one example were to stay together: what comes after row 0?"""
    return torch.cat(X.tensor_split(num_heads, -1)) if X.shape[2] % num_heads == 0 else _qkv(X, num_heads)


@misconception(of="transpose_qkv")
def heads_interleaved(X, num_heads):
    """You gave head i every num_heads-th feature. A head owns neighbours: which of the two new axes comes first?"""
    if X.shape[2] % num_heads:
        return _qkv(X, num_heads)
    return _qkv(X.unflatten(2, (-1, num_heads)).transpose(2, 3).flatten(2), num_heads)


@misconception(of="transpose_qkv")
def heads_in_reverse(X, num_heads):
    """Your heads are numbered from the back. Which features belong to head 0?"""
    return _qkv(X, num_heads).unflatten(0, (-1, num_heads)).flip(1).flatten(0, 1)


@misconception(of="transpose_qkv")
def batch_and_positions_swapped(X, num_heads):
    """You merged heads with positions instead of examples. What is attended over, and what is independent anyway?"""
    return _qkv(X.transpose(0, 1), num_heads)


@misconception(of="transpose_qkv")
def positions_and_features_swapped(X, num_heads):
    """You brought the features before the positions and reshaped. Which axis should a row still have in its middle?"""
    batch, positions, hiddens = X.shape
    heads = X.reshape(batch, positions, num_heads, -1).permute(0, 2, 3, 1)
    return heads.reshape(batch * num_heads, positions, hiddens // num_heads)


@misconception(of="transpose_qkv")
def heads_not_merged(X, num_heads):
    """You moved the heads beside the batch and left two axes there. How does attention expect a batch?"""
    return _qkv(X, num_heads).unflatten(0, (-1, num_heads))


@misconception(of="transpose_qkv")
def whole_width_for_every_head(X, num_heads):
    """You copied all features to every head. How many features has one head?"""
    return X.repeat_interleave(num_heads, 0)


@misconception(of="transpose_qkv")
def first_slice_for_every_head(X, num_heads):
    """All your heads see the same slice of the features. Where does the slice of head i begin?"""
    return X[..., : X.shape[2] // num_heads].repeat_interleave(num_heads, 0)


@misconception(of="transpose_qkv")
def contiguous_features_assumed(X, num_heads):
    """You read the numbers as they lie in memory. What if X is the transpose of something?"""
    if X.shape[2] % num_heads:
        return _qkv(X, num_heads)
    batch, positions, hiddens = X.shape
    size = hiddens // num_heads
    heads = X.as_strided((batch, num_heads, positions, size), (positions * hiddens, size, hiddens, 1))
    return heads.reshape(batch * num_heads, positions, size)


@misconception(of="transpose_qkv")
def viewed_as_one_list_of_positions(X, num_heads):
    """Your `view` asks for numbers that are neighbours in memory. Which method copies them if they are not?"""
    batch, positions, hiddens = X.shape
    if hiddens % num_heads:
        return _qkv(X, num_heads)
    heads = X.view(batch * positions, num_heads, -1).reshape(batch, positions, num_heads, -1)
    return heads.transpose(1, 2).reshape(batch * num_heads, positions, -1)


@misconception(of="transpose_qkv")
def axes_of_size_one_dropped(X, num_heads):
    """You squeezed the result, and with a single position an axis is gone. Which shape was promised?"""
    return _qkv(X, num_heads).squeeze()


@misconception(of="transpose_qkv")
def scaled_on_the_way(X, num_heads):
    """You divided by the root of the head's size. It is scores that are scaled: what was to happen here?"""
    rows = _qkv(X, num_heads)
    return rows / rows.shape[2] ** 0.5


@misconception(of="transpose_qkv")
def through_float32(X, num_heads):
    """You made float32 of whatever came in. Was anything to be computed that needs it?"""
    return _qkv(X.float(), num_heads)


@misconception(of="transpose_qkv")
def cut_from_the_graph(X, num_heads):
    """You left the graph, so the projections in front of the heads cannot learn. Which call does that?"""
    return _qkv(X.detach(), num_heads)


@misconception(of="transpose_output")
def merged_without_moving(X, num_heads):
    """You merged without moving the axis of heads back, so positions and heads are mixed. Which two axes must be
    neighbours to become the features?
    """
    rows, positions, size = X.shape
    if rows % num_heads:
        return _output(X, num_heads)
    return X.reshape(rows // num_heads, positions, num_heads * size)


@misconception(of="transpose_output")
def examples_taken_apart(X, num_heads):
    """You took the rows to be ordered head by head, so heads of different examples merge. Whose is row 1?"""
    return torch.cat(X.tensor_split(num_heads), -1) if len(X) % num_heads == 0 else _output(X, num_heads)


@misconception(of="transpose_output")
def features_interleaved(X, num_heads):
    """You put the first features of all heads first. Those of one head stay together: which axis is last?"""
    return _output(X, num_heads).unflatten(2, (num_heads, -1)).transpose(2, 3).flatten(2)


@misconception(of="transpose_output")
def heads_put_back_in_reverse(X, num_heads):
    """You put the heads side by side from the last to the first. Which features did head 0 come from?"""
    return _output(X, num_heads).unflatten(2, (num_heads, -1)).flip(2).flatten(2)


@misconception(of="transpose_output")
def heads_averaged(X, num_heads):
    """You averaged the heads, and what each of them has found is lost. Whose task is it to mix them?"""
    return _output(X, num_heads).unflatten(2, (num_heads, -1)).mean(2)


@misconception(of="transpose_output")
def same_way_again(X, num_heads):
    """You did the same as on the way there. Splitting twice does not merge: which axis is to be split this time?"""
    return _qkv(X, num_heads)


@misconception(of="transpose_output")
def heads_still_apart(X, num_heads):
    """You left the heads on an axis of their own. Which shape did the features have before they were split?"""
    return _output(X, num_heads).unflatten(2, (num_heads, -1))


@misconception(of="transpose_output")
def contiguous_rows_assumed(X, num_heads):
    """You read the numbers as they lie in memory. What if X is the transpose of something?"""
    if len(X) % num_heads:
        return _output(X, num_heads)
    rows, positions, size = X.shape
    heads = X.as_strided(
        (rows // num_heads, positions, num_heads, size), (num_heads * positions * size, size, positions * size, 1)
    )
    return heads.flatten(2)


@misconception(of="transpose_output")
def features_cut_from_the_graph(X, num_heads):
    """You left the graph, so nothing in front of this can learn. Which call does that?"""
    return _output(X.detach(), num_heads)


@misconception(of="transpose_output")
def features_squeezed(X, num_heads):
    """You squeezed the result, and with a single example an axis is gone. Which shape was promised?"""
    return _output(X, num_heads).squeeze()


@misconception(of="transpose_output")
def features_through_float32(X, num_heads):
    """You made float32 of whatever came in. Was anything to be computed that needs it?"""
    return _output(X.float(), num_heads)


@misconception(of="transpose_qkv", group="robust")
def left_over_features_dropped(X, num_heads):
    """When the heads do not divide the features, you drop the rest without a word. Who will ever notice?"""
    return _qkv(X[..., : X.shape[2] // num_heads * num_heads], num_heads)


@misconception(of="transpose_qkv", group="robust")
def error_left_to_reshape(X, num_heads):
    """You leave it to PyTorch to fail, as the book does, and its message speaks of shapes that the caller never chose.
    Who knows what went wrong?
    """
    batch, positions, _ = X.shape
    return X.reshape(batch, positions, num_heads, -1).transpose(1, 2).flatten(0, 1)


@misconception(of="transpose_qkv", group="robust")
def heads_written_over_the_argument(X, num_heads):
    """You wrote the heads into the tensor you were given. What if the caller still needs it?"""
    rows = _qkv(X, num_heads).clone()
    X.data.copy_(rows.reshape(X.shape))
    return rows


@misconception(of="transpose_output", group="robust")
def left_over_rows_dropped(X, num_heads):
    """When the rows are no whole number of examples, you drop the rest without a word. Who will ever notice?"""
    return _output(X[: len(X) // num_heads * num_heads], num_heads)


@misconception(of="transpose_output", group="robust")
def features_written_over_the_argument(X, num_heads):
    """You wrote the features into the tensor you were given. What if the caller still needs it?"""
    features = _output(X, num_heads).clone()
    X.data.copy_(features.reshape(X.shape))
    return features
