"""Ways to misjudge heads, and to prune the wrong thing."""

import copy

import torch
from multihead.head_importance import head_importance, prune_heads
from multihead.multi_head_attention import MultiHeadAttention
from torch import nn
from torch.func import functional_call

from headcheck.properties import misconception


def _slices(mha):
    """For each head, where its features lie."""
    size = mha.W_o.in_features // mha.num_heads
    return [slice(head * size, (head + 1) * size) for head in range(mha.num_heads)]


@torch.no_grad()
def _losses(mha, loss_fn, batch, states):
    """The losses of the layer with other weights, in evaluation mode."""
    training = mha.training
    mha.eval()
    losses = torch.stack([loss_fn(functional_call(mha, state, batch)) for state in states])
    mha.train(training)
    return losses


def _without(mha, columns):
    """Weights of `W_o` that do not see these features."""
    weight = mha.W_o.weight.detach().clone()
    weight[:, columns] = 0
    return {"W_o.weight": weight}


@misconception(of="head_importance")
def sign_reversed(mha, loss_fn, batch):
    """You took the loss without the head from the full loss. Should a head that helps be positive or negative?"""
    return -head_importance(mha, loss_fn, batch)


@misconception(of="head_importance")
def full_loss_forgotten(mha, loss_fn, batch):
    """You return the loss without each head. What would a head that does nothing at all get?"""
    return _losses(mha, loss_fn, batch, [_without(mha, own) for own in _slices(mha)])


@misconception(of="head_importance")
def relative_to_the_full_loss(mha, loss_fn, batch):
    """You divided by the full loss. In which unit is an importance?"""
    return head_importance(mha, loss_fn, batch) / _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def only_one_head_left(mha, loss_fn, batch):
    """You kept one head and silenced all others. Which question does that answer, and which one was asked?"""
    columns = [[i for i in range(mha.W_o.in_features) if not own.start <= i < own.stop] for own in _slices(mha)]
    return _losses(mha, loss_fn, batch, [_without(mha, others) for others in columns]) - _losses(
        mha, loss_fn, batch, [{}]
    )


@misconception(of="head_importance")
def gate_after_the_mixing(mha, loss_fn, batch):
    """You set a slice of the layer's output to zero. Whose features are there once `W_o` has mixed the heads?"""

    def cut(own):
        state = {"W_o.weight": mha.W_o.weight.detach().clone()}
        state["W_o.weight"][own] = 0
        if mha.W_o.bias is not None:
            state["W_o.bias"] = mha.W_o.bias.detach().clone()
            state["W_o.bias"][own] = 0
        return state

    return _losses(mha, loss_fn, batch, [cut(own) for own in _slices(mha)]) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
@torch.no_grad()
def entropy_of_the_weights(mha, loss_fn, batch):
    """You measured how sharply each head looks. What does that say about the loss?"""
    mha(*batch)
    weights = mha.attention.attention_weights.unflatten(0, (-1, mha.num_heads))
    return torch.special.entr(weights).sum(-1).mean((0, 2))


