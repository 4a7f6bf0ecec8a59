"""The layers: the list is written here, once, and every import goes down it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import headcheck
from headcheck.sandbox import ENGINE

LAYERS = {
    "facts": ["errors", "results", "protocol"],
    "parts": [
        "language",
        "course",
        "loading",
        "compare",
        "strategies",
        "questions",
        "submission",
        "archive",
        "hints",
        "text",
        "tables",
        "differences",
        "matrices",
        "charts",
        "classroom",
        "system_calls",
        "cells",
        "outlines",
        "similarity",
        "clues",
        "counting",
        "lockdown",
        "worker",
        "warm",
        "progress",
    ],
    "tools": [
        "wording",
        "student",
        "costs",
        "minimise",
        "reproduce",
        "precedents",
        "properties",
        "diagnosis",
        "sandbox",
        "notebooks",
    ],
    "views": ["terminal", "html"],
    "work": ["grading", "reading", "checking", "crew", "cluster"],
    "duties": [
        "audit",
        "export",
        "lateness",
        "lms",
        "junit",
        "gradescope",
        "engine_wheel",
        "autograder",
        "scaffold",
        "github",
        "release",
        "beginning",
        "catalogues",
        "nbgrader_course",
        "nbgrader_bridge",
        "doctor",
        "pytest_plugin",
        "jupyter",
    ],
    "door": ["cli"],
}
FROM_THE_TOP = {"__init__": {"jupyter"}}  # what a notebook calls; imported when it is
ORDER = ["__init__", *(module for modules in LAYERS.values() for module in modules)]

STARTS_PROCESSES = {"sandbox": {"subprocess"}, "crew": {"multiprocessing", "subprocess"}}
PROCESS_MODULES = {"subprocess", "multiprocessing", "concurrent", "pty", "asyncio"}
PROCESS_CALLS = {
    "fork",
    "forkpty",
    "system",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "execv",
    "execve",
    "execvp",
    "spawnv",
}
FORKS = {"warm"}
ENDS_ITS_OWN_PROCESS = {"warm", "worker", "crew"}  # os._exit, in a process that was started for it
INSIDE = {Path(name).stem for name in ENGINE}
INSIDE_PACKAGES = {"torch", "msgspec", "jaxtyping"}

SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in Path(headcheck.__file__).parent.glob("*.py")}
TREES = {module: ast.parse(source) for module, source in SOURCES.items()}


def walk(module, *, typing=False):
    """Every node of a module, lazy ones in functions included; what only a type checker reads, if `typing`."""
    waiting: list[ast.AST] = [TREES[module]]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing:
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def imports(module, *, typing=False):
    """The full names of what a module imports: `headcheck.errors`, `torch.nn`."""
    for node in walk(module, typing=typing):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            submodules = [alias.name for alias in node.names if node.module == "headcheck" and alias.name in SOURCES]
            yield from (f"headcheck.{name}" for name in submodules)
            if not submodules or len(submodules) < len(node.names):
                yield node.module or ""


def ours(module, *, typing=False):
    """The modules of this package that a module imports."""
    names = [name for name in imports(module, typing=typing) if name.partition(".")[0] == "headcheck"]
    return {name.partition(".")[2] or "__init__" for name in names}


def packages(module):
    """The top-level packages that a module imports."""
    return {name.partition(".")[0] for name in imports(module)} - {"headcheck"}


def called(module):
    """The names of what a module calls: `print`, `os.fork`."""
    return {ast.unparse(node.func) for node in walk(module) if isinstance(node, ast.Call)}


def test_every_module_is_in_the_list_once():
    """A new module says where it belongs."""
    assert sorted(ORDER) == sorted(SOURCES)


@pytest.mark.parametrize("module", ORDER)
def test_imports_go_down(module):
    """Only to modules before it in the list, so there are no cycles; imports in functions count."""
    allowed = set(ORDER[: ORDER.index(module)]) | FROM_THE_TOP.get(module, set())
    assert ours(module) <= allowed, f"{module} imports {sorted(ours(module) - allowed)}, which are above it"


@pytest.mark.parametrize("module", ORDER)
def test_types_come_from_the_same_or_a_lower_layer(module):
    """Annotations may name a neighbour, not something that is built on top."""
    layer = next((number for number, names in enumerate(LAYERS.values()) if module in names), 0)
    allowed = {"__init__", *(name for names in list(LAYERS.values())[: layer + 1] for name in names)}
    allowed |= FROM_THE_TOP.get(module, set())
    assert ours(module, typing=True) <= allowed


@pytest.mark.parametrize("module", ORDER)
def test_pickle_is_imported_nowhere(module):
    """Nor what unpickles on its own."""
    assert not packages(module) & {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert not {name for name in called(module) if name in ("torch.load", "torch.save")}


@pytest.mark.parametrize("module", ORDER)
def test_only_the_sandbox_and_the_crew_start_processes(module):
    """The warm process may fork; nothing else calls, imports or spawns a program."""
    assert packages(module) & PROCESS_MODULES <= STARTS_PROCESSES.get(module, set())
    started = called(module) & {f"os.{name}" for name in PROCESS_CALLS}
    assert started <= ({"os.fork"} if module in FORKS else set())


@pytest.mark.parametrize("module", [module for module in ORDER if module != "cli"])
def test_only_the_command_line_prints_or_exits(module):
    """Everything else returns or raises; a process that was started for it may end itself."""
    calls = called(module)
    assert not calls & {"print", "input", "exit", "quit", "sys.exit", "sys.stdout.write", "sys.stderr.write"}
    assert "os._exit" not in calls or module in ENDS_ITS_OWN_PROCESS
    assert not {"click", "SystemExit"} & (packages(module) | calls)


@pytest.mark.parametrize("module", sorted(INSIDE))
def test_what_runs_inside_the_sandbox_needs_nothing_else(module):
    """Each other, torch, msgspec, jaxtyping and the standard library."""
    assert ours(module) - FROM_THE_TOP.get(module, set()) <= INSIDE
    assert packages(module) <= INSIDE_PACKAGES | set(sys.stdlib_module_names)


def test_dask_waits_until_it_is_asked_for():
    """Only the cluster imports it, nothing imports the cluster when it starts, and the cluster not torch."""
    assert [module for module in ORDER if {"dask", "distributed"} & packages(module)] == ["cluster"]
    first = {
        module: {node.module for node in TREES[module].body if isinstance(node, ast.ImportFrom)} for module in ORDER
    }
    assert not [module for module in ORDER if "headcheck.cluster" in first[module]]
    assert {name for name in first["cluster"] if name.startswith("headcheck")} == {"headcheck.errors"}


def test_hypothesis_stays_out_of_what_students_reach():
    """The worker's side knows nothing of properties, references or graders."""
    assert not INSIDE & {"properties", "course", "grading", "strategies", "compare", "results"}
