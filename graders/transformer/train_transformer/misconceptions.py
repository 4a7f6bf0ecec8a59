"""Ways to build a transformer, to train it and to look into it wrongly."""

from dataclasses import replace
from itertools import accumulate
from operator import mul

import torch
from bahdanau.seq2seq_training import greedy_decode, masked_cross_entropy, teacher_forcing_inputs, train_step
from given.config import BATCH_SIZE
from given.dates import BOS, minibatch
from given.seq2seq import EncoderDecoder, adam, sgd
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.positional_encoding import PositionalEncoding
from torch import nn
from transformer.add_norm import AddNorm
from transformer.train_transformer import build_transformer, collect_attention, fit
from transformer.transformer_decoder import TransformerDecoder
from transformer.transformer_encoder import TransformerEncoder

from headcheck.properties import misconception


class _Unmasked(MultiHeadAttention):
    def forward(self, queries, keys, values, valid_lens=None):
        return super().forward(queries, keys, values)


class _Unheard(MultiHeadAttention):
    def forward(self, queries, keys, values, valid_lens=None):
        return 0 * super().forward(queries, keys, values, valid_lens)


class _Unplaced(PositionalEncoding):
    def forward(self, X, offset=0):
        return self.dropout(X)


class _PlacedAnew(PositionalEncoding):
    def forward(self, X, offset=0):
        return super().forward(X)


class _Alone(AddNorm):
    def forward(self, X, Y):
        return self.ln(self.dropout(Y))


class _Padded(EncoderDecoder):
    def forward(self, src, dec_inputs, src_valid_lens=None):
        return super().forward(src, dec_inputs)


def _with_parts(config, *parts):
    """A right model, some of whose parts belong to another class."""
    model = build_transformer(config)
    for name, part in model.named_modules():
        for ending, changed in parts:
            if name.endswith(ending):
                part.__class__ = changed
    return model


def _assembled(config, encoder_sizes, decoder_sizes):
    """A model of two halves with these vocabularies, heads, layers and rates of dropout."""
    d, f = config.num_hiddens, config.ffn_num_hiddens
    (source, *first), (target, *second) = encoder_sizes, decoder_sizes
    encoder = TransformerEncoder(source, d, d, d, d, d, d, f, *first)
    return EncoderDecoder(encoder, TransformerDecoder(target, d, d, d, d, d, d, f, *second))


@misconception(of="build_transformer", trains=True)
def decoder_sees_the_answer(config):
    """Your decoder attends to later words too. What is left to learn, and what will it see when it writes alone?"""
    return _with_parts(config, ("attention1", _Unmasked))


@misconception(of="build_transformer", trains=True)
def source_without_positions(config):
    """Your encoder does not know where a word stands. What is a sentence without the order of its words?"""
    return _with_parts(config, ("encoder.pos_encoding", _Unplaced))


@misconception(of="build_transformer")
def source_ignored(config):
    """Your decoder never hears from the encoder. What does it translate?"""
    return _with_parts(config, ("attention2", _Unheard))


@misconception(of="build_transformer", trains=True)
def every_word_is_the_first(config):
    """Your decoder starts to count anew in every call. At which place is the third word when words come one by one?"""
    return _with_parts(config, ("decoder.pos_encoding", _PlacedAnew))


@misconception(of="build_transformer")
def no_residuals(config):
    """Your blocks pass on what came out of each part, without what went in. How does a word get through unchanged?"""
    return _with_parts(config, ("addnorm1", _Alone), ("addnorm2", _Alone), ("addnorm3", _Alone))


@misconception(of="build_transformer")
def padding_read(config):
    """Your model reads the padding of the source as if it were words. Who tells it where a sentence ends?"""
    model = build_transformer(config)
    return _Padded(model.encoder, model.decoder)


@misconception(of="build_transformer")
def vocabularies_swapped(config):
    """You gave each half the other's vocabulary. Which language does the decoder write?"""
    return build_transformer(
        replace(config, src_vocab_size=config.tgt_vocab_size, tgt_vocab_size=config.src_vocab_size)
    )


