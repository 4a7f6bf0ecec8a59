"""Ways to get the residual connection and its normalisation wrong."""

import torch
from torch import nn
from transformer.add_norm import AddNorm

from headcheck.properties import misconception


class no_residual(AddNorm):
    """You return what came out of the sublayer and lose what went in. How does a gradient get past this layer?"""

    def forward(self, X, Y):
        return self.ln(self.dropout(Y))


class side_by_side(AddNorm):
    """You put both side by side, which doubles the number of features. What does *add* mean here?"""

    def forward(self, X, Y):
        return torch.cat([self.ln(X), self.ln(self.dropout(Y))], dim=-1)


class no_sublayer(AddNorm):
    """You normalise `X` and never look at `Y`. What was the sublayer for?"""

    def forward(self, X, Y):
        return self.ln(X)


class no_norm(AddNorm):
    """You add and leave it at that. How large are the features after fifty such sums?"""

    def forward(self, X, Y):
        return X + self.dropout(Y)


class norm_of_y_only(AddNorm):
    """You normalise what came out and add what went in, so the sum still grows. What should have mean 0?"""

    def forward(self, X, Y):
        return X + self.ln(self.dropout(Y))


class norm_of_x_only(AddNorm):
    """You normalise what went in and add what came out, so the sum still grows. What should have mean 0?"""

    def forward(self, X, Y):
        return self.ln(X) + self.dropout(Y)


class each_normalised_by_itself(AddNorm):
    """You normalise both parts and then add them. What is the variance of a sum of two?"""

    def forward(self, X, Y):
        return self.ln(X) + self.ln(self.dropout(Y))


class normalised_twice(AddNorm):
    """You normalise `X` before the sum and the sum again. Whose length matters in the sum then?"""

    def forward(self, X, Y):
        return self.ln(nn.functional.layer_norm(X, X.shape[-1:]) + self.dropout(Y))


class difference_for_sum(AddNorm):
    """You subtract. What is left when a sublayer returns its input?"""

    def forward(self, X, Y):
        return self.ln(X - self.dropout(Y))


class product_for_sum(AddNorm):
    """You multiply, so a zero from the sublayer wipes out what went in. What should a sublayer of zeros do?"""

    def forward(self, X, Y):
        return self.ln(X * self.dropout(Y))


class input_added_twice(AddNorm):
    """Your `X` counts twice. Has the sublayer not already used it?"""

    def forward(self, X, Y):
        return self.ln(2 * X + self.dropout(Y))


class dropout_on_x(AddNorm):
    """You drop features of `X`, which no later layer can restore. Which of the two may lose something?"""

    def forward(self, X, Y):
        return self.ln(self.dropout(X) + Y)


class dropout_on_both(AddNorm):
    """You drop features of `X` as well, which no later layer can restore. Which of the two may lose something?"""

    def forward(self, X, Y):
        return self.ln(self.dropout(X) + self.dropout(Y))


class dropout_on_the_sum(AddNorm):
    """You drop features of the sum, so the residual connection is cut here and there. What is it for?"""

    def forward(self, X, Y):
        return self.ln(self.dropout(X + Y))


class dropout_after_the_norm(AddNorm):
    """You drop features after the norm, so what leaves the layer has no longer variance 1. What comes last?"""

    def forward(self, X, Y):
        return self.dropout(self.ln(X + Y))


class no_dropout(AddNorm):
    """You never drop anything. What did the constructor get a rate for?"""

    def forward(self, X, Y):
        return self.ln(X + Y)


class dropout_in_evaluation(AddNorm):
    """You drop features even in evaluation mode. Who tells a function that training is over?"""

    def forward(self, X, Y):
        return self.ln(X + nn.functional.dropout(Y, self.dropout.p))


class dropout_rate_written_out(AddNorm):
    """Your rate is a fixed number. What did the constructor get?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape, dropout)
        self.dropout = nn.Dropout(0.1)


class rate_of_those_that_stay(AddNorm):
    """You keep as many features as you should drop. Of what is `dropout` the probability?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape, 1 - dropout)


class whole_positions_dropped(AddNorm):
    """You drop whole positions of `Y`. What does dropout take, rows or numbers?"""

    def forward(self, X, Y):
        return self.ln(X + Y * self.dropout(torch.ones_like(Y[..., :1])))


class one_mask_for_all_positions(AddNorm):
    """All positions lose the same features. For how many numbers does dropout toss a coin?"""

    def forward(self, X, Y):
        return self.ln(X + Y * self.dropout(torch.ones_like(Y[:, :1])))


class kept_features_not_raised(AddNorm):
    """You drop features and leave the others as they are. What happens to the mean of `Y` in training?"""

    def forward(self, X, Y):
        return self.ln(X + torch.where(self.dropout(torch.ones_like(Y)) > 0, Y, 0))


class norm_over_steps_too(AddNorm):
    """Your norm runs over positions and features together, so padding takes part. Which numbers belong to one word?"""

    def forward(self, X, Y):
        Z = X + self.dropout(Y)
        return nn.functional.layer_norm(Z, Z.shape[1:]) * self.ln.weight + self.ln.bias


class norm_over_positions(AddNorm):
    """Your norm runs over the positions of a sentence. Which numbers belong to one word?"""

    def forward(self, X, Y):
        Z = X + self.dropout(Y)
        centred = Z - Z.mean(1, keepdim=True)
        return self.ln.weight * centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt() + self.ln.bias


