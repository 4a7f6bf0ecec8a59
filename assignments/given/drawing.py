"""Watch a function draw: the figure it makes, and what it leaves behind.

A function that draws for others should do that and nothing more. `plt.show` opens a window, or does nothing, or blocks,
as the place where it runs decides, and settings in `plt.rcParams` change every figure that is drawn after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt


def watch_drawing(draw: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
    """Call `draw(*args, **kwargs)`: what it returned, and the traces it left, of which there should be none.

    A trace is "plt.show", for every call of it, or the name of a setting whose value is another one than before. The
    settings are put back, and all figures are closed: they stay readable, but pyplot no longer holds on to them.
    """
    traces: list[str] = []
    mpl.get_backend()  # chosen at the first question, and then a setting like the others
    show = plt.show
    plt.show = lambda *_args, **_kwargs: traces.append("plt.show")
    try:
        with mpl.rc_context():
            before = mpl.rcParams.copy()
            returned = draw(*args, **kwargs)
            traces += [name for name, value in before.items() if mpl.rcParams[name] != value]
    finally:
        plt.show = show
        plt.close("all")
    return returned, traces
