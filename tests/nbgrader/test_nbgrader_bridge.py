"""The bridge to nbgrader: cells restored, outcomes written as nbgrader reads them, refusals, and the gradebook."""

from __future__ import annotations

import copy
import dataclasses
import logging
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import determine_grade
from traitlets.config import PyFileConfigLoader

from headcheck import cli, nbgrader_bridge
from headcheck.archive import write_section
from headcheck.course import read_course
from headcheck.errors import HeadcheckError
from headcheck.nbgrader_bridge import outputs_of, restore, write_gradebook
from headcheck.nbgrader_course import assignment_notebook, write_nbgrader_course
from headcheck.results import ExerciseResult, PropertyResult, section_result
from headcheck.submission import Submission

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own
RIGHT = "def double(X):\n    return 2 * X"
WRONG = "def double(X):\n    return X * X"
TWICE = "from tiny.double import double\n\n\ndef twice(X):\n    return double(X)"
CHECK = "tiny-double-check"
TITLES = {"tiny/double": "Twice as much"}


def result(points, *, exercise="tiny/double", status="failed"):
    """An exercise with 5 points."""
    sums = PropertyResult(
        "sums", "hidden", "core", "failed", points, 5.0, "2 is not <3>", None, 0.0, "It sums.", "Add."
    )
    return ExerciseResult(exercise, status, points, 5.0, 0.1, None, [sums], ["a note for the instructor"])


# Cells


@pytest.fixture
def source(course):
    """The notebook that is handed out."""
    return nbformat.reads(assignment_notebook(course, "tiny"), as_version=4)


def marks(notebook):
    """The marked cells: name, mark and source."""
    found = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return [(cell.metadata.nbgrader.grade_id, dict(cell.metadata.nbgrader), cell.source) for cell in found]


def named(notebook, name):
    """The cell with that id."""
    return next(cell for cell in notebook.cells if cell.id == name)


def test_cells_that_were_deleted_are_back_where_they_were(source):
    """Marks and texts are those that were handed out, in their order."""
    notebook = copy.deepcopy(source)
    gone = {"tiny-double-check", "tiny-double-question", "tiny-twice-code"}
    notebook.cells = [cell for cell in notebook.cells if cell.id not in gone]
    restore(notebook, source)
    assert marks(notebook) == marks(source)


def test_of_copied_cells_the_last_counts_in_which_something_was_written(source):
    """The others stay in the notebook, without a mark."""
    notebook = copy.deepcopy(source)
    code = named(notebook, "tiny-double-code")
    written, untouched = copy.deepcopy(code), copy.deepcopy(code)
    written.id, written.source, untouched.id = "one", RIGHT, "two"
    notebook.cells += [written, untouched, *(copy.deepcopy(named(notebook, CHECK)) for _ in range(2))]
    restore(notebook, source)
    (own,) = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == code.id]
    assert own.source == RIGHT
    assert len(marks(notebook)) == len(marks(source))
    assert len(notebook.cells) == len(source.cells) + 4


@pytest.mark.parametrize(
    "mark",
    [
        {"grade_id": CHECK, "grade": True, "solution": True, "locked": False, "points": 1000, "schema_version": 99},
        {"grade_id": CHECK, "schema_version": 0},
        {"grade_id": ["tiny"]},
        "no mark",
        None,
    ],
)
def test_what_a_notebook_says_of_its_cells_is_not_believed(source, mark):
    """A cell is known by its name; all else comes from what was handed out."""
    notebook = copy.deepcopy(source)
    named(notebook, CHECK).metadata["nbgrader"] = mark
    restore(notebook, source)
    assert marks(notebook) == marks(source)


def test_marks_on_the_students_own_cells_are_removed(source):
    """No cell of theirs is a check."""
    notebook = copy.deepcopy(source)
    own = {"grade_id": "mine", "grade": True, "solution": False, "locked": True, "points": 50, "schema_version": 3}
    notebook.cells.append(new_code_cell("50", metadata={"nbgrader": own}))
    restore(notebook, source)
    assert marks(notebook) == marks(source)


def test_a_notebook_from_before_cells_had_ids_is_valid_in_the_end(source):
    """Its cells are known by their marks."""
    old = new_notebook(cells=[new_markdown_cell("hello")])
    del old.cells[0]["id"]
    old.nbformat_minor = 4
    restore(old, source)
    nbformat.validate(old)
    assert [name for name, _, _ in marks(old)] == [name for name, _, _ in marks(source)]


# Outcomes


@pytest.mark.parametrize("points", [0.0, 0.1, 2.5, 3.333333, 5.0])
def test_nbgrader_reads_the_points_that_were_earned(source, points):
    """Nothing, a part and everything; beside the message and not in its place."""
    cell = named(source, CHECK)
    cell.outputs = outputs_of(result(points), CHECK, 5.0, TITLES)
    assert determine_grade(cell) == (points, 5.0)
    page, number = cell.outputs
    assert number.output_type == "execute_result"
    for shown in page.data.values():
        assert "It sums." in shown
        assert "Add." in shown
        assert "a note for the instructor" not in shown
    assert "2 is not &lt;3&gt;" in page.data["text/html"]
    assert ">Twice as much</span>" in page.data["text/html"]
    nbformat.validate(source)


