"""Ways to get random attention and its picture wrong."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from cues.attention_heatmaps import random_attention, show_heatmaps

from headcheck.properties import misconception


def _scores(num_queries, num_keys, generator):
    return torch.randn(num_queries, num_keys, generator=generator)


@misconception(of="random_attention")
def softmax_over_the_queries(num_queries, num_keys, *, temperature=1.0, generator):
    """You made the columns sum to 1. Who shares out attention: each key, or each query?"""
    return (_scores(num_queries, num_keys, generator) / temperature).softmax(0)


@misconception(of="random_attention")
def softmax_over_all_entries(num_queries, num_keys, *, temperature=1.0, generator):
    """You made the whole matrix sum to 1. How much attention does each query have?"""
    scores = _scores(num_queries, num_keys, generator) / temperature
    return scores.flatten().softmax(0).reshape(num_queries, num_keys)


@misconception(of="random_attention")
def temperature_multiplied(num_queries, num_keys, *, temperature=1.0, generator):
    """You multiply by the temperature, so heat makes up its mind. Which way should it go?"""
    return (_scores(num_queries, num_keys, generator) * temperature).softmax(-1)


@misconception(of="random_attention")
def temperature_ignored(num_queries, num_keys, *, temperature=1.0, generator):
    """Your weights are the same at every temperature. What should be divided by it?"""
    return _scores(num_queries, num_keys, generator).softmax(-1)


@misconception(of="random_attention")
def temperature_after_the_softmax(num_queries, num_keys, *, temperature=1.0, generator):
    """You divide the weights by the temperature, and they no longer sum to 1. What should be divided, and when?"""
    return _scores(num_queries, num_keys, generator).softmax(-1) / temperature


@misconception(of="random_attention")
def temperature_squared(num_queries, num_keys, *, temperature=1.0, generator):
    """You divide by the square of the temperature. What does the prompt divide by?"""
    return (_scores(num_queries, num_keys, generator) / temperature**2).softmax(-1)


@misconception(of="random_attention")
def root_of_the_temperature(num_queries, num_keys, *, temperature=1.0, generator):
    """You divide by the root of the temperature. What does the prompt divide by?"""
    return (_scores(num_queries, num_keys, generator) / temperature**0.5).softmax(-1)


@misconception(of="random_attention")
def scaled_by_the_number_of_keys(num_queries, num_keys, *, temperature=1.0, generator):
    """You divide by the root of the number of keys as well. Is there a dot product here?"""
    return (_scores(num_queries, num_keys, generator) / num_keys**0.5 / temperature).softmax(-1)


@misconception(of="random_attention")
def global_generator(num_queries, num_keys, *, temperature=1.0, generator):
    """You draw from torch's global generator. Which one were you handed?"""
    return (torch.randn(num_queries, num_keys) / temperature).softmax(-1)


@misconception(of="random_attention")
def seeded_anew(num_queries, num_keys, *, temperature=1.0, generator):
    """You begin at the generator's seed every time, so it never gives anything new. Who should set seeds?"""
    return (_scores(num_queries, num_keys, generator.manual_seed(generator.initial_seed())) / temperature).softmax(-1)


@misconception(of="random_attention")
def same_seed_for_all(num_queries, num_keys, *, temperature=1.0, generator):
    """You set a seed of your own, so all matrices are the same. Where does chance come from here?"""
    return (_scores(num_queries, num_keys, torch.Generator().manual_seed(0)) / temperature).softmax(-1)


@misconception(of="random_attention")
def uniform_scores(num_queries, num_keys, *, temperature=1.0, generator):
    """Your scores are uniform between 0 and 1. Which function draws normal numbers?"""
    return (torch.rand(num_queries, num_keys, generator=generator) / temperature).softmax(-1)


@misconception(of="random_attention")
def uniform_scores_of_variance_one(num_queries, num_keys, *, temperature=1.0, generator):
    """Your scores have the variance of normal ones but not their tails. Which function draws normal numbers?"""
    scores = 12**0.5 * torch.rand(num_queries, num_keys, generator=generator)
    return (scores / temperature).softmax(-1)


@misconception(of="random_attention")
def divided_by_the_sum(num_queries, num_keys, *, temperature=1.0, generator):
    """You divide random numbers by their sum. Where is the softmax?"""
    scores = torch.rand(num_queries, num_keys, generator=generator) / temperature
    return scores / scores.sum(-1, keepdim=True)


@misconception(of="random_attention")
def absolute_scores(num_queries, num_keys, *, temperature=1.0, generator):
    """You made the scores positive first. Does a softmax need that?"""
    return (_scores(num_queries, num_keys, generator).abs() / temperature).softmax(-1)


@misconception(of="random_attention")
def same_row_for_every_query(num_queries, num_keys, *, temperature=1.0, generator):
    """All your queries look at the same places. How many scores does one query need, and how many all of them?"""
    row = (_scores(1, num_keys, generator) / temperature).softmax(-1)
    return row.expand(num_queries, num_keys).clone()


@misconception(of="random_attention")
def exponentials_by_hand(num_queries, num_keys, *, temperature=1.0, generator):
    """Your exponentials overflow at low temperatures. What can be subtracted from all scores without any change?"""
    exponentials = (_scores(num_queries, num_keys, generator) / temperature).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


