"""Ways to get the report, or the line, wrong."""

from dataclasses import replace
from itertools import pairwise
from time import perf_counter, process_time

import torch
from bahdanau.seq2seq_training import greedy_decode, teacher_forcing_inputs
from given.config import BATCH_SIZE, initialise
from given.cost_counter import count_cost
from given.dates import BOS, EOS
from given.reversal import reversal_pairs
from torch import nn
from transformer.deeper import depth_report
from transformer.train_transformer import build_transformer, fit

from headcheck.properties import misconception

_RATE = 3e-3


def _draw(seed):
    """The pairs to learn from, and those to be tested on."""
    generator = torch.Generator().manual_seed(seed)
    return reversal_pairs(2048, generator=generator), reversal_pairs(200, generator=generator)


def _model(config, depth):
    """The Transformer of this depth."""
    return build_transformer(replace(config, num_layers=depth))


def _params(model):
    """The numbers that are learned."""
    return sum(parameter.numel() for parameter in model.parameters())


def _flops(model, pairs):
    """FLOPs of one pass over a batch."""
    src, src_lens, labels, _ = (part[:BATCH_SIZE] for part in pairs)
    return count_cost(model, src, teacher_forcing_inputs(labels, BOS), src_lens).flops


def _answers(model, pairs):
    """What the model answers, and what it should."""
    src, src_lens, labels, label_lens = pairs
    decoded = greedy_decode(model, src, src_lens, BOS, EOS, labels.shape[1])
    return decoded, [row[: n - 1] for row, n in zip(labels.tolist(), label_lens.tolist(), strict=True)]


def _accuracy(model, pairs):
    """The share of the tokens that are in their place."""
    decoded, wanted = _answers(model, pairs)
    right = sum(a == b for got, row in zip(decoded, wanted, strict=True) for a, b in zip(got, row, strict=False))
    return right / sum(map(len, wanted))


def _report(
    *, draw=_draw, model=_model, start=initialise, train=fit, params=_params, flops=_flops, accuracy=_accuracy, clip=1.0
):
    """A `depth_report` of which some parts are replaced; `accuracy` and `flops` see the model and the test pairs."""

    def wrong(depths, config, *, steps=200, lr=_RATE, warmup=20, seed=0):
        learn, test = draw(seed)
        rows = []
        for depth in depths:
            generator = torch.Generator().manual_seed(seed)
            made = model(config, depth)
            start(made, generator)
            before = process_time()
            train(made, learn, steps=steps, lr=lr, warmup=warmup, clip=clip, generator=generator)
            seconds = process_time() - before
            costs = {"params": params(made), "flops": flops(made, test)}
            rows.append({"depth": depth, **costs, "seconds": seconds, "token_accuracy": accuracy(made, test)})
        return rows

    return wrong


def _changed(change):
    """The right report, but `change(row, steps)` has been at each of its rows."""

    def wrong(depths, config, *, steps=200, lr=_RATE, warmup=20, seed=0):
        rows = depth_report(depths, config, steps=steps, lr=lr, warmup=warmup, seed=seed)
        return [{**row, **change(row, steps)} for row in rows]

    return wrong


def _one_half(part):
    """A model of which only one half has the depth."""

    def build(config, depth):
        model, deep = _model(config, config.num_layers), _model(config, depth)
        setattr(model, part, getattr(deep, part))
        return model

    return build


@misconception(of="depth_report")
def depth_for_the_encoder_only(*args, **kwargs):
    """Your decoder has the layers of `config`, whatever the depth is. Which halves does a Transformer have?"""
    return _report(model=_one_half("encoder"))(*args, **kwargs)


@misconception(of="depth_report")
def depth_for_the_decoder_only(*args, **kwargs):
    """Your encoder has the layers of `config`, whatever the depth is. Which halves does a Transformer have?"""
    return _report(model=_one_half("decoder"))(*args, **kwargs)


@misconception(of="depth_report")
def depth_of_the_config(*args, **kwargs):
    """Your models all have the layers of `config`. Which of its fields changes from row to row?"""
    return _report(model=lambda config, _depth: build_transformer(config))(*args, **kwargs)


