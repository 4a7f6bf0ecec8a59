"""Prove the graders: who must pass passes, who must fail fails, and nothing is missing or left over.

For each exercise the stub, the reference, the alternatives, the misconceptions and a bank of empty answers are put to
the very properties that grade students. What comes out is the kill matrix and a list of findings; no finding is proof.
"""

from __future__ import annotations

import ast
import dataclasses
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from headcheck.errors import CourseError
from headcheck.grading import Exam, examine, prepare, take_steps
from headcheck.language import LANGUAGES
from headcheck.loading import load
from headcheck.properties import load_hints, load_misconceptions, mistaken
from headcheck.questions import read_question
from headcheck.student import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Literal

    from headcheck.course import Course, Exercise
    from headcheck.properties import Misconception, Property
    from headcheck.results import PropertyResult
    from headcheck.student import Connection

    Kind = Literal["stub", "reference", "alternative", "misconception", "bank"]

MAX_ROBUST = 0.25
MAX_TRAINING = 0.30
MAX_HINT_WORDS = 40
MIN_HINTS = 2
MIN_ALTERNATIVES = 2


@dataclass(frozen=True)
class Row:
    """One solution and what each property said of it; for all but stubs and empty answers, its first wrong step."""

    kind: Kind
    name: str
    results: list[PropertyResult]
    first_wrong_step: str = ""

    @property
    def points(self) -> float:
        return sum(result.points for result in self.results)

    def failed(self) -> list[PropertyResult]:
        return [result for result in self.results if result.outcome != "passed"]


@dataclass(frozen=True)
class ExerciseAudit:
    """The kill matrix of an exercise, and everything that is wrong with it."""

    exercise: Exercise
    properties: list[str]
    rows: list[Row]
    findings: list[str]


def audit(
    course: Course, exercise: Exercise, *, seed: int, training: bool = True, thorough: bool = True
) -> ExerciseAudit:
    """Put every solution that the course has of an exercise to its properties.

    Unless `thorough`, only what the findings need: a misconception is done with the first core property that sees it,
    and goes on only for properties that have caught none yet.
    """
    findings = _missing_files(exercise)
    if findings:
        return ExerciseAudit(exercise, [], [], findings)
    names = exercise.written_names()
    exam = prepare(course, exercise, seed=seed)
    misconceptions = load_misconceptions(course, exercise)
    rows = [
        Row("stub", exercise.slug, _graded(exam, _variant(course, exercise, exercise.stub))),
        _right("reference", exercise.slug, exam, exam.reference, training=training),
    ]
    for path in exercise.alternatives:
        rows.append(_right("alternative", path.stem, exam, _variant(course, exercise, path), training=training))
    swift = exam if thorough else _swiftest_first(exam, rows[1].results)
    rows += _misconceptions(swift, course, misconceptions, training=training, thorough=thorough)
    for name, distort in BANK.items():
        rows.append(Row("bank", name, _graded(exam, _banked(course, exercise, names, distort))))
    findings = [
        *_about_content(exercise, exam, misconceptions),
        *_about_hints(load_hints(course, exercise)),
        *_about_rows(rows, exam, {wrong.name: wrong for wrong in misconceptions}),
    ]
    return ExerciseAudit(exercise, [prop.name for prop in exam.properties], rows, findings)


def _graded(exam: Exam, solution: object) -> list[PropertyResult]:
    connection = local(solution)
    return examine(exam, lambda: connection, shrink=False)


def _right(kind: Kind, name: str, exam: Exam, solution: object, *, training: bool) -> Row:
    """The row of a solution that must pass everything, steps included."""
    connection = local(solution)
    tried = exam if training else _without_training(exam)
    results = examine(tried, lambda: connection, everything=True, shrink=False)
    return Row(kind, name, results, _first_wrong_step(exam, connection))


def _first_wrong_step(exam: Exam, connection: Connection) -> str:
    right, _ = take_steps(exam, lambda: connection)
    left = exam.steps[len(right) :]  # the first of them failed, or broke, which is to be found too
    return left[0].sentence if left else ""


