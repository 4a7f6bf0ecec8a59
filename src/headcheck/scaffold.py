"""The files of a new exercise: a small one that is complete, passes its own audit, and waits to be rewritten."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import TYPE_CHECKING

from headcheck.course import COURSE_FILE
from headcheck.errors import CourseError

if TYPE_CHECKING:
    from pathlib import Path

    from headcheck.course import Course


def write_exercise(course: Course, name: str, title: str | None) -> list[Path]:
    """Write the files of SECTION/SLUG and list it in the course; never overwrites one."""
    section, _, slug = name.partition("/")
    if not (section.isidentifier() and slug.isidentifier()) or iskeyword(slug):
        raise CourseError(f"{name!r} is not SECTION/SLUG with two Python identifiers, such as my_section/my_exercise")
    if section not in course.sections:
        raise CourseError(f"there is no section {section!r} in {COURSE_FILE}; there are: {', '.join(course.sections)}")
    title = title or slug.replace("_", " ").capitalize()
    texts = {path: text.format(slug=slug, section=section, title=title) for path, text in _FILES.items()}
    paths = {course.root / path.format(section=section, slug=slug): text for path, text in texts.items()}
    for path in paths:
        if path.exists():
            raise CourseError(f"{path} exists already; choose another slug or remove it first")
    listing = _listed((course.root / COURSE_FILE).read_text(), section, slug, title)
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (course.root / COURSE_FILE).write_text(listing)
    return [*paths, course.root / COURSE_FILE]


def _listed(text: str, section: str, slug: str, title: str) -> str:
    """The course's file with the exercise as the last one of its section, every other line as it is."""
    lines = text.splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines) if line.strip() == "[[section]]"]
    named = re.compile(rf"""name\s*=\s*["']{section}["']""")
    own = next((n for n in heads if any(named.match(line) for line in lines[n : n + 4])), None)
    if own is None:
        raise CourseError(
            f"{slug} cannot be added to section {section!r}: {COURSE_FILE} has no lines `[[section]]` and `name = ...`"
        )
    end = next((n for n in heads if n > own), len(lines))
    while end and not lines[end - 1].strip():
        end -= 1
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    entry = f'\n[[section.exercise]]\nslug = "{slug}"\ntitle = "{quoted}"\n'
    return "".join([*lines[:end], entry, *lines[end:]])


_STUB = '''"""# {title}

What the idea is, why it matters, and what to write.

Example: `{slug}(torch.tensor([1.0, 2.0]))` is `tensor([2.0, 4.0])`.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def {slug}(X: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Twice X."""
    ...
'''

_REFERENCE = '''"""The idea in one sentence."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def {slug}(X: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Twice X."""
    return 2 * X
'''

_PUBLIC = '''"""What a student may run."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close, assert_not_copied, assert_responds, assert_shape
from headcheck.properties import worth
from headcheck.strategies import normal, seeds

HINTS = (
    "What happens to each number of X, whatever the others are?",
    "Tensors are added and multiplied entry by entry, as numbers are.",
)


@worth(1, gate=True, hint="Return a tensor of the shape of X.")
@given(size=st.integers(1, 6), seed=seeds())
def it_answers(student, size, seed):
    """There is one number for each number of X, and it depends on X."""
    one, two = normal((size,), seed), normal((size,), seed + 1)
    assert_shape(student.{slug}(one), (size,))
    assert_responds(student.{slug}, one, two)
    assert_not_copied(student.{slug}(one), one)


@worth(2, hint="What happens to a sum?")
@given(size=st.integers(1, 6), seed=seeds())
def it_is_additive(student, size, seed):
    """The answer to a sum is the sum of the answers."""
    one, two = normal((size,), seed), normal((size,), seed + 1)
    both = assert_shape(student.{slug}(one), (size,)) + assert_shape(student.{slug}(two), (size,))
    assert_close(student.{slug}(one + two), both)
    assert_close(student.{slug}(torch.ones(size)), torch.full((size,), 2.0))
'''

_HIDDEN = '''"""Parity with the reference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headcheck.compare import assert_close
from headcheck.properties import worth
from headcheck.strategies import normal, seeds


@worth(2, hint="Try it by hand on two numbers.")
@given(size=st.integers(1, 6), seed=seeds())
def it_equals_the_reference(student, reference, size, seed):
    """The answer is the reference's."""
    X = normal((size,), seed)
    wanted = reference.{slug}(X)
    assert_close(student.{slug}(X), wanted)
'''

_MISCONCEPTIONS = '''"""Ways to get it wrong; the docstring is what the student is told."""


def squared(X):
    """You squared X. What is the square of 3, and what is twice 3?"""
    return X * X


def summed(X):
    """You returned one number for the whole of X. How many were asked for?"""
    return 2 * X.sum()
'''

_ADDED = '''"""By addition."""


def {slug}(X):
    return X + X
'''

_DIVIDED = '''"""By division."""


def {slug}(X):
    return X / 0.5
'''

_FILES = {
    "assignments/{section}/{slug}.py": _STUB,
    "reference/{section}/{slug}.py": _REFERENCE,
    "graders/{section}/{slug}/public.py": _PUBLIC,
    "graders/{section}/{slug}/hidden.py": _HIDDEN,
    "graders/{section}/{slug}/misconceptions.py": _MISCONCEPTIONS,
    "tests/alternatives/{section}/{slug}/added.py": _ADDED,
    "tests/alternatives/{section}/{slug}/divided.py": _DIVIDED,
}
