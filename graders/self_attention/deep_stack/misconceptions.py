"""Ways to get the similarity of tokens, or the stack, wrong."""

import torch
from given.blocks import AttentionBlock, random_tokens
from self_attention.deep_stack import similarity_by_depth, token_similarity
from torch import nn

from headcheck.properties import misconception


def _cosines(X):
    """The table of cosines of each sequence, (batch, positions, positions)."""
    directions = nn.functional.normalize(X, dim=-1)
    return directions @ directions.mT


def _pairs(table):
    """The entries off the diagonal."""
    return table[:, ~torch.eye(table.shape[-1], dtype=torch.bool)]


@misconception(of="token_similarity")
def diagonal_included(X):
    """You count each token's cosine with itself, which is always 1. What does it say about the others?"""
    return _cosines(X).mean().item()


@misconception(of="token_similarity")
def diagonal_emptied_but_counted(X):
    """You leave the diagonal out of the sum but not out of the count. How many pairs are there?"""
    table = _cosines(X)
    return (table * (1 - torch.eye(X.shape[1]))).mean().item()


@misconception(of="token_similarity")
def lengths_left_in(X):
    """You take dot products, so long tokens count for more. What makes a cosine of a dot product?"""
    return _pairs(X @ X.mT).mean().item()


@misconception(of="token_similarity")
def one_length_taken_out(X):
    """You divide by the length of one of the two tokens. How many lengths are in a dot product?"""
    return _pairs(nn.functional.normalize(X, dim=-1) @ X.mT).mean().item()


@misconception(of="token_similarity")
def scaled_as_attention(X):
    """You divide the dot products by the root of the size, as attention does. What makes a cosine of a dot product?"""
    return _pairs(X @ X.mT / X.shape[-1] ** 0.5).mean().item()


@misconception(of="token_similarity")
def features_normalised(X):
    """You normalise along the positions, so features get length 1 and not tokens. Which axis belongs to one token?"""
    directions = nn.functional.normalize(X, dim=1)
    return _pairs(directions @ directions.mT).mean().item()


@misconception(of="token_similarity")
def whole_sequence_normalised(X):
    """You divide by the length of the whole sequence. Of which vectors is it the cosine?"""
    directions = X / X.norm(dim=(1, 2), keepdim=True)
    return _pairs(directions @ directions.mT).mean().item()


@misconception(of="token_similarity")
def features_compared(X):
    """You compare the features with each other instead of the tokens. Along which axis lies a token?"""
    return _pairs(_cosines(X.mT)).mean().item()


@misconception(of="token_similarity")
def sequences_compared(X):
    """You compare tokens at the same position of different sequences. Who should resemble whom?"""
    return _pairs(_cosines(X.transpose(0, 1))).mean().item()


@misconception(of="token_similarity")
def all_tokens_in_one_heap(X):
    """You compare tokens of different sequences, too. Which pairs can attention make alike?"""
    return _pairs(_cosines(X.flatten(0, 1)[None])).mean().item()


@misconception(of="token_similarity")
def batch_averaged_first(X):
    """You average the sequences before you compare their tokens. What is left of a direction in such a mean?"""
    return _pairs(_cosines(X.mean(0, keepdim=True))).mean().item()


@misconception(of="token_similarity")
def first_sequence_only(X):
    """You look at the first sequence of the batch only. What about the others?"""
    return _pairs(_cosines(X[:1])).mean().item()


@misconception(of="token_similarity")
def first_token_only(X):
    """You compare all tokens with the first one. What if only that one is different?"""
    return _cosines(X)[:, 0, 1:].mean().item()


@misconception(of="token_similarity")
def neighbours_only(X):
    """You compare each token with the next one. How many pairs do five tokens have?"""
    return nn.functional.cosine_similarity(X[:, 1:], X[:, :-1], dim=-1).mean().item()


@misconception(of="token_similarity")
def compared_with_the_mean(X):
    """You compare each token with the mean token, which contains it. Who is compared with whom?"""
    return nn.functional.cosine_similarity(X, X.mean(1, keepdim=True), dim=-1).mean().item()


@misconception(of="token_similarity")
def signs_lost(X):
    """You take the cosines' absolute values, so opposite tokens count as equal. Which values can a cosine have?"""
    return _pairs(_cosines(X)).abs().mean().item()


@misconception(of="token_similarity")
def cosines_squared(X):
    """You square the cosines. Which value have two opposite tokens?"""
    return _pairs(_cosines(X)).square().mean().item()


