"""What an author declares, and how one property is run against one submission.

A property is a Hypothesis test marked with `@worth`. Its inputs are drawn once for the whole class (`draw_cases`) and
replayed against every submission (`run`); only a failure wakes Hypothesis, to find a smaller one within a budget.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import inspect
import math
import re
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import hypothesis
import msgspec
import torch
from hypothesis import HealthCheck, Phase, Verbosity, is_hypothesis_test, settings
from torch import Tensor

from headcheck.compare import Mismatch, recording
from headcheck.errors import (
    CourseError,
    NotHandedIn,
    ProtocolError,
    SandboxError,
    StudentDied,
    StudentRaised,
    StudentTimeout,
)
from headcheck.loading import file_name, load
from headcheck.minimise import can_be_minimised, minimise
from headcheck.precedents import Inquiry, Precedents
from headcheck.reproduce import line_for
from headcheck.results import Counterexample
from headcheck.student import Connection, Handle, Student, local
from headcheck.wording import what_came_back, what_happened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from headcheck.course import Course, Exercise
    from headcheck.results import Curve, Group, Outcome, Visibility
    from headcheck.student import Exchange

    Case = dict[str, Any]
    RightCurves = dict[str, dict[str, list[list[float]]]]
    """By property and by the name of a curve: one curve a training."""

EXAMPLES = 50
STEP_EXAMPLES = 6
QUICK_SECONDS = 0.25  # for all that is asked on one input, or it is asked alone
SHRINKING_SECONDS = 1.0
SHRINKING_CALLS = 300
HYPOTHESIS_SHARE = 0.4  # of both, where tensors can be made simpler afterwards
MAX_SHOWN = 256
MAX_SHOWN_TEXT = 16 * 1024

_Test = TypeVar("_Test", bound="Callable[..., None]")
_Solution = TypeVar("_Solution", bound="Callable[..., Any]")


@dataclass(frozen=True)
class Worth:
    """What `@worth` says of a property."""

    points: float
    hint: str
    group: Group
    gate: bool
    training: bool
    examples: int


def worth(
    points: float,
    *,
    hint: str,
    group: Group = "core",
    gate: bool = False,
    training: bool = False,
    examples: int = EXAMPLES,
) -> Callable[[_Test], _Test]:
    """Mark a test as a property: its points, the hint for a student who fails it, and how many inputs to try.

    `group="robust"` asks for more than the book's own code does. A `gate` runs first, and nothing else runs when it
    fails. A `training` property runs only when everything else has passed.
    """

    def mark(test: _Test) -> _Test:
        test.__dict__["worth"] = Worth(points, hint, group, gate, training, examples)
        return test

    return mark


def step(name: str, *, examples: int = STEP_EXAMPLES) -> Callable[[_Test], _Test]:
    """Mark a test as a step on the way to the answer, by the name that a student reads; it is worth nothing.

    The steps of an exercise stand in its public graders, in order. Where a property fails they are run up to the first
    that fails, so each may ask only for what must be right by then.
    """

    def mark(test: _Test) -> _Test:
        test.__dict__["step"] = (name, Worth(0.0, "", "core", gate=False, training=False, examples=examples))
        return test

    return mark


def misconception(*, of: str = "", group: Group = "core", trains: bool = False) -> Callable[[_Solution], _Solution]:
    """Say which of the exercise's names a wrong solution stands for, and the group of properties that must see it.

    With `trains` the audit puts it to the training properties too, though others have seen it.
    """

    def mark(solution: _Solution) -> _Solution:
        solution.misconception = (of, group, trains)  # type: ignore[attr-defined]
        return solution

    return mark


@dataclass(frozen=True)
class Property:
    """One claim about a submission: `sentence` is its docstring's first line, `body` the test without Hypothesis.

    `module` is the exercise's, by which a student imports it.
    """

    name: str
    sentence: str
    worth: Worth
    visibility: Visibility
    test: Callable[..., None] = field(compare=False)
    body: Callable[..., None] = field(compare=False)
    parameters: tuple[str, ...]
    module: str

    @property
    def ours(self) -> set[str]:
        """Those of its parameters that are not drawn."""
        return _OURS & set(self.parameters)


@dataclass(frozen=True)
class Misconception:
    """A named wrong solution; `message` is what a student who shares it is told."""

    name: str
    message: str
    of: str
    group: Group
    trains: bool
    solution: Any = field(compare=False)


@dataclass(frozen=True)
class Verdict:
    """How one property ended on one submission, on which inputs, and after which exchanges with it."""

    outcome: Outcome
    message: str = ""
    counterexample: Counterexample | None = None
    trace: str = ""
    seconds: float = 0.0
    curves: list[Curve] = field(default_factory=list)
    case: Case = field(default_factory=dict, compare=False, repr=False)
    got: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    exchanges: list[Exchange] = field(default_factory=list, compare=False, repr=False)


def load_properties(course: Course, exercise: Exercise) -> list[Property]:
    """The exercise's properties, gates first, otherwise in the order of the files; hidden ones where there are any."""
    found: list[Property] = []
    files: list[tuple[Visibility, Any]] = [("public", exercise.public), ("hidden", exercise.hidden)]
    for visibility, path in files:
        if not path.exists():
            continue
        module = load_grader(course, exercise, path.stem)
        tests = [value for value in vars(module).values() if callable(value) and hasattr(value, "worth")]
        found += [_property(exercise, test, visibility) for test in tests]
    return sorted(found, key=lambda p: (not p.worth.gate, p.worth.training))


