"""Ways to train, decode and judge wrongly."""

import math
from collections import Counter
from itertools import takewhile

import torch
from bahdanau.seq2seq_training import bleu, greedy_decode, masked_cross_entropy, teacher_forcing_inputs, train_step
from torch import nn

from headcheck.properties import misconception


def _each(logits, labels):
    """The cross-entropy at every place; (batch, steps)."""
    return nn.functional.cross_entropy(logits.mT, labels, reduction="none")


def _valid(labels, valid_lens):
    """1 at the labels that count, otherwise 0; (batch, steps)."""
    return (torch.arange(labels.shape[1]) < valid_lens[:, None]).float()


@misconception(of="masked_cross_entropy")
def padding_counted(logits, labels, valid_lens):
    """You never look at the lengths, so the model is taught to say padding. Which labels are nobody's words?"""
    return _each(logits, labels).mean()


@misconception(of="masked_cross_entropy")
def divided_by_all_steps(logits, labels, valid_lens):
    """You leave padding out of the sum, but divide by all places. What do words in short sentences count then?"""
    return (_each(logits, labels) * _valid(labels, valid_lens)).mean()


@misconception(of="masked_cross_entropy")
def mean_of_the_means(logits, labels, valid_lens):
    """You average each sentence, and then the sentences. What does a word count in a long one?"""
    valid = _valid(labels, valid_lens)
    return ((_each(logits, labels) * valid).sum(1) / valid.sum(1)).mean()


@misconception(of="masked_cross_entropy")
def label_0_ignored(logits, labels, valid_lens):
    """You take every 0 for padding, whatever the lengths say. What if 0 is a word?"""
    return nn.functional.cross_entropy(logits.mT, labels, ignore_index=0)


@misconception(of="masked_cross_entropy")
def one_label_too_many(logits, labels, valid_lens):
    """You count one label past the end of each sentence. Which positions are valid when the length is 1?"""
    return masked_cross_entropy(logits, labels, valid_lens + 1)


@misconception(of="masked_cross_entropy")
def last_label_left_out(logits, labels, valid_lens):
    """You leave each sentence's last label out. Who teaches the model where to stop?"""
    return masked_cross_entropy(logits, labels, (valid_lens - 1).clamp_min(1))


@misconception(of="masked_cross_entropy")
def first_length_for_all(logits, labels, valid_lens):
    """You use one sentence's length for all. How long is the second one?"""
    return masked_cross_entropy(logits, labels, valid_lens[-1:].expand_as(valid_lens))


@misconception(of="masked_cross_entropy")
def summed(logits, labels, valid_lens):
    """You add the losses up. What becomes of the size of a step when the batch is twice as large?"""
    return (_each(logits, labels) * _valid(labels, valid_lens)).sum()


@misconception(of="masked_cross_entropy")
def divided_by_the_examples(logits, labels, valid_lens):
    """You divide by the number of sentences. How many words are there?"""
    return summed(logits, labels, valid_lens) / len(labels)


@misconception(of="masked_cross_entropy")
def one_loss_for_each_sentence(logits, labels, valid_lens):
    """You return a loss for each sentence. How many numbers can be minimised at once?"""
    return (_each(logits, labels) * _valid(labels, valid_lens)).mean(1)


@misconception(of="masked_cross_entropy")
def softmax_twice(logits, labels, valid_lens):
    """You make probabilities of the logits, and cross-entropy does it again. What does it expect?"""
    return masked_cross_entropy(logits.softmax(-1), labels, valid_lens)


@misconception(of="masked_cross_entropy")
def padded_logits_set_to_zero(logits, labels, valid_lens):
    """You set padded logits to 0 and average over everything. What does a row of zeros cost?"""
    return _each(logits * _valid(labels, valid_lens)[..., None], labels).mean()


@misconception(of="masked_cross_entropy")
def reshaped_across_the_vocabulary(logits, labels, valid_lens):
    """You reshape the logits to bring the vocabulary forward. Does a reshape move a single number?"""
    batch, steps, vocab = logits.shape
    losses = nn.functional.cross_entropy(logits.reshape(batch, vocab, steps), labels, reduction="none")
    valid = _valid(labels, valid_lens)
    return (losses * valid).sum() / valid.sum()


