"""Checking what was run in a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_notebook

import headcheck
from headcheck import jupyter
from headcheck.errors import HeadcheckError
from headcheck.jupyter import Feedback, newest
from headcheck.language import spoken_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headcheck.course import Course

    Run = Callable[..., list[object]]

RIGHT = "def double(X):\n    return factor * X"
WRONG = "def double(X):\n    return X * X"
TWICE = "from tiny.double import double\ndef twice(X):\n    return double(X)"


@pytest.fixture
def course(write_course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch) -> Course:
    """A tiny course, in whose directory the notebook is; English is spoken there."""
    course = write_course()
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(course.root / "assignments" / "tiny")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return course


@pytest.fixture
def run(course: Course) -> Iterator[Run]:
    """Run cells in a new kernel that has loaded the extension; what each one came to, an exception included."""
    shell = InteractiveShell.instance()
    shell.history_manager.reset()

    def run(*cells: str) -> list[object]:
        results = [shell.run_cell(cell, store_history=True) for cell in ("%load_ext headcheck", *cells)]
        return [result.error_in_exec or result.result for result in results[1:]]

    yield run
    for name, module in list(sys.modules.items()):
        if str(course.root) in repr(module):
            del sys.modules[name]
    jupyter._kernel(course.root).close()
    InteractiveShell.clear_instance()


def outcomes(feedback: object) -> list[str]:
    """How the checks of the only exercise ended."""
    assert isinstance(feedback, Feedback), feedback
    (result,) = feedback.results
    return [prop.outcome for prop in result.properties]


def test_the_magic_checks_what_was_run(run: Run) -> None:
    """With the constants and imports of other cells, and nothing that was only done."""
    feedback = run("factor = 2", RIGHT, "1 / 0", "%check tiny/double")[-1]
    assert outcomes(feedback) == ["passed", "passed"]


def test_what_the_course_hands_out_can_be_imported(run: Run, course: Course) -> None:
    """Files that are given, and one's own for earlier sections, as the stubs import them."""
    given = course.root / "assignments" / "handed_out"
    given.mkdir()
    (given / "curve.py").write_text("points = 3")
    assert run("from handed_out.curve import points\npoints")[-1] == 3


def test_a_plain_call_does_the_same(run: Run) -> None:
    """In a cell of its own, or below what it checks."""
    assert outcomes(run("import headcheck", f"{WRONG}\nheadcheck.check('tiny/double')")[-1]) == ["passed", "failed"]


def test_the_newest_version_counts(run: Run) -> None:
    """What was run before in a cell that has since been mended is forgotten, its other lines too."""
    feedback = run(f"{WRONG}\nassert False", "factor = 2", RIGHT, "%check tiny/double")[-1]
    assert outcomes(feedback) == ["passed", "passed"]


def test_feedback_is_a_page_and_a_text(run: Run) -> None:
    """Both with the sentence, the counterexample and the hint; the page's style stays within it."""
    feedback = run(WRONG, "%check tiny/double")[-1]
    assert isinstance(feedback, Feedback)
    page, text = feedback._repr_html_(), repr(feedback)
    for shown in (page, text):
        assert "The answer to a sum is the sum of the answers." in shown
        assert "What happens to a sum?" in shown
    assert "@scope (.headcheck)" in page
    assert "<html" not in page
    assert "1 hidden check" in text


def test_a_section_checks_what_was_begun(run: Run) -> None:
    """And says nothing of the rest."""
    feedback = run("factor = 2", RIGHT, "%check tiny")[-1]
    assert outcomes(feedback) == ["passed", "passed"]


def test_what_is_used_comes_from_the_notebook_or_else_from_what_was_saved(run: Run, course: Course) -> None:
    """From a file, or from the saved notebook when the file is still blank; what was run goes before both."""
    course.exercise("tiny/double").stub.write_text(WRONG)
    assert outcomes(run(TWICE, "%check tiny/twice")[-1]) == ["passed", "failed"]
    assert outcomes(run("factor = 2", RIGHT, TWICE, "%check tiny/twice")[-1]) == ["passed", "passed"]


@pytest.mark.parametrize(("saved", "expected"), [(RIGHT, "passed"), (WRONG, "failed")])
def test_a_saved_notebook_counts_where_the_file_is_blank(run: Run, course: Course, saved: str, expected: str) -> None:
    """The cell of an earlier exercise need not be run again in every session."""
    notebook = new_notebook(cells=[new_code_cell("factor = 2"), new_code_cell(saved)])
    nbformat.write(notebook, course.root / "assignments" / "tiny" / "tiny.ipynb")
    assert outcomes(run(TWICE, "%check tiny/twice")[-1]) == ["passed", expected]