@misconception(of="depth_report")
def other_fields_lost(*args, **kwargs):
    """You make a config of your own, and the caller's widths are lost. How is one field of a config replaced?"""

    def build(config, depth):
        return build_transformer(type(config)(config.src_vocab_size, config.tgt_vocab_size, num_layers=depth))

    return _report(model=build)(*args, **kwargs)


@misconception(of="depth_report")
def blocks_shared(*args, **kwargs):
    """Your layers are one block, used again and again. How many parameters does a second layer bring, then?"""

    def build(config, depth):
        model = _model(config, depth)
        blocks = model.encoder.blks
        for name, _ in blocks.named_children():
            setattr(blocks, name, blocks[0])
        return model

    return _report(model=build)(*args, **kwargs)


@misconception(of="depth_report")
def tensors_counted(*args, **kwargs):
    """You count the parameter tensors, a matrix like a vector. How many numbers does each of them hold?"""
    return _report(params=lambda model: len(list(model.parameters())))(*args, **kwargs)


@misconception(of="depth_report")
def matrices_only(*args, **kwargs):
    """You leave the biases and the norms out. Does the optimizer leave them alone?"""
    return _report(params=lambda model: sum(p.numel() for p in model.parameters() if p.ndim > 1))(*args, **kwargs)


@misconception(of="depth_report")
def layers_only(*args, **kwargs):
    """You count the parameters of the blocks only. What turns ids into vectors, and vectors into words?"""
    return _report(params=lambda model: _params(model.encoder.blks) + _params(model.decoder.blks))(*args, **kwargs)


@misconception(of="depth_report")
def parameters_of_the_encoder(*args, **kwargs):
    """You count the parameters of the encoder. Who writes the answer?"""
    return _report(params=lambda model: _params(model.encoder))(*args, **kwargs)


@misconception(of="depth_report")
def counts_run_on(depths, config, **kwargs):
    """Your counts go on from row to row instead of beginning anew. What does one model of this depth cost?"""
    rows = depth_report(depths, config, **kwargs)
    for before, row in pairwise(rows):
        row["params"] += before["params"]
        row["flops"] += before["flops"]
    return rows


@misconception(of="depth_report")
def flops_of_the_encoder(*args, **kwargs):
    """You count while the encoder reads. Who writes the answer, and what does that cost?"""

    def flops(model, pairs):
        return count_cost(model.encoder, pairs[0][:BATCH_SIZE], pairs[1][:BATCH_SIZE]).flops

    return _report(flops=flops)(*args, **kwargs)


@misconception(of="depth_report")
def flops_of_one_layer(*args, **kwargs):
    """You count the FLOPs of a model of 1 layer for every depth. Which model is it that the row speaks of?"""

    def wrong(depths, config, **options):
        (one,) = depth_report([1], config, **{**options, "steps": 0})
        return [{**row, "flops": one["flops"]} for row in depth_report(depths, config, **options)]

    return wrong(*args, **kwargs)


@misconception(of="depth_report")
def flops_of_all_test_pairs(*args, **kwargs):
    """You count a pass over all test pairs. How many are in the batch that was asked for?"""

    def flops(model, pairs):
        src, src_lens, labels, _ = pairs
        return count_cost(model, src, teacher_forcing_inputs(labels, BOS), src_lens).flops

    return _report(flops=flops)(*args, **kwargs)


@misconception(of="depth_report")
def flops_of_one_pair(*args, **kwargs):
    """You count a pass over a single pair. How many are in the batch that was asked for?"""
    return _report(flops=lambda model, pairs: _flops(model, [part[:1] for part in pairs]))(*args, **kwargs)


@misconception(of="depth_report")
def flops_of_decoding(*args, **kwargs):
    """You count while the model answers word by word. What is the one pass that training makes?"""

    def flops(model, pairs):
        src, src_lens, labels, _ = (part[:BATCH_SIZE] for part in pairs)
        return count_cost(greedy_decode, model, src, src_lens, BOS, EOS, labels.shape[1]).flops

    return _report(flops=flops)(*args, **kwargs)


