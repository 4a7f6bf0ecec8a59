"""Ways to carry two states wrongly."""

import torch
from bahdanau.lstm_decoder import LSTMAttentionDecoder, LSTMEncoder
from scoring.additive_attention import AdditiveAttention
from torch import nn

from headcheck.properties import misconception


class _Parts(LSTMAttentionDecoder):
    """The right decoder in parts, each of which somebody gets wrong."""

    def forward(self, X, state):
        enc_outputs, self.first, lengths = state
        h, c = self.first
        outputs, found = [], []
        for x in self.embed(X):
            context = self.look(self.query(h, c, x), enc_outputs, lengths)
            output, (h, c) = self.step(self.join(context, x), h, c)
            outputs.append(output)
            found.append(self.attention.attention_weights)
        self._attention_weights = found
        return self.score(torch.cat(outputs, dim=1)), [enc_outputs, self.last(h, c), self.pass_on(lengths)]

    def embed(self, X):
        return self.embedding(X).split(1, dim=1)

    def query(self, h, c, x):
        return h[-1][:, None]

    def look(self, query, enc_outputs, lengths):
        return self.attention(query, enc_outputs, enc_outputs, lengths)

    def join(self, context, x):
        return torch.cat((context, x), dim=-1)

    def step(self, inputs, h, c):
        return self.rnn(inputs, (h, c))

    def score(self, outputs):
        return self.dense(outputs)

    def last(self, h, c):
        return h, c

    def pass_on(self, lengths):
        return lengths


def _wrong(*, group="core", trains=False):
    """Mark a wrong decoder."""
    return misconception(of="LSTMAttentionDecoder", group=group, trains=trains)


def _misread(*, group="core", trains=False):
    """Mark a wrong encoder."""
    return misconception(of="LSTMEncoder", group=group, trains=trains)


@_wrong()
class cell_state_asks(_Parts):
    """Your query is the cell state. Which of the two has the LSTM been trained to show to others?"""

    def query(self, h, c, x):
        return c[-1][:, None]


@_wrong()
class both_states_ask(_Parts):
    """You added h and c up to a query. Which of the two has the LSTM been trained to show to others?"""

    def query(self, h, c, x):
        return (h[-1] + c[-1])[:, None]


@_wrong()
class bottom_layer_asks(_Parts):
    """Your query is the state of the lowest layer. Which layer knows best what the next word is to be?"""

    def query(self, h, c, x):
        return h[0][:, None]


@_wrong()
class first_state_asks_every_time(_Parts):
    """Your query is the encoder's state at every step, so all words look at the same place. What has changed since?"""

    def query(self, h, c, x):
        return self.first[0][-1][:, None]


@_wrong()
class new_state_asks(_Parts):
    """You let the LSTM step first, and ask with the h after it. Can a context be an input of the step it follows?"""

    def query(self, h, c, x):
        nothing = x.new_zeros(len(x), 1, self.dense.in_features)
        return self.rnn(self.join(nothing, x), (h, c))[0]


@_wrong()
class cell_reset_at_every_step(_Parts):
    """Your c is zero at the beginning of every step. What is an LSTM without its memory?"""

    def step(self, inputs, h, c):
        return self.rnn(inputs, (h, torch.zeros_like(c)))


@_wrong()
class cell_not_carried(_Parts):
    """Every step of yours begins with the encoder's c. Where is the one that the step before has left?"""

    def step(self, inputs, h, c):
        return self.rnn(inputs, (h, self.first[1]))


@_wrong()
class hidden_not_carried(_Parts):
    """Every step of yours begins with the encoder's h. Where is the one that the step before has left?"""

    def step(self, inputs, h, c):
        return self.rnn(inputs, (self.first[0], c))


@_wrong()
class pair_swapped(_Parts):
    """You gave the LSTM (c, h). In which order does torch take the pair?"""

    def step(self, inputs, h, c):
        output, (c, h) = self.rnn(inputs, (c, h))
        return output, (h, c)


