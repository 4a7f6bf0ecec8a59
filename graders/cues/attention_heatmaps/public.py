"""What anyone can check about random attention and its picture."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import (
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
)
from headcheck.properties import worth
from headcheck.strategies import normal, seeds, sizes
from headcheck.student import Handle

HINTS = (
    (
        "A row belongs to one query, which has a whole attention of 1 to share out. So along which axis do the keys "
        "lie, over which a softmax must run?"
    ),
    (
        "The temperature belongs to the scores. Think of one very large and one very small temperature: which of them "
        "should leave the scores nearly alike?"
    ),
    (
        "For the pictures: make all axes with one call of plt.subplots, squeeze=False, take the smallest and the "
        "largest weight over all matrices, and give both to every imshow as its range."
    ),
)

COUNTS = st.one_of(sizes(2), st.just((4, 4)))


def _weights(student, counts, seed, **options):
    """Weights for a generator of this seed, of the right shape and finite."""
    generator = torch.Generator().manual_seed(seed)
    weights = assert_shape(student.random_attention(*counts, generator=generator, **options), counts, what="weights")
    return assert_finite(weights, what="weights")


def _entropy(weights):
    return torch.special.entr(weights.double()).sum(-1)


def _figure(student, matrices, xlabel="Keys", ylabel="Queries", **options):
    """The figure that `show_heatmaps` returns."""
    figure, _ = student.watch_drawing(student.show_heatmaps, matrices, xlabel, ylabel, **options)
    assert_that(figure is not None, "show_heatmaps returns None: is a `return` missing?")
    assert_that(isinstance(figure, Handle), f"show_heatmaps returns {figure!r}, wanted a matplotlib Figure")
    return figure


def _cells(student, matrices, **options):
    """The axes of a figure that show an image, as a grid: by their places in the figure."""
    rows, cols = matrices.shape[:2]
    axes = _figure(student, matrices.clone(), **options).axes
    cells = sorted((ax for ax in axes if ax.get_images()), key=_place)
    assert_that(len(cells) == rows * cols, f"{len(cells)} axes show an image, wanted {rows} x {cols}")
    return [cells[row * cols : (row + 1) * cols] for row in range(rows)]


def _place(ax):
    """From top to bottom, and from left to right."""
    (left, bottom), _ = ax.get_position().get_points().tolist()
    return -round(bottom, 3), round(left, 3)


def _shown(ax):
    """The numbers of the image in a cell."""
    return torch.tensor(ax.get_images()[0].get_array().tolist())


def _images(student, matrices, count):
    """The numbers of so many images, in the order of the figure's axes."""
    shown = [_shown(ax) for ax in _figure(student, matrices).axes if ax.get_images()]
    assert_that(len(shown) == count, f"{len(shown)} axes show an image, wanted {count}")
    return shown


def _numbers(pair):
    """Two Python numbers, whether they were such or NumPy's."""
    return torch.tensor([number.item() if isinstance(number, Handle) else number for number in pair])


def _matrices(*shape, seed=1):
    """Matrices of weights whose largest numbers differ from cell to cell."""
    sharpness = torch.arange(1.0, shape[0] * shape[1] + 1).reshape(*shape[:2], 1, 1)
    return (sharpness * normal(shape, seed)).softmax(-1)


@worth(1, gate=True, hint="Scores from torch.randn with generator=generator, one row for each query, then a softmax.")
def draws_a_matrix(student):
    """random_attention returns one row for each query, one column for each key, and depends on the generator."""
    _weights(student, (3, 5), 1)
    assert_responds(lambda seed: _weights(student, (3, 5), seed), 1, 2, what="the matrix of weights")


@worth(1, gate=True, hint="plt.subplots makes figure and axes; draw with ax.imshow, and return the figure.")
def draws_an_image_for_each_matrix(student):
    """show_heatmaps returns a figure with an image for each matrix, and the images depend on the matrices."""
    first, second = _matrices(2, 2, 4, 5), _matrices(2, 2, 4, 5, seed=2)
    assert_responds(lambda matrices: _images(student, matrices.clone(), 4), first, second, what="what is shown")


