"""A class of ten on four tasks: headcheck against `nbgrader autograde`, `otter run` and a pytest process for each.

    pip install nbgrader==0.9.6 "otter-grader[grading]==7.0.0" ipykernel pytest
    python benchmarks/class_of_ten.py [--students 10]

All run the very same properties on the same code, one after the other, in one run; what counts are the ratios.
headcheck runs the code in its full sandbox; the others run it in the process that holds the references. Those that are
not installed are left out. The others begin anew with each student; what headcheck takes for one more is measured on a
class ten times as large.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from headcheck.course import read_course

ROOT = Path(__file__).parents[1]
COURSE = read_course(ROOT)
TASKS = [
    "scoring/masked_softmax",
    "scoring/dot_product_attention",
    "multihead/head_reshape",
    "multihead/multi_head_attention",
]
MISTAKES = {
    "scoring/masked_softmax": ("masked_fill(padded, 0.0)", "masked_fill(padded, 1e-3)"),
    "scoring/dot_product_attention": ("sqrt(queries.shape[-1])", "1.0"),
    "multihead/head_reshape": (
        "heads.transpose(1, 2).flatten(2)",
        "heads.flatten(1, 2).reshape(heads.shape[0], X.shape[1], -1)",
    ),
}
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def solutions(number: int) -> dict[str, str]:
    """The four files of one student: every third has a mistake in one of them, and no two are equal."""
    texts = {}
    for place, name in enumerate(TASKS):
        exercise = COURSE.exercise(name)
        styles = [exercise.reference, *exercise.alternatives]
        texts[name] = styles[(number + place) % len(styles)].read_text()
    if number % 3 == 0:
        name = list(MISTAKES)[number // 3 % len(MISTAKES)]
        right, wrong = MISTAKES[name]
        text = COURSE.exercise(name).reference.read_text()
        if right not in text:
            raise SystemExit(f"the reference of {name} has changed: {right!r} is not in it")
        texts[name] = text.replace(right, wrong)
    return {name: f"{text}\n# student {number}\n" for name, text in texts.items()}


def time_of(command: list[str], directory: Path, **environment: str) -> float:
    """Seconds of wall time of a command that must succeed."""
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=directory, env=os.environ | THREADS | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def headcheck(directory: Path, students: int, jobs: int) -> float:
    """The whole command: start, warm up, draw, grade, report."""
    submitted = directory / "submitted"
    for number in range(students):
        for name, text in solutions(number).items():
            path = submitted / f"student{number}" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    command = [sys.executable, "-m", "headcheck.cli", "--course", str(ROOT), "grade", str(submitted)]
    return time_of([*command, "-o", str(directory / f"results{jobs}"), "--jobs", str(jobs)], directory)


def without_imports(text: str) -> str:
    """In a notebook the earlier tasks' names are there already."""
    lines = text.splitlines()
    return "\n".join(
        line for line in lines if not line.startswith(("from scoring", "from multihead", "from __future__"))
    )


def nbgrader(directory: Path, students: int) -> float:
    """`nbgrader autograde` alone; making and releasing the assignment is not counted."""
    course = directory / "nbgrader"
    write_notebook(
        course / "source" / "ps1" / "ps1.ipynb", dict.fromkeys(TASKS, "raise NotImplementedError"), solution=True
    )
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'bench'\nc.ExecutePreprocessor.timeout = 600\n"
    )
    time_of(["nbgrader", "generate_assignment", "ps1", "--IncludeHeaderFooter.header="], course)
    for number in range(students):
        texts = {name: without_imports(text) for name, text in solutions(number).items()}
        write_notebook(course / "submitted" / f"student{number}" / "ps1" / "ps1.ipynb", texts, solution=True)
    return time_of(["nbgrader", "autograde", "ps1"], course, PYTHONPATH=str(ROOT / "benchmarks"))