@_wrong()
class only_h_initialised(_Parts):
    """You start from the encoder's h and from a c of zeros. What did the encoder remember?"""

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, (h, c) = enc_outputs
        return super().init_state((outputs, (h, torch.zeros_like(c))), enc_valid_lens)


@_wrong()
class h_serves_as_both(_Parts):
    """You take h for c as well, when you start. What did the encoder return beside it?"""

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, (h, _) = enc_outputs
        return super().init_state((outputs, (h, h)), enc_valid_lens)


@_wrong()
class begins_from_zero(_Parts):
    """You start the LSTM from zeros. What did the encoder's last state have to say?"""

    def forward(self, X, state):
        return super().forward(X, [state[0], tuple(torch.zeros_like(half) for half in state[1]), state[2]])


@_wrong()
class one_layer_starts_all(_Parts):
    """You start every layer from the encoder's top layer. What were its other layers' states for?"""

    def forward(self, X, state):
        top = tuple(half[-1:].expand_as(half).contiguous() for half in state[1])
        return super().forward(X, [state[0], top, state[2]])


@_wrong()
class stale_cell_returned(_Parts):
    """You return the c that you were given. With which memory does the next call go on?"""

    def last(self, h, c):
        return h, self.first[1]


@_wrong()
class stale_hidden_returned(_Parts):
    """You return the h that you were given. From where does the next call go on?"""

    def last(self, h, c):
        return self.first[0], c


@_wrong()
class only_h_returned(_Parts):
    """Your new state has lost c. What does the next call begin with?"""

    def last(self, h, c):
        return h


@_wrong()
class pair_returned_the_other_way_round(_Parts):
    """Your new state has c first and h second. In which order did you get them?"""

    def last(self, h, c):
        return c, h


@_wrong()
class pair_stacked(_Parts):
    """You stacked h and c to one tensor. Who reads the state after you, and as what?"""

    def last(self, h, c):
        return torch.stack((h, c))


@_wrong()
class only_the_top_layer_returned(_Parts):
    """You return the states of the top layer only. With how many layers does the LSTM want to go on?"""

    def last(self, h, c):
        return h[-1:], c[-1:]


@_wrong()
class gru_left_in(_Parts):
    """Your decoder still has a GRU. What does it make of c?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.rnn = nn.GRU(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)

    def step(self, inputs, h, c):
        output, h = self.rnn(inputs, h)
        return output, (h, c)


@_wrong()
class cell_state_scored(_Parts):
    """You score the cell state. Which of the two is what the LSTM says?"""

    def step(self, inputs, h, c):
        _, (h, c) = self.rnn(inputs, (h, c))
        return c[-1][:, None], (h, c)


@_wrong()
class source_stays_time_first(_Parts):
    """The encoder's outputs have the steps first, and you left them so. Along which axis does attention look?"""

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, hidden = enc_outputs
        return [outputs, hidden, enc_valid_lens]


@_wrong()
class batch_read_as_time(_Parts):
    """Your LSTM takes the examples of the batch for steps. What does `batch_first` say about its input?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.rnn = nn.LSTM(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout)

    def step(self, inputs, h, c):
        output, (h_one, c_one) = self.rnn(inputs, (h[:, :1].contiguous(), c[:, :1].contiguous()))
        return output, (h_one.expand_as(h).contiguous(), c_one.expand_as(c).contiguous())


@_wrong()
class lengths_ignored(_Parts):
    """You never use the lengths, so the decoder looks at padding. Who can tell a word from what comes after the end?"""

    def look(self, query, enc_outputs, lengths):
        return super().look(query, enc_outputs, None)


@_wrong()
class lengths_not_passed_on(_Parts):
    """Your new state has lost the lengths. What does the second call know about padding?"""

    def pass_on(self, lengths):
        return None


@_wrong(trains=True)
class last_source_state_for_context(_Parts):
    """Your context is the encoder's last output, whatever was asked. What is then left of attention?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        return enc_outputs[:, -1:]