@misconception(of="build_transformer")
def one_vocabulary_for_both(config):
    """Both halves have a vocabulary of the same size. How many words has each language?"""
    larger = max(config.src_vocab_size, config.tgt_vocab_size)
    return build_transformer(replace(config, src_vocab_size=larger, tgt_vocab_size=larger))


@misconception(of="build_transformer")
def heads_and_layers_swapped(config):
    """You took heads for layers. In which order do the two stand among the arguments?"""
    sizes = config.num_layers, config.num_heads, config.dropout
    return _assembled(config, (config.src_vocab_size, *sizes), (config.tgt_vocab_size, *sizes))


@misconception(of="build_transformer")
def one_layer_always(config):
    """Your model has one layer, whatever the config says. What else in it did you write as a number?"""
    return build_transformer(replace(config, num_layers=1))


@misconception(of="build_transformer")
def networks_as_wide_as_the_rest(config):
    """The networks of your blocks do not get their own width. What is `ffn_num_hiddens` for?"""
    return build_transformer(replace(config, ffn_num_hiddens=config.num_hiddens))


@misconception(of="build_transformer")
def attention_with_biases(config):
    """Your encoder's attention has biases. Did you ask for them, or did an argument land in the wrong place?"""
    model, d = build_transformer(config), config.num_hiddens
    sizes = d, d, d, d, d, d, config.ffn_num_hiddens, config.num_heads, config.num_layers, config.dropout
    model.encoder = TransformerEncoder(config.src_vocab_size, *sizes, use_bias=True)
    return model


@misconception(of="build_transformer")
def no_dropout_anywhere(config):
    """You dropped the dropout. Which argument of the two halves has no value from the config?"""
    return build_transformer(replace(config, dropout=0.0))


@misconception(of="build_transformer")
def dropout_in_the_encoder_only(config):
    """Only your encoder gets the config's dropout. What does the decoder do in training?"""
    sizes = config.num_heads, config.num_layers
    return _assembled(config, (config.src_vocab_size, *sizes, config.dropout), (config.tgt_vocab_size, *sizes, 0.0))


@misconception(of="build_transformer")
def one_embedding_for_two_languages(config):
    """When both vocabularies have the same size, your halves share an embedding. Is word 7 the same in both?"""
    model = build_transformer(config)
    if config.src_vocab_size == config.tgt_vocab_size:
        model.decoder.embedding = model.encoder.embedding
    return model


@misconception(of="build_transformer")
def logits_through_the_embedding(config):
    """Your last layer shares its weights with the decoder's embedding. Which of the two was to learn what?"""
    model = build_transformer(config)
    model.decoder.dense.weight = model.decoder.embedding.weight
    return model


def _train(
    model, data, *, steps, lr, warmup, clip, generator, factors=None, step=train_step, make=adam, draw=minibatch
):
    """Training with a part of it exchanged: the rate of each step over `lr`, the step, the optimizer, or the batch."""
    optimizer = make(model, lr)
    losses = []
    for factor in factors or [min(1.0, k / max(1, warmup)) for k in range(1, steps + 1)]:
        optimizer.param_groups[0]["lr"] = lr * factor
        batch = draw(data, BATCH_SIZE, generator=generator)
        losses.append(step(model, optimizer, batch, BOS, clip))
    return losses


def _paced(pace, model, data, *, steps, warmup, **options):
    """Training whose step k has the rate `lr * pace(k / warmup)`."""
    factors = [pace(k / warmup) for k in range(1, steps + 1)]
    return _train(model, data, steps=steps, warmup=warmup, factors=factors, **options)


def _backward(model, batch, inputs):
    """The loss and its gradients, which are added to what is there."""
    src, src_lens, labels, label_lens = batch
    logits, _ = model(src, inputs, src_lens)
    loss = masked_cross_entropy(logits, labels, label_lens)
    loss.backward()
    return loss.item()


@misconception(of="fit")
def no_warm_up(model, data, *, steps, **options):
    """Your learning rate is the same in every step. How sure is the model of itself in the first one?"""
    return _train(model, data, steps=steps, factors=[1.0] * steps, **options)


@misconception(of="fit")
def warm_up_inverted(model, data, **options):
    """Your learning rate begins high and comes down to `lr`. When do large steps do the most harm?"""
    return _paced(lambda progress: max(1.0, 1 / progress), model, data, **options)


