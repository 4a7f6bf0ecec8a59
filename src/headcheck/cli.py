"""The commands. Only this module prints or exits, and only it and `jupyter` read the environment.

`torch` takes seconds to import, so the commands start what runs beside it first and import the rest where they need it.
Everything is said in the language of the user, which `--lang` or the locale names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import sysconfig
import threading
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from headcheck.course import find_course, notebook_of, read_course
from headcheck.errors import HeadcheckError
from headcheck.language import (
    ENGLISH,
    LANGUAGES,
    say,
    speak,
    spoken_in,
    spoken_language,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Literal

    from click.types import OptionHelpExtra
    from rich.status import Status

    from headcheck.checking import Checker
    from headcheck.course import Course, Exercise
    from headcheck.differences import Differences
    from headcheck.grading import Grader, Tally
    from headcheck.progress import Standing
    from headcheck.results import ExerciseResult, Level, SectionResult
    from headcheck.sandbox import Probes, Sandbox
    from headcheck.submission import Submission

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BROKEN = 3
TICK = 0.25
PATIENCE = 1.0  # seconds before a line says what takes so long
SAVED_STEP = 20  # milliseconds of quiet after which a file counts as saved
SAVED_AT_MOST = 400
LEVELS = ("full", "strong", "process")
FORMS = ("csv", "junit", "gradescope", "canvas", "moodle", "nbgrader")
SAID_BY_CLICK = (
    "Show this message and exit.",
    "Show the version and exit.",
    "No such command {name}.",
    "No such command {name}. Did you mean {possibility}?",
    "No such command {name}. (Did you mean one of: {possibilities}?)",
    "No such option {name}.",
    "No such option {name}. Did you mean {possibility}?",
    "No such option {name}. (Did you mean one of: {possibilities}?)",
    "Missing command.",
    "Missing argument {name}.",
    "Missing option {name}.",
    "Missing option {name}. Choose from:\n\t{choices}",
    "Got unexpected extra argument ({values})",
    "Got unexpected extra arguments ({values})",
    "Option {name} requires an argument.",
    "Option {name} does not take a value.",
    "Invalid value for {name}: {advice}",
    "Directory {path} does not exist.",
    "Directory {path} is a file.",
    "File {path} does not exist.",
    "File {path} is a directory.",
    "{value} is not one of {choices}.",
    "{value} is not a valid integer.",
    "{value} is not a valid integer range.",
    "{value} is not a valid float.",
    "{value} is not in the range {range}.",
)

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_Item = TypeVar("_Item")

out = Console(highlight=False, markup=False)  # names of students and files are no markup
err = Console(stderr=True, highlight=False, markup=False)


class Help(click.HelpFormatter):
    """Help in the language: the texts are English where they are written, and translated here."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or say("Usage: "))

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        said = {"Options": say("Options"), "Commands": say("Commands")}
        with super().section(said.get(name, name)):
            yield

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(first, translated(second)) for first, second in rows], col_max, col_spacing)


click.Context.formatter_class = Help


def _language(_context: click.Context, _option: click.Parameter, name: str | None) -> None:
    """Speak the language that is asked for; without one, go on with the one that is spoken."""
    if name is not None:
        speak(name)


class Option(click.Option):
    """One whose help is translated before the default is added to it."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        written, self.help = self.help, translated(self.help or "")
        try:
            return super().get_help_record(ctx)
        finally:
            self.help = written

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        extra = super().get_help_extra(ctx)
        if "required" in extra:
            extra["required"] = say("required")
        if "default" in extra:
            extra["range"] = say("default: {default}", default=extra.pop("default"))  # which is shown as it is
        return extra


class Command(click.Command):
    """A command that may be told the language, and whose help is in it."""

    def __init__(self, *arguments: Any, **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        self.params.append(
            Option(
                ["--lang"],
                type=click.Choice(list(LANGUAGES)),
                is_eager=True,
                expose_value=False,
                callback=_language,
                help="The language to speak; by default that of the locale.",
            )
        )

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        written, self.help = self.help, translated(self.help or "")
        super().format_help_text(ctx, formatter)
        self.help = written

    def get_short_help_str(self, limit: int = 45) -> str:
        said = translated(self.help or "")
        return super().get_short_help_str(limit) if said == self.help else said.partition("。")[0]


class Commands(Command, click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type


def option(*names: str, **rest: Any) -> Callable[[_Command], _Command]:
    """An option of a command."""
    return click.option(*names, cls=Option, **rest)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@option(
    "--course",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory of the course; by default the nearest one upward.",
)
@click.version_option(package_name="headcheck", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context, course: Path | None) -> None:
    """Exercises on attention, graded by what the code does."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before torch and numpy start threads: a grader must be able to fork
    context.obj = course


def _course(root: Path | None) -> Course:
    """The course that was named, or the one here; its texts are shown in the language from now on."""
    course = read_course(root) if root else find_course(Path.cwd())
    _speak_of(course, list(course.exercises))
    return course


