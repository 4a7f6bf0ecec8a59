"""What happens before anybody is graded: who is who (attack 44), and whether the machine can lock them in (46)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

RIGHT = "def weights(scores, length):\n    return scores[:, :length].softmax(-1)\n"
NO_FILTER = "import sys; sys.modules['pyseccomp'] = None; from headcheck.cli import run; run()"
NO_LANDLOCK = (
    "from headcheck import sandbox; sandbox.landlock_version = lambda: 0; from headcheck.cli import run; run()"
)
PLAIN = "from headcheck.cli import run; run()"


def grade(world, program, *options, environment):
    """The real command, with something missing."""
    arguments = ["--course", world.course, "grade", world.submitted, "-o", world.results, *options]
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("program", "level", "missing"),
    [(NO_FILTER, "full", "install the package libseccomp2"), (NO_LANDLOCK, "strong", "install the package bubblewrap")],
    ids=["no_filter", "neither_namespaces_nor_landlock"],
)
def test_46_a_machine_that_cannot_lock_anybody_in_grades_nobody(world, environment_of, program, level, missing):
    """It says what is missing, and by which package it comes; nothing is written."""
    world.hand_in("amber", {"weights": RIGHT})
    done = grade(world, program, environment=environment_of(level))
    assert done.returncode == 2
    assert "cannot lock submissions in, so nothing was graded" in done.stderr
    assert missing in " ".join(done.stderr.split())
    assert list(world.results.rglob("*.json")) == []


def test_46_the_risk_can_be_taken_and_is_written_into_every_result(world, environment_of):
    """For one's own work, say."""
    world.hand_in("amber", {"weights": RIGHT})
    world.hand_in("bruno", {"weights": RIGHT + "# bruno\n"})
    done = grade(world, NO_FILTER, "--weak-sandbox", environment=environment_of("full"))
    assert done.returncode == 0, done.stderr
    found = {path.parent.name: json.loads(path.read_bytes()) for path in world.results.glob("[!.]*/*.json")}
    assert {name: result["sandbox"] for name, result in found.items()}.items() >= {
        "amber": "process",
        "bruno": "process",
    }.items()
    assert "sandbox: process" in done.stdout
    assert "Graded in plain processes" in (world.results / "report" / "index.html").read_text()


@pytest.mark.parametrize("names", [("amber", "AMBER"), ("zoë", "zoe\u0308")], ids=["case", "unicode"])
def test_44_two_students_who_may_be_one_are_named_before_anybody_is_graded(world, environment_of, names):
    """On another machine their directories would be one."""
    for name in names:
        world.hand_in(name, {"weights": RIGHT})
    done = grade(world, PLAIN, environment=environment_of("full"))
    assert done.returncode == 2
    assert all(repr(name) in done.stderr for name in names)
    assert list(world.results.rglob("*.json")) == []
