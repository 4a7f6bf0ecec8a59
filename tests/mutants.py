"""Change every reference in every small way, and see whether the graders notice.

`python tests/mutants.py [SECTION[/SLUG] ...]` (or `tox -e mutants`) asks Cosmic Ray for all mutants of each reference,
puts each to the exercise's properties until one fails, and lists the survivors. A survivor that is a right solution has
its one line of explanation in `explained/<section>.toml`; any other is a gap in a grader, and so is an explanation of
what does not survive: the exit code is 1. Takes hours for the whole course, so continuous integration does not run it.
With `--no-training` survivors are not trained, which is quick and lists some more.
"""

from __future__ import annotations

import argparse
import ast
import os
import signal
import sys
import time
import tomllib
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from headcheck.course import read_course
from headcheck.grading import prepare
from headcheck.loading import load
from headcheck.properties import run
from headcheck.student import local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headcheck.grading import Exam

ROOT = Path(__file__).parents[1]
COURSE = read_course(ROOT)
EXPLAINED = ROOT / "tests" / "explained"
PATIENCE = 10  # a mutant may take this many times as long as the reference, and
GRACE = 10.0  # so many seconds more
NOT_ASKED = {"core/VariableInserter", "core/VariableReplacer"}  # random: another run would have other mutants


@dataclass(frozen=True)
class Count:
    """How many mutants an exercise's reference has, and the lines of those that no property sees."""

    exercise: str
    mutants: int
    survivors: list[str]


class TooLongError(BaseException):
    """A mutant that loops."""


def mutants(source: str) -> Iterator[str]:
    """Every different program that is one small change away; annotations, docstrings and messages do not count."""
    seen = {meaning(source)}
    for name in sorted(set(operator_names()) - NOT_ASKED):
        occurrence = 0
        while mutant := mutate_code(source, get_operator(name)(), occurrence):
            occurrence += 1
            if (said := meaning(mutant)) not in seen:
                seen.add(said)
                yield mutant


def meaning(source: str) -> str:
    """The program without what says something only to people."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.arguments):  # `/` or `*`: graders give the first by place and the rest by name
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults += [default for default in node.kw_defaults if default]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args = []
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value = ast.Constant(None)
    return ast.dump(tree)


def changed_line(source: str, mutant: str) -> str:
    """What the mutant says where the reference says something else, or what it leaves out."""
    diff = list(unified_diff(source.splitlines(), mutant.splitlines(), lineterm="", n=0))[2:]
    lines = [(line[0], line[1:].strip()) for line in diff]
    said = {sign: " / ".join(text for mark, text in lines if mark == sign and text) for sign in "+-"}
    return said["+"] or f"without {said['-']}"


def survives(exam: Exam, sources: dict[str, bytes], seconds: float) -> bool:
    """Whether every property passes; a loop that does not end is a failure."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        module = load(sources, exam.exercise.module)
        connection = local(module)
        for prop in exam.properties:
            cases, chosen = exam.cases[prop.name], exam.seeds[prop.name]
            if run(prop, cases, lambda: connection, exam.reference, seed=chosen, shrink=False).outcome != "passed":
                return False
    except (Exception, TooLongError):  # noqa: BLE001  (whatever it is, the mutant is noticed)
        return False
    else:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_long(_signal: int, _frame: object) -> None:
    raise TooLongError


def count(name: str, *, training: bool) -> Count:
    """All mutants of one reference."""
    exercise = COURSE.exercise(name)
    exam = prepare(COURSE, exercise, seed=COURSE.seed, training=training)
    sources = COURSE.reference_sources(exercise)
    source = sources[exercise.module].decode()
    started = time.monotonic()
    if not survives(exam, sources, 600.0):
        raise SystemExit(f"{name}: the reference itself fails")
    seconds = PATIENCE * (time.monotonic() - started) + GRACE
    found = list(mutants(source))
    alive = [
        changed_line(source, mutant)
        for mutant in found
        if survives(exam, sources | {exercise.module: mutant.encode()}, seconds)
    ]
    return Count(name, len(found), alive)


def explanations() -> dict[str, dict[str, str]]:
    """Why a line that survives is right: by exercise, then by the line."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(EXPLAINED.glob("*.toml")):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def report(counted: Count, reasons: dict[str, str], *, training: bool) -> int:
    """Print what became of one exercise's mutants; how many lines want an explanation, or have a needless one."""
    survivors = set(counted.survivors)
    print(f"{counted.exercise}: {counted.mutants - len(counted.survivors)} of {counted.mutants} killed")  # noqa: T201
    for line in counted.survivors:
        print(f"    survives: {line}    {reasons.get(line, '(unexplained)')}")  # noqa: T201
    stale = set(reasons) - survivors if training else set()
    for line in sorted(stale):
        print(f"    explained, but does not survive: {line}")  # noqa: T201
    sys.stdout.flush()
    return len(survivors - set(reasons)) + len(stale)


def main() -> int:
    """Print the table and the survivors; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="sections, or SECTION/SLUG; all of the course without any")
    parser.add_argument("--no-training", action="store_true")
    arguments = parser.parse_args()
    training = not arguments.no_training
    exercises = [exercise.id for name in arguments.names or [None] for exercise in COURSE.select(name)]
    explained = explanations()
    total = killed = gaps = 0
    with Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        for counted in pool.imap(partial(count, training=training), exercises):
            total += counted.mutants
            killed += counted.mutants - len(counted.survivors)
            gaps += report(counted, explained.get(counted.exercise, {}), training=training)
    print(f"{killed} of {total} killed ({killed / max(total, 1):.1%}); {gaps} lines to explain, or no longer to")  # noqa: T201
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
