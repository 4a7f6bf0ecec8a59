"""Count what a call does: FLOPs, the largest storage it makes, the operations it dispatches. Exact and repeatable.

Counted in the worker these are claims of the worker's; `headcheck.costs` sets a figure of the kernel's beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from headcheck.protocol import Count

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OPERATIONS = 1000


def counted(function: Callable[[], Any]) -> tuple[Any, Count]:
    """Call a function; its result, and what the call did."""
    tally = _Tally()
    with FlopCounterMode(display=False) as flops, tally:
        result = function()
    return result, Count(int(flops.get_total_flops()), tally.largest, tally.operations)


class _Tally(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, and what it returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest = 0
        self.operations: list[str] = []

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if len(self.operations) < MAX_OPERATIONS:
            self.operations.append(str(func))
        known = {_storage(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        made = [tensor for tensor in tree_leaves(result) if isinstance(tensor, Tensor)]
        sizes = [_elements(tensor) for tensor in made if _storage(tensor) not in known]
        self.largest = max([self.largest, *sizes])
        return result


def _storage(tensor: Tensor) -> int:
    cdata: int = tensor.untyped_storage()._cdata  # noqa: SLF001  (its identity, also where it has no memory)
    return cdata


def _elements(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes() // tensor.element_size()
