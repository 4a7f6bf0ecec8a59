"""The formula written out, but the context is the mean of the valid source vectors."""

import torch
from given.seq2seq import AttentionDecoder
from scoring.additive_attention import AdditiveAttention
from scoring.masked_softmax import masked_softmax
from torch import nn


class Seq2SeqAttentionDecoder(AttentionDecoder):
    attention_weights = None

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(num_hiddens + embed_size, num_hiddens, num_layers, dropout=dropout, batch_first=True)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        return [torch.einsum("sbh->bsh", enc_outputs[0]), enc_outputs[1], enc_valid_lens]

    def forward(self, X, state):
        memory, hidden, lens = state
        projected = self.attention.W_k(memory)
        self.attention_weights = []
        logits = X.new_zeros(*X.shape, self.dense.out_features).to(memory)
        for t, word in enumerate(X.unbind(1)):
            asked = self.attention.W_q(hidden[-1])
            scores = self.attention.w_v((projected + asked[:, None]).tanh())  # (batch, steps, 1)
            weights = masked_softmax(scores.mT, lens)
            self.attention_weights.append(weights)
            real = torch.ones_like(memory[..., 0]) if lens is None else torch.arange(memory.shape[1]) < lens[:, None]
            context = (memory * real[..., None]).sum(1) / real.sum(1, keepdim=True)
            step = torch.hstack([context, self.embedding(word)])[:, None]
            output, hidden = self.rnn(step, hidden)
            logits[:, t] = self.dense(output.squeeze(1))
        return logits, [memory, hidden, lens]