def load_steps(course: Course, exercise: Exercise) -> list[Property]:
    """The steps on the way to the exercise's answer, in order: properties worth nothing, whose sentence is a name."""
    if not exercise.public.exists():
        return []
    tests = vars(load_grader(course, exercise, exercise.public.stem)).values()
    marked = [(test, *test.step) for test in tests if callable(test) and hasattr(test, "step")]
    return [_runnable(exercise, test, name, worth, "public") for test, name, worth in marked]


def load_hints(course: Course, exercise: Exercise) -> tuple[str, ...]:
    """What leads to the answer step by step, beyond the hints of the properties: `HINTS` in the public graders."""
    if not exercise.public.exists():
        return ()
    hints = getattr(load_grader(course, exercise, exercise.public.stem), "HINTS", ())
    if not (isinstance(hints, tuple) and all(isinstance(hint, str) for hint in hints)):
        raise CourseError(f"{exercise.id}: HINTS in public.py must be a tuple of texts")
    return hints


def count_hidden(course: Course, exercise: Exercise) -> int:
    """How many properties a student cannot run; 0 in a released copy, which does not have them."""
    return sum(prop.visibility == "hidden" for prop in load_properties(course, exercise))


def load_grader(course: Course, exercise: Exercise, stem: str) -> ModuleType:
    """One of the exercise's grader files; it may import references and what the course hands out.

    In a released copy there are no references, so there it may import only what stands on no exercise. Raises
    CourseError with the file and its line when it cannot be imported.
    """
    path = exercise.graders / f"{stem}.py"
    sources = dict(course.given_sources(exercise))
    if course.has_hidden_files:
        sources |= course.reference_sources(exercise)
    name = f"graders.{exercise.module}.{stem}"
    try:
        return load(sources | {name: path.read_bytes()}, name, alone=True)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f", line {frame.lineno}" for frame in frames if frame.filename == file_name(name)]
        where = f"{stem}.py{''.join(lines[-1:])}"
        raise CourseError(f"{exercise.id}: {where}: {type(error).__name__}: {error}") from error


def load_reference(course: Course, exercise: Exercise) -> ModuleType:
    """The reference solution, on references of what it uses."""
    return load(course.reference_sources(exercise), exercise.module)


