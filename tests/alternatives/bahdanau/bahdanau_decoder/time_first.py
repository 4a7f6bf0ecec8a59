"""Time comes first inside, as in the book; one step calls the next, and the weights are read off the attention."""

import torch
from given.seq2seq import AttentionDecoder
from scoring.additive_attention import AdditiveAttention
from torch import nn


class Seq2SeqAttentionDecoder(AttentionDecoder):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout)
        self.dense = nn.Linear(num_hiddens, vocab_size)
        self.looked = []

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        return [enc_outputs[0].swapaxes(0, 1), enc_outputs[1], enc_valid_lens]

    @property
    def attention_weights(self):
        return self.looked

    def forward(self, X, state):
        self.looked = []
        outputs, state = self.advance(self.embedding(X.T), state)
        return self.dense(outputs).transpose(0, 1), state

    def advance(self, embedded, state):
        if len(embedded) == 0:
            return embedded.new_zeros(0, embedded.shape[1], self.dense.in_features), state
        source, hidden, lengths = state
        context = self.attention(hidden[-1:].transpose(0, 1), source, source, lengths)
        self.looked.append(self.attention.attention_weights)
        output, hidden = self.rnn(torch.cat([context.transpose(0, 1), embedded[:1]], 2), hidden)
        rest, state = self.advance(embedded[1:], [source, hidden, lengths])
        return torch.cat([output, rest]), state
