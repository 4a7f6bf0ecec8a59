"""What an author declares, and how one property is run against one submission.

A property is a Hypothesis test marked with `@worth`. Its inputs are drawn once for the whole class (`draw_cases`) and
replayed against every submission (`run`); only a failure wakes Hypothesis, to find a smaller one within a budget.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import hypothesis
import torch
from hypothesis import HealthCheck, Phase, Verbosity, is_hypothesis_test, settings
from torch import Tensor

from headcheck.compare import Mismatch
from headcheck.errors import (
    CourseError,
    NotHandedIn,
    ProtocolError,
    SandboxError,
    StudentDied,
    StudentRaised,
    StudentTimeout,
)
from headcheck.loading import load
from headcheck.results import Counterexample
from headcheck.student import Connection, Handle, Student, local

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from headcheck.course import Course, Exercise
    from headcheck.results import Group, Outcome, Visibility

    Case = dict[str, Any]

EXAMPLES = 50
SHRINKING_SECONDS = 1.0
SHRINKING_CALLS = 300
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
    """One claim about a submission: `sentence` is its docstring's first line, `body` the test without Hypothesis."""

    name: str
    sentence: str
    worth: Worth
    visibility: Visibility
    test: Callable[..., None] = field(compare=False)
    body: Callable[..., None] = field(compare=False)
    parameters: tuple[str, ...]

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
    """How one property ended on one submission."""

    outcome: Outcome
    message: str = ""
    counterexample: Counterexample | None = None
    trace: str = ""
    seconds: float = 0.0


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


def count_hidden(course: Course, exercise: Exercise) -> int:
    """How many properties a student cannot run; 0 in a released copy, which does not have them."""
    return sum(prop.visibility == "hidden" for prop in load_properties(course, exercise))


def load_grader(course: Course, exercise: Exercise, stem: str) -> ModuleType:
    """One of the exercise's grader files; it may import references and what the course hands out.

    In a released copy there are no references, so there it may import only what stands on no exercise.
    """
    path = exercise.graders / f"{stem}.py"
    sources = dict(course.given_sources(exercise))
    if course.has_hidden_files:
        sources |= course.reference_sources(exercise)
    name = f"graders.{exercise.module}.{stem}"
    return load(sources | {name: path.read_bytes()}, name, alone=True)


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


def mistaken(course: Course, exercise: Exercise, wrong: Misconception) -> ModuleType:
    """The reference with one name replaced by a misconception."""
    module = load_reference(course, exercise)
    setattr(module, wrong.of, wrong.solution)
    return module


def property_seed(seed: int, exercise: Exercise, prop: Property) -> int:
    """The seed of one property's inputs: the same for the whole class, another for every seed of the course."""
    text = f"{seed}:{exercise.id}:{prop.name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])


def draw_cases(prop: Property, seed: int) -> list[Case]:
    """The inputs that Hypothesis draws for a property; one empty case for a property without `@given`."""
    if not is_hypothesis_test(prop.test):
        return [{}]
    cases: list[Case] = []
    _run_hypothesis(prop, cases.append, seed)
    return cases


def run(
    prop: Property,
    cases: list[Case],
    connect: Callable[[], Connection],
    reference: object,
    *,
    seed: int,
    shrink: bool = True,
) -> Verdict:
    """Replay the cases against a submission; the first failure is made smaller (unless not `shrink`) and kept.

    `connect` gives the connection to the submission, a new one if the last has died.
    """
    started = time.perf_counter()
    for number, case in enumerate(cases):
        verdict = _attempt(prop, case, connect, reference, seed)
        if verdict is not None:
            if shrink and verdict.outcome == "failed" and case:
                verdict = _shrink(prop, number, verdict, connect, reference, seed)
            return dataclasses.replace(verdict, seconds=time.perf_counter() - started)
    return Verdict("passed", seconds=time.perf_counter() - started)


