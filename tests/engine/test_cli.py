"""The commands as a user meets them: what they write, what they say, and how they exit."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from rich.console import Console

from headcheck import cli
from headcheck.archive import write_section
from headcheck.language import ENGLISH, speak
from headcheck.results import ExerciseResult, SectionResult, section_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.course import Course

RIGHT = "def double(X):\n    return 2 * X\n"
WRONG = "def double(X):\n    return X * X\n"
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X)\n"
FRAGILE = """
@worth(1, hint="h")
def it_survives(student):
    '''The grader lives.'''
    if student.double(torch.zeros(1)).tolist() == [666.0]:
        os.kill(os.getpid(), signal.SIGKILL)
"""
STRICT = """
@worth(1, hint="h")
def three_twice(student):
    '''Three twice.'''
    assert student.double(3) == 5
"""
KILLER = "def double(X):\n    return 2 * X if X.any() or len(X) > 1 else X + 666\n"


class Screen(StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


class Ran(NamedTuple):
    """How a command ended and what it said, its lines joined."""

    code: int
    out: str
    err: str


@pytest.fixture
def headcheck(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process, in English."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["headcheck", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.run()
        said = capsys.readouterr()
        speak(ENGLISH)
        return Ran(int(left.value.code or 0), " ".join(said.out.split()), " ".join(said.err.split()))

    return run


def hand_in(submitted: Path, **work: dict[str, str]) -> Path:
    """Write a class's files."""
    for student, files in work.items():
        for slug, text in files.items():
            path = submitted / student / "tiny" / f"{slug}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return submitted


def released(course: Course, directory: Path) -> Path:
    """A student's copy: the assignments and the public graders."""
    shutil.copytree(course.root / "assignments", directory / "assignments")
    for exercise in course.exercises:
        target = directory / exercise.public.relative_to(course.root)
        target.parent.mkdir(parents=True)
        shutil.copy(exercise.public, target)
    return directory


# grade


@pytest.mark.usefixtures("full")
def test_a_class_is_graded_and_resumed(write_course: Callable[..., Course], tmp_path: Path) -> None:
    """The whole way, in processes of its own: one submission kills every grader that meets it."""
    course = write_course(hidden=FRAGILE)
    submitted = hand_in(
        tmp_path / "submitted",
        amber={"double": RIGHT, "twice": TWICE},
        bruno={"double": WRONG, "twice": TWICE},
        chidi={"double": KILLER, "twice": TWICE},
        dana={},
    )
    (submitted / "dana").mkdir()
    results = tmp_path / "results"
    command = [sys.executable, "-m", "headcheck.cli", "--course", course.root, "grade", submitted, "-o", results]
    first = subprocess.run([*command, "--jobs", "2"], check=False, capture_output=True, text=True)
    assert first.returncode == cli.EXIT_BROKEN, first
    assert "they cost nobody a point: chidi: tiny/double" in " ".join(first.stderr.split())
    rows = list(csv.reader((results / "grades.csv").read_text().splitlines()))
    assert rows == [
        ["student", "tiny", "total"], ["amber", "9", "9"], ["bruno", "7", "7"], ["chidi", "9", "9"], ["dana", "0", "0"],
    ]  # fmt: skip
    assert json.loads((results / "chidi" / "tiny.json").read_text())["exercises"][0]["status"] == "broken"
    assert (results / "report" / "index.html").exists()

    known = {name: (results / name / "tiny.json").read_text() for name in ("amber", "bruno")}
    shutil.rmtree(submitted / "chidi")
    second = subprocess.run(command, check=False, capture_output=True, text=True)
    assert second.returncode == 0, second
    assert "3 submissions" in second.stdout
    assert {name: (results / name / "tiny.json").read_text() for name in known} == known


@pytest.fixture
def weak(monkeypatch: pytest.MonkeyPatch, single_threaded: None) -> None:
    """A machine without libseccomp."""
    monkeypatch.setitem(sys.modules, "pyseccomp", None)


@pytest.mark.usefixtures("weak")
def test_grading_refuses_where_it_cannot_lock_submissions_in(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path
) -> None:
    """It says what is missing, with the package, and how to go on; nothing is graded."""
    submitted = hand_in(tmp_path / "submitted", amber={"double": RIGHT})
    ran = headcheck("--course", course.root, "grade", submitted, "-o", tmp_path / "results")
    assert ran.code == cli.EXIT_USAGE
    assert "this machine cannot lock submissions in, so nothing was graded" in ran.err
    assert "install the package libseccomp2" in ran.err
    assert "--weak-sandbox" in ran.err
    assert not list((tmp_path / "results").rglob("*.json"))


@pytest.mark.usefixtures("weak")
def test_a_weak_sandbox_is_accepted_when_asked_for_and_written_down(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path
) -> None:
    """In every result, with the seed that was asked for; names that look like markup are names."""
    submitted = hand_in(tmp_path / "submitted", **{"[bold]": {"double": RIGHT}})
    options = ("-o", tmp_path / "results", "--weak-sandbox", "--section", "tiny/double", "--seed", 11)
    ran = headcheck("--course", course.root, "grade", submitted, *options)
    assert ran.code == 0, ran
    assert "sandbox level: process" in ran.err
    (result,) = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/tiny.json")]
    assert (result["sandbox"], result["seed"], result["points"]) == ("process", 11, 5.0)


