"""Ways to get multi-head attention wrong."""

from math import sqrt

import torch
from multihead.head_reshape import transpose_output, transpose_qkv
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn

from headcheck.properties import misconception


class _Steps(MultiHeadAttention):
    """The right layer, step by step, so that one of the steps can go wrong."""

    def forward(self, queries, keys, values, valid_lens=None):
        q, k, v = self.project(queries, keys, values)
        found = self.attend(self.split(q), self.split(k), self.split(v), self.repeat(valid_lens))
        return self.mix(self.merge(found))

    def project(self, queries, keys, values):
        return self.W_q(queries), self.W_k(keys), self.W_v(values)

    def split(self, X):
        return transpose_qkv(X, self.num_heads)

    def repeat(self, valid_lens):
        return None if valid_lens is None else valid_lens.repeat_interleave(self.num_heads, dim=0)

    def attend(self, q, k, v, valid_lens):
        return self.attention(q, k, v, valid_lens)

    def merge(self, X):
        return transpose_output(X, self.num_heads)

    def mix(self, X):
        return self.W_o(X)


class reshape_without_transpose(_Steps):
    """You reshaped the projections straight into `batch * num_heads` rows, so a head sees features of several heads at
    a few positions. Which axis has to move next to the batch before the two are merged?
    """

    def split(self, X):
        batch, positions, width = X.shape
        return X.reshape(batch * self.num_heads, positions, width // self.num_heads)


class merge_without_transpose(_Steps):
    """You merged the heads with a bare reshape, which mixes the positions of one head. Where was the head axis before
    you split it off?
    """

    def merge(self, X):
        return X.reshape(-1, X.shape[1], self.num_heads * X.shape[2])


class features_interleaved(_Steps):
    """You dealt the features out like cards: head i has every `num_heads`-th of them. Which features lie side by side
    in a head?
    """

    def split(self, X):
        batch, positions, width = X.shape
        cards = X.reshape(batch, positions, width // self.num_heads, self.num_heads)
        return cards.permute(0, 3, 1, 2).flatten(0, 1)

    def merge(self, X):
        return X.unflatten(0, (-1, self.num_heads)).permute(0, 2, 3, 1).flatten(2)


class _HeadMajor(_Steps):
    def split(self, X):
        return X.unflatten(-1, (self.num_heads, -1)).permute(2, 0, 1, 3).flatten(0, 1)

    def merge(self, X):
        return X.unflatten(0, (self.num_heads, -1)).permute(1, 2, 0, 3).flatten(2)


class heads_outermost_but_lengths_by_example(_HeadMajor):
    """Your rows go head by head, but your lengths example by example. Which example's length does
    your second row get?
    """


class rows_ordered_by_head(_HeadMajor):
    """Your output is right, but the rows of `attention_weights` go head by head. Which row should head 1 of example 0
    have?
    """

    def repeat(self, valid_lens):
        return None if valid_lens is None else valid_lens.repeat(self.num_heads, *[1] * (valid_lens.dim() - 1))


class lengths_tiled(_Steps):
    """You repeated the lengths as a whole, one copy after the other, while the rows keep the heads of an example
    together. What should the first `num_heads` lengths be?
    """

    def repeat(self, valid_lens):
        return None if valid_lens is None else valid_lens.repeat(self.num_heads, *[1] * (valid_lens.dim() - 1))


class lengths_not_repeated(_Steps):
    """You handed on one length for each example, but the larger batch has `num_heads` rows for each. Who gets which
    length?
    """

    def repeat(self, valid_lens):
        return valid_lens


class lengths_per_query_flattened(_Steps):
    """You repeated every single number of the lengths. With one length per query, what is it that each head needs a
    copy of?
    """

    def repeat(self, valid_lens):
        return None if valid_lens is None else valid_lens.repeat_interleave(self.num_heads)


class mask_ignored(_Steps):
    """You never used `valid_lens`, so the heads look at padding. Where does the attention learn how
    long an example is?
    """

    def repeat(self, valid_lens):
        return None


class first_query_length_for_all(_Steps):
    """You used the length of the first query for all queries of an example. What does a
    `valid_lens` of two axes say?
    """

    def repeat(self, valid_lens):
        lengths = super().repeat(valid_lens)
        return lengths if lengths is None or lengths.dim() == 1 else lengths[:, 0]


class scaled_by_the_full_width(_Steps):
    """You divided the scores by the root of `num_hiddens`. How many features does the dot product
    of one head sum up?
    """

    def attend(self, q, k, v, valid_lens):
        return self.attention(q / sqrt(self.num_heads), k, v, valid_lens)


class scaled_twice(_Steps):
    """You scaled the queries although the attention scales the scores itself. How often is the root
    of the width needed?
    """

    def attend(self, q, k, v, valid_lens):
        return self.attention(q / sqrt(q.shape[-1]), k, v, valid_lens)


class not_scaled(_Steps):
    """You did not divide the scores by anything. What happens to a softmax when its scores grow with the width of a
    head?
    """

    def attend(self, q, k, v, valid_lens):
        return self.attention(q * sqrt(q.shape[-1]), k, v, valid_lens)


class one_head_whatever_was_asked(_Steps):
    """You attended once, over the full width. What does `num_heads` change in your code?"""

    def split(self, X):
        return X

    def merge(self, X):
        return X

    def repeat(self, valid_lens):
        return valid_lens


class heads_left_in_the_batch(_Steps):
    """You returned the heads as examples of a larger batch. Which function brings them back side by side?"""

    def merge(self, X):
        return X

    def mix(self, X):
        return X


class output_not_mixed(_Steps):
    """You returned the heads side by side. Which matrix lets the output use several heads at once?"""

    def mix(self, X):
        return X


class heads_averaged(_Steps):
    """You averaged the heads, so what one of them found is diluted by the others. How can all of it reach `W_o`?"""

    def merge(self, X):
        return X.unflatten(0, (-1, self.num_heads)).mean(1).repeat(1, 1, self.num_heads)


class heads_share_their_weights(_Steps):
    """All your heads use the same attention weights. What is left of several heads if they all look
    at the same place?
    """

    def attend(self, q, k, v, valid_lens):
        super().attend(q, k, v, valid_lens)
        weights = self.attention.attention_weights.unflatten(0, (-1, self.num_heads))
        shared = weights.mean(1, keepdim=True).expand_as(weights).flatten(0, 1)
        self.attention.attention_weights = shared
        return shared @ v


class bias_by_default(_Steps):
    """Your linear layers have biases although nobody asked for them. What is the default of `bias`?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=True):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias)


class bias_never(_Steps):
    """Your layer has no biases even when they are asked for. What becomes of the argument `bias`?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)


class output_without_bias(_Steps):
    """`W_o` has no bias when biases are asked for. Which of the four layers should have one?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=False)


class sizes_swapped(_Steps):
    """You swapped `key_size` and `query_size`. In which order does the constructor name them?"""

    def __init__(self, query_size, key_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias)


class keys_through_the_query_matrix(_Steps):
    """You projected the keys with `W_q`. Which matrix of yours is never used?"""

    def project(self, queries, keys, values):
        return self.W_q(queries), self.W_q(keys), self.W_v(values)


class queries_through_the_key_matrix(_Steps):
    """You projected the queries with `W_k`. Which matrix of yours is never used?"""

    def project(self, queries, keys, values):
        return self.W_k(queries), self.W_k(keys), self.W_v(values)


class values_not_projected(_Steps):
    """You attended over the values as they came. What is `W_v` for?"""

    def project(self, queries, keys, values):
        return self.W_q(queries), self.W_k(keys), values


class keys_and_values_swapped(_Steps):
    """You handed keys and values to the attention in the wrong order. Which of the two is compared with the queries?"""

    def attend(self, q, k, v, valid_lens):
        return self.attention(q, v, k, valid_lens)


class attends_to_the_keys(_Steps):
    """You averaged the keys under the weights. What should a query get from the places it looks at?"""

    def attend(self, q, k, v, valid_lens):
        return self.attention(q, k, k, valid_lens)


class matrix_not_transposed(_Steps):
    """You multiplied by `W_o.weight` itself. How does a linear layer store its matrix?"""

    def mix(self, X):
        return X @ self.W_o.weight + (0 if self.W_o.bias is None else self.W_o.bias)


class queries_added_to_the_output(_Steps):
    """You added the projected queries to what the heads found. That connection belongs to a later layer; what does this
    one return?
    """

    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, values, valid_lens) + self.W_q(queries)


class softmax_over_the_queries(_Steps):
    """Your weights sum to 1 over the queries. Among what does one query have to choose?"""

    def attend(self, q, k, v, valid_lens):
        super().attend(q, k, v, valid_lens)
        self.attention.attention_weights = (q @ k.transpose(1, 2) / sqrt(q.shape[-1])).softmax(1)
        return self.attention.attention_weights @ v


class singletons_squeezed(_Steps):
    """Your result loses an axis when a size is 1. Which call of yours removes every axis of size 1?"""

    def mix(self, X):
        return self.W_o(X).squeeze()


class output_dropped(_Steps):
    """You applied dropout to the output of the heads, not to their weights. What does the attention already do with
    `dropout`?
    """

    def attend(self, q, k, v, valid_lens):
        p, self.attention.dropout.p = self.attention.dropout.p, 0.0
        found = super().attend(q, k, v, valid_lens)
        self.attention.dropout.p = p
        return self.attention.dropout(found)


class dropout_forgotten(_Steps):
    """Nothing is ever dropped in your layer. Who has to know about `dropout`?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, 0.0, bias)


