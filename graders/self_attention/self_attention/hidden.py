"""Self-attention against the reference, with its gradients."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_that, gradients
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes, valid_lengths

DOUBLE = torch.float64
WIDTH = 12
SOFT, SHARP = 1.0, 4.0


@st.composite
def cases(draw):
    """A number of heads, tokens, and lengths, also as int32 and beyond the last token."""
    heads = draw(st.sampled_from([3, 1, 2, 6]))
    batch, positions = draw(sizes(2))
    X = normal((batch, positions, WIDTH), draw(seeds()), dtype=DOUBLE)
    valid_lens = draw(valid_lengths((batch, positions, positions)))
    if valid_lens is not None:
        valid_lens = torch.where(valid_lens == positions, positions + 2, valid_lens).int()
    return heads, X, valid_lens


@worth(1, hint="Is every head given to the attention, and every length?", examples=10)
@given(case=cases())
def equals_the_reference(student, reference, case):
    """With the same weights the output is that of the reference."""
    _assert_parity(student, reference, case, SOFT)


@worth(1, hint="Large weights make attention choose single tokens. Who asks, and who is asked?", examples=10)
@given(case=cases())
def equals_the_reference_when_sharp(student, reference, case):
    """With the same large weights, which make attention choose, the output is that of the reference."""
    _assert_parity(student, reference, case, SHARP)


@worth(1, hint="X enters three times, and a gradient comes back from each. Which one did you cut?", examples=6)
@given(case=cases())
def gradients_equal_the_reference(student, reference, case):
    """The tokens and all four matrices get the gradients of the reference."""
    heads, X, valid_lens = case
    ours, theirs = _pair(student, reference, heads, 0.5)
    (wanted_of_X, wanted), (found_of_X, found) = (_gradients(layer, X, valid_lens) for layer in (ours, theirs))
    assert_close(found_of_X, wanted_of_X, what="gradient of X")
    for name, gradient in wanted.items():
        assert_close(found[name], gradient, what=f"gradient of {name}")


def _assert_parity(student, reference, case, scale):
    heads, X, valid_lens = case
    ours, theirs = _pair(student, reference, heads, scale)
    wanted = ours(X, valid_lens)
    assert_close(theirs(X, valid_lens), wanted, what="output")


def _pair(student, reference, heads, scale):
    """The reference's layer and the student's, with the same weights; only the ends of the names count."""
    ours, theirs = (module.SelfAttention(WIDTH, heads, 0.0).double() for module in (reference, student))
    ours.load_state_dict(amplify(ours.state_dict(), heads, scale=scale))
    weights = {_short(name): value for name, value in ours.state_dict().items()}
    names = list(theirs.state_dict())
    assert_that(
        sorted(map(_short, names)) == sorted(weights),
        f"the state dict has the names {', '.join(names)}, wanted those of one multi-head attention",
    )
    theirs.load_state_dict({name: weights[_short(name)] for name in names})
    return ours, theirs


def _gradients(layer, X, valid_lens):
    """Gradients of a weighted sum of the output: that of X, and those of the parameters by the ends of their names."""
    parameters = {_short(name): parameter for name, parameter in layer.named_parameters()}
    leaf = X.clone().requires_grad_()
    rates = torch.linspace(-1, 1, X.numel(), dtype=DOUBLE).reshape(X.shape)
    of_X, *others = gradients(layer(leaf, valid_lens) * rates, [leaf, *parameters.values()], what="output")
    return of_X, dict(zip(parameters, others, strict=True))


def _short(name):
    return ".".join(name.split(".")[-2:])