def load_misconceptions(course: Course, exercise: Exercise) -> list[Misconception]:
    """The exercise's named wrong solutions, in order."""
    names = exercise.written_names()
    module = load_grader(course, exercise, "misconceptions")
    found = []
    for name, value in vars(module).items():
        if name.startswith("_") or not callable(value) or value.__module__ != module.__name__:
            continue
        declared: tuple[str, Group, bool] = getattr(value, "misconception", ("", "core", False))
        of, group, trains = declared
        of = of or (names[0] if len(names) == 1 else "")
        if of not in names:
            raise CourseError(
                f"{exercise.id}: the misconception {name} must say of which of {', '.join(names)} it is one"
            )
        message = inspect.cleandoc(value.__doc__ or "")
        if not message:
            raise CourseError(f"{exercise.id}: the misconception {name} has no docstring to tell the student")
        found.append(Misconception(name, " ".join(message.split()), of, group, trains, value))
    return found


def load_right_curves(exercise: Exercise) -> RightCurves:
    """How trainings go with a right model; none where the exercise keeps none."""
    if not exercise.curves.exists():
        return {}
    try:
        return msgspec.json.decode(exercise.curves.read_bytes(), type=dict[str, dict[str, list[list[float]]]])
    except msgspec.MsgspecError as error:
        raise CourseError(f"{exercise.id}: curves.json: {error}. Write it again: benchmarks/curves.py") from error


def mistaken(course: Course, exercise: Exercise, wrong: Misconception) -> ModuleType:
    """The reference with one name replaced by a misconception."""
    module = load_reference(course, exercise)
    setattr(module, wrong.of, wrong.solution)
    return module


def property_seed(seed: int, exercise: Exercise, prop: Property) -> int:
    """The seed of one property's inputs: the same for the whole class, another for every seed of the course."""
    text = f"{seed}:{exercise.id}:{prop.name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])


def draw_cases(prop: Property, seed: int, *, at_most: int | None = None) -> list[Case]:
    """The inputs that Hypothesis draws for a property; one empty case for a property without `@given`."""
    if not is_hypothesis_test(prop.test):
        return [{}]
    cases: list[Case] = []

    def receive(case: Case) -> None:
        if len(cases) == at_most:
            raise _EnoughError
        cases.append(case)

    with contextlib.suppress(_EnoughError):
        _run_hypothesis(prop, receive, seed)
    return cases


def run(
    prop: Property,
    cases: list[Case],
    connect: Callable[[], Connection],
    reference: object,
    *,
    seed: int,
    shrink: bool = True,
    precedents: Precedents | None = None,
) -> Verdict:
    """Replay the cases against a submission; the first failure is made smaller (unless not `shrink`) and kept.

    `connect` gives the connection to the submission, a new one if the last has died. Where there are `precedents`,
    a case that others have passed is passed by whoever answers as they did, and a failure is first sought where that of
    others was smallest.
    """
    started = time.perf_counter()
    curves: list[Curve] = []
    precedents = precedents or Precedents()
    inquiry = Inquiry(precedents, len(cases))
    for number, case in enumerate(cases):
        asked = time.perf_counter()
        exchanges: list[Exchange] = []
        with recording() as recorder:
            verdict = _attempt(prop, case, connect, reference, seed, exchanges, partial(inquiry.holds, number))
        curves = recorder.curves()
        if verdict is None and not curves and time.perf_counter() - asked < QUICK_SECONDS:
            inquiry.add(number, exchanges)
        if verdict is not None:
            if shrink and verdict.outcome == "failed" and case:
                verdict = _shrink(prop, number, verdict, cases, connect, reference, seed, precedents)
            if shrink:
                verdict = _reproducible(prop, verdict)
            return dataclasses.replace(verdict, seconds=time.perf_counter() - started, curves=curves)
    return Verdict("passed", seconds=time.perf_counter() - started, curves=curves)