def _speak_of(course: Course, exercises: list[Exercise]) -> None:
    language = spoken_language()
    speak(language, course.catalogues(exercises, language))


def _results(told: str) -> Callable[[_Command], _Command]:
    kind = click.Path(path_type=Path, file_okay=False)
    return option("-o", "--output", "results", type=kind, default=Path("results"), show_default=True, help=told)


@main.command()
@click.argument("submitted", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_results("Where the results go; a run that was stopped goes on from there.")
@option("--jobs", type=click.IntRange(min=1), default=None, help="Grader processes; by default one per core.")
@option("--section", "name", default=None, help="Only this section (or SECTION/SLUG).")
@option("--seed", type=int, default=None, help="The class's seed; by default the course's.")
@option(
    "--weak-sandbox",
    is_flag=True,
    help="Grade even where the machine cannot lock submissions in; written into every result.",
)
@option("--diff", is_flag=True, help="Publish nothing: show who would gain or lose what against the results there.")
@option("--dask", "address", metavar="ADDRESS", default=None, help="Grade on the workers of this Dask scheduler.")
@click.pass_context
def grade(
    context: click.Context,
    submitted: Path,
    results: Path,
    jobs: int | None,
    name: str | None,
    seed: int | None,
    weak_sandbox: bool,
    diff: bool,
    address: str | None,
) -> None:
    """Grade a class: SUBMITTED/<student>/<section>/<slug>.py, or <section>.ipynb there."""
    from headcheck import archive
    from headcheck.submission import read_class

    course = _course(context.obj)
    if not course.has_hidden_files:
        raise HeadcheckError(
            f"{course.root} is a student's copy: it has no references and hidden graders, so it can check but not grade"
        )
    if address is not None and find_spec("distributed") is None:
        raise HeadcheckError("--dask needs Dask: pip install 'headcheck[cluster]'")
    seed = course.seed if seed is None else seed
    wanted = course.select(name)
    submissions = read_class(submitted, course)
    before = _read(results) if diff else []
    context.with_resource(archive.held(results))
    started = time.perf_counter()
    to_grade = [
        exercise
        for exercise in course.with_used(wanted)
        if any(submission.may_hold(exercise) for submission in submissions)
    ]
    task = _Task(course, seed, submissions, wanted, to_grade, results, weak_sandbox=weak_sandbox, publish=not diff)
    if address is None:
        found, tally, level = _grade_here(task, min(jobs or os.cpu_count() or 1, len(submissions)))
    else:
        found, tally, level = _grade_on_dask(task, address)
    if diff:
        _compare(before, list({(each.student, each.section): each for each in [*before, *found]}.values()))
        out.print(say("Nothing is published: the same command without --diff does that, and has little left to do."))
    else:
        _publish(course, results)
    seconds = f"{time.perf_counter() - started:.1f}"
    counted = say("1 submission") if len(submissions) == 1 else say("{count} submissions", count=len(submissions))
    out.print(say("{what} in {seconds} s, sandbox: {level}", what=counted, seconds=seconds, level=level))
    told = {"graded": tally.graded, "recalled": tally.recalled}
    out.print(say("exercises graded anew: {graded}, taken from the cache: {recalled}", **told))
    _exit_if_broken(found)


class _Task(NamedTuple):
    """What is to be graded, for which directory of results."""

    course: Course
    seed: int
    submissions: list[Submission]
    wanted: list[Exercise]
    to_grade: list[Exercise]
    results: Path
    weak_sandbox: bool
    publish: bool

    def collect(self, results: Iterator[list[SectionResult] | None]) -> list[SectionResult]:
        """Write each result as it comes, if that is wanted, and show how far we are."""
        from headcheck import archive

        found: list[SectionResult] = []
        with _progress(say("grading"), auto_refresh=False) as progress:  # whose thread would forbid forking
            task = progress.add_task("grading", total=len(self.submissions))
            for sections in results:
                for graded in sections or ():
                    whole = [each.id for each in self.course.exercises if each.section == graded.section]
                    section = archive.with_others(self.results, graded, whole)
                    if self.publish:
                        archive.write_section(self.results, section)
                    found.append(section)
                progress.update(task, advance=1 if sections else 0)
                progress.refresh()
        return found


def _grade_here(task: _Task, jobs: int) -> tuple[list[SectionResult], Tally, Level]:
    from headcheck.sandbox import launch_strongest, settle

    course, results = task.course, task.results
    needs = course.libraries(task.to_grade)
    sandboxes: list[Sandbox] = [launch_strongest(needs=needs) for _ in range(jobs)]
    try:
        from headcheck.crew import Crew
        from headcheck.grading import Exams, Grader

        exams = Exams(course, task.seed)
        for exercise in task.to_grade:
            exams.of(exercise)  # once, here: the grader processes inherit it
        settled = [settle(sandbox, course.limits) for sandbox in sandboxes]
        sandboxes = [sandbox for sandbox, _ in settled]
        weakest = max((probes for _, probes in settled), key=lambda probes: LEVELS.index(probes.level))
        _require_level(weakest, weak_sandbox=task.weak_sandbox)

        def spare() -> Grader:
            sandbox, probes = settle(launch_strongest(needs=needs), course.limits)
            _require_level(probes, weak_sandbox=task.weak_sandbox)
            return Grader(course, exams, sandbox, directory=results)

        graders = [Grader(course, exams, sandbox, directory=results) for sandbox in sandboxes]
        crew = Crew(graders, spare, task.submissions, task.wanted)
        try:
            return task.collect(crew.results(tick=TICK)), crew.tally, weakest.level
        finally:
            crew.close()
    finally:
        for sandbox in sandboxes:
            sandbox.close()


def _grade_on_dask(task: _Task, address: str) -> tuple[list[SectionResult], Tally, Level]:
    from headcheck.cluster import Cluster, joined
    from headcheck.crew import Duty
    from headcheck.grading import Desk

    duty = Duty(task.seed, [exercise.id for exercise in task.to_grade], task.weak_sandbox)
    with joined(address, task.course, duty, task.results) as there:
        _require_level(there.probes, weak_sandbox=task.weak_sandbox)
        desk = Desk(task.course, task.seed, there.probes.level, task.results)
        cluster = Cluster(there, desk, task.submissions, task.wanted)
        try:
            return task.collect(cluster.results(tick=TICK)), desk.tally, desk.level
        finally:
            cluster.close()


def _exit_if_broken(results: list[SectionResult]) -> None:
    broken = [
        f"{section.student}: {exercise.exercise}"
        for section in results
        for exercise in section.exercises
        if exercise.status == "broken"
    ]
    if broken:
        told = {"count": len(broken), "names": ", ".join(broken[:10])}
        err.print(
            say("headcheck itself failed on 1 exercise; it costs nobody a point: {names}", **told)
            if len(broken) == 1
            else say("headcheck itself failed on {count} exercises; they cost nobody a point: {names}", **told),
            style="red",
        )
        sys.exit(EXIT_BROKEN)


def _require_level(probes: Probes, *, weak_sandbox: bool) -> None:
    from headcheck.sandbox import require_level

    require_level(probes, weak_sandbox=weak_sandbox)
    if probes.level != "full":
        missing = "; ".join(map(translated, probes.missing)) or "namespaces"
        err.print(
            say("sandbox level: {level}. Not enforced: {missing}", level=probes.level, missing=missing), style="yellow"
        )


def _progress(said: str, *, auto_refresh: bool) -> Progress:
    columns = (
        TextColumn(said),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn(say("left")),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=err, auto_refresh=auto_refresh, transient=auto_refresh)


def _watched(said: str, items: Collection[_Item]) -> Iterator[_Item]:
    """These items one by one; on a terminal it shows how many are left, and how long that takes, after a second."""
    progress = _progress(said, auto_refresh=True)
    task = progress.add_task(said, total=len(items))
    patience = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as shown:
        for item in items:
            yield item
            progress.advance(task)
            if time.monotonic() > patience and not progress.live.is_started and err.file.isatty():
                shown.enter_context(progress)


def _read(directory: Path) -> list[SectionResult]:
    from headcheck.archive import read_sections

    return read_sections(directory, partial(_watched, say("reading results")))


def _publish(course: Course, directory: Path) -> None:
    from headcheck.archive import write_atomically
    from headcheck.export import grades_csv
    from headcheck.questions import awaiting
    from headcheck.terminal import class_table

    places = {section: place for place, section in enumerate(course.sections)}
    results = sorted(_read(directory), key=lambda each: (each.student, places.get(each.section, len(places))))
    for name in ("students", "exercises"):
        shutil.rmtree(directory / "report" / name, ignore_errors=True)  # pages of what is no longer there
    write_atomically(directory / "grades.csv", grades_csv(results, list(course.sections)).encode())
    unjudged = awaiting(course)
    for path, render in _watched(say("writing pages"), _pages(course, directory, results, unjudged).items()):
        write_atomically(directory / "report" / path, render().encode())
    out.print(class_table(results, unjudged))
    out.print(say("Grades: {path}", path=directory / "grades.csv"), soft_wrap=True)
    out.print(say("Report: {path}", path=directory / "report" / "index.html"), soft_wrap=True)


def _pages(
    course: Course, directory: Path, results: list[SectionResult], unjudged: dict[str, str]
) -> dict[str, Callable[[], str]]:
    from headcheck.html import SIMILAR, report_pages

    beside = (directory / "report" / SIMILAR).is_file()
    return report_pages(results, course.sections, unjudged, names=course.titles, similar=beside)


def _compare(before: list[SectionResult], after: list[SectionResult]) -> Differences:
    from headcheck.differences import differences
    from headcheck.terminal import differences_view

    found = differences(before, after, partial(_watched, say("comparing")))
    out.print(differences_view(found))
    return found


@main.command()
@click.argument("submitted", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_results("Where the page goes, as report/similar.html.")
@option("--section", "name", default=None, help="Only this section (or SECTION/SLUG).")
@click.pass_obj
def similar(root: Path | None, submitted: Path, results: Path, name: str | None) -> None:
    """Show whose work is more alike than its exercise explains: facts for a person, never points."""
    from headcheck.archive import write_atomically
    from headcheck.html import OVERVIEW, SIMILAR, render_similar
    from headcheck.questions import awaiting
    from headcheck.reading import LIMITS, known_pieces, read_works
    from headcheck.sandbox import open_sandbox
    from headcheck.similarity import similarities
    from headcheck.submission import read_class
    from headcheck.terminal import similar_view

    course = _course(root)
    if not course.has_hidden_files:
        raise HeadcheckError(
            f"{course.root} is a student's copy: it has no references, so what is simply right would seem to be copied"
        )
    wanted = course.select(name)
    submissions = read_class(submitted, course)
    with _patience() as status:
        status.update(say("getting ready"))
        sandbox, _ = open_sandbox(LIMITS)
    try:
        works, left_out = read_works(course, wanted, _watched(say("reading submissions"), submissions), sandbox)
    finally:
        sandbox.close()
    known = {exercise.id: known_pieces(exercise) for exercise in wanted}
    found = similarities(works, known, left_out, partial(_watched, say("comparing")))
    path, overview = results / "report" / SIMILAR, results / "report" / OVERVIEW
    reported = overview.is_file()
    write_atomically(path, render_similar(found, course.titles, overview=reported).encode())
    if reported:
        pages = _pages(course, results, _read(results), awaiting(course))
        write_atomically(overview, pages[OVERVIEW]().encode())
    out.print(similar_view(found))
    out.print(say("Report: {path}", path=path), soft_wrap=True)


@main.command()
@click.argument("before", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("after", type=click.Path(path_type=Path, exists=True, file_okay=False))
@option("--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Write a table of it, too.")
@click.pass_obj
def diff(root: Path | None, before: Path, after: Path, table: Path | None) -> None:
    """Show who gains and who loses what between two directories of results; exit 1 if they differ."""
    from headcheck import archive
    from headcheck.differences import differences_csv

    _course(root)  # in whose language the sentences of its checks are
    found = _compare(_read(before), _read(after))
    if table is not None:
        archive.write_atomically(table, differences_csv(found).encode())
    sys.exit(EXIT_FAILED if found else 0)


@main.command()
@click.argument("name", required=False)
@option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="Where your files are; by default the course's assignments/.",
)
@option("--all", "everything", is_flag=True, help="Show everything, and run training even if something else fails.")
@option("--hint", is_flag=True, help="One hint more for the exercise that is shown, and again one more the next time.")
@option("--watch", is_flag=True, help="Check again whenever a file is saved.")
@option("--hidden", is_flag=True, help="Run the hidden checks as well, where the whole course is at hand.")
@option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write what was found to a page, too.")
@click.pass_obj
def check(
    root: Path | None,
    name: str | None,
    directory: Path | None,
    everything: bool,
    hint: bool,
    watch: bool,
    hidden: bool,
    page: Path | None,
) -> None:
    """Check your own work: all of it, a SECTION, or SECTION/SLUG. Shows what to mend first, one thing at a time."""
    course = _course(root)
    if hidden and not course.has_hidden_files:
        raise HeadcheckError(f"{course.root} is a student's copy: it has no hidden checks, so leave --hidden out")
    work = directory or course.root / "assignments"
    desk = Desk(course, course.select(name), work, everything=everything, hidden=hidden, page=page)
    try:
        good = desk.look(hint=hint)
        if watch:
            desk.look_on_save()
    finally:
        desk.close()
    sys.exit(0 if good else EXIT_FAILED)


class Desk:
    """One's own work on some exercises, and what was found in it so far."""

    def __init__(
        self,
        course: Course,
        wanted: list[Exercise],
        work: Path,
        *,
        everything: bool,
        hidden: bool,
        page: Path | None = None,
    ) -> None:
        self._course = course
        self._wanted = wanted
        self._work = work
        self._everything = everything
        self._hidden = hidden
        self._page = page
        self._checker: Checker | None = None
        self._written: dict[str, bytes] = {}
        self._found: dict[str, Standing] = {}
        self._left: dict[str, int] = {}

    def look(self, *, hint: bool = False) -> bool:
        """Check what was begun, and show what to mend first; whether there is something, and all of it is right."""
        submission = self._read()
        begun = [exercise for exercise in self._wanted if exercise.id in self._written]
        with _patience() as status:
            self._check(submission, begun, status)
        self._show(submission, hint=hint)
        return bool(begun) and all(self._found[exercise.id].state == "passed" for exercise in begun)

    def look_on_save(self) -> None:
        """Check what a save is about, until Ctrl-C."""
        import watchfiles

        err.print(say("watching {directory}; stop with Ctrl-C", directory=self._work), style="dim", soft_wrap=True)
        watched = watchfiles.PythonFilter(extra_extensions=(".ipynb",))
        with contextlib.suppress(KeyboardInterrupt):
            for _ in watchfiles.watch(self._work, watch_filter=watched, step=SAVED_STEP, debounce=SAVED_AT_MOST):
                self._look_again()

    def close(self) -> None:
        """End the sandbox, if there is one."""
        if self._checker is not None:
            self._checker.close()

    def _look_again(self) -> None:
        from headcheck.progress import touched

        before = self._written
        submission = self._read()
        saved = touched(before, self._written, self._wanted)
        if not saved:
            return
        for exercise in saved:
            self._found.pop(exercise.id, None)
        begun = [exercise for exercise in saved if exercise.id in self._written]
        with _patience() as status:
            self._check(submission, begun, status)
        out.clear()
        self._show(submission, saved=saved)

    def _read(self) -> Submission:
        from headcheck.progress import written
        from headcheck.submission import read_directory

        submission = read_directory(self._work, self._course)
        self._written = written(submission, self._course, self._course.exercises)
        return submission

    def _check(self, submission: Submission, exercises: list[Exercise], status: Status) -> None:
        if not exercises:
            return
        status.update(say("getting ready"))
        checker = self._ready(exercises)
        for exercise in exercises:
            training = say("checking {name}; models are trained, which takes a while", name=exercise.id)
            status.update(training if checker.trains(exercise) else say("checking {name}", name=exercise.id))
            self._found[exercise.id] = checker.check(
                submission, exercise, everything=self._everything, in_full=self._page is not None
            )

    def _ready(self, exercises: list[Exercise]) -> Checker:
        if self._checker is None:
            from headcheck.sandbox import launch_strongest, settle

            sandbox = launch_strongest(needs=self._course.libraries(self._course.with_used(exercises)))
            try:
                from headcheck.checking import Checker

                self._checker = Checker(self._course, hidden=self._hidden)
                self._checker.prepare(exercises)
                settled, probes = settle(sandbox, self._course.limits)
            except BaseException:
                sandbox.close()
                raise
            self._checker.use(settled)
            if probes.level != "full":
                missing = "; ".join(map(translated, probes.missing)) or "namespaces"
                err.print(say("not enforced on this machine: {missing}", missing=missing), style="yellow")
        return self._checker

    def _standings(self) -> list[Standing]:
        from headcheck.progress import Standing

        return [self._found.get(exercise.id) or Standing(exercise, None) for exercise in self._wanted]

    def _show(self, submission: Submission, *, hint: bool = False, saved: Sequence[Exercise] = ()) -> None:
        """How far all is; then the exercise that was saved, or else the first to mend, or else what to begin."""
        from headcheck.progress import first_to_mend
        from headcheck.terminal import progress_view, totals_view

        standings = self._standings()
        if len(standings) > 1:
            out.print(progress_view(standings, self._course.sections, everything=self._everything))
            out.print()
        own = [standing for standing in standings if standing.exercise in saved and standing.result]
        first = first_to_mend(own) or first_to_mend(standings)
        shown = [standing for standing in standings if standing.result] if self._everything else [first or standings[0]]
        if len(standings) > 1 and first is None and not self._everything:
            shown = []
        for standing in shown:
            self._show_exercise(submission, standing, hint=hint and standing in (first, shown[0]))
            out.print()
        if len(standings) > 1:
            out.print(totals_view(standings))
        if first is None:
            self._show_next(hint=hint and not shown)
        if self._page is not None:
            self._write_page(self._page, [standing.result for standing in standings if standing.result])

    def _write_page(self, path: Path, results: list[ExerciseResult]) -> None:
        from headcheck.archive import write_atomically
        from headcheck.html import render_check

        hidden_left = {result.exercise: self._hidden_left(self._course.exercise(result.exercise)) for result in results}
        page = render_check(results, self._course.sections, self._course.titles, hidden_left=hidden_left)
        write_atomically(path, page.encode())
        out.print(say("Page: {path}", path=path), soft_wrap=True)

    def _hidden_left(self, exercise: Exercise) -> int:
        """How many checks only grading runs."""
        from headcheck.properties import count_hidden

        if exercise.id not in self._left:
            self._left[exercise.id] = 0 if self._hidden else count_hidden(self._course, exercise)
        return self._left[exercise.id]

    def _show_exercise(self, submission: Submission, standing: Standing, *, hint: bool) -> None:
        from headcheck import hints
        from headcheck.properties import load_hints, load_properties
        from headcheck.questions import read_question
        from headcheck.terminal import blank_view, builds_on_view, exercise_view, hints_view

        course, exercise, result = self._course, standing.exercise, standing.result
        further: tuple[str, ...] = ()
        available = load_hints(course, exercise) if hint else ()
        if standing.state == "passed":
            hints.forget(course.root, exercise.id)
        else:
            further = hints.further(course.root, exercise.id, available)
        if result is None:
            public = [prop for prop in load_properties(course, exercise) if prop.visibility == "public"]
            out.print(blank_view(exercise, self._place(exercise), public))
            if hint:
                out.print(Padding(hints_view(further, len(available)), (0, 0, 0, 2)))
            return
        left = self._hidden_left(exercise)
        out.print(
            exercise_view(result, hidden_left=left, everything=self._everything, hints=further, of=len(available))
        )
        if hint and not available:
            out.print(Padding(hints_view((), 0), (0, 0, 0, 2)))
        if exercise.question.is_file():
            question = read_question(exercise.question)
            told = {"points": question.max_points, "title": question.title}
            out.print(say("  In words, {points} points, judged by a person: {title}", **told), style="dim")
            out.print(
                say("  The question is in {file}", file=f"{exercise.section}/{exercise.question.name}"), style="dim"
            )
        if standing.state == "in work" and exercise.uses and self._checker is not None:
            with _patience() as status:
                status.update(say("looking at what {name} builds on", name=exercise.id))
                used = self._checker.builds_on(submission, exercise, set(self._written))
            out.print(builds_on_view(used))

    def _show_next(self, *, hint: bool) -> None:
        """What to begin when nothing is left to mend."""
        order = list(self._course.exercises)
        start = order.index(self._wanted[0])
        later = [each for each in order[start:] if each.id not in self._written]
        if not later or (len(self._wanted) == 1 and later[0] is self._wanted[0]):
            return
        following = later[0]
        told = {"name": following.id, "title": following.title, "file": self._place(following)}
        if self._found:
            out.print(say("Next: {name}, {title}. Open {file}", **told), soft_wrap=True)
            return
        out.print(say("Nothing is begun yet. Start with {name}, {title}:", **told))
        out.print(say("open {file}, read what it asks for, and write it.", **told), soft_wrap=True)
        out.print(say("Then: headcheck check {name}", **told), soft_wrap=True)
        if hint:
            out.print(say("For a hint: headcheck check {name} --hint", **told), soft_wrap=True)

    def _place(self, exercise: Exercise) -> str:
        """The file in which an exercise is written, as seen from here; its notebook where there is no file."""
        file, notebook = self._work / exercise.file, self._work / notebook_of(exercise.section)
        return os.path.relpath(notebook if notebook.is_file() and not file.is_file() else file)


@contextlib.contextmanager
def _patience() -> Iterator[Status]:
    """A line that says what is going on, on a terminal, once it takes longer than a second."""
    status = err.status("", spinner="line")
    timer = threading.Timer(PATIENCE, status.start)
    watched = err.file.isatty()  # `is_terminal` is also what FORCE_COLOR says of a file
    if watched:
        timer.start()
    try:
        yield status
    finally:
        timer.cancel()
        if watched:
            timer.join()
        status.stop()


@main.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def report(root: Path | None, results: Path) -> None:
    """Write grades.csv and the pages again from RESULTS."""
    _publish(_course(root), results)


@main.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@option("--to", "form", type=click.Choice(FORMS), required=True, help="A table, or what another program reads.")
@option("-o", "--output", "file", type=click.Path(path_type=Path), help="Not to the screen.")
@option("--db", "db_url", help="nbgrader's gradebook, such as sqlite:////path/to/gradebook.db.")
@option("--roster", type=click.Path(path_type=Path), help="For Canvas and Moodle: a table of who the students are.")
@option("--late", type=click.Path(path_type=Path), help="A table of days: student,section,days_late,extension_days.")
@option("--per-day", type=float, help="The part of the points that a day late costs; by default the course's rule.")
@option("--at-most", type=float, help="The part of the points that being late costs at most.")
@click.pass_obj
def export(
    root: Path | None,
    results: Path,
    form: str,
    file: Path | None,
    db_url: str | None,
    roster: Path | None,
    late: Path | None,
    per_day: float | None,
    at_most: float | None,
) -> None:
    """Write RESULTS in another program's format."""
    from headcheck import archive

    course = _course(root)
    graded = _read(results)
    lost = None
    if late is not None:
        from headcheck.lateness import chosen_rule, penalised, points_lost, read_late

        days = read_late(late, {each.student for each in graded}, course.sections)
        left = penalised(graded, days, chosen_rule(course.late, per_day, at_most))
        lost, graded = points_lost(graded, left), left
    elif (per_day, at_most) != (None, None):
        raise click.UsageError(say("--per-day and --at-most need the days: --late FILE"))
    if form == "nbgrader":
        if late is not None:
            raise click.UsageError(say("nbgrader has its own rule for late work: leave --late out"))
        if db_url is None:
            raise click.UsageError(say("--to nbgrader needs the gradebook: --db URL"))
        if find_spec("nbgrader") is None:
            raise HeadcheckError("nbgrader is not installed: pip install 'headcheck[nbgrader]'")
        from headcheck.nbgrader_bridge import write_gradebook

        programs = sysconfig.get_path("scripts")  # nbgrader runs alembic, wherever it finds it
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])
        write_gradebook(course, _watched(say("writing results"), graded), db_url)
        students = len({each.student for each in graded})
        out.print(
            say("wrote {count} sections of {students} students to the gradebook", count=len(graded), students=students)
        )
        return
    if form == "gradescope" and file is not None and file.suffix != ".json":
        from headcheck.gradescope import by_student, results_json

        for student, own in _watched(say("writing results"), by_student(graded).items()):
            archive.write_atomically(file / student / "results.json", results_json(own))
        return
    exported = _exported(course, graded, form, roster, lost)
    if file is None:
        click.echo(exported, nl=False)
    else:
        archive.write_atomically(file, exported)