def test_dask_is_an_extra_that_is_named_when_it_is_missing(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else needs it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    submitted = hand_in(tmp_path / "submitted", amber={"double": RIGHT})
    ran = headcheck("--course", course.root, "grade", submitted, "--dask", "tcp://127.0.0.1:8786")
    assert (ran.code, ran.err) == (cli.EXIT_USAGE, "headcheck: --dask needs Dask: pip install 'headcheck[cluster]'")


@pytest.mark.usefixtures("weak")
def test_one_exercise_is_graded_again_beside_the_others(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path
) -> None:
    """The section's result keeps them, published or not."""
    submitted = hand_in(tmp_path / "submitted", amber={"double": RIGHT, "twice": TWICE})
    command = ("--course", course.root, "grade", submitted, "-o", tmp_path / "results", "--weak-sandbox")
    assert headcheck(*command).code == 0
    before = (tmp_path / "results" / "amber" / "tiny.json").read_bytes()
    assert "No differences" in headcheck(*command, "--section", "tiny/double", "--diff").out
    ran = headcheck(*command, "--section", "tiny/double")
    assert (ran.code, "taken from the cache: 1" in ran.out) == (0, True), ran
    assert (tmp_path / "results" / "amber" / "tiny.json").read_bytes() == before


def test_a_result_that_cannot_be_written_ends_the_run_with_the_files_name(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object, single_threaded: None
) -> None:
    """And with what to do; what was written before is as it was."""
    submitted = hand_in(tmp_path / "submitted", amber={"double": RIGHT})
    taken = tmp_path / "results" / "amber" / "tiny.json"
    (taken / "inside").mkdir(parents=True)
    ran = headcheck("--course", course.root, "grade", submitted, "-o", tmp_path / "results", "--jobs", 1)
    assert ran.code == cli.EXIT_USAGE
    assert f"headcheck: {taken} could not be written (Is a directory)" in ran.err
    assert "run the same command again, it goes on from there" in ran.err
    shutil.rmtree(taken)
    ran = headcheck("--course", course.root, "grade", submitted, "-o", tmp_path / "results", "--jobs", 1)
    assert (ran.code, taken.is_file()) == (0, True)


def published(results: Path) -> dict[str, bytes]:
    """All that stands in a directory of results but the cache."""
    files = (path for path in results.rglob("*") if path.is_file() and ".cache" not in path.parts)
    return {str(path.relative_to(results)): path.read_bytes() for path in files}


@pytest.mark.usefixtures("full", "single_threaded")
def test_a_regrade_is_shown_before_it_is_published(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], tmp_path: Path
) -> None:
    """A property was wrong, and one student was late: who gains what is seen, and publishing grades nothing again."""
    course = write_course(hidden=STRICT)
    results = tmp_path / "results"
    submitted = hand_in(
        tmp_path / "submitted",
        amber={"double": RIGHT, "twice": TWICE},
        bruno={"double": RIGHT + "# mine\n"},
    )
    grade = ("--course", course.root, "grade", submitted, "-o", results, "--jobs", 1)
    ran = headcheck(*grade)
    assert "exercises graded anew: 3, taken from the cache: 0" in ran.out
    before = published(results)

    course.exercises[0].hidden.write_text(course.exercises[0].hidden.read_text().replace("== 5", "== 6"))
    hand_in(submitted, bruno={"twice": TWICE + "# late\n"})
    ran = headcheck(*grade, "--diff")
    assert ran.code == 0, ran
    assert published(results) == before
    assert "exercises graded anew: 4, taken from the cache: 0" in ran.out
    assert "amber 8 → 9 +1 tiny/double 3 → 4" in ran.out
    assert "failed → passed Three twice." in ran.out
    assert "tiny/twice 0 → 5 missing → passed" in ran.out
    assert "Points gained: 7, by 2 students. Unchanged: 0 students." in ran.out
    assert "Nothing is published: the same command without --diff does that" in ran.out

    ran = headcheck(*grade)
    assert "exercises graded anew: 0, taken from the cache: 4" in ran.out
    assert json.loads((results / "bruno" / "tiny.json").read_text())["points"] == 9.0
    ran = headcheck(*grade, "--diff")
    assert (ran.code, "No differences" in ran.out) == (0, True)


def test_a_regrade_is_compared_with_something(headcheck: Callable[..., Ran], course: Course, tmp_path: Path) -> None:
    """Where nothing was graded before, that is said at once, and how to begin."""
    submitted = hand_in(tmp_path / "submitted", amber={"double": RIGHT})
    ran = headcheck("--course", course.root, "grade", submitted, "-o", tmp_path / "results", "--diff")
    assert ran.code == cli.EXIT_USAGE
    assert "holds no results; make some with `headcheck grade SUBMITTED -o" in ran.err
    assert not (tmp_path / "results").exists()


def test_two_directories_of_results_are_compared(headcheck: Callable[..., Ran], course: Course, tmp_path: Path) -> None:
    """It exits 1 when they differ, 0 when they do not, and 2 when they are none; a table is written when asked for."""
    for directory, points in (("before", 1.0), ("same", 1.0), ("after", 3.0)):
        result = ExerciseResult("tiny/double", "failed", points, 5.0, 0.1, None, [])
        write_section(tmp_path / directory, section_result("amber", "tiny", "full", 3, [result]))
    diff = ("--course", course.root, "diff", tmp_path / "before")
    ran = headcheck(*diff, tmp_path / "after", "--csv", tmp_path / "table.csv")
    assert ran.code == cli.EXIT_FAILED
    assert "amber 1 → 3 +2 tiny/double 1 → 3" in ran.out
    (row,) = csv.DictReader((tmp_path / "table.csv").read_text().splitlines())
    assert (row["student"], row["exercise"], row["change"]) == ("amber", "tiny/double", "2")
    ran = headcheck(*diff, tmp_path / "same")
    assert (ran.code, ran.out.partition(":")[0]) == (0, "No differences")
    (tmp_path / "nothing").mkdir()
    ran = headcheck(*diff, tmp_path / "nothing")
    assert (ran.code, "nothing holds no results" in ran.err) == (cli.EXIT_USAGE, True)
    assert headcheck(*diff, tmp_path / "nowhere").code == cli.EXIT_USAGE


