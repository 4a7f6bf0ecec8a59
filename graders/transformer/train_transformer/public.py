"""What anyone can check about building, training and looking into a transformer, without a solution at hand."""

from __future__ import annotations

from itertools import pairwise

import torch
from given.config import BATCH_SIZE
from given.dates import BOS, minibatch
from torch import nn

from headcheck.compare import (
    assert_close,
    assert_equal,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
)
from headcheck.properties import worth
from headcheck.strategies import amplify

HINTS = (
    (
        "Building is a matter of order: read both signatures, and write the arguments down beside the fields of the "
        "config. Which vocabulary belongs to which half?"
    ),
    (
        "In fit, the optimizer is made once, and before each step its learning rate is set: a fraction that grows "
        "evenly to 1 in `warmup` steps and then stays."
    ),
    (
        "To collect attention, decode first, then run the whole sentence once, in evaluation mode, with bos in front "
        "and no word too many. The halves have stored what each layer saw; stack it by layer."
    ),
)

DOUBLE = torch.float64
SIZES = {"src_vocab_size": 11, "tgt_vocab_size": 9, "num_hiddens": 12, "ffn_num_hiddens": 20, "num_heads": 3,
         "num_layers": 2}  # fmt: skip
SMALL = SIZES | {"num_hiddens": 6, "ffn_num_hiddens": 5, "num_layers": 1}
LR, WARMUP = 1e-3, 4
NEVER = -1  # an end that does not come
LONGEST = 6


def build(student, sizes=SIZES, **others):
    """A model in float64 and in training mode, with normal matrices that make it look sharply at some words.

    Embeddings are large, biases 0, and norms do nothing more: otherwise it would say the same word again and again.
    """
    model = student.build_transformer(student.TransformerConfig(**sizes, **others))
    assert_that(model is not None, "build_transformer returns None: is a `return` missing?")
    parameters = {name: value.detach() for name, value in sorted(model.double().named_parameters())}
    state = amplify(parameters, 7, scale=0.3)
    for name, value in state.items():
        if value.dim() == 1:
            value.fill_(float(name.endswith("weight")))
        elif "embedding" in name:
            value.mul_(3)
    model.load_state_dict(state, strict=False)
    return model


def pairs(count, *, seed=0):
    """Random sentences with random words in their padding, and the lengths of both."""
    draw = torch.Generator().manual_seed(seed)
    src, labels = (torch.randint(3, 9, (count, steps), generator=draw) for steps in (5, 4))
    src_lens, label_lens = (torch.randint(1, steps + 1, (count,), generator=draw) for steps in (5, 4))
    return src, src_lens, labels, label_lens


def loss_of(model, batch):
    """The cross-entropy of a valid label, in the mode that the model is in."""
    src, src_lens, labels, label_lens = batch
    inputs = nn.functional.pad(labels[:, :-1], (1, 0), value=BOS)
    logits, _ = model(src, inputs, src_lens)
    valid = torch.arange(labels.shape[1]) < label_lens[:, None]
    return nn.functional.cross_entropy(logits[valid], labels[valid])


def fit(student, model, data, *, steps=1, lr=LR, warmup=WARMUP, clip=1e3, seed=0):
    """The losses of a short run, as many as there are steps."""
    generator = torch.Generator().manual_seed(seed)
    losses = student.fit(model, data, steps=steps, lr=lr, warmup=warmup, clip=clip, generator=generator)
    assert_that(isinstance(losses, list), "fit does not return a list")
    assert_that(len(losses) == steps, f"fit returns {len(losses)} losses, wanted {steps}, one for each step")
    return losses


def assert_first_step(student, *, clip):
    """The first step of Adam: every number moves by the rate times g / (|g| + 1e-8), where g is clipped."""
    model, data = build(student, SMALL), pairs(9)
    parameters = dict(model.named_parameters())
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    gradient = torch.autograd.grad(loss_of(model, data), list(parameters.values()))
    shorter = min(1.0, clip / torch.cat([part.flatten() for part in gradient]).norm().item())
    fit(student, model, data, clip=clip)
    after, rate = dict(model.named_parameters()), LR / WARMUP
    for (name, old), part in zip(before.items(), gradient, strict=True):
        g = shorter * part
        wanted = old - rate * g / (g.abs() + 1e-8)
        assert_close(after[name], wanted, rtol=0, atol=1e-3 * rate, what=f"{name} after the first step")