def test_a_notebook_that_cannot_be_read_does_not_disturb(run: Run, course: Course) -> None:
    """What was run is there all the same."""
    (course.root / "assignments" / "tiny" / "tiny.ipynb").write_text("not JSON")
    assert outcomes(run("factor = 2", RIGHT, "%check tiny/double")[-1]) == ["passed", "passed"]


def test_nothing_run_yet_is_said_without_a_traceback(run: Run) -> None:
    """With the name of what to define."""
    error = run("%check tiny/double")[-1]
    assert isinstance(error, UsageError)
    assert "run the cell that defines double" in str(error)


def test_a_name_that_is_none_is_said_with_those_that_are(run: Run) -> None:
    """As on the command line."""
    error = run(RIGHT, "%check tiny/duoble")[-1]
    assert isinstance(error, UsageError)
    assert "tiny/double, tiny/twice" in str(error)


def test_a_sandbox_that_died_is_replaced(run: Run, course: Course) -> None:
    """A kernel lives for days."""
    first = run("factor = 2", RIGHT, "%check tiny/double")[-1]
    sandbox = jupyter._kernel(course.root)._checker._sandbox
    assert sandbox is not None
    sandbox._process.kill()
    sandbox._process.wait()
    assert outcomes(run("%check tiny/double")[-1]) == outcomes(first)


def test_outside_a_notebook_the_command_is_named(course: Course) -> None:
    """There is no history to read."""
    with pytest.raises(HeadcheckError, match="headcheck check"):
        headcheck.check("tiny/double")


def test_the_newest_of_each_definition_is_kept_in_order() -> None:
    """Cells that define nothing stay, for their constants; what is no Python did not run."""
    history = newest(["a = 1", "def f(): 1", "def g(): 2", "def f(): 3", "def :", "%magic"], str)
    assert history.cells == ["a = 1", "def g(): 2", "def f(): 3"]
    assert history.defines == {"f", "g"}


def test_without_a_name_all_that_was_begun_is_checked_one_thing_at_a_time(run: Run) -> None:
    """The first that is wrong in full, the others in a line; all in full when that is asked for."""
    one, every = run(WRONG, TWICE, "%check", "%check --all tiny")[-2:]
    assert repr(one).count("checks passed.") == 1
    assert "0 of 2 exercises pass. 2 in work." in repr(one)
    assert "0 of 2 exercises pass." in one._repr_html_()  # type: ignore[attr-defined]
    assert repr(every).count("checks passed.") == 2


def test_hints_are_given_one_by_one(run: Run) -> None:
    """As on the command line."""
    first, second = run(WRONG, "%check tiny/double --hint", "%check --hint tiny/double")[-2:]
    assert "Hint 1 of 2:" in repr(first)
    assert "Hint 2 of 2:" not in repr(first)
    assert "Hint 2 of 2:" in repr(second)


def test_what_cannot_be_understood_is_said_with_what_can(run: Run) -> None:
    """And so is a check before anything was begun."""
    wrong, nothing = run("%check tiny/double --everything", "%check")[-2:]
    assert isinstance(wrong, UsageError)
    assert "with --all, --hint or --lang zh" in str(wrong)
    assert isinstance(nothing, UsageError)
    assert "run the cell of an exercise" in str(nothing)
    for line in ("%check --lang", "%check --lang xx", "%check --langzh", "%check a b"):
        assert isinstance(run(line)[-1], UsageError), line


def test_the_language_is_that_of_the_locale(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the commands; messages as well as pages."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    nothing, feedback = run("%check", WRONG, "%check tiny/double")[::2]
    assert "还没有什么可检查的" in str(nothing)
    assert isinstance(feedback, Feedback)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    for shown in (feedback._repr_html_(), repr(feedback)):
        assert "提示" in shown
        assert "Hint" not in shown
    assert spoken_language() == "en"


def test_a_language_that_was_asked_for_stays(run: Run) -> None:
    """Until another one is; what was shown before keeps its own."""
    first, asked, then, plain, back = run(
        WRONG,
        "%check tiny/double",
        "%check --lang zh tiny/double",
        "%check tiny/double --hint",
        "import headcheck; headcheck.check('tiny/double')",
        "%check tiny/double --lang en",
    )[1:]
    assert ["提示" in repr(one) for one in (first, asked, then, plain, back)] == [False, True, True, True, False]


def test_a_language_that_nobody_speaks_is_said_with_those_that_are_spoken(run: Run) -> None:
    """In the language of the locale."""
    error = run("import headcheck; headcheck.check(lang='de')")[-1]
    assert isinstance(error, UsageError)
    assert "nobody here speaks de: choose one of en, zh" in str(error)
