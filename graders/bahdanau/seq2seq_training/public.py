"""What anyone can check about loss, training step, decoding and BLEU."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from headcheck.compare import (
    assert_close,
    assert_equal,
    assert_gradcheck,
    assert_number,
    assert_responds,
    assert_shape,
    assert_that,
    assert_unchanged,
    assert_zero,
    gradients,
)
from headcheck.properties import worth
from headcheck.strategies import amplify, normal, seeds, sizes

HINTS = (
    (
        "Padding is nobody's word. Make a mask of the valid labels from the lengths, and let it decide what enters "
        "the sum and what the sum is divided by."
    ),
    (
        "In training the decoder sees the labels, one place later, with bos in front. In decoding it sees its own "
        "last word: begin with bos, take the most probable word, hand the state on."
    ),
    (
        "train_step: training mode, forward, masked loss, zero the gradients, backward, clip, step. greedy_decode: "
        "evaluation mode, a loop that keeps each word and the state, cut every row at eos, and restore the mode."
    ),
)

SRC_VOCAB, VOCAB, BOS, LR = 8, 9, 3, 0.1
NEVER = 99  # the end of a sentence that never ends
DOUBLE = torch.float64


@dataclass(frozen=True)
class Scored:
    """Logits `(batch, steps, vocab)`, labels `(batch, steps)` and their lengths, of which one is at least 1."""

    logits: Tensor
    labels: Tensor
    valid_lens: Tensor

    @property
    def valid(self):
        """True at the labels that count; (batch, steps)."""
        return torch.arange(self.labels.shape[1]) < self.valid_lens[:, None]


@st.composite
def scored(draw):
    """Random scores; the label 0 is a word like any other."""
    batch, steps, vocab = draw(sizes(3))
    generator = torch.Generator().manual_seed(draw(seeds()))
    logits = 2 * torch.randn(batch, steps, vocab, generator=generator, dtype=DOUBLE)
    labels = torch.randint(vocab, (batch, steps), generator=generator)
    valid_lens = torch.randint(steps + 1, (batch,), generator=generator)
    valid_lens[-1] = max(1, valid_lens[-1])
    return Scored(logits, labels, valid_lens)


@dataclass(frozen=True)
class Batch:
    """Sources `(batch, src_steps)` and labels `(batch, steps)`, with their lengths."""

    src: Tensor
    src_lens: Tensor
    labels: Tensor
    label_lens: Tensor

    @property
    def args(self):
        return self.src, self.src_lens, self.labels, self.label_lens


@st.composite
def batches(draw):
    """Five sources of up to four words, and labels of up to six."""
    generator = torch.Generator().manual_seed(draw(seeds()))
    words = [torch.randint(size, shape, generator=generator) for size, shape in ((SRC_VOCAB, (5, 4)), (VOCAB, (5, 6)))]
    src_lens, label_lens = (torch.randint(1, longest + 1, (5,), generator=generator) for longest in (4, 6))
    return Batch(words[0], src_lens, words[1], label_lens)


def model_for(student, *, layers=1, dropout=0.0, silent=0):
    """A model in evaluation mode, with weights under which its words depend on the source and on each other.

    The first `silent` words of its vocabulary come in addition, and are never likeliest.
    """
    sizes = 4, 12, layers, dropout
    encoder, decoder = (
        student.Seq2SeqEncoder(SRC_VOCAB, *sizes),
        student.Seq2SeqAttentionDecoder(silent + VOCAB, *sizes),
    )
    model = student.EncoderDecoder(encoder, decoder).to(DOUBLE).eval()
    state = amplify(model.state_dict(), 7, scale=0.8)
    louder = {name: 3 * value for name, value in state.items() if "embedding" in name}
    bias = torch.full((silent + VOCAB,), -1e3, dtype=DOUBLE)
    bias[silent:] = 0
    model.load_state_dict(state | louder | {"decoder.dense.bias": bias})
    return model


def loss_of(model, batch):
    """What the loss of this batch is, in the mode that the model is in."""
    inputs = nn.functional.pad(batch.labels[:, :-1], (1, 0), value=BOS)
    logits, _ = model(batch.src, inputs, batch.src_lens)
    valid = torch.arange(6) < batch.label_lens[:, None]
    return nn.functional.cross_entropy(logits[valid], batch.labels[valid])


def assert_descends(student, model, optimizer, batch, clip):
    """A step of `train_step` moves the parameters by `LR` times the gradient, which is no longer than `clip`."""
    parameters = dict(model.named_parameters())
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    gradient = torch.autograd.grad(loss_of(model, batch), list(parameters.values()))
    norm = torch.cat([part.flatten() for part in gradient]).norm()
    student.train_step(model, optimizer, batch.args, BOS, clip)
    after = dict(model.named_parameters())
    for (name, old), part in zip(before.items(), gradient, strict=True):
        wanted = old - LR * part * min(1.0, clip / norm)
        assert_close(after[name], wanted, rtol=1e-5, atol=1e-5 * LR, what=f"{name} after the step")


def likeliest(model, src, src_lens, steps):
    """Greedy decoding from the beginning each time, without a state and without an end; (batch, steps)."""
    words = torch.full((len(src), 1), BOS)
    with torch.no_grad():
        for _ in range(steps):
            logits, _ = model(src, words, src_lens)
            words = torch.cat((words, logits[:, -1:].argmax(-1)), 1)
    return words[:, 1:]


def common_end(rows):
    """The word that would end the rows at as many different places as possible."""
    words = sorted({word for row in rows for word in row})
    return max(words, key=lambda word: len({row.index(word) for row in rows if word in row}))


def assert_decoded(got, wanted):
    """The answer is the wanted list of lists of words."""
    is_lists = isinstance(got, list) and all(isinstance(row, list) for row in got)
    assert_that(is_lists, "greedy_decode does not return a list of lists")
    assert_that(all(type(word) is int for row in got for word in row), "the words are not plain integers")
    assert_that(len(got) == len(wanted), f"greedy_decode returns {len(got)} sentences for {len(wanted)} sources")
    for i, (row, right) in enumerate(zip(got, wanted, strict=True)):
        assert_that(row == right, f"sentence {i} is {row}, wanted {right}", sentences=got)


@worth(1, gate=True, hint="A mean of numbers: no axis is left of it.")
def loss_is_one_number(student):
    """The loss is a scalar tensor, and depends on the logits."""
    labels, valid_lens = torch.tensor([[1, 4, 2], [3, 1, 3]]), torch.tensor([3, 2])
    logits, other = normal((2, 3, 5), 1), normal((2, 3, 5), 2)
    assert_shape(student.masked_cross_entropy(logits, labels, valid_lens), (), what="loss")
    assert_responds(lambda X: student.masked_cross_entropy(X, labels, valid_lens), logits, other, what="loss")


@worth(0.5, examples=15, hint="How many labels are valid in the whole batch? Divide the sum by that.")
@given(case=scored())
def equal_scores_cost_the_log_of_the_vocabulary(student, case):
    """When all logits are 0, the loss is the logarithm of the size of the vocabulary, whatever the lengths."""
    loss = student.masked_cross_entropy(torch.zeros_like(case.logits), case.labels, case.valid_lens)
    assert_close(loss, torch.tensor(math.log(case.logits.shape[-1]), dtype=DOUBLE), what="loss")


@worth(1, examples=30, hint="Take minus the log-softmax at each valid label, add all up, divide by their number.")
@given(case=scored(), dtype=st.sampled_from([torch.int64, torch.int32]))
def loss_averages_over_all_valid_labels(student, case, dtype):
    """The loss is the mean over all valid labels of the batch of minus the log-probability of the label."""
    logs = case.logits.log_softmax(-1).gather(-1, case.labels[..., None])[..., 0]
    loss = student.masked_cross_entropy(case.logits, case.labels, case.valid_lens.to(dtype))
    assert_close(loss, -logs[case.valid].mean(), what="loss")


@worth(0.5, examples=15, hint="What do you divide by, when the same sentences get more padding?")
@given(case=scored())
def more_padding_costs_nothing(student, case):
    """Appending steps past the valid lengths, whatever they hold, leaves the loss as it was."""
    loss = student.masked_cross_entropy(case.logits, case.labels, case.valid_lens)
    logits, labels = nn.functional.pad(case.logits, (0, 0, 0, 3), value=7.0), nn.functional.pad(case.labels, (0, 3))
    logits[:, -1, -1] = 1e3
    assert_close(student.masked_cross_entropy(logits, labels, case.valid_lens), loss, what="loss with more padding")


@worth(0.5, examples=3, hint="No detach, no numbers on the way: and padding must not enter the sum.")
@given(case=scored())
def only_valid_logits_have_a_gradient(student, case):
    """The gradient of the loss is its derivative, and exactly 0 at padding."""
    logits = case.logits.requires_grad_()
    loss = student.masked_cross_entropy(logits, case.labels, case.valid_lens)
    (grad,) = gradients(loss, [logits], what="loss")
    assert_zero(grad, where=~case.valid[..., None].expand(logits.shape), what="gradient of the logits")
    part = case.logits.detach()[:2, :3].clone().requires_grad_()
    lengths = case.valid_lens[:2].clamp(1, part.shape[1])
    labels = case.labels[:2, :3]
    assert_gradcheck(lambda X: student.masked_cross_entropy(X, labels, lengths), part, what="loss")


@worth(1, examples=15, hint="A column of bos on the left, and the last column of the labels dropped.")
@given(case=scored(), bos=st.sampled_from([3, 1, 0]))
def inputs_are_the_labels_one_place_later(student, case, bos):
    """The inputs begin with bos and go on with all labels but the last."""
    wanted = torch.cat((torch.full((len(case.labels), 1), bos), case.labels), 1)[:, :-1]
    assert_equal(student.teacher_forcing_inputs(case.labels, bos), wanted, what="inputs")


@worth(1.5, examples=1, hint="Gradient of the masked loss, all of it scaled down if its norm is above clip, one step.")
@given(batch=batches())
def steps_go_down_the_clipped_gradient(student, batch):
    """Each of three steps moves every parameter by lr times its gradient, the whole of which has at most norm clip."""
    for clip in (0.05, 1e3):
        model = model_for(student)
        optimizer = student.sgd(model, LR)
        for _ in range(3):
            assert_descends(student, model, optimizer, batch, clip)


@worth(0.5, examples=2, hint="When do you set the gradients to zero: before the backward pass, or after the step?")
@given(batch=batches())
def leftover_gradients_are_forgotten(student, batch):
    """Gradients that somebody else left in the model take no part in the step."""
    model = model_for(student)
    for layer in (model.decoder.dense, model.decoder.attention.W_k, model.encoder.embedding):
        getattr(layer, "weight.backward")(torch.full_like(layer.weight, 100.0))  # adds to the weight's gradient
    assert_descends(student, model, student.sgd(model, LR), batch, 1.0)


@worth(0.5, examples=2, hint="loss.item() makes a number of it. Which loss: that before the step.")
@given(batch=batches())
def step_returns_the_loss_before_it(student, batch):
    """`train_step` returns, as a float, the loss that the batch had before the parameters moved."""
    model = model_for(student)
    optimizer = student.sgd(model, LR)
    for _ in range(2):
        wanted = loss_of(model, batch).item()
        assert_number(student.train_step(model, optimizer, batch.args, BOS), wanted, atol=1e-4, what="loss")


@worth(0.5, examples=2, hint="A model that was just tested is in evaluation mode. Who switches it back?")
@given(batch=batches())
def step_works_in_training_mode(student, batch):
    """In a step dropout is active, also when the model comes in evaluation mode."""
    model = model_for(student, layers=2, dropout=0.75)
    still = student.sgd(model, 0.0)
    losses = []
    for _ in range(2):
        model.eval()
        losses.append(student.train_step(model, still, batch.args, BOS))
    assert_that(losses[0] != losses[1], "two steps that change nothing have the same loss in spite of dropout")


@worth(1.5, examples=3, hint="The word that the decoder found likeliest is its next input; its new state is its next.")
@given(batch=batches())
def decoding_goes_on_from_the_likeliest_word(student, batch):
    """Without an end, every sentence has max_steps words: each the likeliest after those before it."""
    model = model_for(student)
    wanted = likeliest(model, batch.src, batch.src_lens, 6).tolist()
    for steps in (6, 1):
        found = student.greedy_decode(model, batch.src, batch.src_lens, BOS, NEVER, steps)
        assert_decoded(found, [row[:steps] for row in wanted])


@worth(1, examples=4, hint="Cut each sentence at its own first eos; eos itself is no word of it.")
@given(batch=batches())
def each_sentence_stops_before_its_own_end(student, batch):
    """A sentence ends before its first eos, the others go on until theirs or to max_steps."""
    for silent in (0, 300):  # words with small and with large numbers
        model = model_for(student, silent=silent)
        rows = likeliest(model, batch.src, batch.src_lens, 6).tolist()
        eos = common_end(rows)
        wanted = [row[: row.index(eos)] if eos in row else row for row in rows]
        assert_decoded(student.greedy_decode(model, batch.src, batch.src_lens, BOS, eos, 6), wanted)


@worth(0.5, examples=2, hint="Which number of yours is shared by the examples of a batch?")
@given(batch=batches())
def sentences_do_not_depend_on_each_other(student, batch):
    """Each source alone, without its padding, gives the sentence that it gives in the batch."""
    model = model_for(student)
    eos = common_end(likeliest(model, batch.src, batch.src_lens, 6).tolist())
    together = student.greedy_decode(model, batch.src, batch.src_lens, BOS, eos, 6)
    for i, length in enumerate(batch.src_lens):
        alone = student.greedy_decode(model, batch.src[i : i + 1, :length], batch.src_lens[i : i + 1], BOS, eos, 6)
        assert_decoded(alone, together[i : i + 1])


@worth(1, examples=2, hint="model.eval() and torch.no_grad() for the work; and how was the model before?")
@given(batch=batches())
def decoding_leaves_no_trace(student, batch):
    """Decoding works in evaluation mode and without gradients, and leaves the model in the mode that it was in."""
    model = model_for(student, layers=2, dropout=0.75)
    wanted = likeliest(model, batch.src, batch.src_lens, 5).tolist()
    parameters = list(model.parameters())  # read, or a gradient would have nowhere to go
    for training in (True, False):
        model.train(training)
        assert_decoded(student.greedy_decode(model, batch.src, batch.src_lens, BOS, NEVER, 5), wanted)
        modes = [part.training for part in (model, model.encoder, model.decoder.attention.dropout)]
        assert_that(
            modes == [training] * 3, f"the model was left in {'evaluation mode' if training else 'training mode'}"
        )
        recorded = any(weights.requires_grad for weights in model.decoder.attention_weights)
        assert_that(not recorded, f"gradients for {len(parameters)} parameters were recorded while decoding")


@worth(0.5, hint="Nothing is missing and nothing is too much: every factor is 1.")
def the_label_itself_is_worth_1(student):
    """A prediction that is the label is worth 1, one that shares no word with it 0."""
    for text in ("a b", "a a a", "it is what it is"):
        for k in (1, 2):
            assert_number(student.bleu(text, text, k), 1.0, atol=1e-9, what=f"bleu({text!r}, {text!r}, {k})")
    assert_number(student.bleu("a b c", "d e f", 2), 0.0, atol=1e-9, what="bleu('a b c', 'd e f', 2)")


@worth(1, hint="Compute one by hand: how many runs does the prediction have, and how many of them are matched?")
def examples_of_bleu_come_out(student):
    """Matches, brevity and the weights 1/2^n are as in the exercise."""
    examples = {
        ("a a a", "a b", 1): math.sqrt(1 / 3),  # the label has one a
        ("a a b", "b a a a", 1): math.exp(1 - 4 / 3),
        ("a b", "a b c d", 2): math.exp(1 - 4 / 2),
        ("a b c d", "a b", 2): math.sqrt(2 / 4) * (1 / 3) ** 0.25,  # longer costs no brevity
        ("a b c", "a b c d", 3): math.exp(1 - 4 / 3),
        ("b a c d", "a b c d", 2): (1 / 3) ** 0.25,
        ("a b c e", "a b c d", 3): (3 / 4) ** 0.5 * (2 / 3) ** 0.25 * (1 / 2) ** 0.125,
        ("a b b c", "a b c d e f", 2): math.exp(1 - 6 / 4) * (3 / 4) ** 0.5 * (2 / 3) ** 0.25,
    }
    for (pred, label, k), wanted in examples.items():
        assert_number(student.bleu(pred, label, k), wanted, atol=1e-9, what=f"bleu({pred!r}, {label!r}, {k})")


@worth(
    1, group="robust", hint="The book's function divides by zero on some of these. Which n make sense, and for whom?"
)
def short_sentences_have_a_value(student):
    """One right word is worth 1 for every k; a prediction too short for a run of n words, or empty, is worth 0."""
    examples = {
        ("a", "a", 2): 1.0,
        ("a b", "a b", 4): 1.0,
        ("b", "a", 2): 0.0,
        ("a", "a b", 2): 0.0,
        ("a b", "a b c", 3): 0.0,
        ("a b", "a", 2): math.sqrt(1 / 2),
        ("", "a b", 2): 0.0,
        ("", "a", 1): 0.0,
    }
    for (pred, label, k), wanted in examples.items():
        assert_number(student.bleu(pred, label, k), wanted, atol=1e-9, what=f"bleu({pred!r}, {label!r}, {k})")


@worth(0.5, group="robust", examples=1, hint="Masks and shifted labels are new tensors; what you were given stays.")
@given(case=scored(), batch=batches())
def arguments_are_left_alone(student, case, batch):
    """Logits, labels, lengths and sources are afterwards what they were before."""
    model = model_for(student)
    given_tensors = {"logits": case.logits, "labels": case.labels, "valid_lens": case.valid_lens,
                     "src": batch.src, "src_lens": batch.src_lens, "labels of the batch": batch.labels,
                     "label_lens": batch.label_lens}  # fmt: skip
    before = {name: tensor.clone() for name, tensor in given_tensors.items()}
    wanted = likeliest(model, batch.src, batch.src_lens, 3).tolist()
    inputs = nn.functional.pad(case.labels[:, :-1], (1, 0), value=BOS)
    for _ in range(2):
        student.masked_cross_entropy(case.logits, case.labels, case.valid_lens)
        assert_equal(student.teacher_forcing_inputs(case.labels, BOS), inputs, what="inputs")
        student.train_step(model, student.sgd(model, 0.0), batch.args, BOS)
        assert_decoded(student.greedy_decode(model, batch.src, batch.src_lens, BOS, NEVER, 3), wanted)
    for name, tensor in given_tensors.items():
        assert_unchanged(tensor, before[name], what=name)