@misconception(of="masked_cross_entropy")
def cut_from_the_graph(logits, labels, valid_lens):
    """Your loss is a number without a past. What is `backward` to go back through?"""
    return torch.tensor(masked_cross_entropy(logits, labels, valid_lens).item(), dtype=logits.dtype)


@misconception(of="masked_cross_entropy", group="robust")
def padded_logits_wiped(logits, labels, valid_lens):
    """You set padded logits to 0 in the caller's own tensor. Who else may still need them?"""
    logits.data[_valid(labels, valid_lens) == 0] = 0
    return masked_cross_entropy(logits, labels, valid_lens)


@misconception(of="teacher_forcing_inputs", trains=True)
def labels_as_inputs(labels, bos):
    """You show the decoder the very word that it is to say. What is there left to learn?"""
    return labels.clone()


@misconception(of="teacher_forcing_inputs")
def nothing_falls_out(labels, bos):
    """You put `bos` in front and keep all the rest. How many inputs go with how many labels?"""
    return torch.cat((torch.full_like(labels[:, :1], bos), labels), 1)


@misconception(of="teacher_forcing_inputs")
def turned_around(labels, bos):
    """Your sentences begin with their own last token. What do they begin with when nothing has been said yet?"""
    return labels.roll(1, 1)


@misconception(of="teacher_forcing_inputs")
def shifted_the_wrong_way(labels, bos):
    """You show the decoder the word after the one that it is to say. Which word comes before it?"""
    return torch.cat((labels[:, 1:], torch.full_like(labels[:, :1], bos)), 1)


@misconception(of="teacher_forcing_inputs")
def first_label_replaced(labels, bos):
    """You write `bos` over the first label and move nothing. At which step is the second label an input?"""
    inputs = labels.clone()
    inputs[:, 0] = bos
    return inputs


@misconception(of="teacher_forcing_inputs")
def bos_is_always_1(labels, bos):
    """You took 1 for `bos`, whatever the caller says. Who knows the vocabulary?"""
    return teacher_forcing_inputs(labels, 1)


@misconception(of="teacher_forcing_inputs")
def inputs_written_over_the_labels(labels, bos):
    """You shift the labels in place. What is the loss to be compared with afterwards?"""
    labels.copy_(teacher_forcing_inputs(labels, bos))
    return labels


def _backward(model, batch, bos):
    """Forward and backward pass as they should be, in training mode; the gradients are added to what is there."""
    src, src_lens, labels, label_lens = batch
    model.train()
    logits, _ = model(src, teacher_forcing_inputs(labels, bos), src_lens)
    loss = masked_cross_entropy(logits, labels, label_lens)
    loss.backward()
    return loss


@misconception(of="train_step", trains=True)
def gradients_pile_up(model, optimizer, batch, bos, clip=1.0):
    """You never set the gradients to zero, so every step repeats those before it. What does `backward` do to them?"""
    loss = _backward(model, batch, bos)
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.item()


@misconception(of="train_step")
def zeroed_after_the_step(model, optimizer, batch, bos, clip=1.0):
    """You tidy up after the step and trust that everybody else does. What if the model comes with gradients?"""
    loss = gradients_pile_up(model, optimizer, batch, bos, clip)
    optimizer.zero_grad()
    return loss


@misconception(of="train_step")
def zeroed_before_the_step(model, optimizer, batch, bos, clip=1.0):
    """You set the gradients to zero between the backward pass and the step. What is the step made of?"""
    loss = _backward(model, batch, bos)
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def _step(shorten):
    """A training step with another way to shorten the gradients."""

    def train_step(model, optimizer, batch, bos, clip=1.0):
        optimizer.zero_grad()
        loss = _backward(model, batch, bos)
        shorten(model, clip)
        optimizer.step()
        return loss.item()

    return train_step


@misconception(of="train_step")
def not_clipped(model, optimizer, batch, bos, clip=1.0):
    """You step along the gradient as it is, and use `clip` too late or never. What does one step do when the gradient
    is a thousand times as long as usual?
    """
    return train_step(model, optimizer, batch, bos, math.inf)


