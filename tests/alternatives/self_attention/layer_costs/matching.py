"""Pattern matching, and a division that rounds up by going below zero."""


def multiply_adds(kind: str, n: int, d: int, k: int = 3) -> int:
    match kind:
        case "conv":
            return n * k * d**2
        case "rnn":
            return n * 2 * d**2
        case "self_attention":
            return 2 * d * n**2
        case _:
            raise ValueError(kind)


def sequential_steps(kind: str, n: int) -> int:
    match kind:
        case "rnn":
            return n
        case _:
            return 1


def layers_to_connect(kind: str, n: int, k: int = 3) -> int:
    match kind:
        case "conv":
            return -((1 - n) // (k // 2))
        case _:
            return 1
