"""Ways to get additive heads wrong, or their Transformer, or their costs."""

import torch
from given.config import TransformerConfig
from given.cost_counter import Cost, count_cost
from multihead.head_reshape import transpose_output, transpose_qkv
from multihead.multi_head_attention import MultiHeadAttention
from scoring.additive_attention import AdditiveAttention
from scoring.masked_softmax import masked_softmax
from torch import nn
from transformer.additive_transformer import AdditiveMultiHeadAttention
from transformer.additive_transformer import build_additive_transformer as _build
from transformer.additive_transformer import cost_table as _table
from transformer.train_transformer import build_transformer

from headcheck.properties import misconception

_layer = misconception(of="AdditiveMultiHeadAttention")
_robust = misconception(of="AdditiveMultiHeadAttention", group="robust")
_transformer = misconception(of="build_additive_transformer")
_costs = misconception(of="cost_table")


class _Steps(AdditiveMultiHeadAttention):
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
        return self.pool(masked_softmax(self.score(self.combine(q, k)), valid_lens), v)

    def combine(self, q, k):
        return self.attention.W_q(q)[:, :, None] + self.attention.W_k(k)[:, None]

    def score(self, sums):
        return self.attention.w_v(sums.tanh()).squeeze(-1)

    def pool(self, weights, v):
        self.attention.attention_weights = weights
        return self.attention.dropout(weights) @ v

    def merge(self, X):
        return transpose_output(X, self.num_heads)

    def mix(self, X):
        return self.W_o(X)


@misconception(of="AdditiveMultiHeadAttention", trains=True)
class tanh_missing(_Steps):
    """You add query and key and score the bare sum. What does the softmax over the keys do to a part of the score that
    depends on the query alone?
    """

    def score(self, sums):
        return self.attention.w_v(sums).squeeze(-1)


@_layer
class tanh_before_the_sum(_Steps):
    """You bend query and key each by itself and add them afterwards. How can a query then prefer another key than the
    next query does?
    """

    def combine(self, q, k):
        return self.attention.W_q(q).tanh()[:, :, None] + self.attention.W_k(k).tanh()[:, None]

    def score(self, sums):
        return self.attention.w_v(sums).squeeze(-1)


@_layer
class axes_of_queries_and_keys_exchanged(_Steps):
    """You spread the queries along the axis of the keys. Which two axes do a head's scores have, in which order?"""

    def combine(self, q, k):
        sums = self.attention.W_q(q)[:, None] + self.attention.W_k(k)[:, :, None]  # (rows, keys, queries, head_size)
        return sums.reshape(len(q), q.shape[1], k.shape[1], -1)


@_layer
class softmax_over_the_queries(_Steps):
    """Your weights sum to 1 over the queries. Among what does one query have to choose?"""

    def attend(self, q, k, v, valid_lens):
        scores = self.score(self.combine(q, k))
        scores = scores.masked_fill(masked_softmax(torch.zeros_like(scores), valid_lens) == 0, -1e6)
        return self.pool(scores.softmax(1), v)


@_layer
class scores_divided_by_the_root_of_the_head_size(_Steps):
    """You scaled the scores. Whose variance grows with the width: that of a dot product, or that of `w_v` times numbers
    between -1 and 1?
    """

    def score(self, sums):
        return super().score(sums) / sums.shape[-1] ** 0.5


@_layer
class dot_products_after_all(MultiHeadAttention):
    """Your heads still score by dot products. Which module belongs under the name `attention`?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)


@_layer
class keys_through_the_query_projection(_Steps):
    """You projected the keys with `W_q`. Which matrix of yours is never used?"""

    def project(self, queries, keys, values):
        return self.W_q(queries), self.W_q(keys), self.W_v(values)


@_layer
class queries_and_keys_exchanged(_Steps):
    """You handed the keys to the scorer's `W_q` and the queries to its `W_k`. Which comes first?"""

    def combine(self, q, k):
        return self.attention.W_k(q)[:, :, None] + self.attention.W_q(k)[:, None]


@_layer
class values_not_projected(_Steps):
    """You attended over the values as they came. What is `W_v` for?"""

    def project(self, queries, keys, values):
        return self.W_q(queries), self.W_k(keys), values


@_layer
class output_not_mixed(_Steps):
    """You returned the heads side by side. Which matrix lets the output use several heads at once?"""

    def mix(self, X):
        return X