# check


def test_checking_exits_1_until_the_work_is_right(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object
) -> None:
    """In a student's copy, which has nothing hidden; `--dir` names other files than its stubs."""
    copy = released(course, tmp_path / "copy")
    work = hand_in(tmp_path, mine={"double": WRONG}) / "mine"
    wrong = headcheck("--course", copy, "check", "tiny/double", "--dir", work)
    assert wrong.code == cli.EXIT_FAILED, wrong
    assert "Hint: What happens to a sum?" in wrong.out
    assert "1 of 2 checks passed." in wrong.out
    (work / "tiny" / "double.py").write_text(RIGHT)
    right = headcheck("--course", copy, "check", "tiny/double", "--dir", work)
    assert right.code == 0, right
    assert "2 of 2 checks passed" in right.out
    assert "Next: tiny/twice, Doubling by `double`. Open" in right.out


def test_where_a_grader_cannot_be_read_no_sandbox_is_left_open(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], tmp_path: Path, full: object
) -> None:
    """The file and its error are named."""
    course = write_course(public="1 / 0\n")
    work = hand_in(tmp_path, mine={"double": RIGHT}) / "mine"
    started = Path(f"/proc/self/task/{os.getpid()}/children")
    before = started.read_text()
    ran = headcheck("--course", course.root, "check", "tiny/double", "--dir", work)
    assert (ran.code, ran.err) == (
        cli.EXIT_USAGE,
        "headcheck: tiny/double: public.py, line 10: ZeroDivisionError: division by zero",
    )
    assert started.read_text() == before


