"""The decoder is written out with einsum and a bias for the padding; running sums and sorting do the rest."""

import math

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.cost_counter import count_cost
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam
from torch import nn

__all__ = ["EncoderDecoder", "Seq2SeqAttentionDecoder", "Seq2SeqEncoder", "adam", "greedy_decode", "train_step"]

THRESHOLD = 0.5


class Pointing(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bqh,bkh->bqk", queries, keys) / math.sqrt(keys.shape[2])
        if valid_lens is not None:
            past = torch.arange(keys.shape[1]) >= valid_lens[:, None, None]
            scores = scores + torch.zeros_like(scores).masked_fill(past, -torch.inf)
        raised = torch.exp(scores - scores.amax(-1, keepdim=True).clamp(min=-1e9))
        self.attention_weights = raised / raised.sum(-1, keepdim=True).clamp(min=1e-30)
        return torch.einsum("bqk,bkh->bqh", self.dropout(self.attention_weights), values)


class DotProductDecoder(nn.Module):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__()
        self.attention = Pointing(dropout)
        self.embedding = nn.Embedding(vocab_size, embed_size)
        self.rnn = nn.GRU(embed_size + num_hiddens, num_hiddens, num_layers, dropout=dropout)
        self.dense = nn.Linear(num_hiddens, vocab_size)
        self.attention_weights = []

    def init_state(self, enc_outputs, enc_valid_lens, *args):
        return enc_outputs[0].permute(1, 0, 2), enc_outputs[1], enc_valid_lens

    def forward(self, X, state):
        source, hidden, lengths = state
        logits, self.attention_weights = [], []
        for words in self.embedding(X.T):
            context = self.attention(hidden[-1].unsqueeze(1), source, source, lengths).squeeze(1)
            self.attention_weights.append(self.attention.attention_weights)
            output, hidden = self.rnn(torch.hstack((context, words))[None], hidden)
            logits.append(self.dense(output[0]))
        return torch.stack(logits, dim=1), (source, hidden, lengths)


def steps_to_reach(curve, threshold):
    last = []
    for step, loss in enumerate(curve.tolist()):
        last = [*last[-9:], loss]
        if len(last) == 10 and math.fsum(last) / 10 <= threshold:
            return step
    return None


def attention_cost(decoder, queries, keys):
    cost = count_cost(lambda: decoder.attention(queries, keys, keys))
    return [sum(math.prod(parameter.shape) for parameter in decoder.attention.parameters()), cost.largest]


def efficiency_report(curves, params, largest):
    steps = {name: steps_to_reach(curve, THRESHOLD) for name, curve in curves.items()}
    late = {name: math.inf if count is None else count for name, count in steps.items()}
    return {
        "steps": steps,
        "params": params,
        "largest": largest,
        "ratio": float(largest["additive"]) / largest["dot"],
        "cheaper": ahead(largest),
        "sooner": ahead(late),
    }


def ahead(numbers):
    first, second = sorted(numbers, key=numbers.get)
    return first if numbers[first] < numbers[second] else None