def rates(student, warmup, steps):
    """The learning rate of each step, in units of `lr`.

    The batch is the same in every step and the rate so small that its gradient stays the same. Adam then moves a number
    by exactly the rate, so the difference between runs of k and of k - 1 steps shows the rate of step k.
    """
    tiny, model, data, moved = 1e-9, build(student, SMALL), pairs(5), [0.0]
    start, parameters = model.state_dict(), dict(model.named_parameters())
    gradient = torch.autograd.grad(loss_of(model, data), list(parameters.values()))
    name, g = max(zip(parameters, gradient, strict=True), key=lambda item: item[1].abs().max())
    place = g.abs() == g.abs().max()
    for k in range(1, steps + 1):
        model.load_state_dict(start)
        fit(student, model, data, steps=k, lr=tiny, warmup=warmup)
        distance = (dict(model.named_parameters())[name] - start[name]).detach()[place].abs().max()
        moved.append(distance.item() / tiny)
    return [later - earlier for earlier, later in pairwise(moved)]


def assert_rates(student, warmup, wanted):
    """The first rates are these, in units of `lr`."""
    for k, (rate, right) in enumerate(zip(rates(student, warmup, len(wanted)), wanted, strict=True), 1):
        assert_number(rate, right, atol=1e-2, what=f"rate / lr of step {k} with warmup={warmup}")


@torch.no_grad()
def watch(model, src, src_lens, max_steps, eos):
    """The words that the model chooses, one at a time, and what it looks at meanwhile."""
    model.eval()
    state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
    word, words, seen = torch.full((1, 1), BOS), [], []
    while len(words) < max_steps and eos not in words:
        logits, state = model.decoder(word, state)
        seen.append([torch.stack(list(weights)) for weights in model.decoder.attention_weights])
        word = logits.argmax(-1)
        words.append(int(word))
    rows = [nn.functional.pad(own, (0, len(words) - own.shape[-1])) for own, _ in seen]  # each (layers, heads, 1, T)
    return words, {
        "encoder": torch.stack(list(model.encoder.attention_weights)),
        "decoder_self": torch.cat(rows, dim=2),
        "cross": torch.cat([cross for _, cross in seen], dim=2),
    }


def collect(student, model, src, src_lens, max_steps, eos):
    """The student's dictionary of weights, complete."""
    found = student.collect_attention(model, src, src_lens, max_steps, BOS, eos)
    names = ["encoder", "decoder_self", "cross"]
    is_complete = isinstance(found, dict) and sorted(found) == sorted(names)
    assert_that(is_complete, f"collect_attention does not return a dictionary of {', '.join(names)}")
    return {name: found[name] for name in names}


def sentence(seed=0):
    """A source of 5 tokens, of which 3 are valid."""
    return torch.randint(3, 11, (1, 5), generator=torch.Generator().manual_seed(seed)), torch.tensor([3])


def ends(model, src, src_lens):
    """Three ends and the number of steps to each: one that never comes, one that comes at once, and the latest."""
    words, _ = watch(model, src, src_lens, LONGEST, NEVER)
    return {NEVER: LONGEST} | {word: words.index(word) + 1 for word in (words[0], max(words, key=words.index))}


@worth(1, gate=True, hint="Build the two halves, make the optimizer once, and append each step's loss to a list.")
def training_gives_a_loss_for_each_step(student):
    """A transformer can be built and trained: `fit` returns a list of one loss for each step."""
    assert_responds(
        lambda data: fit(student, build(student, SMALL), data, steps=3), pairs(1), pairs(1, seed=1), what="losses"
    )


@worth(1, hint="Go through the arguments of both halves in order: which is which, and which vocabulary is whose?")
def every_size_is_that_of_the_config(student):
    """Vocabularies, widths, heads and layers are those of the config."""
    for sizes in (SIZES, SIZES | {"num_heads": 2, "num_layers": 3, "ffn_num_hiddens": 7}):
        v, w, d, f, heads, layers = sizes.values()
        model, (src, src_lens, labels, _) = build(student, sizes), pairs(2)
        with torch.no_grad():
            logits, _ = model(src, labels, src_lens)
        assert_shape(logits, (2, 4, w), what="logits")
        weights = list(model.encoder.attention_weights)
        assert_that(len(weights) == layers, f"the encoder has {len(weights)} layers, wanted {layers}")
        assert_shape(weights[0], (2 * heads, 5, 5), what="attention weights of the encoder")
        network, norm, attention = 2 * d * f + d + f, 2 * d, 4 * d * d
        blocks = layers * (2 * network + 5 * norm + 3 * attention)
        wanted = (v + w) * d + blocks + d * w + w
        count = sum(parameter.numel() for parameter in model.parameters())
        assert_that(count == wanted, f"the model has {count} parameters, wanted {wanted}")