@misconception(of="token_similarity")
def most_similar_pair(X):
    """You return the largest cosine. Which of the pairs should count?"""
    return _pairs(_cosines(X)).max().item()


@misconception(of="token_similarity")
def sum_for_mean(X):
    """You add the cosines up. What becomes of your number when sequences are longer?"""
    return _pairs(_cosines(X)).sum().item()


@misconception(of="token_similarity")
def summed_over_the_batch(X):
    """You add up the means of the sequences. What becomes of your number when there are more of them?"""
    return _pairs(_cosines(X)).mean(1).sum().item()


@misconception(of="token_similarity")
def pairs_counted_once_but_divided_twice(X):
    """You add up each pair once, and divide as if each came twice. How many pairs are in half of the table?"""
    positions = X.shape[1]
    return (_cosines(X).triu(1).sum((1, 2)) / (positions * (positions - 1))).mean().item()


@misconception(of="token_similarity")
def features_centred(X):
    """You take each token's mean off first, which is a correlation. Is that the angle between the tokens?"""
    return _pairs(_cosines(X - X.mean(-1, keepdim=True))).mean().item()


@misconception(of="token_similarity")
def tokens_centred(X):
    """You take the mean token off first. What is left when all tokens are equal?"""
    return _pairs(_cosines(X - X.mean(1, keepdim=True))).mean().item()


@misconception(of="token_similarity")
def distances(X):
    """You measure how far apart the tokens are, so equal ones get 0. What is the cosine of equal tokens?"""
    return _pairs(torch.cdist(X, X)).mean().item()


@misconception(of="token_similarity")
def one_minus_cosine(X):
    """You return a distance: 0 for equal tokens. What is the cosine of equal tokens?"""
    return 1 - token_similarity(X)


@misconception(of="token_similarity")
def a_number_for_each_sequence(X):
    """You return a number for each sequence. What is the mean of a batch?"""
    return torch.stack([_pairs(_cosines(tokens[None])).mean() for tokens in X])


@misconception(of="token_similarity")
def a_tensor_returned(X):
    """You return a tensor. What turns a tensor with one number into the number?"""
    return _pairs(_cosines(X)).mean()


@misconception(of="token_similarity", group="robust")
def zero_by_zero(X):
    """A token of zeros makes your similarity NaN. What do you divide by?"""
    directions = X / X.norm(dim=-1, keepdim=True)
    return _pairs(directions @ directions.mT).mean().item()


@misconception(of="token_similarity")
def normalised_in_place(X):
    """You normalise the caller's tensor itself. What goes into the next block, then?"""
    X /= X.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return _pairs(X @ X.mT).mean().item()


@misconception(of="similarity_by_depth")
def residual_never_added(depth, *, residual, seed):
    """Your stack never adds what went in. What is `residual` for?"""
    return similarity_by_depth(depth, residual=False, seed=seed)


@misconception(of="similarity_by_depth")
def residual_always_added(depth, *, residual, seed):
    """Your stack always adds what went in. What is `residual` for?"""
    return similarity_by_depth(depth, residual=True, seed=seed)


@misconception(of="similarity_by_depth")
def residual_turned_around(depth, *, residual, seed):
    """Your stack adds what went in when it should not. Which way round is your condition?"""
    return similarity_by_depth(depth, residual=not residual, seed=seed)


