"""All parameters of the decoder are added up."""

import torch
from bahdanau.bahdanau_decoder import Seq2SeqAttentionDecoder
from bahdanau.seq2seq_training import greedy_decode, train_step
from given.cost_counter import count_cost
from given.seq2seq import EncoderDecoder, Seq2SeqEncoder, adam
from scoring.masked_softmax import masked_softmax
from torch import nn

__all__ = ["EncoderDecoder", "Seq2SeqEncoder", "adam", "greedy_decode", "train_step"]

THRESHOLD = 0.5


class Pointing(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        scores = torch.einsum("bqh,bkh->bqk", queries, keys) / keys.shape[2] ** 0.5
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.einsum("bqk,bkh->bqh", self.dropout(self.attention_weights), values)


class DotProductDecoder(Seq2SeqAttentionDecoder):
    def __init__(self, vocab_size, embed_size, num_hiddens, num_layers, dropout=0):
        super().__init__(vocab_size, embed_size, num_hiddens, num_layers, dropout)
        self.attention = Pointing(dropout)


def steps_to_reach(curve, threshold):
    for t in range(9, len(curve)):
        if float(curve[t - 9 : t + 1].sum()) / 10 <= threshold:
            return t
    return None


def attention_cost(decoder, queries, keys):
    cost = count_cost(decoder.attention, queries, keys, keys)
    return sum(p.numel() for p in decoder.parameters()), cost.largest


def efficiency_report(curves, params, largest):
    additive, dot = (steps_to_reach(curves[name], THRESHOLD) for name in ("additive", "dot"))
    cheaper = sooner = None
    if largest["additive"] != largest["dot"]:
        cheaper = "dot" if largest["dot"] < largest["additive"] else "additive"
    if additive != dot:
        first = dot is not None and (additive is None or dot < additive)
        sooner = "dot" if first else "additive"
    return {
        "steps": {"additive": additive, "dot": dot},
        "params": params,
        "largest": largest,
        "ratio": largest["additive"] / largest["dot"],
        "cheaper": cheaper,
        "sooner": sooner,
    }