def test_where_nothing_is_begun_it_says_where_to_begin(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In all of the course; an exercise by name tells what its first check will ask."""
    copy = released(course, tmp_path / "copy")
    monkeypatch.chdir(copy)
    ran = headcheck("check")
    assert ran.code == cli.EXIT_FAILED
    assert "0 of 2 exercises pass. 2 not begun." in ran.out
    assert "Nothing is begun yet. Start with tiny/double, Double: open assignments/tiny/double.py" in ran.out
    ran = headcheck("check", "tiny/double")
    assert ran.code == cli.EXIT_FAILED
    assert "tiny/double not begun 0 of 3 points" in ran.out
    assert "Hint: Return a tensor of the shape of X." in ran.out


def test_one_thing_is_shown_at_a_time(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object
) -> None:
    """The first exercise that is wrong in full, the others in a line; everything with --all."""
    wrong_twice = "from tiny.double import double\n\n\ndef twice(X):\n    return double(double(X)) - X * X\n"
    work = hand_in(tmp_path, mine={"double": WRONG, "twice": wrong_twice}) / "mine"
    ran = headcheck("--course", course.root, "check", "--dir", work)
    assert ran.code == cli.EXIT_FAILED
    assert "double in work 1/3 twice in work 1/3" in ran.out
    assert "You squared X." in ran.out
    assert ran.out.count("checks passed.") == 1
    assert "0 of 2 exercises pass. 2 in work." in ran.out
    ran = headcheck("--course", course.root, "check", "--dir", work, "--all")
    assert ran.out.count("checks passed.") == 2
    assert "passed There is one number for each number of X" in ran.out


def test_what_an_exercise_builds_on_may_be_the_cause(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object
) -> None:
    """It is said, and where to look first."""
    work = hand_in(tmp_path, mine={"double": WRONG, "twice": TWICE}) / "mine"
    ran = headcheck("--course", course.root, "check", "tiny/twice", "--dir", work)
    assert "It builds on tiny/double, which does not pass: look there first." in ran.out


def test_hints_come_one_by_one_until_the_exercise_passes(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], tmp_path: Path, full: object
) -> None:
    """Those before stay; when it passes one starts over."""
    course = write_course()
    work = hand_in(tmp_path, mine={"double": WRONG}) / "mine"
    check = ("--course", course.root, "check", "tiny/double", "--dir", work)
    assert "of 2:" not in headcheck(*check).out
    assert "Hint 1 of 2: What happens to each number" in headcheck(*check, "--hint").out
    both = headcheck(*check, "--hint").out
    assert "Hint 1 of 2:" in both
    assert "Hint 2 of 2: Tensors are added" in both
    (work / "tiny" / "double.py").write_text(RIGHT)
    assert "of 2:" not in headcheck(*check, "--hint").out
    (work / "tiny" / "double.py").write_text('"""Begin."""\n')
    begun_anew = headcheck(*check, "--hint").out
    assert "Hint 1 of 2:" in begun_anew
    assert "Hint 2 of 2:" not in begun_anew


def test_hidden_checks_run_where_they_are(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object
) -> None:
    """In a student's copy there are none, and it says so."""
    work = hand_in(tmp_path, mine={"double": RIGHT}) / "mine"
    ran = headcheck("--course", course.root, "check", "tiny/double", "--dir", work, "--hidden")
    assert (ran.code, "3 of 3 checks passed." in ran.out) == (0, True)
    ran = headcheck("--course", released(course, tmp_path / "copy"), "check", "--hidden")
    assert (ran.code, "it has no hidden checks, so leave --hidden out" in ran.err) == (cli.EXIT_USAGE, True)


@pytest.mark.parametrize(("variables", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colours_are_for_terminals(
    course: Course, tmp_path: Path, full: object, variables: dict[str, str], coloured: bool
) -> None:
    """A pipe gets none unless they are forced, and NO_COLOR takes them away there, too."""
    work = hand_in(tmp_path, mine={"double": WRONG}) / "mine"
    command = [sys.executable, "-m", "headcheck.cli", "--course", course.root, "check", "tiny/double", "--dir", work]
    environment = os.environ | {"TERM": "xterm-256color"} | variables

    def said(**more: str) -> str:
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment | more).stdout

    colours = re.compile(r"\x1b\[[0-9;]*3[0-9]")
    assert bool(colours.search(said())) == coloured
    assert not colours.search(said(NO_COLOR="1"))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches what is started: a shell that puts the tests into the background has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_watching_checks_again_when_a_file_is_saved(course: Course, tmp_path: Path, full: object) -> None:
    """Until Ctrl-C; the exit code is that of the first look."""
    work = hand_in(tmp_path, mine={"double": WRONG}) / "mine"
    said = tmp_path / "said"
    command = [sys.executable, "-m", "headcheck.cli", "--course", course.root, "check", "tiny/double", "--dir", work]
    with said.open("w") as output, subprocess.Popen([*command, "--watch"], stdout=output, stderr=output) as watching:
        try:
            for saved in range(100):
                time.sleep(0.5)
                if "2 of 2 checks passed" in said.read_text():
                    break
                if "watching" in said.read_text():
                    (work / "tiny" / "double.py").write_text(f"{RIGHT}# {saved}\n")
            watching.send_signal(signal.SIGINT)
            assert watching.wait(timeout=30) == cli.EXIT_FAILED
        finally:
            watching.kill()
    assert "2 of 2 checks passed" in said.read_text()


def test_a_release_is_checked_in_its_files_and_in_its_notebooks(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object
) -> None:
    """Nothing is earned by what was handed out; work in either counts, and what was left out of it is said."""
    copy = tmp_path / "copy"
    wrote = headcheck("--course", course.root, "release", copy)
    assert (wrote.code, f"wrote 8 files to {copy}; nothing hidden is in them" in wrote.out) == (0, True), wrote
    untouched = headcheck("--course", copy, "check")
    assert untouched.code == cli.EXIT_FAILED
    assert "0 of 2 exercises pass. 2 not begun." in untouched.out
    (copy / "assignments" / "tiny" / "double.py").write_text(RIGHT)
    notebook = copy / "assignments" / "tiny" / "tiny.ipynb"
    content = json.loads(notebook.read_text())
    (cell,) = [cell for cell in content["cells"] if cell["id"] == "tiny-twice-code"]
    cell["source"] = "!ls\ndef twice(X):\n    return double(X)\n"
    notebook.write_text(json.dumps(content))
    worked = headcheck("--course", copy, "check", "--all")
    assert (worked.code, "2 of 2 exercises pass." in worked.out) == (0, True), worked
    assert "line 1: `!ls` was left out: magics, shell lines and help are not run" in worked.out
    again = headcheck("--course", course.root, "release", copy, "--format", "py")
    assert (again.code, "was changed since it was released" in again.err) == (cli.EXIT_USAGE, True)


# audit, new, report


def test_a_new_exercise_is_written_once_and_passes_the_audit(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course]
) -> None:
    """Its files are named; a second time nothing is overwritten."""
    root = write_course().root
    written = headcheck("--course", root, "new", "tiny/third", "--title", "The third")
    assert written.code == 0
    assert f"wrote {root / 'graders/tiny/third/hidden.py'}" in written.out
    audited = headcheck("--course", root, "audit", "tiny/third")
    assert (audited.code, "No findings: every exercise is proven." in audited.out) == (0, True)
    again = headcheck("--course", root, "new", "tiny/third")
    assert (again.code, "exists already" in again.err) == (cli.EXIT_USAGE, True)


def test_an_audit_with_findings_exits_1(headcheck: Callable[..., Ran], write_course: Callable[..., Course]) -> None:
    """A gap in a grader, or a file that belongs to nothing."""
    course = write_course(misconceptions='def same(X):\n    """You."""\n    return 2 * X\n')
    (course.root / "reference" / "left.py").write_text("")
    ran = headcheck("--course", course.root, "audit", "tiny/double", "--seed", 5, "--no-training")
    assert ran.code == cli.EXIT_FAILED
    assert "the misconception same loses no points" in ran.out
    assert "reference/left.py belongs to no exercise" in ran.err


def test_a_report_is_written_from_results(headcheck: Callable[..., Ran], course: Course, tmp_path: Path) -> None:
    """And only from them: no submission is needed, and no page stays of what is no longer there."""
    result = {
        "student": "amber", "section": "tiny", "points": 3.0, "max_points": 10.0, "sandbox": "full", "seed": 3,
        "exercises": [], "schema": 1,
    }  # fmt: skip
    (tmp_path / "amber").mkdir()
    (tmp_path / "amber" / "tiny.json").write_text(json.dumps(result))
    stale = tmp_path / "report" / "exercises" / "gone.html"
    stale.parent.mkdir(parents=True)
    stale.touch()
    ran = headcheck("--course", course.root, "report", tmp_path)
    assert ran.code == 0
    assert (tmp_path / "grades.csv").read_text() == "student,tiny,total\namber,3,3\n"
    written = {path.relative_to(tmp_path / "report").as_posix() for path in (tmp_path / "report").rglob("*.html")}
    assert written == {"index.html", "matrix.html", "students/1-amber.html"}


def test_the_class_table_has_the_sections_in_the_order_of_the_course(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], tmp_path: Path
) -> None:
    """And after them whatever else there are results of."""
    root = write_course().root
    file = root / "assignments" / "course.toml"
    file.write_text(file.read_text() + '\n[[section]]\nname = "early"\ntitle = "Early"\n')
    for section in ("tiny", "early", "a_stranger"):
        write_section(tmp_path / "results", section_result("ann", section, "full", 3, []))
    table = headcheck("--course", root, "report", tmp_path / "results").out
    assert table.index("tiny") < table.index("early") < table.index("a_stranger")


