"""The students' copy of a course: what is public by its path, notebooks, a table of points, and a manifest of hashes.

Nothing is written unless everything in it is on the list of what may be, and no two consecutive lines of a hidden file
stand in it one after the other. Which lines count, and which are no secret, is said at `refuse_leaks`.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections import defaultdict
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from headcheck.archive import tree_beside
from headcheck.course import COURSE_FILE
from headcheck.errors import CourseError
from headcheck.github import WORKFLOW, workflow
from headcheck.language import (
    ENGLISH,
    LANGUAGES,
    catalogue,
    say,
    say_prose,
    spoken_language,
    translated,
    translated_source,
)
from headcheck.questions import question_text, read_question, translated_question
from headcheck.text import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from headcheck.course import Course, Exercise
    from headcheck.properties import Property

    Form = Literal["py", "ipynb", "both"]

MANIFEST = "MANIFEST.sha256"
README = "README.md"
HIDDEN_NAMES = ("hidden.", "misconceptions.", "curves.json")
HIDDEN_TREES = ("reference", "graders", "tests/alternatives", "tests/same_mistakes")
MIN_LETTERS = 6  # a line with fewer letters and digits (`else:`, `)`) says nothing
MIN_FILES = 2  # a line that stands in so many public files is a way of speaking


def write_release(course: Course, out: Path, form: Form, *, github: bool = False) -> list[str]:
    """Write the students' copy to `out`, all of it or nothing, and return its paths.

    Replaces an earlier release in which nobody has worked, and nothing else.
    """
    files = release_files(course, form, github=github)
    _require_replaceable(out)
    with tree_beside(out, files) as new:
        old = new.with_name("old")
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
    return list(files)


def release_files(course: Course, form: Form, *, github: bool = False) -> dict[str, bytes]:
    """Everything that a release holds, by its path there; raises CourseError for what may not be in it.

    With `github` that is also the workflow which checks the students' repositories of GitHub Classroom.
    """
    if not course.has_hidden_files:
        raise CourseError(f"{course.root} is a student's copy itself; release the course that it was made from")
    files = public_files(course, form)
    files[README] = _readme(course, form).encode()
    if github:
        files[WORKFLOW] = workflow(course).encode()
    refuse_leaks(course, files)
    files = dict(sorted(files.items()))
    manifest = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return files | {MANIFEST: manifest.encode()}


def public_files(course: Course, form: Form) -> dict[str, bytes]:
    """What of a course is public by its path, as files, notebooks or both; its texts in the language that is spoken."""
    files = _public_files(course)
    if spoken_language() != ENGLISH:
        files |= _translated(course)
    if form != "py":
        files |= _notebooks(course)
    if form == "ipynb":
        for exercise in course.exercises:
            del files[exercise.stub.relative_to(course.root).as_posix()]
    return files


def _translated(course: Course) -> dict[str, bytes]:
    """The stubs and questions, in the language."""
    stubs = {exercise.stub: translated_source(exercise.stub_text().decode()) for exercise in course.exercises}
    paths = [exercise.question for exercise in course.exercises if exercise.question.is_file()]
    questions = {path: question_text(translated_question(read_question(path))) for path in paths}
    return {path.relative_to(course.root).as_posix(): text.encode() for path, text in (stubs | questions).items()}


def _public_files(course: Course) -> dict[str, bytes]:
    """The assignments and the public graders; refused when any other file stands among them."""
    exercises = course.exercises
    allowed = {course.root / COURSE_FILE, *(exercise.stub for exercise in exercises)}
    allowed |= {exercise.public for exercise in exercises}
    allowed |= {exercise.question for exercise in exercises if exercise.question.is_file()}
    allowed |= {course.root / "assignments" / name for exercise in exercises for name in exercise.given}
    allowed |= {path for language in LANGUAGES for path in _public_catalogues(course, language)}
    found = {path for path in (course.root / "assignments").rglob("*") if not path.is_dir() or path.is_symlink()}
    found |= {path for name in ("public.py", "public.*.po") for path in (course.root / "graders").rglob(name)}
    files = {}
    for path in sorted(found | allowed):
        if "__pycache__" in path.parts:
            continue
        name = path.relative_to(course.root).as_posix()
        parts = PurePosixPath(name).parts
        if ".." in parts or path.resolve() != path:
            raise CourseError(f"{name} leads elsewhere, so it cannot be released")
        if parts[-1].startswith(HIDDEN_NAMES) or parts[0] not in ("assignments", "graders"):
            raise CourseError(f"{name} has the name of a hidden file, so it cannot be released")
        if path not in allowed:
            raise CourseError(f"{name} belongs to no exercise; remove it, or list it in {COURSE_FILE}")
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            raise CourseError(f"{name} cannot be released: {error.strerror}") from error
    return files


def _public_catalogues(course: Course, language: str) -> list[Path]:
    """The translations of what is public; one that is hidden stands in `hidden.zh.po`, say, beside its grader."""
    paths = course.catalogues(list(course.exercises), language)
    hidden = {catalogue(exercise.hidden.with_suffix(""), language) for exercise in course.exercises}
    return [path for path in paths if path not in hidden]


def _notebooks(course: Course) -> dict[str, bytes]:
    if find_spec("nbformat") is None:
        raise CourseError("notebooks need nbformat: pip install 'headcheck[notebook]', or release with --format py")
    from headcheck.notebooks import section_notebook

    return {f"assignments/{name}/{name}.ipynb": section_notebook(course, name) for name in course.sections}


def _require_replaceable(out: Path) -> None:
    """Refuse to replace anything but an earlier release, as it was written."""
    if not (out.exists() or out.is_symlink()):
        return
    if out.is_symlink() or not out.is_dir():
        raise CourseError(f"{out} is in the way: it is no directory")
    found = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if not path.is_dir()}
    manifest = found.pop(MANIFEST, None)
    if manifest is None:
        if found:
            raise CourseError(f"{out} is not an earlier release (it has no {MANIFEST}); choose another directory")
        return
    lines = (line.partition("  ") for line in manifest.read_text(encoding="utf-8", errors="replace").splitlines())
    released = {name: digest for digest, _, name in lines}
    for name, path in found.items():
        if path.is_symlink() or hashlib.sha256(path.read_bytes()).hexdigest() != released.get(name):
            raise CourseError(f"{path} was changed since it was released; keep it, and choose another directory")


# What must not be in it


class _Line(NamedTuple):
    """A line that says something: its number and its text without white space and signs of quotation."""

    number: int
    text: str


def refuse_leaks(course: Course, files: Mapping[str, bytes]) -> None:
    """Raise CourseError when two consecutive lines of a hidden file stand one after the other in one of `files`.

    Compared without white space, comment and prompt signs; lines of fewer than six letters and digits are passed over.
    Passed over are also lines that are no secret, although a hidden file has them:

    * imports;
    * signatures, docstrings of functions and classes, and assignments at the top, if the exercise's stub or public
      grader has them too;
    * lines of files that the exercise is given;
    * lines that two or more of the course's stubs, public graders and given files share.
    """
    public = {name: _lines(data) for name, data in files.items()}
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, lines in public.items():
        for place, line in enumerate(lines):
            places[line.text].append((name, place))
    shared = _shared(course)
    for path, exercise in _hidden_files(course):
        lines = _lines(path.read_bytes())
        quiet = _quiet(course, path, exercise) | shared
        loud = [line for line in lines if line.text not in quiet]
        for first, second in pairwise(loud):
            for name, place in places.get(first.text, ()):
                rest = (line for line in public[name][place + 1 :] if line.text not in quiet)
                follower = next(rest, None)
                if follower and follower.text == second.text:
                    where = f"{path.relative_to(course.root)}:{first.number}"
                    raise CourseError(
                        f"{name}:{public[name][place].number} holds two lines of {where}, which is hidden; "
                        "nothing was released"
                    )


def _lines(data: bytes) -> list[_Line]:
    """The lines of a text that say something; those of a notebook as they are shown."""
    found = []
    for place, line in enumerate(data.decode("utf-8", "replace").split("\n"), start=1):
        text = "".join(_shown(line.strip()).lstrip("#> \t").split())
        if sum(character.isalnum() for character in text) >= MIN_LETTERS:
            found.append(_Line(place, text))
    return found


def _shown(line: str) -> str:
    """A line of a cell, out of the JSON string that it is in a notebook."""
    bare = line.removesuffix(",")
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        try:
            return str(json.loads(bare)).strip()
        except ValueError:
            pass  # it is a line in quotation marks
    return line


def _hidden_files(course: Course) -> Iterator[tuple[Path, Exercise | None]]:
    """All that is hidden by its path, listed or not, and the exercise that it belongs to."""
    owners: dict[Path, Exercise] = {}
    for exercise in course.exercises:
        own = (exercise.reference, exercise.hidden, exercise.misconceptions, *exercise.alternatives)
        owners |= dict.fromkeys(own, exercise)
    for tree in HIDDEN_TREES:
        for path in sorted((course.root / tree).rglob("*.py")):
            if path.is_file() and not (tree == "graders" and path.name == "public.py"):
                yield path, owners.get(path)


def _shared(course: Course) -> set[str]:
    """The lines that several of the files have which the author wrote for students."""
    given = {course.root / "assignments" / name for exercise in course.exercises for name in exercise.given}
    sources = [*given, *(path for exercise in course.exercises for path in (exercise.stub, exercise.public))]
    counts: dict[str, int] = defaultdict(int)
    for path in sources:
        for text in {line.text for line in _lines(path.read_bytes())}:
            counts[text] += 1
    return {text for text, count in counts.items() if count >= MIN_FILES}


def _quiet(course: Course, path: Path, exercise: Exercise | None) -> set[str]:
    """The lines of a hidden file that are no secret."""
    data = path.read_bytes()
    imports, frame = _frame(data)
    lines = _lines(data)
    quiet = {line.text for line in lines if line.number in imports}
    if exercise:
        own = {line.text for file in (exercise.stub, exercise.public) for line in _lines(file.read_bytes())}
        quiet |= {line.text for line in lines if line.number in frame and line.text in own}
        for text in course.given_sources(exercise).values():
            quiet |= {line.text for line in _lines(text)}
    return quiet


def _frame(data: bytes) -> tuple[set[int], set[int]]:
    """The numbers of the lines of imports, and of those that say what there is and not how it is done."""
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return set(), set()
    imports: set[int] = set()
    frame: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _span(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            frame |= set(range(first, node.body[0].lineno))
            frame |= _span(node.body[0]) if ast.get_docstring(node) is not None else set()
    for statement in tree.body[1:]:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            frame |= _span(statement)
    return imports, frame


def _span(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


# What stands in the README


def _readme(course: Course, form: Form) -> str:
    from headcheck.properties import load_properties  # which imports torch: for the table alone

    rows, abouts, total = [], [], 0.0
    for section, title in course.sections.items():
        rows.append(f"| **{translated(title)}** | | | |")
        for exercise in course.select(section):
            properties = load_properties(course, exercise)
            hidden = [prop for prop in properties if prop.visibility == "hidden"]
            public = _points(exercise, [prop for prop in properties if prop.visibility == "public"])
            words = read_question(exercise.question).max_points if exercise.question.is_file() else 0
            total += public + _points(exercise, hidden) + words
            cells = (
                f"`{exercise.id}` {translated(exercise.title)}",
                *map(_cell, (public, _points(exercise, hidden), words)),
            )
            rows.append(f"| {' | '.join(cells)} |")
            abouts += [
                f"- `{exercise.id}`, {_points_of(exercise, prop)}: {translated(prop.sentence)}" for prop in hidden
            ]
    return say_prose(
        _README,
        title=course.title,
        count=len(course.exercises),
        total=number(total),
        work=say(_WORK[form]),
        example=course.exercises[0].id if course.exercises else "SECTION/SLUG",
        section=next(iter(course.sections), "SECTION"),
        installation=course.installation,
        manifest=MANIFEST,
        rows="\n".join(rows),
        abouts="\n".join(abouts) or say("There are none."),
    )


def _points(exercise: Exercise, properties: list[Property]) -> float:
    return sum(prop.worth.points for prop in properties) * exercise.weight


def _cell(points: float) -> str:
    return number(points) if points else ""


def _points_of(exercise: Exercise, prop: Property) -> str:
    points = _points(exercise, [prop])
    return say("1 point") if points == 1 else say("{points} points", points=number(points))


_WORK: dict[str, str] = {
    "py": "Each exercise is a file `assignments/<section>/<slug>.py`: read its text, and fill in what is blank.",
    "ipynb": "Each section is a notebook `assignments/<section>/<section>.ipynb`: read, and fill in the code cells.",
    "both": """\
Each section is a notebook `assignments/<section>/<section>.ipynb`, and each exercise in it a file
`assignments/<section>/<slug>.py` as well. Work in the one or in the other. As soon as you write something into a file,
the file counts, and no longer the notebook's cell.""",
}

_README = """\
# {title}

{count} exercises, {total} points.

{work} Where an exercise has a question to be answered in words, it stands in `assignments/<section>/<slug>.md` and in
the notebook; a person reads the answer.

## Check yourself

In this directory, with headcheck installed (`{installation}`), and your work saved:

```sh
headcheck check {example}
headcheck check {section} --watch
```

The first command runs the public checks of an exercise and shows the smallest input on which one fails; the second
does so for a section, again at every save. In a notebook, the code of an exercise is the cell below its text, and what
it needs of your other cells: imports, constants, functions. Magics and shell lines are not run.

`sha256sum -c {manifest}` says which files are no longer as they were handed out.

## Points

| exercise | public checks | hidden checks | in words |
| --- | ---: | ---: | ---: |
{rows}

## What the hidden checks are about

{abouts}
"""