@misconception(of="random_attention")
def logarithms_returned(num_queries, num_keys, *, temperature=1.0, generator):
    """You return logarithms of weights. What are the weights?"""
    return (_scores(num_queries, num_keys, generator) / temperature).log_softmax(-1)


@misconception(of="random_attention")
def scores_returned(num_queries, num_keys, *, temperature=1.0, generator):
    """You return the scores. What makes them weights?"""
    return _scores(num_queries, num_keys, generator) / temperature


@misconception(of="random_attention")
def keys_by_queries(num_queries, num_keys, *, temperature=1.0, generator):
    """Your rows are the keys. Which shape was asked for?"""
    return random_attention(num_queries, num_keys, temperature=temperature, generator=generator).T


@misconception(of="random_attention")
def double_precision(num_queries, num_keys, *, temperature=1.0, generator):
    """Your weights are float64. Which dtype was asked for?"""
    return random_attention(num_queries, num_keys, temperature=temperature, generator=generator).double()


def _draw(
    matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap="Reds", *,
    picture=lambda matrix: matrix, limits=lambda matrices, _matrix: (matrices.min().item(), matrices.max().item()),
    labelled=lambda r, c, rows: (r == rows - 1, c == 0), title=lambda titles, r, c: titles[c] if r == 0 else "",
    squeeze=False, bars=lambda figure, images, axes: figure.colorbar(images[-1], ax=axes),
):  # fmt: skip
    """The right figure in parts, each of which somebody gets wrong."""
    matrices = matrices.detach()
    rows, cols = matrices.shape[:2]
    figure, axes = plt.subplots(rows, cols, figsize=figsize, squeeze=squeeze)
    images = []
    for r in range(rows):
        for c in range(cols):
            ax = axes[r, c] if axes.ndim > 1 else axes[max(r, c)]
            lowest, highest = limits(matrices, matrices[r, c])
            images.append(ax.imshow(picture(matrices[r, c]).numpy(), cmap=cmap, vmin=lowest, vmax=highest))
            below, beside = labelled(r, c, rows)
            ax.set_xlabel(xlabel if below else "")
            ax.set_ylabel(ylabel if beside else "")
            ax.set_title(title(titles, r, c) if titles else "")
    bars(figure, images, axes)
    return figure


@misconception(of="show_heatmaps")
def plots_the_transpose(*args, **kwargs):
    """You put keys down and queries to the right. Which axis of a matrix does imshow draw downwards?"""
    return _draw(*args, picture=lambda matrix: matrix.T, **kwargs)


@misconception(of="show_heatmaps")
def upside_down(*args, **kwargs):
    """Your first query is at the bottom. Where does a matrix begin?"""
    return _draw(*args, picture=lambda matrix: matrix.flip(0), **kwargs)


@misconception(of="show_heatmaps")
def rows_and_columns_of_the_grid_exchanged(matrices, *args, **kwargs):
    """You fill the grid column by column. Which of the first two axes goes down?"""
    rows, cols = matrices.shape[:2]
    return _draw(matrices.transpose(0, 1).reshape(rows, cols, *matrices.shape[2:]), *args, **kwargs)


@misconception(of="show_heatmaps")
def first_row_at_the_bottom(matrices, *args, **kwargs):
    """Your grid begins at the bottom. Where do you look for the first row?"""
    return _draw(matrices.flip(0), *args, **kwargs)


@misconception(of="show_heatmaps")
def same_matrix_everywhere(matrices, *args, **kwargs):
    """Every cell shows the first matrix. What do the loop's variables select?"""
    return _draw(matrices[:1, :1].expand_as(matrices), *args, **kwargs)


@misconception(of="show_heatmaps")
def rows_normalised(*args, **kwargs):
    """You stretch every row to a largest number of 1, so weak and strong weights look alike. What should the picture
    show?
    """
    return _draw(*args, picture=lambda matrix: matrix / matrix.amax(-1, keepdim=True), **kwargs)


@misconception(of="show_heatmaps")
def labels_everywhere(*args, **kwargs):
    """You label every cell. Which cells need it?"""
    return _draw(*args, labelled=lambda _r, _c, _rows: (True, True), **kwargs)


@misconception(of="show_heatmaps")
def labels_nowhere(*args, **kwargs):
    """You set no labels. Which axis are the keys?"""
    return _draw(*args, labelled=lambda _r, _c, _rows: (False, False), **kwargs)


@misconception(of="show_heatmaps")
def keys_labelled_above(*args, **kwargs):
    """Your x label stands at the first row. Below which row does the reader look for it?"""
    return _draw(*args, labelled=lambda r, c, _rows: (r == 0, c == 0), **kwargs)


@misconception(of="show_heatmaps")
def labels_exchanged(matrices, xlabel, ylabel, *args, **kwargs):
    """You exchanged the labels. Which of them belongs to the horizontal axis?"""
    return _draw(matrices, ylabel, xlabel, *args, **kwargs)


