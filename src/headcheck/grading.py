"""Grade: put an exercise's properties to a submission in the sandbox, and a whole submission exercise by exercise."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from headcheck import archive
from headcheck.compare import NO_RETURN
from headcheck.course import notebook_of
from headcheck.diagnosis import Suspects
from headcheck.errors import NotHandedIn, ResultsError, SandboxError, StudentTimeout
from headcheck.precedents import Precedents
from headcheck.properties import (
    Verdict,
    draw_cases,
    load_misconceptions,
    load_properties,
    load_reference,
    load_right_curves,
    load_steps,
    mistaken,
    property_seed,
    run,
)
from headcheck.protocol import Done, Notebook, Raised, encode
from headcheck.results import Diagnosis, ExerciseResult, Outcome, PropertyResult, section_result, status_of
from headcheck.student import Connection, raised

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from headcheck.course import Course, Exercise
    from headcheck.diagnosis import Trial
    from headcheck.properties import Case, Misconception, Property, RightCurves
    from headcheck.results import Level, SectionResult
    from headcheck.sandbox import Sandbox, Worker
    from headcheck.submission import Submission

MAX_TIMEOUTS = 2
MAX_PRINTED = 4096
MAX_MESSAGE = 16 * 1024
UNANSWERED: tuple[Outcome, ...] = ("timeout", "crashed", "broken", "missing")
"""How properties end of a submission that no longer answers, so that nothing more is asked of it."""
_WORD = re.compile(rb"\w+")


@dataclass(frozen=True)
class Exam:
    """An exercise ready to be put to a class: its properties and steps, their inputs drawn once, and the reference."""

    exercise: Exercise
    properties: list[Property]
    cases: dict[str, list[Case]]
    seeds: dict[str, int]
    reference: ModuleType | None
    misconceptions: dict[str, Misconception]
    suspects: Suspects
    steps: list[Property] = field(default_factory=list)
    right_curves: RightCurves = field(default_factory=dict)
    precedents: dict[str, Precedents] = field(default_factory=lambda: defaultdict(Precedents))


def prepare(course: Course, exercise: Exercise, *, seed: int, public_only: bool = False, training: bool = True) -> Exam:
    """Load an exercise's graders and draw their inputs; in a released copy there are only public ones.

    Mistakes are named, and curves shown beside right ones, wherever the course has what that takes.
    """
    properties = [
        prop
        for prop in load_properties(course, exercise)
        if (training or not prop.worth.training) and (not public_only or prop.visibility == "public")
    ]
    steps = load_steps(course, exercise)
    seeds = {prop.name: property_seed(seed, exercise, prop) for prop in properties + steps}
    cases = {prop.name: draw_cases(prop, seeds[prop.name]) for prop in properties + steps}
    whole = course.has_hidden_files
    reference = load_reference(course, exercise) if whole else None
    found = load_misconceptions(course, exercise) if whole and exercise.misconceptions.exists() else []
    solutions = {wrong.name: mistaken(course, exercise, wrong) for wrong in found}
    misconceptions = {wrong.name: wrong for wrong in found}
    suspects = Suspects(solutions, reference)
    right = load_right_curves(exercise) if whole else {}
    return Exam(exercise, properties, cases, seeds, reference, misconceptions, suspects, steps, right)


def examine(
    exam: Exam,
    connect: Callable[[], Connection],
    *,
    everything: bool = False,
    shrink: bool = True,
    one_at_a_time: bool = False,
) -> list[PropertyResult]:
    """Run the properties in order; with `one_at_a_time` only the input of the first failure is made smaller.

    After a failed gate, and for training after any failure, the rest is skipped; `everything` runs it all the same.
    """
    results: list[PropertyResult] = []
    for prop in exam.properties:
        reason = "" if everything else _why_skip(prop, exam.properties, results)
        if reason:
            verdict = Verdict("skipped", reason)
        else:
            cases, seed = exam.cases[prop.name], exam.seeds[prop.name]
            small = shrink and not (one_at_a_time and any(result.outcome != "passed" for result in results))
            known = exam.precedents[prop.name]
            verdict = run(prop, cases, connect, exam.reference, seed=seed, shrink=small, precedents=known)
        result = property_result(exam.exercise, prop, verdict)
        results.append(_beside_right(result, exam.right_curves.get(prop.name, {})))
    return results


def take_steps(exam: Exam, connect: Callable[[], Connection]) -> tuple[list[Property], Property | None]:
    """The steps that are right, up to the first that is wrong, and that one; None where none can be told."""
    right: list[Property] = []
    for step in exam.steps:
        verdict = run(step, exam.cases[step.name], connect, exam.reference, seed=exam.seeds[step.name], shrink=False)
        if verdict.outcome != "passed":
            return right, step if verdict.outcome == "failed" else None
        right.append(step)
    return right, None


def name_mistake(exam: Exam, results: list[PropertyResult], connect: Callable[[], Connection]) -> Diagnosis | None:
    """The one misconception that a failing submission behaves like, in the words that the student is told."""
    if any(result.outcome in UNANSWERED for result in results):
        return None
    trials: dict[Outcome, list[Trial]] = {"failed": [], "passed": []}
    for prop, result in zip(exam.properties, results, strict=True):
        if result.outcome in trials and not prop.worth.training:
            trials[result.outcome].append((prop, exam.cases[prop.name], exam.seeds[prop.name]))
    if not trials["failed"]:
        return None
    name = exam.suspects.name(trials["failed"], trials["passed"], connect)
    return Diagnosis(name, exam.misconceptions[name].message) if name else None


def property_result(exercise: Exercise, prop: Property, verdict: Verdict) -> PropertyResult:
    """A verdict with the property's points."""
    points, maximum = _points(exercise, prop, verdict.outcome)
    return PropertyResult(
        name=prop.name,
        visibility=prop.visibility,
        group=prop.worth.group,
        outcome=verdict.outcome,
        points=points,
        max_points=maximum,
        message=verdict.message[:MAX_MESSAGE],
        counterexample=verdict.counterexample,
        seconds=round(verdict.seconds, 4),
        sentence=prop.sentence,
        hint=prop.worth.hint,
        curves=verdict.curves,
    )


