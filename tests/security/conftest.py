"""The attackers' class: every hostile submission of `attacks/` beside correct ones, graded by the real command.

A file of `attacks/` holds variants of one attack, each below a line such as

    # --- in_a_call: crashed, rows_sum_to_one=passed

which names it and says how it must end: the status of the exercise, and the outcomes of some properties. `refused` is
for acts: every function without an underscore is tried, a right answer follows, and how each went is printed.
`in pooling` attacks the second exercise; `beside the reference` does, too, with a first one that earns nothing, so that
the reference stands in for it in the same process. `GOALS` names what there is to attack.

What is no text that a student writes (links, pipes, bombs for the parser, files beside the answer) is in `ODD` below.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headcheck.lockdown import adopt_orphans, landlock_version
from headcheck.sandbox import closed_directories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

collect_ignore = ["course"]  # its assignments are no tests of ours

HERE = Path(__file__).parent
HEADCHECK = str(Path(sys.executable).with_name("headcheck"))
SECRET = "needle-environment-3c98fa10b7d4"
DECOY = b"what must stay as it is: needle-neighbour-aa19c04e6b77\n"
WEIGHTS = """
import torch
def weights(scores, length):
    hidden = torch.arange(scores.shape[1]) >= length
    return scores.masked_fill(hidden, -torch.inf).softmax(-1)
