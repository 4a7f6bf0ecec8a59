"""Ways to get self-attention wrong, and ways to misjudge equivariance."""

import torch
from multihead.multi_head_attention import MultiHeadAttention
from self_attention.self_attention import SelfAttention
from self_attention.self_attention import is_permutation_equivariant as _judge
from torch import nn

from headcheck.properties import misconception


@misconception(of="SelfAttention")
class queries_from_the_previous_token(SelfAttention):
    """Each token asks with the voice of the one before. Whose query belongs to which output?"""

    def forward(self, X, valid_lens=None):
        return self.attention(X.roll(1, 1), X, X, valid_lens)


@misconception(of="SelfAttention")
class values_from_the_next_token(SelfAttention):
    """A token is found by its key, but another one's value is taken. Who answers?"""

    def forward(self, X, valid_lens=None):
        return self.attention(X, X, X.roll(-1, 1), valid_lens)


@misconception(of="SelfAttention")
class queries_averaged(SelfAttention):
    """All tokens ask the same question. How many queries has a sentence?"""

    def forward(self, X, valid_lens=None):
        return self.attention(X.mean(1, keepdim=True).expand_as(X), X, X, valid_lens)


@misconception(of="SelfAttention")
class first_token_asks_for_all(SelfAttention):
    """Only the first token asks. How many queries has a sentence?"""

    def forward(self, X, valid_lens=None):
        return self.attention(X[:, :1].expand_as(X), X, X, valid_lens)


@misconception(of="SelfAttention")
class attention_across_the_batch(SelfAttention):
    """Your tokens look at the same position of other examples. Which axis holds the sentence?"""

    def forward(self, X, valid_lens=None):
        swapped = X.transpose(0, 1)
        return self.attention(swapped, swapped, swapped).transpose(0, 1)


@misconception(of="SelfAttention")
class batch_in_one_sentence(SelfAttention):
    """You join all examples into one long sentence. Who may look at whom?"""

    def forward(self, X, valid_lens=None):
        joined = X.flatten(0, 1)[None]
        return self.attention(joined, joined, joined).reshape(X.shape)


@misconception(of="SelfAttention")
class lengths_ignored(SelfAttention):
    """You never hand the lengths on, so padding is looked at. Who needs them?"""

    def forward(self, X, valid_lens=None):
        return self.attention(X, X, X, None)


@misconception(of="SelfAttention")
class lengths_mask_queries(SelfAttention):
    """Your padded tokens see nothing while all others see the padding. Does a length hide queries or keys?"""

    def forward(self, X, valid_lens=None):
        if valid_lens is None or valid_lens.dim() == 2:
            return self.attention(X, X, X, valid_lens)
        positions = X.shape[1]
        asking = torch.arange(positions, device=X.device) < valid_lens[:, None]
        return self.attention(X, X, X, asking.long() * positions)


@misconception(of="SelfAttention")
class padded_outputs_zeroed(SelfAttention):
    """You set the outputs of padded tokens to 0. What does a length say about queries?"""

    def forward(self, X, valid_lens=None):
        output = super().forward(X, valid_lens)
        if valid_lens is None or valid_lens.dim() == 2:
            return output
        return output * (torch.arange(X.shape[1], device=X.device) < valid_lens[:, None])[..., None]


@misconception(of="SelfAttention")
class padded_tokens_zeroed(SelfAttention):
    """You set padded tokens to 0, and they still take their share of the attention. Which score has weight 0?"""

    def forward(self, X, valid_lens=None):
        if valid_lens is not None:
            valid = torch.arange(X.shape[1], device=X.device) < valid_lens.reshape(len(X), -1, 1)
            X = X * valid.any(1)[..., None]
        return self.attention(X, X, X, None)


@misconception(of="SelfAttention")
class longest_example_for_all(SelfAttention):
    """All examples get the longest one's length. Whose padding do the short ones see?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X, None if valid_lens is None else valid_lens.max().expand(len(X)))


@misconception(of="SelfAttention")
class first_query_length_for_all(SelfAttention):
    """With one length for each token, you use the first for all. What do two axes of `valid_lens` say?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X, valid_lens if valid_lens is None or valid_lens.dim() == 1 else valid_lens[:, 0])


@misconception(of="SelfAttention")
class lengths_required(SelfAttention):
    """Your forward pass cannot do without lengths. Which default says that every token counts?"""

    def forward(self, X, valid_lens):
        return super().forward(X, valid_lens)


