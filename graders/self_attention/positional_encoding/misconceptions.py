"""Ways to get the positional encoding wrong."""

import torch
from self_attention.positional_encoding import PositionalEncoding
from torch import nn

from headcheck.properties import misconception


class _Table(PositionalEncoding):
    """The right table in parts, each of which somebody gets wrong."""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = self.table(max_len, num_hiddens)[None]

    def table(self, max_len, num_hiddens):
        positions = self.positions(max_len)[:, None]
        exponents = self.exponents(torch.arange(0, num_hiddens, 2) / num_hiddens)
        angles = self.angles(positions, exponents)
        return self.arrange(angles.sin(), angles.cos())[:, :num_hiddens]

    def positions(self, max_len):
        return torch.arange(max_len).float()

    def exponents(self, exponents):
        return exponents

    def angles(self, positions, exponents):
        return positions / 10000**exponents

    def arrange(self, sines, cosines):
        return torch.stack([sines, cosines], dim=-1).flatten(1)


class _Sum(PositionalEncoding):
    """The right forward pass in parts, each of which somebody gets wrong."""

    def forward(self, X, offset=0):
        end = offset + X.shape[1]
        if end > self.P.shape[1]:
            raise ValueError("too long")
        return self.drop(self.join(X, self.rows(X, offset, end).to(X)))

    def rows(self, X, offset, end):
        return self.P[:, offset:end]

    def join(self, X, rows):
        return X + rows

    def drop(self, summed):
        return self.dropout(summed)


class sine_and_cosine_swapped(_Table):
    """Your even columns are cosines. What should the first number of position 0 be?"""

    def arrange(self, sines, cosines):
        return super().arrange(cosines, sines)


class halves_concatenated(_Table):
    """You put all sines first and all cosines after them. Which columns belong to one hand of the clock?"""

    def arrange(self, sines, cosines):
        return torch.cat([sines, cosines], dim=1)


class sines_only(_Table):
    """Both numbers of a pair are the sine, so a hand is known by its height alone. What tells rising from falling?"""

    def arrange(self, sines, cosines):
        return super().arrange(sines, sines)


class base_one_thousand(_Table):
    """Your slowest hands turn too fast. Which number does the formula raise to a power?"""

    def angles(self, positions, exponents):
        return positions / 1000**exponents


class base_is_the_table_length(_Table):
    """Your speeds depend on `max_len`, so another table gives position 1 another encoding. What is the base?"""

    def angles(self, positions, exponents):
        return positions / float(len(positions)) ** exponents


class exponent_doubled(_Table):
    """You counted the 2 of the exponent twice, and your hands slow down twice as fast. Is your index j or 2j?"""

    def exponents(self, exponents):
        return 2 * exponents


class exponent_halved(_Table):
    """You left out the 2 of the exponent, and your slowest hand is still fast. Is your index j or 2j?"""

    def exponents(self, exponents):
        return exponents / 2


class exponents_up_to_one(_Table):
    """Your last hand has the exponent 1. What is the largest 2j, and what is it divided by?"""

    def exponents(self, exponents):
        return exponents / exponents[-1].clamp(min=1e-9)


class exponents_count_down(_Table):
    """Your first hand is the slowest one. What is the exponent of the first pair?"""

    def exponents(self, exponents):
        return exponents.flip(0)


class one_speed_for_all(_Table):
    """All your hands turn at the same speed, so positions repeat soon. What tells the pairs apart?"""

    def exponents(self, exponents):
        return torch.zeros_like(exponents)


class angles_multiplied(_Table):
    """You multiply the position by the power where it has to be divided. Should later hands turn faster?"""

    def angles(self, positions, exponents):
        return positions * 10000**exponents


class angles_in_turns(_Table):
    """Your first hand makes a whole turn per position, and then all positions look alike. What unit does `sin` take?"""

    def angles(self, positions, exponents):
        return 2 * torch.pi * super().angles(positions, exponents)


class cosine_with_an_odd_exponent(_Table):
    """The cosines have an exponent of their own, so a pair is no hand: its numbers turn apart. Which angle do they
    share?
    """

    def table(self, max_len, num_hiddens):
        column = torch.arange(num_hiddens)
        angles = self.angles(self.positions(max_len)[:, None], column / num_hiddens)
        return torch.where(column % 2 == 0, angles.sin(), angles.cos())


class positions_from_one(_Table):
    """Your first position is 1. At what time does your clock start?"""

    def positions(self, max_len):
        return super().positions(max_len) + 1


class positions_scaled_to_one(_Table):
    """You divide the positions by the length of the table. Should a step depend on how long a sentence may become?"""

    def positions(self, max_len):
        return super().positions(max_len) / max_len


class positions_in_half_precision(_Table):
    """Your angles have lost their digits: bfloat16 cannot even count to 257. Which dtype counts on?"""

    def positions(self, max_len):
        return torch.arange(max_len, dtype=torch.bfloat16).float()


