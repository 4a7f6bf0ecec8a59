"""Ways to get the learned kernel wrong, to leave the wrong sample out, and to train in vain."""

import torch
from kernel_regression.nw_kernel_regression import NWKernelRegression, leave_one_out
from torch import nn

from headcheck.properties import misconception

_of_the_model = misconception(of="NWKernelRegression")


class _Right(nn.Module):
    """Kernel regression in steps, so that each misconception changes one of them."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(1))

    def score(self, differences):
        return -((differences * self.w) ** 2) / 2

    def weigh(self, scores):
        return scores.softmax(1)

    def pool(self, values):
        return (self.attention_weights * values).sum(1)

    def forward(self, queries, keys, values):
        self.attention_weights = self.weigh(self.score(queries[:, None] - keys))
        return self.pool(values)


@_of_the_model
class width_is_a_constant(_Right):
    """Your `w` is a plain tensor, so no optimizer will ever find it. What makes a tensor a parameter?"""

    def __init__(self):
        super().__init__()
        del self.w
        self.register_buffer("w", torch.rand(1))


@_of_the_model
class width_without_an_axis(_Right):
    """Your `w` is a scalar. What shape does the exercise give it?"""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(()))


@_of_the_model
class one_width_per_key(_Right):
    """You made more than one parameter. How many numbers does a kernel's width take?"""

    def __init__(self):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(1))

    def score(self, differences):
        return super().score(differences) + self.b


@_of_the_model
class width_starts_far_out(_Right):
    """Your `w` may start anywhere, even below 0. Where does the exercise let it start?"""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.full((1,), -2.0))


@_of_the_model
class half_forgotten(_Right):
    """Your kernel is narrower than the Gaussian. What stands beside the square in its exponent?"""

    def score(self, differences):
        return 2 * super().score(differences)


@misconception(of="NWKernelRegression", trains=True)
class absolute_distance(_Right):
    """Your kernel has a peak like a roof. Which power of the distance does a Gaussian take?"""

    def score(self, differences):
        return -(differences * self.w).abs() / 2


@misconception(of="NWKernelRegression", trains=True)
class sign_flipped(_Right):
    """Your weights grow with the distance. Which key should have the largest score?"""

    def score(self, differences):
        return -super().score(differences)


@misconception(of="NWKernelRegression", trains=True)
class divided_by_the_width(_Right):
    """You divided by `w`, so a large `w` makes a wide kernel. What is `w` one over?"""

    def score(self, differences):
        return -((differences / self.w) ** 2) / 2


@_of_the_model
class width_outside_the_square(_Right):
    """You squared the distance without `w`. What becomes of the kernel when `w` is negative?"""

    def score(self, differences):
        return -(differences**2) * self.w / 2


@_of_the_model
class width_clamped_at_0(_Right):
    """You cut a negative `w` off at 0, where no gradient brings it back. What does the square do with its sign?"""

    def score(self, differences):
        return -((differences * self.w.relu()) ** 2) / 2


@_of_the_model
class width_through_an_exponential(_Right):
    """You used the exponential of `w`. Which kernel should `w = 0` give?"""

    def score(self, differences):
        return -((differences * self.w.exp()) ** 2) / 2


@_of_the_model
class products_for_distances(_Right):
    """You multiply query and key. What happens to a product when the origin of the axis moves?"""

    def forward(self, queries, keys, values):
        self.attention_weights = (queries[:, None] * keys * self.w**2).softmax(1)
        return self.pool(values)


@_of_the_model
class only_keys_on_the_left(_Right):
    """Keys to the right of the query all count as near. What should the sign of a difference change?"""

    def score(self, differences):
        return super().score(differences.relu())


@_of_the_model
class softmax_over_the_queries(_Right):
    """Your weights sum to 1 over the queries. Among what does one query divide its attention?"""

    def weigh(self, scores):
        return scores.softmax(0)


@_of_the_model
class kernels_not_normalised(_Right):
    """Your weights do not sum to 1. What turns kernels into shares?"""

    def weigh(self, scores):
        return scores.exp()


@_of_the_model
class underflow_to_0_by_0(_Right):
    """Far from all keys your output is not a number. What is the sum of your exponentials there?"""

    def weigh(self, scores):
        return scores.exp() / scores.exp().sum(1, keepdim=True)


@_of_the_model
class mean_for_sum(_Right):
    """You averaged the weighted values once more. What do the weights sum to already?"""

    def pool(self, values):
        return (self.attention_weights * values).mean(1)


@_of_the_model
class summed_over_the_queries(_Right):
    """You added the rows up instead of each row's own numbers. Which axis do the keys of one query lie on?"""

    def pool(self, values):
        return (self.attention_weights * values).sum(0)


