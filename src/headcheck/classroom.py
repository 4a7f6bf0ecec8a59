"""A class in numbers: its totals, what was not handed in, what went wrong, and how each exercise and check serves.

The terms are those of classical item analysis (R. L. Ebel and D. A. Frisbie, *Essentials of Educational Measurement*,
5th edition, 1991): an item is an exercise here, and its score the share of its points. What headcheck itself broke on
says nothing of students, and counts in neither difficulty nor discrimination.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headcheck.results import Curve, Diagnosis, ExerciseResult, PropertyResult, SectionResult, Status

BINS = 10
SMALLEST = 9
"""Students without whom upper and lower thirds are fewer than three each, and say nothing."""

WENT_WRONG: tuple[Status, ...] = ("broken", "timeout", "crashed")


@dataclass(frozen=True)
class Bin:
    """How many totals lie between two shares of all points, in per cent; the upper one belongs to the next bin."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class CheckSummary:
    """What became of one property in a class; `of` is one of its results, for what they have in common."""

    of: PropertyResult
    passed: int
    failed: int
    skipped: int
    broken: int

    @property
    def judged(self) -> int:
        """Of how many it is known whether they pass: all who handed the exercise in, but where headcheck broke."""
        return self.passed + self.failed + self.skipped

    @property
    def percent(self) -> int:
        """The share of them that passed; what was skipped was not passed."""
        return round(100 * self.passed / self.judged) if self.judged else 0


@dataclass(frozen=True)
class Mistake:
    """A misconception in an exercise, and who shares it."""

    exercise: str
    diagnosis: Diagnosis
    students: list[str]


@dataclass(frozen=True)
class Trouble:
    """That an exercise went wrong in one way, and whose it was."""

    exercise: str
    students: list[str]


@dataclass(frozen=True)
class ExerciseSummary:
    """How a class did on one exercise: the results by student, in the order of their names."""

    section: str
    exercise: str
    results: Mapping[str, ExerciseResult]
    totals: Mapping[str, float]

    @property
    def missing(self) -> list[str]:
        return self._with("missing")

    @property
    def passed(self) -> list[str]:
        return self._with("passed")

    @property
    def not_passed(self) -> list[str]:
        """Who handed in something that lacks a core point."""
        return [name for name in self.handed_in if self.results[name].status not in ("passed", "broken")]

    @property
    def handed_in(self) -> list[str]:
        return [name for name, result in self.results.items() if result.status != "missing"]

    @property
    def shares(self) -> dict[str, float]:
        """The share of its points that each student earned who handed it in."""
        found = ((name, self.results[name]) for name in self.handed_in)
        return {name: _share(result) for name, result in found if result.status != "broken"}

    @property
    def difficulty(self) -> float | None:
        """The difficulty index p: the mean share of the points among those who handed it in, so 1 is easiest."""
        return fmean(self.shares.values()) if self.shares else None

    @property
    def discrimination(self) -> float | None:
        """The index D: the mean share of the upper third of those who handed it in, less that of the lower third.

        Thirds are by total over the whole class. Of students with one total at the border of a third, each counts for
        the same part of the places that are left. None where fewer than `SMALLEST` handed it in.
        """
        shares = self.shares
        if len(shares) < SMALLEST:
            return None
        ranked = sorted(shares, key=lambda name: self.totals[name])
        tied = [[shares[name] for name in names] for _, names in groupby(ranked, key=lambda name: self.totals[name])]
        third = len(shares) // 3
        return _mean_of_first(third, reversed(tied)) - _mean_of_first(third, tied)

    @property
    def checks(self) -> list[CheckSummary]:
        """What became of each property, in order, where the exercise was handed in."""
        found: dict[str, list[PropertyResult]] = {}
        for name in self.handed_in:
            for result in self.results[name].properties:
                found.setdefault(result.name, []).append(result)
        return [_check(results) for results in found.values()]

    @property
    def mistakes(self) -> list[Mistake]:
        """Its misconceptions, the most frequent first."""
        found: dict[Diagnosis, list[str]] = {}
        for name, result in self.results.items():
            if result.misconception:
                found.setdefault(result.misconception, []).append(name)
        return _ranked(Mistake(self.exercise, diagnosis, students) for diagnosis, students in found.items())

    @property
    def went_wrong(self) -> dict[Status, list[str]]:
        """Whose it was that broke, took too long or crashed, the gravest first."""
        return {status: students for status in WENT_WRONG if (students := self._with(status))}

    @property
    def trainings(self) -> list[tuple[PropertyResult, list[Curve]]]:
        """Each property that trains, and the curves of everybody's training."""
        found: dict[str, tuple[PropertyResult, list[Curve]]] = {}
        for exercise in self.results.values():
            for result in exercise.properties:
                if result.curves:
                    found.setdefault(result.name, (result, []))[1].extend(result.curves)
        return list(found.values())

    def _with(self, status: Status) -> list[str]:
        return [name for name, result in self.results.items() if result.status == status]