@dataclass(frozen=True)
class Paper:
    """What one student hands in for one exercise: its text, and that of everything it imports.

    What is not in `sources` is in one of the `notebooks`, if anywhere. `replaced` names the used exercises for which
    the reference stands in; with any, the run may not speak.
    """

    exercise: Exercise
    sources: dict[str, bytes]
    replaced: list[str]
    notebooks: tuple[Notebook, ...] = ()

    def content(self) -> dict[str, bytes]:
        """All that a result depends on; a run that may not speak is another than one that may."""
        notebooks = {notebook.name: encode(notebook) for notebook in self.notebooks}
        return self.sources | notebooks | {"replaced": repr(self.replaced).encode()}

    def shortcuts(self) -> list[str]:
        """Which library calls the exercise's own file or notebook names, by a word that its stub does not hold."""
        texts = [self.sources.get(self.exercise.module, b"")]
        texts += [notebook.data for notebook in self.notebooks if self.exercise.module in notebook.wanted]
        words = {word for text in texts for word in _WORD.findall(text)} - set(_WORD.findall(self.exercise.stub_text()))
        return [name for name in self.exercise.shortcuts if name.rpartition(".")[2].encode() in words]


class Sitting:
    """One paper in the sandbox: a worker, and another with what is left of the time when that one has died."""

    def __init__(self, sandbox: Sandbox, paper: Paper) -> None:
        self._sandbox = sandbox
        self._limits = paper.exercise.limits
        self._paper = paper
        self._worker: Worker | None = None
        self._connection: Connection | None = None
        self._printed: list[str] = []
        self._has_asked = False
        self.findings: list[str] = []  # what the worker says of the notebooks
        self.blank = ""  # where the worker says that nothing is written

    def connect(self) -> Connection:
        """The connection to a living worker that has loaded the paper."""
        if self._worker is None or not self._worker.alive or self._connection is None:
            self.close()
            if self._limits.exercise_seconds <= 0:
                raise StudentTimeout("the time for this exercise is used up")
            self._worker = self._sandbox.fork(self._limits)
            paper = self._paper
            reply = self._worker.load(paper.sources, paper.exercise.module, paper.exercise.shortcuts, paper.notebooks)
            self._printed.append(reply.printed)
            self.findings = reply.findings
            self.blank = reply.value if isinstance(reply, Done) and isinstance(reply.value, str) else ""
            if isinstance(reply, Raised):
                self.close()
                if reply.kind == NotHandedIn.__name__ and paper.notebooks:
                    raise NotHandedIn(reply.message)
                raise raised(reply)
            asked_alone, self._has_asked = self._has_asked, True
            self._connection = Connection(self._worker, together=None if asked_alone else self._worker.together)
            self._connection.printed = self._printed
        return self._connection

    def printed(self) -> str:
        """What the submission printed, capped."""
        return "".join(self._printed)[:MAX_PRINTED]

    def close(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            self._limits = msgspec.structs.replace(self._limits, exercise_seconds=self._worker.seconds_left)
            if self._worker.alive:
                self._worker.end()
        self._worker = self._connection = None


class Exams:
    """The exams of a course under one seed, each prepared at its first use."""

    def __init__(self, course: Course, seed: int, *, public_only: bool = False, training: bool = True) -> None:
        self.seed = seed
        self._course = course
        self._public_only = public_only
        self._training = training
        self._prepared: dict[str, Exam] = {}

    def of(self, exercise: Exercise) -> Exam:
        """The exercise's exam."""
        if exercise.id not in self._prepared:
            self._prepared[exercise.id] = prepare(
                self._course, exercise, seed=self.seed, public_only=self._public_only, training=self._training
            )
        return self._prepared[exercise.id]


@dataclass
class Tally:
    """How many results are new, and how many were known."""

    graded: int = 0
    recalled: int = 0

    def add(self, other: Tally) -> None:
        self.graded += other.graded
        self.recalled += other.recalled


class Desk:
    """Where results of one course under one seed and one level of sandbox are kept in `directory`, and recalled."""

    def __init__(self, course: Course, seed: int, level: Level, directory: Path | None) -> None:
        self._course = course
        self.seed = seed
        self.level = level
        self._directory = directory
        self._loaded: dict[str, list[Property]] = {}
        self._fingerprints: dict[str, str] = {}
        self.tally = Tally()

    def known(self, submission: Submission, wanted: list[Exercise]) -> dict[str, ExerciseResult]:
        """What need not be graded of these exercises and those that they use: what is missing, and what was kept."""
        found: dict[str, ExerciseResult] = {}
        for exercise in self._course.with_used(wanted):
            if not submission.may_hold(exercise):
                found[exercise.id] = self._missing(exercise, submission)
            elif found.keys() >= set(exercise.uses):
                known = self._recall(self._paper(submission, exercise, found))
                if known is not None:
                    found[exercise.id] = known
        return found

    def keep(self, submission: Submission, known: dict[str, ExerciseResult], graded: dict[str, ExerciseResult]) -> None:
        """Keep what was graded elsewhere, on what was known."""
        for name, result in graded.items():
            self._remember(self._paper(submission, self._course.exercise(name), known | graded), result)
        self.tally.graded += len(graded)

    def give_up(self, submission: Submission, wanted: list[Exercise], reason: str) -> list[SectionResult]:
        """The results of a submission that could not be graded: all `broken`, nothing lost."""
        found = {exercise.id: broken(exercise, self._properties(exercise), reason) for exercise in wanted}
        return self.by_section(submission, wanted, found)

    def by_section(
        self, submission: Submission, wanted: list[Exercise], found: dict[str, ExerciseResult]
    ) -> list[SectionResult]:
        """What was found, as the results of sections."""
        return [
            section_result(
                submission.student,
                section,
                self.level,
                self.seed,
                [found[exercise.id] for exercise in wanted if exercise.section == section],
            )
            for section in dict.fromkeys(exercise.section for exercise in wanted)
        ]

    def _recall(self, paper: Paper) -> ExerciseResult | None:
        if self._directory is None:
            return None
        known = archive.recall(self._directory, self._key(paper))
        if known is None:
            return None
        self.tally.recalled += 1
        return _at_weight(known, paper.exercise, self._properties(paper.exercise))

    def _remember(self, paper: Paper, result: ExerciseResult) -> None:
        if self._directory is not None and result.status != "broken":
            with contextlib.suppress(ResultsError):  # it is not lost: whoever writes the section's result will say so
                archive.remember(self._directory, self._key(paper), result)

    def _key(self, paper: Paper) -> str:
        exercise = paper.exercise
        if exercise.id not in self._fingerprints:
            self._fingerprints[exercise.id] = self._course.fingerprint(exercise)
        fingerprint = self._fingerprints[exercise.id]
        return archive.result_key(fingerprint, paper.content(), seed=self.seed, level=self.level)

    def _properties(self, exercise: Exercise) -> list[Property]:
        if exercise.id not in self._loaded:
            self._loaded[exercise.id] = load_properties(self._course, exercise)
        return self._loaded[exercise.id]

    def _paper(self, submission: Submission, exercise: Exercise, earlier: dict[str, ExerciseResult]) -> Paper:
        replaced = [name for name in exercise.uses if earlier[name].status != "passed"]
        own = [each for each in self._course.with_used([exercise]) if each.id not in replaced]
        written = {each.module: submission.files[each.id] for each in own if each.id in submission.files}
        strangers = self._course.reference_sources(exercise)
        for each in own:
            del strangers[each.module]  # what is looked for in a notebook must not be found in the reference
        return Paper(exercise, strangers | written, replaced, notebooks_of(self._course, submission, own))

    def _missing(self, exercise: Exercise, submission: Submission) -> ExerciseResult:
        reason = submission.refused.get(exercise.id, "") or submission.astray.get(exercise.id, "")
        file, notebook = exercise.file, notebook_of(exercise.section)
        message = reason or f"there is no file for this exercise: save it as {file}, or in {notebook}"
        properties = [
            property_result(exercise, prop, Verdict("missing", message)) for prop in self._properties(exercise)
        ]
        _, maximum = _added(properties)
        return ExerciseResult(exercise.id, "missing", 0.0, maximum, 0.0, None, properties, [reason] if reason else [])


class Grader(Desk):
    """Grades papers of one course in one sandbox; keeps and recalls results in `directory` where there is one."""

    def __init__(self, course: Course, exams: Exams, sandbox: Sandbox, *, directory: Path | None = None) -> None:
        super().__init__(course, exams.seed, sandbox.level, directory)
        self.exams = exams
        self._sandbox = sandbox

    def grade_submission(
        self, submission: Submission, wanted: list[Exercise], earlier: dict[str, ExerciseResult] | None = None
    ) -> list[SectionResult]:
        """All wanted exercises of one student, by section; what they use is graded first. `earlier` is known."""
        found = dict(earlier or {})
        for exercise in self._course.with_used(wanted):
            if exercise.id not in found:
                found[exercise.id] = self._grade_or_recall(submission, exercise, found)
        return self.by_section(submission, wanted, found)

    def check(
        self, submission: Submission, wanted: list[Exercise], *, everything: bool = False, one_at_a_time: bool = False
    ) -> list[ExerciseResult]:
        """Self-assessment: always on the student's own earlier exercises, and nothing kept."""
        results = []
        for exercise in wanted:
            if not submission.may_hold(exercise):
                results.append(self._missing(exercise, submission))
                continue
            own = [each for each in self._course.with_used([exercise]) if submission.may_hold(each)]
            files = {each.module: submission.files[each.id] for each in own if each.id in submission.files}
            sources = files | self._course.given_sources(exercise)
            paper = Paper(exercise, sources, [], notebooks_of(self._course, submission, own))
            stranger = submission.astray.get(exercise.id, "")
            results.append(self.grade(paper, everything=everything, one_at_a_time=one_at_a_time, stranger=stranger))
        return results

    def works(self) -> bool:
        """Whether the sandbox still starts workers."""
        try:
            self._sandbox.fork(self._course.limits).end()
        except SandboxError:
            return False
        return True

    def _grade_or_recall(
        self, submission: Submission, exercise: Exercise, earlier: dict[str, ExerciseResult]
    ) -> ExerciseResult:
        if not submission.may_hold(exercise):
            return self._missing(exercise, submission)
        paper = self._paper(submission, exercise, earlier)
        known = self._recall(paper)
        if known is not None:
            return known
        self.tally.graded += 1
        result = self.grade(paper)
        self._remember(paper, result)
        return result

    def grade(
        self, paper: Paper, *, everything: bool = False, one_at_a_time: bool = False, stranger: str = ""
    ) -> ExerciseResult:
        """Put a paper to the properties, name the mistake if it has a name, and add up.

        `stranger` is noted of an exercise in which nothing is written: that it may stand in a file of another name.
        """
        started = time.perf_counter()
        exam = self.exams.of(paper.exercise)
        sitting = Sitting(self._sandbox, paper)
        try:
            properties = examine(exam, sitting.connect, everything=everything, one_at_a_time=one_at_a_time)
            diagnosis = name_mistake(exam, properties, sitting.connect)
            first_wrong_step = _first_wrong_step(exam, properties, sitting)
        except SandboxError as error:
            return broken(exam.exercise, exam.properties, str(error))
        finally:
            _close_quietly(sitting)
        notes = [
            f"graded with the reference's {name}: the student's own did not earn its core points"
            for name in paper.replaced
        ]
        notes += [f"the text mentions {name}" for name in paper.shortcuts()]
        notes += [] if paper.replaced else sitting.findings
        notes += [f"{result.name} broke: {result.message}" for result in properties if result.outcome == "broken"]
        printed = sitting.printed()
        if sitting.blank and not any(result.outcome == "passed" for result in properties):
            properties = [_unwritten(result, exam.exercise, sitting.blank) for result in properties]
            notes = [*filter(None, [stranger]), *notes]
        elif printed:
            properties = [_printed_only(result) for result in properties]
        if paper.replaced:
            properties, printed = [_silent(result) for result in properties], ""
        points, max_points = _added(properties)
        return ExerciseResult(
            exercise=exam.exercise.id,
            status=status_of(properties),
            points=points,
            max_points=max_points,
            seconds=round(time.perf_counter() - started, 0 if paper.replaced else 3),
            misconception=diagnosis,
            properties=properties,
            notes=notes,
            printed=printed,
            first_wrong_step=first_wrong_step,  # names that the author chose, also where a reference stands in
        )


def notebooks_of(course: Course, submission: Submission, own: list[Exercise]) -> tuple[Notebook, ...]:
    """Those that may hold these exercises of the student's own."""
    wanted: dict[str, list[str]] = {}
    for exercise in own:
        if exercise.section in submission.notebooks:
            wanted.setdefault(exercise.section, []).append(exercise.module)
    return tuple(
        Notebook(notebook_of(section), submission.notebooks[section], course.stubs(section), modules)
        for section, modules in wanted.items()
    )


def broken(exercise: Exercise, properties: list[Property], message: str) -> ExerciseResult:
    """The result when our side failed: no points lost, and a note for the instructor."""
    results = [property_result(exercise, prop, Verdict("broken", message)) for prop in properties]
    _, maximum = _added(results)
    return ExerciseResult(exercise.id, "broken", maximum, maximum, 0.0, None, results, [message])


def _at_weight(known: ExerciseResult, exercise: Exercise, properties: list[Property]) -> ExerciseResult:
    """A result that was kept, with the points that the exercise's weight gives it now."""
    weighed = []
    for result, prop in zip(known.properties, properties, strict=True):
        points, maximum = _points(exercise, prop, result.outcome)
        weighed.append(dataclasses.replace(result, points=points, max_points=maximum))
    points, maximum = _added(weighed)
    return dataclasses.replace(known, points=points, max_points=maximum, properties=weighed)


def _points(exercise: Exercise, prop: Property, outcome: Outcome) -> tuple[float, float]:
    """What a property earns that ends so, and what it can earn."""
    maximum = prop.worth.points * exercise.weight
    return maximum if _earns(outcome) else 0.0, maximum


def _added(results: list[PropertyResult]) -> tuple[float, float]:
    """The points of an exercise, and the most there are."""
    return round(sum(result.points for result in results), 6), round(sum(result.max_points for result in results), 6)


def _first_wrong_step(exam: Exam, results: list[PropertyResult], sitting: Sitting) -> str:
    """How far a failing submission is right, and where it first goes wrong, in the author's words."""
    by_name = {prop.name: prop for prop in exam.properties}
    failed = [by_name[result.name].worth for result in results if result.outcome == "failed"]
    told = any(not worth.training for worth in failed) and not any(worth.gate for worth in failed)
    if not told or any(result.outcome in UNANSWERED for result in results):
        return ""
    right, wrong = take_steps(exam, sitting.connect)
    if wrong is None:
        return ""
    if not right:
        return f"Start with {wrong.sentence}: that is the first step that goes wrong."
    so_far = "; ".join(step.sentence for step in right)
    return f"Right so far: {so_far}. The first step that goes wrong: {wrong.sentence}."


def _unwritten(result: PropertyResult, exercise: Exercise, where: str) -> PropertyResult:
    """Of an exercise in which nothing was written, that, and not what came of it."""
    if result.outcome != "failed":
        return result
    file, notebook = exercise.file, notebook_of(exercise.section)
    match where:
        case "notebook":
            message = f"nothing is written in the cell of this exercise in {notebook} yet. If you did, save it (Ctrl+S)"
        case "file":
            message = f"nothing is written in {file} yet: replace its `...` by your code. If you did, save it (Ctrl+S)"
        case _:
            message = f"nothing is written in {file} or {notebook} yet. If you did, save it (Ctrl+S) and check again"
    return dataclasses.replace(result, message=message, counterexample=None)


def _printed_only(result: PropertyResult) -> PropertyResult:
    """Of code that returns nothing and prints, that these are two things."""
    if not result.message.endswith(NO_RETURN):
        return result
    advice = "your code prints something: `print` only shows a value, `return` hands it over"
    return dataclasses.replace(result, message=f"{result.message}\n\n{advice}")


def _silent(result: PropertyResult) -> PropertyResult:
    """Of a run that held a reference, whole seconds, verdict and author's texts: no got, no wanted, no line."""
    example = result.counterexample and dataclasses.replace(result.counterexample, got={}, wanted={}, reproduce="")
    message = result.sentence if result.message else ""
    seconds = round(result.seconds)
    return dataclasses.replace(result, message=message, counterexample=example, seconds=seconds, curves=[])


def _beside_right(result: PropertyResult, right: dict[str, list[list[float]]]) -> PropertyResult:
    """Each curve beside that of a right model: the first of its name beside the first, and so on."""
    waiting = {name: iter(curves) for name, curves in right.items()}
    curves = [dataclasses.replace(curve, right=next(waiting.get(curve.name, iter(())), [])) for curve in result.curves]
    return dataclasses.replace(result, curves=curves)


def _close_quietly(sitting: Sitting) -> None:
    with contextlib.suppress(SandboxError):  # the warm process is gone, and the result says so
        sitting.close()


def _earns(outcome: Outcome) -> bool:
    return outcome in ("passed", "broken")  # what is broken is ours, and costs the student nothing


def _why_skip(prop: Property, properties: list[Property], results: list[PropertyResult]) -> str:
    failed = {result.name for result in results if result.outcome not in ("passed", "broken")}
    gates = {prop.name for prop in properties if prop.worth.gate}
    if not prop.worth.gate and failed & gates:
        return "first things first: this runs once the check above passes"
    if sum(result.outcome == "timeout" for result in results) >= MAX_TIMEOUTS:
        return "not tried: too many calls before it did not end"
    if prop.worth.training and failed:
        return "training runs once everything else passes"
    return ""
