"""Wrong pooling."""

import attention.pooling as right

from headcheck.properties import misconception


@misconception(of="Pooling")
class ignores_its_width(right.Pooling):
    """Your width takes no part in the answer. What does training change, then?"""

    def forward(self, queries, keys, values, similarity):
        return super().forward(queries, keys, values, lambda q, k: similarity(q, k) / self.width)
