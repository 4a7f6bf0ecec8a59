"""The GRU's equations are written out over its parameters, words come by index, and keys are projected only once."""

import torch
from given.seq2seq import AttentionDecoder
from scoring.additive_attention import AdditiveAttention
from torch import nn


class Seq2SeqAttentionDecoder(AttentionDecoder):
    attention_weights = None

    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.num_layers = num_layers
        self.dropout = dropout
        self.attention = AdditiveAttention(num_hiddens, num_hiddens, num_hiddens, dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(embed_size + num_hiddens, num_hiddens, num_layers, dropout=dropout)
        self.dense = nn.Linear(num_hiddens, vocab_size)

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        outputs, hidden = enc_outputs
        return outputs.permute(1, 0, 2), hidden, enc_valid_lens

    def forward(self, X, state):
        source, hidden, lengths = state
        layers = list(hidden)
        keys = self.attention.W_k(source)
        logits, self.attention_weights = [], []
        for t in range(X.shape[1]):
            weights = self.weigh(layers[-1], keys, lengths)
            self.attention_weights.append(weights)
            context = torch.einsum("bqs,bsh->bh", self.attention.dropout(weights), source)
            x = torch.hstack((context, self.embedding.weight[X[:, t]]))
            for layer in range(self.num_layers):
                if layer > 0:
                    x = nn.functional.dropout(x, self.dropout, self.training)
                x = layers[layer] = self.cell(x, layers[layer], layer)
            logits.append(self.dense(x))
        return torch.stack(logits, 1), (source, torch.stack(layers), lengths)

    def weigh(self, query, keys, lengths):
        features = torch.tanh(keys + self.attention.W_q(query)[:, None])
        scores = self.attention.w_v(features).transpose(1, 2)
        if lengths is None:
            return scores.softmax(-1)
        valid = (torch.arange(keys.shape[1]) < lengths[:, None])[:, None].to(scores)
        raised = (scores - scores.amax(-1, keepdim=True)).exp() * valid
        return raised / raised.sum(-1, keepdim=True).clamp_min(1e-300)

    def cell(self, x, h, layer):
        w_i, w_h, b_i, b_h = (getattr(self.rnn, f"{name}_l{layer}") for name in
                              ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))  # fmt: skip
        r_i, z_i, n_i = nn.functional.linear(x, w_i, b_i).chunk(3, -1)
        r_h, z_h, n_h = nn.functional.linear(h, w_h, b_h).chunk(3, -1)
        z = torch.sigmoid(z_i + z_h)
        return (1 - z) * torch.tanh(n_i + torch.sigmoid(r_i + r_h) * n_h) + z * h