@_of_the_model
class values_of_the_first_row(_Right):
    """You used the first row of values for all queries. Whose values are in the second?"""

    def pool(self, values):
        return self.attention_weights @ values[0]


@_of_the_model
class keys_of_the_first_row(_Right):
    """You compared all queries with the first row of keys. Whose keys are in the second?"""

    def forward(self, queries, keys, values):
        return super().forward(queries, keys[:1].expand_as(keys), values)


@_of_the_model
class keys_averaged(_Right):
    """You averaged the keys. They only decide where to look; what is it that one finds there?"""

    def forward(self, queries, keys, values):
        return super().forward(queries, keys, keys)


@_of_the_model
class output_never_negative(_Right):
    """You never answer below 0. What if the samples lie there?"""

    def pool(self, values):
        return super().pool(values).relu()


@_of_the_model
class axes_of_1_squeezed(_Right):
    """You squeezed away an axis that was the caller's. What happens when there is only one query?"""

    def pool(self, values):
        return super().pool(values).squeeze()


@_of_the_model
class scores_stored(_Right):
    """You stored the scores, before the softmax. Can a weight be negative?"""

    def forward(self, queries, keys, values):
        output = super().forward(queries, keys, values)
        self.attention_weights = self.score(queries[:, None] - keys)
        return output


@_of_the_model
class stored_weights_detached(_Right):
    """You detached the weights that you stored. What if somebody wants a loss on them?"""

    def pool(self, values):
        output = super().pool(values)
        self.attention_weights = self.attention_weights.detach()
        return output


@_of_the_model
class width_cut_from_the_graph(_Right):
    """No gradient reaches your `w`, so it stays as it was drawn. Where did you leave the graph?"""

    def score(self, differences):
        return -((differences * self.w.data) ** 2) / 2


@_of_the_model
class keys_cut_from_the_graph(_Right):
    """No gradient reaches your keys. Is a key a constant?"""

    def forward(self, queries, keys, values):
        return super().forward(queries, keys.detach(), values)


@_of_the_model
class keys_shifted_in_place(_Right):
    """You subtracted the queries from the caller's own keys. What does the caller find in them after the call?"""

    def forward(self, queries, keys, values):
        with torch.no_grad():
            keys -= queries[:, None]
        return super().forward(queries, keys + queries[:, None], values)


@misconception(of="NWKernelRegression", group="robust")
class results_never_half(_Right):
    """You compute in float32 and stay there. In which dtype does the caller expect the output?"""

    def pool(self, values):
        return super().pool(values.to(torch.promote_types(values.dtype, torch.float32)))


@misconception(of="leave_one_out", trains=True)
def own_sample_kept(x, y):
    """You left the last sample out of every row, so most rows still hold their own. Which one must row `i` lack?"""
    n = len(x)
    return x.expand(n, n)[:, :-1], y.expand(n, n)[:, :-1]


@misconception(of="leave_one_out", trains=True)
def first_always_dropped(x, y):
    """You left the first sample out of every row. Which one must row `i` lack?"""
    n = len(x)
    return x.expand(n, n)[:, 1:], y.expand(n, n)[:, 1:]


@misconception(of="leave_one_out")
def only_the_own_sample(x, y):
    """Row `i` holds nothing but sample `i`. Which samples are the *others*?"""
    n = len(x)
    return x[:, None].expand(n, n - 1), y[:, None].expand(n, n - 1)


@misconception(of="leave_one_out")
def values_not_left_out(x, y):
    """You took the right keys but values of other samples. Whose value stands beside each key?"""
    n = len(x)
    return leave_one_out(x, y)[0], y.expand(n, n)[:, :-1]


@misconception(of="leave_one_out")
def keys_for_values(x, y):
    """Your values are the keys once more. Where did `y` go?"""
    keys, _ = leave_one_out(x, y)
    return keys, keys


@misconception(of="leave_one_out")
def columns_for_rows(x, y):
    """You filled the rows from the columns of the square. In which direction do the copies of `x` lie?"""
    n = len(x)
    others = ~torch.eye(n, dtype=torch.bool)
    return x[:, None].expand(n, n)[others].view(n, -1), y[:, None].expand(n, n)[others].view(n, -1)


@misconception(of="leave_one_out")
def transposed_in_the_end(x, y):
    """You return the samples down the columns. What does row `i` belong to?"""
    keys, values = leave_one_out(x, y)
    return keys.T, values.T


@misconception(of="leave_one_out")
def rotated_order(x, y):
    """Your rows start after the sample that is left out and wrap around. Which order does the exercise ask for?"""
    n = len(x)
    order = torch.stack([torch.arange(1, n).add(i).remainder(n) for i in range(n)])
    return x[order], y[order]