def _exported(
    course: Course, graded: list[SectionResult], form: str, roster: Path | None, lost: dict[str, float] | None
) -> bytes:
    """What goes into one file."""
    if form in ("canvas", "moodle"):
        from headcheck import lms

        if roster is None:
            raise click.UsageError(say("--to {form} needs the students: --roster FILE", form=form))
        known_by, write = {
            "canvas": (lms.CANVAS_KNOWS, lms.canvas_csv),
            "moodle": (lms.MOODLE_KNOWS, lms.moodle_csv),
        }[form]
        return write(graded, lms.read_roster(roster, graded, known_by), course.sections).encode()
    if form == "gradescope":
        from headcheck.gradescope import results_json

        if len({each.student for each in graded}) > 1:
            raise click.UsageError(say("these are results of several students: name a directory with -o"))
        return results_json(graded)
    if form == "junit":
        from headcheck.junit import junit_xml

        return junit_xml(_watched(say("writing results"), graded))
    from headcheck.export import grades_csv

    return grades_csv(graded, list(course.sections), lost).encode()


@main.command()
@click.argument("directory", metavar="OUT", type=click.Path(path_type=Path))
@option("--section", "name", default=None, help="Only this section (or SECTION/SLUG).")
@option("--weak-sandbox", is_flag=True, help="Grade there even if submissions cannot be locked in.")
@click.pass_obj
def gradescope(root: Path | None, directory: Path, name: str | None, weak_sandbox: bool) -> None:
    """Write an autograder for Gradescope to OUT, a directory or a .zip. It holds what students may not see."""
    from headcheck.autograder import write_autograder

    written = write_autograder(_course(root), directory, name, weak_sandbox=weak_sandbox)
    told = {"count": len(written), "path": directory}
    said = say("wrote {count} files to {path}; references are in it: give it to Gradescope only", **told)
    out.print(said, soft_wrap=True)


