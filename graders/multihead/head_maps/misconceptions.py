"""Ways to take heads apart wrongly, and to describe something else than was asked."""

import torch
from multihead.head_maps import describe_heads as _describe
from multihead.head_maps import head_attention_maps as _maps

from headcheck.properties import misconception


def _stored(mha, *args):
    mha(*args)
    return mha.attention.attention_weights


def _averages(rows):
    return rows.mean((0, 2))


def _distances(maps):
    query, key = (torch.arange(count) for count in maps.shape[2:])
    return key - query[:, None]


@misconception(of="head_attention_maps")
def heads_before_examples(mha, queries, keys, values, valid_lens=None):
    """You split the rows into heads first and examples second, so the examples get mixed. Which varies faster?"""
    weights = _stored(mha, queries, keys, values, valid_lens).detach()
    return weights.unflatten(0, (-1, len(queries))).transpose(0, 1)


@misconception(of="head_attention_maps")
def batch_axis_inside(mha, queries, keys, values, valid_lens=None):
    """Your first axis counts heads and your second examples. In which order does the task want them?"""
    return _maps(mha, queries, keys, values, valid_lens).transpose(0, 1)


@misconception(of="head_attention_maps")
def heads_averaged(mha, queries, keys, values, valid_lens=None):
    """You averaged over the heads. What is left to tell one from another?"""
    return _maps(mha, queries, keys, values, valid_lens).mean(1)


@misconception(of="head_attention_maps")
def heads_never_split(mha, queries, keys, values, valid_lens=None):
    """You returned the rows as the layer keeps them. Where in them does one example end?"""
    return _maps(mha, queries, keys, values, valid_lens).flatten(0, 1)


@misconception(of="head_attention_maps")
def every_head_the_average(mha, queries, keys, values, valid_lens=None):
    """All your heads show the same picture, the average of all. What did each of them look at?"""
    maps = _maps(mha, queries, keys, values, valid_lens)
    return maps.mean(1, keepdim=True).expand_as(maps)


@misconception(of="head_attention_maps")
def first_example_repeated(mha, queries, keys, values, valid_lens=None):
    """Every example shows the maps of the first one. Where are the others' heads?"""
    maps = _maps(mha, queries, keys, values, valid_lens)
    return maps[:1].expand_as(maps)


@misconception(of="head_attention_maps")
def queries_under_keys(mha, queries, keys, values, valid_lens=None):
    """Your maps have keys for rows and queries for columns. Which of the two does each row sum over?"""
    return _maps(mha, queries, keys, values, valid_lens).transpose(2, 3)


@misconception(of="head_attention_maps")
def rows_and_columns_mixed(mha, queries, keys, values, valid_lens=None):
    """You reshaped where an axis had to move, so queries and heads are mixed. What does a reshape never do?"""
    weights = _maps(mha, queries, keys, values, valid_lens)
    return weights.transpose(1, 2).reshape(weights.shape)


@misconception(of="head_attention_maps")
def weights_after_dropout(mha, queries, keys, values, valid_lens=None):
    """Your maps have holes where dropout struck. Does a head look elsewhere because of a coin toss?"""
    return mha.attention.dropout(_maps(mha, queries, keys, values, valid_lens))


@misconception(of="head_attention_maps")
def lengths_not_passed_on(mha, queries, keys, values, valid_lens=None):
    """You never passed `valid_lens` on, so the heads look at padding. Who tells the layer where a sentence ends?"""
    return _maps(mha, queries, keys, values)


@misconception(of="head_attention_maps")
def still_on_the_graph(mha, queries, keys, values, valid_lens=None):
    """Your maps still hold the whole graph of the layer in memory. What do you need of it for a picture?"""
    return _stored(mha, queries, keys, values, valid_lens).unflatten(0, (len(queries), -1))


@misconception(of="head_attention_maps", group="robust")
def mode_left_in_eval(mha, queries, keys, values, valid_lens=None):
    """You switched the layer to eval mode and left it there. How does the training after your look go on?"""
    return _maps(mha.eval(), queries, keys, values, valid_lens)


@misconception(of="head_attention_maps", group="robust")
def mode_left_in_train(mha, queries, keys, values, valid_lens=None):
    """You switched to eval mode and then to train mode. Had the layer been training before you came?"""
    maps = _maps(mha.eval(), queries, keys, values, valid_lens)
    mha.train()
    return maps


@misconception(of="head_attention_maps", group="robust")
def padding_wiped_out(mha, queries, keys, values, valid_lens=None):
    """You set your caller's padded keys to zero. Was it yours to change?"""
    maps = _maps(mha, queries, keys, values, valid_lens)
    with torch.no_grad():
        keys *= maps.sum((1, 2))[..., None] > 0
    return maps


@misconception(of="describe_heads")
def entropy_over_queries(maps):
    """You summed the entropy down a column. Which axis holds a distribution?"""
    return _describe(maps) | {"entropy": torch.special.entr(maps).sum(-2).nan_to_num().mean(0).amax(-1)}


@misconception(of="describe_heads")
def entropy_of_columns_averaged(maps):
    """You summed `w log w` over the queries and averaged over the keys. Where there are more keys than queries, who has
    the entropy: who looks, or what is looked at?
    """
    return _describe(maps) | {"entropy": torch.special.entr(maps).sum(2).mean((0, 2))}


@misconception(of="describe_heads")
def square_maps_only(maps):
    """Your distances fit square maps only. How many queries and keys has a decoder that looks at a sentence?"""
    positions = torch.arange(maps.shape[-1])
    distances = (positions[:, None] - positions).abs()
    return _describe(maps) | {"distance": _averages((maps * distances).sum(-1))}


