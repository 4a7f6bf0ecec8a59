"""Ways to point wrongly, and to count wrongly."""

import math

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from bahdanau.dot_product_decoder import THRESHOLD, DotProductDecoder, efficiency_report, steps_to_reach
from given.cost_counter import count_cost
from scoring.dot_product_attention import DotProductAttention
from scoring.masked_softmax import masked_softmax
from torch import nn

from headcheck.properties import misconception


class _Parts(DotProductDecoder):
    """The right decoder in parts, each of which somebody gets wrong."""

    def forward(self, X, state):
        enc_outputs, hidden, lengths = state
        self.first = hidden
        outputs, found = [], []
        for x in self.embed(X):
            context = self.look(self.query(hidden, x), enc_outputs, lengths)
            output, hidden = self.step(self.join(context, x), hidden)
            outputs.append(output)
            found.append(self.attention.attention_weights)
        self._attention_weights = found
        return self.dense(torch.cat(outputs, dim=1)), self.next_state(enc_outputs, hidden, lengths)

    def embed(self, X):
        return self.embedding(X).split(1, dim=1)

    def query(self, hidden, x):
        return hidden[-1][:, None]

    def look(self, query, enc_outputs, lengths):
        return self.attention(query, enc_outputs, enc_outputs, lengths)

    def join(self, context, x):
        return torch.cat((context, x), dim=-1)

    def step(self, inputs, hidden):
        return self.rnn(inputs, hidden)

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, hidden, lengths]


class _OwnScores(_Parts):
    """The right decoder, but for what a position scores."""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = _Scored(self.scores, dropout)

    def scores(self, query, keys):
        return query @ keys.mT / math.sqrt(keys.shape[-1])


class _Scored(DotProductAttention):
    """The right attention, but for its scores."""

    def __init__(self, scores, dropout):
        super().__init__(dropout)
        self.scores = scores

    def forward(self, queries, keys, values, valid_lens=None):
        self.attention_weights = masked_softmax(self.scores(queries, keys), valid_lens)
        return self.dropout(self.attention_weights) @ values


def _wrong(*, group="core", trains=False):
    """Mark a wrong decoder."""
    return misconception(of="DotProductDecoder", group=group, trains=trains)


@_wrong()
class additive_left_in(Seq2SeqAttentionDecoder):
    """Your attention is still the additive one. Which line of the constructor makes it?"""


@_wrong()
class additive_kept_beside(_Parts):
    """The additive attention is out of use, yet its parameters are still in your decoder. Who would train them?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.old = Seq2SeqAttentionDecoder(vocab_size, embed_size, num_hiddens, num_layers).attention


@_wrong()
class query_projected(_Parts):
    """You gave the query a linear map. It may be of use; but is it still a plain dot product?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.W_q = nn.Linear(num_hiddens, num_hiddens, bias=False)

    def query(self, hidden, x):
        return self.W_q(hidden[-1][:, None])


@_wrong()
class unscaled(_OwnScores):
    """Your scores are not divided by anything. How large is a sum of h products, as h grows?"""

    def scores(self, query, keys):
        return query @ keys.mT


@_wrong()
class divided_by_the_size(_OwnScores):
    """You divided the scores by h. Of a sum of h random products, what grows like h: itself, or its square?"""

    def scores(self, query, keys):
        return query @ keys.mT / keys.shape[-1]


@_wrong()
class divided_by_the_positions(_OwnScores):
    """You divided by the root of the number of source positions. How many products does a score add up?"""

    def scores(self, query, keys):
        return query @ keys.mT / math.sqrt(keys.shape[1])


@_wrong()
class cosine_scores(_OwnScores):
    """You divided query and keys by their lengths. Between which two numbers are your scores now?"""

    def scores(self, query, keys):
        return nn.functional.normalize(query, dim=-1) @ nn.functional.normalize(keys, dim=-1).mT


@_wrong()
class bent_scores(_OwnScores):
    """There is still a tanh around your scores. In which attention did it have a place?"""

    def scores(self, query, keys):
        return super().scores(query, keys).tanh()


@_wrong()
class bottom_layer_asks(_Parts):
    """Your query is the state of the lowest layer. Which layer knows best what the next word is to be?"""

    def query(self, hidden, x):
        return hidden[0][:, None]


@_wrong()
class first_state_asks_every_time(_Parts):
    """Your query is the encoder's state at every step, so all words look at the same place. What has changed since?"""

    def query(self, hidden, x):
        return self.first[-1][:, None]