@worth(1, hint="Over which axis does a softmax have to run, if every query shares out its attention?", examples=20)
@given(counts=COUNTS, seed=seeds())
def queries_share_out_their_attention(student, counts, seed):
    """Each row is positive, float32 and sums to 1."""
    weights = assert_dtype(_weights(student, counts, seed), torch.float32, what="weights")
    assert_that(bool((weights > 0).all()), "a weight is not positive", weights=weights)
    assert_close(weights.sum(-1), torch.ones(counts[0]), what="weights.sum(-1)")


@worth(1, hint="Every query chooses for itself, so some keys get more attention than others.", examples=20)
@given(seed=seeds())
def keys_do_not_get_equal_shares(student, seed):
    """The columns of a 10 x 10 matrix sum to different numbers, and no two rows are the same."""
    weights = _weights(student, (10, 10), seed)
    columns = weights.sum(0)
    assert_that(bool(((columns - 1).abs() > 0.05).any()), "every column sums to 1", columns=columns)
    assert_that(len(weights.unique(dim=0)) == 10, "two queries have the same weights", weights=weights)


@worth(1, hint="Pass generator=generator on, and touch neither its seed nor the global one.", examples=20)
@given(counts=sizes(2, low=2), seed=seeds())
def generator_decides(student, counts, seed):
    """Equal seeds give equal matrices, and a generator that is used again gives another one."""
    generator = torch.Generator().manual_seed(seed)
    first = student.random_attention(*counts, generator=generator)
    second = student.random_attention(*counts, generator=generator)
    assert_equal(_weights(student, counts, seed), first, what="weights for the same seed")
    assert_that(not torch.equal(first, second), "two draws from one generator are the same", weights=first)


@worth(1.5, hint="Which function of torch draws from the standard normal distribution? rand is not the one.")
def scores_are_standard_normal(student):
    """Read off 400 x 100 weights, the scores have the variance, the symmetry and the tails of a normal distribution."""
    logarithms = _weights(student, (400, 100), 1).double().clamp_min(1e-300).log()
    scores = logarithms - logarithms.mean(-1, keepdim=True)  # the softmax hides what is common to a row
    variance = (scores**2).sum().item() / (400 * 99)
    skew, tails = ((scores**power).mean().item() / variance ** (power / 2) for power in (3, 4))
    assert_that(0.95 < variance < 1.05, f"the scores have a variance of {variance:.3g}, wanted 1")
    assert_that(abs(skew) < 0.15, f"the scores have a skewness of {skew:.3g}, wanted 0")
    assert_that(abs(tails - 3) < 0.25, f"the scores have a kurtosis of {tails:.3g}, wanted 3")


@worth(1, hint="Divide the scores, before the softmax. What do logarithms of weights tell about scores?", examples=20)
@given(counts=sizes(2, low=2), seed=seeds(), temperature=st.sampled_from([0.5, 2.0, 5.0, 0.25]))
def temperature_divides_the_scores(student, counts, seed, temperature):
    """At another temperature the differences between the scores of a seed are divided by it."""
    plain = _weights(student, counts, seed).double().log()
    found = _weights(student, counts, seed, temperature=temperature).double().log()
    wanted = (plain / temperature).log_softmax(-1)
    assert_close(found, wanted, rtol=1e-4, atol=1e-4, what=f"the logarithm of the weights at {temperature}")


@worth(0.5, hint="Do not let an exponential of yours overflow: torch's softmax takes care of it.", examples=20)
@given(counts=COUNTS, seed=seeds())
def cold_attention_makes_up_its_mind(student, counts, seed):
    """At a temperature of 0.00001 the key that had the largest weight has all of it."""
    largest = _weights(student, counts, seed).argmax(-1)
    wanted = torch.nn.functional.one_hot(largest, counts[1]).float()
    found = _weights(student, counts, seed, temperature=1e-5)
    assert_close(found, wanted, atol=1e-2, what="weights at 0.00001")