def _misconceptions(
    exam: Exam, course: Course, misconceptions: list[Misconception], *, training: bool, thorough: bool
) -> list[Row]:
    """A row for each; training, which is slow, where no core property saw the mistake, or where it is asked for."""
    connections = {wrong.name: local(mistaken(course, exam.exercise, wrong)) for wrong in misconceptions}
    found: dict[str, dict[str, PropertyResult]] = {wrong.name: {} for wrong in misconceptions}

    def fails(wrong: Misconception, prop: Property) -> bool:
        alone = dataclasses.replace(exam, properties=[prop])
        (result,) = examine(alone, lambda: connections[wrong.name], everything=True, shrink=False)
        found[wrong.name][prop.name] = result
        return result.outcome != "passed"

    untrained = _without_training(exam).properties
    for wrong in misconceptions:
        seen = False
        for prop in untrained:
            seen |= fails(wrong, prop) and prop.worth.group == "core"
            if seen and not thorough and wrong.group == "core":
                break
        if training and (not seen or wrong.trains):
            for prop in exam.properties:
                if prop.worth.training:
                    fails(wrong, prop)
    for prop in untrained:
        if any(results[prop.name].outcome != "passed" for results in found.values() if prop.name in results):
            continue
        untried = (wrong for wrong in misconceptions if prop.name not in found[wrong.name])
        any(fails(wrong, prop) for wrong in untried)  # until the first that it catches
    order = [prop.name for prop in exam.properties]
    gates = {prop.name for prop in exam.properties if prop.worth.gate}
    stopped = {
        name
        for name, results in found.items()
        if any(results[gate].outcome != "passed" for gate in gates & results.keys())
    }
    return [
        Row(
            "misconception",
            name,
            sorted(results.values(), key=lambda result: order.index(result.name)),
            "" if name in stopped else _first_wrong_step(exam, connections[name]),
        )
        for name, results in found.items()
    ]


def _swiftest_first(exam: Exam, reference: list[PropertyResult]) -> Exam:
    """The exam with its gates first, and then what took the reference the least time."""
    seconds = {result.name: result.seconds for result in reference}
    order = sorted(exam.properties, key=lambda prop: (not prop.worth.gate, seconds.get(prop.name, 0.0)))
    return dataclasses.replace(exam, properties=order)


def _without_training(exam: Exam) -> Exam:
    kept = [prop for prop in exam.properties if not prop.worth.training]
    return dataclasses.replace(exam, properties=kept)


def _variant(course: Course, exercise: Exercise, path: Path) -> object:
    """A file in the place of the reference, importing the references of what it uses."""
    return load(course.reference_sources(exercise) | {exercise.module: path.read_bytes()}, exercise.module)


def _constant(_arguments: Any, answer: Any, _memory: dict[Any, Any]) -> Any:
    return _map(answer, torch.zeros_like, 0)


def _identity(arguments: Any, answer: Any, _memory: dict[Any, Any]) -> Any:
    return next(_tensors(arguments), arguments[0] if arguments else answer)


def _last_answer(_arguments: Any, answer: Any, memory: dict[Any, Any]) -> Any:
    last = memory.get("last", _map(answer, torch.ones_like, 1))
    memory["last"] = answer
    return last


def _memoised(arguments: Any, answer: Any, memory: dict[Any, Any]) -> Any:
    key = tuple(tuple(a.shape) if isinstance(a, Tensor) else repr(type(a)) for a in arguments)
    return memory.setdefault(key, answer)


BANK: dict[str, Callable[[Any, Any, dict[Any, Any]], Any]] = {
    "constant": _constant,
    "identity": _identity,
    "last_answer": _last_answer,
    "memoised_by_shape": _memoised,
}