"""
POOLING = """
import torch
from attention.weights import weights
class Pooling(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.width = torch.nn.Parameter(torch.tensor(1.0))
    def forward(self, queries, keys, values, similarity):
        self.attention_weights = weights(self.width * similarity(queries, keys), len(keys))
        return self.attention_weights @ values
def fit(pooling, queries, keys, values, targets, similarity, steps):
    optimizer = torch.optim.SGD(pooling.parameters(), lr=1.0)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(pooling(queries, keys, values, similarity), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""
TRY_THEM = """
def _try_them(acts):
    for name, act in acts.items():
        try:
            done = act()
        except BaseException as error:
            print(f"{name}: refused, {type(error).__name__}: {error}"[:100])
        else:
            print(f"{name}: DONE, {done!r}"[:400])
_try_them({name: act for name, act in list(globals().items()) if getattr(act, "__code__", None) and name in ACTS})
"""
_VARIANT = re.compile(r"^# --- (\w+): ([\w|]+)( in pooling| beside the reference)?((?:, \w+=\w+)*)$", re.MULTILINE)
_ACT = re.compile(r"^def ([a-z]\w*)\(\)", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    """One hostile submission and how it must end."""

    number: int
    name: str
    ends: frozenset[str]
    where: str
    outcomes: dict[str, str]
    text: str
    acts: list[str]

    @property
    def student(self) -> str:
        return f"a{self.number:02}_{self.name}"

    @property
    def exercise(self) -> str:
        return "attention/pooling" if self.where else "attention/weights"

    def files(self, goals: dict[str, Any]) -> dict[str, str]:
        """What is handed in, by slug."""
        head = f"GOALS, ACTS = {goals!r}, {self.acts!r}\n"
        if self.where:
            beside = WEIGHTS if "pooling" in self.where else "def weights(scores, length): pass\n"
            return {"weights": beside, "pooling": head + self.text}
        tail = TRY_THEM + WEIGHTS if self.acts else ""
        return {"weights": head + self.text + tail, "pooling": POOLING}


def read_attacks() -> list[Attack]:
    """All variants of all files, in order."""
    attacks = []
    for path in sorted((HERE / "attacks").glob("*.py")):
        head, *parts = _VARIANT.split(path.read_text())
        for name, ends, where, outcomes, text in zip(*(parts[i::5] for i in range(5)), strict=True):
            wanted = dict(pair.split("=") for pair in (outcomes or "").split(", ")[1:])
            acts = _ACT.findall(text) if ends == "refused" else []
            status = frozenset(("passed" if acts else ends).split("|"))
            number = int(path.name[:2])
            attacks.append(Attack(number, name, status, (where or "").strip(), wanted, head + text, acts))
    return attacks


ATTACKS = read_attacks()
NEIGHBOUR = "zz_neighbour"
WORLDS = ["full", "strong"]
if os.geteuid() == 0:
    WORLDS += ["full as a user", "strong as a user"]  # who shares the number of a user with the workers
USER = 23456


def attacks_in(world: str) -> list[Attack]:
    """All of them; as an ordinary user those that a shared user might help."""
    return [attack for attack in ATTACKS if attack.acts or attack.number in (10, 15) or world in ("full", "strong")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is handed in, in every world."""
    attacks = [(world, attack) for world in WORLDS for attack in attacks_in(world)]
    handed_in = {
        "attack": attacks,
        "list_of_acts": [(world, attack) for world, attack in attacks if attack.acts],
        "failing": [(world, attack) for world, attack in attacks if not attack.where and "passed" not in attack.ends],
        "odd": [(world, odd) for world in WORLDS[:2] for odd in ODD],
    }
    for argument, pairs in handed_in.items():
        if argument in metafunc.fixturenames:
            names = [f"{world}-{each.student}" for world, each in pairs]
            metafunc.parametrize(("graded", argument), pairs, indirect=["graded"], ids=names)
            return
    if "graded" in metafunc.fixturenames:
        metafunc.parametrize("graded", WORLDS, indirect=True)


def require(condition: bool, reason: str) -> None:
    """Skip on a machine that lacks something; under CI that is a failure."""
    if not condition:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


class World:
    """What there is to attack, readable and writable for everybody, in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.submitted, self.results, self.home = root / "submitted", root / "results", root / "home"
        self.gradebook, self.course, self.marker = root / "gradebook.db", root / "course", root / "marker"
        shutil.copytree(HERE / "course", self.course, ignore=shutil.ignore_patterns("__pycache__"))
        for decoy in (self.gradebook, self.home / ".profile", self.submitted / "decoy" / "attention" / "notes.py"):
            decoy.parent.mkdir(parents=True, exist_ok=True)
            decoy.write_bytes(DECOY)
        self.results.mkdir()
        self._listeners = {
            "tcp": socket.socket(),
            "udp": socket.socket(type=socket.SOCK_DGRAM),
            "unix": socket.socket(socket.AF_UNIX),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        addresses = {
            "tcp": ("127.0.0.1", 0), "udp": ("127.0.0.1", 0),
            "unix": str(root / "unix"), "abstract": f"\0headcheck-{root.name}",
        }  # fmt: skip
        for name, listener in self._listeners.items():
            listener.bind(addresses[name])
            listener.setblocking(False)
            if name != "udp":
                listener.listen()

    def goals(self, grader: int) -> dict[str, Any]:
        """Paths, ports and processes, as the attackers know them."""
        return {
            "world": str(self.root), "course": str(self.course), "submitted": str(self.submitted),
            "results": str(self.results), "home": str(self.home), "gradebook": str(self.gradebook),
            "marker": str(self.marker), "neighbour": str(self.submitted / "decoy" / "attention" / "notes.py"),
            "reference": str(self.course / "reference" / "attention" / "weights.py"),
            "hidden": str(self.course / "graders" / "attention" / "weights" / "hidden.py"),
            "tcp": self._listeners["tcp"].getsockname()[1], "udp": self._listeners["udp"].getsockname()[1],
            "unix": str(self.root / "unix"), "abstract": f"headcheck-{self.root.name}", "grader": grader,
        }  # fmt: skip

    def heard(self) -> list[str]:
        """The listeners to whom somebody has spoken."""
        heard = []
        for name, listener in self._listeners.items():
            with contextlib.suppress(BlockingIOError):
                listener.recv(1) if name == "udp" else listener.accept()
                heard.append(name)
        return heard

    def hand_in(self, student: str, files: dict[str, str]) -> None:
        """Lay a submission out."""
        section = self.submitted / student / "attention"
        section.mkdir(parents=True, exist_ok=True)
        for slug, text in files.items():
            (section / f"{slug}.py").write_text(text, encoding="utf-8", errors="surrogatepass")

    def hand_in_all(self, grader: int, attacks: list[Attack], odd: list[Odd]) -> None:
        """Every attack, and after each of their numbers somebody who is right."""
        for attack in attacks:
            self.hand_in(attack.student, attack.files(self.goals(grader)))
        for each in odd:
            self.hand_in(each.student, {"pooling": POOLING})
            each.lay_out(self, self.submitted / each.student / "attention")
        for number in {each.number for each in (*attacks, *odd)}:
            texts = {"weights": f"# {number}\n{WEIGHTS}", "pooling": f"# {number}\n{POOLING}"}
            self.hand_in(f"a{number:02}_{NEIGHBOUR}", texts)

    def open_to_everybody(self, owner: int) -> None:
        """No mode of a file protects anything here."""
        for path in (self.root, *self.root.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o777 if path.is_dir() else 0o666)
            if os.geteuid() == 0:
                os.chown(path, owner, owner, follow_symlinks=False)

    def snapshot(self) -> dict[str, tuple[int, int, bytes]]:
        """Every file but the results: its mode, its time of change, its bytes."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            status = path.lstat()
            if self.results not in path.parents and path != self.results:
                small = path.is_file() and not path.is_symlink() and status.st_size < 2**20
                data = path.read_bytes() if small else b""
                found[str(path)] = (status.st_mode, status.st_mtime_ns, data)
        return found

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        shutil.rmtree(self.root)


@dataclass(frozen=True)
class Odd:
    """What is handed in as `weights.py`, or beside it, and how that must end; nobody's `pooling` suffers from it."""

    number: int
    name: str
    ends: frozenset[str]
    lay_out: Callable[[World, Path], object]
    reason: str = ""

    @property
    def student(self) -> str:
        return f"a{self.number:02}_{self.name}"


def no_file(name: str, lay_out: Callable[[World, Path], object], reason: str = "not a plain file") -> Odd:
    """39: something that is no plain file is refused, and not opened."""
    return Odd(39, name, frozenset({"missing"}), lay_out, reason)


def text(name: str, content: bytes, number: int = 40) -> Odd:
    """40: what the parser cannot take costs its own exercise, wherever it is parsed."""
    ends = frozenset({"failed", "crashed", "timeout"})
    return Odd(number, name, ends, lambda _, section: (section / "weights.py").write_bytes(content))


def beside(name: str) -> Odd:
    """42: files that Python or a test runner would read by themselves, in both places, are ignored."""

    def lay_out(world: World, section: Path) -> None:
        trap = f"open({str(world.marker)!r}, 'w'); raise SystemExit\n"
        (section / "weights.py").write_text(f"# {name}\n{WEIGHTS}")
        for directory in (section, section.parent):
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"import os; {trap}" if name.endswith(".pth") else trap)

    return Odd(42, re.sub(r"\W", "_", name), frozenset({"passed"}), lay_out)


def notebook(name: str, *cells: Any, ends: str = "passed", **other: Any) -> Odd:
    """41: a notebook is read where the submission is, and never run; `other` is what else it holds, or all of it."""

    def lay_out(world: World, section: Path) -> None:
        trap = f"open({str(world.marker)!r}, 'w')"
        texts = [cell.replace("TRAP", trap) if isinstance(cell, str) else cell for cell in cells]
        whole = [cell if isinstance(cell, dict) else code_cell(cell) for cell in texts]
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": whole} | other
        data = content.get("bytes") or json.dumps(content).encode()
        (section / "attention.ipynb").write_bytes(data)

    return Odd(41, name, frozenset({ends}), lay_out)


def code_cell(source: Any, **other: Any) -> dict[str, Any]:
    """A code cell as Jupyter saves one."""
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source} | other


def notebook_is_a_link(world: World, section: Path) -> None:
    """To a reference, which is no notebook; it must not even be opened."""
    (section / "attention.ipynb").symlink_to(world.root / RIGHT)


def replaced_by_a_link(_world: World, section: Path) -> None:
    """The whole section is the reference's directory."""
    shutil.rmtree(section)
    section.symlink_to(_world.course / "reference" / "attention")


def a_student_who_is_a_link(world: World, section: Path) -> None:
    """The whole student is."""
    shutil.rmtree(section.parent)
    section.parent.symlink_to(world.course / "reference")


def device(_world: World, section: Path) -> None:
    """Where one can be made; otherwise a link to one."""
    try:
        os.mknod(section / "weights.py", 0o020666, os.makedev(1, 5))
    except PermissionError:
        (section / "weights.py").symlink_to("/dev/zero")


def sparse(_world: World, section: Path) -> None:
    """One gigabyte that takes no room."""
    (section / "weights.py").touch()
    os.truncate(section / "weights.py", 10**9)


def pipe_socket(_world: World, section: Path) -> None:
    """A socket, bound by a short relative name."""
    here = Path.cwd()
    os.chdir(section)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("weights.py")
    os.chdir(here)


RIGHT = "course/reference/attention/weights.py"
ODD = [
    no_file("link", lambda world, at: (at / "weights.py").symlink_to(world.root / RIGHT)),
    no_file("link_by_dots", lambda _, at: (at / "weights.py").symlink_to(f"../../../{RIGHT}")),
    no_file("link_to_a_device", lambda _, at: (at / "weights.py").symlink_to("/dev/zero")),
    no_file("link_to_itself", lambda _, at: (at / "weights.py").symlink_to("weights.py")),
    no_file("link_into_proc", lambda _, at: (at / "weights.py").symlink_to("/proc/self/environ")),
    no_file("hard_link", lambda world, at: os.link(world.root / RIGHT, at / "weights.py"), "hard link"),
    no_file("pipe", lambda _, at: os.mkfifo(at / "weights.py")),
    no_file("socket", pipe_socket),
    no_file("device", device),
    no_file("directory", lambda _, at: (at / "weights.py").mkdir()),
    no_file("sparse_gigabyte", sparse, "larger than"),
    no_file("too_large", lambda _, at: (at / "weights.py").write_text("#" * 300_000 + WEIGHTS), "larger than"),
    no_file("section_is_a_link", replaced_by_a_link, "not a plain directory"),
    no_file("student_is_a_link", a_student_who_is_a_link, "not a plain directory"),
    text("nesting", b"x = " + b"(" * 100_000 + b")" * 100_000),
    text("lists_in_lists", b"x = " + b"[" * 90 + b"]" * 90 + b"\nx" + b"[0]" * 60_000),
    text("sum_of_many", b"x = " + b"1+" * 100_000 + b"1"),
    text("signs", b"x = " + b"-" * 200_000 + b"1"),
    text("attributes", b"x = x" + b".a" * 100_000),
    text("lambdas", b"x = " + b"lambda:" * 30_000 + b"0"),
    text("comparisons", b"x = " + b"1<" * 100_000 + b"2"),
    text("indentation", b"".join(b" " * depth + b"if 1:\n" for depth in range(600)) + b" " * 600 + b"pass"),
    text("not_python", b"this is not Python"),
    text("zero_bytes", b"x = 1\0\n" + WEIGHTS.encode()),
    text("unknown_encoding", b"# coding: nonsense\n" + WEIGHTS.encode()),
    text("wrong_encoding", b"# coding: ascii\nx = '\xff\xfe'\n"),
    text("utf_16", WEIGHTS.encode("utf-16")),
    text("huge_number", b"x = " + b"9" * 250_000),
    text("power", b"x = 10 ** 10 ** 10"),
    text("folded_text", b"x = ('x' * 4000) * 4000 * 4000 * 4000"),
    text("formats_in_formats", b"x = f'" + b"{'" * 20_000),
    text("many_arguments", b"def weights(" + b",".join(b"a%d" % n for n in range(30_000)) + b"): pass"),
    text("empty", b""),
    no_file("notebook_is_a_link", notebook_is_a_link),
    notebook("shell", "!touch MARKER; TRAP", "x = !id\n%%bash\nrm -rf /", f"%run x\n!id\n{WEIGHTS}"),
    notebook("acts", "TRAP", f"{WEIGHTS}", "raise SystemExit"),
    notebook("foreign_kernel", WEIGHTS, metadata={"kernelspec": {"name": "bash", "argv": ["rm", "-rf", "/"]}}),
    notebook("nothing_but_text", {"cell_type": "markdown", "source": WEIGHTS}, ends="missing"),
    notebook("hidden_cell", code_cell(WEIGHTS, metadata={"jupyter": {"source_hidden": True}})),
    notebook("one_id_twice", *(code_cell(text, id="attention-weights-code") for text in ("def weights(): 1", WEIGHTS))),
    notebook("forged_id", code_cell(WEIGHTS, id="attention-pooling-code"), code_cell("", id="attention-weights-code")),
    notebook("claims_points", code_cell(WEIGHTS, outputs=[{"output_type": "stream", "text": "passed 99 of 9"}])),
    notebook("huge_outputs", code_cell(WEIGHTS, outputs=[{"output_type": "stream", "text": "x" * 3_000_000}])),
    notebook("many_cells", *(code_cell(f"x{i} = {i}") for i in range(2_000)), WEIGHTS),
    notebook("odd_cells", None, 7, {"cell_type": []}, code_cell(["a", 1, None]), code_cell({"a": 1}), WEIGHTS),
    notebook("no_number", WEIGHTS, metadata={"x": float("nan"), "y": float("inf")}),
    notebook("cells_are_text", ends="missing", cells="weights"),
    notebook("old_format", WEIGHTS, ends="missing", nbformat=3),
    notebook("deep", ends="missing", bytes=b"[" * 100_000 + b"]" * 100_000),
    notebook("not_json", ends="missing", bytes=b"\x89PNG\r\n"),
    notebook("long_number", ends="missing", bytes=b'{"cells": ' + b"9" * 100_000 + b"}"),
    notebook("too_large", ends="missing", bytes=b" " * 5_000_000),
    notebook("bomb_in_a_cell", "x = " + "(" * 50_000, "y = " + "-" * 100_000 + "1", "z = 0\0", WEIGHTS),
    notebook("other_peoples_imports", f"from attention import reference\n{WEIGHTS}", ends="failed"),
    text("pickle", pickle.dumps({"weights": 1}), 43),
    *map(beside, (
        "torch.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "x.pth", "__init__.py", "headcheck.py",
        "msgspec/__init__.py", ".hypothesis/examples", "pyproject.toml", "pooling.pyc", "headcheck/worker.py",
    )),
]  # fmt: skip


@dataclass
class Graded:
    """What the command left: results, everything that it wrote, and what has changed around it."""

    level: str
    world: World
    exit_code: int
    stdout: bytes
    stderr: bytes
    changed: list[str]
    survivors: set[int]
    results: dict[str, dict[str, Any]]

    def exercise(self, student: str, name: str) -> dict[str, Any]:
        """The result of one exercise."""
        return next(each for each in self.results[student]["exercises"] if each["exercise"] == name)

    def written(self) -> dict[str, bytes]:
        """All bytes that the command wrote, by where."""
        files = {str(path): path.read_bytes() for path in self.world.results.rglob("*") if path.is_file()}
        return files | {"standard output": self.stdout, "standard error": self.stderr}


def descendants(pid: int) -> set[int]:
    """The processes below this one that have not ended."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(path.parent.name)] = int(parent)
    found = {pid}
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {pid}


def environment(world: World, level: str) -> dict[str, str]:
    """That of an instructor with a secret; without bubblewrap on the PATH the level is `strong`."""
    empty = world.root / "bin"
    empty.mkdir(exist_ok=True)
    path = os.environ["PATH"] if level == "full" else str(empty)
    return {"PATH": path, "HOME": str(world.home), "HEADCHECK_SECRET": SECRET, "LANG": "C.UTF-8"}


@contextlib.contextmanager
def a_world() -> Iterator[World]:
    """Beside the other temporary files, so that `nobody` may go there."""
    world = World(Path(tempfile.mkdtemp(prefix="headcheck-world-")))
    try:
        yield world
    finally:
        world.close()


@pytest.fixture
def world() -> Iterator[World]:
    """One that nobody has handed anything in to."""
    with a_world() as world:
        yield world


@pytest.fixture
def environment_of(world: World) -> Callable[[str], dict[str, str]]:
    """That of an instructor in this world, by the strongest level that it allows."""
    return lambda level: environment(world, level)


def as_a_user(command: list[str]) -> list[str]:
    """The command run by an ordinary user, who may enter the directories on the way to Python."""
    closed = closed_directories()
    paths = (sys.prefix, sys.base_prefix, str(HERE.parents[1]))
    hidden = {Path(path) for path in paths if any(Path(each) in Path(path).parents for each in closed)}
    parents = sorted({parent for path in hidden for parent in path.parents} - {Path("/")})
    words = [word for path in closed for word in ("--perms", "0755", "--tmpfs", path)]
    words += [word for path in parents for word in ("--perms", "0755", "--dir", str(path))]
    words += [word for path in sorted(hidden) for word in ("--ro-bind", str(path), str(path))]
    capabilities = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    user = [shutil.which("setpriv"), f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all"]
    return [shutil.which("bwrap"), "--dev-bind", "/", "/", *words, *capabilities, "--", *user, *command]


def grade_class(name: str, world: World) -> Graded:
    """Hand everything in, run the command, and look at what it left."""
    level, _, user = name.partition(" ")
    command = [HEADCHECK, "--course", world.course, "grade", world.submitted, "-o", world.results, "--jobs", "2"]
    waiting = ["/bin/sh", "-c", 'read go && exec "$@"', "sh", *map(str, command)]  # the attackers know its number
    env = environment(world, level)
    before = descendants(os.getpid())
    grader = subprocess.Popen(
        as_a_user(waiting) if user else waiting,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
    )  # fmt: skip
    world.hand_in_all(grader.pid, attacks_in(name), [] if user else ODD)
    world.open_to_everybody(USER if user else 0)
    snapshot = world.snapshot()
    stdout, stderr = grader.communicate(b"go\n", timeout=1200)
    time.sleep(0.5)  # what shall be gone may still be dying
    after = world.snapshot()
    changed = [path for path in snapshot | after if snapshot.get(path) != after.get(path)]
    survivors = descendants(os.getpid()) - before
    results = {path.parent.name: json.loads(path.read_bytes()) for path in world.results.glob("[!.]*/attention.json")}
    return Graded(level, world, grader.returncode, stdout, stderr, changed, survivors, results)


@pytest.fixture(scope="session")
def classes() -> Iterator[Callable[[str], Graded]]:
    """The class in each of the worlds, graded once."""
    adopt_orphans()
    with contextlib.ExitStack() as worlds:
        yield functools.cache(lambda name: grade_class(name, worlds.enter_context(a_world())))


@pytest.fixture
def graded(request: pytest.FixtureRequest, classes: Callable[[str], Graded]) -> Graded:
    """The class in one of the worlds, where this machine has it."""
    name: str = request.param
    require(sys.platform == "linux", "the locks are Linux's")
    require(name == "strong" or shutil.which("bwrap") is not None, "bubblewrap is missing")
    require("user" not in name or shutil.which("setpriv") is not None, "util-linux is missing: it brings setpriv")
    require("strong" not in name or landlock_version() > 0, "this kernel has no Landlock")
    found = classes(name)
    require(bool(found.results), f"nothing was graded here: {found.stderr.decode()}")
    levels = {result["sandbox"] for result in found.results.values()}
    require(levels == {found.level}, f"no sandbox of this level here: {found.stderr.decode()}")
    return found