class batch_norm(AddNorm):
    """You use batch normalisation, so other sentences take part. Whose mean and variance does a position need?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape, dropout)
        self.ln = nn.BatchNorm1d(normalized_shape if isinstance(normalized_shape, int) else normalized_shape[0])

    def forward(self, X, Y):
        return self.ln((X + self.dropout(Y)).transpose(1, 2)).transpose(1, 2)


class root_mean_square_norm(AddNorm):
    """You divide by the root of the mean square, but the mean is still there. Which two things does a layer norm do?"""

    def forward(self, X, Y):
        return self.ln.weight * nn.functional.rms_norm(X + self.dropout(Y), X.shape[-1:], eps=1e-5) + self.ln.bias


class mean_removed_only(AddNorm):
    """You take the mean off and leave the variance. Which two things does a layer norm do?"""

    def forward(self, X, Y):
        Z = X + self.dropout(Y)
        return self.ln.weight * (Z - Z.mean(-1, keepdim=True)) + self.ln.bias


class divided_by_the_variance(AddNorm):
    """You divide by the variance. What has variance 1 when it is divided by what?"""

    def forward(self, X, Y):
        Z = X + self.dropout(Y)
        centred = Z - Z.mean(-1, keepdim=True)
        return self.ln.weight * centred / (centred.square().mean(-1, keepdim=True) + 1e-5) + self.ln.bias


class variance_of_a_sample(AddNorm):
    """Your variance divides by one less than the number of features. Is this an estimate from a sample?"""

    def forward(self, X, Y):
        Z = X + self.dropout(Y)
        deviation = (Z.var(-1, keepdim=True) + 1e-5).sqrt()
        return self.ln.weight * (Z - Z.mean(-1, keepdim=True)) / deviation + self.ln.bias


class division_by_zero(AddNorm):
    """Nothing keeps your divisor from being 0. What if all features of a position are equal?"""

    def forward(self, X, Y):
        Z = X + self.dropout(Y)
        centred = Z - Z.mean(-1, keepdim=True)
        return self.ln.weight * centred / centred.square().mean(-1, keepdim=True).sqrt() + self.ln.bias


class unit_length(AddNorm):
    """You make every position a vector of length 1. What is the variance of its features?"""

    def forward(self, X, Y):
        return self.ln.weight * nn.functional.normalize(X + self.dropout(Y), dim=-1) + self.ln.bias


class softmax_for_norm(AddNorm):
    """You turn the features into a distribution. What are their mean and variance then?"""

    def forward(self, X, Y):
        return self.ln.weight * (X + self.dropout(Y)).softmax(-1) + self.ln.bias


class nothing_to_learn(AddNorm):
    """Your norm has no weight and no bias. How would the next layer get features of another range?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape, dropout)
        self.ln = nn.LayerNorm(normalized_shape, elementwise_affine=False)


class no_bias(AddNorm):
    """Your norm has a weight but no bias. Which two does `nn.LayerNorm` have unless told otherwise?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape, dropout)
        self.ln = nn.LayerNorm(normalized_shape, bias=False)


class learnt_share(AddNorm):
    """You let the layer learn how much of `Y` to add. How many parameters should it have?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape, dropout)
        self.share = nn.Parameter(torch.ones(()))

    def forward(self, X, Y):
        return super().forward(X, self.share * Y)


class norm_made_anew(AddNorm):
    """Your forward pass makes a new norm each time, whose weights nobody trains. Where are layers made?"""

    def forward(self, X, Y):
        return nn.LayerNorm(X.shape[-1], dtype=X.dtype)(X + self.dropout(Y))


class detached_input(AddNorm):
    """You cut `X` off the graph. Along which way was the gradient to reach the first layers?"""

    def forward(self, X, Y):
        return super().forward(X.detach(), Y)


class detached_sublayer(AddNorm):
    """You cut `Y` off the graph. How would the sublayer ever learn?"""

    def forward(self, X, Y):
        return super().forward(X, Y.detach())


class ones_squeezed_away(AddNorm):
    """Your bare squeeze removes every axis of size 1. What about a batch of one sentence, or a sentence of one word?"""

    def forward(self, X, Y):
        return super().forward(X, Y).squeeze()


@misconception(group="robust")
class several_axes_allowed(AddNorm):
    """You normalise over as many axes as you are told to, as the book does. What does padding do to such a mean?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(1, dropout)
        self.ln = nn.LayerNorm(normalized_shape)


@misconception(group="robust")
class other_axes_forgotten(AddNorm):
    """You silently use the last of several numbers. How will the caller learn of the mistake?"""

    def __init__(self, normalized_shape, dropout):
        super().__init__(normalized_shape if isinstance(normalized_shape, int) else normalized_shape[-1], dropout)


@misconception(group="robust")
class sum_written_over_the_input(AddNorm):
    """You add `Y` into `X` itself. Who else may still need it?"""

    def forward(self, X, Y):
        output = super().forward(X, Y)
        X.data += Y.data
        return output


@misconception(group="robust")
class half_precision_promoted(AddNorm):
    """You answer half precision in float32. What will the next layer, which is in half precision, say to that?"""

    def forward(self, X, Y):
        return super().forward(X, Y).to(torch.promote_types(X.dtype, torch.float32))
