"""Every step is given the hidden state that came in with the call."""

import torch
from given.seq2seq import AttentionDecoder
from scoring.additive_attention import AdditiveAttention
from torch import nn


class Seq2SeqAttentionDecoder(AttentionDecoder):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.rnn = nn.GRU(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)
        self.dense = nn.Linear(num_hiddens, vocab_size)
        self.seen = []

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, hidden_state = enc_outputs
        return [outputs.permute(1, 0, 2), hidden_state, enc_valid_lens]

    def forward(self, X, state):
        enc_outputs, hidden_state, enc_valid_lens = state
        X = self.embedding(X)
        logits, self.seen = [], []
        for t in range(X.shape[1]):
            query = torch.unsqueeze(hidden_state[-1], dim=1)
            context = self.attention(query, enc_outputs, enc_outputs, enc_valid_lens)
            self.seen.append(self.attention.attention_weights)
            out, last_state = self.rnn(torch.cat([context, X[:, t : t + 1]], dim=2), hidden_state)
            logits.append(self.dense(out[:, 0]))
        return torch.stack(logits, dim=1), [enc_outputs, last_state, enc_valid_lens]

    @property
    def attention_weights(self):
        return self.seen