@misconception(of="SelfAttention")
class causal(SelfAttention):
    """Your tokens see only what came before them. Who told them what is before?"""

    def forward(self, X, valid_lens=None):
        batch, positions, _ = X.shape
        before = torch.arange(1, positions + 1, device=X.device).expand(batch, positions)
        if valid_lens is not None:
            before = torch.minimum(before, valid_lens.reshape(batch, -1))
        return super().forward(X, before)


@misconception(of="SelfAttention")
class nobody_looks_at_the_last_token(SelfAttention):
    """Your last token is never looked at. Is a length the number of tokens or the last index?"""

    def forward(self, X, valid_lens=None):
        lengths = torch.full((len(X),), X.shape[1]) if valid_lens is None else valid_lens
        return super().forward(X, (lengths - 1).clamp(min=1))


@misconception(of="SelfAttention")
class positions_added(SelfAttention):
    """You add positions already. Which of the next exercises does that?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X + 0.1 * torch.arange(X.shape[1], device=X.device)[:, None].to(X), valid_lens)


@misconception(of="SelfAttention")
class residual_added(SelfAttention):
    """You add the tokens to the output. Whose task is that, later in the Transformer?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X, valid_lens) + X


@misconception(of="SelfAttention")
class tokens_normalised(SelfAttention):
    """You normalise the tokens first. Whose task is that, later in the Transformer?"""

    def forward(self, X, valid_lens=None):
        return super().forward(nn.functional.layer_norm(X, X.shape[-1:]), valid_lens)


@misconception(of="SelfAttention")
class keys_detached(SelfAttention):
    """No gradient comes back through your keys. Why should a token not learn how to be found?"""

    def forward(self, X, valid_lens=None):
        return self.attention(X, X.detach(), X, valid_lens)


@misconception(of="SelfAttention")
class tokens_detached(SelfAttention):
    """No gradient gets past your layer to the tokens. Where is the graph cut?"""

    def forward(self, X, valid_lens=None):
        return super().forward(X.detach(), valid_lens)


@misconception(of="SelfAttention")
class one_head_only(SelfAttention):
    """You made one head, whatever was asked for. Where does `num_heads` go?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, 1, dropout)


@misconception(of="SelfAttention")
class biases_added(SelfAttention):
    """Your matrices have biases. Who asked for them?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, num_heads, dropout)
        self.attention = MultiHeadAttention(*[num_hiddens] * 4, num_heads, dropout, bias=True)


@misconception(of="SelfAttention")
class a_projection_more(SelfAttention):
    """You project the output once more. What is `W_o` for?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, num_heads, dropout)
        self.dense = nn.Linear(num_hiddens, num_hiddens, bias=False)

    def forward(self, X, valid_lens=None):
        return self.dense(super().forward(X, valid_lens))


@misconception(of="SelfAttention")
class one_matrix_for_three_roles(SelfAttention):
    """Query, key and value share a matrix, so a token looks at itself most. What does each role need of its own?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, num_heads, dropout)
        self.attention.W_k = self.attention.W_v = self.attention.W_q


@misconception(of="SelfAttention")
class dropout_forgotten(SelfAttention):
    """You take `dropout` and hand on 0. What should happen to some of the weights in training?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, num_heads, 0.0)


@misconception(of="SelfAttention")
class dropout_of_one_half(SelfAttention):
    """Your dropout is always one half. Where does the constructor's argument go?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, num_heads, 0.5 if dropout else 0.0)


@misconception(of="SelfAttention")
class dropout_on_the_output_too(SelfAttention):
    """You drop outputs on top of weights. What does the multi-head attention do with `dropout` already?"""

    def __init__(self, num_hiddens, num_heads, dropout):
        super().__init__(num_hiddens, num_heads, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, X, valid_lens=None):
        return self.dropout(super().forward(X, valid_lens))


@misconception(of="SelfAttention")
class dropout_always_on(SelfAttention):
    """Your dropout goes on in evaluation mode. Which call of `train` comes too late?"""

    def forward(self, X, valid_lens=None):
        self.attention.train()
        return super().forward(X, valid_lens)


