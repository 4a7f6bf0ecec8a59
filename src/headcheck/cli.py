"""The commands. Only this module prints or exits.

`torch` takes seconds to import, so the commands start what runs beside it first and import the rest where they need it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import sysconfig
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from headcheck.course import find_course, libraries, read_course
from headcheck.errors import HeadcheckError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from headcheck.course import Course, Exercise
    from headcheck.grading import Grader
    from headcheck.results import SectionResult
    from headcheck.sandbox import Probes, Sandbox

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BROKEN = 3
TICK = 0.25
LEVELS = ("full", "strong", "process")

out = Console(highlight=False, markup=False)  # names of students and files are no markup
err = Console(stderr=True, highlight=False, markup=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--course",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory of the course; by default the nearest one upward.",
)
@click.version_option(package_name="headcheck")
@click.pass_context
def main(context: click.Context, course: Path | None) -> None:
    """Exercises on attention, graded by what the code does."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before torch and numpy start threads: a grader must be able to fork
    context.obj = course


def _course(root: Path | None) -> Course:
    return read_course(root) if root else find_course(Path.cwd())


@main.command()
@click.argument("submitted", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "-o",
    "--output",
    "results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Where the results go; a run that was stopped goes on from there.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=None, help="Grader processes; by default one per core.")
@click.option("--section", "name", default=None, help="Only this section (or SECTION/SLUG).")
@click.option("--seed", type=int, default=None, help="The class's seed; by default the course's.")
@click.option(
    "--weak-sandbox",
    is_flag=True,
    help="Grade even where the machine cannot lock submissions in; written into every result.",
)
@click.pass_context
def grade(
    context: click.Context,
    submitted: Path,
    results: Path,
    jobs: int | None,
    name: str | None,
    seed: int | None,
    weak_sandbox: bool,
) -> None:
    """Grade a class: SUBMITTED/<student>/<section>/<slug>.py, or <section>.ipynb there."""
    from headcheck import archive
    from headcheck.sandbox import launch_strongest, settle
    from headcheck.submission import read_class

    course = _course(context.obj)
    if not course.has_hidden_files:
        raise HeadcheckError(
            f"{course.root} is a student's copy: it has no references and hidden graders, so it can check but not grade"
        )
    wanted = course.select(name)
    submissions = read_class(submitted, course)
    context.with_resource(archive.held(results))
    started = time.perf_counter()
    jobs = min(jobs or os.cpu_count() or 1, len(submissions))
    to_grade = [
        exercise
        for exercise in course.with_used(wanted)
        if any(submission.may_hold(exercise) for submission in submissions)
    ]
    needs = libraries(to_grade)
    sandboxes: list[Sandbox] = [launch_strongest(needs=needs) for _ in range(jobs)]
    try:
        from headcheck.crew import Crew
        from headcheck.grading import Exams, Grader

        exams = Exams(course, course.seed if seed is None else seed)
        for exercise in to_grade:
            exams.of(exercise)  # once, here: the grader processes inherit it
        settled = [settle(sandbox, course.limits) for sandbox in sandboxes]
        sandboxes = [sandbox for sandbox, _ in settled]
        weakest = max((probes for _, probes in settled), key=lambda probes: LEVELS.index(probes.level))
        _require_level(weakest, weak_sandbox=weak_sandbox)

        def spare() -> Grader:
            sandbox, probes = settle(launch_strongest(needs=needs), course.limits)
            _require_level(probes, weak_sandbox=weak_sandbox)
            return Grader(course, exams, sandbox, directory=results)

        crew = Crew(
            [Grader(course, exams, sandbox, directory=results) for sandbox in sandboxes], spare, submissions, wanted
        )
        try:
            found = _collect(crew.results(tick=TICK), results, len(submissions))
        finally:
            crew.close()
    finally:
        for sandbox in sandboxes:
            sandbox.close()
    _publish(course, results, archive.read_sections(results))
    broken = [
        f"{section.student}: {exercise.exercise}"
        for section in found
        for exercise in section.exercises
        if exercise.status == "broken"
    ]
    out.print(f"{len(submissions)} submissions in {time.perf_counter() - started:.1f} s, sandbox: {weakest.level}")
    out.print(f"Grades: {results / 'grades.csv'}\nReport: {results / 'report' / 'index.html'}", soft_wrap=True)
    if broken:
        err.print(
            f"headcheck itself failed on {len(broken)} exercises; they cost nobody a point: {', '.join(broken[:10])}",
            style="red",
        )
        sys.exit(EXIT_BROKEN)


def _require_level(probes: Probes, *, weak_sandbox: bool) -> None:
    from headcheck.sandbox import require_level

    require_level(probes, weak_sandbox=weak_sandbox, accept_by="--weak-sandbox")
    if probes.level != "full":
        err.print(
            f"sandbox level: {probes.level}. Not enforced: {'; '.join(probes.missing) or 'namespaces'}", style="yellow"
        )


def _collect(results: Iterator[list[SectionResult] | None], directory: Path, total: int) -> list[SectionResult]:
    """Write each result as it comes, and show how far we are."""
    from headcheck import archive

    found: list[SectionResult] = []
    columns = (
        TextColumn("grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, auto_refresh=False) as progress:  # a refreshing thread would forbid forking
        task = progress.add_task("grading", total=total)
        for sections in results:
            for section in sections or ():
                archive.write_section(directory, section)
                found.append(section)
            progress.update(task, advance=1 if sections else 0)
            progress.refresh()
    return found


def _publish(course: Course, directory: Path, results: list[SectionResult]) -> None:
    from headcheck.archive import write_atomically
    from headcheck.export import grades_csv
    from headcheck.html import render_report
    from headcheck.questions import awaiting
    from headcheck.terminal import class_table

    shutil.rmtree(directory / "report" / "students", ignore_errors=True)  # pages of who is no longer there
    write_atomically(directory / "grades.csv", grades_csv(results, list(course.sections)).encode())
    unjudged = awaiting(course)
    for path, page in render_report(results, course.sections, unjudged).items():
        write_atomically(directory / "report" / path, page.encode())
    out.print(class_table(results, unjudged))


@main.command()
@click.argument("name", required=False)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="Where your files are; by default the course's assignments/.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show everything, and run training even if something else fails."
)
@click.option("--watch", is_flag=True, help="Check again whenever a file is saved.")
@click.pass_obj
def check(root: Path | None, name: str | None, directory: Path | None, everything: bool, watch: bool) -> None:
    """Check your own work: all of it, a SECTION, or SECTION/SLUG."""
    from headcheck.sandbox import launch_strongest, settle

    course = _course(root)
    wanted = course.select(name)
    work = directory or course.root / "assignments"
    sandbox = launch_strongest(needs=libraries(course.with_used(wanted)))
    try:
        from headcheck.grading import Exams, Grader

        exams = Exams(course, course.seed, public_only=True)
        for exercise in wanted:
            exams.of(exercise)
        sandbox, probes = settle(sandbox, course.limits)
        if probes.level != "full":
            err.print(f"not enforced on this machine: {'; '.join(probes.missing) or 'namespaces'}", style="yellow")
        grader = Grader(course, exams, sandbox)
        good = _check_once(course, grader, wanted, work, everything=everything)
        if watch:
            _check_on_save(course, grader, wanted, work, everything=everything)
    finally:
        sandbox.close()
    sys.exit(0 if good else EXIT_FAILED)


def _check_once(course: Course, grader: Grader, wanted: list[Exercise], work: Path, *, everything: bool) -> bool:
    from headcheck.properties import count_hidden
    from headcheck.questions import read_question
    from headcheck.submission import read_directory
    from headcheck.terminal import exercise_view

    submission = read_directory(work, course)
    results = grader.check(submission, wanted, everything=everything)
    for result in results:
        exercise = course.exercise(result.exercise)
        out.print(exercise_view(result, hidden_left=count_hidden(course, exercise), everything=everything))
        if exercise.question.is_file():
            question = read_question(exercise.question)
            out.print(f"  In words, {question.max_points} points, judged by a person: {question.title}", style="dim")
            out.print(f"  The question is in {exercise.section}/{exercise.question.name}", style="dim")
    if len(results) > 1:
        passed = sum(result.points == result.max_points for result in results)
        out.print(f"{passed} of {len(results)} exercises pass all public checks")
    return all(item.outcome == "passed" for result in results for item in result.properties)


def _check_on_save(course: Course, grader: Grader, wanted: list[Exercise], work: Path, *, everything: bool) -> None:
    import watchfiles

    err.print(f"watching {work}; stop with Ctrl-C", style="dim")
    with contextlib.suppress(KeyboardInterrupt):
        for _ in watchfiles.watch(work, watch_filter=watchfiles.PythonFilter(extra_extensions=(".ipynb",))):
            _check_once(course, grader, wanted, work, everything=everything)


@main.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def report(root: Path | None, results: Path) -> None:
    """Write grades.csv and the pages again from RESULTS."""
    from headcheck import archive

    _publish(_course(root), results, archive.read_sections(results))
    out.print(f"Report: {results / 'report' / 'index.html'}", soft_wrap=True)


@main.command()
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", "form", type=click.Choice(["csv", "nbgrader"]), required=True, help="A table, or a gradebook.")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="Not to the screen.")
@click.option("--db", "db_url", help="nbgrader's gradebook, such as sqlite:////path/to/gradebook.db.")
@click.pass_obj
def export(
    root: Path | None, results: Path, form: Literal["csv", "nbgrader"], file: Path | None, db_url: str | None
) -> None:
    """Write RESULTS in another program's format."""
    from headcheck import archive
    from headcheck.export import grades_csv

    course = _course(root)
    graded = archive.read_sections(results)
    if form == "nbgrader":
        if db_url is None:
            raise click.UsageError("--to nbgrader needs the gradebook: --db URL")
        if find_spec("nbgrader") is None:
            raise HeadcheckError("nbgrader is not installed: pip install 'headcheck[nbgrader]'")
        from headcheck.nbgrader_bridge import write_gradebook

        programs = sysconfig.get_path("scripts")  # nbgrader runs alembic, wherever it finds it
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])
        write_gradebook(course, graded, db_url)
        out.print(f"wrote {len(graded)} sections of {len({each.student for each in graded})} students to the gradebook")
        return
    text = grades_csv(graded, list(course.sections))
    if file is None:
        click.echo(text, nl=False)
    else:
        archive.write_atomically(file, text.encode())


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
    out.print(f"wrote {len(written)} files to {directory}; go there, and run: nbgrader generate_assignment SECTION")