@worth(0.5, hint="What is left of scores that were divided by a million?", examples=20)
@given(counts=COUNTS, seed=seeds())
def hot_attention_cannot_decide(student, counts, seed):
    """At a temperature of a million all keys get the same weight."""
    wanted = torch.full(counts, 1 / counts[1])
    assert_close(_weights(student, counts, seed, temperature=1e6), wanted, what="weights at a million")


@worth(0.5, hint="Which way does the temperature go? Hot means undecided.", examples=20)
@given(counts=sizes(2, low=2), seed=seeds())
def entropy_grows_with_temperature(student, counts, seed):
    """For the same scores, the entropy of no row is smaller at a higher temperature."""
    temperatures = 0.1, 0.5, 1.0, 3.0, 20.0
    entropies = [_entropy(_weights(student, counts, seed, temperature=each)) for each in temperatures]
    for (cold, hot), (low, high) in zip(pairwise(temperatures), pairwise(entropies), strict=True):
        assert_that(bool((high >= low - 1e-5).all()), f"the entropy falls from {cold} to {hot}", before=low, after=high)
    assert_that(bool((entropies[-1] > entropies[0]).all()), "the entropy does not change with the temperature")


@worth(2, hint="Queries go down and keys to the right; the cell in row r and column c shows matrices[r, c].")
def every_cell_shows_its_matrix(student):
    """The image in row r and column c of the grid holds the numbers of matrices[r, c]."""
    for shape in ((2, 3, 4, 5), (1, 2, 3, 3)):
        matrices = _matrices(*shape)
        for r, row in enumerate(_cells(student, matrices)):
            for c, ax in enumerate(row):
                assert_close(_shown(ax), matrices[r, c], what=f"the image in row {r}, column {c} of {shape[:2]}")


@worth(1, hint="A label that stands once at the edge serves the whole row or column.")
def labels_stand_at_the_edge(student):
    """The x label stands at the cells of the last row only, the y label at those of the first column only."""
    cells = _cells(student, _matrices(2, 2, 4, 5), xlabel="keys here", ylabel="queries there")
    for r, row in enumerate(cells):
        for c, ax in enumerate(row):
            for name, found, wanted in (
                ("x", ax.get_xlabel(), "keys here" if r == 1 else ""),
                ("y", ax.get_ylabel(), "queries there" if c == 0 else ""),
            ):
                assert_that(found == wanted, f"the {name} label in row {r}, column {c} is {found!r}, wanted {wanted!r}")


@worth(1, hint="titles[0] belongs to the first column, whichever row you are in.")
def columns_have_titles(student):
    """Each column has its own title above its top cell, and nobody has one when there are no titles."""
    matrices = _matrices(2, 2, 4, 5)
    titles = ["left", "right"]
    for c, column in enumerate(zip(*_cells(student, matrices, titles=titles), strict=True)):
        top, below = (ax.get_title() for ax in column)
        assert_that(top == titles[c], f"the title of column {c} is {top!r}, wanted {titles[c]!r}")
        assert_that(below in ("", titles[c]), f"the title in row 1, column {c} is {below!r}, wanted none")
    found = {ax.get_title() for row in _cells(student, matrices[:1]) for ax in row}
    assert_that(found == {""}, f"without titles there are the titles {sorted(found)}")


@worth(1, hint="figure.colorbar(image, ax=...) takes all cells at once.")
def one_colour_bar_serves_all(student):
    """A grid has one axes for each cell, and one more: the colour bar of an image in it."""
    for rows, cols in ((2, 2), (1, 2)):
        matrices = _matrices(rows, cols, 4, 5)
        axes = _figure(student, matrices.clone()).axes
        count = len(axes)
        assert_that(
            count == rows * cols + 1, f"{rows} x {cols} cells and a bar are {rows * cols + 1} axes, not {count}"
        )
        images = [image for ax in axes for image in ax.get_images()]
        assert_that(len(images) == rows * cols, f"{rows} x {cols} cells show {len(images)} images")
        bars = sum(image.colorbar is not None for image in images)
        assert_that(bars == 1, f"{bars} images have a colour bar, wanted 1")


