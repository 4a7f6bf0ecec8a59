"""Costs by adding up: matrices one by one, and a reach that grows until it arrives."""


def multiply_adds(kind, n, d, k=3):
    matrix = d * d
    if kind == "conv":
        per_token = sum(matrix for _ in range(k))
    elif kind == "rnn":
        per_token = matrix + matrix
    else:
        per_token = n * d + n * d
    return n * per_token


def sequential_steps(kind, n):
    if kind in ("conv", "self_attention"):
        return 1
    return len(range(n))


def layers_to_connect(kind, n, k=3):
    if kind != "conv":
        return 1
    reached, layers = 0, 0
    while reached < n - 1:
        reached += (k - 1) // 2
        layers += 1
    return layers