@pytest.mark.usefixtures("full")
def test_work_that_is_alike_is_shown_and_graded_by_nobody(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path
) -> None:
    """Two disguises of one idea, and of another exercise what everybody would write; a page, and no grades."""
    odd = "def double({x}):\n    parts = [{x}.flatten()[::2], {x}.flatten()[1::2]]\n    return sum(parts, 0.5) ** 2\n"
    submitted = hand_in(
        tmp_path / "submitted",
        amber={"double": odd.format(x="X"), "twice": TWICE},
        blue={"double": "# mine\n" + odd.format(x="rows"), "twice": TWICE},
        coral={"double": "def double(", "twice": TWICE},
    )
    ran = headcheck("--course", course.root, "similar", submitted, "-o", tmp_path / "results")
    assert (ran.code, ran.err) == (0, "")
    assert "tiny/double amber, blue" in ran.out
    assert "5 submissions compared; pairs that are alike: 1; left out: 1." in ran.out
    page = (tmp_path / "results" / "report" / "similar.html").read_text()
    assert page.count("<article") == 1
    assert "<mark>    parts = [rows.flatten()[::2], rows.flatten()[1::2]]</mark>" in page
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["report"]
    overview = tmp_path / "other" / "report" / "index.html"
    write_section(tmp_path / "other", SectionResult("amber", "tiny", 3.0, 10.0, "full", 3, []))
    headcheck("--course", course.root, "report", tmp_path / "other")
    assert "similar.html" not in overview.read_text()
    ran = headcheck("--course", course.root, "similar", submitted, "-o", tmp_path / "other", "--section", "tiny/twice")
    assert "3 submissions compared; pairs that are alike: 0; left out: 0." in ran.out
    assert 'href="similar.html"' in overview.read_text()
    assert 'href="index.html"' in overview.with_name("similar.html").read_text()
    assert 'href="index.html"' not in page
    headcheck("--course", course.root, "report", tmp_path / "other")
    assert 'href="similar.html"' in overview.read_text()


def test_a_students_copy_has_nothing_to_tell_copied_from_right(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path
) -> None:
    """Without references, what is simply right would look copied."""
    copy = released(course, tmp_path / "copy")
    ran = headcheck("--course", copy, "similar", tmp_path, "-o", tmp_path / "results")
    assert ran.code == cli.EXIT_USAGE
    assert "is a student's copy: it has no references" in ran.err


@pytest.mark.parametrize(
    ("command", "steps"),
    [
        (("report", "{results}"), ["reading results", "writing pages"]),
        (("export", "{results}", "--to", "junit"), ["reading results", "writing results"]),
        (("export", "{results}", "--to", "gradescope", "-o", "{new}"), ["reading results", "writing results"]),
        (("diff", "{results}", "{results}"), ["reading results", "comparing"]),
    ],
)
def test_what_takes_long_says_how_far_it_is(
    headcheck: Callable[..., Ran],
    course: Course,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    steps: list[str],
) -> None:
    """On a terminal, with the time that is left, and only once a second has passed."""
    arguments = [part.format(results=results, new=results / "new") for part in command]
    for patience, shown in ((60.0, []), (0.0, steps)):
        screen = Screen()
        monkeypatch.setattr(cli, "err", Console(file=screen, force_terminal=True, width=100, color_system=None))
        monkeypatch.setattr(cli, "PATIENCE", patience)
        assert headcheck("--course", course.root, *arguments).code == 0
        said = re.findall(
            r"((?:reading|writing|comparing)\b ?[a-z]*) .*(\d+)/\2 \d:\d\d:\d\d left [-\d]:[-\d]{2}:[-\d]{2}",
            screen.getvalue(),
        )
        assert list(dict.fromkeys(step for step, _ in said)) == shown


# export, nbgrader


@pytest.fixture
def results(course: Course, tmp_path: Path) -> Path:
    """A directory of results: one section of one student, with a comma in the name."""
    write_section(tmp_path / "results", SectionResult("doe, jane", "tiny", 3.0, 10.0, "full", 3, []))
    return tmp_path / "results"


def test_results_are_exported_as_a_table(
    headcheck: Callable[..., Ran], course: Course, results: Path, tmp_path: Path
) -> None:
    """To the screen, ready to be piped, or into a file."""
    ran = headcheck("--course", course.root, "export", results, "--to", "csv")
    assert (ran.code, ran.out) == (0, 'student,tiny,total "doe, jane",3,3')
    ran = headcheck("--course", course.root, "export", results, "--to", "csv", "-o", tmp_path / "new" / "grades.csv")
    assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "new" / "grades.csv").read_text() == 'student,tiny,total\n"doe, jane",3,3\n'