def _banked(course: Course, exercise: Exercise, names: list[str], distort: Callable[..., Any]) -> object:
    """The reference, but every answer is replaced by one that needs no understanding."""
    module = load(course.reference_sources(exercise), exercise.module)
    memory: dict[Any, Any] = {}

    def distorted(function: Callable[..., Any], *, skip: int) -> Callable[..., Any]:
        def answer(*args: Any, **kwargs: Any) -> Any:
            return distort((*args[skip:], *kwargs.values()), function(*args, **kwargs), memory)

        return answer

    solutions: dict[str, Any] = {}
    for name in names:
        original = getattr(module, name)
        if isinstance(original, type) and issubclass(original, nn.Module):
            solutions[name] = _subclass(original, distorted(original.forward, skip=1))
        else:
            solutions[name] = distorted(original, skip=0)
    return SimpleNamespace(**{**vars(module), **solutions})


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _subclass(original: type[nn.Module], forward: Callable[..., Any]) -> type[nn.Module]:
    return type(original.__name__, (original,), {"forward": forward})


def _map(answer: Any, on_tensor: Callable[[Tensor], Tensor], number: int) -> Any:
    match answer:
        case Tensor():
            return on_tensor(answer)
        case bool() | int() | float():
            return type(answer)(number)
        case str():
            return ""
        case list() | tuple():
            return type(answer)(_map(item, on_tensor, number) for item in answer)
        case dict():
            return {key: _map(item, on_tensor, number) for key, item in answer.items()}
        case _:
            return answer


def _about_rows(rows: list[Row], exam: Exam, misconceptions: dict[str, Misconception]) -> list[str]:
    findings = [
        f"{result.name} broke on the {row.kind} {row.name}: {result.message}"
        for row in rows
        for result in row.results
        if result.outcome == "broken"
    ]
    for row in rows:
        match row.kind:
            case "stub":
                findings += [f"the stub earns {row.points:g} points; it must earn none"] if row.points else []
            case "reference" | "alternative":
                findings += [f"the {row.kind} {row.name} fails {bad.name}: {bad.message}" for bad in row.failed()]
                wrong = row.first_wrong_step
                findings += [f"the {row.kind} {row.name} goes wrong at a step: {wrong}"] if wrong else []
            case "misconception":
                findings += _about_mistake(row, misconceptions[row.name])
            case "bank":
                findings += _about_empty_answer(row, exam)
    killers = {bad.name for row in rows if row.kind == "misconception" for bad in row.failed()}
    ran = {result.name for row in rows if row.kind == "reference" for result in row.results}
    idle = [prop.name for prop in exam.properties if prop.name in ran - killers]
    first = {row.first_wrong_step for row in rows if row.kind == "misconception"}
    findings += [f"the property {name} kills no misconception" for name in idle]
    return findings + [
        f"no misconception first goes wrong at the step {step.name}"
        for step in exam.steps
        if step.sentence not in first
    ]


def _about_mistake(row: Row, wrong: Misconception) -> list[str]:
    groups = {bad.group for bad in row.failed()}
    if not groups:
        return [f"the misconception {row.name} loses no points"]
    if wrong.group == "core" and "core" not in groups:
        return [f"the misconception {row.name} loses no core points; is it one of the book's own?"]
    if wrong.group == "robust" and "core" in groups:
        return [f"the misconception {row.name} is declared robust but loses core points"]
    return []


def _about_empty_answer(row: Row, exam: Exam) -> list[str]:
    gates = sum(prop.worth.points for prop in exam.properties if prop.worth.gate) * exam.exercise.weight
    if row.points <= gates:
        return []
    passed = ", ".join(result.name for result in row.results if result.outcome == "passed")
    return [f"the empty answer {row.name} earns {row.points:g} points, by: {passed}"]


def _about_content(exercise: Exercise, exam: Exam, misconceptions: list[Misconception]) -> list[str]:
    prompt = ast.get_docstring(ast.parse(exercise.stub.read_bytes())) or ""
    idea = ast.get_docstring(ast.parse(exercise.reference.read_bytes()))
    names = [prop.name for prop in exam.properties + exam.steps]
    alternatives = len(exercise.alternatives)
    enough = 1 if any(prop.worth.training for prop in exam.properties) else MIN_ALTERNATIVES  # training takes long
    complaints = {
        "the stub's docstring does not start with a Markdown title": not prompt.startswith("# "),
        "the prompt has no worked example (a line with the word Example)": "Example" not in prompt,
        "the reference has no docstring with its idea": not idea,
        "no property is a gate": not any(prop.worth.gate for prop in exam.properties),
        "two properties have the same name": len(set(names)) < len(names),
        "two steps have the same name": len({step.sentence for step in exam.steps}) < len(exam.steps),
        "there is no misconception": not misconceptions,
        f"there are {alternatives} alternatives; {enough} are needed": alternatives < enough,
    }
    found = [complaint for complaint, holds in complaints.items() if holds]
    return (
        found
        + _signature_drift(exercise)
        + _about_texts(exam)
        + _about_points(exam)
        + _about_question(exercise, prompt)
    )


