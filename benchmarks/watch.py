"""From a save to the feedback: `check --watch` as a student runs it, with right and wrong versions in turn.

    python benchmarks/watch.py [--saves 50]

Prints, for each exercise, the seconds of a cold `headcheck check` and the median and 95th percentile of the saves.
"""

from __future__ import annotations

import argparse
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from headcheck.beginning import write_copy
from headcheck.course import read_course

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0
END = b"passed."  # of the line that counts the checks


class Subject(NamedTuple):
    """An exercise, and the change that makes its reference wrong."""

    exercise: str
    right: str
    wrong: str


SUBJECTS = [
    Subject("scoring/masked_softmax", "-torch.inf", "0.0"),
    Subject("multihead/multi_head_attention", "repeat_interleave(self.num_heads, dim=0)", "repeat(self.num_heads)"),
]


def main() -> None:
    """Both exercises, in a student's copy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--saves", type=int, default=50)
    saves = parser.parse_args().saves
    course = read_course(ROOT)
    print("| exercise | cold check | save to feedback, median | 95th percentile |\n| --- | ---: | ---: | ---: |")
    for subject in SUBJECTS:
        with tempfile.TemporaryDirectory() as directory:
            copy = write_copy(course, Path(directory, "copy"), "py")
            exercise = copy.exercise(subject.exercise)
            for used in copy.with_used([exercise]):
                used.stub.write_bytes(course.exercise(used.id).reference.read_bytes())
            right = exercise.stub.read_text()
            wrong = right.replace(subject.right, subject.wrong)
            if wrong == right:
                raise SystemExit(f"{subject.exercise}: its reference has no {subject.right!r} any more")
            started = time.perf_counter()
            subprocess.run(_command(copy.root, subject.exercise), cwd=copy.root, check=True, capture_output=True)
            cold = time.perf_counter() - started
            seconds = sorted(_watched(copy.root, subject.exercise, exercise.stub, [wrong, right], saves))
            p95 = seconds[min(round(0.95 * len(seconds)), len(seconds) - 1)]
            print(
                f"| `{subject.exercise}` | {cold:.1f} s | {statistics.median(seconds):.2f} s | {p95:.2f} s |",
                flush=True,
            )


def _watched(root: Path, exercise: str, file: Path, versions: list[str], saves: int) -> list[float]:
    """The seconds from each save to the end of its feedback."""
    command = [*_command(root, exercise), "--watch"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
        said: queue.Queue[tuple[float, bytes]] = queue.Queue()
        for pipe in (watching.stdout, watching.stderr):
            threading.Thread(target=_listen, args=(pipe, said), daemon=True).start()
        try:
            _wait(said, b"watching")
            time.sleep(1.0)  # until it does watch
            seconds = []
            for number in range(saves):
                time.sleep(0.2)
                text = f"{versions[number % len(versions)]}\n# {number}\n"
                started = time.perf_counter()
                _save(file, text)
                seconds.append(_wait(said, END) - started)
            return seconds
        finally:
            watching.kill()


def _listen(pipe, said: queue.Queue[tuple[float, bytes]]) -> None:
    for line in pipe:
        said.put((time.perf_counter(), line))


def _wait(said: queue.Queue[tuple[float, bytes]], text: bytes) -> float:
    """When a line with that text came."""
    while True:
        moment, line = said.get(timeout=PATIENCE)
        if text in line:
            return moment


def _save(file: Path, text: str) -> None:
    """As editors do: a new file in the place of the old one."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def _command(root: Path, exercise: str) -> list[str]:
    return [sys.executable, "-m", "headcheck.cli", "--course", os.fspath(root), "check", exercise]


if __name__ == "__main__":
    main()