@_wrong()
class brightest_position_for_context(_Parts):
    """You take the output with the largest weight, alone. What can be learned from a choice that has no gradient?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        best = self.attention.attention_weights.argmax(-1, keepdim=True)
        return enc_outputs.gather(1, best.expand(-1, -1, enc_outputs.shape[-1]))


@_wrong()
class context_dropped(_Parts):
    """You compute the context and then do not use it. How is the LSTM to hear of it?"""

    def join(self, context, x):
        return torch.cat((torch.zeros_like(context), x), dim=-1)


@_wrong()
class word_dropped(_Parts):
    """You do not show the LSTM the word that was written last. How is it to know?"""

    def join(self, context, x):
        return torch.cat((context, torch.zeros_like(x)), dim=-1)


@_wrong()
class word_before_context(_Parts):
    """You put the word first and the context second. It would learn as well; but what order was agreed on?"""

    def join(self, context, x):
        return torch.cat((x, context), dim=-1)


@_wrong()
class future_words_seen(_Parts):
    """You show each step the average of all words. Which of them are not written yet when the step is taken?"""

    def embed(self, X):
        x = self.embedding(X)
        return ((x + x.mean(1, keepdim=True)) / 2).split(1, dim=1)


@_wrong()
class softmaxed_scores(_Parts):
    """You return probabilities, but loss functions want logits. What would a second softmax make of them?"""

    def score(self, outputs):
        return self.dense(outputs).softmax(-1)


@_wrong()
class last_word_alone_scored(_Parts):
    """You return scores for the last word only. How many words did the call get?"""

    def score(self, outputs):
        return self.dense(outputs[:, -1])


@_wrong()
class weights_pile_up(_Parts):
    """Your list of weights grows from call to call. Which call is the reader interested in?"""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.all_weights = []

    def forward(self, X, state):
        answer = super().forward(X, state)
        self.all_weights += self._attention_weights
        self._attention_weights = self.all_weights
        return answer


@_wrong()
class weights_detached(_Parts):
    """You detached the weights that you keep. What if somebody wants a loss on where the decoder looks?"""

    def forward(self, X, state):
        answer = super().forward(X, state)
        self._attention_weights = [weights.detach() for weights in self._attention_weights]
        return answer


@_wrong()
class memory_cut_from_the_graph(_Parts):
    """You detach c between the steps. How is the first word to learn from a mistake in the last one?"""

    def step(self, inputs, h, c):
        return super().step(inputs, h.detach(), c.detach())


@_wrong()
class question_cut_from_the_graph(_Parts):
    """No gradient gets through your query. How is the decoder to learn what to ask?"""

    def query(self, h, c, x):
        return super().query(h, c, x).detach()

    def look(self, query, enc_outputs, lengths):
        with torch.no_grad():
            super().look(query, enc_outputs, lengths)
        return self.attention.dropout(self.attention.attention_weights) @ enc_outputs


@_wrong()
class state_kept_in_the_module(_Parts):
    """You keep the pair in the module and go on from there. What if the caller goes back to an older state?"""

    kept = None

    def forward(self, X, state):
        fits = self.kept is not None and self.kept[0].shape == state[1][0].shape
        answer = super().forward(X, [state[0], self.kept if fits else state[1], state[2]])
        self.kept = tuple(half.detach() for half in answer[1][1])
        return answer


@_wrong()
class no_dropout_in_the_attention(_Parts):
    """Your attention drops nothing. Which of its arguments did you leave at 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, 0.0)


@_wrong()
class no_dropout_between_the_layers(_Parts):
    """Your LSTM drops nothing between its layers. Which of its arguments did you leave at 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.rnn.dropout = 0.0


@_wrong()
class dropout_on_the_words(_Parts):
    """You also drop features of the embedded words. Which two places does the exercise name?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.drop = nn.Dropout(dropout)

    def embed(self, X):
        return self.drop(self.embedding(X)).split(1, dim=1)


