"""What anyone can check about a vision transformer, without a solution at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck.compare import (
    Mismatch,
    assert_close,
    assert_dtype,
    assert_equal,
    assert_finite,
    assert_not_copied,
    assert_raises,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    gradients,
)
from headcheck.properties import step, worth
from headcheck.strategies import amplify, normal, seeds

HINTS = (
    (
        "Cutting is splitting two axes: rows into (squares, size) and columns into (squares, size). That makes six "
        "axes. In which order must they stand before you merge them?"
    ),
    (
        "The squares' numbers come first, row of squares before column of squares, then the pixels: channel, row, "
        "column. permute, then flatten twice."
    ),
    (
        "In the ViT: project the patches, put the class token in front of every example, add the positions, dropout, "
        "blocks, norm, and read the class token alone. In a block the norm comes before each sublayer."
    ),
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DOUBLE = torch.float64
WIDTH, HIDDEN, HEADS, LAYERS, CLASSES = 8, 11, 2, 2, 5
CUTS = st.sampled_from([(6, 2), (6, 3), (4, 4), (4, 1), (10, 5)])  # img_size, patch_size


def build(student, cut, *, dropout=0.0, dtype=DOUBLE):
    """A ViT in evaluation mode; its parameters are normal, so that every one of them matters."""
    m = student.ViT(*cut, WIDTH, HIDDEN, HEADS, LAYERS, CLASSES, dropout).to(dtype).eval()
    set_parameters(m, amplify(parameters_of(m), sum(cut), scale=0.7))
    return m


def plain(name: str) -> str:
    """A parameter's name with blocks called `blks.0`; as in the encoder, they may also be called `blks.block0`."""
    return name.replace("blks.block", "blks.")


def parameters_of(m) -> dict[str, Tensor]:
    """A module's parameters by name."""
    return {plain(name): parameter.detach().clone() for name, parameter in m.named_parameters()}


def set_parameters(m, values: dict[str, Tensor]) -> None:
    """Overwrite the parameters that have these names."""
    names = {name: plain(name) for name, _ in m.named_parameters()}
    m.load_state_dict({own: values[name] for own, name in names.items() if name in values}, strict=False)


def images(cut, seed: int, *, batch: int = 3, channels: int = 1, dtype=DOUBLE) -> Tensor:
    """Normal numbers for pixels."""
    return normal((batch, channels, cut[0], cut[0]), seed, dtype=dtype)


def patches_of(X: Tensor, size: int) -> list[Tensor]:
    """The squares of the images, row by row, as windows onto the images."""
    starts = range(0, X.shape[-1], size)
    return [X[..., top : top + size, left : left + size] for top in starts for left in starts]


def rearranged(X: Tensor, size: int, order: Sequence[int]) -> Tensor:
    """Images whose square number i is the square number `order[i]` of X."""
    result = X.clone()
    for place, source in zip(patches_of(result, size), order, strict=True):
        place.copy_(patches_of(X, size)[source])
    return result


def assert_classifies(m, X: Tensor) -> Tensor:
    """The logits, once they are known to have the right shape, to depend on the images and on no earlier call."""

    def logits(X):
        return assert_shape(m(X.clone()), (len(X), CLASSES), what="logits")

    assert_responds(logits, X, X.flip(-1, -2) + 1, what="logits")
    return logits(X)