@_wrong()
class new_state_asks(_Parts):
    """You let the GRU step first, and ask with the state after it. Can a context be an input of the step it follows?"""

    def query(self, hidden, x):
        nothing = x.new_zeros(len(x), 1, self.dense.in_features)
        return self.rnn(self.join(nothing, x), hidden)[0]


@_wrong()
class context_dropped(_Parts):
    """You compute the context and then do not use it. How is the GRU to hear of it?"""

    def join(self, context, x):
        return torch.cat((torch.zeros_like(context), x), dim=-1)


@_wrong()
class word_before_context(_Parts):
    """You put the word first and the context second. It would learn as well; but what order was agreed on?"""

    def join(self, context, x):
        return torch.cat((x, context), dim=-1)


@_wrong()
class source_scaled_too(_Parts):
    """You divided the source itself by the root of its size, so the context shrinks as well. What was to be scaled?"""

    def look(self, query, enc_outputs, lengths):
        size = enc_outputs.shape[-1]
        return self.attention(query * math.sqrt(size), *[enc_outputs / math.sqrt(size)] * 2, lengths)


@_wrong()
class last_word_alone_scored(_Parts):
    """You return scores for the last word only. How many words did the call get?"""

    def forward(self, X, state):
        logits, state = super().forward(X, state)
        return logits[:, -1], state


@_wrong()
class stale_state_returned(_Parts):
    """You return the hidden state that you were given. Where does the next call begin?"""

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, self.first, lengths]


@_wrong()
class lengths_ignored(_Parts):
    """You never use the lengths, so the decoder looks at padding. Who can tell a word from what comes after the end?"""

    def look(self, query, enc_outputs, lengths):
        return super().look(query, enc_outputs, None)


@_wrong()
class source_cut_from_the_graph(_Parts):
    """No gradient gets from the attention to the encoder. Who taught the encoder's outputs to be worth reading?"""

    def look(self, query, enc_outputs, lengths):
        return super().look(query, enc_outputs.detach(), lengths)


@_wrong()
class question_cut_from_the_graph(_Parts):
    """No gradient gets through your scores. How is the decoder to learn what to ask?"""

    def look(self, query, enc_outputs, lengths):
        with torch.no_grad():
            super().look(query, enc_outputs, lengths)
        return self.attention.dropout(self.attention.attention_weights) @ enc_outputs


@_wrong(trains=True)
class encoder_left_out_of_training(_Parts):
    """In training no gradient gets from your decoder to the encoder. Who is to make its outputs worth reading?"""

    def forward(self, X, state):
        fixed = [state[0].detach(), state[1].detach(), state[2]]
        return super().forward(X, fixed if self.training else state)


@_wrong()
class no_dropout_in_the_attention(_Parts):
    """Your attention drops nothing. Which argument did you leave at 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = DotProductAttention(0.0)


@_wrong()
class dropout_in_evaluation(_Parts):
    """You drop weights in evaluation mode as well. Who told your dropout that the training is over?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        return nn.functional.dropout(self.attention.attention_weights, self.attention.dropout.p) @ enc_outputs


@_wrong(group="robust")
class source_wiped_at_the_padding(_Parts):
    """You set padding to 0 in the caller's own tensor. Who else may still need it?"""

    def look(self, query, enc_outputs, lengths):
        if lengths is not None:
            with torch.no_grad():
                past = torch.arange(enc_outputs.shape[1]) >= lengths[:, None]
                enc_outputs.data[past] = 0
        return super().look(query, enc_outputs, lengths)


@_wrong(group="robust")
class empty_source_read_anyway(_Parts):
    """An empty source gets even weights from you, and its padding is read. What is there to look at?"""

    def look(self, query, enc_outputs, lengths):
        if lengths is None or (lengths > 0).all():
            return super().look(query, enc_outputs, lengths)
        count = enc_outputs.shape[1]
        context = super().look(query, enc_outputs, torch.where(lengths == 0, count, lengths))
        empty = (lengths == 0)[:, None, None]
        self.attention.attention_weights = torch.where(empty, 1 / count, self.attention.attention_weights)
        return torch.where(empty, enc_outputs.mean(1, keepdim=True), context)


def _first(low):
    """The first step at which something holds."""
    return next((t for t, holds in enumerate(low) if holds), None)


@misconception(of="steps_to_reach")
def single_losses_count(curve, threshold):
    """One low loss is enough for you. How much do single losses jump?"""
    return _first(curve <= threshold)


@misconception(of="steps_to_reach")
def counts_from_one(curve, threshold):
    """You count the first step as 1. Which index does its loss have?"""
    step = steps_to_reach(curve, threshold)
    return None if step is None else step + 1