@dataclass(frozen=True)
class Classroom:
    """A class: the total of each student, in the order of the names, and its exercises, in the course's order."""

    totals: Mapping[str, float]
    most: float
    exercises: list[ExerciseSummary]

    @property
    def absent(self) -> list[str]:
        """Who has handed in nothing."""
        present = {name for one in self.exercises for name in one.handed_in}
        return [name for name in self.totals if name not in present]

    @property
    def percents(self) -> list[float]:
        """The totals of those who handed in something, in per cent of all points."""
        absent = set(self.absent)
        return [100 * total / self.most for name, total in self.totals.items() if name not in absent and self.most]

    @property
    def mean(self) -> float | None:
        return fmean(self.percents) if self.percents else None

    @property
    def median(self) -> float | None:
        return median(self.percents) if self.percents else None

    @property
    def distribution(self) -> list[Bin]:
        """How many totals lie where; the last bin holds full marks, too."""
        size = 100 // BINS
        counts = Counter(min(BINS - 1, int(round(percent, 6) // size)) for percent in self.percents)
        return [Bin(size * place, size * (place + 1), counts[place]) for place in range(BINS)]

    @property
    def mistakes(self) -> list[Mistake]:
        """The misconceptions of all exercises, the most frequent first."""
        return _ranked(mistake for one in self.exercises for mistake in one.mistakes)

    @property
    def troubles(self) -> dict[Status, list[Trouble]]:
        """What broke, took too long or crashed, the gravest first, and in which exercises."""
        found = {
            status: [
                Trouble(one.exercise, students) for one in self.exercises if (students := one.went_wrong.get(status))
            ]
            for status in WENT_WRONG
        }
        return {status: troubles for status, troubles in found.items() if troubles}


def classroom(results: list[SectionResult], sections: Iterable[str]) -> Classroom:
    """The class whose results these are; `sections` are in order."""
    names = in_order(result.student for result in results)
    totals = dict.fromkeys(names, 0.0)
    for result in results:
        totals[result.student] = round(totals[result.student] + result.points, 6)
    exercises: list[ExerciseSummary] = []
    most = 0.0
    for section in sections:
        own = {result.student: result for result in results if result.section == section}
        most += max((result.max_points for result in own.values()), default=0.0)
        found: dict[str, dict[str, ExerciseResult]] = {}
        for name in names:
            for exercise in own[name].exercises if name in own else ():
                found.setdefault(exercise.exercise, {})[name] = exercise
        exercises += [ExerciseSummary(section, exercise, graded, totals) for exercise, graded in found.items()]
    return Classroom(totals, most, exercises)


def in_order(names: Iterable[str]) -> list[str]:
    """Names as a list of people has them, each once, whatever their case."""
    return sorted(set(names), key=lambda name: (name.casefold(), name))


def _check(results: list[PropertyResult]) -> CheckSummary:
    counts = Counter(result.outcome for result in results)
    passed, skipped, broken = (counts[outcome] for outcome in ("passed", "skipped", "broken"))
    return CheckSummary(results[0], passed, len(results) - passed - skipped - broken, skipped, broken)


def _share(result: ExerciseResult) -> float:
    return result.points / result.max_points if result.max_points else 0.0


def _ranked(mistakes: Iterable[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda mistake: -len(mistake.students))


def _mean_of_first(size: int, tied: Iterable[list[float]]) -> float:
    """The mean of the first `size` values; those of the list that is not taken whole count in equal parts."""
    summed, left = 0.0, size
    for values in tied:
        taken = min(left, len(values))
        summed += taken * fmean(values)
        left -= taken
    return summed / size