def test_a_check_that_headcheck_does_not_grade_is_refused():
    """Without a number nbgrader would give it full marks."""
    with pytest.raises(HeadcheckError, match="mine is no check of this course"):
        outputs_of(None, "mine", 5.0, TITLES)


def test_points_that_were_changed_since_are_said():
    """A course and an assignment that differ give no grades."""
    with pytest.raises(HeadcheckError, match="worth 4 points in this assignment, and 5 in the course"):
        outputs_of(result(2.0), CHECK, 4.0, TITLES)


# The conversion, in this process

BREAKS = """

@worth(1, hint="h")
def it_breaks(student):
    '''The grader fails.'''
    raise RuntimeError("our own fault")
"""


@pytest.fixture
def autograde(tmp_path, caplog, monkeypatch, fill_in):
    """Grade one student as `nbgrader autograde` does: the grades by cell, or what was logged."""
    monkeypatch.setattr(logging.getLogger("traitlets"), "propagate", True)
    root = tmp_path / "nbgrader"

    def run(course, settings="", student="amber"):
        if not root.exists():
            write_nbgrader_course(course, root)
        with (root / "nbgrader_config.py").open("a") as file:
            file.write(settings)
        submitted = root / "submitted" / student / "tiny" / "tiny.ipynb"
        submitted.parent.mkdir(parents=True, exist_ok=True)
        submitted.write_bytes((root / "source" / "tiny" / "tiny.ipynb").read_bytes())
        fill_in(submitted, {"tiny.double": RIGHT, "tiny.twice": TWICE})
        config = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
        coursedir = CourseDirectory(config=config, root=str(root), assignment_id="tiny")
        try:
            for step in (GenerateAssignment, Autograde):
                step(coursedir=coursedir, config=config, force=True).start()
        except NbGraderException:
            return caplog.text
        return grades(coursedir.db_url, student)

    return run


def grades(db_url, student):
    """What the gradebook holds of a student: points of headcheck and of a person, and whether one is asked for."""
    with Gradebook(db_url) as gradebook:
        found = gradebook.find_submission_notebook("tiny", "tiny", student).grades
        return {each.name: (each.auto_score, each.manual_score, each.needs_manual_grade) for each in found}


def test_autograde_writes_the_points_and_asks_a_person_for_the_rest(autograde, course):
    """Checks have headcheck's points; what is answered in words has none until somebody gives them."""
    assert autograde(course) == {
        "tiny-double-check": (5.0, None, False),
        "tiny-twice-check": (5.0, None, False),
        "tiny-double-question": (None, None, True),
    }


@pytest.mark.parametrize("by_a_person", [True, False])
def test_an_instructors_own_cell_is_graded_by_a_person_or_refused(autograde, course, tmp_path, by_a_person):
    """As a test of nbgrader it would have full marks, for no kernel runs it."""
    write_nbgrader_course(course, tmp_path / "nbgrader")
    source = tmp_path / "nbgrader" / "source" / "tiny" / "tiny.ipynb"
    content = nbformat.read(source, as_version=4)
    mark = {"grade_id": "mine", "grade": True, "solution": by_a_person, "locked": not by_a_person, "points": 3}
    content.cells.append(new_code_cell("assert False", metadata={"nbgrader": mark | {"schema_version": 3}}))
    nbformat.write(content, source)
    found = autograde(course)
    if by_a_person:
        assert found["mine"] == (0.0, None, False)  # nbgrader, of an answer that is as it was handed out
        assert found["tiny-double-check"] == (5.0, None, False)
    else:
        assert "mine is no check of this course: nbgrader would give it full marks" in found


def test_where_headcheck_failed_nothing_is_lost_and_a_person_is_asked(autograde, broken_course, caplog):
    """The points stay, the gradebook says so, and so does the log."""
    found = autograde(broken_course)
    assert found["tiny-double-check"] == (6.0, None, True)
    assert found["tiny-twice-check"] == (5.0, None, False)
    assert "headcheck itself failed on tiny-double-check of amber" in caplog.text
    assert "our own fault" in caplog.text


@pytest.fixture
def broken_course(course, tmp_path):
    """A course whose grader fails."""
    copied = read_course(shutil.copytree(course.root, tmp_path / "broken"))
    hidden = copied.exercise("tiny/double").hidden
    hidden.write_text(hidden.read_text() + BREAKS)
    return copied


def test_a_sandbox_that_died_is_replaced(course, tmp_path):
    """It costs nobody a point."""
    desk = nbgrader_bridge.Desk(course, ())
    try:
        desk._sandbox._process.kill()
        desk._sandbox._process.wait()
        submission = Submission("amber", {"tiny/double": RIGHT.encode()})
        wanted = course.select("tiny/double")
        (double,) = desk.grade(submission, wanted, results=tmp_path, weak_sandbox=False).exercises
    finally:
        desk.close()
    assert (double.status, double.points) == ("passed", 5.0)


