"""Added up part by part; a convolution is a matrix at each token."""


def multiply_adds(kind, n, d, k=3):
    total = 0
    if kind == "self_attention":
        total += n * n * d  # scores
        total += n * n * d  # values
    elif kind == "conv":
        total += n * d**2
    else:
        for _ in ("input", "state"):
            total += n * d**2
    return total


def sequential_steps(kind, n):
    if kind == "rnn":
        return n
    return 1


def layers_to_connect(kind, n, k=3):
    if kind != "conv":
        return 1
    reach = (k - 1) // 2
    return -(-(n - 1) // reach)