def test_results_are_exported_as_other_programs_read_them(
    headcheck: Callable[..., Ran], course: Course, results: Path, tmp_path: Path
) -> None:
    """JUnit XML, Gradescope's JSON of one student or a class, and what Canvas and Moodle import."""
    export = ("--course", course.root, "export", results, "--to")
    ran = headcheck(*export, "junit")
    assert (ran.code, '<testsuite name="doe, jane/tiny"' in ran.out) == (0, True)
    ran = headcheck(*export, "gradescope")
    assert (ran.code, json.loads(ran.out)["score"]) == (0, 3.0)
    (tmp_path / "roster.csv").write_text('student,name,id\n"doe, jane",Jane Doe,S1\n')
    ran = headcheck(*export, "canvas", "--roster", tmp_path / "roster.csv")
    assert (ran.code, ran.out.endswith("Points Possible,,,,,10 Jane Doe,,S1,,,3")) == (0, True)
    ran = headcheck(*export, "moodle", "--roster", tmp_path / "roster.csv")
    assert (ran.code, ran.out) == (0, "ID number,Email address,Full name,Tiny S1,,Jane Doe,3")

    write_section(results, SectionResult("roe", "tiny", 5.0, 10.0, "full", 3, []))
    ran = headcheck(*export, "gradescope", "-o", tmp_path / "one.json")
    assert (ran.code, "results of several students: name a directory with -o" in ran.err) == (cli.EXIT_USAGE, True)
    assert headcheck(*export, "gradescope", "-o", tmp_path / "each").code == 0
    found = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "each").glob("*/results.json")}
    assert {student: content["score"] for student, content in found.items()} == {"doe, jane": 3.0, "roe": 5.0}
    ran = headcheck(*export, "canvas", "--roster", tmp_path / "roster.csv")
    assert (ran.code, "no row for these students, so nothing was written: roe" in ran.err) == (cli.EXIT_USAGE, True)
    ran = headcheck(*export, "canvas")
    assert (ran.code, "--to canvas needs the students: --roster FILE" in ran.err) == (cli.EXIT_USAGE, True)


def test_late_work_costs_points_in_exports_and_nowhere_else(
    headcheck: Callable[..., Ran], course: Course, results: Path, tmp_path: Path
) -> None:
    """By the rule that is given; the results stay."""
    kept = (results / "doe, jane" / "tiny.json").read_bytes()
    days = tmp_path / "late.csv"
    days.write_text('student,section,days_late,extension_days\n"doe, jane",tiny,3,1\n')
    export = ("--course", course.root, "export", results, "--to")
    ran = headcheck(*export, "csv", "--late", days, "--per-day", 0.1)
    assert (ran.code, ran.out) == (0, 'student,tiny,lost by lateness,total "doe, jane",2.4,0.6,2.4')
    ran = headcheck(*export, "gradescope", "--late", days, "--per-day", 0.1, "--at-most", 0.1)
    assert (ran.code, json.loads(ran.out)["score"]) == (0, 2.7)
    assert (results / "doe, jane" / "tiny.json").read_bytes() == kept
    for options, said in {
        ("csv", "--late", days): "there is no rule for late work: give one with --per-day",
        ("csv", "--per-day", 0.1): "--per-day and --at-most need the days: --late FILE",
        ("nbgrader", "--late", days, "--per-day", 0.1): "nbgrader has its own rule for late work: leave --late out",
    }.items():
        ran = headcheck(*export, *options)
        assert (ran.code, said in ran.err) == (cli.EXIT_USAGE, True), ran


def test_an_autograder_is_written_for_gradescope(headcheck: Callable[..., Ran], course: Course, tmp_path: Path) -> None:
    """It is said that it holds what nobody else may see."""
    ran = headcheck("--course", course.root, "gradescope", tmp_path / "grader", "--section", "tiny", "--weak-sandbox")
    assert (ran.code, "references are in it: give it to Gradescope only" in ran.out) == (0, True), ran
    program = (tmp_path / "grader" / "run_autograder").read_text()
    assert "NAME = 'tiny'" in program
    assert "WEAK_SANDBOX = True" in program


def test_a_release_may_have_a_workflow_for_github(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path
) -> None:
    """When it is asked for."""
    ran = headcheck("--course", course.root, "release", tmp_path / "copy", "--format", "py", "--github")
    assert (ran.code, (tmp_path / "copy" / ".github" / "workflows" / "headcheck.yml").is_file()) == (0, True)