def test_a_machine_that_cannot_lock_submissions_in_grades_nothing(autograde, course, monkeypatch):
    """Unless the configuration accepts it."""
    nbgrader_bridge._desk.cache_clear()
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    said = autograde(course)
    assert "this machine cannot lock submissions in, so nothing was graded" in said
    assert "accept the risk with c.GradeInSandbox.weak_sandbox = True in nbgrader_config.py" in said
    found = autograde(course, "\nc.GradeInSandbox.weak_sandbox = True\n")
    assert found["tiny-double-check"] == (5.0, None, False)
    nbgrader_bridge._desk.cache_clear()


def test_a_name_that_is_none_for_a_directory_of_results_is_refused(autograde, course):
    """Here as in `headcheck grade`."""
    assert "'report' cannot be a student's name" in autograde(course, student="report")


def test_another_layout_of_submissions_is_refused(autograde, course, tmp_path):
    """Where headcheck would not find the other sections of a student, it gives no points rather than none earned."""
    autograde(course)
    for step in ("source", "submitted/amber"):
        (tmp_path / "nbgrader" / step / "deeper").symlink_to(".")
    layout = "{nbgrader_step}/{student_id}/deeper/{assignment_id}"
    said = autograde(course, f'\nc.CourseDirectory.directory_structure = "{layout}"\n')
    assert f"headcheck reads submissions at {nbgrader_bridge.STRUCTURE}, not at {layout}" in said


# The gradebook


@pytest.fixture
def db_url(tmp_path):
    return f"sqlite:///{tmp_path / 'gradebook.db'}"


def graded(points, student="amber", **options):
    """A section in which one exercise has these points."""
    exercises = [result(points, **options), result(5.0, exercise="tiny/twice", status="passed")]
    return section_result(student, "tiny", "full", 7, exercises)


def test_a_class_is_written_into_a_new_gradebook(course, db_url):
    """Students, the assignment, the points; what a person must judge waits for one."""
    write_gradebook(course, [graded(2.5), graded(0.0, "bruno")], db_url)
    assert grades(db_url, "amber") == {
        "tiny-double-check": (2.5, None, False),
        "tiny-twice-check": (5.0, None, False),
        "tiny-double-question": (None, None, True),
    }
    with Gradebook(db_url) as gradebook:
        (assignment,) = gradebook.assignments
        assert (assignment.name, assignment.course_id, assignment.max_score) == ("tiny", "a-tiny-course", 12.0)
        assert {each.id: each.score for each in gradebook.students} == {"amber": 7.5, "bruno": 5.0}


def test_grading_again_replaces_headchecks_points_and_keeps_a_persons(course, db_url):
    """Who gave points to a check is asked to look again; an answer that was judged stays judged."""
    write_gradebook(course, [graded(2.5)], db_url)
    with Gradebook(db_url) as gradebook:
        for name, points in (("tiny-twice-check", 4.0), ("tiny-double-question", 1.5)):
            grade = gradebook.find_grade(name, "tiny", "tiny", "amber")
            grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()
    write_gradebook(course, [graded(3.0)], db_url)
    assert grades(db_url, "amber") == {
        "tiny-double-check": (3.0, None, False),
        "tiny-twice-check": (5.0, 4.0, True),
        "tiny-double-question": (None, 1.5, False),
    }


def test_what_is_broken_is_marked_for_a_person(course, db_url):
    """The points are those of the result."""
    write_gradebook(course, [graded(5.0, status="broken")], db_url)
    assert grades(db_url, "amber")["tiny-double-check"] == (5.0, None, True)


def test_a_gradebook_of_another_course_is_left_alone(course, db_url):
    """Other points for the same cell mean that one of the two is old."""
    write_gradebook(course, [graded(2.5)], db_url)
    changed = dataclasses.replace(graded(4.0), exercises=[dataclasses.replace(result(4.0), max_points=6.0)])
    with pytest.raises(HeadcheckError, match="the assignment tiny in the gradebook has other cells or points"):
        write_gradebook(course, [changed], db_url)
    assert grades(db_url, "amber")["tiny-double-check"] == (2.5, None, False)


def test_the_command_writes_a_directory_of_results(course, db_url, tmp_path, monkeypatch, capsys):
    """And says how much it was."""
    write_section(tmp_path / "results", graded(2.5))
    command = ["--course", course.root, "export", tmp_path / "results", "--to", "nbgrader", "--db", db_url]
    cli.main([str(part) for part in command], standalone_mode=False)
    assert "wrote 1 sections of 1 students to the gradebook" in " ".join(capsys.readouterr().out.split())
    assert grades(db_url, "amber")["tiny-double-check"] == (2.5, None, False)
