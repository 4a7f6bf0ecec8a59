"""A tiny course, and nbgrader's commands as programs of their own, which must find no kernel to start."""

from __future__ import annotations

import json
import os

os.environ["OMP_NUM_THREADS"] = "1"  # as `headcheck grade` has it
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sysconfig

os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])  # nbgrader runs alembic

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from headcheck.cells import cell_id
from headcheck.course import read_course
from headcheck.scaffold import write_exercise

TINY = 'title = "A tiny course"\n\n[[section]]\nname = "tiny"\ntitle = "Tiny"\n'
QUESTION = "# Why?\n\nSay why.\n\n## Rubric\n\n- 2 points: says that it is because of the sums.\n"
RIGHT = "def double(X):\n    return 2 * X"
WRONG = "def double(X):\n    return X * X"
TWICE = "def twice(X):\n    return double(X)"


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """`tiny/double` with a question, and `tiny/twice`, which uses it; not to be changed."""
    root = tmp_path_factory.mktemp("course") / "tiny"
    (root / "assignments").mkdir(parents=True)
    file = root / "assignments" / "course.toml"
    file.write_text(TINY)
    write_exercise(read_course(root), "tiny/double", None)
    write_exercise(read_course(root), "tiny/twice", None)
    file.write_text(file.read_text().replace('slug = "twice"\n', 'slug = "twice"\nuses = ["tiny/double"]\n'))
    double, twice = read_course(root).exercises
    double.question.write_text(QUESTION)
    imports = "from tiny.double import double\nfrom torch import Tensor"
    for path in (twice.stub, twice.reference):
        path.write_text(path.read_text().replace("from torch import Tensor", imports))
    return read_course(root)


class Programs:
    """Runs nbgrader's and our commands in a directory, where the only kernel leaves a trace when it is started."""

    def __init__(self, directory):
        self.trace = directory / "a kernel was started"
        kernel = directory / "jupyter" / "kernels" / "python3"
        kernel.mkdir(parents=True)
        leave = f"open({str(self.trace)!r}, 'w')"
        spec = {"argv": [sys.executable, "-c", leave], "display_name": "a trap", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(spec))
        # what JUPYTER_PATH names is looked at before the kernel of this environment
        self.environment = os.environ | {"JUPYTER_PATH": str(directory / "jupyter"), "PYTHONWARNINGS": "ignore"}
        self.environment |= {name: str(directory / "home") for name in ("HOME", "JUPYTER_CONFIG_DIR")}

    def __call__(self, *command, cwd, code=0):
        """What the program said; it must exit with `code`."""
        program = str(Path(sysconfig.get_path("scripts"), command[0]))
        ran = subprocess.run(
            [program, *map(str, command[1:])], cwd=cwd, env=self.environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert ran.returncode == code, ran.stdout
        return ran.stdout


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    return Programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="session")
def fill_in():
    """Write code into the cells of exercises, by module, as a student does."""

    def write(notebook, code):
        content = nbformat.read(notebook, as_version=4)
        cells = {cell.id: cell for cell in content.cells}
        for module, text in code.items():
            cells[cell_id(module, "code")].source = text
        nbformat.write(content, notebook)

    return write


@pytest.fixture(scope="session")
def hand_in(fill_in):
    """Copy the notebook that was released into `submitted`, filled in; its path."""

    def copy(directory, student, section, code):
        source = directory / "release" / section / f"{section}.ipynb"
        notebook = directory / "submitted" / student / section / source.name
        notebook.parent.mkdir(parents=True)
        notebook.write_bytes(source.read_bytes())
        fill_in(notebook, code)
        return notebook

    return copy