def _reproducible(prop: Property, verdict: Verdict) -> Verdict:
    """The verdict whose counterexample has the line that makes the failing call again, if there is one."""
    if verdict.counterexample is None or verdict.outcome != "failed":
        return verdict
    line = line_for(verdict.exchanges, prop.module, verdict.got)
    return dataclasses.replace(verdict, counterexample=dataclasses.replace(verdict.counterexample, reproduce=line))


def _attempt(
    prop: Property,
    case: Case,
    connect: Callable[[], Connection],
    reference: object,
    seed: int,
    exchanges: list[Exchange],
    holds: Callable[[Connection], bool],
) -> Verdict | None:
    """One example: None when the property reached its end, or is known to hold; otherwise what went wrong."""

    def ask() -> None:
        if not holds(connect()):
            call(prop, case, connect(), reference, seed, exchanges=exchanges)

    verdict = _judge(ask, prop, case, reference, seed)
    return verdict and dataclasses.replace(verdict, case=case, exchanges=exchanges)


def _judge(ask: Callable[[], None], prop: Property, case: Case, reference: object, seed: int) -> Verdict | None:
    try:
        ask()
    except Mismatch as error:
        return Verdict("failed", str(error), _counterexample(case, error.got, error.wanted), got=error.got)
    except AssertionError as error:
        return Verdict("failed", str(error) or prop.sentence, _counterexample(case, {}, {}))
    except NotHandedIn as error:
        return Verdict("missing", str(error))
    except StudentRaised as error:
        return Verdict("failed", what_happened(error), _counterexample(case, {}, {}), error.trace)
    except StudentTimeout as error:
        return Verdict("timeout", str(error), _counterexample(case, {}, {}))
    except (StudentDied, ProtocolError) as error:
        return Verdict("crashed", str(error), _counterexample(case, {}, {}))
    except SandboxError as error:
        return Verdict("broken", str(error))
    except Exception as error:  # noqa: BLE001  (it is ours only if the reference meets it too)
        return _unexpected(prop, case, reference, seed, error)
    return None


def _unknown(_connection: Connection) -> bool:
    return False


def _unexpected(prop: Property, case: Case, reference: object, seed: int, error: Exception) -> Verdict:
    """The grader itself raised: on values that the reference does not return, that is the submission's failure."""
    text = f"{type(error).__name__}: {error}"
    failed = Verdict("failed", what_came_back(text), _counterexample(case, {}, {}))
    if reference is None:  # a student's copy, whose graders have been proven elsewhere
        return failed
    if _passes(prop, case, local(reference), reference, seed):
        return failed
    return Verdict("broken", f"the property {prop.name} failed on the reference too: {text}")


class _EnoughError(BaseException):
    """Leaves a search from within when its budget is spent."""


class _Shrinking:
    """The simplest failure found so far, and what is left of the budget for finding it."""

    def __init__(self, verdict: Verdict, case: Case, attempt: Callable[[Case], Verdict | None]) -> None:
        self.verdict = verdict
        self.case = case
        self._attempt = attempt
        self._calls = 0
        self._started = time.perf_counter()

    def fails(self, case: Case, *, share: float = 1.0, accepts: Callable[[Verdict], bool] = lambda _: True) -> bool:
        """Whether it fails on a case, which then is the simplest; raises once the share of the budget is spent."""
        self._calls += 1
        seconds = time.perf_counter() - self._started
        if self._calls > share * SHRINKING_CALLS or seconds > share * SHRINKING_SECONDS:
            raise _EnoughError
        found = self._attempt(case)
        if found is None or found.outcome == "broken":
            return False
        if found.outcome != "failed":  # a hang or a crash is not shrunk, and the submission must be started again
            self._calls = SHRINKING_CALLS
            raise _EnoughError
        if not accepts(found):
            return False
        self.verdict, self.case = found, case
        return True


