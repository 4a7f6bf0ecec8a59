"""Ways to look back wrongly."""

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from scoring.additive_attention import AdditiveAttention
from torch import nn

from headcheck.properties import misconception


class _Parts(Seq2SeqAttentionDecoder):
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
        return self.score(torch.cat(outputs, dim=1)), self.next_state(enc_outputs, hidden, lengths)

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

    def score(self, outputs):
        return self.dense(outputs)

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, hidden, lengths]


class lengths_ignored(_Parts):
    """You never use the lengths, so the decoder looks at padding. Who can tell a word from what comes after the end?"""

    def look(self, query, enc_outputs, lengths):
        return self.attention(query, enc_outputs, enc_outputs, None)


class first_length_for_all(_Parts):
    """You used the first example's length for the whole batch. How long is the second source?"""

    def look(self, query, enc_outputs, lengths):
        same = None if lengths is None else lengths[:1].expand_as(lengths)
        return self.attention(query, enc_outputs, enc_outputs, same)


class bottom_layer_asks(_Parts):
    """Your query is the state of the lowest layer. Which layer knows best what the next word is to be?"""

    def query(self, hidden, x):
        return hidden[0][:, None]


class first_state_asks_every_time(_Parts):
    """Your query is the encoder's state at every step, so all words look at the same place. What has changed since?"""

    def query(self, hidden, x):
        return self.first[-1][:, None]


class new_state_asks(_Parts):
    """You let the GRU step first, and ask with the state after it. Can a context be an input of the step it follows?"""

    def query(self, hidden, x):
        nothing = x.new_zeros(len(x), 1, self.dense.in_features)
        return self.rnn(self.join(nothing, x), hidden)[1][-1][:, None]


class all_layers_ask(_Parts):
    """You added the layers' states up to a query. Which of them is the decoder's output, and which its working?"""

    def query(self, hidden, x):
        return hidden.sum(0)[:, None]


class last_source_state_for_context(_Parts):
    """Your context is the encoder's last output, whatever was asked. What is then left of attention?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        return enc_outputs[:, -1:]


class average_for_context(_Parts):
    """Your context is the plain average of the source, at every step the same. Where do the weights come in?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        valid = (self.attention.attention_weights > 0).to(query.dtype)
        return valid @ enc_outputs / valid.sum(-1, keepdim=True)


class brightest_position_for_context(_Parts):
    """You take the output with the largest weight, alone. What can be learned from a choice that has no gradient?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        best = self.attention.attention_weights.argmax(-1, keepdim=True)
        return enc_outputs.gather(1, best.expand(-1, -1, enc_outputs.shape[-1]))


class context_dropped(_Parts):
    """You compute the context and then do not use it. How is the GRU to hear of it?"""

    def join(self, context, x):
        return torch.cat((torch.zeros_like(context), x), dim=-1)


class word_dropped(_Parts):
    """You do not show the GRU the word that was written last. How is it to know?"""

    def join(self, context, x):
        return torch.cat((context, torch.zeros_like(x)), dim=-1)


class word_before_context(_Parts):
    """You put the word first and the context second. It would learn as well; but what order was agreed on?"""

    def join(self, context, x):
        return torch.cat((x, context), dim=-1)


class hidden_not_carried(_Parts):
    """Every step of yours begins with the encoder's state. Where is the state that the step before has left?"""

    def step(self, inputs, hidden):
        output, new = self.rnn(inputs, self.first)
        self.last = new
        return output, self.first

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, self.last, lengths]


class stale_state_returned(_Parts):
    """You return the hidden state that you were given. Where does the next call begin?"""

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, self.first, lengths]


class lengths_not_passed_on(_Parts):
    """Your new state has lost the lengths. What does the second call know about padding?"""

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, hidden, None]


class only_the_top_layer_returned(_Parts):
    """You return the state of the top layer only. With how many layers does the GRU want to go on?"""

    def next_state(self, enc_outputs, hidden, lengths):
        return [enc_outputs, hidden[-1:], lengths]


class begins_from_zero(_Parts):
    """You start the GRU from zeros. What did the encoder's last state have to say?"""

    def forward(self, X, state):
        return super().forward(X, [state[0], torch.zeros_like(state[1]), state[2]])


class source_read_only_at_the_start(_Parts):
    """You drop the encoder's state in `init_state`. What does the decoder begin with?"""

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        return [enc_outputs[0].transpose(0, 1), torch.zeros_like(enc_outputs[1]), enc_valid_lens]


class steps_left_first(_Parts):
    """You keep the encoder's outputs as they come, with the steps first. Where does attention look for the batch?"""

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        return [*enc_outputs, enc_valid_lens]


class outputs_reshaped(_Parts):
    """You reshape the encoder's outputs to have the batch first. Does a reshape move a single number?"""

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, hidden = enc_outputs
        return [outputs.reshape(outputs.shape[1], outputs.shape[0], -1), hidden, enc_valid_lens]


class one_layer_starts_all(_Parts):
    """You start every layer from the encoder's top layer. What were its other layers' states for?"""

    def forward(self, X, state):
        return super().forward(X, [state[0], state[1][-1:].expand_as(state[1]).contiguous(), state[2]])


class future_words_seen(_Parts):
    """You show each step the average of all words. Which of them are not written yet when the step is taken?"""

    def embed(self, X):
        x = self.embedding(X)
        return ((x + x.mean(1, keepdim=True)) / 2).split(1, dim=1)


