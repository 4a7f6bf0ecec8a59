"""Ways in which positions are not learned."""

import torch
from self_attention.learned_positions import LearnedPositionalEncoding
from torch import nn

from headcheck.properties import misconception


class _Parts(LearnedPositionalEncoding):
    """The right layer in parts, each of which somebody gets wrong."""

    def forward(self, X, offset=0):
        if offset + X.shape[1] > self.P.shape[1]:
            raise ValueError("too long")
        return self.drop(self.join(X, self.rows(X, offset)))

    def rows(self, X, offset):
        return self.P[:, offset : offset + X.shape[1]].to(X)

    def join(self, X, rows):
        return X + rows

    def drop(self, summed):
        return self.dropout(summed)


class zeros_at_first(_Parts):
    """All your vectors start as zeros, and no two positions differ. What tells them apart in the first step?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = nn.Parameter(torch.zeros(1, max_len, num_hiddens))


class one_row_for_all(_Parts):
    """You draw one vector and copy it to all positions. What tells them apart?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = nn.Parameter(0.02 * torch.randn(1, 1, num_hiddens).repeat(1, max_len, 1))


class as_large_as_words(_Parts):
    """Your vectors start with a standard deviation of 1 and drown the words. How large should they be?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = nn.Parameter(torch.randn(1, max_len, num_hiddens))


class uniform_at_first(_Parts):
    """You draw from a uniform distribution. Which one does the task name?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = nn.Parameter(0.02 * 3**0.5 * (2 * torch.rand(1, max_len, num_hiddens) - 1))


class never_negative(_Parts):
    """Your numbers have a mean above 0. Around what does the normal distribution lie?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = nn.Parameter(0.02 * torch.randn(1, max_len, num_hiddens) + 0.02)


class a_buffer(_Parts):
    """Your table is a buffer, which no optimizer changes. What is an nn.Parameter?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        del self.P
        self.register_buffer("P", 0.02 * torch.randn(1, max_len, num_hiddens))


class sines_again(_Parts):
    """You start from sines and cosines. What is there to be learned?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        angles = torch.arange(max_len)[:, None] / 10000 ** (torch.arange(num_hiddens) / num_hiddens)
        self.P = nn.Parameter(angles.sin()[None])


class table_under_another_name(_Parts):
    """Your table is called something else. How is a saved model to be read?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.table = nn.Parameter(self.P.detach().clone())
        del self.P

    def rows(self, X, offset):
        return self.table[:, offset : offset + X.shape[1]].to(X)


class no_axis_for_the_batch(_Parts):
    """Your table has two axes. Which three does the task give?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = nn.Parameter(0.02 * torch.randn(max_len, num_hiddens))

    def forward(self, X, offset=0):
        return self.dropout(X + self.P[offset : offset + X.shape[1]])


class max_len_written_out(_Parts):
    """Your table always has 64 positions. What is `max_len` for?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, 64)


class indexed_by_the_batch(_Parts):
    """You take as many vectors as there are examples. Which axis are the positions?"""

    def rows(self, X, offset):
        return self.P[:, offset : offset + X.shape[0]].mT.reshape(-1, X.shape[-1])[: X.shape[1]].to(X)


@misconception(trains=True)
class first_row_for_all(_Parts):
    """All positions get the first vector. Which is whose?"""

    def rows(self, X, offset):
        return self.P[:, offset : offset + 1].to(X)


class counted_from_one(_Parts):
    """Your first token gets the second vector. Where does counting begin?"""

    def rows(self, X, offset):
        return self.P.roll(-1, 1)[:, offset : offset + X.shape[1]].to(X)


class counted_backwards(_Parts):
    """Your last token gets the first vector. From which end are positions counted?"""

    def rows(self, X, offset):
        return super().rows(X, offset).flip(1)


class offset_ignored(_Parts):
    """You always begin at position 0. Where does `offset` say that the first token stands?"""

    def rows(self, X, offset):
        return super().rows(X, 0)


class offset_from_the_end(_Parts):
    """You count the offset from the end of the table. Where does it begin?"""

    def rows(self, X, offset):
        return self.P.roll(offset, 1)[:, : X.shape[1]].to(X)