@main.group()
def nbgrader() -> None:
    """What connects this course to nbgrader."""


@nbgrader.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def init(root: Path | None, directory: Path) -> None:
    """Write a course for nbgrader to DIR, whose autograde step grades in headcheck's sandbox."""
    if find_spec("nbformat") is None:
        raise HeadcheckError("notebooks need nbformat: pip install 'headcheck[nbgrader]'")
    from headcheck.nbgrader_course import write_nbgrader_course

    written = write_nbgrader_course(_course(root), directory)
    out.print(
        say(
            "wrote {count} files to {directory}; go there, and run: nbgrader generate_assignment SECTION",
            count=len(written),
            directory=directory,
        )
    )


@main.command()
@click.argument("directory", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("attention"))
@option(
    "--format",
    "form",
    type=click.Choice(["py", "ipynb", "both"]),
    default="py",
    show_default=True,
    help="Files, notebooks, or both.",
)
@click.pass_obj
def start(root: Path | None, directory: Path, form: Literal["py", "ipynb", "both"]) -> None:
    """Begin alone: write the exercises to DIR, a new directory, and say what to do first."""
    from headcheck.beginning import missing_libraries, shipped_course, write_copy

    shipped = read_course(root) if root else shipped_course()
    _speak_of(shipped, list(shipped.exercises))
    course = write_copy(shipped, directory, form)
    title, count = course.title, len(course.exercises)
    out.print(
        say("{title}: {count} exercises are in {directory}, all yours.", title=title, count=count, directory=directory)
    )
    out.print(say("Begin with these two commands:"))
    out.print(f"\n  cd {directory}\n  headcheck check\n", style="bold", soft_wrap=True)
    missing = missing_libraries(course)
    if missing:
        out.print(translated(missing), style="yellow", soft_wrap=True)