@_layer
class split_without_transpose(_Steps):
    """You reshaped the projections straight into `batch * num_heads` rows. Which axis has to move next to the batch
    before the two are merged?
    """

    def split(self, X):
        batch, positions, width = X.shape
        return X.reshape(batch * self.num_heads, positions, width // self.num_heads)


@_layer
class merged_without_transpose(_Steps):
    """You merged the heads with a bare reshape, which mixes the positions of one head. Where was the head axis before
    you split it off?
    """

    def merge(self, X):
        return X.reshape(-1, X.shape[1], self.num_heads * X.shape[2])


@_layer
class features_dealt_out_like_cards(_Steps):
    """Your head i has every `num_heads`-th feature. Which features lie side by side in a head?"""

    def split(self, X):
        return X.unflatten(-1, (-1, self.num_heads)).permute(0, 3, 1, 2).flatten(0, 1)

    def merge(self, X):
        return X.unflatten(0, (-1, self.num_heads)).permute(0, 2, 3, 1).flatten(2)


class _HeadMajor(_Steps):
    def split(self, X):
        return X.unflatten(-1, (self.num_heads, -1)).permute(2, 0, 1, 3).flatten(0, 1)

    def merge(self, X):
        return X.unflatten(0, (self.num_heads, -1)).permute(1, 2, 0, 3).flatten(2)


@_layer
class rows_by_head_but_lengths_by_example(_HeadMajor):
    """Your rows go head by head, your lengths example by example. Which example's length does your second row get?"""


@_layer
class rows_ordered_by_head(_HeadMajor):
    """Your output is right, but the rows of `attention_weights` go head by head. Which row should head 1 of example 0
    have?
    """

    def repeat(self, valid_lens):
        return None if valid_lens is None else torch.cat([valid_lens] * self.num_heads)


@_layer
class lengths_tiled(_Steps):
    """You repeated the lengths as a whole, one copy after the other, while the rows keep the heads of an example
    together. What should the first `num_heads` lengths be?
    """

    def repeat(self, valid_lens):
        return None if valid_lens is None else torch.cat([valid_lens] * self.num_heads)


@_layer
class lengths_not_repeated(_Steps):
    """You handed on one length for each example, but there are `num_heads` rows for each. Who gets which length?"""

    def repeat(self, valid_lens):
        return valid_lens


@_layer
class mask_lost(_Steps):
    """You never used `valid_lens`, so the heads look at padding. Where does the scorer learn how long an example is?"""

    def repeat(self, valid_lens):
        return None


@_layer
class first_query_length_for_all(_Steps):
    """You used the length of the first query for all queries of an example. What do lengths with two axes say?"""

    def repeat(self, valid_lens):
        lengths = super().repeat(valid_lens)
        return lengths if lengths is None or lengths.dim() == 1 else lengths[:, 0]


@_layer
class heads_share_their_weights(_Steps):
    """All your heads use the same attention weights. What are several heads good for if all look at the same place?"""

    def pool(self, weights, v):
        shared = weights.unflatten(0, (-1, self.num_heads)).mean(1, keepdim=True)
        return super().pool(shared.expand(-1, self.num_heads, -1, -1).flatten(0, 1), v)


@_layer
class one_scorer_as_wide_as_the_layer(_Steps):
    """Your scorer is `num_hiddens` wide, and all heads were compared as one. How many features does a head have?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.num_heads = 1


@_layer
class hidden_size_of_the_layer(AdditiveMultiHeadAttention):
    """The hidden size of your scorer is `num_hiddens`. Which one was asked for, and what would this one cost?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
        size = num_hiddens // num_heads
        self.attention = AdditiveAttention(size, size, num_hiddens, dropout)


@_layer
class scorer_for_every_head(_Steps):
    """Each of your heads has a scorer of its own. How many do the heads of a layer share?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
        size = num_hiddens // num_heads
        self.others = nn.ModuleList(AdditiveAttention(size, size, size, dropout) for _ in range(num_heads - 1))

    def attend(self, q, k, v, valid_lens):
        scorers = [self.attention, *self.others]
        rows = torch.arange(len(q))
        found, weights = torch.zeros_like(q), []
        for i, scorer in enumerate(scorers):
            mine = rows % self.num_heads == i
            lengths = None if valid_lens is None else valid_lens[mine]
            found[mine] = scorer(q[mine], k[mine], v[mine], lengths)
            weights.append(scorer.attention_weights)
        self.attention.attention_weights = torch.stack(weights, 1).flatten(0, 1)
        return found


@_layer
class scorer_made_anew_for_every_row(_Steps):
    """You make scorers during the call. Who is to learn their parameters, if they are gone after it?"""

    def attend(self, q, k, v, valid_lens):
        size = q.shape[-1]
        rows = []
        for i in range(len(q)):
            scorer = AdditiveAttention(size, size, size, 0.0).to(q.device, q.dtype)
            lengths = None if valid_lens is None else valid_lens[i : i + 1]
            rows.append((scorer(q[i : i + 1], k[i : i + 1], v[i : i + 1], lengths), scorer.attention_weights))
        found, weights = (torch.cat(parts) for parts in zip(*rows, strict=True))
        self.attention.attention_weights = weights
        return found


@_layer
class biases_everywhere(AdditiveMultiHeadAttention):
    """Your projections have biases. Did anybody ask for them?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)
        self.W_q, self.W_k = nn.Linear(query_size, num_hiddens), nn.Linear(key_size, num_hiddens)
        self.W_v, self.W_o = nn.Linear(value_size, num_hiddens), nn.Linear(num_hiddens, num_hiddens)


