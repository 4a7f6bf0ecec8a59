"""Steps first; the query is the memory of the top layer."""

import torch
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.seq2seq import AttentionDecoder, Encoder, EncoderDecoder, adam
from scoring.additive_attention import AdditiveAttention
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

__all__ = ["EncoderDecoder", "adam", "greedy_decode", "train_step"]


class LSTMEncoder(Encoder):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.LSTM(embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)

    def forward(self, X, valid_lens=None):
        words = self.embedding(X)
        if valid_lens is None:
            valid_lens = torch.full((X.shape[0],), X.shape[1])
        lens = torch.minimum(valid_lens, torch.tensor(X.shape[1]))
        packed = pack_padded_sequence(words, lens, batch_first=True, enforce_sorted=False)
        outputs, (h, c) = self.rnn(packed)
        outputs = pad_packed_sequence(outputs, batch_first=True, total_length=X.shape[1])[0]
        return outputs.transpose(0, 1), (h, c)


class LSTMAttentionDecoder(AttentionDecoder):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.LSTM(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, (h, c) = enc_outputs
        return [outputs.permute(1, 0, 2), (h, c), enc_valid_lens]

    def forward(self, X, state):
        source, (h, c), lens = state
        self.looks = []
        logits = []
        for word in self.embedding(X).permute(1, 0, 2):  # (batch, embed)
            context = self.attention(c[-1:].permute(1, 0, 2), source, source, lens)
            self.looks.append(self.attention.attention_weights)
            output, (h, c) = self.rnn(torch.cat([context[:, 0], word], dim=1)[None], (h, c))
            logits.append(self.dense(output)[0])
        return torch.stack(logits, dim=1), [source, (h, c), lens]

    @property
    def attention_weights(self):
        return self.looks
