"""Ways to get the costs of a layer wrong."""

from math import ceil, log, log2

from self_attention.layer_costs import layers_to_connect as _layers
from self_attention.layer_costs import multiply_adds as _products
from self_attention.layer_costs import sequential_steps as _steps

from headcheck.properties import misconception


@misconception(of="multiply_adds")
def attention_squares_the_width(kind, n, d, k=3):
    """You count n * n * d * d for attention. How long is the dot product of two tokens?"""
    return n * n * d * d if kind == "self_attention" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def attention_meets_each_token_once(kind, n, d, k=3):
    """You count n * d for attention. With how many tokens does each one compare itself?"""
    return n * d if kind == "self_attention" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def attention_like_a_dense_layer(kind, n, d, k=3):
    """You count n * d * d twice for attention. What is multiplied there, if projections are left out?"""
    return 2 * n * d * d if kind == "self_attention" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def scores_only(kind, n, d, k=3):
    """You count the scores of attention. What happens to the values afterwards?"""
    return n * n * d if kind == "self_attention" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def projections_included(kind, n, d, k=3):
    """You count the projections as well. Which part of attention is asked for?"""
    return _products(kind, n, d, k) + (4 * n * d * d if kind == "self_attention" else 0)


@misconception(of="multiply_adds")
def softmax_included(kind, n, d, k=3):
    """You count the softmax as well. Which part of attention is asked for?"""
    return _products(kind, n, d, k) + (n * n if kind == "self_attention" else 0)


@misconception(of="multiply_adds")
def each_pair_once(kind, n, d, k=3):
    """You count each pair of tokens once. Is the score of a with b that of b with a?"""
    return n * (n + 1) * d if kind == "self_attention" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def attention_within_the_kernel(kind, n, d, k=3):
    """You let a token attend to k neighbours. Whom does it see without a kernel?"""
    return 2 * k * n * d if kind == "self_attention" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def state_forgotten(kind, n, d, k=3):
    """You count one matrix for each token of a recurrent layer. With what is the state multiplied?"""
    return n * d * d if kind == "rnn" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def state_starts_for_free(kind, n, d, k=3):
    """You leave the first state out because it is zero. Does the layer know that?"""
    return (2 * n - 1) * d * d if kind == "rnn" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def recurrence_by_feature(kind, n, d, k=3):
    """Your recurrent layer multiplies each feature once. How many numbers has a matrix from d to d?"""
    return 2 * n * d if kind == "rnn" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def recurrence_looks_at_all_tokens(kind, n, d, k=3):
    """You count n * n * d for a recurrent layer. How many states does it look at for each token?"""
    return 2 * n * n * d if kind == "rnn" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def four_gates(kind, n, d, k=3):
    """You count the gates of an LSTM. How many matrices has a plain recurrent layer?"""
    return 8 * n * d * d if kind == "rnn" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def kernel_forgotten(kind, n, d, k=3):
    """Your convolution costs the same for every k. How many neighbours does each output add up?"""
    return n * d * d if kind == "conv" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def kernel_fixed(kind, n, d, k=3):
    """Your kernel always has three tokens. What is the argument k for?"""
    return _products(kind, n, d, 3)


@misconception(of="multiply_adds")
def kernel_of_five_by_default(kind, n, d, k=5):
    """Without k your kernel has five tokens. Which default was asked for?"""
    return _products(kind, n, d, k)


@misconception(of="multiply_adds")
def kernel_required(kind, n, d, k):
    """Your function cannot do without k, which only a convolution needs. Which default was asked for?"""
    return _products(kind, n, d, k)