def _shrink(
    prop: Property,
    number: int,
    verdict: Verdict,
    cases: list[Case],
    connect: Callable[[], Connection],
    reference: object,
    seed: int,
    precedents: Precedents,
) -> Verdict:
    """The simplest failure found within the budget: Hypothesis starts at the case of that number, then `minimise`.

    Who fails there as another did is tried on what was simplest for that one, and is spared the search.
    """
    found = _Shrinking(
        verdict, cases[number], lambda case: _attempt(prop, case, connect, reference, seed, [], _unknown)
    )
    way = _way(verdict)
    simplest = precedents.simplest(number, way)
    with contextlib.suppress(_EnoughError):
        if simplest and found.fails(simplest, accepts=lambda verdict: _way(verdict) == way):
            return found.verdict
    share = HYPOTHESIS_SHARE if can_be_minimised(found.case) else 1.0
    seen = 0

    def test(case: Case) -> None:
        nonlocal seen
        seen += 1
        if seen > number and found.fails(case, share=share):  # those before it have passed already
            raise AssertionError

    try:
        _run_hypothesis(prop, test, seed)
    except _EnoughError:
        pass
    except Exception:  # noqa: BLE001, S110  (the failure itself, or Hypothesis on one that comes and goes)
        pass
    with contextlib.suppress(_EnoughError):
        _minimise(prop, found, cases, reference, seed)
    if _way(found.verdict) == way:
        precedents.keep_simplest(number, way, found.case)
    return found.verdict


def _minimise(prop: Property, found: _Shrinking, cases: list[Case], reference: object, seed: int) -> None:
    """Go on with cases that the strategies do not draw, but on which a right answer passes.

    That is tried on the reference. In a student's copy there is none: there the inputs must vouch for it, and numbers
    are changed only where the property said what it wanted instead, or the submission raised: where all is 0, nothing
    differs and nothing responds, whoever answers.
    """
    way = _way(found.verdict)
    right = None if reference is None else local(reference)

    def fails(case: Case) -> bool:
        def accepts(verdict: Verdict) -> bool:
            return _way(verdict) == way and (right is None or _passes(prop, case, right, reference, seed))

        return found.fails(case, accepts=accepts)

    told = found.verdict.counterexample is not None and found.verdict.counterexample.wanted
    numbers = bool(right or told or found.verdict.trace)
    minimise(found.case, cases, fails, proven=right is not None, numbers=numbers)


def _passes(prop: Property, case: Case, connection: Connection, reference: object, seed: int) -> bool:
    try:
        with recording():  # curves of the reference, which are nobody's
            call(prop, case, connection, reference, seed)
    except Exception:  # noqa: BLE001  (whatever it is, nobody shall see this case)
        return False
    return True


_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?(e[-+]?\d+)?")
_NUMBERS = re.compile(r"[\[(]#(, ?#)*,?[\])]")


def _way(verdict: Verdict) -> str:
    """How a submission failed: the message without its numbers, and without the indices and shapes they make up."""
    return _NUMBERS.sub("#", _NUMBER.sub("#", verdict.message))


def call(
    prop: Property,
    case: Case,
    connection: Connection,
    reference: object,
    seed: int,
    exchanges: list[Exchange] | None = None,
) -> None:
    """Run a property's body on one case, with copies of its inputs.

    `exchanges` are told everything that the submission was asked, and answered, last.

    Where calls changed their arguments, it must also hold without that: an argument may be what a later line of the
    property compares the answer with, and no submission shall write both.
    """
    connection.restart(seed, exchanges=exchanges)
    try:
        _run_body(prop, case, connection, reference)
    finally:
        changed = connection.put_back()
    if changed:
        connection.restart(seed, exchanges=exchanges, sealed=True)
        with recording():  # once is enough
            _run_body(prop, case, connection, reference)


def _run_body(prop: Property, case: Case, connection: Connection, reference: object) -> None:
    available = {"student": Student(connection), "reference": reference, **_copied(case)}
    with torch.random.fork_rng(devices=()):
        prop.body(**{name: available[name] for name in prop.parameters})