@misconception(of="SelfAttention", group="robust")
class empty_examples_spread_evenly(SelfAttention):
    """An example of length 0 still looks at its padding, as in the book. What is there for it to see?"""

    def forward(self, X, valid_lens=None):
        if valid_lens is not None:
            valid_lens = valid_lens.masked_fill(valid_lens == 0, X.shape[1])
        return super().forward(X, valid_lens)


@misconception(of="SelfAttention", group="robust")
class lengths_written_over(SelfAttention):
    """You clamp the lengths in place, and the caller's are gone. Which call makes new ones?"""

    def forward(self, X, valid_lens=None):
        output = super().forward(X, valid_lens)
        if valid_lens is not None:
            valid_lens.clamp_(max=1)
        return output


@misconception(of="SelfAttention", group="robust")
class half_precision_lost(SelfAttention):
    """You return float32 whatever comes in. Which dtype did the caller choose?"""

    def forward(self, X, valid_lens=None):
        output = super().forward(X, valid_lens)
        return output.float() if output.element_size() == 2 else output


def _orders(X, trials, generator):
    return [torch.randperm(X.shape[1], generator=generator) for _ in range(trials)]


def _same(left, right):
    return torch.allclose(left, right, rtol=1e-4, atol=1e-4)


@misconception(of="is_permutation_equivariant")
def always_equivariant(f, X, *, trials, generator):
    """You never say False. What do you compare?"""
    return True


@misconception(of="is_permutation_equivariant")
def never_equivariant(f, X, *, trials, generator):
    """You never say True. What do you compare?"""
    return False