@misconception(of="multiply_adds")
def kernel_squared(kind, n, d, k=3):
    """You count a kernel of k by k, as for images. How many axes has a sentence?"""
    return k * k * n * d * d if kind == "conv" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def one_channel_at_a_time(kind, n, d, k=3):
    """Your convolution keeps the channels apart. From how many of them does each output channel take?"""
    return k * n * d if kind == "conv" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def no_padding(kind, n, d, k=3):
    """You count an output for each full kernel only. How many tokens come out with padding?"""
    return k * max(n - k + 1, 0) * d * d if kind == "conv" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def padding_for_free(kind, n, d, k=3):
    """You leave the products with padding out. Does the layer know which of its inputs are padding?"""
    if kind != "conv":
        return _products(kind, n, d, k)
    return sum(min(n, i + k // 2 + 1) - max(0, i - k // 2) for i in range(n)) * d * d


@misconception(of="multiply_adds")
def half_kernel(kind, n, d, k=3):
    """You multiply by k // 2. How many neighbours, the middle included, does a kernel hold?"""
    return k // 2 * n * d * d if kind == "conv" else _products(kind, n, d, k)


@misconception(of="multiply_adds")
def additions_counted_apart(kind, n, d, k=3):
    """You count products and additions apart, which doubles everything. What is one multiply-add?"""
    return 2 * _products(kind, n, d, k)


@misconception(of="multiply_adds")
def constants_left_out(kind, n, d, k=3):
    """You give the order of magnitude, without its constants. How many products are there exactly?"""
    return {"conv": k * n * d * d, "rnn": n * d * d, "self_attention": n * n * d}[kind]


@misconception(of="multiply_adds")
def conv_and_rnn_swapped(kind, n, d, k=3):
    """You took the convolution for the recurrent layer and the other way round. Which of them has a kernel?"""
    return _products({"conv": "rnn", "rnn": "conv"}.get(kind, kind), n, d, k)


@misconception(of="multiply_adds")
def floats_returned(kind, n, d, k=3):
    """You return floats. Which operation of yours makes one?"""
    return float(_products(kind, n, d, k))


@misconception(of="multiply_adds")
def computed_in_floats(kind, n, d, k=3):
    """You convert to int at the end, when the last digits are gone. How many digits has a float?"""
    return int(float(_products(kind, n, d, k)))


@misconception(of="sequential_steps")
def all_at_once(kind, n):
    """You let a recurrent layer compute all tokens at once. What does the second state need?"""
    return 1


@misconception(of="sequential_steps")
def first_step_for_free(kind, n):
    """You count the steps between tokens. Is the first token free?"""
    return n - 1 if kind == "rnn" else 1


@misconception(of="sequential_steps")
def halving_steps(kind, n):
    """You let states be joined in pairs, as in a parallel sum. Can two steps with a tanh be joined?"""
    return ceil(log2(n)) if kind == "rnn" else 1


@misconception(of="sequential_steps")
def attention_waits_for_each_query(kind, n):
    """You let the queries take turns. Which of them needs the answer to another?"""
    return _steps("rnn" if kind == "self_attention" else kind, n)


@misconception(of="sequential_steps")
def attention_in_two_steps(kind, n):
    """You count the parts of attention as steps. Which of the tokens has to wait for another one's output?"""
    return 2 if kind == "self_attention" else _steps(kind, n)


@misconception(of="sequential_steps")
def convolution_slides(kind, n):
    """Your kernel slides over the tokens one by one. Must it?"""
    return _steps("rnn" if kind == "conv" else kind, n)


@misconception(of="sequential_steps")
def everything_waits(kind, n):
    """All your layers take n steps. Which of them could use n processors?"""
    return n


@misconception(of="sequential_steps")
def steps_as_floats(kind, n):
    """You return floats. Can there be half a step?"""
    return float(_steps(kind, n))


@misconception(of="layers_to_connect")
def rounded_down(kind, n, k=3):
    """You round down, so the last token is just out of reach. What must happen to a remainder?"""
    return (n - 1) // (k // 2) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def rounded_to_the_nearest(kind, n, k=3):
    """You round to the nearest, so the last token is sometimes just out of reach. Which way must a remainder go?"""
    return round((n - 1) / (k // 2)) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def whole_kernel_as_reach(kind, n, k=3):
    """You let each layer carry k tokens far. To which side does the other half of a kernel look?"""
    return ceil((n - 1) / k) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def one_sided_kernel(kind, n, k=3):
    """You let each layer carry k - 1 tokens far, as if the kernel looked back only. Where is its middle?"""
    return ceil((n - 1) / (k - 1)) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def half_of_an_odd_number(kind, n, k=3):
    """You divide by k / 2, which is half a token too far. How many whole neighbours are on each side?"""
    return ceil((n - 1) / (k / 2)) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def distance_counted_from_one(kind, n, k=3):
    """You divide n. How far is the last of n tokens from the first?"""
    return ceil(n / (k // 2)) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def one_layer_too_many(kind, n, k=3):
    """You add a layer to be on the safe side. When is the way an exact multiple of the reach?"""
    return (n - 1) // (k // 2) + 1 if kind == "conv" else 1


@misconception(of="layers_to_connect")
def order_of_magnitude(kind, n, k=3):
    """You give n / k, the order of magnitude. What is the exact number?"""
    return ceil(n / k) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def dilated_kernels(kind, n, k=3):
    """You let the reach grow from layer to layer, as dilation does. How far apart are the neighbours of this kernel?"""
    return max(1, ceil(log(n, k))) if kind == "conv" else 1


@misconception(of="layers_to_connect")
def kernel_ignored(kind, n, k=3):
    """Your convolution only sees its next neighbours. What is the argument k for?"""
    return n - 1 if kind == "conv" else 1


@misconception(of="layers_to_connect")
def reach_of_five_by_default(kind, n, k=5):
    """Without k your kernel has five tokens. Which default was asked for?"""
    return _layers(kind, n, k)


@misconception(of="layers_to_connect")
def one_layer_is_enough(kind, n, k=3):
    """You connect everything in one layer. How far does a kernel of three tokens see?"""
    return 1


@misconception(of="layers_to_connect")
def steps_counted_as_layers(kind, n, k=3):
    """You count the steps inside a recurrent layer. How many layers is that?"""
    return n if kind == "rnn" else _layers(kind, n, k)


@misconception(of="layers_to_connect")
def attention_layer_by_layer(kind, n, k=3):
    """You let attention look at neighbours only. Who is too far away for a dot product?"""
    return n - 1 if kind == "self_attention" else _layers(kind, n, k)


@misconception(of="layers_to_connect")
def nothing_needed(kind, n, k=3):
    """You need no layer of attention at all. What connects the tokens then?"""
    return 0 if kind == "self_attention" else _layers(kind, n, k)


@misconception(of="layers_to_connect")
def layers_as_floats(kind, n, k=3):
    """You return floats. Can half a layer be stacked?"""
    return float(_layers(kind, n, k))