@misconception(of="depth_report")
def flops_with_the_way_back(*args, **kwargs):
    """You count the backward pass, too. What does one forward pass cost?"""

    def flops(model, pairs):
        src, src_lens, labels, _ = (part[:BATCH_SIZE] for part in pairs)
        inputs = teacher_forcing_inputs(labels, BOS)
        return count_cost(lambda: model(src, inputs, src_lens)[0].sum().backward()).flops

    return _report(flops=flops)(*args, **kwargs)


@misconception(of="depth_report")
def decoder_inputs_too_long(*args, **kwargs):
    """You put `BOS` before the labels and drop none of them. How many inputs does training give the decoder?"""

    def flops(model, pairs):
        src, src_lens, labels, _ = (part[:BATCH_SIZE] for part in pairs)
        return count_cost(model, src, nn.functional.pad(labels, (1, 0), value=BOS), src_lens).flops

    return _report(flops=flops)(*args, **kwargs)


@misconception(of="depth_report")
def multiply_adds_for_flops(*args, **kwargs):
    """You take a multiplication and its addition for one operation. What does `count_cost` return?"""
    return _changed(lambda row, _steps: {"flops": row["flops"] // 2})(*args, **kwargs)


@misconception(of="depth_report")
def cost_for_flops(*args, **kwargs):
    """You report the largest tensor. Which field of a `Cost` are the FLOPs?"""

    def flops(model, pairs):
        src, src_lens, labels, _ = (part[:BATCH_SIZE] for part in pairs)
        return count_cost(model, src, teacher_forcing_inputs(labels, BOS), src_lens).largest

    return _report(flops=flops)(*args, **kwargs)


def _timed_otherwise(seconds):
    """The right report, but with other seconds: those of `seconds(steps, lr, warmup, seed, config, depth)`."""

    def wrong(depths, config, *, steps=200, lr=_RATE, warmup=20, seed=0):
        rows = []
        for depth in depths:
            before = process_time()
            (row,) = depth_report([depth], config, steps=steps, lr=lr, warmup=warmup, seed=seed)
            rows.append({**row, "seconds": seconds(row, process_time() - before)})
        return rows

    return wrong


@misconception(of="depth_report")
def everything_timed(*args, **kwargs):
    """Your clock runs while data are made, costs are counted and answers are judged. What should it time?"""
    return _timed_otherwise(lambda _row, whole: whole)(*args, **kwargs)


@misconception(of="depth_report")
def clock_started_once(depths, config, **kwargs):
    """You start the clock once, so each row contains the time of those before it. When does a training begin?"""
    rows, total = depth_report(depths, config, **kwargs), 0.0
    for row in rows:
        row["seconds"] = total = total + row["seconds"]
    return rows


@misconception(of="depth_report")
def seconds_of_a_step(*args, **kwargs):
    """You divide by the number of steps. How long did all of them take?"""
    return _changed(lambda row, steps: {"seconds": row["seconds"] / max(1, steps)})(*args, **kwargs)


@misconception(of="depth_report")
def milliseconds(*args, **kwargs):
    """Your seconds are 1000 times too many. In which unit does the clock count?"""
    return _changed(lambda row, _steps: {"seconds": 1000 * row["seconds"]})(*args, **kwargs)


@misconception(of="depth_report")
def time_runs_backwards(*args, **kwargs):
    """Your times are negative. Which of the two looks at the clock came first?"""
    return _changed(lambda row, _steps: {"seconds": -row["seconds"]})(*args, **kwargs)


@misconception(of="depth_report")
def time_of_day(*args, **kwargs):
    """You report what the clock shows. How long did training take?"""
    return _changed(lambda _row, _steps: {"seconds": perf_counter()})(*args, **kwargs)


@misconception(of="depth_report")
def time_of_a_forward_pass(*args, **kwargs):
    """You time one forward pass. What did training take?"""

    def wrong(depths, config, **options):
        rows = depth_report(depths, config, **options)
        _, test = _draw(options.get("seed", 0))
        for row in rows:
            model = _model(config, row["depth"])
            before = process_time()
            model(test[0][:BATCH_SIZE], teacher_forcing_inputs(test[2][:BATCH_SIZE], BOS), test[1][:BATCH_SIZE])
            row["seconds"] = process_time() - before
        return rows

    return wrong(*args, **kwargs)


@misconception(of="depth_report")
def judged_on_what_was_learned(*args, **kwargs):
    """You test the model on pairs that it has learned from. What are the other 200 for?"""

    def draw(seed):
        learn, _ = _draw(seed)
        return learn, [part[:200] for part in learn]

    return _report(draw=draw)(*args, **kwargs)


@misconception(of="depth_report")
def test_pairs_drawn_first(*args, **kwargs):
    """You draw the test pairs before the others, so your data are not those that were asked for. Which come first?"""

    def draw(seed):
        generator = torch.Generator().manual_seed(seed)
        test = reversal_pairs(200, generator=generator)
        return reversal_pairs(2048, generator=generator), test

    return _report(draw=draw)(*args, **kwargs)


@misconception(of="depth_report")
def told_the_words_before(*args, **kwargs):
    """You show the decoder the right words before each one. Who shows them to it when it has to answer by itself?"""

    @torch.no_grad()
    def accuracy(model, pairs):
        src, src_lens, labels, label_lens = pairs
        model.eval()
        chosen = model(src, teacher_forcing_inputs(labels, BOS), src_lens)[0].argmax(-1)
        counts = torch.arange(labels.shape[1]) < label_lens[:, None] - 1
        return (chosen == labels)[counts].double().mean().item()

    return _report(accuracy=accuracy)(*args, **kwargs)


@misconception(of="depth_report")
def whole_answers_counted(*args, **kwargs):
    """You count an answer only if all of it is right. How many of its tokens are?"""

    def accuracy(model, pairs):
        return sum(a == b for a, b in zip(*_answers(model, pairs), strict=True)) / len(pairs[0])

    return _report(accuracy=accuracy)(*args, **kwargs)


@misconception(of="depth_report")
def mean_over_sentences(*args, **kwargs):
    """You average over the sentences, so a token of a short one weighs more. Of how many tokens is it the share?"""

    def accuracy(model, pairs):
        both = zip(*_answers(model, pairs), strict=True)
        shares = [sum(a == b for a, b in zip(got, row, strict=False)) / len(row) for got, row in both]
        return sum(shares) / len(shares)

    return _report(accuracy=accuracy)(*args, **kwargs)


@misconception(of="depth_report")
def end_counted(*args, **kwargs):
    """You count `<eos>` among the tokens, and no answer holds it. What has `greedy_decode` left out?"""

    def accuracy(model, pairs):
        return _accuracy(model, (*pairs[:3], pairs[3] + 1))

    return _report(accuracy=accuracy)(*args, **kwargs)


@misconception(of="depth_report")
def short_answers_forgiven(*args, **kwargs):
    """You divide by the tokens that the model wrote, so it gains by writing none. How many should there be?"""

    def accuracy(model, pairs):
        decoded, wanted = _answers(model, pairs)
        both = [(a, b) for got, row in zip(decoded, wanted, strict=True) for a, b in zip(got, row, strict=False)]
        return sum(a == b for a, b in both) / max(1, len(both))

    return _report(accuracy=accuracy)(*args, **kwargs)


@misconception(of="depth_report")
def percent(*args, **kwargs):
    """Your accuracy is a number of percent. How large can a share be?"""
    return _changed(lambda row, _steps: {"token_accuracy": 100 * row["token_accuracy"]})(*args, **kwargs)


@misconception(of="depth_report")
def errors_counted(*args, **kwargs):
    """You report the share of the wrong tokens. What does a perfect model get?"""
    return _changed(lambda row, _steps: {"token_accuracy": 1 - row["token_accuracy"]})(*args, **kwargs)


@misconception(of="depth_report")
def seed_ignored(depths, config, **kwargs):
    """Your report is the same for every seed. Which generators begin with it?"""
    return depth_report(depths, config, **{**kwargs, "seed": 0})


@misconception(of="depth_report")
def one_generator_for_all(depths, config, *, steps=200, lr=_RATE, warmup=20, seed=0):
    """Your models share a generator, so each begins where the one before it stopped. What else differs, then?"""
    pairs, shared = _draw(seed), torch.Generator().manual_seed(seed)

    def train(model, data, **options):
        return fit(model, data, **{**options, "generator": shared})

    rows = []
    for depth in depths:
        report = _report(
            draw=lambda _seed: pairs,
            start=lambda model, _generator: initialise(model, shared),
            train=train,
        )
        rows += report([depth], config, steps=steps, lr=lr, warmup=warmup, seed=seed)
    return rows


@misconception(of="depth_report")
def depths_sorted(depths, config, **kwargs):
    """You put the depths into an order of your own. In which order did the caller ask?"""
    return depth_report(sorted(depths), config, **kwargs)


@misconception(of="depth_report")
def initial_values_left_as_they_were(*args, **kwargs):
    """You train from the initial values of PyTorch, which are others in every run. What is `initialise` for?"""
    return _report(start=lambda _model, _generator: None)(*args, **kwargs)


@misconception(of="depth_report")
def initialised_after_training(*args, **kwargs):
    """You give the model its initial values after it has learned. What is left of the training?"""

    def train(model, data, *, generator, **options):
        fit(model, data, generator=generator, **options)
        initialise(model, generator)

    return _report(train=train)(*args, **kwargs)


@misconception(of="depth_report")
def never_trained(*args, **kwargs):
    """Your model never learns. Which function trains it?"""
    return _report(train=lambda *_args, **_options: [])(*args, **kwargs)


@misconception(of="depth_report")
def rate_ignored(*args, **kwargs):
    """Your learning rate is always the same. Who is to choose it?"""
    return _report(train=lambda *args, **options: fit(*args, **{**options, "lr": _RATE}))(*args, **kwargs)


@misconception(of="depth_report")
def warmup_ignored(*args, **kwargs):
    """Your warm-up is always 20 steps long. Who is to choose it?"""
    return _report(train=lambda *args, **options: fit(*args, **{**options, "warmup": 20}))(*args, **kwargs)


@misconception(of="depth_report")
def default_rate_too_large(depths, config, *, steps=200, lr=1e-2, warmup=20, seed=0):
    """Without a word about it your learning rate is another one. What does the signature say?"""
    return depth_report(depths, config, steps=steps, lr=lr, warmup=warmup, seed=seed)


@misconception(of="depth_report")
def fewer_steps_by_default(depths, config, *, steps=150, lr=3e-3, warmup=20, seed=0):
    """You stop early when nobody says how long to train. What does the signature say?"""
    return depth_report(depths, config, steps=steps, lr=lr, warmup=warmup, seed=seed)


@misconception(of="depth_report")
def gradients_hardly_clipped(*args, **kwargs):
    """You let the gradients grow a hundred times longer. What is `clip`?"""
    return _report(clip=100.0)(*args, **kwargs)


@misconception(of="depth_report", trains=True)
def one_pass_over_the_data(*args, **kwargs):
    """You stop when every pair has been seen once. How many steps were asked for?"""

    def train(model, data, *, steps, **options):
        return fit(model, data, steps=min(steps, len(data[0]) // BATCH_SIZE), **options)

    return _report(train=train)(*args, **kwargs)


@misconception(of="depth_report", group="robust")
def depths_must_be_there(depths, config, **kwargs):
    """You look at the first depth even when there is none. What is the report of no depths?"""
    first = depths[0]
    return depth_report([first, *depths[1:]], config, **kwargs)


def _farthest(xs, ys):
    """How far the points are from the line through the first and the last of them, and how large they are."""
    points = sorted(zip(xs, ys, strict=True))
    if len(points) < 2:
        return 0.0, 1.0
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    return max(abs(y0 + slope * (x - x0) - y) for x, y in points), max(map(abs, ys))


@misconception(of="is_affine")
def through_the_origin(xs, ys, rtol):
    """Your lines all pass the origin, where y is a multiple of x. What may a line have besides a slope?"""
    slope = sum(x * y for x, y in zip(xs, ys, strict=True)) / max(sum(x * x for x in xs), 1e-12)
    return max((abs(slope * x - y) for x, y in zip(xs, ys, strict=True)), default=0.0) <= rtol * max(
        map(abs, ys), default=0.0
    )


@misconception(of="is_affine")
def equal_steps_assumed(xs, ys, rtol):
    """You compare the differences of neighbours as if they were equally far apart. How far are 1, 2 and 4?"""
    steps = [b - a for a, b in pairwise(ys)]
    return max(steps, default=0.0) - min(steps, default=0.0) <= rtol * max(map(abs, ys), default=0.0)


@misconception(of="is_affine")
def only_rising_lines(xs, ys, rtol):
    """You want every y to be larger than the one before. Can a line not fall, or stay level?"""
    far, size = _farthest(xs, ys)
    in_order = [y for _, y in sorted(zip(xs, ys, strict=True))]
    return far <= rtol * size and all(a < b for a, b in pairwise(in_order))


@misconception(of="is_affine")
def bends_upward_only(xs, ys, rtol):
    """You look for points above the line and forget those below. On how many sides can a point be off?"""
    points = sorted(zip(xs, ys, strict=True))
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return _farthest(xs, ys)[0] == 0
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = (y1 - y0) / (x1 - x0)
    return max(y - y0 - slope * (x - x0) for x, y in points) <= rtol * max(map(abs, ys))


@misconception(of="is_affine")
def deviations_averaged(xs, ys, rtol):
    """You take the mean of the deviations, and those above make up for those below. Which point is farthest off?"""
    x, y = (torch.tensor(some, dtype=torch.float64) for some in (xs, ys))
    if len(x) < 2 or x.max() == x.min():
        return _farthest(xs, ys)[0] == 0
    dx, dy = x - x.mean(), y - y.mean()
    return bool((dy - (dx @ dy) / (dx @ dx) * dx).mean().abs() <= rtol * y.abs().max())


@misconception(of="is_affine")
def three_points_looked_at(xs, ys, rtol):
    """You look at three points only. What about the others?"""
    far, size = _farthest(xs[:3], ys[:3])
    return far <= rtol * size


@misconception(of="is_affine")
def absolute_tolerance(xs, ys, rtol):
    """You take `rtol` for a distance. How far off is 1, when the numbers are as large as FLOPs?"""
    return _farthest(xs, ys)[0] <= rtol


@misconception(of="is_affine")
def exact_points_only(xs, ys, rtol):
    """You allow no deviation at all. What is `rtol` for?"""
    return _farthest(xs, ys)[0] == 0


@misconception(of="is_affine")
def tolerance_of_your_own(xs, ys, rtol):
    """Your tolerance is always the same. Who is to choose it?"""
    far, size = _farthest(xs, ys)
    return far <= 1e-3 * size


@misconception(of="is_affine")
def linear_on_log_axes(xs, ys, rtol):
    """You look for a power law, a line on logarithmic axes. Is 3 + 2x one?"""
    if min([*xs, *ys, 1.0]) <= 0:
        return False
    x, y = (torch.tensor(some, dtype=torch.float64).log().tolist() for some in (xs, ys))
    far, size = _farthest(x, y)
    return far <= rtol * size


@misconception(of="is_affine")
def correlation_in_place_of_distance(xs, ys, rtol):
    """You ask whether x and y correlate well, and they still do when a point is off. How far is it from the line?"""
    table = torch.tensor([xs, ys], dtype=torch.float64)
    if table.shape[1] < 2 or not table.std(1).all():
        return _farthest(xs, ys)[0] == 0
    return bool(torch.corrcoef(table)[0, 1].abs() >= 1 - rtol)


@misconception(of="is_affine")
def always_affine(xs, ys, rtol):
    """Everything is a line to you. Is a parabola?"""
    return True


@misconception(of="is_affine")
def tensor_in_place_of_bool(xs, ys, rtol):
    """You return a tensor. What turns it into True or False?"""
    far, size = _farthest(xs, ys)
    return torch.tensor(far <= rtol * size)


@misconception(of="is_affine", group="robust")
def division_by_equal_x(xs, ys, rtol):
    """You divide by a difference that is 0 when all points share their x. What does your line do then?"""
    (x0, y0), *_, (x1, y1) = points = sorted(zip(xs, ys, strict=True))
    slope = (y1 - y0) / (x1 - x0)
    return max(abs(y0 + slope * (x - x0) - y) for x, y in points) <= rtol * max(map(abs, ys))


@misconception(of="is_affine", group="robust")
def vertical_lines(xs, ys, rtol):
    """You call points above each other a line. Which y does it have at their x?"""
    return len(set(xs)) < 2 or _farthest(xs, ys)[0] <= rtol * max(map(abs, ys))