@misconception(of="train_step")
def clipped_to_1_always(model, optimizer, batch, bos, clip=1.0):
    """You clip at 1, whatever the caller asks for. What is the argument for?"""
    return train_step(model, optimizer, batch, bos)


@misconception(of="train_step")
def clipped_one_by_one(model, optimizer, batch, bos, clip=1.0):
    """You clip each parameter by itself, which turns the gradient. Of what is the norm to be taken?"""

    def shorten(model, clip):
        for parameter in model.parameters():
            nn.utils.clip_grad_norm_(parameter, clip)

    return _step(shorten)(model, optimizer, batch, bos, clip)


@misconception(of="train_step")
def clipped_by_value(model, optimizer, batch, bos, clip=1.0):
    """You cut every number of the gradient off at `clip`. Does it still point the same way?"""
    shorten = lambda model, clip: nn.utils.clip_grad_value_(model.parameters(), clip)  # noqa: E731
    return _step(shorten)(model, optimizer, batch, bos, clip)


@misconception(of="train_step")
def always_stretched_to_clip(model, optimizer, batch, bos, clip=1.0):
    """You give every gradient the norm `clip`, also the short ones. How is training to come to rest?"""

    def shorten(model, clip):
        norm = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).norm()
        for parameter in model.parameters():
            parameter.grad *= clip / norm

    return _step(shorten)(model, optimizer, batch, bos, clip)


@misconception(of="train_step")
def only_the_decoder_clipped(model, optimizer, batch, bos, clip=1.0):
    """You clip the decoder's gradient and let the encoder's be. Of what is the norm to be taken?"""
    shorten = lambda model, clip: nn.utils.clip_grad_norm_(model.decoder.parameters(), clip)  # noqa: E731
    return _step(shorten)(model, optimizer, batch, bos, clip)


@misconception(of="train_step")
def no_step(model, optimizer, batch, bos, clip=1.0):
    """You compute gradients and leave it at that. Who moves the parameters?"""
    optimizer.zero_grad()
    return _backward(model, batch, bos).item()


@misconception(of="train_step")
def loss_after_the_step(model, optimizer, batch, bos, clip=1.0):
    """You return the loss after the step. Which loss did the gradient belong to?"""
    train_step(model, optimizer, batch, bos, clip)
    src, src_lens, labels, label_lens = batch
    logits, _ = model(src, teacher_forcing_inputs(labels, bos), src_lens)
    return masked_cross_entropy(logits, labels, label_lens).item()


@misconception(of="train_step")
def loss_as_a_tensor(model, optimizer, batch, bos, clip=1.0):
    """You return a tensor. What does it keep alive, and what did the caller ask for?"""
    return torch.tensor(train_step(model, optimizer, batch, bos, clip))


@misconception(of="train_step")
def decoder_shown_the_labels(model, optimizer, batch, bos, clip=1.0):
    """You give the labels to the decoder as they are. What is there left to predict?"""
    src, src_lens, labels, label_lens = batch
    optimizer.zero_grad()
    loss = masked_cross_entropy(model.train()(src, labels, src_lens)[0], labels, label_lens)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.item()


@misconception(of="train_step")
def source_lengths_not_used(model, optimizer, batch, bos, clip=1.0):
    """You never tell the model how long the sources are. What does it read at the padding?"""
    return train_step(model, optimizer, (batch[0], None, *batch[2:]), bos, clip)


@misconception(of="train_step")
def label_lengths_not_used(model, optimizer, batch, bos, clip=1.0):
    """You never tell the loss how long the labels are. What is the model taught to say after the end?"""
    src, src_lens, labels, label_lens = batch
    return train_step(model, optimizer, (src, src_lens, labels, label_lens.clamp_min(labels.shape[1])), bos, clip)


@misconception(of="train_step")
def trained_in_evaluation_mode(model, optimizer, batch, bos, clip=1.0):
    """You train in whatever mode the model is in. What if it was tested a moment ago?"""
    model.train = lambda _mode=True: model
    try:
        return train_step(model, optimizer, batch, bos, clip)
    finally:
        del model.train