@main.command()
@click.argument("directory", metavar="OUT", type=click.Path(path_type=Path))
@option(
    "--format",
    "form",
    type=click.Choice(["py", "ipynb", "both"]),
    default="both",
    show_default=True,
    help="Files, notebooks, or both.",
)
@option("--github", is_flag=True, help="Add a workflow that checks each student's repository on GitHub at every push.")
@click.pass_obj
def release(root: Path | None, directory: Path, form: Literal["py", "ipynb", "both"], github: bool) -> None:
    """Write the students' copy to OUT: what is public, notebooks, a table of points; refused if it showed a secret."""
    from headcheck.release import write_release

    written = write_release(_course(root), directory, form, github=github)
    out.print(
        say("wrote {count} files to {directory}; nothing hidden is in them", count=len(written), directory=directory),
        soft_wrap=True,
    )


@main.command()
@click.argument("name", required=False)
@option("--seed", type=int, default=None, help="Draw other inputs than the course's seed does.")
@option("--no-training", is_flag=True, help="Leave out the training properties.")
@click.pass_obj
def audit(root: Path | None, name: str | None, seed: int | None, no_training: bool) -> None:
    """Prove the graders: print each exercise's kill matrix, and exit 1 on any gap."""
    from headcheck.audit import audit as run_audit
    from headcheck.audit import unexpected_files
    from headcheck.terminal import audit_view

    course = _course(root)
    if not course.has_hidden_files:
        raise HeadcheckError(
            f"{course.root} is a student's copy: it has no references and misconceptions to audit with"
        )
    findings = 0
    for exercise in course.select(name):
        found = run_audit(course, exercise, seed=course.seed if seed is None else seed, training=not no_training)
        out.print(audit_view(found))
        findings += len(found.findings)
    for finding in unexpected_files(course):
        err.print(translated(finding), style="red", soft_wrap=True)
        findings += 1
    if findings:
        out.print(say("1 finding") if findings == 1 else say("{count} findings", count=findings))
    else:
        out.print(say("No findings: every exercise is proven."))
    sys.exit(EXIT_FAILED if findings else 0)