@misconception(of="similarity_by_depth")
@torch.no_grad()
def first_input_added_everywhere(depth, *, residual, seed):
    """Every block of yours adds the tokens from the very start. What went into *this* block?"""
    generator = torch.Generator().manual_seed(seed)
    X = tokens = random_tokens(generator)
    found = []
    for _ in range(depth):
        Y = AttentionBlock(generator)(X)
        X = tokens + Y if residual else Y
        found.append(token_similarity(X))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def normalised_input_added(depth, *, residual, seed):
    """You add the normalised tokens instead of the tokens. What went into the block?"""
    generator = torch.Generator().manual_seed(seed)
    X = random_tokens(generator)
    found = []
    for _ in range(depth):
        block = AttentionBlock(generator)
        Y = block(X)
        X = block.norm(X) + Y if residual else Y
        found.append(token_similarity(X))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def one_residual_around_the_stack(depth, *, residual, seed):
    """You add the tokens once, behind all blocks. How many residual connections does a stack have?"""
    generator = torch.Generator().manual_seed(seed)
    tokens = X = random_tokens(generator)
    found = []
    for _ in range(depth):
        X = AttentionBlock(generator)(X)
        found.append(token_similarity(tokens + X if residual else X))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def blocks_measured_before_the_sum(depth, *, residual, seed):
    """You measure what the block returns, before it is added. What goes into the next block?"""
    generator = torch.Generator().manual_seed(seed)
    X = random_tokens(generator)
    found = []
    for _ in range(depth):
        Y = AttentionBlock(generator)(X)
        found.append(token_similarity(Y))
        X = X + Y if residual else Y
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def mean_for_sum(depth, *, residual, seed):
    """You average what went in and what came out, so the first tokens fade with every block. What is to be done?"""
    generator = torch.Generator().manual_seed(seed)
    X = random_tokens(generator)
    found = []
    for _ in range(depth):
        Y = AttentionBlock(generator)(X)
        X = (X + Y) / 2 if residual else Y
        found.append(token_similarity(X))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def one_block_for_all_depths(depth, *, residual, seed):
    """You send the tokens through one and the same block again and again. How many sets of weights has a stack?"""
    generator = torch.Generator().manual_seed(seed)
    X = random_tokens(generator)
    block = AttentionBlock(generator)
    found = []
    for _ in range(depth):
        Y = block(X)
        X = X + Y if residual else Y
        found.append(token_similarity(X))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def generator_started_again_for_each_block(depth, *, residual, seed):
    """You start the generator again for each block, so all have the same weights. How many generators are needed?"""
    X = random_tokens(torch.Generator().manual_seed(seed))
    found = []
    for _ in range(depth):
        Y = AttentionBlock(torch.Generator().manual_seed(seed))(X)
        X = X + Y if residual else Y
        found.append(token_similarity(X))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def blocks_side_by_side(depth, *, residual, seed):
    """All your blocks get the first tokens. What should the second block work on?"""
    generator = torch.Generator().manual_seed(seed)
    X = random_tokens(generator)
    blocks = [AttentionBlock(generator) for _ in range(depth)]
    return [token_similarity(X + block(X) if residual else block(X)) for block in blocks]


@misconception(of="similarity_by_depth")
@torch.no_grad()
def new_tokens_for_each_block(depth, *, residual, seed):
    """Every block of yours gets new tokens, so nothing is ever stacked. What should the second block work on?"""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(depth):
        X = random_tokens(generator)
        Y = AttentionBlock(generator)(X)
        found.append(token_similarity(X + Y if residual else Y))
    return found


@misconception(of="similarity_by_depth")
@torch.no_grad()
def blocks_drawn_before_the_tokens(depth, *, residual, seed):
    """You draw the blocks first, so the depth decides about the tokens. In which order does the task draw?"""
    generator = torch.Generator().manual_seed(seed)
    blocks = [AttentionBlock(generator) for _ in range(depth)]
    X = random_tokens(generator)
    found = []
    for block in blocks:
        Y = block(X)
        X = X + Y if residual else Y
        found.append(token_similarity(X))
    return found


@misconception(of="similarity_by_depth")
def seed_ignored(depth, *, residual, seed):
    """Your seed is written out. What did the caller ask for?"""
    return similarity_by_depth(depth, residual=residual, seed=0)


@misconception(of="similarity_by_depth")
@torch.no_grad()
def another_draw_each_time(depth, *, residual, seed):
    """Your generator starts anywhere, so no run can be repeated. What is the seed for?"""
    return similarity_by_depth(depth, residual=residual, seed=int(torch.randint(2**31, ())))


@misconception(of="similarity_by_depth")
def first_tokens_measured_too(depth, *, residual, seed):
    """Your list begins with the tokens that no block has touched. How many numbers are asked for?"""
    generator = torch.Generator().manual_seed(seed)
    return [token_similarity(random_tokens(generator)), *similarity_by_depth(depth, residual=residual, seed=seed)]


@misconception(of="similarity_by_depth")
def measured_one_block_early(depth, *, residual, seed):
    """You measure before each block instead of after it. What do the first tokens tell about a stack?"""
    return first_tokens_measured_too(depth, residual=residual, seed=seed)[:depth]


@misconception(of="similarity_by_depth")
def top_of_the_stack_only(depth, *, residual, seed):
    """You measure once, at the top. How would one see how fast the tokens become alike?"""
    return similarity_by_depth(depth, residual=residual, seed=seed)[-1:]


@misconception(of="similarity_by_depth")
def from_the_top_down(depth, *, residual, seed):
    """Your list begins with the last block. In which order do the tokens meet the blocks?"""
    return similarity_by_depth(depth, residual=residual, seed=seed)[::-1]
