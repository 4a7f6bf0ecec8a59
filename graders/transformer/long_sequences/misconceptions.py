"""Ways to misjudge long sequences, and to sum a softmax wrongly."""

import math

import torch
from given.cost_counter import count_cost
from transformer.long_sequences import chunked_attention as _right
from transformer.long_sequences import scaling_report as _right_report

from headcheck.properties import misconception


def _pieces(queries, keys, values, chunk):
    """Scores and values of each chunk."""
    for some_keys, some_values in zip(keys.split(chunk, 1), values.split(chunk, 1), strict=True):
        yield queries @ some_keys.mT / math.sqrt(queries.shape[-1]), some_values


def _online(queries, keys, values, chunk, *, shrink_total, shrink_output):
    """The online softmax with its two corrections to be chosen."""
    largest = torch.full_like(queries[..., :1], -torch.inf)
    total, output = torch.zeros_like(largest), torch.zeros_like(queries[..., :1] * values[:, :1])
    for scores, some_values in _pieces(queries, keys, values, chunk):
        before, largest = largest, torch.maximum(largest, scores.amax(-1, keepdim=True))
        weights = (scores - largest).exp()
        total = shrink_total(before, largest) * total + weights.sum(-1, keepdim=True)
        output = shrink_output(before, largest) * output + weights @ some_values
    return output / total


def _shrink(before, largest):
    return (before - largest).exp()


@misconception(of="chunked_attention")
def old_output_keeps_its_scale(queries, keys, values, chunk):
    """When a larger score arrives you correct the sum of weights, not the weighted values. On which scale are they?"""
    return _online(queries, keys, values, chunk, shrink_total=_shrink, shrink_output=lambda b, _: torch.isfinite(b))


@misconception(of="chunked_attention")
def no_running_maximum(queries, keys, values, chunk):
    """You exponentiate scores as they are, and large ones overflow. What can be taken off all of them for free?"""
    pieces = [(scores.exp(), some) for scores, some in _pieces(queries, keys, values, chunk)]
    return sum(w @ some for w, some in pieces) / sum(w.sum(-1, keepdim=True) for w, _ in pieces)


@misconception(of="chunked_attention")
def old_total_keeps_its_scale(queries, keys, values, chunk):
    """You correct the weighted values when a larger score arrives, but not the sum of weights. Which scale is it on?"""
    return _online(queries, keys, values, chunk, shrink_total=lambda b, _: torch.isfinite(b), shrink_output=_shrink)


@misconception(of="chunked_attention")
def old_sums_grow(queries, keys, values, chunk):
    """You correct the old sums in the wrong direction. Do they count for more or for less beside a larger score?"""

    def grow(before, largest):
        return (largest - torch.where(torch.isfinite(before), before, largest)).exp()

    return _online(queries, keys, values, chunk, shrink_total=grow, shrink_output=grow)


@misconception(of="chunked_attention")
def each_chunk_has_its_own_maximum(queries, keys, values, chunk):
    """You take each chunk's own largest score off it, and add the pieces up. Are they on one scale?"""
    total = output = 0
    for scores, some_values in _pieces(queries, keys, values, chunk):
        weights = (scores - scores.amax(-1, keepdim=True)).exp()
        total, output = total + weights.sum(-1, keepdim=True), output + weights @ some_values
    return output / total


@misconception(of="chunked_attention")
def each_chunk_normalised(queries, keys, values, chunk):
    """You apply a softmax to each chunk and average the results. Do all chunks deserve the same weight?"""
    results = [scores.softmax(-1) @ some for scores, some in _pieces(queries, keys, values, chunk)]
    return sum(results) / len(results)


@misconception(of="chunked_attention")
def first_maximum_for_ever(queries, keys, values, chunk):
    """You take the first chunk's largest score off all of them. What if a much larger one comes later?"""
    first, total, output = None, 0, 0
    for scores, some_values in _pieces(queries, keys, values, chunk):
        first = scores.amax(-1, keepdim=True) if first is None else first
        weights = (scores - first).exp()
        total, output = total + weights.sum(-1, keepdim=True), output + weights @ some_values
    return output / total