@worth(1, gate=True, examples=5, hint="Cut every image into squares, and project each square's pixels.")
@given(cut=CUTS, seed=seeds())
def every_patch_becomes_a_vector(student, cut, seed):
    """`PatchEmbedding` gives (batch, patches, num_hiddens), and depends on the images."""
    X = images(cut, seed, dtype=torch.float32)
    embedding = student.PatchEmbedding(*cut, WIDTH)
    patches = assert_shape(embedding(X), (3, (cut[0] // cut[1]) ** 2, WIDTH), what="patches")
    assert_not_copied(patches, X, what="patches")
    assert_responds(embedding, X, X + 1, what="patches")


@worth(1.5, examples=10, hint="Number the squares as you read: along the top row first. Which pixels has number 1?")
@given(cut=CUTS, channels=st.sampled_from([1, 3]), seed=seeds())
def each_square_has_its_row(student, cut, channels, seed):
    """Other pixels in one square change one row of the result, that of its number, counted row by row."""
    X = images(cut, seed, channels=channels)
    embedding = student.PatchEmbedding(*cut, WIDTH, channels).double()
    count = len(patches_of(X, cut[1]))
    assert_responds(embedding, X, X + 1, what="patches")
    before = assert_shape(embedding(X), (3, count, WIDTH), what="patches").detach()
    for number in {0, count - 1, seed % count}:
        other = X.clone()
        patches_of(other, cut[1])[number][1] += 1  # of the second image only
        changed = assert_shape(embedding(other), (3, count, WIDTH), what="patches").detach()
        rows = (changed - before).abs().amax(-1) > 1e-9  # (batch, patches)
        wanted = torch.zeros(3, count, dtype=torch.bool)
        wanted[1, number] = True
        what = f"rows that change with square {number} of the second image"
        assert_equal(rows, wanted, what=what)


@worth(2, examples=12, hint="Inside a square: channel by channel, and in each channel row by row. Then one nn.Linear.")
@given(cut=CUTS, channels=st.sampled_from([1, 3, 2]), seed=seeds())
def patches_are_those_of_a_convolution(student, cut, channels, seed):
    """With the same weights it gives what a convolution with a stride of the patch size gives."""
    X = images(cut, seed, channels=channels)
    embedding = student.PatchEmbedding(*cut, WIDTH, channels).double()
    embedding.load_state_dict(amplify(embedding.state_dict(), seed))
    weight, bias = _matrix_and_bias(embedding, channels * cut[1] ** 2)
    kernels = weight.unflatten(1, (channels, cut[1], cut[1]))
    wanted = nn.functional.conv2d(X, kernels, bias, stride=cut[1]).flatten(2).transpose(1, 2)
    assert_close(embedding(X), wanted, what="patches")


@worth(0.5, examples=5, hint="There are as many squares in a row as there are rows of them.")
@given(cut=CUTS)
def patches_are_counted(student, cut):
    """`num_patches` is the number of rows that come out."""
    embedding = student.PatchEmbedding(*cut, WIDTH)
    X = images(cut, 0, dtype=torch.float32)
    assert_responds(embedding, X, X + 1, what="patches")
    count = assert_shape(embedding(X), (3, (cut[0] // cut[1]) ** 2, WIDTH), what="patches").shape[1]
    assert_that(embedding.num_patches == count, f"num_patches is {embedding.num_patches}, wanted {count}")


@worth(1, group="robust", hint="Check it first thing in the constructor: pixels outside all squares would be lost.")
def squares_must_cover_the_image(student):
    """An `img_size` that is no multiple of `patch_size` raises a ValueError in both constructors."""
    X = images((6, 3), 0, dtype=torch.float32)
    assert_responds(student.PatchEmbedding(6, 3, WIDTH), X, X + 1, what="patches")
    for cut in ((7, 2), (3, 6)):
        what = f"an image of width {cut[0]} with squares of {cut[1]}"
        assert_raises("ValueError", student.PatchEmbedding, *cut, WIDTH, what=f"PatchEmbedding of {what}")
        assert_raises(
            "ValueError", student.ViT, *cut, WIDTH, HIDDEN, HEADS, LAYERS, CLASSES, 0.0, what=f"ViT of {what}"
        )


@worth(1, examples=2, hint="The exercise lists the submodules. Which of yours has another name, or is one too many?")
@given(cut=CUTS)
def parameters_are_those_of_the_exercise(student, cut):
    """The ViT has the parameters that the exercise lists, and no others."""
    m = build(student, cut)
    assert_classifies(m, images(cut, 0))
    found = {name: tuple(value.shape) for name, value in parameters_of(m).items()}
    wanted = _wanted_parameters(cut)
    for name in wanted:
        assert_that(name in found, f"there is no parameter {name}")
        assert_that(found[name] == wanted[name], f"{name} has shape {found[name]}, wanted {wanted[name]}")
    extra = sorted(found.keys() - wanted.keys())
    assert_that(not extra, f"there are parameters that nobody asked for: {', '.join(extra)}")


@worth(0.5, examples=2, hint="Only attention lets the class token learn of the patches. Does it see all of them?")
@given(cut=CUTS, seed=seeds())
def every_patch_counts(student, cut, seed):
    """Other pixels in any one square change the logits."""
    X = images(cut, seed)
    m = build(student, cut)
    before = assert_classifies(m, X).detach()
    for number in range(len(patches_of(X, cut[1]))):
        other = X.clone()
        patches_of(other, cut[1])[number][:] += 1
        changed = assert_shape(m(other), (3, CLASSES), what="logits").detach()
        same = bool((changed - before).abs().max() < 1e-9)
        assert_that(not same, f"the logits stay the same when square {number} changes", logits=changed)


@worth(0.5, examples=3, hint="Attention does not care for order; where does your ViT know a patch's number from?")
@given(cut=CUTS, seed=seeds())
def patches_move_with_their_positions(student, cut, seed):
    """When squares change places and their position vectors with them, the logits stay as they were."""
    X = images(cut, seed)
    m = build(student, cut)
    before = assert_classifies(m, X).detach()
    state = parameters_of(m)
    positions = _positions(state, cut)
    order = torch.randperm(positions.shape[1] - 1, generator=torch.Generator().manual_seed(seed))
    set_parameters(m, {"pos_embedding": torch.cat([positions[:, :1], positions[:, 1:][:, order]], dim=1)})
    assert_close(m(rearranged(X, cut[1], order.tolist())), before, what="logits")


@worth(1, examples=3, hint="Without positions an image is a bag of patches. Where are yours added?")
@given(cut=CUTS.filter(lambda cut: cut[0] > cut[1]), seed=seeds())
def positions_tell_patches_apart(student, cut, seed):
    """When squares change places and the positions stay, the logits change; without positions they do not."""
    X = images(cut, seed)
    m = build(student, cut)
    turned = rearranged(X, cut[1], list(range(len(patches_of(X, cut[1]))))[::-1])
    difference = assert_classifies(m, turned).detach() - assert_classifies(m, X).detach()
    assert_that(bool(difference.abs().amax() > 1e-6), "the order of the patches makes no difference to the logits")
    set_parameters(m, {"pos_embedding": torch.zeros_like(_positions(parameters_of(m), cut))})
    assert_close(m(turned), m(X).detach(), what="logits without positions")


@worth(1.5, examples=3, hint="Follow the class token alone through blocks that add nothing: who may change it?")
@given(cut=CUTS, seed=seeds())
def silent_blocks_leave_the_class_token(student, cut, seed):
    """When attention and network of every block give 0, the logits are `head(norm(cls_token + its position))`."""
    X = images(cut, seed)
    m = build(student, cut)
    assert_classifies(m, X)
    state = parameters_of(m)
    cls = assert_shape(state.get("cls_token"), (1, 1, WIDTH), what="cls_token") + _positions(state, cut)[:, :1]
    normed = nn.functional.layer_norm(cls[0], (WIDTH,), state.get("norm.weight"), state.get("norm.bias"))
    wanted = nn.functional.linear(normed, state.get("head.weight"), state.get("head.bias")).expand(3, -1)
    last = ("W_o.weight", "dense2.weight", "dense2.bias")
    set_parameters(m, {name: torch.zeros_like(value) for name, value in state.items() if name.endswith(last)})
    assert_close(m(X), wanted, what="logits")


@worth(0.5, examples=3, hint="First put the class token before the patches, then add the positions to all of them.")
@given(cut=CUTS, seed=seeds())
def tokens_and_positions_are_added(student, cut, seed):
    """What is taken from a token and given to its position makes no difference, for class token and patches alike."""
    X = images(cut, seed)
    m = build(student, cut)
    before = assert_classifies(m, X).detach()
    state = parameters_of(m)
    positions = _positions(state, cut)
    moved = normal((1, 1, WIDTH), seed, dtype=DOUBLE)
    for name, own in (("cls_token", slice(0, 1)), ("patch_embedding.projection.bias", slice(1, None))):
        given_to = positions.clone()
        given_to[:, own] += moved
        taken_from = state[name] - moved.reshape(state[name].shape)
        set_parameters(m, state | {name: taken_from, "pos_embedding": given_to})
        assert_close(m(X), before, what=f"logits with less {name} and more position")
        set_parameters(m, state | {name: taken_from})
        same = bool((m(X).detach() - before).abs().max() < 1e-9)
        assert_that(not same, f"the logits do not depend on {name}")


@worth(0.5, examples=2, hint="Every image has its own class token, patches and norm. Which of them is shared?")
@given(cut=CUTS, seed=seeds())
def images_do_not_mix(student, cut, seed):
    """Each image alone gets the logits that it gets in a batch."""
    X = images(cut, seed)
    m = build(student, cut).train()
    together = assert_classifies(m, X).detach()
    for i in range(len(X)):
        assert_close(m(X[i : i + 1]), together[i : i + 1], what=f"logits of image {i} alone")


@worth(0.5, examples=2, hint="nn.Dropout knows whether the model is training; a function must be told.")
@given(cut=CUTS, seed=seeds())
def evaluation_drops_nothing(student, cut, seed):
    """In evaluation mode the logits are those of a model without dropout."""
    X = images(cut, seed)
    wanted = assert_classifies(build(student, cut), X).detach()
    assert_close(build(student, cut, dropout=0.75)(X), wanted, what="logits in evaluation mode")


@worth(0.5, examples=3, hint="Drop from the sum of tokens and positions, and from what each branch of a block adds.")
@given(cut=CUTS, seed=seeds())
def training_drops_everywhere(student, cut, seed):
    """In training, dropout is noise; with a rate of 1 nothing is left of an image, and `head(norm(0))` comes out."""
    X = images(cut, seed)
    noisy = build(student, cut, dropout=0.5).train()
    first, second = (assert_shape(noisy(X), (3, CLASSES), what="logits").detach() for _ in range(2))
    assert_that(not torch.equal(first, second), "in training with dropout 0.5 two calls give the same logits")
    m = build(student, cut, dropout=1.0)
    assert_classifies(m, X)
    state = parameters_of(m)
    wanted = nn.functional.linear(state["norm.bias"], state["head.weight"], state["head.bias"])
    assert_close(m.train()(X), wanted.expand(3, -1), what="logits when everything is dropped")


@worth(1, examples=3, hint="What should be learned is an nn.Parameter, or a submodule in a list that PyTorch knows.")
@given(cut=CUTS, seed=seeds())
def everything_learns(student, cut, seed):
    """Every parameter gets a gradient: also the class token, and the position of every patch."""
    X = images(cut, seed)
    m = build(student, cut)
    parameters = dict(m.named_parameters())
    logits = assert_classifies(m, X)
    slopes = torch.linspace(1, 2, logits.numel(), dtype=DOUBLE).reshape(logits.shape)
    grads = gradients(logits * slopes, list(parameters.values()), what="logits")
    for name, grad in zip(parameters, grads, strict=True):
        assert_that(bool(grad.any()), f"no gradient reaches {name}")
        still = not grad.any(-1).all() if name == "pos_embedding" else False
        assert_that(not still, "no gradient reaches the positions of some tokens")
    for name in ("cls_token", "pos_embedding"):
        assert_that(name in parameters, f"there is no parameter {name}")


@worth(0.5, group="robust", examples=2, hint="Let what you make yourself take its dtype from the parameters.")
@given(cut=CUTS, dtype=st.sampled_from([torch.float16, torch.bfloat16]))
def half_precision_stays_half(student, cut, dtype):
    """In half precision the logits are of that dtype, and finite."""
    m = build(student, cut, dtype=dtype)
    assert_classifies(m, images(cut, 0, dtype=dtype))
    assert_finite(assert_dtype(m(images(cut, 1, dtype=dtype)), dtype, what="logits"), what="logits")


@worth(0.5, group="robust", examples=2, hint="A method that ends in _ changes its tensor, and so does `X -= ...`.")
@given(cut=CUTS, seed=seeds())
def images_are_left_alone(student, cut, seed):
    """The images are after the call what they were before."""
    X = images(cut, seed)
    before = X.clone()
    m = build(student, cut)
    assert_classifies(m, X)
    m(X)
    assert_unchanged(X, before, what="X")


def _matrix_and_bias(embedding, pixels: int) -> tuple[Tensor, Tensor]:
    """The two parameters of a patch embedding."""
    shapes = {tuple(parameter.shape): parameter.detach() for parameter in embedding.parameters()}
    wanted = [(WIDTH, pixels), (WIDTH,)]
    assert_that(
        sorted(shapes) == sorted(wanted), f"the parameters of PatchEmbedding are {list(shapes)}, wanted {wanted}"
    )
    return shapes[wanted[0]], shapes[wanted[1]]


def _positions(state: dict[str, Tensor], cut) -> Tensor:
    shape = 1, (cut[0] // cut[1]) ** 2 + 1, WIDTH
    return assert_shape(state.get("pos_embedding"), shape, what="pos_embedding")


def _wanted_parameters(cut) -> dict[str, tuple[int, ...]]:
    def linear(name, outputs, inputs):
        return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}

    def norm(name):
        return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}

    wanted = {"cls_token": (1, 1, WIDTH), "pos_embedding": (1, (cut[0] // cut[1]) ** 2 + 1, WIDTH)}
    wanted |= linear("patch_embedding.projection", WIDTH, cut[1] ** 2) | norm("norm") | linear("head", CLASSES, WIDTH)
    for i in range(LAYERS):
        wanted |= {f"blks.{i}.attention.W_{role}.weight": (WIDTH, WIDTH) for role in "qkvo"}
        wanted |= linear(f"blks.{i}.ffn.dense1", HIDDEN, WIDTH) | linear(f"blks.{i}.ffn.dense2", WIDTH, HIDDEN)
        wanted |= norm(f"blks.{i}.ln1") | norm(f"blks.{i}.ln2")
    return wanted


# The steps on the way, for a student who fails


SIX_BY_SIX = 6, 2


def _assert_embedded(student, channels, *, ordered):
    """The vectors of all squares; in no order unless `ordered`."""
    X = images(SIX_BY_SIX, 1, channels=channels)
    embedding = student.PatchEmbedding(*SIX_BY_SIX, WIDTH, channels).double()
    embedding.load_state_dict(amplify(embedding.state_dict(), 1))
    weight, bias = _matrix_and_bias(embedding, channels * 4)
    wanted = torch.stack([nn.functional.linear(patch.flatten(1), weight, bias) for patch in patches_of(X, 2)], 1)
    found = assert_shape(embedding(X), (3, 9, WIDTH), what="output")
    if not ordered:
        order, right = (Z[..., 0].argsort(1)[..., None].expand_as(Z) for Z in (found, wanted))
        found, wanted = found.gather(1, order), wanted.gather(1, right)
    assert_close(found, wanted, what="the vectors of the squares")


@step("the pixels of a square, projected")
def squares_are_projected(student):
    _assert_embedded(student, 1, ordered=False)


@step("the channels of a square")
def channels_are_projected(student):
    _assert_embedded(student, 3, ordered=False)


@step("the order of the squares, row by row")
def squares_are_in_order(student):
    _assert_embedded(student, 1, ordered=True)


@step("the parameters of a ViT")
def parameters_are_there(student):
    found = {name: tuple(each.shape) for name, each in parameters_of(build(student, SIX_BY_SIX)).items()}
    wanted = _wanted_parameters(SIX_BY_SIX)
    wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    assert_that(not wrong, f"these parameters are missing, too many, or of another shape: {', '.join(wrong)}")


def _logits(student, *, silent=False):
    """The logits that come out, and those that should."""
    m, X = build(student, SIX_BY_SIX), images(SIX_BY_SIX, 1)
    state = parameters_of(m)
    if silent:
        ends = ("W_o.weight", "dense2.weight", "dense2.bias")
        state |= {name: torch.zeros_like(value) for name, value in state.items() if name.endswith(ends)}
        set_parameters(m, state)
    weight, bias = _matrix_and_bias(m.patch_embedding, 4)
    patches = [nn.functional.linear(patch.flatten(1), weight, bias) for patch in patches_of(X, 2)]
    Z = torch.stack([state["cls_token"][0].expand(3, -1), *patches], 1) + state["pos_embedding"]
    for i in range(LAYERS):
        Z = _torch_block(state, f"blks.{i}.")(Z)
    normed = nn.functional.layer_norm(Z[:, 0], (WIDTH,), state["norm.weight"], state["norm.bias"])
    wanted = nn.functional.linear(normed, state["head.weight"], state["head.bias"])
    return assert_shape(m(X), (3, CLASSES), what="logits"), wanted.detach()


def _assert_logits(student, *, silent=False):
    """The logits, or what a softmax makes of them."""
    logits, wanted = _logits(student, silent=silent)
    try:
        assert_close(logits, wanted, what="logits")
    except Mismatch:
        assert_close(logits, wanted.softmax(-1), what="logits")


def _torch_block(state, start):
    """PyTorch's block, its norms first, with these weights."""
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, 0.0, batch_first=True, norm_first=True, dtype=DOUBLE)
    names = {"linear1": "ffn.dense1", "linear2": "ffn.dense2", "norm1": "ln1", "norm2": "ln2"}
    weights = {f"{a}.{part}": state[f"{start}{b}.{part}"] for a, b in names.items() for part in ("weight", "bias")}
    weights["self_attn.in_proj_weight"] = torch.cat([state[f"{start}attention.W_{role}.weight"] for role in "qkv"])
    weights["self_attn.out_proj.weight"] = state[f"{start}attention.W_o.weight"]
    zeros = {"self_attn.in_proj_bias": 3 * WIDTH, "self_attn.out_proj.bias": WIDTH}
    layer.load_state_dict(weights | {name: torch.zeros(size) for name, size in zeros.items()})
    return layer


@step("the class token's way past silent blocks to norm and head")
def class_token_is_read(student):
    _assert_logits(student, silent=True)


@step("the patches, their positions and the blocks")
def blocks_gather_what_the_patches_show(student):
    _assert_logits(student)


@step("the logits")
def logits_are_not_normalised(student):
    logits, wanted = _logits(student)
    assert_close(logits, wanted, what="logits")