@misconception(of="describe_heads")
def entropy_in_bits(maps):
    """Your entropy is in bits. Which logarithm measures nats?"""
    described = _describe(maps)
    return described | {"entropy": described["entropy"] / torch.tensor(2.0).log()}


@misconception(of="describe_heads")
def entropy_with_the_wrong_sign(maps):
    """Your entropy is negative. What sign has the logarithm of a weight?"""
    described = _describe(maps)
    return described | {"entropy": -described["entropy"]}


@misconception(of="describe_heads")
def entropy_of_zero_is_nan(maps):
    """A weight of 0 turned your entropy into NaN. What should 0 log 0 be?"""
    return _describe(maps) | {"entropy": _averages(-(maps * maps.log()).sum(-1))}


@misconception(of="describe_heads")
def entropy_of_the_average_map(maps):
    """You averaged the maps first and measured then. Are two certain but different examples uncertain?"""
    return _describe(maps) | {"entropy": torch.special.entr(maps.mean(0)).sum(-1).mean(-1)}


@misconception(of="describe_heads")
def entropy_averaged_over_keys(maps):
    """You took the mean over the keys where the entropy is a sum. What should a uniform head reach?"""
    return _describe(maps) | {"entropy": torch.special.entr(maps).mean((0, 2, 3))}


@misconception(of="describe_heads")
def entropy_relative_to_uniform(maps):
    """You divided the entropy by that of a uniform row. What did the task want for a head that cannot decide?"""
    described = _describe(maps)
    return described | {"entropy": described["entropy"] / max(torch.tensor(maps.shape[-1]).log().item(), 1e-9)}


@misconception(of="describe_heads")
def padding_takes_part(maps):
    """You put the maps through another softmax, so padding has weight again. What are the maps already?"""
    return _describe(maps) | {"entropy": torch.special.entr(maps.softmax(-1)).sum(-1).mean((0, 2))}


@misconception(of="describe_heads")
def distance_over_padded_columns(maps):
    """You averaged |query - key| over all columns, padded ones too. Which keys did the head look at?"""
    distance = _distances(maps).abs().float().mean().expand(maps.shape[1])
    return _describe(maps) | {"distance": distance}


@misconception(of="describe_heads")
def diagonal_summed(maps):
    """You added the diagonal up. What does a head on the diagonal have on average?"""
    return _describe(maps) | {"diagonality": maps.diagonal(dim1=-2, dim2=-1).sum(-1).mean(0)}


@misconception(of="describe_heads")
def diagonal_divided_by_all_cells(maps):
    """You zeroed everything off the diagonal and averaged over all cells. How many cells has the diagonal?"""
    return _describe(maps) | {"diagonality": (maps * torch.eye(*maps.shape[2:])).mean((0, 2, 3))}


@misconception(of="describe_heads")
def diagonal_by_winners(maps):
    """You counted the rows whose largest weight is on the diagonal. How much weight is there?"""
    winners = maps.argmax(-1) == torch.arange(maps.shape[-2])
    return _describe(maps) | {"diagonality": _averages(winners.float())}


@misconception(of="describe_heads")
def distance_with_a_sign(maps):
    """Looking back cancels looking ahead in your distance. How far is it to the one behind you?"""
    return _describe(maps) | {"distance": _averages((maps * _distances(maps)).sum(-1))}


@misconception(of="describe_heads")
def distance_squared(maps):
    """You squared the distance. How far is it to a key three steps away?"""
    return _describe(maps) | {"distance": _averages((maps * _distances(maps) ** 2).sum(-1))}


@misconception(of="describe_heads")
def distance_to_the_winner(maps):
    """You measured how far the heaviest key is. Where is the rest of the weight?"""
    away = (maps.argmax(-1) - torch.arange(maps.shape[-2])).abs()
    return _describe(maps) | {"distance": _averages(away.float())}


@misconception(of="describe_heads")
def distance_to_the_mean_position(maps):
    """You measured how far the mean position is. Where is a head that looks one to the left and one to the right?"""
    return _describe(maps) | {"distance": _averages((maps * _distances(maps)).sum(-1).abs())}


@misconception(of="describe_heads")
def distance_as_a_fraction(maps):
    """You divided the distance by the number of positions. In what unit does the task count?"""
    described = _describe(maps)
    return described | {"distance": described["distance"] / maps.shape[-1]}


@misconception(of="describe_heads")
def first_example_described(maps):
    """You described the first example only. What do the heads do in the others?"""
    return _describe(maps[:1])


@misconception(of="describe_heads")
def heads_described_together(maps):
    """All your heads have the same numbers. Over which axes should you average, and over which not?"""
    heads = maps.shape[1]
    return {name: value.mean().expand(heads) for name, value in _describe(maps).items()}


@misconception(of="describe_heads")
def one_number_per_example(maps):
    """You have a number for every example and head. What happens to the examples?"""
    return {name: torch.stack([_describe(one[None])[name] for one in maps]) for name in _describe(maps)}


@misconception(of="describe_heads", group="robust")
def zeros_replaced_in_place(maps):
    """You wrote into the maps to get rid of their zeros. What will the plot show later?"""
    described = _describe(maps)
    maps[maps == 0] = 1.0
    return described


@misconception(of="describe_heads", group="robust")
def rows_divided_by_their_sum(maps):
    """You normalised every row once more, and an empty one became 0 / 0. What do full rows sum to already?"""
    return _describe(maps / maps.sum(-1, keepdim=True))