@misconception(of="train_step")
def learning_rate_halved_every_fifth_step(model, optimizer, batch, bos, clip=1.0):
    """You halve the learning rate at every fifth step. How large is it after ninety, and who asked you to?"""
    optimizer.steps_seen = getattr(optimizer, "steps_seen", 0) + 1
    if optimizer.steps_seen % 5 == 0:
        for group in optimizer.param_groups:
            group["lr"] /= 2
    return train_step(model, optimizer, batch, bos, clip)


@torch.no_grad()
def _rows(model, src, src_lens, bos, max_steps, *, choose=None, feed=None, keep=None):
    """Decoding in parts: how a word is chosen, what goes in next, and which state is kept."""
    training = model.training
    model.eval()
    state = first = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
    word = start = torch.full_like(src[:, :1], bos)
    words = []
    for _ in range(max_steps):
        logits, state = model.decoder(word, state)
        word = choose(logits) if choose else logits.argmax(-1)
        words.append(word)
        word = feed(word, start) if feed else word
        state = keep(state, first) if keep else state
    model.train(training)
    return torch.cat(words, 1).tolist()


def _cut(rows, eos):
    """Each row up to its own end."""
    return [list(takewhile(lambda word: word != eos, row)) for row in rows]


@misconception(of="greedy_decode")
def end_kept(model, src, src_lens, bos, eos, max_steps):
    """Your sentences end in `eos`. Is it a word of theirs?"""
    rows = _rows(model, src, src_lens, bos, max_steps)
    return [row[: row.index(eos) + 1] if eos in row else row for row in rows]


@misconception(of="greedy_decode")
def beginning_kept(model, src, src_lens, bos, eos, max_steps):
    """Your sentences begin with `bos`. Did the model say that, or you?"""
    return [[bos, *row] for row in greedy_decode(model, src, src_lens, bos, eos, max_steps)]


@misconception(of="greedy_decode")
def never_stops(model, src, src_lens, bos, eos, max_steps):
    """You never look for `eos`. How does a sentence tell that it is over?"""
    return _rows(model, src, src_lens, bos, max_steps)


@misconception(of="greedy_decode")
def all_stop_with_the_first(model, src, src_lens, bos, eos, max_steps):
    """You stop everything when one sentence ends. What were the others about to say?"""
    rows = _rows(model, src, src_lens, bos, max_steps)
    end = min([row.index(eos) for row in rows if eos in row], default=max_steps)
    return [row[:end] for row in rows]


@misconception(of="greedy_decode")
def all_go_on_to_the_last(model, src, src_lens, bos, eos, max_steps):
    """You only drop the token `eos` and keep what comes after it. When is a sentence over?"""
    return [[word for word in row if word != eos] for row in _rows(model, src, src_lens, bos, max_steps)]


@misconception(of="greedy_decode")
def one_step_too_many(model, src, src_lens, bos, eos, max_steps):
    """You take one step more than `max_steps`. How many words may a sentence have?"""
    return greedy_decode(model, src, src_lens, bos, eos, max_steps + 1)


@misconception(of="greedy_decode")
def one_step_too_few(model, src, src_lens, bos, eos, max_steps):
    """You count `bos` among the words. How many may the model say?"""
    return [row[: max_steps - 1] for row in greedy_decode(model, src, src_lens, bos, eos, max_steps)]


@misconception(of="greedy_decode")
def always_fed_bos(model, src, src_lens, bos, eos, max_steps):
    """You feed `bos` at every step. How does the model learn what it has just said?"""
    return _cut(_rows(model, src, src_lens, bos, max_steps, feed=lambda _, start: start), eos)


@misconception(of="greedy_decode")
def state_thrown_away(model, src, src_lens, bos, eos, max_steps):
    """You start every step from the first state. Where is what the decoder has found out since?"""
    return _cut(_rows(model, src, src_lens, bos, max_steps, keep=lambda _, first: first), eos)


@misconception(of="greedy_decode")
def unlikeliest_word(model, src, src_lens, bos, eos, max_steps):
    """You take the word with the smallest score. Which way do logits point?"""
    return _cut(_rows(model, src, src_lens, bos, max_steps, choose=lambda logits: logits.argmin(-1)), eos)