@main.command()
@click.argument("language", metavar="LANG", type=click.Choice([name for name in LANGUAGES if name != ENGLISH]))
@option("--engine", is_flag=True, help="What headcheck itself says, and not the course.")
@click.pass_obj
def translate(root: Path | None, language: str, engine: bool) -> None:
    """Bring the catalogues of a language up to date, and exit 1 where one lacks a translation."""
    from headcheck.catalogues import update

    lacking = update(None if engine else _course(root), language)
    for path, texts in lacking.items():
        out.print(
            say("{path}: 1 text to translate", path=path)
            if len(texts) == 1
            else say("{path}: {count} texts to translate", path=path, count=len(texts)),
            soft_wrap=True,
        )
    if not lacking:
        out.print(say("Everything is translated."))
    sys.exit(EXIT_FAILED if lacking else 0)


@main.command()
@click.pass_obj
def doctor(root: Path | None) -> None:
    """Say what locks submissions in on this machine, what is missing, and what can run here."""
    from headcheck.course import Limits
    from headcheck.doctor import check_up, view

    course = _course(root) if root else None
    with contextlib.suppress(HeadcheckError):  # without a course there is less to look at
        course = course or find_course(Path.cwd())
    checkup = check_up(course.limits if course else Limits(), course)
    out.print(view(checkup))
    sys.exit(0 if checkup.may_grade else EXIT_FAILED)