def _about_texts(exam: Exam) -> list[str]:
    findings = []
    for prop in exam.properties:
        words = len(prop.worth.hint.split())
        if not 0 < words <= MAX_HINT_WORDS:
            findings.append(f"the hint of {prop.name} has {words} words; 1 to {MAX_HINT_WORDS} are right")
        if not prop.sentence.endswith("."):
            findings.append(f"the docstring of {prop.name} is not a sentence")
    return findings


def _about_hints(hints: tuple[str, ...]) -> list[str]:
    findings = [] if len(hints) >= MIN_HINTS else [f"there are {len(hints)} HINTS in public.py; {MIN_HINTS} are needed"]
    for place, hint in enumerate(hints, start=1):
        words = len(hint.split())
        if not 0 < words <= MAX_HINT_WORDS:
            findings.append(f"hint {place} of HINTS has {words} words; 1 to {MAX_HINT_WORDS} are right")
    return findings


def _about_points(exam: Exam) -> list[str]:
    total = sum(prop.worth.points for prop in exam.properties)
    robust = sum(prop.worth.points for prop in exam.properties if prop.worth.group == "robust")
    training = sum(prop.worth.points for prop in exam.properties if prop.worth.training)
    findings = []
    if robust > MAX_ROBUST * total:
        findings.append(f"{robust:g} of {total:g} points are robust; at most a quarter may be")
    if training > MAX_TRAINING * total:
        findings.append(f"{training:g} of {total:g} points are for training; at most 30 % may be")
    return findings


def _about_question(exercise: Exercise, prompt: str) -> list[str]:
    if not exercise.question.is_file():
        return []
    try:
        read_question(exercise.question)
    except CourseError as error:
        return [str(error)]
    named = exercise.question.name in prompt
    return [] if named else [f"the prompt does not name its written question, {exercise.question.name}"]


def _signature_drift(exercise: Exercise) -> list[str]:
    stub, reference = _signatures(exercise.stub), _signatures(exercise.reference)
    return [
        f"{name} is {stub.get(name, 'missing')} in the stub, {reference.get(name, 'missing')} in the reference"
        for name in {**stub, **{name: _ for name, _ in reference.items() if name.partition(".")[0] in stub}}
        if stub.get(name) != reference.get(name)
    ]


def _signatures(path: Path) -> dict[str, str]:
    found = {}
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = ast.unparse(node.args)
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name in ("__init__", "forward"):
                    found[f"{node.name}.{member.name}"] = ast.unparse(member.args)
    return found


def _missing_files(exercise: Exercise) -> list[str]:
    files = [exercise.stub, exercise.reference, exercise.public, exercise.hidden, exercise.misconceptions]
    return [f"{path.relative_to(exercise.root)} is missing" for path in files if not path.is_file()]


def unexpected_files(course: Course) -> list[str]:
    """Files in the course's trees that belong to no exercise."""
    translations = [course.catalogues(list(course.exercises), language) for language in LANGUAGES]
    known = {course.root / "assignments" / "course.toml", *(path for paths in translations for path in paths)}
    for exercise in course.exercises:
        known |= {exercise.stub, exercise.reference, exercise.public, exercise.hidden, exercise.misconceptions}
        known |= {exercise.question, exercise.curves, *exercise.alternatives}
        known |= {course.root / "assignments" / name for name in exercise.given}
    trees = [course.root / name for name in ("assignments", "reference", "graders", "tests/alternatives")]
    found = [
        path for tree in trees for path in sorted(tree.rglob("*")) if path.is_file() and "__pycache__" not in path.parts
    ]
    return [f"{path.relative_to(course.root)} belongs to no exercise" for path in found if path not in known]