@misconception(of="head_importance")
def every_nth_feature(mha, loss_fn, batch):
    """You silenced every `num_heads`-th feature. Which features lie side by side in a head?"""
    columns = [slice(head, None, mha.num_heads) for head in range(mha.num_heads)]
    states = [_without(mha, own) for own in columns]
    return _losses(mha, loss_fn, batch, states) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def silence_piles_up(mha, loss_fn, batch):
    """You never gave a head its voice back before silencing the next. How many heads are silent when you measure the
    last?
    """
    states = [_without(mha, slice(0, own.stop)) for own in _slices(mha)]
    return _losses(mha, loss_fn, batch, states) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def others_made_louder(mha, loss_fn, batch):
    """You scaled the remaining heads up, as dropout would. What else than the silent head may differ between the two
    losses?
    """
    louder = mha.num_heads / (mha.num_heads - 1)
    states = [{"W_o.weight": _without(mha, own)["W_o.weight"] * louder} for own in _slices(mha)]
    return _losses(mha, loss_fn, batch, states) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def silent_values_but_not_their_bias(mha, loss_fn, batch):
    """You set the head's rows of `W_v.weight` to zero. What does the head still say when `W_v` has a bias?"""

    def cut(own):
        weight = mha.W_v.weight.detach().clone()
        weight[own] = 0
        return {"W_v.weight": weight}

    return _losses(mha, loss_fn, batch, [cut(own) for own in _slices(mha)]) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def looks_evenly_instead_of_silent(mha, loss_fn, batch):
    """You took away what the head looks at, not what it says. What is its output when all its scores are zero?"""

    def cut(own):
        state = {name: value.detach().clone() for name, value in mha.named_parameters() if name.startswith("W_q")}
        for value in state.values():
            value[own] = 0
        return state

    return _losses(mha, loss_fn, batch, [cut(own) for own in _slices(mha)]) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def output_bias_lost(mha, loss_fn, batch):
    """Your measurement without the head also lacks the bias of `W_o`. Does the bias belong to any head?"""
    lost = {} if mha.W_o.bias is None else {"W_o.bias": torch.zeros_like(mha.W_o.bias)}
    states = [_without(mha, own) | lost for own in _slices(mha)]
    return _losses(mha, loss_fn, batch, states) - _losses(mha, loss_fn, batch, [{}])


@misconception(of="head_importance")
def lengths_forgotten(mha, loss_fn, batch):
    """You left `valid_lens` out, so the heads look at padding. What is the fourth element of `batch` for?"""
    return head_importance(mha, loss_fn, (*batch[:3], None))


@misconception(of="head_importance")
def absolute_values(mha, loss_fn, batch):
    """You took the size of the change. How does one tell a head that helps from one that does harm?"""
    return head_importance(mha, loss_fn, batch).abs()


@misconception(of="head_importance")
def shares_of_the_whole(mha, loss_fn, batch):
    """You made the importances sum to 1. What if every head can be spared, because another one does the same?"""
    found = head_importance(mha, loss_fn, batch)
    return found / found.sum()


@misconception(of="head_importance")
@torch.no_grad()
def measured_with_dropout(mha, loss_fn, batch):
    """You measured with dropout switched on. How much of your result would change if you ran it again?"""
    full = loss_fn(mha(*batch))
    return torch.stack([loss_fn(functional_call(mha, _without(mha, own), batch)) for own in _slices(mha)]) - full


@misconception(of="head_importance")
def mode_left_in_evaluation(mha, loss_fn, batch):
    """You switched to evaluation mode and stayed there. What does a training loop find after your measurement?"""
    return head_importance(mha.eval(), loss_fn, batch)


@misconception(of="head_importance")
def mode_left_in_training(mha, loss_fn, batch):
    """You always switch to training mode at the end. In which mode was the layer when it came?"""
    found = head_importance(mha, loss_fn, batch)
    mha.train()
    return found


@misconception(of="head_importance")
@torch.no_grad()
def last_head_left_silent(mha, loss_fn, batch):
    """You changed the layer's own weights, and not all of them came back. What does the layer answer after your
    measurement?
    """
    found = head_importance(mha, loss_fn, batch)
    mha.W_o.weight[:, _slices(mha)[-1]] = 0
    return found


@misconception(of="head_importance")
def list_of_numbers(mha, loss_fn, batch):
    """You returned a list. Which call makes a tensor of it?"""
    return head_importance(mha, loss_fn, batch).tolist()


@misconception(of="head_importance")
def first_example_only(mha, loss_fn, batch):
    """You measured on the first example only. What does the loss look like for the whole batch?"""
    return head_importance(mha, loss_fn, tuple(None if part is None else part[:1] for part in batch))


