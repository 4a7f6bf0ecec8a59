"""One table of formulas for each question."""

PRODUCTS = {
    "conv": lambda n, d, k: k * n * d * d,
    "rnn": lambda n, d, _: n * (d * d + d * d),
    "self_attention": lambda n, d, _: 2 * (n * n * d),
}
LAYERS = {"conv": lambda n, half: (n - 2 + half) // half}


def multiply_adds(kind, n, d, k=3):
    return PRODUCTS[kind](n, d, k)


def sequential_steps(kind, n):
    return {"conv": 1, "rnn": n, "self_attention": 1}[kind]


def layers_to_connect(kind, n, k=3):
    return LAYERS.get(kind, lambda _n, _half: 1)(n, k // 2)
