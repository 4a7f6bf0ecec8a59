"""Questions in words: their layout, and what is said of a wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headcheck.errors import CourseError
from headcheck.questions import Criterion, awaiting, read_question

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headcheck.course import Course

RIGHT = """# Why?

Measure it.

Then say why.

## Rubric

- 1 point: names the cause,
  in a line or two.
- 2 points: gives the figure.
"""


def test_a_question_has_a_title_a_text_and_a_rubric(tmp_path: Path) -> None:
    """The points are those of its rubric."""
    (tmp_path / "why.md").write_text(RIGHT)
    question = read_question(tmp_path / "why.md")
    assert question.title == "Why?"
    assert question.text == "Measure it.\n\nThen say why."
    assert question.rubric == (Criterion(1, "names the cause, in a line or two."), Criterion(2, "gives the figure."))
    assert question.max_points == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a question is `# Title`"),
        (RIGHT.replace("# Why?", "Why?"), "a question is `# Title`"),
        (RIGHT.replace("## Rubric", "## Points"), "a question is `# Title`"),
        (RIGHT.replace("- 2 points: gives", "- gives"), "not '- gives the figure.'"),
    ],
)
def test_another_layout_is_the_authors_mistake(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file and shows how it should be."""
    (tmp_path / "why.md").write_text(text)
    with pytest.raises(CourseError, match=r"why\.md: ") as caught:
        read_question(tmp_path / "why.md")
    assert said in str(caught.value)


def test_each_section_says_what_awaits_a_person(write_course: Callable[..., Course]) -> None:
    """How many answers, and the points of their rubrics; nothing where nothing is asked."""
    course = write_course()
    assert awaiting(course) == {}
    double, twice = course.exercises
    double.question.write_text(RIGHT)
    assert awaiting(course) == {"tiny": "1 written answer (3 points)"}
    twice.question.write_text(RIGHT)
    assert awaiting(course) == {"tiny": "2 written answers (6 points)"}