@_layer
class sizes_exchanged(AdditiveMultiHeadAttention):
    """You exchanged `key_size` and `query_size`. In which order does the constructor name them?"""

    def __init__(self, query_size, key_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, dropout)


@_layer
class singletons_squeezed(_Steps):
    """Your result loses an axis when a size is 1. Which call of yours removes every axis of size 1?"""

    def score(self, sums):
        return self.attention.w_v(sums.tanh()).squeeze()

    def pool(self, weights, v):
        return super().pool(weights.reshape(len(v), -1, v.shape[1]), v)

    def mix(self, X):
        return self.W_o(X).squeeze()


@_layer
class dropout_forgotten(_Steps):
    """Nothing is ever dropped in your layer. Who has to know about `dropout`?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, 0.0)


@_layer
class keeps_what_it_should_drop(_Steps):
    """You keep a weight with the probability `dropout`. What is it the probability of?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_hiddens, num_heads, 1 - dropout if dropout else 0.0)


@_layer
class drops_in_evaluation_mode(_Steps):
    """Your layer drops weights in evaluation mode too. Which argument of `F.dropout` knows the mode?"""

    def pool(self, weights, v):
        self.attention.attention_weights = weights
        return nn.functional.dropout(weights, self.attention.dropout.p) @ v


@_layer
class output_dropped(_Steps):
    """You applied dropout to what the heads found, not to their weights. Which does the scorer drop?"""

    def pool(self, weights, v):
        self.attention.attention_weights = weights
        return self.attention.dropout(weights @ v)


@_layer
class one_dropout_for_all_heads(_Steps):
    """All heads lose the same weights at the same time. Of what should each draw be independent?"""

    def pool(self, weights, v):
        self.attention.attention_weights = weights
        kept = self.attention.dropout(torch.ones_like(weights[:: self.num_heads]))
        return weights * kept.repeat_interleave(self.num_heads, 0) @ v


@_layer
class dropped_weights_stored(_Steps):
    """You stored the weights after dropout. What is a picture of them to show: what was drawn, or what was meant?"""

    def pool(self, weights, v):
        self.attention.attention_weights = self.attention.dropout(weights)
        return self.attention.attention_weights @ v


@_layer
class weights_cut_from_the_graph(_Steps):
    """You detached the attention weights, so the scorer never learns. What do you lose if you keep them attached?"""

    def pool(self, weights, v):
        return super().pool(weights.detach(), v)


@_layer
class stored_weights_detached(_Steps):
    """The weights that you store are cut from the graph. Who may want a gradient from them?"""

    def pool(self, weights, v):
        found = super().pool(weights, v)
        self.attention.attention_weights = weights.detach()
        return found


@_layer
class mask_made_on_the_cpu(_Steps):
    """You make the mask on the CPU. On which device are your inputs?"""

    def attend(self, q, k, v, valid_lens):
        positions = torch.arange(k.shape[1], device="cpu")
        scores = self.score(self.combine(q, k))
        if valid_lens is None:
            return self.pool(scores.softmax(-1), v)
        padded = positions >= valid_lens.to("cpu").reshape(len(q), -1, 1)
        return self.pool(scores.masked_fill(padded, -torch.inf).softmax(-1).masked_fill(padded, 0.0), v)