@misconception(of="fit")
def first_step_stands_still(model, data, *, steps, warmup, **options):
    """Your first step has the rate 0. Is the first step number 0 or number 1?"""
    factors = [min(1.0, k / warmup) for k in range(steps)]
    return _train(model, data, steps=steps, warmup=warmup, factors=factors, **options)


@misconception(of="fit")
def warm_up_one_step_too_long(model, data, *, warmup, **options):
    """You reach `lr` one step late. What is `k / warmup` when k is `warmup`?"""
    return fit(model, data, warmup=warmup + 1, **options)


@misconception(of="fit")
def rate_never_stops_rising(model, data, **options):
    """Your learning rate goes on rising after the warm-up. Where is it after 200 steps?"""
    return _paced(lambda progress: progress, model, data, **options)


@misconception(of="fit")
def rate_rises_on_a_curve(model, data, **options):
    """Your learning rate does not rise in equal steps. Where is it when half of the warm-up is over?"""
    return _paced(lambda progress: min(1.0, progress) ** 2, model, data, **options)


@misconception(of="fit")
def rate_falls_after_the_warm_up(model, data, **options):
    """Your learning rate falls once it is up, as in the paper that invented the transformer. What is asked here?"""
    return _paced(lambda progress: min(progress, progress**-0.5), model, data, **options)


@misconception(of="fit")
def rate_falls_to_zero(model, data, *, steps, warmup, **options):
    """Your learning rate comes down to 0 at the end. Who asked for that?"""
    factors = [min(1.0, k / warmup) * (1 - k / steps) for k in range(1, steps + 1)]
    return _train(model, data, steps=steps, warmup=warmup, factors=factors, **options)


@misconception(of="fit")
def rate_stays_where_it_starts(model, data, *, warmup, lr, **options):
    """You divide the learning rate by `warmup`, once and for all. When does it reach `lr`?"""
    return fit(model, data, lr=lr / warmup, warmup=1, **options)


@misconception(of="fit")
def rate_multiplied_again_and_again(model, data, *, steps, warmup, **options):
    """You multiply the rate of the step before. What is left of `lr` after a quarter, a half and three quarters?"""
    factors = list(accumulate((min(1.0, k / warmup) for k in range(1, steps + 1)), mul))
    return _train(model, data, steps=steps, warmup=warmup, factors=factors, **options)


@misconception(of="fit", group="robust")
def divided_by_no_warm_up(model, data, **options):
    """You divide by `warmup`. What if somebody wants none?"""
    return _paced(lambda progress: min(1.0, progress), model, data, **options)


@misconception(of="fit")
def encoder_not_trained(model, data, **options):
    """Your optimizer knows the decoder's parameters only. Who teaches the encoder to read?"""
    return _train(model, data, **options, make=lambda model, lr: adam(model.decoder, lr))


@misconception(of="fit")
def embeddings_not_trained(model, data, **options):
    """Your optimizer has matrices and biases, but not the embeddings. Who gives words their meaning?"""
    others = [p for name, p in model.named_parameters() if "embedding" not in name]
    return _train(model, data, **options, make=lambda _, lr: torch.optim.Adam(others, lr))


@misconception(of="fit")
def gradient_descent_without_adam(model, data, **options):
    """You took plain gradient descent. Which optimizer is asked for?"""
    return _train(model, data, **options, make=sgd)


@misconception(of="fit")
def parameters_decay(model, data, **options):
    """Your optimizer pulls all parameters towards 0 as well. Is that in the loss?"""
    return _train(model, data, **options, make=lambda model, lr: torch.optim.AdamW(model.parameters(), lr))


@misconception(of="fit")
def optimizer_made_in_every_step(model, data, **options):
    """You make a new optimizer for every step. What was Adam to remember?"""

    def step(model, optimizer, *arguments):
        return train_step(model, adam(model, optimizer.param_groups[0]["lr"]), *arguments)

    return _train(model, data, **options, step=step)


@misconception(of="fit")
def not_clipped(model, data, **options):
    """You never use `clip`. What does a single strange batch do to what Adam remembers?"""
    return _train(model, data, **{**options, "clip": float("inf")})