def write_notebook(path: Path, texts: dict[str, str], *, solution: bool) -> None:
    """One solution cell and one graded test cell a task."""
    notebook = new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for name, text in texts.items():
        identity = name.replace("/", "-")
        answer = new_code_cell(text)
        answer.metadata["nbgrader"] = _nbgrader_cell(f"answer-{identity}", solution=solution)
        test = new_code_cell(f"from plain import failures\nassert failures({name!r}, globals()) == []")
        test.metadata["nbgrader"] = {**_nbgrader_cell(f"test-{identity}", grade=True, locked=True), "points": 1}
        notebook.cells += [answer, test]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _nbgrader_cell(identity: str, *, solution: bool = False, grade: bool = False, locked: bool = False) -> dict:
    return {
        "schema_version": 3, "cell_type": "code", "grade_id": identity,
        "solution": solution, "grade": grade, "locked": locked, "task": False,
    }  # fmt: skip


def otter_each(directory: Path, students: int) -> float:
    """`otter run` on one notebook after the other; making the autograder is not counted."""
    home = directory / "otter"
    (home / "tests").mkdir(parents=True)
    for name in TASKS:
        code = f">>> from plain import failures\n>>> failures({name!r}, globals())\n[]"
        suite = {"cases": [{"code": code}], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": name.replace("/", "_"), "points": 1, "suites": [suite]}
        (home / "tests" / f"{test['name']}.py").write_text(f"OK_FORMAT = True\ntest = {test!r}\n")
    time_of(["otter", "generate", "-t", "tests", "-o", "autograder.zip"], home)
    seconds = 0.0
    for number in range(students):
        cells = [new_code_cell(without_imports(text)) for text in solutions(number).values()]
        nbformat.write(new_notebook(cells=cells), home / f"student{number}.ipynb")
        (home / f"results{number}").mkdir()
        command = ["otter", "run", "-a", "autograder.zip", "-o", f"results{number}", f"student{number}.ipynb"]
        seconds += time_of(command, home, PYTHONPATH=str(ROOT / "benchmarks"))
    return seconds


def pytest_each(directory: Path, students: int) -> float:
    """One pytest process a submission, one after the other."""
    seconds = 0.0
    for number in range(students):
        home = directory / "pytest" / f"student{number}"
        home.mkdir(parents=True)
        texts = solutions(number)
        (home / "work.py").write_text("\n".join(without_imports(text) for text in texts.values()))
        tests = [
            f"def test_{name.replace('/', '_')}():\n    assert failures({name!r}, vars(work)) == []\n" for name in TASKS
        ]
        (home / "test_work.py").write_text("import work\nfrom plain import failures\n\n" + "\n".join(tests))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--no-header",
            "--tb=no",
            "test_work.py",
        ]
        # pytest exits 1 for the students with a mistake
        seconds += time_of(
            ["sh", "-c", f"{' '.join(command)}; test $? -le 1"], home, PYTHONPATH=str(ROOT / "benchmarks")
        )
    return seconds


def main() -> None:
    """Print the table of seconds and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--students", type=int, default=10)
    students = parser.parse_args().students
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        seconds: dict[str, tuple[float, float]] = {}  # for the class, and for one more
        for jobs in (1, 2):
            small, large = (headcheck(directory / str(count), count, jobs) for count in (students, 10 * students))
            seconds[f"headcheck, {jobs} core{'s' * (jobs > 1)}"] = small, (large - small) / (9 * students)
        others = {"pytest, one process each": pytest_each}
        others |= {"nbgrader autograde": nbgrader} if shutil.which("nbgrader") else {}
        others |= {"otter run": otter_each} if shutil.which("otter") else {}
        for name, grade in others.items():
            whole = grade(directory, students)
            seconds[name] = whole, whole / students
    base, one = seconds["headcheck, 2 cores"]
    print(f"{f'a class of {students}, four tasks':28} {'seconds':>8} {'ratio':>8} {'one more':>10} {'ratio':>8}")
    for name, (whole, more) in seconds.items():
        print(f"{name:28} {whole:8.1f} {whole / base:8.2f} {more:10.2f} {more / one:8.1f}")


if __name__ == "__main__":
    main()
