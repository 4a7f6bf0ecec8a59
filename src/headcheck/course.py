"""Find a course, read its `course.toml`, and say where each exercise keeps its files."""

from __future__ import annotations

import ast
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import msgspec

from headcheck.errors import CourseError
from headcheck.language import catalogue

if TYPE_CHECKING:
    from pathlib import Path

COURSE_FILE = "assignments/course.toml"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one submission may use: seconds of wall time a call and an exercise, MiB beyond the warm process.

    Files may be as large as `source_kib`; notebooks, whose outputs count, as `notebook_kib`.
    """

    call_seconds: float = 5.0
    exercise_seconds: float = 60.0
    memory_mib: int = 2048
    source_kib: int = 256
    notebook_kib: int = 4096


Part = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Late(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What part of a section's points is lost for each day that it comes late, and how much of them at most."""

    per_day: Part
    at_most: Part = 1.0


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slug: str
    title: str
    book: str = ""
    uses: list[str] = []
    given: list[str] = []
    shortcuts: list[str] = []
    needs: list[str] = []
    limits: dict[str, float] = {}
    weight: float = 1.0


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    title: str
    exercise: list[_Entry] = []


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    section: list[_Section]
    seed: int = 0
    limits: Limits = Limits()
    late: Late | None = None
    install: tuple[str, ...] = ("headcheck",)


@dataclass(frozen=True)
class Exercise:
    """One exercise: its place in the course and its files, of which a released copy has only the public ones.

    `uses` are the earlier exercises that it imports, all of them, in course order; `given` the files under
    `assignments/` that the course hands out; `shortcuts` the library calls that would do the work; `needs` the
    libraries besides torch that a submission imports; `limits` those of the course, or its own.
    """

    root: Path
    section: str
    slug: str
    title: str
    book: str
    uses: tuple[str, ...]
    given: tuple[str, ...]
    shortcuts: tuple[str, ...]
    needs: tuple[str, ...]
    limits: Limits
    weight: float

    @property
    def id(self) -> str:
        return f"{self.section}/{self.slug}"

    @property
    def module(self) -> str:
        return f"{self.section}.{self.slug}"

    @property
    def stub(self) -> Path:
        return self.root / "assignments" / self.section / f"{self.slug}.py"

    @property
    def question(self) -> Path:
        """The question to be answered in words, with its rubric; not every exercise has one."""
        return self.stub.with_suffix(".md")

    @property
    def reference(self) -> Path:
        return self.root / "reference" / self.section / f"{self.slug}.py"

    @property
    def graders(self) -> Path:
        return self.root / "graders" / self.section / self.slug

    @property
    def public(self) -> Path:
        return self.graders / "public.py"

    @property
    def hidden(self) -> Path:
        return self.graders / "hidden.py"

    @property
    def misconceptions(self) -> Path:
        return self.graders / "misconceptions.py"

    @property
    def file(self) -> str:
        """Where the exercise stands in a submission; or else in the notebook of its section (`notebook_of`)."""
        return f"{self.id}.py"

    @property
    def curves(self) -> Path:
        """How a right model's training goes, written by `benchmarks/curves.py`; only where there is training."""
        return self.graders / "curves.json"

    def stub_text(self) -> bytes:
        """What was handed out to be filled in; nothing in a copy that is all notebooks."""
        return _read(self.stub) if self.stub.is_file() else b""

    def written_names(self) -> list[str]:
        """The functions and classes that the exercise asks to write: those its stub defines."""
        tree = ast.parse(_read(self.stub))
        return [
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
        ]

    @property
    def alternatives(self) -> list[Path]:
        return sorted((self.root / "tests" / "alternatives" / self.section / self.slug).glob("*.py"))


