"""# The weights of some keys.

The softmax of each row of scores over the first `length` keys; the other keys get a weight of exactly 0.

Example: the scores `[[0, 0, 7]]` with `length=2` give `[[0.5, 0.5, 0]]`.
"""

from jaxtyping import Float
from torch import Tensor


def weights(scores: Float[Tensor, "queries keys"], length: int) -> Float[Tensor, "queries keys"]: ...