def _attempt(
    prop: Property, case: Case, connect: Callable[[], Connection], reference: object, seed: int
) -> Verdict | None:
    """One example: None when the property reached its end, otherwise what went wrong."""
    try:
        call(prop, case, connect(), reference, seed)
    except Mismatch as error:
        return Verdict("failed", str(error), _counterexample(case, error.got, error.wanted))
    except AssertionError as error:
        return Verdict("failed", str(error) or prop.sentence, _counterexample(case, {}, {}))
    except NotHandedIn as error:
        return Verdict("missing", str(error))
    except StudentRaised as error:
        return Verdict("failed", f"your code raised {error}", _counterexample(case, {}, {}), error.trace)
    except StudentTimeout as error:
        return Verdict("timeout", str(error), _counterexample(case, {}, {}))
    except (StudentDied, ProtocolError) as error:
        return Verdict("crashed", str(error), _counterexample(case, {}, {}))
    except SandboxError as error:
        return Verdict("broken", str(error))
    except Exception as error:  # noqa: BLE001  (it is ours only if the reference meets it too)
        return _unexpected(prop, case, reference, seed, error)
    return None


def _unexpected(prop: Property, case: Case, reference: object, seed: int, error: Exception) -> Verdict:
    """The grader itself raised: on values that the reference does not return, that is the submission's failure."""
    text = f"{type(error).__name__}: {error}"
    failed = Verdict("failed", f"what your code returned could not be used: {text}", _counterexample(case, {}, {}))
    if reference is None:  # a student's copy, whose graders have been proven elsewhere
        return failed
    try:
        call(prop, case, local(reference), reference, seed)
    except Exception:  # noqa: BLE001  (whatever it is, the grader is broken)
        return Verdict("broken", f"the property {prop.name} failed on the reference too: {text}")
    return failed


class _EnoughError(BaseException):
    """Leaves Hypothesis from within when the budget for shrinking is spent."""


def _shrink(
    prop: Property, number: int, verdict: Verdict, connect: Callable[[], Connection], reference: object, seed: int
) -> Verdict:
    """The last failure that Hypothesis reaches within the budget, starting at the case of that number."""
    best = verdict
    seen = calls = 0
    deadline = time.perf_counter() + SHRINKING_SECONDS

    def test(case: Case) -> None:
        nonlocal best, seen, calls
        seen += 1
        if seen <= number:
            return  # it has passed already
        calls += 1
        if calls > SHRINKING_CALLS or time.perf_counter() > deadline:
            raise _EnoughError
        found = _attempt(prop, case, connect, reference, seed)
        if found is None:
            return
        if found.outcome != "failed":
            raise _EnoughError  # a hang or a crash is not shrunk, and the submission must be started again
        best = found
        raise AssertionError

    try:
        _run_hypothesis(prop, test, seed)
    except _EnoughError:
        pass
    except Exception:  # noqa: BLE001, S110  (the failure itself, or Hypothesis on one that comes and goes: `best` has it)
        pass
    return best


def call(
    prop: Property,
    case: Case,
    connection: Connection,
    reference: object,
    seed: int,
    trace: list[Any] | None = None,
) -> None:
    """Run a property's body on one case, with copies of its inputs; `trace` is told what its calls return.

    Where calls changed their arguments, it must also hold without that: an argument may be what a later line of the
    property compares the answer with, and no submission shall write both.
    """
    connection.restart(seed, trace)
    try:
        _run_body(prop, case, connection, reference)
    finally:
        changed = connection.put_back()
    if changed:
        connection.restart(seed, sealed=True)
        _run_body(prop, case, connection, reference)


def _run_body(prop: Property, case: Case, connection: Connection, reference: object) -> None:
    available = {"student": Student(connection), "reference": reference, **copy.deepcopy(case)}
    with torch.random.fork_rng(devices=()):
        prop.body(**{name: available[name] for name in prop.parameters})


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
    worth = cast("Worth", test.worth)
    name = test.__name__
    if not test.__doc__:
        raise CourseError(f"{exercise.id}: the property {name} has no docstring to tell the student what it claims")
    body = test.hypothesis.inner_test if is_hypothesis_test(test) else test
    parameters = tuple(inspect.signature(body).parameters)
    prop = Property(name, inspect.cleandoc(test.__doc__).splitlines()[0], worth, visibility, test, body, parameters)
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
    return Counterexample(*({name: show(value) for name, value in side.items()} for side in (inputs, got, wanted)))


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