@worth(0.5, hint="Both halves take `dropout`, each as one of its arguments.")
def dropout_reaches_both_halves(student):
    """In training three quarters of what enters the blocks are dropped if the config says so, and none otherwise."""
    for rate in (0.75, 0.0):
        model = build(student, dropout=rate)
        for name, half in (("the encoder", model.encoder), ("the decoder", model.decoder)):
            dropped = (half.pos_encoding(torch.full((40, 5, 12), 9.0, dtype=DOUBLE)) == 0).double().mean().item()
            assert_that(abs(dropped - rate) < 0.1, f"{name} drops {dropped:.0%} of its inputs, wanted {rate:.0%}")


@worth(0.5, hint="Change the last word of a sentence. Which logits may change?")
@torch.no_grad()
def decoder_does_not_see_its_own_future(student):
    """In training and in evaluation, no logits depend on words that come later."""
    model, (src, src_lens, labels, _) = build(student), pairs(2)
    other = labels.clone()
    other[:, 2:] = 3 + (other[:, 2:] - 2) % 6
    for mode in (True, False):
        model.train(mode)
        before, after = (model(src, inputs, src_lens)[0] for inputs in (labels, other))
        assert_shape(after, tuple(before.shape), what="logits")
        same = torch.allclose(before[:, :2], after[:, :2], rtol=0, atol=1e-9)
        message = "the decoder sees its own future: other words 2 and 3 change what it says at steps 0 and 1"
        assert_that(same, message, before=before[:, :2], after=after[:, :2])
        assert_that(not torch.allclose(before[:, 2:], after[:, 2:]), "the logits do not depend on the words so far")


@worth(1, hint="One Adam over model.parameters(): encoder and decoder, every parameter once.")
def first_step_moves_every_parameter_by_its_rate(student):
    """The first step of Adam moves each parameter against its gradient, by `lr / warmup`."""
    assert_first_step(student, clip=1e3)


@worth(1, hint="Adam forgets how long a gradient is, but not below its epsilon. Where does your `clip` go?")
def gradients_are_clipped(student):
    """The gradient of all parameters together has at most the norm `clip` when Adam gets it."""
    assert_first_step(student, clip=1e-7)


@worth(1.5, hint="Write the factors of the first six steps down for warmup=4. The first step is number 1.")
def rate_rises_in_equal_steps_and_stays(student):
    """The learning rate of step k is `lr * k / warmup` up to step `warmup`, and `lr` afterwards."""
    assert_rates(student, 3, [1 / 3, 2 / 3, 1.0, 1.0, 1.0])


@worth(0.5, group="robust", hint="The book's rate is fixed. What does your formula divide by, if warmup is 0?")
def no_warm_up_is_full_speed(student):
    """With `warmup=0` the rate is `lr` from the first step on."""
    assert_rates(student, 0, [1.0, 1.0])


@worth(1, hint="minibatch(data, BATCH_SIZE, generator=generator) for each step, and your `train_step`.")
def losses_are_those_of_the_drawn_batches(student):
    """Each loss is that of the next minibatch that `generator` draws: the loss of its valid labels, before the step."""
    model, data = build(student, SMALL), pairs(150)
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        wanted = [loss_of(model, minibatch(data, BATCH_SIZE, generator=draw)).item() for _ in range(3)]
    for number, (loss, right) in enumerate(
        zip(fit(student, model, data, steps=3, lr=0.0, seed=3), wanted, strict=True)
    ):
        assert_number(loss, right, atol=1e-6, what=f"loss of step {number + 1}, at the rate 0,")
    moving = fit(student, model, data, lr=0.1, warmup=1, seed=3)
    assert_number(moving[0], wanted[0], atol=1e-6, what="loss of the first step")


@worth(0.5, hint="A model that was just tested is in evaluation mode. Who switches it back?")
def training_uses_dropout(student):
    """In training dropout is active, also when the model comes in evaluation mode."""
    model, data = build(student, SMALL, dropout=0.75).eval(), pairs(9)
    first, second = (fit(student, model, data, lr=0.0)[0] for _ in range(2))
    assert_that(first != second, "two steps that change nothing have the same loss in spite of dropout", losses=first)