@misconception(of="steps_to_reach")
def start_of_the_ten(curve, threshold):
    """You return the step with which the ten losses begin. When is it known that they are low?"""
    step = steps_to_reach(curve, threshold)
    return None if step is None else step - 9


@misconception(of="steps_to_reach")
def fewer_than_ten_will_do(curve, threshold):
    """At the beginning you take the mean of fewer than ten. What does a single lucky step prove?"""
    return _first(curve[max(0, t - 9) : t + 1].mean() <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def mean_of_all_so_far(curve, threshold):
    """You take the mean of all losses so far. How long does the bad beginning stay in it?"""
    return _first(t >= 9 and curve[: t + 1].mean() <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def blocks_of_ten(curve, threshold):
    """You look only at the ends of whole blocks of ten. What about the ten losses that end at step 13?"""
    return _first(t % 10 == 9 and curve[t - 9 : t + 1].mean() <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def nine_losses(curve, threshold):
    """Your mean is one of nine losses. Which indices does a slice leave out?"""
    return _first(t >= 9 and curve[t - 9 : t].mean() <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def all_ten_must_be_low(curve, threshold):
    """You ask that each of the ten losses is low. What was the mean for?"""
    return _first(t >= 9 and bool((curve[t - 9 : t + 1] <= threshold).all()) for t in range(len(curve)))


@misconception(of="steps_to_reach")
def median_of_ten(curve, threshold):
    """You take the median. Does it hear of the one loss that jumps up?"""
    return _first(t >= 9 and curve[t - 9 : t + 1].median() <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def strictly_below(curve, threshold):
    """You want the mean to be less than the threshold. What if it is equal?"""
    return _first(t >= 9 and curve[t - 9 : t + 1].mean() < threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def low_for_good(curve, threshold):
    """You return the step from which on it stays low. Which one is asked for?"""
    above = [t for t in range(9, len(curve)) if not curve[t - 9 : t + 1].mean() <= threshold]
    step = max(above, default=8) + 1
    return step if step < len(curve) else None


@misconception(of="steps_to_reach")
def last_step_for_never(curve, threshold):
    """Who never arrives gets the number of steps from you, as if it had. How can one tell the two apart?"""
    step = steps_to_reach(curve, threshold)
    return len(curve) if step is None else step


@misconception(of="steps_to_reach")
def minus_one_for_never(curve, threshold):
    """Who never arrives gets -1, and is sooner than everybody. What did the exercise ask for?"""
    step = steps_to_reach(curve, threshold)
    return -1 if step is None else step


@misconception(of="steps_to_reach")
def nan_poisons_the_sum(curve, threshold):
    """Your running sum has met a NaN, and never recovers. Which ten losses does a mean depend on?"""
    sums = nn.functional.pad(curve.double().cumsum(0), (1, 0))
    return _first(t >= 9 and (sums[t + 1] - sums[t - 9]) / 10 <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def nan_left_out(curve, threshold):
    """You leave a NaN out of the mean. Was a step whose loss is no number a good one?"""
    return _first(t >= 9 and curve[t - 9 : t + 1].nanmean() <= threshold for t in range(len(curve)))


@misconception(of="steps_to_reach")
def returns_a_tensor(curve, threshold):
    """You return a tensor. Which method makes a Python number of it?"""
    step = steps_to_reach(curve, threshold)
    return None if step is None else torch.tensor(step)


@misconception(of="attention_cost")
def whole_decoder_counted(decoder, queries, keys):
    """You count the parameters of the whole decoder. Which of them belong to its attention?"""
    params = sum(parameter.numel() for parameter in decoder.parameters())
    return params, count_cost(decoder.attention, queries, keys, keys, None).largest


@misconception(of="attention_cost")
def tensors_for_numbers(decoder, queries, keys):
    """You count the parameter tensors. How many numbers are in each?"""
    params = len(list(decoder.attention.parameters()))
    return params, count_cost(decoder.attention, queries, keys, keys, None).largest


@misconception(of="attention_cost")
def products_for_memory(decoder, queries, keys):
    """You return the number of products. Which field of the cost is about memory?"""
    params = sum(parameter.numel() for parameter in decoder.attention.parameters())
    return params, count_cost(decoder.attention, queries, keys, keys, None).flops


@misconception(of="attention_cost")
def weights_for_the_largest(decoder, queries, keys):
    """You took the attention weights for the largest tensor. What does additive attention make before them?"""
    params = sum(parameter.numel() for parameter in decoder.attention.parameters())
    return params, queries.shape[0] * queries.shape[1] * keys.shape[1]


@misconception(of="attention_cost")
def bytes_counted(decoder, queries, keys):
    """You count bytes. How many numbers are in the tensor?"""
    params = sum(parameter.numel() for parameter in decoder.attention.parameters())
    return params, 4 * count_cost(decoder.attention, queries, keys, keys, None).largest


@misconception(of="attention_cost")
def cost_the_other_way_round(decoder, queries, keys):
    """You return the largest tensor first. In which order does the exercise name the two?"""
    params = sum(parameter.numel() for parameter in decoder.attention.parameters())
    return count_cost(decoder.attention, queries, keys, keys, None).largest, params


def _report(**changes):
    """The right report with some entries replaced."""

    def changed(curves, params, largest):
        return efficiency_report(curves, params, largest) | {
            key: change(curves, params, largest) for key, change in changes.items()
        }

    return changed


@misconception(of="efficiency_report")
def ratio_inverted(curves, params, largest):
    """Your ratio is upside down. If additive attention's tensor is 96 times as large, is it 96 or 0.0104?"""
    return _report(ratio=lambda _c, _p, large: large["dot"] / large["additive"])(curves, params, largest)


@misconception(of="efficiency_report")
def ratio_of_whole_numbers(curves, params, largest):
    """You divide as whole numbers. What becomes of 1.25?"""
    return _report(ratio=lambda _c, _p, large: large["additive"] // large["dot"])(curves, params, largest)


@misconception(of="efficiency_report")
def parameters_decide_who_is_cheaper(curves, params, largest):
    """You compare parameters to say who is cheaper. By which number does the exercise want it?"""
    return _report(cheaper=lambda _c, count, _l: min(count, key=count.get))(curves, params, largest)


@misconception(of="efficiency_report")
def dearer_named(curves, params, largest):
    """You name the one with the larger tensor. Is that the cheaper one?"""
    return _report(cheaper=lambda _c, _p, large: max(large, key=large.get))(curves, params, largest)


@misconception(of="efficiency_report")
def expectation_reported(curves, params, largest):
    """Your report says what everybody expects, whatever was measured. What if it turns out the other way?"""
    return _report(cheaper=lambda *_: "dot", sooner=lambda *_: "additive")(curves, params, largest)


@misconception(of="efficiency_report")
def last_loss_decides(curves, params, largest):
    """You name the one with the lower last loss. Does that say who was there first?"""
    return _report(sooner=lambda curve, _p, _l: min(curve, key=lambda name: float(curve[name][-1])))(
        curves, params, largest
    )


@misconception(of="efficiency_report")
def never_comes_first(curves, params, largest):
    """Who never arrives counts as 0 steps, and wins. Where would you put it?"""
    steps = {name: steps_to_reach(curve, THRESHOLD) or 0 for name, curve in curves.items()}
    return _report(sooner=lambda *_: min(steps, key=steps.get))(curves, params, largest)


@misconception(of="efficiency_report")
def ties_go_to_the_first(curves, params, largest):
    """When both are equal, you still name one. Which of them is ahead?"""
    steps = {name: steps_to_reach(curve, THRESHOLD) for name, curve in curves.items()}
    late = {name: 10**9 if count is None else count for name, count in steps.items()}
    return _report(sooner=lambda *_: min(late, key=late.get), cheaper=lambda *_: min(largest, key=largest.get))(
        curves, params, largest
    )


@misconception(of="efficiency_report")
def one_must_arrive(curves, params, largest):
    """You compare only when both arrive. Is nobody sooner when the other never comes?"""
    steps = [steps_to_reach(curve, THRESHOLD) for curve in curves.values()]
    report = efficiency_report(curves, params, largest)
    return report | {"sooner": None} if None in steps else report


@misconception(of="efficiency_report")
def another_threshold(curves, params, largest):
    """Your threshold is not the one of the exercise. Where does it stand?"""
    return _report(steps=lambda curve, _p, _l: {name: steps_to_reach(c, 0.1) for name, c in curve.items()})(
        curves, params, largest
    )


@misconception(of="efficiency_report")
def parameters_and_tensors_swapped(curves, params, largest):
    """Your report has parameters where the largest tensors belong. In which order do the arguments come?"""
    return _report(params=lambda _c, _p, large: large, largest=lambda _c, count, _l: count)(curves, params, largest)


@misconception(of="efficiency_report", group="robust")
def curves_smoothed_in_place(curves, params, largest):
    """You wrote into the curves that you were given. Who wants to plot them afterwards?"""
    report = efficiency_report(curves, params, largest)
    for curve in curves.values():
        curve[9:] = curve.unfold(0, 10, 1).mean(-1)
    return report