class drops_in_evaluation_mode(_Steps):
    """Your layer drops weights in evaluation mode too. Which argument of `F.dropout` knows the mode?"""

    def attend(self, q, k, v, valid_lens):
        super().attend(q, k, v, valid_lens)
        return nn.functional.dropout(self.attention.attention_weights, self.attention.dropout.p) @ v


class weights_cut_from_the_graph(_Steps):
    """You detached the attention weights, so `W_q` and `W_k` never learn. What do you lose if you
    keep them attached?
    """

    def attend(self, q, k, v, valid_lens):
        super().attend(q, k, v, valid_lens)
        return self.attention.attention_weights.detach() @ v


class _CopiesHeads(_Steps):
    def merge(self, X):
        merged = self.empty(X)
        size = X.shape[-1]
        for head, found in enumerate(X.unflatten(0, (-1, self.num_heads)).unbind(1)):
            merged[..., head * size : (head + 1) * size] = found
        return merged

    def empty(self, X):
        """A place for the heads' outputs."""
        raise NotImplementedError


class collects_heads_in_float32(_CopiesHeads):
    """You collect the heads in a tensor of the default dtype. Which dtype do your inputs have?"""

    def empty(self, X):
        return torch.zeros(len(X) // self.num_heads, X.shape[1], self.num_heads * X.shape[2])


class collects_heads_on_the_cpu(_CopiesHeads):
    """You collect the heads in a tensor on the CPU. On which device are your inputs?"""

    def empty(self, X):
        return torch.zeros(
            len(X) // self.num_heads, X.shape[1], self.num_heads * X.shape[2], dtype=X.dtype, device="cpu"
        )


class _AnyWidth(_Steps):
    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        super().__init__(key_size, query_size, value_size, num_heads, num_heads, dropout, bias)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=bias)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=bias)
        self.W_v = nn.Linear(value_size, num_hiddens, bias=bias)
        self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=bias)