@misconception(of="head_importance")
def values_zeroed_in_the_batch(mha, loss_fn, batch):
    """You changed the values of the caller's batch. What will the next function make of them?"""
    found = head_importance(mha, loss_fn, batch)
    batch[2].zero_()
    return found


def _cut(mha, rows, columns=None, *, W_o=None, heads=None, bias=True):
    """A smaller layer with these rows of the projections and these columns of `W_o`."""
    columns = rows if columns is None else columns
    state = {name: value.clone() for name, value in mha.state_dict().items() if bias or not name.endswith("bias")}
    sizes = mha.W_k.in_features, mha.W_q.in_features, mha.W_v.in_features
    has_bias = any(name.endswith("bias") for name in state)
    pruned = MultiHeadAttention(*sizes, len(rows), heads, mha.attention.dropout.p, bias=has_bias)
    pruned.W_o = nn.Linear(len(columns), mha.W_o.out_features, bias=has_bias)
    kept = {name: value[rows] for name, value in state.items() if not name.startswith("W_o")}
    W_o = state["W_o.weight"][:, columns] if W_o is None else W_o
    pruned.to(mha.W_o.weight).load_state_dict(state | kept | {"W_o.weight": W_o})
    return pruned.train(mha.training)


def _features(mha, heads):
    return [feature for head in heads for feature in range(_slices(mha)[head].start, _slices(mha)[head].stop)]


@misconception(of="prune_heads")
def rows_of_the_output_matrix_cut(mha, keep):
    """You cut rows of `W_o` where its columns belong to the heads. Which axis of its weight is the input?"""
    pruned = prune_heads(mha, keep)
    kept = _features(mha, keep)
    pruned.W_o = nn.Linear(mha.W_o.in_features, len(kept))
    pruned.W_o.weight.data = mha.W_o.weight.detach()[kept]
    return pruned


@misconception(of="prune_heads")
def rows_where_columns_belong(mha, keep):
    """You took the rows of `W_o` that belong to the kept heads and turned them into columns. Which axis of its weight
    is the input?
    """
    kept = _features(mha, keep)
    return _cut(mha, kept, W_o=mha.W_o.weight.detach()[kept].T, heads=len(keep))


@misconception(of="prune_heads")
def first_heads_kept(mha, keep):
    """You kept as many heads as asked for, but always the first ones. Which ones does `keep` name?"""
    return prune_heads(mha, list(range(len(keep))))


@misconception(of="prune_heads")
def named_heads_removed(mha, keep):
    """You removed the heads in `keep`. What does its name ask for?"""
    others = [head for head in range(mha.num_heads) if head not in keep]
    return prune_heads(mha, others or keep)


@misconception(of="prune_heads")
def rest_made_louder(mha, keep):
    """You scaled the kept heads up to make good for the others. Would the output equal that of the gated layer?"""
    kept = _features(mha, keep)
    louder = mha.num_heads / len(keep)
    return _cut(mha, kept, W_o=mha.W_o.weight.detach()[:, kept] * louder, heads=len(keep))


@misconception(of="prune_heads")
def strided_slices(mha, keep):
    """You took every `num_heads`-th feature for a head. Which features lie side by side in a head?"""
    features = range(mha.W_q.out_features)
    kept = [feature for head in keep for feature in features if feature % mha.num_heads == head]
    return _cut(mha, kept, heads=len(keep))


@misconception(of="prune_heads")
def columns_of_the_first_heads(mha, keep):
    """You cut the projections at the kept heads, but took the first columns of `W_o`. Which columns read which head?"""
    kept = _features(mha, keep)
    return _cut(mha, kept, list(range(len(kept))), heads=len(keep))


@misconception(of="prune_heads")
def columns_in_another_order(mha, keep):
    """Your columns of `W_o` are sorted, your rows of the projections follow `keep`. Does each column meet its head?"""
    return _cut(mha, _features(mha, keep), _features(mha, sorted(keep)), heads=len(keep))