class positions_repeat(_Table):
    """Late positions get the encodings of early ones. How many rows does `max_len` ask for?"""

    def positions(self, max_len):
        return torch.arange(max_len).remainder(512).float()


class positions_counted_along_the_batch(_Sum):
    """You cut the table at the number of examples. Which axis of X counts positions?"""

    def rows(self, X, offset, end):
        return self.P[:, offset : offset + len(X)]


class examples_counted_as_positions(_Sum):
    """Each example gets the encoding of its place in the batch. What do the axes of X count?"""

    def rows(self, X, offset, end):
        return self.P[0, : len(X), None]


class positions_go_on_through_the_batch(_Sum):
    """The second example goes on counting where the first one ended. Where does every sentence begin?"""

    def rows(self, X, offset, end):
        positions = torch.arange(offset, offset + X[..., 0].numel()) % self.P.shape[1]
        return self.P[0, positions].reshape(X.shape)


class counted_from_the_end(_Sum):
    """You take the last rows of the table, so a token's encoding depends on how many follow. Where does it count
    from?
    """

    def rows(self, X, offset, end):
        return self.P[:, -X.shape[1] :]


class reversed_positions(_Sum):
    """Your last token is at position 0. Who comes first?"""

    def rows(self, X, offset, end):
        return self.P[:, offset:end].flip(1)


class first_position_for_all(_Sum):
    """Every token gets the same row of the table. What should tell the tokens apart?"""

    def rows(self, X, offset, end):
        return self.P[:, offset : offset + 1]


class learnt_table(PositionalEncoding):
    """Your table is a parameter, so training changes the clock. What should an optimizer leave alone?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        table = self.P
        del self.P
        self.P = nn.Parameter(table)


class table_without_a_batch_axis(_Sum):
    """Your `P` has two axes. Which third one does the task put in front?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        self.P = self.P[0]

    def forward(self, X, offset=0):
        return self.drop(X + self.P[offset : offset + X.shape[1]].to(X))


class max_len_ignored(PositionalEncoding):
    """Your table has a length of its own, whatever the constructor was given. Where does `max_len` go?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, 1000)


class encodings_only(_Sum):
    """You return the encodings, and the tokens are lost. What are they added to?"""

    def join(self, X, rows):
        return rows.expand_as(X)


class multiplied(_Sum):
    """You multiply where the encodings have to be added: at position 0 half of each token is gone. Which sign joins
    them?
    """

    def join(self, X, rows):
        return X * rows


class concatenated(_Sum):
    """You put the encodings beside the tokens, which makes them twice as wide. What shape should come out?"""

    def join(self, X, rows):
        return torch.cat([X, rows.expand_as(X)], dim=-1)


class input_scaled(_Sum):
    """You multiply X by the root of its width. That is done where tokens are embedded; what is done here?"""

    def join(self, X, rows):
        return X * X.shape[-1] ** 0.5 + rows


class encodings_scaled(_Sum):
    """You shrink the encodings. How long should each pair be?"""

    def join(self, X, rows):
        return X + rows / X.shape[-1] ** 0.5


class added_twice(_Sum):
    """You add the encodings twice. What does the output minus the input show?"""

    def join(self, X, rows):
        return X + rows + rows


class sum_detached(_Sum):
    """No gradient passes your layer, so nothing in front of it can learn. Where is the graph cut?"""

    def join(self, X, rows):
        return (X + rows).detach()


class added_in_place(_Sum):
    """You write the sum into the tensor you were given. What if the caller still needs it?"""

    def join(self, X, rows):
        X.data += rows
        return X


class encodings_added_on_the_cpu(_Sum):
    """Your table stays on the CPU wherever the tokens are. How can the forward pass know their device?"""

    def rows(self, X, offset, end):
        return self.P[:, offset:end].cpu()

    def forward(self, X, offset=0):
        return self.drop(X + self.rows(X, offset, offset + X.shape[1]).to(X.dtype))


class no_dropout(PositionalEncoding):
    """You take `dropout` and never use it. What should happen to some of the numbers in training?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, 0.0, max_len)


class dropout_before_adding(_Sum):
    """You drop tokens, but not their encodings. What is it that dropout should fall on?"""

    def join(self, X, rows):
        return self.dropout(X) + rows

    def drop(self, summed):
        return summed


class dropout_on_the_encodings(_Sum):
    """You drop encodings, but not their tokens. What is it that dropout should fall on?"""

    def join(self, X, rows):
        return X + self.dropout(rows)

    def drop(self, summed):
        return summed


class dropout_always_on(_Sum):
    """Your dropout goes on in evaluation mode. Who tells `F.dropout` that training is over?"""

    def drop(self, summed):
        return nn.functional.dropout(summed, self.dropout.p)