@_wrong()
class dropout_of_one_half(_Parts):
    """Your attention drops half of its weights in training, whatever rate was asked for. What if it is to be 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, 0.5)


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
        weights = torch.where(empty, 1 / count, self.attention.attention_weights)
        self.attention.attention_weights = weights
        return torch.where(empty, enc_outputs.mean(1, keepdim=True), context)


@_misread()
class outputs_batch_first(LSTMEncoder):
    """Your encoder's outputs have the batch first. What will the decoder, which turns them round, look at?"""

    def forward(self, X, valid_lens=None):
        outputs, hidden = super().forward(X, valid_lens)
        return outputs.transpose(0, 1), hidden


@_misread()
class batch_read_as_steps(LSTMEncoder):
    """Your encoder reads the examples of the batch as if they were steps. Which axis is time?"""

    def forward(self, X, valid_lens=None):
        outputs, hidden = super().forward(X.T, None)
        return outputs.transpose(0, 1), tuple(half[:, :1].expand(-1, len(X), -1).contiguous() for half in hidden)


@_misread()
class encoder_returns_h_only(LSTMEncoder):
    """Your encoder returns h alone. Where is the decoder's LSTM to get its memory from?"""

    def forward(self, X, valid_lens=None):
        outputs, (h, _) = super().forward(X, valid_lens)
        return outputs, h


@_misread()
class pair_of_the_encoder_swapped(LSTMEncoder):
    """Your encoder returns (c, h). In which order does torch return the pair?"""

    def forward(self, X, valid_lens=None):
        outputs, (h, c) = super().forward(X, valid_lens)
        return outputs, (c, h)


@_misread()
class encoder_is_a_gru(LSTMEncoder):
    """Your encoder still has a GRU, and c is made up. Who remembers anything in it?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.rnn = nn.GRU(embed_size, num_hiddens, num_layers, dropout=dropout)

    def forward(self, X, valid_lens=None):
        outputs, h = self.rnn(self.embedding(X.T))
        return outputs, (h, h)


@_misread()
class sentence_read_backwards(LSTMEncoder):
    """Your encoder reads the sentence backwards. When has it seen the first word?"""

    def forward(self, X, valid_lens=None):
        outputs, hidden = super().forward(X.flip(1), None)
        return outputs.flip(0), hidden


@_misread()
class encoder_sorts_the_batch(LSTMEncoder):
    """You sorted the sentences by length, and never put them back. Whose outputs are the first ones?"""

    def forward(self, X, valid_lens=None):
        if valid_lens is None:
            return super().forward(X)
        order = valid_lens.argsort(descending=True)
        return super().forward(X[order], valid_lens[order])


@_misread()
class encoder_cut_from_the_graph(LSTMEncoder):
    """No gradient gets into your encoder. How is it to learn what the decoder needs?"""

    def forward(self, X, valid_lens=None):
        outputs, hidden = super().forward(X, valid_lens)
        return outputs.detach(), hidden


@_misread(trains=True)
class encoder_not_trained(LSTMEncoder):
    """Your encoder takes no part in the training, as if it had been trained before. Has it?"""

    def forward(self, X, valid_lens=None):
        with torch.set_grad_enabled(not self.training):
            return super().forward(X, valid_lens)


@_misread()
class no_dropout_in_the_encoder(LSTMEncoder):
    """Your encoder drops nothing. Which of its LSTM's arguments did you leave at 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers)


@_misread()
class outputs_still_packed(LSTMEncoder):
    """Your outputs end with the longest sentence, before the batch does. How many steps did the encoder get?"""

    def forward(self, X, valid_lens=None):
        outputs, hidden = super().forward(X, valid_lens)
        return (outputs if valid_lens is None else outputs[: int(valid_lens.max())]), hidden


@_misread(group="robust")
class encoder_reads_the_padding(LSTMEncoder):
    """Your encoder reads on over the padding, so h and c depend on how much there was. Where is the sentence's end?"""

    def forward(self, X, valid_lens=None):
        return self.rnn(self.embedding(X.T))


@_misread(group="robust")
class encoder_shortens_the_lengths(LSTMEncoder):
    """You cut the caller's lengths down to the number of steps, in place. Who else may still need them?"""

    def forward(self, X, valid_lens=None):
        if valid_lens is not None:
            valid_lens.clamp_(max=X.shape[1])
        return super().forward(X, valid_lens)