def _copied(case: Case) -> Case:
    """A deep copy; `clone` is ten times quicker than what copies tensors of any layout."""
    plain = [tensor for tensor in _tensors_in(case) if tensor.is_leaf and tensor.is_contiguous()]
    clones = {id(tensor): tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in plain}
    return copy.deepcopy(case, clones)


def _tensors_in(value: object) -> Iterator[Tensor]:
    """Those in a container or a dataclass."""
    parts: Iterable[object] = ()
    if type(value) is Tensor:
        yield value
    elif isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif dataclasses.is_dataclass(value):
        parts = vars(value).values()
    for part in parts:
        yield from _tensors_in(part)


def _run_hypothesis(prop: Property, receive: Callable[[Case], None], seed: int) -> None:
    """Run the property's `@given` with `receive` in place of its body."""
    test = cast("Any", prop.test)

    def stand_in(**drawn: Any) -> None:
        receive({name: value for name, value in drawn.items() if name not in _OURS})

    hypothesis.seed(seed)(test)
    test.hypothesis.inner_test = stand_in
    try:
        test(**dict.fromkeys(prop.ours))
    finally:
        test.hypothesis.inner_test = prop.body


_OURS = {"student", "reference"}


def _property(exercise: Exercise, test: Any, visibility: Visibility) -> Property:
    if not test.__doc__:
        raise CourseError(
            f"{exercise.id}: the property {test.__name__} has no docstring to tell the student what it claims"
        )
    return _runnable(exercise, test, inspect.cleandoc(test.__doc__).splitlines()[0], test.worth, visibility)


def _runnable(exercise: Exercise, test: Any, sentence: str, worth: Worth, visibility: Visibility) -> Property:
    name = test.__name__
    body = test.hypothesis.inner_test if is_hypothesis_test(test) else test
    parameters = tuple(inspect.signature(body).parameters)
    prop = Property(name, sentence, worth, visibility, test, body, parameters, exercise.module)
    if is_hypothesis_test(test):
        settings(
            max_examples=worth.examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
        )(test)
    elif set(parameters) - _OURS:
        unknown = ", ".join(sorted(set(parameters) - _OURS))
        raise CourseError(f"{exercise.id}: the property {name} takes {unknown}, but has no @given")
    if "student" not in parameters:
        raise CourseError(f"{exercise.id}: the property {name} does not take `student`")
    return prop


def _counterexample(case: Case, got: dict[str, Any], wanted: dict[str, Any]) -> Counterexample:
    inputs: dict[str, Any] = {}
    for name, value in case.items():
        if dataclasses.is_dataclass(value):
            inputs |= {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}
        else:
            inputs[name] = value
    inputs, got, wanted = ({name: show(value) for name, value in side.items()} for side in (inputs, got, wanted))
    return Counterexample(inputs, got, wanted)


def show(value: object) -> Any:
    """A value as JSON can hold it; of what is large only the shape or the kind, whatever a submission returned."""
    try:
        shown = _shown(value)
        if len(repr(shown)) <= MAX_SHOWN_TEXT:
            return shown
    except RecursionError:
        pass  # a list in a list in a list...
    return f"<{type(value).__name__}, too large to be shown>"


def _shown(value: object) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Tensor():
            shown: dict[str, Any] = {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
            if value.device.type == "meta" or value.numel() > MAX_SHOWN:
                return shown
            return shown | {"values": _nested(value.detach().tolist())}
        case list() | tuple():
            return [_shown(item) for item in value]
        case dict():
            return {str(key): _shown(item) for key, item in value.items()}
        case Handle():
            return repr(value)
        case torch.dtype():
            return str(value)
        case torch.Generator():
            return f"<generator with seed {value.initial_seed()}>"
        case _:
            return f"<{type(value).__name__}>"


def _nested(values: Any) -> Any:
    if isinstance(values, list):
        return [_nested(value) for value in values]
    return _shown(values) if not isinstance(values, complex) else str(values)
