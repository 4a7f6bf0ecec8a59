"""Questions that are answered in words and judged by a person: Markdown beside the stub, with its rubric.

# What does the learned width mean?

What to measure, and what to say about it.

## Rubric

- 1 point: what a right answer says.
- 1 point: what else it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headcheck.errors import CourseError
from headcheck.language import translated, translated_prose

if TYPE_CHECKING:
    from pathlib import Path

    from headcheck.course import Course

_LAYOUT = re.compile(r"# (?P<title>[^\n]+)\n\n(?P<text>.+?)\n\n## Rubric\n\n(?P<rubric>.+)", re.DOTALL)
_CRITERION = re.compile(r"- (?P<points>\d+) points?: (?P<text>.+)", re.DOTALL)


@dataclass(frozen=True)
class Criterion:
    """One line of a rubric: what an answer must say, and what that is worth."""

    points: int
    text: str


@dataclass(frozen=True)
class Question:
    """A question, and by what its answer is judged."""

    title: str
    text: str
    rubric: tuple[Criterion, ...]

    @property
    def max_points(self) -> int:
        return sum(criterion.points for criterion in self.rubric)


def question_text(question: Question) -> str:
    """The file of a question, laid out as above."""
    criteria = [f"- {each.points} point{'' if each.points == 1 else 's'}: {each.text}" for each in question.rubric]
    return f"# {question.title}\n\n{question.text}\n\n## Rubric\n\n{chr(10).join(criteria)}\n"


def translated_question(question: Question) -> Question:
    """The question and its rubric in the language that is spoken."""
    rubric = tuple(Criterion(each.points, translated(each.text)) for each in question.rubric)
    return Question(translated(question.title), translated_prose(question.text), rubric)


def read_question(path: Path) -> Question:
    """The question in a Markdown file; raises CourseError when it is not laid out as above."""
    found = _LAYOUT.fullmatch(path.read_text(encoding="utf-8").strip())
    if not found:
        raise CourseError(
            f"{path}: a question is `# Title`, a text, `## Rubric` and its list, with blank lines between"
        )
    lines = re.split(r"\n(?=- )", found["rubric"].strip())
    criteria = [_CRITERION.fullmatch(line) for line in lines]
    wrong = [line for line, criterion in zip(lines, criteria, strict=True) if not criterion]
    if wrong:
        raise CourseError(f"{path}: a line of a rubric is `- 1 point: what a right answer says`, not {wrong[0]!r}")
    rubric = tuple(Criterion(int(each["points"]), " ".join(each["text"].split())) for each in criteria if each)
    return Question(found["title"], found["text"].strip(), rubric)


def awaiting(course: Course) -> dict[str, str]:
    """What of each section only a person can give points for, in words; sections without questions are left out."""
    found = {}
    for section in course.sections:
        asked = [read_question(exercise.question) for exercise in course.select(section) if exercise.question.is_file()]
        if asked:
            points = sum(question.max_points for question in asked)
            one = len(asked) == 1
            found[section] = (
                f"1 written answer ({points} points)" if one else f"{len(asked)} written answers ({points} points)"
            )
    return found
