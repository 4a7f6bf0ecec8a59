"""What submissions that passed were asked, and what they answered: who answers the same, to the byte, passes as well.

Whether a property holds on an input follows from what the submission answers, and so does what it is asked. So where
the same words have led another to the end, the property need not run: the submission is sent the frames that the other
was sent, and its replies are compared with the other's. Several inputs are asked in turn, so that many frames go
together; but a frame goes only after the replies that led to it, for it may hold what they were. An answer that nobody
has given before proves nothing: there the property runs, from the start.

What fails is never taken on trust. But where one has failed on large inputs and then on small ones, another who fails
alike on the large is tried on the small, before a search begins.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from headcheck.errors import HeadcheckError
from headcheck.protocol import Call, Callback, Done, Turn, encode, parts
from headcheck.student import MAX_EXCHANGES

if TYPE_CHECKING:
    from headcheck.student import Connection, Exchange, Together

AT_ONCE = 16  # inputs, whose objects a worker holds all at the same time
MAX_WAYS = 256  # to fail a property
MAX_BYTES = 4 * 1024 * 1024  # of the frames that are kept of one property
PASSED = b""  # where a frame would follow if there were more to ask


class Precedents:
    """Those of one property."""

    def __init__(self) -> None:
        self._steps: dict[bytes, bytes] = {}  # the frame that follows, by the digest of all that was said
        self._bytes = 0
        self._simplest: dict[tuple[int, str], dict[str, Any]] = {}

    def after(self, said: bytes) -> bytes | None:
        """What others were asked next, or that they had passed; None where nobody has said this."""
        return self._steps.get(said)

    def simplest(self, number: int, way: str) -> dict[str, Any] | None:
        """The simplest inputs on which somebody failed in this way, who first failed on those of that number."""
        return self._simplest.get((number, way))

    def keep_simplest(self, number: int, way: str, inputs: dict[str, Any]) -> None:
        """Keep them for whoever makes the same mistake."""
        if len(self._simplest) < MAX_WAYS:
            self._simplest[number, way] = inputs

    def add(self, number: int, exchanges: list[Exchange]) -> None:
        """Keep what was said on the input of that number, on which a submission passed, if that is all there was."""
        if not 0 < len(exchanges) < MAX_EXCHANGES or self._bytes > MAX_BYTES or not all(map(_is_all, exchanges)):
            return
        said = _nothing_on(number)
        for request, reply in exchanges:
            frame = encode(request)
            if self._steps.setdefault(said, frame) is frame:
                self._bytes += len(frame)
            said = _and(said, frame, encode(reply)[4:])
        self._steps.setdefault(said, PASSED)


class Inquiry:
    """One submission's answers on the inputs of one property."""

    def __init__(self, precedents: Precedents, inputs: int) -> None:
        self._precedents = precedents
        self._inputs = inputs
        self._asked = 0
        self._passed: set[int] = set()
        self._together: Together | None = None

    def holds(self, number: int, connection: Connection) -> bool:
        """Whether the submission answers, on the input of that number, as another has that passed."""
        self._together = connection.together
        if number >= self._asked and self._together:
            self._asked = min(number + AT_ONCE, self._inputs)
            connection.begin()
            with contextlib.suppress(HeadcheckError):  # what is wrong will show when it is asked alone
                self._ask(range(number, self._asked), self._together)
        return number in self._passed

    def add(self, number: int, exchanges: list[Exchange]) -> None:
        """Keep what the submission has passed with, when the property was run."""
        if self._together:
            self._precedents.add(number, exchanges)

    def _ask(self, numbers: range, together: Together) -> None:
        said = {number: _nothing_on(number) for number in numbers}
        while said:
            following = {number: self._precedents.after(words) for number, words in said.items()}
            self._passed |= {number for number, frame in following.items() if frame == PASSED}
            steps = {number: frame for number, frame in following.items() if frame}
            frames = [encode(Turn(number)) + frame for number, frame in steps.items()]
            replies = zip(steps.items(), together(frames), strict=True)
            said = {number: _and(said[number], frame, reply) for (number, frame), reply in replies}


def _nothing_on(number: int) -> bytes:
    return number.to_bytes(4)


def _and(said: bytes, frame: bytes, reply: bytes) -> bytes:
    """The digest of what was said and what is said now; a frame tells itself where it ends."""
    return hashlib.blake2b(frame + reply, key=said, digest_size=32).digest()


def _is_all(exchange: Exchange) -> bool:
    """Whether there was nothing but a request and its reply: no function of the grader's, no clock, no side effect."""
    request, reply = exchange
    if reply.printed or (isinstance(reply, Done) and reply.changed):
        return False
    if not isinstance(request, Call):
        return True
    given = [*request.args, *request.kwargs.values()]
    return not request.counted and not any(isinstance(part, Callback) for value in given for part in parts(value))