@main.command()
@click.argument("name")
@option("--title", default=None, help="The exercise's title.")
@click.pass_obj
def new(root: Path | None, name: str, title: str | None) -> None:
    """Write the files of a new exercise SECTION/SLUG, ready to be filled in."""
    from headcheck.scaffold import write_exercise

    for path in write_exercise(_course(root), name, title):
        out.print(say("wrote {path}", path=path), soft_wrap=True)


def run() -> None:
    """The command line: a clear message instead of a traceback for whatever a user can mend."""
    speak(spoken_in(os.environ))
    try:
        sys.exit(main(prog_name="headcheck", standalone_mode=False))
    except click.UsageError as error:
        _show_usage(error)
        sys.exit(EXIT_USAGE)
    except click.Abort:
        err.print(say("stopped"))
        sys.exit(EXIT_FAILED)
    except HeadcheckError as error:
        err.print(f"headcheck: {translated(str(error))}", style="red", markup=False, soft_wrap=True)
        sys.exit(EXIT_USAGE)


def _show_usage(error: click.UsageError) -> None:
    """What of a command could not be understood, and how to get help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    context = error.ctx
    if context is not None:
        told = {"command": context.command_path, "option": max(context.help_option_names, key=len)}
        err.print(context.get_usage(), soft_wrap=True)
        err.print(say("Try '{command} {option}' for help.", **told) + "\n", soft_wrap=True)
    err.print(say("Error: {message}", message=error.format_message()), soft_wrap=True)


if __name__ == "__main__":
    run()
