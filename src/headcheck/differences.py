"""What two gradings of a class differ in: who gains and who loses points, and by which exercises and properties.

Texts, times and counterexamples are no difference: it is about points, and about how things ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headcheck.tables import plain, points_cell, written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from headcheck.results import ExerciseResult, PropertyResult, SectionResult

    Kind = Literal["loses", "gains", "other"]
    Work = dict[str, ExerciseResult]
    Ends = tuple[str | None, str | None]
    """How something ended before and after; None where it is not."""

COLUMNS = (
    "student", "exercise", "change", "points_before", "points_after", "max_points_before", "max_points_after",
    "status_before", "status_after", "checks",
)  # fmt: skip


@dataclass(frozen=True)
class PropertyChange:
    """A property that ended otherwise, that is new (there is none `before`), or gone (there is none `after`)."""

    before: PropertyResult | None
    after: PropertyResult | None

    @property
    def of(self) -> PropertyResult:
        """As it is now, or as it last was."""
        return next(result for result in (self.after, self.before) if result)

    @property
    def ends(self) -> Ends:
        return self.before.outcome if self.before else None, self.after.outcome if self.after else None


@dataclass(frozen=True)
class ExerciseChange:
    """An exercise of a student with other points or another end, that is new, or gone."""

    exercise: str
    before: ExerciseResult | None
    after: ExerciseResult | None
    properties: list[PropertyChange]

    @property
    def ends(self) -> Ends:
        return self.before.status if self.before else None, self.after.status if self.after else None

    @property
    def gained(self) -> float:
        return round((self.after.points if self.after else 0.0) - (self.before.points if self.before else 0.0), 6)


@dataclass(frozen=True)
class StudentChange:
    """A student for whom something changed, with all points before and after; None where there is no result."""

    student: str
    before: float | None
    after: float | None
    exercises: list[ExerciseChange]

    @property
    def gained(self) -> float:
        """The points won or lost; none by who is new or gone."""
        return 0.0 if self.before is None or self.after is None else round(self.after - self.before, 6)

    @property
    def kind(self) -> Kind:
        if not self.gained:
            return "other"
        return "gains" if self.gained > 0 else "loses"


@dataclass(frozen=True)
class WorthChange:
    """Points that there are to earn now, and were before: in an exercise, or by one of its properties' `sentence`."""

    exercise: str
    sentence: str
    before: float
    after: float


@dataclass(frozen=True)
class Differences:
    """All that changed: who loses most comes first, then who gains most, then the others by name."""

    students: list[StudentChange]
    unchanged: int
    worths: list[WorthChange]

    def __bool__(self) -> bool:
        return bool(self.students or self.worths)

    def of(self, kind: Kind) -> list[StudentChange]:
        """The students who lose points, who gain some, or for whom something else has changed."""
        return [change for change in self.students if change.kind == kind]


def differences(
    before: list[SectionResult],
    after: list[SectionResult],
    each: Callable[[Collection[str]], Iterable[str]] = iter,
) -> Differences:
    """What changed from one grading to the other; students are compared as `each` hands out their names."""
    old, new = _work(before), _work(after)
    compared = [_student(name, old.get(name), new.get(name)) for name in each(sorted({*old, *new}))]
    changed = [change for change in compared if change.exercises]
    ranks = ("loses", "gains", "other")
    changed.sort(key=lambda change: (ranks.index(change.kind), -abs(change.gained)))
    pairs = [(old.get(who, {}).get(name), result) for who, work in new.items() for name, result in work.items()]
    worths = dict.fromkeys(change for earlier, later in pairs if earlier for change in _worths(earlier, later))
    return Differences(changed, len(compared) - len(changed), list(worths))


def differences_csv(found: Differences) -> str:
    """One row for each exercise of a student that changed; its last cell says how checks ended, before and after."""
    rows = [list(COLUMNS)]
    for student in found.students:
        for change in student.exercises:
            sides = (change.before, change.after)
            rows.append(
                [
                    plain(student.student),
                    plain(change.exercise),
                    points_cell(change.gained),
                    *(points_cell(side.points if side else None) for side in sides),
                    *(points_cell(side.max_points if side else None) for side in sides),
                    *(end or "" for end in change.ends),
                    plain("; ".join(map(_check, change.properties))),
                ]
            )
    return written(rows)


def _check(change: PropertyChange) -> str:
    return ": ".join((change.of.name, " -> ".join(end or "absent" for end in change.ends)))


def _work(results: list[SectionResult]) -> dict[str, Work]:
    """The exercises of each student, by their ids."""
    found: dict[str, Work] = {}
    for result in results:
        found.setdefault(result.student, {}).update({each.exercise: each for each in result.exercises})
    return found


def _student(name: str, before: Work | None, after: Work | None) -> StudentChange:
    old, new = before or {}, after or {}
    compared = [(each, old.get(each), new.get(each)) for each in dict.fromkeys((*new, *old))]
    exercises = [change for each in compared if (change := _exercise(*each))]
    return StudentChange(name, _points(before), _points(after), exercises)


def _points(work: Work | None) -> float | None:
    return None if work is None else round(sum(result.points for result in work.values()), 6)


def _exercise(name: str, before: ExerciseResult | None, after: ExerciseResult | None) -> ExerciseChange | None:
    if before is None or after is None:
        return ExerciseChange(name, before, after, [])
    old, new = ({each.name: each for each in result.properties} for result in (before, after))
    compared = [PropertyChange(old.get(each), new.get(each)) for each in dict.fromkeys((*new, *old))]
    properties = [one for one in compared if not (one.before and one.after and one.before.outcome == one.after.outcome)]
    same = (before.status, before.points) == (after.status, after.points)
    return None if same and not properties else ExerciseChange(name, before, after, properties)


def _worths(before: ExerciseResult, after: ExerciseResult) -> Iterator[WorthChange]:
    """Of the exercise, and of those of its properties whose points did not just change with it."""
    if before.max_points != after.max_points:
        yield WorthChange(after.exercise, "", before.max_points, after.max_points)
    old = {each.name: each.max_points for each in before.properties}
    both = [(each, old[each.name]) for each in after.properties if each.name in old]
    if all(math.isclose(each.max_points * before.max_points, was * after.max_points) for each, was in both):
        return
    for each, was in both:
        if each.max_points != was:
            yield WorthChange(after.exercise, each.sentence or each.name, was, each.max_points)