@worth(0.5, group="robust", hint="Which of your operations write to the tensors that they are given?")
def data_are_left_alone(student):
    """After training the data are what they were before, and a second run on them has the same losses."""
    data = pairs(70)
    before = [part.clone() for part in data]
    first, second = (fit(student, build(student, SMALL), data, steps=2) for _ in range(2))
    for one, again in zip(first, second, strict=True):
        assert_number(again, one, atol=1e-9, what="loss in a second run")
    for name, now, then in zip(("src", "src_lens", "labels", "label_lens"), data, before, strict=True):
        assert_unchanged(now, then, what=name)


@worth(1, hint="Count the decoder's inputs: bos, then every word but the last one that it says.")
def every_step_has_a_row(student):
    """There are as many rows as decoding takes steps: one for each word, and one for `eos` if it comes."""
    model, (src, src_lens) = build(student), sentence()
    for eos, steps in ends(model, src, src_lens).items():
        found = collect(student, model, src, src_lens, LONGEST, eos)
        for name, shape in {"encoder": (5, 5), "decoder_self": (steps, steps), "cross": (steps, 5)}.items():
            assert_shape(found[name], (2, 3, *shape), what=name)


@worth(1, hint="Decode word by word and write down the weights: is that what you collect, head by head?")
def weights_are_those_of_the_steps(student):
    """What is collected is what each head of each layer looked at, one step after the other."""
    model = build(student)
    for seed in (0, 1):
        src, src_lens = sentence(seed)
        for eos in ends(model, src, src_lens):
            _, wanted = watch(model, src, src_lens, LONGEST, eos)
            found = collect(student, model, src, src_lens, LONGEST, eos)
            for name, weights in wanted.items():
                assert_close(found[name], weights, atol=1e-6, what=name)


@worth(0.5, hint="What has not been said yet, and what is padding, cannot be looked at.")
def rows_sum_to_1_and_hide_what_is_hidden(student):
    """Every row sums to 1; weights above the diagonal of the decoder and at padding are exactly 0."""
    model = build(student)
    found = collect(student, model, *sentence(), LONGEST, NEVER)
    later = torch.ones(2, 3, LONGEST, LONGEST, dtype=torch.bool).triu(1)
    assert_zero(found["decoder_self"], where=later, what="decoder_self")
    for name in ("encoder", "cross"):
        padded = (torch.arange(5) >= 3).expand(2, 3, 5 if name == "encoder" else LONGEST, 5)
        assert_zero(found[name], where=padded, what=name)
    for name, weights in found.items():
        sums = weights.sum(-1)
        assert_close(sums, torch.ones_like(sums), atol=1e-6, what=f"sum over the keys of {name}")


@worth(0.5, hint="Dropout is for training. Which mode is the model in while you look?")
def collecting_uses_no_dropout(student):
    """Weights are collected without dropout, also from a model in training mode."""
    model, (src, src_lens) = build(student, dropout=0.75), sentence()
    _, wanted = watch(model, src, src_lens, LONGEST, NEVER)
    model.train()
    found = collect(student, model, src, src_lens, LONGEST, NEVER)
    for name, weights in wanted.items():
        assert_close(found[name], weights, atol=1e-6, what=name)


@worth(0.5, group="robust", hint="How was the model before, and who needs a gradient of what you looked at?")
def collecting_leaves_no_trace(student):
    """The model is left in the mode that it was in, the source as it was, and the weights carry no graph."""
    model, (src, src_lens) = build(student), sentence()
    _, wanted = watch(model, src, src_lens, LONGEST, NEVER)
    before = src.clone()
    list(model.parameters())  # read, or a graph would lead nowhere
    for training in (True, False):
        model.train(training)
        found = collect(student, model, src, src_lens, LONGEST, NEVER)
        modes = [part.training for part in (model, model.encoder, model.decoder)]
        assert_that(
            modes == [training] * 3, f"the model was left in {'evaluation mode' if training else 'training mode'}"
        )
        for name, weights in found.items():
            assert_close(weights, wanted[name], atol=1e-6, what=name)
            assert_that(not weights.requires_grad, f"{name} still carries its graph")
    assert_equal(src, before, what="src after the call")