@misconception(of="chunked_attention")
def last_partial_chunk_lost(queries, keys, values, chunk):
    """You look at whole chunks only, and lose the keys left over. What if the length is no multiple of the chunk?"""
    whole = max(keys.shape[1] // chunk * chunk, 1)
    return _right(queries, keys[:, :whole], values[:, :whole], chunk)


@misconception(of="chunked_attention")
def padded_to_whole_chunks(queries, keys, values, chunk):
    """You fill the last chunk up with zeros, which take weight from the real keys. What score should filling have?"""
    missing = -keys.shape[1] % chunk
    keys, values = (torch.nn.functional.pad(x, (0, 0, 0, missing)) for x in (keys, values))
    return _right(queries, keys, values, chunk)


@misconception(of="chunked_attention")
def all_weights_at_once(queries, keys, values, chunk):
    """You make all the weights and only then cut them up. What was the chunk to save?"""
    weights = (queries @ keys.mT / math.sqrt(queries.shape[-1])).softmax(-1)
    return sum(w @ v for w, v in zip(weights.split(chunk, -1), values.split(chunk, 1), strict=True))


@misconception(of="chunked_attention")
def queries_chunked_only(queries, keys, values, chunk):
    """You cut the queries, so that each piece still meets all keys. How many weights does one query have at a time?"""
    pieces = [
        (some @ keys.mT / math.sqrt(queries.shape[-1])).softmax(-1) @ values for some in queries.split(64 * chunk, 1)
    ]
    return torch.cat(pieces, 1)


@misconception(of="chunked_attention")
def scale_forgotten(queries, keys, values, chunk):
    """You do not divide the scores by the root of the width. Which attention should the chunks equal?"""
    return _right(queries * math.sqrt(queries.shape[-1]), keys, values, chunk)


@misconception(of="chunked_attention")
def scaled_by_the_chunk(queries, keys, values, chunk):
    """You scale the scores by the chunk's length. Over which axis does a dot product sum?"""
    return _right(queries * math.sqrt(queries.shape[-1] / chunk), keys, values, chunk)


@misconception(of="chunked_attention")
def softmax_of_the_last_chunk(queries, keys, values, chunk):
    """You return what the last chunk alone gives. Where do the others go?"""
    *_, (scores, some_values) = _pieces(queries, keys, values, chunk)
    return scores.softmax(-1) @ some_values


@misconception(of="chunked_attention")
def batch_has_one_maximum(queries, keys, values, chunk):
    """You take the largest score of the whole batch off every row, and small rows underflow. Whose maximum is it?"""
    best = (queries @ keys.mT / math.sqrt(queries.shape[-1])).max()
    total = output = 0
    for scores, some_values in _pieces(queries, keys, values, chunk):
        weights = (scores - best).exp()
        total, output = total + weights.sum(-1, keepdim=True), output + weights @ some_values
    return output / total


@misconception(of="chunked_attention")
def summed_in_float32(queries, keys, values, chunk):
    """You compute in float32 whatever comes in. Which dtype should go out?"""
    return _right(queries.float(), keys.float(), values.float(), chunk)


@misconception(of="chunked_attention")
def sums_detached(queries, keys, values, chunk):
    """You cut the sums off the graph, so half of the derivative is missing. Does a normaliser depend on the keys?"""
    largest, total, output = None, 0, 0
    for scores, some_values in _pieces(queries, keys, values, chunk):
        new = (
            scores.amax(-1, keepdim=True) if largest is None else torch.maximum(largest, scores.amax(-1, keepdim=True))
        )
        shrink = 0 if largest is None else (largest - new).exp()
        largest, weights = new, (scores - new).exp()
        total, output = shrink * total + weights.sum(-1, keepdim=True).detach(), shrink * output + weights @ some_values
    return output / total


@misconception(of="chunked_attention", group="robust")
def queries_scaled_in_place(queries, keys, values, chunk):
    """You scale the caller's queries in place. Whose are they?"""
    output = _right(queries, keys, values, chunk)
    if not queries.requires_grad:
        queries /= math.sqrt(queries.shape[-1])
    return output


@misconception(of="chunked_attention")
def examples_share_a_sum(queries, keys, values, chunk):
    """You sum the weights over the batch too. Whose weights should sum to 1?"""
    weights = (queries @ keys.mT / math.sqrt(queries.shape[-1])).exp()
    return weights @ values / weights.sum((0, -1), keepdim=True)


@misconception(of="scaling_report")
def exponent_without_logarithms(f, lengths):
    """You fit a line to the costs themselves. On which axes is a power law a straight line?"""
    report = _right_report(f, lengths)
    x = torch.tensor(lengths[-3:], dtype=torch.float64)
    slopes = {
        k: ((x - x.mean()) @ torch.tensor(report[k][-3:]).double() / (x - x.mean()).square().sum()).item()
        for k in ("flops", "largest")
    }
    return {**report, "exponents": slopes}


@misconception(of="scaling_report")
def exponent_upside_down(f, lengths):
    """You divide the rise of the length by the rise of the cost. Which of the two depends on the other?"""
    report = _right_report(f, lengths)
    return {**report, "exponents": {name: 1 / slope for name, slope in report["exponents"].items()}}


@misconception(of="scaling_report")
def exponent_over_all_lengths(f, lengths):
    """You fit all lengths, the short ones too, where fixed costs rule. Which three did the task ask for?"""
    report = _right_report(f, lengths)
    x = torch.tensor(lengths, dtype=torch.float64).log()
    x = x - x.mean()
    slopes = {k: (x @ torch.tensor(report[k]).double().log() / (x @ x)).item() for k in ("flops", "largest")}
    return {**report, "exponents": slopes}


@misconception(of="scaling_report")
def exponent_of_the_last_two(f, lengths):
    """You look at the last two lengths only. How many points does the fit have?"""
    report = _right_report(f, lengths)
    span = math.log(lengths[-1] / lengths[-2])
    return {**report, "exponents": {k: math.log(report[k][-1] / report[k][-2]) / span for k in ("flops", "largest")}}


@misconception(of="scaling_report")
def exponent_between_the_ends(f, lengths):
    """You join the first and the last of three points and leave out the middle one. What do least squares do?"""
    report = _right_report(f, lengths)
    span = math.log(lengths[-1] / lengths[-3])
    return {**report, "exponents": {k: math.log(report[k][-1] / report[k][-3]) / span for k in ("flops", "largest")}}


@misconception(of="scaling_report")
def costs_swapped(f, lengths):
    """Your two lists are exchanged. Which of the figures counts products?"""
    report = _right_report(f, lengths)
    return {"flops": report["largest"], "largest": report["flops"], "exponents": report["exponents"]}


@misconception(of="scaling_report")
def multiply_adds_reported(f, lengths):
    """You report multiply-adds, half of the FLOPs. What does the counter count?"""
    report = _right_report(f, lengths)
    return {**report, "flops": [flops // 2 for flops in report["flops"]]}


@misconception(of="scaling_report")
def lengths_sorted_backwards(f, lengths):
    """Your figures are in another order than the lengths. Which belongs to which?"""
    report = _right_report(f, lengths)
    return {**report, "flops": report["flops"][::-1], "largest": report["largest"][::-1]}


@misconception(of="scaling_report")
def one_exponent_for_both(f, lengths):
    """You report the exponent of the FLOPs twice. Does memory grow like time?"""
    report = _right_report(f, lengths)
    return {**report, "exponents": dict.fromkeys(("flops", "largest"), report["exponents"]["flops"])}


@misconception(of="scaling_report")
def exponents_left_out(f, lengths):
    """You return the costs and no exponents. How fast do the costs grow?"""
    report = _right_report(f, lengths)
    return {name: report[name] for name in ("flops", "largest")}


@misconception(of="scaling_report")
def exponents_always_two(f, lengths):
    """You know the answer for full attention and return it always. What does your code do with another function?"""
    costs = [count_cost(f, n) for n in lengths]
    return {
        "flops": [cost.flops for cost in costs],
        "largest": [cost.largest for cost in costs],
        "exponents": {"flops": 2.0, "largest": 2.0},
    }


@misconception(of="max_length_for")
def root_in_floating_point(budget_elements, heads, batch):
    """You take the root of a rounded number, and large budgets come out one off. Which root is exact for integers?"""
    return int(math.sqrt(budget_elements / (heads * batch)))


@misconception(of="max_length_for")
def rounded_up(budget_elements, heads, batch):
    """Your length does not fit any more. Which way should it be rounded?"""
    return math.isqrt(budget_elements // (heads * batch)) + 1


@misconception(of="max_length_for")
def linear_in_the_budget(budget_elements, heads, batch):
    """You divide without a root. How many weights have n tokens?"""
    return budget_elements // (heads * batch)


@misconception(of="max_length_for")
def heads_forgotten(budget_elements, heads, batch):
    """You count one head. Does each have weights of its own?"""
    return math.isqrt(budget_elements // batch)


@misconception(of="max_length_for")
def batch_forgotten(budget_elements, heads, batch):
    """You count one example. Does each have weights of its own?"""
    return math.isqrt(budget_elements // heads)


@misconception(of="max_length_for")
def at_least_one_token(budget_elements, heads, batch):
    """You return 1 where not even one token fits. How long is the longest sequence then?"""
    return max(1, math.isqrt(budget_elements // (heads * batch)))