def test_a_gradebook_needs_its_address_and_nbgrader(
    headcheck: Callable[..., Ran], course: Course, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are said, with what to do."""
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    export = ("--course", course.root, "export", results, "--to", "nbgrader")
    ran = headcheck(*export)
    assert (ran.code, "needs the gradebook: --db URL" in ran.err) == (cli.EXIT_USAGE, True)
    ran = headcheck(*export, "--db", "sqlite://")
    assert (ran.code, "pip install 'headcheck[nbgrader]'" in ran.err) == (cli.EXIT_USAGE, True)


def test_a_course_for_nbgrader_is_written(
    headcheck: Callable[..., Ran], course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what comes next; without nbformat, how to get it."""
    ran = headcheck("--course", course.root, "nbgrader", "init", tmp_path / "course")
    assert (ran.code, "run: nbgrader generate_assignment SECTION" in ran.out) == (0, True)
    assert (tmp_path / "course" / "nbgrader_config.py").is_file()
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    ran = headcheck("--course", course.root, "nbgrader", "init", tmp_path / "other")
    assert (ran.code, "pip install 'headcheck[nbgrader]'" in ran.err) == (cli.EXIT_USAGE, True)


# start, translate, languages


def test_beginning_alone_takes_two_commands(
    headcheck: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chapter that comes with headcheck, in a new directory, whose first check says what to do."""
    monkeypatch.chdir(tmp_path)
    ran = headcheck("start")
    assert ran.code == 0, ran
    assert "45 exercises are in attention, all yours." in ran.out
    assert "cd attention headcheck check" in ran.out
    monkeypatch.chdir(tmp_path / "attention")
    assert (
        "Start with cues/attention_heatmaps, A picture of attention: open assignments/cues/" in headcheck("check").out
    )
    again = headcheck("start", tmp_path / "attention")
    assert (again.code, "is not empty, and nothing in it is overwritten" in again.err) == (cli.EXIT_USAGE, True)


def test_what_a_new_copy_lacks_is_said_at_once(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], tmp_path: Path
) -> None:
    """Of a course that was named, too."""
    course = write_course()
    file = course.root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"\n', 'slug = "double"\nneeds = ["nowhere"]\n'))
    ran = headcheck("--course", course.root, "start", tmp_path / "mine")
    assert (ran.code, "tiny/double needs nowhere; install it with" in ran.out) == (0, True)


def test_what_is_still_to_be_translated_is_counted(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course]
) -> None:
    """Exit code 1 until nothing is."""
    course = write_course()
    ran = headcheck("--course", course.root, "translate", "zh")
    assert ran.code == cli.EXIT_FAILED
    assert f"{course.root / 'assignments' / 'course.zh.po'}: 4 texts to translate" in ran.out
    for path in course.root.rglob("*.zh.po"):
        path.write_text(path.read_text().replace('msgstr ""', 'msgstr "X"'))
    ran = headcheck("--course", course.root, "translate", "zh")
    assert (ran.code, ran.out) == (0, "Everything is translated.")


def test_the_language_is_asked_for_before_or_after_the_command_or_by_the_locale(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything that begins with zh is Chinese, anything else English; an option goes before the locale."""
    course = write_course()
    catalogue = course.root / "assignments" / "course.zh.po"
    catalogue.write_text('msgid "Tiny"\nmsgstr "小"\n')
    there, check = ("--course", course.root), "check"
    assert "小" not in headcheck(*there, check).out
    assert "小" in headcheck("--lang", "zh", *there, check).out
    assert "小" in headcheck(*there, check, "--lang", "zh").out
    monkeypatch.delenv("LC_ALL")
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    for name, chinese in {"zh_CN.UTF-8": True, "zh_TW": True, "de_DE.UTF-8": False, "C": False}.items():
        monkeypatch.setenv("LANG", name)
        assert ("小" in headcheck(*there, check).out) == chinese
        assert "小" not in headcheck("--lang", "en", *there, check).out


def test_a_check_is_also_a_page(headcheck: Callable[..., Ran], course: Course, tmp_path: Path, full: object) -> None:
    """With all that was found in what was begun, in the language; the screen shows one thing all the same."""
    work = hand_in(tmp_path, mine={"double": WRONG}) / "mine"
    for lang, heading in {"en": "Fix this first", "zh": "先改这一项"}.items():
        page = tmp_path / lang / "check.html"
        ran = headcheck("--lang", lang, "--course", course.root, "check", "--dir", work, "--html", page)
        assert ran.code == cli.EXIT_FAILED
        assert str(page) in ran.out
        text = page.read_text(encoding="utf-8")
        assert (text.count("<article"), heading in text, "What happens to a sum?" in text) == (1, True, True)


def test_a_copy_and_a_release_are_written_in_the_language(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course], tmp_path: Path
) -> None:
    """Their prompts by the course's catalogues, their README by headcheck's own; the code is the same."""
    course = write_course()
    stub = course.exercise("tiny/double").stub
    prompt = str(ast.get_docstring(ast.parse(stub.read_text()))).split("\n\n")[0]
    catalogue = stub.with_suffix(".zh.po")
    catalogue.write_text(f'msgid "{prompt}"\nmsgstr "# 加倍"\n', encoding="utf-8")
    there = ("--lang", "zh", "--course", course.root)
    started = headcheck(*there, "start", tmp_path / "mine")
    assert (started.code, "都是你的" in started.out) == (0, True), started
    released = headcheck(*there, "release", tmp_path / "copy", "--format", "py")
    assert (released.code, "没有任何隐藏的" in released.out) == (0, True), released
    for directory in ("mine", "copy"):
        written = (tmp_path / directory / "assignments" / "tiny" / "double.py").read_text(encoding="utf-8")
        assert written == stub.read_text().replace(prompt, "# 加倍"), directory
    assert "这是你自己的副本" in (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert "隐藏的检查" in (tmp_path / "copy" / "README.md").read_text(encoding="utf-8")


def test_what_cannot_be_understood_is_said_in_the_language(headcheck: Callable[..., Ran]) -> None:
    """With how to use the command, and where to get help; without a command there is all of that help."""
    assert headcheck("--lang", "zh", "check", "--al").err == (
        "用法：headcheck check [OPTIONS] [NAME] 需要帮助就试试 'headcheck check --help'。 "
        "错误：没有选项 '--al'。（你是想说这些之一吗：'--all', '--html', '--lang'？）"
    )
    assert headcheck("--lang").err == "Error: Option '--lang' requires an argument."
    nothing = headcheck()
    assert (nothing.code, "Commands:" in nothing.err, "Error" in nothing.err) == (cli.EXIT_USAGE, True, False)
    export = headcheck("--lang", "zh", "export", "--help").out
    assert "[必需]" in export
    assert "[默认：results]" in headcheck("--lang", "zh", "grade", "--help").out


def test_a_command_can_be_stopped(headcheck: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, wherever it is typed, leaves no traceback."""

    def typed() -> Course:
        raise KeyboardInterrupt

    monkeypatch.setattr("headcheck.beginning.shipped_course", typed)
    ran = headcheck("start")
    assert (ran.code, ran.err) == (cli.EXIT_FAILED, "stopped")


def test_help_is_in_the_language(tmp_path: Path) -> None:
    """Ours and click's own words; an option keeps its name."""
    said = {
        "Check again whenever a file is saved.": "保存时再检查。",
        "Show this message and exit.": "显示帮助。",
        "Options": "选项",
        "Usage: ": "用法：",
        str(cli.doctor.help): "检查这台机器。多说一句。",
    }
    catalogue = tmp_path / "headcheck.zh.po"
    catalogue.write_text("\n".join(f'msgid "{text}"\nmsgstr "{zh}"\n' for text, zh in said.items()))
    speak("zh", [catalogue])
    try:
        check = cli.check.get_help(cli.main.context_class(cli.check, info_name="check"))
        doctor = cli.doctor.get_help(cli.main.context_class(cli.doctor, info_name="doctor"))
        commands = cli.main.get_help(cli.main.context_class(cli.main, info_name="headcheck"))
    finally:
        speak(ENGLISH)
    assert re.search("--watch +保存时再检查。", check)
    assert re.search("--help +显示帮助。", check)
    assert check.startswith("用法：check")
    assert "选项:" in check
    assert "检查这台机器。多说一句。" in doctor
    assert "检查这台机器\n" in commands


# doctor


def test_the_doctor_says_whether_grading_is_possible(
    headcheck: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: object
) -> None:
    """Exit code 0 where it is; no course is needed."""
    monkeypatch.chdir(tmp_path)
    ran = headcheck("doctor")
    assert (ran.code, ran.out.endswith("headcheck grade runs here.")) == (0, True)


@pytest.mark.usefixtures("weak")
def test_the_doctor_exits_1_where_grading_is_not_possible(headcheck: Callable[..., Ran], course: Course) -> None:
    """And names the package that is missing."""
    ran = headcheck("--course", course.root, "doctor")
    assert ran.code == cli.EXIT_FAILED
    assert "sandbox level: process" in ran.out
    assert "libseccomp2" in ran.out


# What a user can mend


def test_a_library_that_is_not_installed_is_named(
    headcheck: Callable[..., Ran], write_course: Callable[..., Course]
) -> None:
    """Before anything is started, with the command that brings it."""
    course = write_course()
    file = course.root / "assignments" / "course.toml"
    file.write_text(file.read_text().replace('slug = "double"\n', 'slug = "double"\nneeds = ["nowhere.at_all"]\n'))
    (course.root / "assignments" / "tiny" / "twice.py").write_text(TWICE)
    ran = headcheck("--course", course.root, "check", "tiny/twice")
    assert ran.code == cli.EXIT_USAGE
    assert 'tiny/double needs nowhere; install it with: pip install "headcheck"' in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--course", ".", "check"], "is not a course"),
        (["check"], "no course here: neither"),
        (["--course", "{course}", "check", "huge"], "there is no exercise 'huge'; there are: tiny/double, tiny/twice"),
        (["--course", "{course}", "audit", "tiny/x"], "there is no exercise 'tiny/x'"),
        (["--course", "{course}", "new", "huge/x"], "there is no section 'huge'"),
        (["--course", "{course}", "grade", "empty"], "holds no submissions; they are expected as"),
        (["--course", "{course}", "grade", "nowhere"], "does not exist"),
        (["--course", "{course}", "grade", "empty", "--section", "huge"], "there is no exercise 'huge'"),
        (["--course", "{course}", "grade", "empty", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["--course", "{course}", "report", "empty"], "holds no results; make some with `headcheck grade"),
        (["--course", "{copy}", "grade", "empty"], "is a student's copy: it has no references and hidden graders"),
        (["--course", "{copy}", "audit"], "is a student's copy: it has no references and misconceptions"),
        (["gradde"], "No such command 'gradde'"),
    ],
)
def test_a_mistake_of_the_user_is_said_without_a_traceback(
    headcheck: Callable[..., Ran],
    course: Course,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    """What is wrong and what there is instead; the exit code is 2."""
    (tmp_path / "empty").mkdir()
    copy = released(course, tmp_path / "copy")
    monkeypatch.chdir(tmp_path)
    ran = headcheck(*(argument.format(course=course.root, copy=copy) for argument in arguments))
    assert ran.code == cli.EXIT_USAGE
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_help_and_version_are_there(headcheck: Callable[..., Ran]) -> None:
    """Without a course."""
    assert all(
        command in headcheck("--help").out for command in ("audit", "check", "grade", "new", "release", "report")
    )
    assert headcheck("--version").code == 0


def test_libraries_are_told_to_use_one_thread(headcheck: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before torch is imported, so that graders can be forked."""
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    headcheck("report", "nowhere")
    assert os.environ["OMP_NUM_THREADS"] == "1"
