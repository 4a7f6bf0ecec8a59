"""The LSTM's equations are written out over its parameters; the encoder takes each sentence's state at its own end."""

import torch
from given.seq2seq import AttentionDecoder, Encoder
from scoring.additive_attention import AdditiveAttention
from torch import nn
from torch.nn.functional import dropout, linear


def advance(lstm, x, states, training):
    """One step through all layers: the top layer's h, and the new states, each (h, c)."""
    new = []
    for layer, (h, c) in enumerate(states):
        if layer > 0:
            x = dropout(x, lstm.dropout, training)
        w_i, w_h, b_i, b_h = (getattr(lstm, f"{name}_l{layer}") for name in
                              ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))  # fmt: skip
        i, f, g, o = (linear(x, w_i, b_i) + linear(h, w_h, b_h)).chunk(4, dim=-1)
        memory = f.sigmoid() * c + i.sigmoid() * g.tanh()
        x = o.sigmoid() * memory.tanh()
        new.append((x, memory))
    return x, new


def stacked(states):
    return tuple(torch.stack(half) for half in zip(*states, strict=True))


class LSTMEncoder(Encoder):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.LSTM(embed_size, num_hiddens, num_layers, dropout=dropout)

    def forward(self, X, valid_lens=None):
        words = self.embedding(X)
        states = [(words.new_zeros(len(X), self.rnn.hidden_size),) * 2] * self.rnn.num_layers
        outputs = []
        for t in range(X.shape[1]):
            output, new = advance(self.rnn, words[:, t], states, self.training)
            outputs.append(output)
            goes_on = torch.full((len(X), 1), True) if valid_lens is None else (t < valid_lens)[:, None]
            states = [
                tuple(torch.where(goes_on, *halves) for halves in zip(after, before, strict=True))
                for after, before in zip(new, states, strict=True)
            ]
        return torch.stack(outputs), stacked(states)


class LSTMAttentionDecoder(AttentionDecoder):
    attention_weights = None

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.LSTM(embed_size + num_hiddens, num_hiddens, num_layers, dropout=dropout)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        return enc_outputs[0].permute(1, 0, 2), list(enc_outputs[1]), enc_valid_lens

    def forward(self, X, state):
        source, hidden, lengths = state
        states = list(zip(*hidden, strict=True))
        keys = self.attention.W_k(source)
        logits, self.attention_weights = [], []
        for words in X.T:
            weights = self.weigh(states[-1][0], keys, lengths)
            self.attention_weights.append(weights)
            context = torch.einsum("bqs,bsh->bh", self.attention.dropout(weights), source)
            output, states = advance(
                self.rnn, torch.hstack((context, self.embedding.weight[words])), states, self.training
            )
            logits.append(self.dense(output))
        return torch.stack(logits, 1), (source, stacked(states), lengths)

    def weigh(self, query, keys, lengths):
        features = torch.tanh(keys + self.attention.W_q(query)[:, None])
        scores = self.attention.w_v(features).transpose(1, 2)
        if lengths is None:
            return scores.softmax(-1)
        valid = (torch.arange(keys.shape[1]) < lengths[:, None])[:, None].to(scores)
        raised = (scores - scores.amax(-1, keepdim=True)).exp() * valid
        return raised / raised.sum(-1, keepdim=True).clamp_min(1e-300)