@misconception(of="show_heatmaps")
def titles_by_row(*args, **kwargs):
    """You give the titles to the rows. For what are there as many titles?"""
    return _draw(*args, title=lambda titles, r, _c: titles[min(r, len(titles) - 1)], **kwargs)


@misconception(of="show_heatmaps")
def titles_below(*args, **kwargs):
    """Only your second row has titles. Which cell of a column is the top one?"""
    return _draw(*args, title=lambda titles, r, c: titles[c] if r == 1 else "", **kwargs)


@misconception(of="show_heatmaps")
def titles_forgotten(matrices, xlabel, ylabel, titles=None, **kwargs):
    """You set no titles. What is the argument for?"""
    return _draw(matrices, xlabel, ylabel, None, **kwargs)


@misconception(of="show_heatmaps")
def titles_made_up(matrices, xlabel, ylabel, titles=None, **kwargs):
    """Where nobody asked for titles, you number the columns. What does None mean?"""
    titles = titles or [f"Head {number}" for number in range(matrices.shape[1])]
    return _draw(matrices, xlabel, ylabel, titles, **kwargs)


@misconception(of="show_heatmaps")
def axes_squeezed(*args, **kwargs):
    """A grid of one cell or one row breaks your indices. What does `plt.subplots` return for 1 x 1?"""
    return _draw(*args, squeeze=True, **kwargs)


@misconception(of="show_heatmaps")
def one_bar_a_cell(*args, **kwargs):
    """You draw a colour bar for every cell. How many does one scale need?"""

    def bars(figure, images, axes):
        for image in images:
            figure.colorbar(image, ax=image.axes)

    return _draw(*args, bars=bars, **kwargs)


@misconception(of="show_heatmaps")
def no_bar(*args, **kwargs):
    """You draw no colour bar. How does the reader know which weight is dark?"""
    return _draw(*args, bars=lambda _figure, _images, _axes: None, **kwargs)


@misconception(of="show_heatmaps")
def size_ignored(matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap="Reds"):
    """You leave the figure at matplotlib's size. Which argument says how large it is?"""
    return _draw(matrices, xlabel, ylabel, titles, plt.rcParams["figure.figsize"], cmap)


@misconception(of="show_heatmaps")
def size_of_one_cell(matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap="Reds"):
    """You give every cell the size `figsize`. Of what is it the size?"""
    return _draw(matrices, xlabel, ylabel, titles, (figsize[0] * matrices.shape[1], figsize[1]), cmap)


@misconception(of="show_heatmaps")
def colours_written_out(matrices, xlabel, ylabel, titles=None, figsize=(2.5, 2.5), cmap="Reds"):
    """Your colours are always the same. What is `cmap` for?"""
    return _draw(matrices, xlabel, ylabel, titles, figsize, "Reds")


@misconception(of="show_heatmaps")
def graph_not_left(matrices, *args, **kwargs):
    """You hand a tensor that requires grad to NumPy, which refuses it. Which method leaves the graph?"""
    matrices.numpy()
    return _draw(matrices, *args, **kwargs)


@misconception(of="show_heatmaps")
def nothing_returned(*args, **kwargs):
    """You draw and return nothing. How does the caller save the figure?"""
    _draw(*args, **kwargs)


@misconception(of="show_heatmaps", group="robust")
def own_colours_for_each_cell(*args, **kwargs):
    """Every cell has a range of colours of its own, as in the book, and the colour bar speaks of one only. What is the
    darkest red in the other cells?
    """
    return _draw(*args, limits=lambda _matrices, matrix: (matrix.min().item(), matrix.max().item()), **kwargs)


@misconception(of="show_heatmaps", group="robust")
def colours_from_0_to_1(*args, **kwargs):
    """Your colours run from 0 to 1 whatever the weights are. What is left to see if none of them is above 0.1?"""
    return _draw(*args, limits=lambda _matrices, _matrix: (0.0, 1.0), **kwargs)


@misconception(of="show_heatmaps", group="robust")
def colours_of_the_last_cell(*args, **kwargs):
    """All cells have the colours of the last one, and a larger weight elsewhere is cut off. Over what do you take the
    largest?
    """
    return _draw(
        *args, limits=lambda matrices, _matrix: (matrices[-1, -1].min().item(), matrices[-1, -1].max().item()), **kwargs
    )


@misconception(of="show_heatmaps", group="robust")
def shown_at_once(*args, **kwargs):
    """You call `plt.show()`. Who decides when and where a figure is shown?"""
    figure = show_heatmaps(*args, **kwargs)
    plt.show()
    return figure


@misconception(of="show_heatmaps", group="robust")
def style_left_behind(*args, **kwargs):
    """You changed a setting of matplotlib for your figure. What will the next figure of the caller look like?"""
    mpl.rcParams["image.cmap"] = "Reds"
    return show_heatmaps(*args, **kwargs)


@misconception(of="show_heatmaps", group="robust")
def matrices_rescaled_in_place(matrices, *args, **kwargs):
    """You changed the caller's numbers. What will the next computation with them give?"""
    figure = show_heatmaps(matrices, *args, **kwargs)
    with torch.no_grad():
        matrices /= matrices.max() + 1
    return figure