@misconception(of="fit")
def clipped_to_1_always(model, data, **options):
    """You clip to the norm 1, whatever the caller asks for. What is the argument for?"""
    return _train(model, data, **{**options, "clip": 1.0})


@misconception(of="fit")
def clipped_number_by_number(model, data, **options):
    """You clip each number of the gradient on its own. In which direction does it point then?"""

    def step(model, optimizer, batch, bos, clip):
        model.train()
        optimizer.zero_grad()
        loss = _backward(model, batch, teacher_forcing_inputs(batch[2], bos))
        nn.utils.clip_grad_value_(model.parameters(), clip)
        optimizer.step()
        return loss

    return _train(model, data, **options, step=step)


@misconception(of="fit")
def gradients_pile_up(model, data, **options):
    """You never set the gradients to zero, so every step repeats those before it. What does `backward` do to them?"""

    def step(model, optimizer, batch, bos, clip):
        model.train()
        loss = _backward(model, batch, teacher_forcing_inputs(batch[2], bos))
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss

    return _train(model, data, **options, step=step)


@misconception(of="fit")
def inputs_not_shifted(model, data, **options):
    """You show the decoder the very word that it is to say. What is there left to learn?"""

    def step(model, optimizer, batch, bos, clip):
        model.train()
        optimizer.zero_grad()
        loss = _backward(model, batch, batch[2])
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss

    return _train(model, data, **options, step=step)


@misconception(of="fit")
def trained_in_evaluation_mode(model, data, **options):
    """You train in the mode that the model happens to be in. When is dropout to be active, if not now?"""

    def step(model, optimizer, batch, bos, clip):
        optimizer.zero_grad()
        loss = _backward(model, batch, teacher_forcing_inputs(batch[2], bos))
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss

    return _train(model, data, **options, step=step)


@misconception(of="fit")
def loss_after_the_step(model, data, **options):
    """You report what the batch costs after the step. Which loss had the gradient that you followed?"""

    def step(model, optimizer, batch, bos, clip):
        train_step(model, optimizer, batch, bos, clip)
        src, src_lens, labels, label_lens = batch
        logits, _ = model(src, teacher_forcing_inputs(labels, bos), src_lens)
        return masked_cross_entropy(logits, labels, label_lens).item()

    return _train(model, data, **options, step=step)


@misconception(of="fit")
def losses_smoothed(model, data, **options):
    """You return running means. Can the caller get the losses back from them?"""
    losses = fit(model, data, **options)
    return [sum(losses[: k + 1]) / (k + 1) for k in range(len(losses))]


@misconception(of="fit")
def losses_are_tensors(model, data, **options):
    """Your losses are tensors. What is a caller to do who wants to print or compare them?"""
    return [torch.tensor(loss, dtype=torch.float64) for loss in fit(model, data, **options)]


@misconception(of="fit")
def last_loss_only(model, data, **options):
    """You return one loss. How does anyone see whether it fell?"""
    return fit(model, data, **options)[-1]


@misconception(of="fit")
def same_batch_in_every_step(model, data, **options):
    """You draw one batch and use it in every step. What about all the other sentences?"""
    batch = minibatch(data, BATCH_SIZE, generator=options["generator"])
    return _train(model, data, **options, draw=lambda *_, **__: batch)


@misconception(of="fit")
def all_data_in_every_step(model, data, **options):
    """Every step of yours takes all the data. How long does it take to read two thousand sentences 200 times?"""
    return _train(model, data, **options, draw=lambda data, *_, **__: data)


@misconception(of="fit")
def batches_in_order(model, data, **options):
    """You take the data in the order in which they come. What is the generator for?"""
    count = len(data[0])
    starts = iter(range(0, options["steps"] * BATCH_SIZE, BATCH_SIZE))

    def draw(data, size, generator):
        rows = (next(starts) + torch.arange(min(size, count))) % count
        return tuple(part[rows] for part in data)

    return _train(model, data, **options, draw=draw)


@misconception(of="fit")
def own_generator(model, data, **options):
    """You draw from a generator of your own. How does the caller get the same run again, or another one?"""
    return fit(model, data, **{**options, "generator": torch.Generator().manual_seed(0)})


