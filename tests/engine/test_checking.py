"""One's own work, checked again and again in one warm sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headcheck.checking import Checker
from headcheck.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headcheck.course import Course

RIGHT = b"def double(X):\n    return 2 * X\n"
WRONG = b"def double(X):\n    return X * X\n"
TWICE = b"from tiny.double import double\n\n\ndef twice(X):\n    return double(X)\n"


@pytest.fixture
def checker(course: Course) -> Iterator[Checker]:
    """A checker of the tiny course."""
    checker = Checker(course)
    yield checker
    checker.close()


def test_a_mistake_is_named_where_the_whole_course_is_at_hand(course: Course, checker: Checker) -> None:
    """Though only public checks were run."""
    result = checker.check(Submission("you", {"tiny/double": WRONG}), course.exercises[0]).result
    assert result is not None
    assert {prop.visibility for prop in result.properties} == {"public"}
    assert result.misconception is not None
    assert result.misconception.name == "squared"


def test_hidden_checks_run_when_they_are_asked_for(course: Course) -> None:
    """Beside the public ones."""
    checker = Checker(course, hidden=True)
    result = checker.check(Submission("you", {"tiny/double": RIGHT}), course.exercises[0]).result
    checker.close()
    assert result is not None
    assert [prop.visibility for prop in result.properties] == ["public", "public", "hidden"]


def test_what_an_exercise_builds_on_is_checked_up_to_the_first_that_is_wrong(course: Course, checker: Checker) -> None:
    """One's own, begun or not."""
    twice = course.exercises[1]

    def states(files: dict[str, bytes]) -> list[str]:
        found = checker.builds_on(Submission("you", files), twice, set(files))
        return [standing.state for standing in found]

    assert states({"tiny/double": RIGHT, "tiny/twice": TWICE}) == ["passed"]
    assert states({"tiny/double": WRONG, "tiny/twice": TWICE}) == ["in work"]
    assert states({"tiny/twice": TWICE}) == ["not begun"]


def test_a_sandbox_that_died_is_replaced(course: Course, checker: Checker) -> None:
    """A watch may last for days."""
    work = Submission("you", {"tiny/double": RIGHT})
    assert checker.check(work, course.exercises[0]).state == "passed"
    assert checker._sandbox is not None
    checker._sandbox._process.kill()
    checker._sandbox._process.wait()
    assert checker.check(work, course.exercises[0]).state == "passed"


def test_a_sandbox_without_a_library_gives_way_to_one_that_has_it(course: Course, checker: Checker) -> None:
    """Libraries are imported once, before anything is forked."""
    work = Submission("you", {"tiny/double": RIGHT})
    checker.check(work, course.exercises[0])
    first = checker._sandbox
    checker.check(work, course.exercises[0])
    assert checker._sandbox is first
    drawing = next(each for each in [course.exercises[0]])
    object.__setattr__(drawing, "needs", ("email.mime",))
    try:
        assert checker.check(work, drawing).state == "passed"
        assert checker._sandbox is not first
        assert "email.mime" in checker._sandbox.needs  # type: ignore[union-attr]
    finally:
        object.__setattr__(drawing, "needs", ())
