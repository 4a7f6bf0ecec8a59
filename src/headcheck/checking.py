"""Check one's own work, as often as one likes, in a sandbox that stays warm for the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headcheck.grading import Exams, Grader
from headcheck.progress import Standing
from headcheck.sandbox import open_sandbox

if TYPE_CHECKING:
    from headcheck.course import Course, Exercise
    from headcheck.sandbox import Sandbox
    from headcheck.submission import Submission


class Checker:
    """Puts one's own work to the public properties, or to all with `hidden`; opens a sandbox when it has none."""

    def __init__(self, course: Course, *, hidden: bool = False) -> None:
        self._course = course
        self._exams = Exams(course, course.seed, public_only=not hidden)
        self._untrained = Exams(course, course.seed, public_only=True, training=False)
        self._sandbox: Sandbox | None = None
        self._known: dict[str, tuple[object, Standing]] = {}

    def use(self, sandbox: Sandbox) -> None:
        """Check in this one, which is warm; it is closed with the checker."""
        self.close()
        self._sandbox = sandbox

    def check(
        self, submission: Submission, exercise: Exercise, *, everything: bool = False, in_full: bool = False
    ) -> Standing:
        """How one exercise stands; unless `everything` or `in_full`, only the first failure's input is made smaller."""
        return self._standing(self._exams, submission, exercise, everything=everything, in_full=in_full)

    def builds_on(self, submission: Submission, exercise: Exercise, begun: set[str]) -> list[Standing]:
        """How those stand that an exercise uses, without their training, up to the first that is not right."""
        found: list[Standing] = []
        for used in map(self._course.exercise, exercise.uses):
            if used.id in begun:
                found.append(self._used(submission, used))
            else:
                found.append(Standing(used, None))
            if found[-1].state != "passed":
                break
        return found

    def trains(self, exercise: Exercise) -> bool:
        """Whether models are trained to check it, which takes a while."""
        return any(prop.worth.training for prop in self._exams.of(exercise).properties)

    def prepare(self, exercises: list[Exercise]) -> None:
        """Draw the inputs of these now."""
        for exercise in exercises:
            self._exams.of(exercise)

    def close(self) -> None:
        """End the sandbox, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def _used(self, submission: Submission, exercise: Exercise) -> Standing:
        """How it stands; from the last time, if nothing in its files or notebooks has changed since."""
        own = self._course.with_used([exercise])
        files = [submission.files.get(each.id) for each in own]
        texts = files, [submission.notebooks.get(each.section) for each in own]
        known, standing = self._known.get(exercise.id, (None, None))
        if standing is None or known != texts:
            standing = self._standing(self._untrained, submission, exercise)
            self._known[exercise.id] = texts, standing
        return standing

    def _standing(
        self,
        exams: Exams,
        submission: Submission,
        exercise: Exercise,
        *,
        everything: bool = False,
        in_full: bool = False,
    ) -> Standing:
        one = not (everything or in_full)
        grader = self._grader(exams, exercise)
        (result,) = grader.check(submission, [exercise], everything=everything, one_at_a_time=one)
        if result.status == "broken" and not grader.works():  # the sandbox has died since the last time
            self.close()
            grader = self._grader(exams, exercise)
            (result,) = grader.check(submission, [exercise], everything=everything, one_at_a_time=one)
        return Standing(exercise, result)

    def _grader(self, exams: Exams, exercise: Exercise) -> Grader:
        """One whose sandbox has the libraries that the exercise needs."""
        needs = set(self._course.libraries(self._course.with_used([exercise])))
        if self._sandbox is None or not needs <= set(self._sandbox.needs):
            needs |= set(self._sandbox.needs) if self._sandbox else set()
            self.close()
            self._sandbox, _ = open_sandbox(self._course.limits, needs=tuple(sorted(needs)))
        return Grader(self._course, exams, self._sandbox)