class written_backwards(_Parts):
    """You read the words from the last to the first. Which one was written first?"""

    def forward(self, X, state):
        logits, state = super().forward(X.flip(1), state)
        self._attention_weights = self._attention_weights[::-1]
        return logits.flip(1), state


class steps_before_examples(_Parts):
    """Your logits have the steps first and the examples second. In which order did the words come?"""

    def score(self, outputs):
        return self.dense(outputs).transpose(0, 1)


class softmaxed_scores(_Parts):
    """You return probabilities, but loss functions want logits. What would a second softmax make of them?"""

    def score(self, outputs):
        return self.dense(outputs).softmax(-1)


class bent_before_dense(_Parts):
    """You put a tanh between the GRU and `dense`. In which range is a GRU's output already?"""

    def score(self, outputs):
        return self.dense(outputs.tanh())


class context_scored_too(_Parts):
    """Your `dense` sees more than the GRU's output. How wide is its input in the exercise?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.dense = nn.Linear(num_hiddens + embed_size, vocab_size)
        self.spare = embed_size

    def query(self, hidden, x):
        self.words = [x] if hidden is self.first else [*self.words, x]
        return super().query(hidden, x)

    def score(self, outputs):
        return self.dense(torch.cat((outputs, torch.cat(self.words, 1)), -1))


class one_layer_whatever_was_asked(_Parts):
    """Your GRU has one layer, whatever `num_layers` says. Which argument of `nn.GRU` is it?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.rnn = nn.GRU(num_hiddens + embed_size, num_hiddens, batch_first=True)

    def step(self, inputs, hidden):
        output, top = self.rnn(inputs, hidden[-1:].contiguous())
        return output, torch.cat((hidden[:-1], top))


class source_projected(_Parts):
    """You gave the source a linear map of its own. Which map do the keys go through already?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.source = nn.Linear(num_hiddens, num_hiddens)

    def look(self, query, enc_outputs, lengths):
        return super().look(query, self.source(enc_outputs), lengths)


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


class only_the_last_weights(_Parts):
    """You keep the weights of the last step only. How many steps did the call have?"""

    def forward(self, X, state):
        answer = super().forward(X, state)
        self._attention_weights = self._attention_weights[-1:]
        return answer


class weights_in_one_tensor(_Parts):
    """You stacked the weights to one tensor. What does the exercise promise to whoever reads them?"""

    def forward(self, X, state):
        answer = super().forward(X, state)
        self._attention_weights = torch.cat(self._attention_weights, 1)
        return answer


class weights_detached(_Parts):
    """You detached the weights that you keep. What if somebody wants a loss on where the decoder looks?"""

    def forward(self, X, state):
        answer = super().forward(X, state)
        self._attention_weights = [weights.detach() for weights in self._attention_weights]
        return answer


class state_cut_from_the_graph(_Parts):
    """You detach the state between the steps. How is the first word to learn from a mistake in the last one?"""

    def step(self, inputs, hidden):
        output, hidden = self.rnn(inputs, hidden)
        return output, hidden.detach()


class source_cut_from_the_graph(_Parts):
    """No gradient gets from the context to the encoder. Who taught the encoder's outputs to be worth reading?"""

    def look(self, query, enc_outputs, lengths):
        return super().look(query, enc_outputs.detach(), lengths)


class question_cut_from_the_graph(_Parts):
    """No gradient gets through your query. How is the decoder to learn what to ask?"""

    def query(self, hidden, x):
        return super().query(hidden, x).detach()

    def look(self, query, enc_outputs, lengths):
        with torch.no_grad():
            super().look(query, enc_outputs, lengths)
        return self.attention.dropout(self.attention.attention_weights) @ enc_outputs


class state_kept_in_the_module(_Parts):
    """You keep the hidden state in the module and go on from there. What if the caller goes back to an older state?"""

    kept = None

    def forward(self, X, state):
        hidden = state[1] if self.kept is None or self.kept.shape != state[1].shape else self.kept
        answer = super().forward(X, [state[0], hidden, state[2]])
        self.kept = answer[1][1].detach()
        return answer


class dropout_forgotten(_Parts):
    """You took a dropout rate and gave it to nobody. Which two parts know what to do with it?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers)


class no_dropout_in_the_attention(_Parts):
    """Your attention drops nothing. Which of its arguments did you leave at 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, 0.0)


class no_dropout_between_the_layers(_Parts):
    """Your GRU drops nothing between its layers. Which of its arguments did you leave at 0?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.rnn.dropout = 0.0


class dropout_on_the_words(_Parts):
    """You also drop features of the embedded words. Which two places does the exercise name?"""

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.drop = nn.Dropout(dropout)

    def embed(self, X):
        return self.drop(self.embedding(X)).split(1, dim=1)


class dropout_in_evaluation(_Parts):
    """You drop weights in evaluation mode as well. Who told your dropout that the training is over?"""

    def look(self, query, enc_outputs, lengths):
        super().look(query, enc_outputs, lengths)
        return nn.functional.dropout(self.attention.attention_weights, self.attention.dropout.p) @ enc_outputs


@misconception(group="robust")
class source_wiped_at_the_padding(_Parts):
    """You set padding to 0 in the caller's own tensor. Who else may still need it?"""

    def look(self, query, enc_outputs, lengths):
        if lengths is not None:
            with torch.no_grad():
                past = torch.arange(enc_outputs.shape[1]) >= lengths[:, None]
                enc_outputs.data[past] = 0
        return super().look(query, enc_outputs, lengths)


@misconception(group="robust")
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