@worth(
    0.5, hint="plt.subplots gives a bare axes for one cell, and a list for one row, unless you ask it not to squeeze."
)
def one_cell_is_a_grid(student):
    """A single matrix of a single number is drawn as well, with labels, title and colour bar."""
    (row,) = _cells(student, torch.full((1, 1, 1, 1), 0.25), titles=["alone"])
    assert_close(_shown(row[0]), torch.full((1, 1), 0.25), what="the image")
    texts = row[0].get_xlabel(), row[0].get_ylabel(), row[0].get_title()
    assert_that(texts == ("Keys", "Queries", "alone"), f"label, label and title are {texts}")


@worth(0.5, hint="Are all arguments used, and the defaults those of the signature?")
def size_and_colours_are_as_asked(student):
    """The figure has the size figsize and the images the colours cmap, 2.5 x 2.5 inches and Reds by default."""
    matrices = _matrices(1, 2, 4, 5)
    for options, size, name in (
        ({}, (2.5, 2.5), "Reds"),
        ({"figsize": (6.0, 3.0), "cmap": "viridis"}, (6.0, 3.0), "viridis"),
    ):
        figure = _figure(student, matrices.clone(), **options)
        found = tuple(figure.get_size_inches().tolist())
        assert_that(found == size, f"the figure is {found} inches, wanted {size}")
        colours = {image.get_cmap().name for ax in figure.axes for image in ax.get_images()}
        assert_that(colours == {name}, f"the colours are {sorted(colours)}, wanted {name}")


@worth(0.5, hint="NumPy and matplotlib want plain numbers: what takes a tensor out of its graph?")
def weights_may_have_a_graph(student):
    """Matrices that require grad are drawn like others."""
    matrices = _matrices(1, 1, 4, 5)
    for given_matrices in (matrices.clone().requires_grad_(), matrices.clone().requires_grad_() * 1.0):
        assert_close(torch.stack(_images(student, given_matrices, 1)), matrices[0], what="the images")


@worth(
    1.5,
    group="robust",
    hint="imshow takes vmin and vmax. The book leaves them out, so each of its cells has colours of its own.",
)
def equal_weights_look_equal(student):
    """The colours of every cell run from the smallest to the largest number in all matrices."""
    matrices = _matrices(2, 2, 4, 5).flip(1)  # the widest range is neither the first nor the last
    wanted = torch.stack(matrices.aminmax())
    for r, row in enumerate(_cells(student, matrices)):
        for c, ax in enumerate(row):
            found = _numbers(ax.get_images()[0].get_clim())
            assert_close(found, wanted, what=f"the range of colours in row {r}, column {c}", dtype=False)


@worth(0.5, group="robust", hint="Scale colours with vmin and vmax, and never the caller's numbers in place.")
def matrices_are_left_alone(student):
    """The matrices are the same after the call, and a second call shows the same."""
    matrices = _matrices(1, 1, 4, 5)
    before = matrices.clone()
    for time in ("first time", "second time"):
        shown = _images(student, matrices, 1)
        assert_unchanged(matrices, before, what="matrices")
        assert_close(torch.stack(shown), before[0], what=f"the images, {time}")


@worth(
    0.5,
    group="robust",
    hint="Return the figure and let the caller show it; style one figure by arguments, not by rcParams.",
)
def leaves_no_traces(student):
    """It does not call plt.show, and the settings of matplotlib are as before."""
    matrices = _matrices(1, 1, 4, 5)
    figure, traces = student.watch_drawing(student.show_heatmaps, matrices.clone(), "Keys", "Queries")
    shown = [_shown(ax) for ax in figure.axes if ax.get_images()]
    assert_close(torch.stack(shown), matrices[0], what="the images")
    assert_that(not traces, f"traces of the call: {', '.join(map(str, traces))}; wanted none")
