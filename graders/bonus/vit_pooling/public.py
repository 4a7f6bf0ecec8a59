"""What anyone can check about pooling and ablation, without a solution at hand."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck.compare import (
    assert_close,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    gradients,
)
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds

HINTS = (
    (
        "Without the class token there is one position less, and the head reads another thing. Everything else of ViT "
        "can be inherited. What has to be removed from it?"
    ),
    (
        "Ablated attention adds nothing and has nothing to learn: a small module that returns zeros in the shape of "
        "the queries, in a deep copy, in place of each block's attention."
    ),
    (
        "In the report every model gets a generator of its own with the same seed, is trained on batches drawn with "
        "it, and is then measured in evaluation mode, without gradients, on the test images."
    ),
)

DOUBLE = torch.float64
WIDTH, HIDDEN, HEADS, LAYERS, CLASSES = 8, 11, 2, 2, 5
CUTS = st.sampled_from([(6, 2), (6, 3), (4, 1)])  # img_size, patch_size
TRAINING: dict[str, Any] = {"steps": 3, "batch_size": 8, "lr": 0.01}
LOUD = ("W_o.weight", "dense2.weight", "dense2.bias")  # the last parameters of a block's two branches


def build(pooling, cut, *, seed=0, layers=LAYERS, dropout=0.0):
    """A model in float64 and evaluation mode; its parameters are normal, so that every one of them matters."""
    m = pooling(*cut, WIDTH, HIDDEN, HEADS, layers, CLASSES, dropout).double().eval()
    m.load_state_dict(amplify(m.state_dict(), seed, scale=0.7))
    return m


def images(cut, seed: int, *, count: int = 3) -> Tensor:
    """Normal numbers for pixels."""
    return normal((count, 1, cut[0], cut[0]), seed, dtype=DOUBLE)


def assert_classifies(m, X: Tensor) -> Tensor:
    """The logits, once they are known to have the right shape, to depend on the images and on no earlier call."""

    def logits(X):
        with torch.no_grad():
            return assert_shape(m(X), (len(X), CLASSES), what="logits")

    assert_responds(logits, X, X.flip(-1, -2) + 1, what="logits")
    return logits(X)


def shapes(m) -> dict[str, tuple[int, ...]]:
    """The shapes of a model's parameters; blocks may be called `blks.0` or, as in the encoder, `blks.block0`."""
    return {name.replace("blks.block", "blks."): tuple(value.shape) for name, value in m.named_parameters()}


def silenced(state: dict[str, Tensor], *endings: str) -> dict[str, Tensor]:
    """The same parameters, but 0 where the name ends in one of these."""
    return {name: torch.zeros_like(value) if name.endswith(endings) else value for name, value in state.items()}