@main.command()
@click.argument("directory", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["py", "ipynb", "both"]),
    default="both",
    show_default=True,
    help="Files, notebooks, or both.",
)
@click.pass_obj
def release(root: Path | None, directory: Path, form: Literal["py", "ipynb", "both"]) -> None:
    """Write the students' copy to OUT: what is public, notebooks, a table of points; refused if it showed a secret."""
    from headcheck.release import write_release

    written = write_release(_course(root), directory, form)
    out.print(f"wrote {len(written)} files to {directory}; nothing hidden is in them", soft_wrap=True)


@main.command()
@click.argument("name", required=False)
@click.option("--seed", type=int, default=None, help="Draw other inputs than the course's seed does.")
@click.option("--no-training", is_flag=True, help="Leave out the training properties.")
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
        err.print(finding, style="red", soft_wrap=True)
        findings += 1
    out.print(f"{findings} findings" if findings else "No findings: every exercise is proven.")
    sys.exit(EXIT_FAILED if findings else 0)


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
@click.option("--title", default=None, help="The exercise's title.")
@click.pass_obj
def new(root: Path | None, name: str, title: str | None) -> None:
    """Write the files of a new exercise SECTION/SLUG, ready to be filled in."""
    from headcheck.scaffold import write_exercise

    for path in write_exercise(_course(root), name, title):
        out.print(f"wrote {path}", soft_wrap=True)


def run() -> None:
    """The command line: a clear message instead of a traceback for whatever a user can mend."""
    try:
        main()
    except HeadcheckError as error:
        err.print(f"headcheck: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    run()