@misconception(group="robust")
class any_width_accepted(_AnyWidth):
    """Your constructor accepts a `num_hiddens` that the heads cannot share out. How wide is a third of ten features?"""


@misconception(group="robust")
class width_asserted(_AnyWidth):
    """You used `assert`, which raises an AssertionError and vanishes under `python -O`. Which exception says that a
    value is wrong?
    """

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False):
        assert num_hiddens % num_heads == 0
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias)


@misconception(group="robust")
class empty_rows_look_everywhere(_Steps):
    """A query without any valid key looks at all the padding evenly, as in the book. What should it get instead?"""

    def attend(self, q, k, v, valid_lens):
        if valid_lens is not None:
            lengths = valid_lens.reshape(len(q), -1, 1).expand(-1, q.shape[1], 1).squeeze(-1)
            empty = lengths == 0
            q, valid_lens = q.masked_fill(empty[..., None], 0), lengths.masked_fill(empty, k.shape[1])
        return super().attend(q, k, v, valid_lens)


@misconception(group="robust")
class empty_rows_divide_by_zero(_Steps):
    """A query without any valid key makes your output NaN. What is the softmax of a row of minus infinities?"""

    def attend(self, q, k, v, valid_lens):
        if valid_lens is None:
            return super().attend(q, k, v, None)
        scores = q @ k.transpose(1, 2) / sqrt(q.shape[-1])
        padded = torch.arange(k.shape[1], device=q.device) >= valid_lens.reshape(len(q), -1, 1)
        self.attention.attention_weights = scores.masked_fill(padded, -torch.inf).softmax(-1)
        return self.attention.dropout(self.attention.attention_weights) @ v


class lengths_changed_in_place(_Steps):
    """You changed the caller's `valid_lens`. What does the next layer, which gets the same tensor, make of them?"""

    def repeat(self, valid_lens):
        repeated = super().repeat(valid_lens)
        return None if repeated is None else (valid_lens.add_(1), repeated)[1]


@misconception(group="robust")
class computes_in_float32(_Steps):
    """Half precision goes in and something else comes out. Which of your tensors decides on the dtype of the result?"""

    def mix(self, X):
        mixed = super().mix(X)
        return mixed.float() if mixed.dtype in (torch.float16, torch.bfloat16) else mixed


@misconception(group="robust")
class lengths_always_needed(MultiHeadAttention):
    """Your forward cannot be called without `valid_lens`. What should it do when nobody has any padding?"""

    def forward(self, queries, keys, values, valid_lens):
        return super().forward(queries, keys, values, valid_lens)