@misconception(of="leave_one_out")
def equal_places_removed(x, y):
    """You left out whatever equals `x_i`. What about another sample at the same place?"""
    n = len(x)
    others = x[:, None] != x
    return x.expand(n, n)[others].view(n, n - 1), y.expand(n, n)[others].view(n, n - 1)


@misconception(of="leave_one_out", group="robust")
def samples_always_single(x, y):
    """Your keys and values are at least float32, whatever the samples are. Who asked for that?"""
    wide = torch.promote_types(x.dtype, torch.float32)
    return leave_one_out(x.to(wide), y.to(wide))


def _fit(model, x, y, steps, lr, *, loss_fn=nn.functional.mse_loss, optimizer=torch.optim.Adam, samples=leave_one_out):
    """Training with one of its parts replaced."""
    keys, values = samples(x, y)
    optimizer = optimizer(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = loss_fn(model(x, keys, values), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@misconception(of="fit", trains=True)
def trained_on_the_own_sample(model, x, y, *, steps, lr):
    """You gave every sample itself as a key. What is the easiest way to predict a value that one may look up?"""
    n = len(x)
    return _fit(model, x, y, steps, lr, samples=lambda x, y: (x.expand(n, n), y.expand(n, n)))


@misconception(of="fit")
def squared_errors_summed(model, x, y, *, steps, lr):
    """You summed the squared errors, as the book does. What does the exercise ask for, so that losses for more and
    fewer samples can be compared?
    """
    return _fit(model, x, y, steps, lr, loss_fn=nn.MSELoss(reduction="sum"))


@misconception(of="fit")
def absolute_errors(model, x, y, *, steps, lr):
    """You took absolute errors. Which errors does the exercise ask for?"""
    return _fit(model, x, y, steps, lr, loss_fn=nn.functional.l1_loss)


@misconception(of="fit")
def halved_errors(model, x, y, *, steps, lr):
    """You halved the loss. Is the mean squared error halved?"""
    return _fit(model, x, y, steps, lr, loss_fn=lambda output, y: ((output - y) ** 2).mean() / 2)


@misconception(of="fit")
def plain_gradient_steps(model, x, y, *, steps, lr):
    """You took plain gradient steps. Which optimizer does the exercise name?"""
    return _fit(model, x, y, steps, lr, optimizer=torch.optim.SGD)


@misconception(of="fit", trains=True)
def learning_rate_ignored(model, x, y, *, steps, lr):
    """You never used `lr`. How far does Adam move without being told?"""
    return _fit(model, x, y, steps, 0.01)


@misconception(of="fit")
def optimizer_renewed(model, x, y, *, steps, lr):
    """You make a new Adam for every step, so it remembers nothing. What does Adam keep from step to step?"""
    return [_fit(model, x, y, 1, lr)[0] for _ in range(steps)]


@misconception(of="fit", trains=True)
def gradients_piled_up(model, x, y, *, steps, lr):
    """You never zeroed the gradient, so every step follows the sum of all before. Who clears it?"""
    keys, values = leave_one_out(x, y)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(x, keys, values), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@misconception(of="fit")
def step_forgotten(model, x, y, *, steps, lr):
    """Your loss never changes. Which call moves the parameters?"""
    keys, values = leave_one_out(x, y)
    return [nn.functional.mse_loss(model(x, keys, values), y).item() for _ in range(steps)]


@misconception(of="fit")
def copy_trained(model, x, y, *, steps, lr):
    """You trained another model than the one you were given. Whose `w` should change?"""
    other = NWKernelRegression()
    other.load_state_dict(model.state_dict(), strict=False)
    return _fit(other, x, y, steps, lr)


@misconception(of="fit")
def width_drawn_anew(model, x, y, *, steps, lr):
    """You drew a new `w` before training. Where should training start?"""
    with torch.no_grad():
        model.w.uniform_()
    return _fit(model, x, y, steps, lr)


@misconception(of="fit")
def loss_after_the_step(model, x, y, *, steps, lr):
    """Your losses are those after each update. Which `w` does the first loss belong to?"""
    return [*_fit(model, x, y, steps, lr)[1:], *_fit(model, x, y, 1, 0.0)][:steps]


@misconception(of="fit")
def last_loss_only(model, x, y, *, steps, lr):
    """You return one loss. How does one see from it that the loss fell?"""
    return _fit(model, x, y, steps, lr)[-1:]


@misconception(of="fit", trains=True)
def few_steps_whatever_is_asked(model, x, y, *, steps, lr):
    """You stop early and repeat the last loss. How many steps did the caller ask for?"""
    losses = _fit(model, x, y, min(steps, 6), lr)
    return losses + losses[-1:] * (steps - len(losses))


@misconception(of="fit", group="robust")
def samples_centred_in_place(model, x, y, *, steps, lr):
    """You changed the caller's samples. Who else may still need them?"""
    x -= x.mean()
    return _fit(model, x, y, steps, lr)