@misconception(of="prune_heads")
def kept_heads_merged(mha, keep):
    """Your pruned layer attends once with all the kept features. How many softmaxes did the kept heads have?"""
    return _cut(mha, _features(mha, keep), heads=1)


@misconception(of="prune_heads")
def head_count_kept(mha, keep):
    """Your pruned layer splits what is left into as many heads as before, so they are narrower. What must stay the same
    for a kept head?
    """
    kept = _features(mha, keep)
    return _cut(mha, kept, heads=mha.num_heads if len(kept) % mha.num_heads == 0 else 1)


@misconception(of="prune_heads")
def one_feature_a_head(mha, keep):
    """You used the numbers of heads as numbers of features. How many rows belong to one head?"""
    return _cut(mha, list(keep), heads=len(keep))


@misconception(of="prune_heads")
def biases_lost(mha, keep):
    """Your pruned layer has no biases, even where the full one has. What do they add to every head,
    and to the output?
    """
    return _cut(mha, _features(mha, keep), heads=len(keep), bias=False)


@misconception(of="prune_heads")
def output_bias_shared_out(mha, keep):
    """You kept only a share of the bias of `W_o`. Does that bias belong to the heads?"""
    pruned = prune_heads(mha, keep)
    if pruned.W_o.bias is not None:
        pruned.W_o.bias.data *= len(keep) / mha.num_heads
    return pruned


@misconception(of="prune_heads")
@torch.no_grad()
def original_silenced(mha, keep):
    """You silenced heads in the layer that was handed in. What does its owner find afterwards?"""
    pruned = prune_heads(mha, keep)
    for head, own in enumerate(_slices(mha)):
        if head not in keep:
            mha.W_o.weight[:, own] = 0
    return pruned


@misconception(of="prune_heads")
def only_zeroed(mha, keep):
    """You set weights to zero, but they are still there and still multiplied. Which rows and columns could go?"""
    pruned = copy.deepcopy(mha)
    for head, own in enumerate(_slices(mha)):
        if head not in keep:
            pruned.W_o.weight.data[:, own] = 0
    return pruned


@misconception(of="prune_heads")
def same_layer_returned(mha, keep):
    """You returned the layer as it came. What has become smaller?"""
    return mha


@misconception(of="prune_heads")
def queries_not_cut(mha, keep):
    """You cut keys and values, but the queries still have the features of all heads. Which matrices
    have rows of a head?
    """
    pruned = prune_heads(mha, keep)
    pruned.W_q = copy.deepcopy(mha.W_q)
    return pruned


@misconception(of="prune_heads", group="robust")
def memory_shared(mha, keep):
    """Your pruned layer's weights are slices of the full layer's. What happens to it when you train the pruned one?"""
    pruned = prune_heads(mha, keep)
    if pruned.W_o.bias is not None:
        pruned.W_o.bias = nn.Parameter(mha.W_o.bias.data)
    return pruned


@misconception(of="prune_heads", group="robust")
def always_float32(mha, keep):
    """Your pruned layer is float32, whatever the full one was. Which dtype does a new layer have?"""
    return prune_heads(mha, keep).float()


@misconception(of="prune_heads")
def attention_shared(mha, keep):
    """Your pruned layer uses the attention module of the full one, so what one of them does shows in the other. What
    belongs to whom?
    """
    pruned = prune_heads(mha, keep)
    pruned.attention = mha.attention
    return pruned


@misconception(of="prune_heads", group="robust")
def dropout_forgotten(mha, keep):
    """Your pruned layer no longer drops any weights in training. Where does the full layer keep its rate?"""
    pruned = prune_heads(mha, keep)
    pruned.attention.dropout.p = 0.0
    return pruned


@misconception(of="prune_heads")
def full_layer_left_in_evaluation(mha, keep):
    """You switched the full layer to evaluation mode and left it there. Who asked for that?"""
    pruned = prune_heads(mha, keep)
    mha.eval()
    return pruned