@misconception(of="greedy_decode")
def likeliest_step(model, src, src_lens, bos, eos, max_steps):
    """You take the argmax over the steps. Which axis holds the words?"""
    return _cut(_rows(model, src, src_lens, bos, max_steps, choose=lambda logits: logits.argmax(1)[:, :1]), eos)


@misconception(of="greedy_decode")
def drawn_at_random(model, src, src_lens, bos, eos, max_steps):
    """You draw words by their probabilities. What does greedy mean?"""
    draw = lambda logits: logits[:, -1].softmax(-1).multinomial(1)  # noqa: E731
    return _cut(_rows(model, src, src_lens, bos, max_steps, choose=draw), eos)


@misconception(of="greedy_decode")
def first_sentence_for_all(model, src, src_lens, bos, eos, max_steps):
    """You feed every example the first one's words. Whose sentence is it?"""
    return _cut(_rows(model, src, src_lens, bos, max_steps, feed=lambda word, _: word[:1].expand_as(word)), eos)


@misconception(of="greedy_decode")
def longest_source_for_all(model, src, src_lens, bos, eos, max_steps):
    """You ignore the lengths of the sources, so padding is read. What does a source say after its end?"""
    return greedy_decode(model, src, torch.full_like(src_lens, src.shape[1]), bos, eos, max_steps)


@misconception(of="greedy_decode")
def decoded_in_training_mode(model, src, src_lens, bos, eos, max_steps):
    """You decode with dropout on. Is the answer the same twice?"""
    training = model.training
    model.eval = lambda: model
    try:
        rows = greedy_decode(model.train(), src, src_lens, bos, eos, max_steps)
    finally:
        del model.eval
    model.train(training)
    return rows


@misconception(of="greedy_decode")
def left_in_evaluation_mode(model, src, src_lens, bos, eos, max_steps):
    """You leave the model in evaluation mode. Who switches dropout on again for the next step of training?"""
    rows = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    model.eval()
    return rows


@misconception(of="greedy_decode")
def left_in_training_mode(model, src, src_lens, bos, eos, max_steps):
    """You switch to training mode when you are done. What if the model was not in it?"""
    rows = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    model.train()
    return rows


@misconception(of="greedy_decode")
def gradients_recorded(model, src, src_lens, bos, eos, max_steps):
    """You decode with gradients on. What is all that memory for?"""
    return _cut(_rows.__wrapped__(model, src, src_lens, bos, max_steps), eos)


@misconception(of="greedy_decode")
def words_as_tensors(model, src, src_lens, bos, eos, max_steps):
    """You return tensors for words. What did the caller ask for?"""
    return [[torch.tensor(word) for word in row] for row in greedy_decode(model, src, src_lens, bos, eos, max_steps)]


@misconception(of="greedy_decode", group="robust")
def source_padding_wiped(model, src, src_lens, bos, eos, max_steps):
    """You set the source's padding to 0 in the caller's own tensor. Who else may still need it?"""
    src[torch.arange(src.shape[1]) >= src_lens[:, None]] = 0
    return greedy_decode(model, src, src_lens, bos, eos, max_steps)


def _bleu(pred, label, k, *, brevity=None, precision=None, power=None):
    """BLEU in parts, each of which somebody gets wrong."""
    pred, label = pred.split(), label.split()
    if not pred:
        return 0.0
    score = brevity(len(pred), len(label)) if brevity else math.exp(min(0, 1 - len(label) / len(pred)))
    for n in range(1, min(k, len(label)) + 1):
        found, known = (Counter(zip(*(words[i:] for i in range(n)), strict=False)) for words in (pred, label))
        share = precision(found, known) if precision else (found & known).total() / max(1, found.total())
        score *= share ** (power(n, k) if power else 0.5**n)
    return score


@misconception(of="bleu")
def short_is_no_fault(pred, label, k):
    """You have no penalty for brevity. What is one right word worth, when ten were asked for?"""
    return _bleu(pred, label, k, brevity=lambda _pred, _label: 1.0)