@dataclass(frozen=True)
class Course:
    """A directory with `assignments/course.toml`, and its exercises in order; `install` is what pip is told for it."""

    root: Path
    title: str
    seed: int
    limits: Limits
    sections: dict[str, str]
    exercises: tuple[Exercise, ...]
    late: Late | None = None
    install: tuple[str, ...] = ("headcheck",)

    def exercise(self, name: str) -> Exercise:
        """The exercise of that id (`section/slug`)."""
        if name not in self._by_id:
            raise CourseError(f"there is no exercise {name!r}; there are: {', '.join(self._by_id)}")
        return self._by_id[name]

    def select(self, name: str | None) -> list[Exercise]:
        """All exercises, those of a section, or the one of that id."""
        if name is None:
            return list(self.exercises)
        if name in self.sections:
            return [exercise for exercise in self.exercises if exercise.section == name]
        return [self.exercise(name)]

    def with_used(self, wanted: list[Exercise]) -> list[Exercise]:
        """These exercises and all that they use, in course order."""
        names = {name for exercise in wanted for name in (*exercise.uses, exercise.id)}
        return [exercise for exercise in self.exercises if exercise.id in names]

    @property
    def has_hidden_files(self) -> bool:
        """False in a released copy, in which nothing can be graded or audited."""
        return (self.root / "reference").is_dir()

    def given_sources(self, exercise: Exercise) -> dict[str, bytes]:
        """The text of the files that the course hands out with an exercise and what it uses, by module name."""
        owners = [self.exercise(name) for name in (*exercise.uses, exercise.id)]
        paths = {name: self.root / "assignments" / name for owner in owners for name in owner.given}
        return {name.removesuffix(".py").replace("/", "."): _read(path) for name, path in paths.items()}

    def reference_sources(self, exercise: Exercise) -> dict[str, bytes]:
        """The text of the reference, and of everything that it imports, by module name."""
        own = [self.exercise(name) for name in (*exercise.uses, exercise.id)]
        return {each.module: _read(each.reference) for each in own} | self.given_sources(exercise)

    def stubs(self, section: str) -> dict[str, bytes]:
        """What the exercises of a section were handed out with, by module; empty where there is no such file."""
        own = self.select(section)
        return {each.module: each.stub_text() for each in own}

    def catalogues(self, exercises: list[Exercise], language: str) -> list[Path]:
        """The translations of the course's titles and of all texts of these exercises, as far as there are any."""
        stems = [self.root / "assignments" / "course"]
        for exercise in exercises:
            stems += [path.with_suffix("") for path in (exercise.stub, exercise.public, exercise.hidden)]
        paths = [catalogue(stem, language) for stem in stems]
        return [path for path in paths if path.is_file()]

    def fingerprint(self, exercise: Exercise) -> str:
        """A hash of everything in the course that decides how an exercise ends but the submission.

        Its weight does not, and is applied to what was found.
        """
        paths = [exercise.public, exercise.hidden, exercise.misconceptions, exercise.curves]
        files = {path.name: _read(path) for path in paths if path.exists()} | self.reference_sources(exercise)
        needs = [self.exercise(name).needs for name in (*exercise.uses, exercise.id)]
        digest = hashlib.sha256(repr((exercise.id, exercise.shortcuts, needs, exercise.limits)).encode())
        for name, data in files.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
        return digest.hexdigest()

    @property
    def titles(self) -> dict[str, str]:
        """What each exercise is called, by id."""
        return {exercise.id: exercise.title for exercise in self.exercises}

    @property
    def installation(self) -> str:
        """The command that brings headcheck with all that the exercises need."""
        return " ".join(["pip", "install", *(f'"{each}"' for each in self.install)])

    def libraries(self, exercises: list[Exercise]) -> tuple[str, ...]:
        """What these exercises need besides torch; raises CourseError when any of it is not installed."""
        needs = {name: exercise.id for exercise in exercises for name in exercise.needs}
        for name, exercise in needs.items():
            package = name.partition(".")[0]
            if find_spec(package) is None:
                raise CourseError(f"{exercise} needs {package}; install it with: {self.installation}")
        return tuple(sorted(needs))

    @cached_property
    def _by_id(self) -> dict[str, Exercise]:
        return {exercise.id: exercise for exercise in self.exercises}


def notebook_of(section: str) -> str:
    """Where a section's notebook stands in a submission."""
    return f"{section}/{section}.ipynb"


def find_course(start: Path) -> Course:
    """The course in the nearest directory upward from `start`."""
    for directory in [start.resolve(), *start.resolve().parents]:
        if (directory / COURSE_FILE).is_file():
            return read_course(directory)
    raise CourseError(
        f"no course here: neither {start} nor a directory above it holds {COURSE_FILE}; name one with --course"
    )


def read_course(root: Path) -> Course:
    """The course in this directory."""
    root = root.resolve()
    path = root / COURSE_FILE
    try:
        content = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise CourseError(f"{root} is not a course: {COURSE_FILE}: {error.strerror}") from error
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: {error}") from error
    exercises: dict[str, Exercise] = {}
    for section in content.section:
        for entry in section.exercise:
            exercise = _exercise(root, section.name, entry, exercises, content.limits)
            if exercise.id in exercises:
                raise CourseError(f"{path}: {exercise.id} is listed twice")
            exercises[exercise.id] = exercise
    sections = {section.name: section.title for section in content.section}
    listed = tuple(exercises.values())
    return Course(root, content.title, content.seed, content.limits, sections, listed, content.late, content.install)


def _exercise(root: Path, section: str, entry: _Entry, earlier: dict[str, Exercise], limits: Limits) -> Exercise:
    where = f"{root / COURSE_FILE}: {section}/{entry.slug}"
    if not (entry.slug.isidentifier() and section.isidentifier()):
        raise CourseError(f"{where}: a section and a slug must be Python identifiers")
    unknown = [name for name in entry.uses if name not in earlier]
    if unknown:
        raise CourseError(f"{where}: it uses {', '.join(unknown)}, which must be listed before it")
    try:
        own_limits = msgspec.convert(msgspec.to_builtins(limits) | entry.limits, Limits, strict=False)
    except msgspec.ValidationError as error:
        raise CourseError(f"{where}: limits: {error}") from error
    needed = {name for used in entry.uses for name in (*earlier[used].uses, used)}
    uses = tuple(name for name in earlier if name in needed)
    return Exercise(
        root,
        section,
        entry.slug,
        entry.title,
        entry.book,
        uses,
        tuple(entry.given),
        tuple(entry.shortcuts),
        tuple(entry.needs),
        own_limits,
        entry.weight,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CourseError(f"the course misses a file: {error.strerror}: {path}") from error