def labelled(cut, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images and labels, test images and labels: noise."""
    labels = torch.randint(CLASSES, (100,), generator=torch.Generator().manual_seed(seed))
    return images(cut, seed, count=40), labels[:40], images(cut, seed + 1, count=60), labels[40:]


def reported(student, models, data, **options) -> dict[str, float]:
    """The student's report, with a number for each model."""
    report = student.pooling_report(models, *data, **(TRAINING | options))
    assert_that(isinstance(report, dict), "the report is not a dictionary")
    assert_that(sorted(report) == sorted(models), f"the report speaks of {sorted(report)}, wanted {sorted(models)}")
    return report


def accuracy(m, data) -> float:
    """How many of the test images the model gets right, in evaluation mode."""
    with torch.no_grad():
        logits = assert_shape(m.eval()(data[2]), (len(data[2]), CLASSES), what="logits")
    return (logits.argmax(-1) == data[3]).double().mean().item()


@worth(1, gate=True, examples=4, hint="Reuse what your ViT has; only what the head reads is another thing.")
@given(cut=CUTS, seed=seeds())
def every_image_gets_logits(student, cut, seed):
    """`MeanViT` gives (batch, num_classes), and depends on the images."""
    m = student.MeanViT(*cut, WIDTH, HIDDEN, HEADS, LAYERS, CLASSES, 0.0).double().eval()
    assert_classifies(m, images(cut, seed))


@worth(1, examples=3, hint="No class token, and therefore one position less. Everything else is as in the ViT.")
@given(cut=CUTS)
def class_token_is_gone(student, cut):
    """`MeanViT` has the parameters of a ViT without `cls_token`, and as many positions as patches."""
    m = build(student.MeanViT, cut)
    assert_classifies(m, images(cut, 0))
    found, wanted = shapes(m), shapes(build(student.ViT, cut))
    del wanted["cls_token"]
    wanted["pos_embedding"] = 1, (cut[0] // cut[1]) ** 2, WIDTH
    for name in sorted(found | wanted):
        assert_that(name in wanted, f"there is a parameter {name}, which nobody asked for")
        assert_that(found.get(name) == wanted[name], f"{name} has shape {found.get(name)}, wanted {wanted[name]}")


@worth(2, examples=4, hint="First the mean over the patches, then `norm`, then `head`. Which axis are the patches?")
@given(cut=CUTS, seed=seeds())
def head_reads_the_mean_of_the_patches(student, cut, seed):
    """When the blocks add nothing, the logits are `head(norm(mean))`, the mean being that of patches plus positions."""
    X = images(cut, seed)
    m = build(student.MeanViT, cut, seed=seed)
    assert_classifies(m, X)
    state = m.state_dict()
    kernels = state["patch_embedding.projection.weight"].reshape(WIDTH, 1, cut[1], cut[1])
    grid = nn.functional.conv2d(X, kernels, state["patch_embedding.projection.bias"], stride=cut[1])
    mean = (grid.flatten(2).transpose(1, 2) + state["pos_embedding"]).mean(1)
    normed = nn.functional.layer_norm(mean, (WIDTH,), state["norm.weight"], state["norm.bias"])
    wanted = nn.functional.linear(normed, state["head.weight"], state["head.bias"])
    m.load_state_dict(silenced(state, *LOUD))
    assert_close(m(X), wanted, what="logits")


@worth(0.5, examples=2, hint="Nothing may leave the graph between the patches and the mean.")
@given(cut=CUTS, seed=seeds())
def everything_learns(student, cut, seed):
    """Every parameter of `MeanViT` gets a gradient, and so does every position."""
    X = images(cut, seed)
    m = build(student.MeanViT, cut)
    assert_classifies(m, X)
    parameters = dict(m.named_parameters())
    slopes = torch.linspace(1, 2, 3 * CLASSES, dtype=DOUBLE).reshape(3, CLASSES)
    logits = assert_shape(m(X), (3, CLASSES), what="logits")
    grads = gradients(logits * slopes, list(parameters.values()), what="logits")
    for name, grad in zip(parameters, grads, strict=True):
        whole = grad.any(-1).all() if name == "pos_embedding" else grad.any()
        assert_that(bool(whole), f"no gradient reaches {name}, or only a part of it")


@worth(0.5, hint="Hand `dropout` on, and let the modules know their mode.")
def dropout_acts_in_training_only(student):
    """In evaluation `MeanViT` drops nothing; in training it does."""
    X = images((6, 2), 0)
    wanted = assert_classifies(build(student.MeanViT, (6, 2)), X)
    m = build(student.MeanViT, (6, 2), dropout=0.75)
    assert_close(m(X).detach(), wanted, what="logits in evaluation mode")
    silent = silenced(m.state_dict(), *LOUD)
    m.load_state_dict(silent)
    m.train()
    first, second = (assert_shape(m(X), (3, CLASSES), what="logits").detach() for _ in range(2))
    assert_that(not torch.equal(first, second), "in training nothing is dropped from patches and positions")


@worth(2, examples=3, hint="What does a block add when the last matrix of its attention, `W_o`, is zero?")
@given(cut=CUTS, mean=st.sampled_from([True, False]), seed=seeds())
def ablated_attention_adds_nothing(student, cut, mean, seed):
    """The ablated model gives what the whole one gives when `W_o` of every block is 0."""
    X = images(cut, seed)
    assert_classifies(build(student.MeanViT, cut), X)
    m = build(student.MeanViT if mean else student.ViT, cut, seed=seed)
    ablated = student.ablate_attention(m)
    whole = assert_shape(m(X), (3, CLASSES), what="logits").detach()
    m.load_state_dict(silenced(m.state_dict(), "W_o.weight"))
    wanted = m(X).detach()
    assert_that(not torch.allclose(whole, wanted), "the whole model gives the same with its attention and without")
    assert_close(ablated(X), wanted, what="logits of the ablated model")


@worth(1, examples=2, hint="A matrix that is set to zero can be learned again. How can there be none at all?")
@given(cut=CUTS)
def nothing_is_left_of_attention(student, cut):
    """The ablated model has the parameters of the whole one but those of its attention, with the same values."""
    assert_classifies(build(student.MeanViT, cut), images(cut, 0))
    m = build(student.MeanViT, cut)
    ablated = student.ablate_attention(m)
    assert_classifies(ablated, images(cut, 0))
    found = dict(ablated.named_parameters())
    wanted = {name: value for name, value in m.named_parameters() if ".attention." not in name}
    for name in sorted(found | wanted):
        assert_that(name in wanted, f"the ablated model still has a parameter {name}")
        assert_that(name in found, f"the ablated model has no parameter {name}")
        assert_close(found[name], wanted[name].detach(), what=name)


@worth(1, hint="Work on a copy, and see to it that it is a deep one.")
def ablation_leaves_the_model_as_it_was(student):
    """After `ablate_attention`, and when the copy is changed, the model has its weights and gives what it gave."""
    X = images((6, 2), 0)
    m = build(student.MeanViT, (6, 2))
    before = assert_classifies(m, X)
    ablated = student.ablate_attention(m)
    assert_that(not torch.allclose(assert_classifies(ablated, X), before), "the copy still attends")
    ablated.load_state_dict(amplify(ablated.state_dict(), 1))
    assert_close(m(X), before, what="logits of the model")


@worth(1.5, examples=2, hint="Train first, then measure, on the test images. Mean of right answers, as a float.")
@given(cut=CUTS, seed=seeds())
def report_agrees_with_the_trained_models(student, cut, seed):
    """Each number of the report is the share of test images that the model, as it was trained, gets right."""
    data = labelled(cut, seed)
    models = {"cls": build(student.ViT, cut, seed=1), "mean": build(student.MeanViT, cut, seed=2)}
    assert_classifies(models["mean"], data[2][:3])
    before = {name: m.state_dict() for name, m in models.items()}
    for answers in (data[3], (data[3] + 1) % CLASSES):
        asked = (*data[:3], answers)
        report = reported(student, models, asked)
        for name, m in models.items():
            assert_number(report[name], accuracy(m, asked), atol=1e-6, what=f"accuracy of {name}")
    for name, m in models.items():
        same = all(torch.equal(value, before[name][key]) for key, value in m.state_dict().items())
        assert_that(not same, f"the model {name} was not trained")


@worth(1, hint="Begin the sequence of batches anew for every model: a generator of its own, with the same seed.")
def models_see_the_same_batches(student):
    """Two models that begin alike end alike, whatever is trained before them; another seed gives another end."""
    data = labelled((6, 2), 0)
    one, two, other = (build(student.MeanViT, (6, 2)) for _ in range(3))
    assert_classifies(one, data[2][:3])
    reported(student, {"one": one, "between": build(student.ViT, (6, 2)), "two": two}, data, seed=3)
    reported(student, {"other": other}, data, seed=4)
    first, second, third = (m.state_dict() for m in (one, two, other))
    for name, value in first.items():
        assert_close(second[name], value, what=f"{name} of the second model")
    same = all(torch.equal(value, third[name]) for name, value in first.items())
    assert_that(not same, "another seed makes no difference")


@worth(0.5, hint="The defaults stand in the signature: `steps`, `batch_size`, `lr` and `seed`.")
def defaults_are_those_of_the_signature(student):
    """Without a word about them there are 150 steps on 64 images each, with a rate of 5e-3 and the seed 0."""
    X = images((4, 4), 2)
    named, left_out = (build(student.MeanViT, (4, 4), layers=1) for _ in range(2))
    before = assert_classifies(named, X)
    options: dict[str, Any] = {"steps": 150, "batch_size": 64, "lr": 5e-3, "seed": 0}
    student.pooling_report({"mean": named}, *labelled((4, 4), 0), **options)
    student.pooling_report({"mean": left_out}, *labelled((4, 4), 0))
    assert_that(not torch.allclose(assert_classifies(named, X), before), "the model was not trained")
    wanted = named.state_dict()
    for name, value in left_out.state_dict().items():
        assert_close(value, wanted[name], what=f"{name} after training without options")


@worth(0.5, hint="`model.train()` before the steps, `model.eval()` before the test.")
def accuracy_is_measured_in_evaluation(student):
    """Dropout acts while a model is trained, and not while its accuracy is measured."""
    data = labelled((6, 2), 5)
    dropping, plain = (build(student.MeanViT, (6, 2), dropout=dropout) for dropout in (0.75, 0.0))
    assert_classifies(plain, data[2][:3])
    report = reported(student, {"dropping": dropping, "plain": plain}, data)
    for name, m in (("dropping", dropping), ("plain", plain)):
        assert_number(report[name], accuracy(m, data), atol=1e-6, what=f"accuracy of {name}")
    weights = dropping.state_dict()["head.weight"], plain.state_dict()["head.weight"]
    assert_that(not torch.equal(*weights), "dropout makes no difference to the training")


@worth(0.5, group="robust", hint="Choose rows by an index; do not shuffle or scale what you were given.")
def data_is_left_alone(student):
    """Images and labels are after `pooling_report` what they were before."""
    data = labelled((6, 2), 6)
    before = [part.clone() for part in data]
    m = build(student.MeanViT, (6, 2))
    report = reported(student, {"mean": m}, data)
    for name, now, then in zip(
        ("train_images", "train_labels", "test_images", "test_labels"), data, before, strict=True
    ):
        assert_unchanged(now, then, what=name)
    assert_number(report["mean"], accuracy(m, data), atol=1e-6, what="accuracy of mean")


@worth(0.5, group="robust", hint="`copy.deepcopy` keeps it; a model made anew begins in training mode, in float32.")
def ablated_model_keeps_mode_and_dtype(student):
    """The ablated model is in the mode of the whole one, and in its dtype."""
    assert_classifies(build(student.MeanViT, (6, 2)), images((6, 2), 0))
    for training in (False, True):
        m = build(student.MeanViT, (6, 2)).train(training)
        ablated = student.ablate_attention(m)
        assert_that(ablated.training == training, "the ablated model is in another mode than the whole one")
        assert_that(m.training == training, "the whole model was left in another mode")
        dtypes = {value.dtype for value in ablated.state_dict().values()}
        assert_that(dtypes == {DOUBLE}, f"the ablated model has parameters of {dtypes}")