@misconception(of="is_permutation_equivariant")
def only_the_input_is_permuted(f, X, *, trials, generator):
    """You ask that the output stays as it was, which is invariance. What should happen to the output?"""
    return all(_same(f(X[:, order]), f(X)) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def only_the_output_is_permuted(f, X, *, trials, generator):
    """You permute the output of the tokens as they were. What should f be given?"""
    return all(_same(f(X), f(X)[:, order]) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def output_permuted_the_other_way(f, X, *, trials, generator):
    """You permute the output by the inverse. If token 3 comes first in X[:, order], whose output comes first?"""
    return all(_same(f(X[:, order]), f(X)[:, order.argsort()]) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def sorted_values_compared(f, X, *, trials, generator):
    """You compare sorted outputs, so it does not matter who gets which. What does sorting throw away?"""
    orders = _orders(X, trials, generator)
    return all(_same(f(X[:, order]).sort(1).values, f(X).sort(1).values) for order in orders)


@misconception(of="is_permutation_equivariant")
def sums_compared(f, X, *, trials, generator):
    """You compare sums over the positions, so it does not matter who gets what. What does a sum throw away?"""
    return all(_same(f(X[:, order]).sum(1), f(X).sum(1)) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def shapes_compared(f, X, *, trials, generator):
    """You compare shapes, not numbers. Which function would fail that?"""
    return all(f(X[:, order]).shape == f(X)[:, order].shape for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def identity_tried(f, X, *, trials, generator):
    """Your permutation leaves every token in its place. Which function would fail that?"""
    order = torch.arange(X.shape[1])
    return _same(f(X[:, order]), f(X)[:, order])


@misconception(of="is_permutation_equivariant")
def reversal_tried(f, X, *, trials, generator):
    """You only try the reversal. Which functions get on with it?"""
    return _same(f(X.flip(1)), f(X).flip(1))


@misconception(of="is_permutation_equivariant")
def rotations_tried(f, X, *, trials, generator):
    """You only try rotations. Which functions treat neighbours alike all around?"""
    steps = torch.randint(X.shape[1], (trials,), generator=generator).tolist()
    return all(_same(f(X.roll(step, 1)), f(X).roll(step, 1)) for step in steps)


@misconception(of="is_permutation_equivariant")
def first_two_swapped(f, X, *, trials, generator):
    """You only swap the first two tokens. Which functions treat these alike?"""
    order = torch.tensor([1, 0, *range(2, X.shape[1])])[: X.shape[1]] % X.shape[1]
    return _same(f(X[:, order]), f(X)[:, order])


@misconception(of="is_permutation_equivariant")
def batch_permuted(f, X, *, trials, generator):
    """You permute the examples. Which axis of X holds the positions?"""
    orders = [torch.randperm(len(X), generator=generator) for _ in range(trials)]
    return all(_same(f(X[order]), f(X)[order]) for order in orders)


@misconception(of="is_permutation_equivariant")
def features_permuted(f, X, *, trials, generator):
    """You permute the features. Which axis of X holds the positions?"""
    orders = [torch.randperm(X.shape[2], generator=generator) for _ in range(trials)]
    return all(_same(f(X[..., order]), f(X)[..., order]) for order in orders)


@misconception(of="is_permutation_equivariant")
def one_permutation_for_all_trials(f, X, *, trials, generator):
    """You draw once and try the same permutation again and again. What do the other trials add?"""
    (order,) = _orders(X, 1, generator)
    return all(_same(f(X[:, order]), f(X)[:, order]) for _ in range(trials))


@misconception(of="is_permutation_equivariant")
def ten_trials_always(f, X, *, trials, generator):
    """You make ten trials whatever you are asked for. How rare may an exception be?"""
    return _judge(f, X, trials=10, generator=generator)


@misconception(of="is_permutation_equivariant")
def first_trial_decides(f, X, *, trials, generator):
    """You return in the first round of the loop. When is it too early to say True?"""
    for order in _orders(X, trials, generator):
        return _same(f(X[:, order]), f(X)[:, order])
    return True


@misconception(of="is_permutation_equivariant")
def last_trial_decides(f, X, *, trials, generator):
    """Your last trial overwrites the others. What should become of an earlier disagreement?"""
    verdict = True
    for order in _orders(X, trials, generator):
        verdict = _same(f(X[:, order]), f(X)[:, order])
    return verdict


@misconception(of="is_permutation_equivariant")
def one_agreement_is_enough(f, X, *, trials, generator):
    """You are content with a single agreement. How many disagreements disprove a law?"""
    return any(_same(f(X[:, order]), f(X)[:, order]) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def majority_decides(f, X, *, trials, generator):
    """You let the majority of the trials decide. How many disagreements disprove a law?"""
    votes = [_same(f(X[:, order]), f(X)[:, order]) for order in _orders(X, trials, generator)]
    return 2 * sum(votes) > trials


@misconception(of="is_permutation_equivariant")
def no_tolerance(f, X, *, trials, generator):
    """You ask for equality to the last digit. What happens to a sum when it is added up in another order?"""
    return all(torch.equal(f(X[:, order]), f(X)[:, order]) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def too_much_tolerance(f, X, *, trials, generator):
    """You take a difference of 0.01 for rounding. How large is rounding in float32?"""
    return all(torch.allclose(f(X[:, order]), f(X)[:, order], atol=0.05) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def only_positive_differences_count(f, X, *, trials, generator):
    """You forgot the absolute value, so an output that is too small passes. What is the size of a difference?"""
    return all(bool((f(X[:, order]) - f(X)[:, order] < 1e-4).all()) for order in _orders(X, 1, generator))


@misconception(of="is_permutation_equivariant")
def average_difference_compared(f, X, *, trials, generator):
    """You average the differences, and plus and minus cancel. Where would one large difference show?"""
    return all(float((f(X[:, order]) - f(X)[:, order]).mean()) < 1e-4 for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def first_example_compared(f, X, *, trials, generator):
    """You look at the first token only. Where else may a difference be?"""
    return all(_same(f(X[:, order])[:, 0], f(X)[:, order[0]]) for order in _orders(X, trials, generator))


@misconception(of="is_permutation_equivariant")
def generator_ignored(f, X, *, trials, generator):
    """Your permutations come from the global generator, so a verdict cannot be repeated. What is `generator` for?"""
    return _judge(f, X, trials=trials, generator=None)


@misconception(of="is_permutation_equivariant")
def generator_of_its_own(f, X, *, trials, generator):
    """You make a generator of your own, and every call draws the same. What is `generator` for?"""
    return _judge(f, X, trials=trials, generator=torch.Generator().manual_seed(0))


@misconception(of="is_permutation_equivariant")
def tensor_returned(f, X, *, trials, generator):
    """Your verdict is a tensor. How does it become a bool?"""
    return torch.tensor(_judge(f, X, trials=trials, generator=generator))


@misconception(of="is_permutation_equivariant", group="robust")
def tokens_written_over(f, X, *, trials, generator):
    """You permute the caller's tokens in place. What if they are still needed?"""
    verdict = _judge(f, X.clone(), trials=trials, generator=generator)
    X.copy_(X[:, torch.randperm(X.shape[1], generator=generator)].flip(2))
    return verdict
