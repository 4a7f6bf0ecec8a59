"""A grade that no submission can forge: every attack ends as it must, and costs nobody else anything.

The numbers are those of the threat model's table of attacks; the class is laid out and graded in `conftest`.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from headcheck.audit import BANK

COURSE = Path(__file__).parent / "course"
TO_STRONG = {"a05_look": {"stat", "access"}}  # what level `strong` does not refuse, as the threat model says
LIMIT = 1024 * 1024


def needles() -> list[bytes]:
    """Whatever is hidden in the course, in the environment and with a neighbour."""
    texts = [path.read_bytes() for tree in ("reference", "graders") for path in (COURSE / tree).rglob("*.py")]
    texts.append((Path(__file__).parent / "conftest.py").read_bytes())
    return sorted({needle for text in texts for needle in re.findall(rb"needle-[a-z]+-[0-9a-f]{12}", text)})


def disguises(needle: bytes) -> list[bytes]:
    """The ways in which a needle may be written."""
    text = needle.decode()
    shifted = [base64.b64encode(b"x" * shift + needle)[4:-4] for shift in range(3)]
    numbers = " ".join(str(byte) for byte in needle).encode()
    return [
        needle, needle[::-1], needle.upper(), needle.hex().encode(), needle.hex().upper().encode(), *shifted, numbers,
        text.encode("utf-16-le"), text.encode("utf-16-be"), text.replace("-", "_").encode(),
    ]  # fmt: skip


def outcomes(exercise) -> dict[str, str]:
    """What became of each property."""
    return {prop["name"]: prop["outcome"] for prop in exercise["properties"]}


def test_an_attack_ends_as_it_must(graded, attack):
    """With its status, with the outcomes that matter, and without full marks unless the answer is right."""
    exercise = graded.exercise(attack.student, attack.exercise)
    assert exercise["status"] in attack.ends, exercise
    assert outcomes(exercise).items() >= attack.outcomes.items()
    assert (exercise["points"] == exercise["max_points"]) == (exercise["status"] == "passed")


def test_what_is_tried_is_refused(graded, list_of_acts):
    """Act by act, as the submission itself reports."""
    lines = graded.exercise(list_of_acts.student, "attention/weights")["printed"].splitlines()
    tried = dict(line.split(": ", 1) for line in lines if ": " in line)
    allowed = TO_STRONG.get(list_of_acts.student, set()) if graded.level == "strong" else set()
    assert {act for act in list_of_acts.acts if not tried[act].startswith("refused")} == allowed, tried


def test_an_attack_costs_only_its_own_exercise(graded, failing):
    """The same student's other one, which is right, has full marks."""
    other = graded.exercise(failing.student, "attention/pooling")
    assert (other["status"], other["points"]) == ("passed", other["max_points"])


def test_what_is_no_plain_text_ends_as_it_must(graded, odd):
    """Refused with its reason, or parsed where it costs only itself."""
    exercise = graded.exercise(odd.student, "attention/weights")
    assert exercise["status"] in odd.ends, exercise
    assert odd.reason in "".join(exercise["notes"])
    if (graded.world.submitted / odd.student / "attention" / "pooling.py").is_file() and "link" not in odd.reason:
        assert odd.name.endswith("is_a_link") or graded.exercise(odd.student, "attention/pooling")["status"] == "passed"


def test_neighbours_have_full_marks(graded):
    """Whoever is graded after whatever."""
    neighbours = {name: result for name, result in graded.results.items() if "neighbour" in name}
    assert len(neighbours) > 10
    assert [name for name, result in neighbours.items() if result["points"] != result["max_points"]] == []


def test_everybody_has_a_status_and_nothing_is_broken(graded):
    """No attack passes for a failure of headcheck's own, which would cost the attacker nothing."""
    students = {path.name for path in graded.world.submitted.iterdir()}
    found = {name: [each["status"] for each in result["exercises"]] for name, result in graded.results.items()}
    assert found.keys() == students
    assert [name for name, statuses in found.items() if "broken" in statuses] == []
    assert (graded.exit_code, b"broken" in graded.stderr) == (0, False)


@pytest.mark.parametrize("needle", needles(), ids=lambda needle: needle.decode().split("-")[1])
def test_no_needle_is_in_anything_that_is_written(graded, needle):
    """In no result, page, table, cache or output; not in base64, hexadecimal, backwards, UTF-16 or as numbers."""
    for where, data in graded.written().items():
        numbers = re.sub(rb"[\s,]+", b" ", data)
        assert [text for text in disguises(needle) if text in data or text in numbers] == [], where


def test_there_is_something_to_find():
    """The needles that are looked for are those of every kind of hidden file."""
    kinds = {needle.decode().split("-")[1] for needle in needles()}
    assert kinds == {"reference", "pooling", "hidden", "misconception", "environment", "neighbour"}


def test_nothing_is_left_running(graded):
    """No worker, no orphan, no sandbox."""
    assert graded.survivors == set()


def test_nothing_outside_has_changed(graded):
    """Bytes, modes and times of submissions, gradebook, home and course; and nothing new."""
    assert graded.changed == []
    assert not graded.world.marker.exists()


def test_nobody_was_spoken_to(graded):
    """Over TCP, UDP, a path, or an abstract name."""
    assert graded.world.heard() == []


def test_what_is_written_stays_small(graded):
    """However much a submission prints, raises or returns."""
    assert [where for where, data in graded.written().items() if len(data) > LIMIT] == []


def test_no_exercise_takes_longer_than_it_may(graded):
    """Twelve seconds of its own, and what the grader needs to say so."""
    seconds = {
        (name, each["exercise"]): each["seconds"]
        for name, result in graded.results.items()
        for each in result["exercises"]
    }
    assert [who for who, used in seconds.items() if used > 30] == []


def test_what_a_timeout_used_is_said(graded):
    """Seconds of the clock and of the processor, as the kernel counts them."""
    spins = [name for name in graded.results if name in ("a13_spin", "a13_sleep", "a13_spin_in_one_call_of_C")]
    for name in spins:
        message = graded.exercise(name, "attention/weights")["properties"][0]["message"]
        used = re.match(r"no answer within 2 s \((\d+\.\d) s of CPU used\)", message)
        assert used
        assert name != "a13_sleep" or float(used[1]) < 0.5


def test_threads_are_few(graded):
    """Long before the machine runs out of numbers for them."""
    message = graded.exercise("a15_threads", "attention/weights")["properties"][0]["message"]
    assert "few threads: can't start new thread" in message


def test_33_empty_answers_are_put_to_every_grader():
    """By the audit, and for every exercise by `tests/content/test_audit.py`; here only that the bank holds them."""
    assert set(BANK) >= {"constant", "identity", "last_answer", "memoised_by_shape"}