class dropout_of_one_half(PositionalEncoding):
    """Your dropout is always one half, whatever the constructor was given. Where does its argument go?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, 0.5 if dropout else 0.0, max_len)


class dropout_keeps_what_it_should_drop(PositionalEncoding):
    """You keep numbers at the rate at which they should be dropped. What does `dropout=0.75` leave?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, 1 - dropout if dropout else 0.0, max_len)


class dropout_of_whole_positions(_Sum):
    """A dropped token is dropped with all its features. What is it that nn.Dropout drops?"""

    def drop(self, summed):
        return summed * self.dropout(torch.ones_like(summed[..., :1]))


class dropout_shared_by_the_batch(_Sum):
    """All examples lose the same numbers. How many masks should be drawn?"""

    def drop(self, summed):
        return summed * self.dropout(torch.ones_like(summed[:1]))


class dropout_unscaled(_Sum):
    """You drop numbers, but the rest do not grow to make up for it. What is the expected sum then?"""

    def drop(self, summed):
        return self.dropout(summed) * (1 - self.dropout.p) if self.training else summed


@misconception(group="robust")
class plain_attribute(PositionalEncoding):
    """Your table is a plain tensor, as in the book, so it is neither saved nor moved with the module. Which method
    makes it part of the module?
    """

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        table = self.P
        del self.P
        self.P = table


@misconception(group="robust")
class buffer_not_saved(PositionalEncoding):
    """Your buffer is not persistent, so it is missing in the state dict. Which argument says so?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        self.register_buffer("P", self.P, persistent=False)


@misconception(group="robust")
class half_precision_lost(_Sum):
    """You add a float32 table, as the book does, and half precision comes out as float32. What dtype should the
    table be added in?
    """

    def forward(self, X, offset=0):
        return super().forward(X.to(torch.promote_types(X.dtype, self.P.dtype)), offset)


@misconception(group="robust")
class offset_ignored(_Sum):
    """Your offset changes nothing: a decoder's every token would stand at position 0. Where does your slice begin?"""

    def rows(self, X, offset, end):
        return self.P[:, : X.shape[1]]


@misconception(group="robust")
class offset_counts_from_one(_Sum):
    """An offset of 1 changes nothing for you. At which position does it begin?"""

    def rows(self, X, offset, end):
        start = max(offset - 1, 0)
        return self.P[:, start : start + X.shape[1]]


@misconception(group="robust")
class error_left_to_broadcasting(_Sum):
    """You let PyTorch complain about shapes, and a table of one row does not even complain. Who knows `max_len`?"""

    def forward(self, X, offset=0):
        return self.drop(X + self.rows(X, offset, offset + X.shape[1]).to(X))


@misconception(group="robust")
class length_checked_without_the_offset(_Sum):
    """You compare the number of positions with `max_len`. What else moves the last position?"""

    def forward(self, X, offset=0):
        if X.shape[1] > self.P.shape[1]:
            raise ValueError("too long")
        return self.drop(X + self.rows(X, offset, offset + X.shape[1]).to(X))


@misconception(group="robust")
class last_position_refused(PositionalEncoding):
    """A sequence that ends with the last position is refused when it has an offset. Is the end of a slice inside?"""

    def forward(self, X, offset=0):
        if offset and offset + X.shape[1] >= self.P.shape[1]:
            raise ValueError("too long")
        return super().forward(X, offset)


@misconception(group="robust")
class positions_wrap_around(_Sum):
    """Beyond `max_len` you start again at 0, and nobody notices. What should the caller be told?"""

    def forward(self, X, offset=0):
        positions = torch.arange(offset, offset + X.shape[1], device=X.device) % self.P.shape[1]
        return self.drop(X + self.P[:, positions].to(X))


@misconception(group="robust")
class last_position_repeated(_Sum):
    """Beyond `max_len` all tokens stand at the last position, and nobody notices. What should the caller be told?"""

    def forward(self, X, offset=0):
        positions = torch.arange(offset, offset + X.shape[1], device=X.device).clamp(max=self.P.shape[1] - 1)
        return self.drop(X + self.P[:, positions].to(X))


@misconception(group="robust")
class odd_widths_refused(PositionalEncoding):
    """You refuse an odd width. What is left of a pair when there is room for one number only?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        if num_hiddens % 2:
            raise ValueError("num_hiddens must be even")
        super().__init__(num_hiddens, dropout, max_len)


@misconception(group="robust")
class last_column_of_odd_widths_is_a_cosine(PositionalEncoding):
    """With an odd width your last column is a cosine. Which of a pair comes first?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        if num_hiddens % 2:
            self.P[..., -1] = (1 - self.P[..., -1].square()).sqrt()


@misconception(group="robust")
class last_column_of_odd_widths_is_zero(PositionalEncoding):
    """With an odd width you leave the last column empty. Which half of its pair fits in?"""

    def __init__(self, num_hiddens, dropout, max_len=1000):
        super().__init__(num_hiddens, dropout, max_len)
        if num_hiddens % 2:
            self.P[..., -1] = 0
