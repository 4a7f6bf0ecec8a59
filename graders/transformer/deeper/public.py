"""What anyone can check about the report without training for long, and about lines."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from given.config import BATCH_SIZE
from given.dates import BOS
from given.reversal import reversal_pairs
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_number, assert_responds, assert_that
from headcheck.costs import measure
from headcheck.properties import worth

HINTS = (
    (
        "A row of the table is one model. What must all rows share, and what must each begin anew, for depth to be "
        "the only difference?"
    ),
    (
        "dataclasses.replace gives a config with another num_layers. Train between two looks at process_time; count "
        "FLOPs of one call of the whole model with the decoder's inputs shifted by bos."
    ),
    (
        "For is_affine draw the line through the points with the smallest and the largest x, and compare how far the "
        "others are off with rtol times the largest |y|."
    ),
)

KEYS = "depth", "params", "flops", "seconds", "token_accuracy"
SRC_WORDS, TGT_WORDS, WIDTH, INNER = 15, 17, 12, 20


def small(student):
    """A config without two equal sizes; its own number of layers is no depth that is asked for."""
    sizes = {"num_hiddens": WIDTH, "ffn_num_hiddens": INNER, "num_heads": 2, "num_layers": 3}
    return student.TransformerConfig(SRC_WORDS, TGT_WORDS, **sizes)


def report(student, depths, config, **options):
    """The rows, one dictionary for each depth."""
    rows = student.depth_report(depths, config, **options)
    assert_that(isinstance(rows, list), "depth_report returns no list", got=rows)
    assert_that(all(isinstance(row, dict) for row in rows), "a row of the report is no dictionary", got=rows)
    assert_that(len(rows) == len(depths), f"there are {len(rows)} rows for {len(depths)} depths", got=rows)
    return rows


def column(rows, key):
    """One number of each row."""
    assert_that(all(key in row for row in rows), f"a row has no {key}", got=rows)
    for row in rows:
        assert_number(row[key], 0.0, atol=1e15, what=key)
    return [row[key] for row in rows]


@worth(1, gate=True, hint="Begin with `depth_report`: a list, with one dictionary for each depth.")
def report_tells_depths_apart(student):
    """`depth_report` returns one dictionary for each depth, with other costs for another depth."""

    def costs(depth):
        (row,) = report(student, [depth], small(student), steps=0)
        return [row.get("params"), row.get("flops"), row.get("token_accuracy")]

    assert_responds(costs, 1, 2, what="a row of the report")


@worth(
    0.5, hint="Five keys, spelled as in the exercise; counts are whole numbers. `.item()` makes a number of a tensor."
)
def rows_are_complete(student):
    """Each row has the five keys and its own depth, in the order of the depths; counts are whole numbers."""
    rows = report(student, [2, 1], small(student), steps=0)
    for row, depth in zip(rows, [2, 1], strict=True):
        assert_that(set(row) == set(KEYS), f"a row has the keys {', '.join(map(str, row))}", got=rows)
        assert_number(row["depth"], depth, atol=0, what="depth")
    for key in KEYS:
        whole = all(isinstance(number, int) for number in column(rows, key))
        assert_that(whole or key in ("seconds", "token_accuracy"), f"{key} is not a whole number", got=rows)


@worth(1.5, hint="Encoder and decoder both get the depth. Ask `model.parameters()`, and each one how large it is.")
def all_parameters_are_counted(student):
    """`params` are the numbers in both embeddings, the output layer, and as many blocks on either side as asked for."""
    depths = [2, 1]
    rows = report(student, depths, small(student), steps=0)
    networks = 2 * (2 * WIDTH * INNER + INNER + WIDTH)
    layer = 12 * WIDTH**2 + networks + 10 * WIDTH  # three attentions, two networks, five norms
    words = (SRC_WORDS + 2 * TGT_WORDS) * WIDTH + TGT_WORDS
    for depth, got in zip(depths, column(rows, "params"), strict=True):
        assert_number(got, words + depth * layer, atol=0, what=f"params at depth {depth}")


@worth(2, hint="Call the whole model once, inside `count_cost`: which sources, which decoder inputs, which lengths?")
def flops_are_those_of_one_forward_pass(student):
    """`flops` are those of one call of your model of that depth on the first `BATCH_SIZE` test pairs."""
    generator = torch.Generator().manual_seed(7)
    _, (src, src_lens, labels, _) = (reversal_pairs(count, generator=generator) for count in (2048, 200))
    src, src_lens, labels = (part[:BATCH_SIZE] for part in (src, src_lens, labels))
    dec_inputs = torch.cat([torch.full_like(labels[:, :1], BOS), labels[:, :-1]], dim=1)
    depths = [1, 3]
    rows = report(student, depths, small(student), steps=0, seed=7)
    for depth, got in zip(depths, column(rows, "flops"), strict=True):
        config = student.TransformerConfig(SRC_WORDS, TGT_WORDS, WIDTH, INNER, 2, depth)
        wanted = measure(student.build_transformer(config), src, dec_inputs, src_lens).flops
        assert_number(got, wanted, atol=0, what=f"flops at depth {depth}")


@worth(0.5, hint="Start the clock for each depth anew, just before `fit`, and read it just after.")
def depth_takes_time(student):
    """Training takes at least twice as long with 4 layers as with 1."""
    rows = report(student, [4, 1], small(student), steps=4)
    four, one = column(rows, "seconds")
    assert_that(one > 0, "training takes no time", seconds=[four, one])
    assert_that(four >= 2 * one, "4 layers do not take twice the time of 1", seconds=[four, one])


@worth(1.5, hint="Only `fit` is between the two looks at the clock, and the difference stays as it is.")
def seconds_are_those_of_training(student):
    """12 steps take at least twice as long as 3 and less than a minute; 0 steps take hardly any time."""
    config = student.TransformerConfig(13, 13)
    _, none = column(report(student, [1, 1], config, steps=0), "seconds")  # what Adam has to load was for the first row
    (few,) = column(report(student, [1], config, steps=3), "seconds")
    (many,) = column(report(student, [1], config, steps=12), "seconds")
    shown = {"0 steps": none, "3 steps": few, "12 steps": many}
    assert_that(many >= 2 * few > 0, "12 steps do not take twice the time of 3", **shown)
    assert_that(0 <= none <= many / 5, "something else than the steps takes time", **shown)
    assert_that(many <= 60, "12 steps take more than a minute", **shown)


@worth(1, hint="Which of your generators does each depth get, and what has it been used for before?")
def rows_stand_alone(student):
    """A row is the same whether or not another depth comes before it."""
    config = small(student)
    _, among_others = report(student, [2, 1], config, steps=1, seed=3)
    (alone,) = report(student, [1], config, steps=1, seed=3)
    for key in ("params", "flops", "token_accuracy"):
        (one,), (other,) = column([among_others], key), column([alone], key)
        assert_number(one, other, atol=2e-3, what=f"{key} of the second row")


@dataclass(frozen=True)
class Points:
    """Points near a line: no `y` is farther from it than `noise` times the largest of them."""

    xs: list[float]
    ys: list[float]
    noise: float


@st.composite
def points(draw):
    """3 to 7 points at whole `x` in any order; lines rise, fall or neither, through all sizes of `y`."""
    count, start = draw(st.integers(3, 7)), draw(st.integers(-3, 3))
    offset, slope = draw(st.integers(-5, 5)), draw(st.integers(-3, 3))
    scale, noise = draw(st.sampled_from([1.0, 1e8, 1e-6])), draw(st.sampled_from([1e-4, 1e-9]))
    shuffle = torch.randperm(count, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))).tolist()
    line = [offset + slope * (start + i) for i in range(count)]
    size = max(map(abs, line))
    ys = [scale * (y + noise * size * (-1) ** i) for i, y in enumerate(line)]
    return Points([float(start + i) for i in shuffle], [ys[i] for i in shuffle], noise)


def judge(student, xs, ys, rtol):
    """The answer, which must be True or False itself."""
    answer = student.is_affine(xs, ys, rtol)
    assert_that(isinstance(answer, bool), "is_affine returns neither True nor False", got=answer)
    return answer


@worth(1, examples=40, hint="Points in any order, rising, falling or level; `rtol` is a share of the largest |y|.")
@given(case=points())
def lines_are_recognised(student, case):
    """Points that are much closer to a line than they need to be are affine."""
    answer = judge(student, case.xs, case.ys, 30 * case.noise)
    assert_that(answer, f"with rtol={30 * case.noise:g} these points on a line are not affine for you")


@worth(1, examples=40, hint="One point off the line is enough, wherever it is, above or below.")
@given(case=points(), which=st.integers(0, 6), up=st.booleans())
def bends_are_recognised(student, case, which, up):
    """One point that is too far from the line of the others, above or below it, makes the points not affine."""
    rtol = 1e-3
    which %= len(case.ys)
    size = max(map(abs, case.ys)) or 1.0
    off = [y + (0.2 if up else -0.2) * size * (i == which) for i, y in enumerate(case.ys)]
    answer = judge(student, case.xs, off, rtol)
    assert_that(
        not answer, f"with rtol={rtol:g} and point {which} at {off[which]:g} the points are affine for you", ys=off
    )


@worth(1, examples=20, hint="How far off is too far? It depends on `rtol` and on how large the numbers are.")
@given(scale=st.sampled_from([1.0, 1e9, 1e-9]), rtol=st.sampled_from([1e-2, 1e-4, 1e-6]), level=st.integers(-1, 1))
def tolerance_is_relative(student, scale, rtol, level):
    """The same bend is forgiven with a large `rtol` and not with a small one, however large the numbers are."""
    xs, line = [1.0, 2.0, 3.0, 4.0], [level + x for x in (-2.0, -1.0, 0.0, 1.0)]
    size = max(map(abs, line))
    for share, wanted in ((0.05, True), (50.0, False)):
        bend = [0.0, share * rtol * size, 0.0, 0.0]
        ys = [scale * (y + off) for y, off in zip(line, bend, strict=True)]
        answer = judge(student, xs, ys, rtol if wanted else rtol / 2)
        assert_that(answer == wanted, f"is_affine is {answer} for points {share:g} * rtol off", xs=xs, ys=ys)


@worth(1, group="robust", hint="How many points determine a line? And what is its slope when all have the same x?")
def few_points_are_judged_too(student):
    """No point, one and two are on a line, unless one is above the other; no depths make an empty report."""
    lines = [([], []), ([2.0], [5.0]), ([2.0, 1.0], [5.0, -3.0]), ([2.0, 2.0], [5.0, 5.0]), ([1.0, 3.0], [0.0, 0.0])]
    for xs, ys in lines:
        assert_that(judge(student, xs, ys, 1e-6), "these points are not affine for you", xs=xs, ys=ys)
    assert_that(not judge(student, [2.0, 2.0], [5.0, 6.0], 1e-6), "two points, one above the other, are affine for you")
    report(student, [], small(student), steps=0)