@misconception(of="bleu")
def long_is_punished(pred, label, k):
    """You exchanged the lengths in the penalty. Which sentences leave something out: short or long ones?"""
    return _bleu(pred, label, k, brevity=lambda pred, label: math.exp(min(0, 1 - pred / label)))


@misconception(of="bleu")
def long_is_rewarded(pred, label, k):
    """Your factor for the length can be more than 1. What is the best value that a prediction may get?"""
    return _bleu(pred, label, k, brevity=lambda pred, label: math.exp(1 - label / pred))


@misconception(of="bleu")
def penalty_is_the_ratio(pred, label, k):
    """Your penalty is the ratio of the lengths. What is to be done with it?"""
    return _bleu(pred, label, k, brevity=lambda pred, label: min(1.0, pred / label))


@misconception(of="bleu")
def penalty_for_equal_lengths(pred, label, k):
    """Your penalty is less than 1 even for a prediction as long as its label. What has it left out?"""
    return _bleu(pred, label, k, brevity=lambda pred, label: math.exp(-label / pred))


@misconception(of="bleu")
def one_added_to_every_count(pred, label, k):
    """You add 1 to all counts, so that nothing is ever worth 0. What is a sentence worth in which no word is right?"""
    share = lambda found, known: ((found & known).total() + 1) / (found.total() + 1)  # noqa: E731
    return _bleu(pred, label, k, precision=share)


@misconception(of="bleu")
def matched_again_and_again(pred, label, k):
    """You match one word of the label as often as the prediction repeats it. What is "a a a a" worth then?"""

    def share(found, known):
        return sum(count for run, count in found.items() if run in known) / max(1, found.total())

    return _bleu(pred, label, k, precision=share)


@misconception(of="bleu")
def every_run_counted_once(pred, label, k):
    """You compare sets, in which repetition is lost. How often does the label have the word?"""
    return _bleu(pred, label, k, precision=lambda found, known: len(found & known) / max(1, len(found)))


@misconception(of="bleu")
def recall(pred, label, k):
    """You divide by what the label has. Whose runs are judged?"""
    return _bleu(pred, label, k, precision=lambda found, known: (found & known).total() / max(1, known.total()))


@misconception(of="bleu")
def all_lengths_weigh_the_same(pred, label, k):
    """Your exponents are all 1/k. Which runs are harder to get right, short or long ones?"""
    return _bleu(pred, label, k, power=lambda _n, k: 1 / k)


@misconception(of="bleu")
def no_exponents(pred, label, k):
    """You multiply the shares as they are. By how much should a long run count?"""
    return _bleu(pred, label, k, power=lambda _n, _k: 1.0)


@misconception(of="bleu")
def exponents_counted_from_zero(pred, label, k):
    """Your first exponent is 1. What is 1/2 to the power n, when n is 1?"""
    return _bleu(pred, label, k, power=lambda n, _k: 0.5 ** (n - 1))


@misconception(of="bleu")
def longest_run_left_out(pred, label, k):
    """You stop before runs of k words. Which lengths does the product run over?"""
    return bleu(pred, label, k - 1)


@misconception(of="bleu")
def letters_for_words(pred, label, k):
    """You compare letters. What stands between the blanks?"""
    return bleu(" ".join(pred.replace(" ", "_")), " ".join(label.replace(" ", "_")), k)


@misconception(of="bleu", group="robust")
def runs_longer_than_the_label(pred, label, k):
    """You look for runs that are longer than the label. How many of them can be matched?"""
    if len(label.split()) < k:
        return 0.0
    return bleu(pred, label, k)


@misconception(of="bleu", group="robust")
def divided_by_no_runs(pred, label, k):
    """You divide by the number of the prediction's runs. What if it is too short to have any?"""
    words = pred.split(" ")
    return bleu(pred, label, k) / int(len(words) >= k)


@misconception(of="bleu", group="robust")
def nothing_said_is_one_word(pred, label, k):
    """You take an empty prediction for one empty word, or fail on it. How many words are there in nothing?"""
    return bleu(pred, label, k) if pred else math.exp(1 - len(label.split()))