@_layer
class every_head_compared_with_every_other(_Steps):
    """You add the queries of each head to the keys of all heads, and then pick out the pairs that belong together. How
    many of these sums does anybody need?
    """

    def combine(self, q, k):
        queries, keys = (X.unflatten(0, (-1, self.num_heads)) for X in (self.attention.W_q(q), self.attention.W_k(k)))
        sums = queries[:, :, None, :, None] + keys[:, None, :, None]  # (batch, heads, heads, queries, keys, head_size)
        return sums.diagonal(dim1=1, dim2=2).movedim(-1, 1).flatten(0, 1)


@_robust
class any_width_accepted(AdditiveMultiHeadAttention):
    """Your constructor accepts a `num_hiddens` that the heads cannot share out. How wide is a third of ten features?"""

    def __init__(self, key_size, query_size, value_size, num_hiddens, num_heads, dropout):
        super().__init__(key_size, query_size, value_size, num_heads, num_heads, dropout)
        size = max(1, num_hiddens // num_heads)
        self.attention = AdditiveAttention(size, size, size, dropout)
        for name, width in (("W_q", query_size), ("W_k", key_size), ("W_v", value_size), ("W_o", num_hiddens)):
            setattr(self, name, nn.Linear(width, num_hiddens, bias=False))


@_robust
class empty_rows_look_everywhere(_Steps):
    """A query without any valid key looks at all the padding evenly. What should it get instead?"""

    def attend(self, q, k, v, valid_lens):
        scores = self.score(self.combine(q, k))
        padded = masked_softmax(torch.zeros_like(scores), valid_lens) == 0
        return self.pool(scores.masked_fill(padded, torch.finfo(scores.dtype).min).softmax(-1), v)


@_robust
class empty_rows_divide_by_zero(_Steps):
    """A query without any valid key makes your output NaN. What is the softmax of a row of minus infinities?"""

    def attend(self, q, k, v, valid_lens):
        scores = self.score(self.combine(q, k))
        padded = masked_softmax(torch.zeros_like(scores), valid_lens) == 0
        return self.pool(scores.masked_fill(padded, -torch.inf).softmax(-1), v)


@_layer
class lengths_clamped_in_place(_Steps):
    """You changed the caller's `valid_lens`. What does the next layer, which gets the same tensor, make of them?"""

    def forward(self, queries, keys, values, valid_lens=None):
        lengths = None if valid_lens is None else valid_lens.clamp_(max=keys.shape[1])
        return super().forward(queries, keys, values, lengths)


@_robust
class computes_in_float32(_Steps):
    """Half precision goes in and something else comes out. Which of your tensors decides on the dtype of the result?"""

    def mix(self, X):
        mixed = super().mix(X)
        return mixed.float() if mixed.dtype in (torch.float16, torch.bfloat16) else mixed


@_robust
class lengths_always_needed(AdditiveMultiHeadAttention):
    """Your forward cannot be called without `valid_lens`. What should it do when nobody has any padding?"""

    def forward(self, queries, keys, values, valid_lens):
        return super().forward(queries, keys, values, valid_lens)


def _attention(config):
    d = config.num_hiddens
    return AdditiveMultiHeadAttention(d, d, d, d, config.num_heads, config.dropout)


@_transformer
def nothing_replaced(config):
    """Your Transformer still attends by dot products. Where do its blocks keep their attention?"""
    return build_transformer(config)


@_transformer
def only_the_encoder(config):
    """Only your encoder is additive. In how many places does a block of the decoder attend?"""
    model = build_transformer(config)
    for block in model.encoder.blks:
        block.attention = _attention(config)
    return model


@_transformer
def first_layer_only(config):
    """Only the first block of each stack is additive. What becomes of the others?"""
    plain, model = build_transformer(config), _build(config)
    for stack, old in ((model.encoder.blks, plain.encoder.blks), (model.decoder.blks, plain.decoder.blks)):
        for i in range(1, config.num_layers):
            stack[i] = old[i]
    return model


@_transformer
def one_layer_in_every_place(config):
    """All places share one layer, and so one set of parameters. How many layers do you have to make?"""
    model, shared = build_transformer(config), _attention(config)
    for block in model.encoder.blks:
        block.attention = shared
    for block in model.decoder.blks:
        block.attention1 = block.attention2 = shared
    return model


@_transformer
def only_the_scorer_replaced(config):
    """You put a scorer as wide as the model where the dot products were. How wide is what a head hands over?"""
    model, d = build_transformer(config), config.num_hiddens
    layers = [block.attention for block in model.encoder.blks]
    layers += [layer for block in model.decoder.blks for layer in (block.attention1, block.attention2)]
    for layer in layers:
        layer.attention = AdditiveAttention(d, d, d, config.dropout)
    return model


@_transformer
def replaced_without_registering(config):
    """The model does not know the parameters of the layers that you put in. Who will train them?"""
    model = _build(config)
    for block in model.encoder.blks:
        layer = block.attention
        del block.attention
        block.__dict__["attention"] = layer
    return model


@_transformer
def one_head_in_every_place(config):
    """Your layers have a single head. Where does the configuration say how many?"""
    d, model = config.num_hiddens, _build(config)
    single = TransformerConfig(config.src_vocab_size, config.tgt_vocab_size, num_hiddens=d, num_heads=1)
    for block in model.decoder.blks:
        block.attention1 = _attention(single)
    return model


@_transformer
def dropout_left_out(config):
    """The attention of your Transformer never drops a weight. Which number of the configuration did you not hand on?"""
    model = _build(config)
    for module in model.modules():
        if isinstance(module, AdditiveAttention):
            module.dropout.p = 0.0
    return model


@misconception(of="build_additive_transformer", trains=True)
def frozen_attention(config):
    """No gradient reaches the layers that you put in, so they stay what they were at first. Who switched it off?"""
    model = _build(config)
    for module in model.modules():
        if isinstance(module, AdditiveMultiHeadAttention):
            module.requires_grad_(False)
    return model


def _rows(ns, additive, dot):
    """A table from two functions of the length that count."""
    table = []
    for n in ns:
        a, d = additive(n), dot(n)
        counts = {"additive_flops": a.flops, "dot_flops": d.flops}
        table.append(
            {"n": n, **counts, "additive_largest": a.largest, "dot_largest": d.largest, "ratio": a.largest / d.largest}
        )
    return table


_SIZES = 32, 32, 32, 32, 4, 0.0


def _self_attention(layer, width=32, batch=1):
    """Counts self-attention over `n` positions."""

    def count(n):
        X = torch.zeros(batch, n, width)
        return count_cost(layer, X, X, X)

    return count


@_costs
def scorers_alone_counted(ns):
    """You counted two scorers without their projections. Which layers was the table to compare?"""
    additive, dot = AdditiveMultiHeadAttention(*_SIZES).attention, MultiHeadAttention(*_SIZES).attention
    return _rows(ns, _self_attention(additive, width=8, batch=4), _self_attention(dot, width=8, batch=4))


@_costs
def constructors_counted(ns):
    """You made the layers while you were counting, and their weights are tensors too. What was to be counted?"""

    def count(kind):
        return lambda n: count_cost(lambda X: kind(*_SIZES)(X, X, X), torch.zeros(1, n, 32))

    return _rows(ns, count(AdditiveMultiHeadAttention), count(MultiHeadAttention))


@_costs
def ratio_upside_down(ns):
    """Your ratio is below 1. Which of the two needs more room, and which way round was the ratio to be?"""
    return [row | {"ratio": 1 / row["ratio"]} for row in _table(ns)]


@_costs
def ratio_always_the_head_size(ns):
    """Your ratio is the head size whatever the length. What is the largest tensor when there are very few positions?"""
    return [row | {"ratio": 8.0} for row in _table(ns)]


@_costs
def bytes_for_numbers(ns):
    """You gave bytes. In what does `count_cost` count?"""
    four = "additive_largest", "dot_largest"
    return [row | {name: 4 * row[name] for name in four} for row in _table(ns)]


@_costs
def pairs_counted_by_formula(ns):
    """You computed what the scores and sums take, without counting. Which tensors of the layer did you forget?"""

    def largest(per_pair):
        return lambda n: Cost(8 * n * 32 * 32 + 4 * n * n * 32, per_pair * n * n)

    return _rows(ns, largest(32), largest(4))


@_costs
def lengths_sorted(ns):
    """Your rows are in the order of their lengths. Who reads row `i` as the answer for `ns[i]`?"""
    return _table(sorted(ns))


@_costs
def ratio_left_out(ns):
    """A row of your table lacks something. Which keys were asked for?"""
    return [{name: value for name, value in row.items() if name != "ratio"} for row in _table(ns)]
