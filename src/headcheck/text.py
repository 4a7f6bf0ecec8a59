"""Words for both views of a result; text that came from a submission is made visible, whatever it holds."""

from __future__ import annotations

import unicodedata
from collections import Counter

from headcheck.language import ENGLISH, say, spoken_language
from headcheck.results import SectionResult, Status

MAX_TEXT = 4_000
UNPROTECTED = (
    "Graded in plain processes, without a sandbox: code that meant harm could read and change what this account can. "
    "Do not rely on these points before someone has looked at the submissions."
)

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(selector) for selector in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
"""Letters, marks and signs that show nothing: fillers, joiners, variation selectors."""
_MAX_MARKS = 4  # on one letter: more climb over the lines around them
_SLUG_LENGTH = 40


def visible(text: str, *, lines: bool = False, limit: int = MAX_TEXT) -> str:
    r"""The text with every character that hides, moves or colours others written as its escape, such as `\x1b`.

    That is all of Unicode's control, format, surrogate, private and unassigned characters: terminal escapes, NUL,
    right-to-left overrides, zero-width spaces; what shows nothing, and accents that pile up. Newlines and tabs stay
    with `lines`; the rest after `limit` is counted.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text  # nearly all text, and much faster
    text = text.replace("\r\n", "\n")
    shown = []
    marks = 0
    for character in text[:limit]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        hidden = category in _INVISIBLE or character in _BLANK or marks > _MAX_MARKS
        seen = not hidden or (lines and character in "\n\t")
        shown.append(character if seen else character.encode("unicode_escape").decode("ascii"))
    left = len(text) - limit
    return "".join(shown) + (say("… ({count} more characters)", count=f"{left:,}") if left > 0 else "")


def slug(text: str) -> str:
    """Lower-case ASCII letters, digits and single hyphens: what any file system and any URL can hold."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    words = "".join(character if character.isalnum() else " " for character in plain).split()
    return "-".join(words)[:_SLUG_LENGTH].strip("-") or "student"


def spoken(name: str) -> str:
    """The name of an exercise or property as words: `mask_after_softmax` as `mask after softmax`.

    In other languages than English it stays a name in code.
    """
    bare = name.rpartition("/")[2]
    return bare.replace("_", " ") if spoken_language() == ENGLISH else bare


def number(value: float) -> str:
    """Points: at most two decimals and no trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def marks(result: SectionResult) -> dict[Status, str]:
    """What a reader of the class should know beyond the points, the gravest first: `{"broken": "1 broken"}`."""
    count = Counter(exercise.status for exercise in result.exercises)
    said: dict[Status, str] = {
        "broken": say("{count} broken", count=count["broken"]),
        "timeout": say("{count} timeout", count=count["timeout"]),
        "crashed": say("{count} crashed", count=count["crashed"]),
        "missing": say("{count} missing", count=count["missing"]),
    }
    return {status: text for status, text in said.items() if count[status]}