class goes_round(_Parts):
    """Beyond the last position you begin again, and two positions share a vector. What does the task want there?"""

    def forward(self, X, offset=0):
        places = (offset + torch.arange(X.shape[1])) % self.P.shape[1]
        return self.dropout(X + self.P[:, places].to(X))


class stays_at_the_last(_Parts):
    """Beyond the last position you repeat the last vector. What does the task want there?"""

    def forward(self, X, offset=0):
        places = (offset + torch.arange(X.shape[1])).clamp(max=self.P.shape[1] - 1)
        return self.dropout(X + self.P[:, places].to(X))


class offset_left_out_of_the_check(_Parts):
    """You compare only the number of positions with max_len. Where do they begin?"""

    def forward(self, X, offset=0):
        if X.shape[1] > self.P.shape[1]:
            raise ValueError("too long")
        places = (offset + torch.arange(X.shape[1])).clamp(max=self.P.shape[1] - 1)
        return self.dropout(X + self.P[:, places].to(X))


class last_position_refused(_Parts):
    """You refuse exactly max_len positions. How many vectors are there?"""

    def forward(self, X, offset=0):
        if offset + X.shape[1] >= self.P.shape[1]:
            raise ValueError("too long")
        return super().forward(X, offset)


class another_error(_Parts):
    """Too many positions end in an error of torch's, about sizes. Which error says what is wrong?"""

    def forward(self, X, offset=0):
        return self.dropout(X + self.P[:, offset : offset + X.shape[1]].to(X) * torch.ones(X.shape[1], 1))


class detached(_Parts):
    """No gradient reaches your table, so it is never learned. What does `.data` or `.detach()` do?"""

    def rows(self, X, offset):
        return super().rows(X, offset).detach()


class input_detached(_Parts):
    """No gradient gets through to what comes before. Who needs it?"""

    def join(self, X, rows):
        return X.detach() + rows


class multiplied(_Parts):
    """You multiply by the vectors. What happens to a token whose vector is near 0?"""

    def join(self, X, rows):
        return X * rows


class scaled_by_the_root(_Parts):
    """You scale the input up. Who does that, and where?"""

    def join(self, X, rows):
        return X * X.shape[-1] ** 0.5 + rows


class averaged(_Parts):
    """You halve the sum. What was asked for?"""

    def join(self, X, rows):
        return (X + rows) / 2


class input_left_out(_Parts):
    """You return the vectors alone. Where is the word?"""

    def join(self, X, rows):
        return rows + 0 * X


class no_dropout(_Parts):
    """You never drop anything. What is `dropout` for?"""

    def drop(self, summed):
        return summed


class dropout_always(_Parts):
    """You drop in evaluation mode as well. Who tells the layer that it is training?"""

    def drop(self, summed):
        return nn.functional.dropout(summed, self.dropout.p)


class dropout_on_the_vectors(_Parts):
    """You drop from the vectors before the sum. Dropout of what does the task ask for?"""

    def join(self, X, rows):
        return X + self.dropout(rows.expand_as(X))

    def drop(self, summed):
        return summed


class rate_inverted(_Parts):
    """You keep what should be dropped. Is `dropout` the share that stays or the one that goes?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, 1 - dropout if dropout else 0.0, max_len)


@misconception(group="robust")
class half_precision_lost(_Parts):
    """Half precision comes in and float32 goes out. Which dtype should the vectors have in the sum?"""

    def rows(self, X, offset):
        return self.P[:, offset : offset + X.shape[1]]


@misconception(group="robust")
class written_into_the_input(_Parts):
    """You add into the caller's tensor. Whose is it?"""

    def join(self, X, rows):
        return X.add_(rows) if not X.requires_grad else X + rows


class gradient_stopped_by_a_copy(_Parts):
    """You copy the table into a plain tensor at construction, and training never changes what is added. Who reads P?"""

    def __init__(self, num_hiddens, dropout, max_len=64):
        super().__init__(num_hiddens, dropout, max_len)
        self.copy = self.P.detach().clone()

    def rows(self, X, offset):
        return (self.copy + 0 * self.P)[:, offset : offset + X.shape[1]].to(X)
