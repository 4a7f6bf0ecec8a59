"""Results on disk: whole or not at all."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace

import pytest

from headcheck import archive
from headcheck.archive import (
    CACHE,
    PART,
    held,
    read_sections,
    recall,
    remember,
    result_key,
    with_others,
    write_atomically,
    write_section,
)
from headcheck.errors import HeadcheckError, ResultsError
from headcheck.results import ExerciseResult, section_result

EXERCISE = ExerciseResult("s/a", "passed", 1.0, 1.0, 0.1, None, [])
KEY = "ab" * 32


def section(student, name="s"):
    """One section of one student."""
    return section_result(student, name, "full", 0, [EXERCISE])


def test_a_file_is_written_whole_and_readable(tmp_path):
    """With the directories above it, in place of an old one, and with nothing left beside it."""
    path = tmp_path / "a" / "b.json"
    for data in (b"old", b"new"):
        write_atomically(path, data)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    """The old content stays, and no temporary file; the message says what it was and how to go on."""
    path = tmp_path / "taken"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"taken could not be written \(Is a directory\).*run the same command"):
        write_atomically(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_what_a_killed_process_had_begun_to_write_is_removed(tmp_path):
    """Of an earlier run, and of this one; everything else stays."""
    half, whole = tmp_path / "amber" / f".tiny.json.x{PART}", tmp_path / "amber" / "tiny.json"
    write_atomically(whole, b"{}")
    half.write_bytes(b"{")
    with held(tmp_path):
        assert not half.exists()
        half.write_bytes(b"{")
    assert not half.exists()
    assert whole.read_bytes() == b"{}"


def test_two_runs_do_not_write_to_one_directory(tmp_path, monkeypatch):
    """The second waits a little and then says so; when the first has ended, it may."""
    monkeypatch.setattr(archive, "PATIENCE", 0.2)
    with (
        held(tmp_path),
        pytest.raises(ResultsError, match=r"another `headcheck grade` writes to .*: wait until it has ended"),
        held(tmp_path),
    ):
        pass
    with held(tmp_path):
        pass


def test_a_directory_that_cannot_be_written_is_said_at_once(tmp_path):
    """Before anything is graded."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"lock could not be written \(Not a directory\)"), held(tmp_path / "file"):
        pass


def test_sections_are_read_back_by_student_and_section(tmp_path):
    """As they were written, in order."""
    results = [section("amber", "b"), section("amber", "a"), section("Zoë", "a")]
    for result in results:
        write_section(tmp_path, result)
    in_order = sorted(results, key=lambda result: (result.student, result.section))
    assert read_sections(tmp_path) == in_order
    assert read_sections(tmp_path, lambda paths: list(paths)[1:]) == in_order[1:]


def test_what_was_not_graded_now_stays_beside_what_was(tmp_path):
    """In the order of the section and with their points added up; of an exercise that is gone nothing stays."""
    one, two, gone = (replace(EXERCISE, exercise=name) for name in ("s/one", "s/two", "s/gone"))
    better = replace(one, points=0.5)
    write_section(tmp_path, section_result("amber", "s", "full", 0, [gone, one, two]))
    graded = section_result("amber", "s", "full", 0, [better])
    together = section_result("amber", "s", "full", 0, [better, two])
    assert with_others(tmp_path, graded, ["s/one", "s/two"]) == together
    assert together.points == 1.5
    for other in (replace(graded, seed=1), replace(graded, sandbox="strong"), replace(graded, student="bruno")):
        assert with_others(tmp_path, other, ["s/one", "s/two"]) == other
    (tmp_path / "amber" / "s.json").write_text("{")
    assert with_others(tmp_path, together, ["s/one", "s/two"]) == together
    with pytest.raises(HeadcheckError, match=r"s\.json"):
        with_others(tmp_path, graded, ["s/one", "s/two"])


def test_the_cache_is_not_read_as_results(tmp_path):
    """Its files are no student's."""
    write_section(tmp_path, section("amber"))
    remember(tmp_path, KEY, EXERCISE)
    write_atomically(tmp_path / CACHE / "x.json", b"{}")
    assert read_sections(tmp_path) == [section("amber")]


def test_no_results_is_an_error_that_says_how_to_make_some(tmp_path):
    """An empty or absent directory."""
    with pytest.raises(HeadcheckError, match="headcheck grade SUBMITTED"):
        read_sections(tmp_path / "absent")


def test_a_damaged_result_is_an_error_that_names_the_file(tmp_path):
    """Half a file is not skipped."""
    write_section(tmp_path, section("amber"))
    path = tmp_path / "amber" / "s.json"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(HeadcheckError, match=r"amber/s\.json is not a result"):
        read_sections(tmp_path)


def test_a_result_is_recalled_by_its_key(tmp_path):
    """And no other one."""
    remember(tmp_path, KEY, EXERCISE)
    assert recall(tmp_path, KEY) == EXERCISE
    assert recall(tmp_path, "cd" * 32) is None


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xff", b'{"exercise": "\xff"}'])
def test_a_damaged_memory_counts_as_none(tmp_path, data):
    """The exercise is graded again."""
    remember(tmp_path, KEY, EXERCISE)
    write_atomically(tmp_path / CACHE / KEY[:2] / f"{KEY}.json", data)
    assert recall(tmp_path, KEY) is None


BASE = {"fingerprint": "f", "sources": {"s.a": b"1", "s.b": b"2"}, "seed": 0, "level": "full"}


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "g"},
        {"seed": 1},
        {"level": "process"},
        {"sources": {"s.a": b"1"}},
        {"sources": {"s.a": b"2", "s.b": b"1"}},
        {"sources": {"s.a": b"12", "s.b": b""}},
    ],
)
def test_the_key_follows_all_that_decides_a_result(change):
    """Graders, seed, sandbox, and every file of the submission."""
    assert result_key(**BASE) != result_key(**{**BASE, **change})


@pytest.fixture
def read_again():
    """Versions are read once a process."""
    archive._versions.cache_clear()
    yield archive._versions.cache_clear
    archive._versions.cache_clear()


@pytest.mark.parametrize("name", archive.LIBRARIES)
def test_the_key_follows_what_is_graded_with(tmp_path, monkeypatch, read_again, name):
    """Another torch may round otherwise, another Hypothesis draw otherwise: what they gave is not recalled."""
    before = result_key(**BASE)
    (tmp_path / f"{name}-0.1.dist-info").mkdir()
    (tmp_path / f"{name}-0.1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    read_again()
    assert result_key(**BASE) != before


def test_the_key_follows_the_python(monkeypatch, read_again):
    """Its first two numbers: the third one only mends faults."""
    keys = []
    for numbers in (("3", "11", "4"), ("3", "11", "9"), ("3", "12", "9")):
        monkeypatch.setattr(platform, "python_version_tuple", lambda numbers=numbers: numbers)
        read_again()
        keys.append(result_key(**BASE))
    assert [key == keys[0] for key in keys] == [True, True, False]


def test_the_key_imports_nothing():
    """It takes seconds to import torch, and what is recalled needs none."""
    asked = "import sys; from headcheck.archive import result_key as key; key('f', {}, seed=0, level='full')"
    subprocess.run(
        [sys.executable, "-c", f"{asked}; assert not {{'torch', 'hypothesis'}} & {{*sys.modules}}"], check=True
    )


def test_the_key_does_not_follow_the_order_of_files():
    """Equal submissions are graded once."""
    assert result_key(**{**BASE, "sources": {"s.b": b"2", "s.a": b"1"}}) == result_key(**BASE)