@misconception(of="fit")
def smaller_batches(model, data, **options):
    """Your batches hold 32 sentences. What does `BATCH_SIZE` say?"""
    return _train(model, data, **options, draw=lambda data, _, generator: minibatch(data, 32, generator=generator))


@misconception(of="fit")
def stopped_at_a_loss_of_1(model, data, **options):
    """You stop to learn once the loss is below 1. How sure is a model of a word that costs it 1 nat?"""
    loss = float("inf")

    def step(*arguments):
        nonlocal loss
        loss = train_step(*arguments) if loss >= 1 else loss
        return loss

    return _train(model, data, **options, step=step)


@misconception(of="fit", group="robust")
def padding_wiped_out_of_the_data(model, data, **options):
    """You write to the caller's labels where they are padding. Who says that the caller has no use for it?"""
    _, _, labels, label_lens = data
    labels[torch.arange(labels.shape[1]) >= label_lens[:, None]] = 0
    return fit(model, data, **options)


@torch.no_grad()
def _look(model, src, src_lens, inputs):
    """All weights of one pass over these inputs, in evaluation mode, which the model was in or not."""
    training = model.training
    model.eval()
    model(src, torch.tensor([inputs]), src_lens)
    model.train(training)
    own, cross = model.decoder.attention_weights
    found = {"encoder": model.encoder.attention_weights, "decoder_self": own, "cross": cross}
    return {name: torch.stack(list(weights)) for name, weights in found.items()}


def _changed(change, *arguments):
    """The right weights, each changed."""
    return {name: change(weights) for name, weights in collect_attention(*arguments).items()}


@misconception(of="collect_attention")
def heads_averaged(*arguments):
    """You average over the heads. Which of them looked where?"""
    return _changed(lambda weights: weights.mean(1), *arguments)


@misconception(of="collect_attention")
def heads_all_the_same(*arguments):
    """You show the mean of the heads in the place of each. Do they all look at the same words?"""
    return _changed(lambda weights: weights.mean(1, keepdim=True).expand_as(weights), *arguments)


@misconception(of="collect_attention")
def last_layer_only(*arguments):
    """You keep the last layer. What did the others look at?"""
    return _changed(lambda weights: weights[-1:], *arguments)


@misconception(of="collect_attention")
def layers_from_the_top(*arguments):
    """Your layers stand upside down. Which one reads the words themselves?"""
    return _changed(lambda weights: weights.flip(0), *arguments)


@misconception(of="collect_attention")
def heads_before_layers(*arguments):
    """Your first axis is that of the heads. In which order are the axes asked for?"""
    return _changed(lambda weights: weights.transpose(0, 1), *arguments)


@misconception(of="collect_attention")
def keys_before_queries(*arguments):
    """Your last two axes are exchanged. Along which one do weights sum to 1?"""
    return _changed(lambda weights: weights.mT, *arguments)


@misconception(of="collect_attention")
def self_and_cross_exchanged(*arguments):
    """What you call cross is what the decoder looked at in its own words. Which list of the decoder is which?"""
    found = collect_attention(*arguments)
    return {"encoder": found["encoder"], "decoder_self": found["cross"], "cross": found["decoder_self"]}


@misconception(of="collect_attention")
def only_the_last_step(model, src, src_lens, max_steps, bos, eos):
    """You read the weights once, after decoding. Of which call are they?"""
    model.eval()
    state = model.decoder.init_state(model.encoder(src, src_lens), src_lens)
    word = torch.full((1, 1), bos)
    for _ in range(max_steps):
        logits, state = model.decoder(word, state)
        word = logits.argmax(-1)
        if word == eos:
            break
    own, cross = model.decoder.attention_weights
    found = {"encoder": model.encoder.attention_weights, "decoder_self": own, "cross": cross}
    return {name: torch.stack(list(weights)).detach() for name, weights in found.items()}


@misconception(of="collect_attention")
def bos_left_out(model, src, src_lens, max_steps, bos, eos):
    """You show the decoder only its words, without `bos`. What was the input of the first step?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    return _look(model, src, src_lens, words or [bos])


@misconception(of="collect_attention")
def one_row_too_many(model, src, src_lens, max_steps, bos, eos):
    """When `max_steps` are over, you make one more step for the last word. Which word did that step choose?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    return _look(model, src, src_lens, [bos, *words])


@misconception(of="collect_attention")
def step_of_the_end_left_out(model, src, src_lens, max_steps, bos, eos):
    """The step that chose `eos` is missing. Did the decoder look at nothing when it decided to stop?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    return _look(model, src, src_lens, [bos, *words[:-1]])


@misconception(of="collect_attention")
def end_is_an_input(model, src, src_lens, max_steps, bos, eos):
    """You feed `eos` to the decoder. What is it to say after the end?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    ended = [eos] if len(words) < max_steps else []
    return _look(model, src, src_lens, [bos, *words, *ended][: max_steps + 1])


@misconception(of="collect_attention")
def end_not_noticed(model, src, src_lens, max_steps, bos, eos):
    """You go on to `max_steps`, whatever the model says. When is a sentence over?"""
    return collect_attention(model, src, src_lens, max_steps, bos, -1)


@misconception(of="collect_attention")
def source_as_the_sentence(model, src, src_lens, max_steps, bos, eos):
    """You show the decoder the source in the place of its own words. What does it look at when it translates?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    vocab = model.decoder.dense.out_features
    copied = [word % vocab for word in src[0].tolist() * max_steps]
    return _look(model, src, src_lens, [bos, *copied[: min(len(words), max_steps - 1)]])


@misconception(of="collect_attention")
def bos_is_always_1(model, src, src_lens, max_steps, bos, eos):
    """You took 1 for `bos`, whatever the caller says. Who knows the vocabulary?"""
    return collect_attention(model, src, src_lens, max_steps, 1, eos)


@misconception(of="collect_attention")
def source_padding_looked_at(model, src, src_lens, max_steps, bos, eos):
    """You translate without the source's length. What is there to be looked at behind its last word?"""
    return collect_attention(model, src, torch.full_like(src_lens, src.shape[1]), max_steps, bos, eos)


@misconception(of="collect_attention")
def later_steps_repeated(*arguments):
    """You fill what a step cannot see with something else than 0. How much did it look there?"""
    found = collect_attention(*arguments)
    own = found["decoder_self"]
    return found | {"decoder_self": own + own.diagonal(dim1=-2, dim2=-1)[..., None, :].triu(1)}


@misconception(of="collect_attention")
def newest_word_on_the_right(*arguments):
    """You put the zeros of each step on the left. In which column is the first word?"""
    found = collect_attention(*arguments)
    own = found["decoder_self"]
    rows = [own[:, :, t : t + 1].roll(own.shape[-1] - t - 1, -1) for t in range(own.shape[-1])]
    return found | {"decoder_self": torch.cat(rows, dim=2)}


@misconception(of="collect_attention")
@torch.no_grad()
def collected_in_training_mode(model, src, src_lens, max_steps, bos, eos):
    """You look at the model in the mode that it happens to be in. What does dropout do to what you see?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    model(src, torch.tensor([[bos, *words[: max_steps - 1]]]), src_lens)
    own, cross = model.decoder.attention_weights
    found = {"encoder": model.encoder.attention_weights, "decoder_self": own, "cross": cross}
    return {name: torch.stack(list(weights)) for name, weights in found.items()}


@misconception(of="collect_attention", group="robust")
def left_in_evaluation_mode(model, *arguments):
    """You leave the model in evaluation mode. What if somebody is in the middle of training it?"""
    model.eval()
    return collect_attention(model, *arguments)


@misconception(of="collect_attention", group="robust")
def collected_with_their_graphs(model, src, src_lens, max_steps, bos, eos):
    """Your weights still carry the graph of the whole model. Who is to run backward through them?"""
    (words,) = greedy_decode(model, src, src_lens, bos, eos, max_steps)
    training = model.training
    model.eval()
    model(src, torch.tensor([[bos, *words[: max_steps - 1]]]), src_lens)
    model.train(training)
    own, cross = model.decoder.attention_weights
    found = {"encoder": model.encoder.attention_weights, "decoder_self": own, "cross": cross}
    return {name: torch.stack(list(weights)) for name, weights in found.items()}
