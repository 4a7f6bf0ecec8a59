"""The report on a class of a thousand: seconds to render it, how large its pages are, and how soon Chromium shows them.

    python benchmarks/report.py [--students 1000] [--keep DIRECTORY]

The results are made up: each of the course's properties is passed with a chance that grows with the student's ability,
what fails has a counterexample, every third failure is one of the course's misconceptions, and trainings go as those of
a right model do, with noise. Every page is rendered and written as `headcheck report` does; the seconds are of the CPU.
In Chromium it is the largest page of each kind that is opened; the seconds are those from its start of loading until it
has been read and what is in sight laid out, the median of five.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from headcheck.archive import write_atomically
from headcheck.course import read_course
from headcheck.html import report_pages
from headcheck.properties import load_misconceptions, load_properties, load_right_curves
from headcheck.results import (
    Counterexample,
    Curve,
    Diagnosis,
    ExerciseResult,
    PropertyResult,
    section_result,
    status_of,
)

COURSE = read_course(Path(__file__).parents[1])
ABSENT, HANGS, BROKEN, NAMED = 0.08, 0.01, 0.0005, 1 / 3  # the shares of what is not simply right or wrong
ABSENTEES = 50  # one in so many has handed in nothing at all
LOADS = 5
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,900")
LAID_OUT = """<script>addEventListener('load', () => {
    for (const part of document.querySelectorAll('.block, .wide'))
        if (part.getBoundingClientRect().top < innerHeight) part.style.contentVisibility = 'visible'
    document.body.offsetHeight
    document.documentElement.textContent = `laid out after ${performance.now()} ms`
})</script>"""


class Made:
    """Results of one exercise for students of any ability."""

    def __init__(self, exercise, chance):
        self.exercise, self._chance = exercise, chance
        self._properties = load_properties(COURSE, exercise)
        self._mistakes = [Diagnosis(each.name, each.message) for each in load_misconceptions(COURSE, exercise)]
        self._right = load_right_curves(exercise)
        self._difficulty = chance.gauss(-1.5, 1)

    def result(self, ability):
        """One student's result."""
        chance = self._chance
        lot = chance.random()
        if lot < ABSENT or ability == -math.inf:
            outcomes = ["missing"] * len(self._properties)
        elif lot < ABSENT + BROKEN:
            outcomes = ["broken", *["passed"] * (len(self._properties) - 1)]
        else:
            share = 1 / (1 + math.exp(self._difficulty - ability))
            outcomes = ["passed" if chance.random() < share**0.3 else "failed" for _ in self._properties]
            if lot > 1 - HANGS:
                outcomes[0] = "timeout"
            if any(outcome != "passed" for outcome in outcomes):
                training = [prop.worth.training for prop in self._properties]
                outcomes = ["skipped" if later else outcome for outcome, later in zip(outcomes, training, strict=True)]
        properties = [self._property(*each) for each in zip(self._properties, outcomes, strict=True)]
        status = status_of(properties)
        mistake = None
        if status == "failed" and self._mistakes and chance.random() < NAMED:
            mistake = chance.choice(self._mistakes)
        points, most = (sum(getattr(each, name) for each in properties) for name in ("points", "max_points"))
        return ExerciseResult(self.exercise.id, status, points, most, 0.5, mistake, properties)

    def _property(self, prop, outcome):
        worth = prop.worth
        earned = worth.points if outcome in ("passed", "broken") else 0.0
        failed = outcome == "failed"
        right = self._right.get(prop.name, {}) if worth.training and outcome == "passed" else {}
        return PropertyResult(
            prop.name,
            prop.visibility,
            worth.group,
            outcome,
            earned,
            worth.points,
            message="weights[0, 1] is 0.25, wanted 0.5" if failed else "",
            counterexample=self._example() if failed and not worth.training else None,
            sentence=prop.sentence,
            hint=worth.hint,
            curves=[self._curve(name, run) for name, runs in right.items() for run in runs],
        )

    def _curve(self, name, right):
        factor = math.exp(self._chance.gauss(0, 0.2))
        most = 1.0 if max(right) <= 1 else math.inf  # a share
        return Curve(name, [min(round(value * factor, 4), most) for value in right], right)

    def _example(self):
        def tensor():
            return {"dtype": "float32", "shape": [2, 2], "values": [[0.5, 0.25], [0.5, self._chance.random()]]}

        return Counterexample({"scores": tensor()}, {"weights": tensor()}, {"weights": tensor()})


def a_class(students, seed=7):
    """The results of a class."""
    chance = random.Random(seed)
    made = [Made(exercise, chance) for exercise in COURSE.exercises]
    results = []
    for number in range(students):
        ability = chance.gauss(0, 1) if number % ABSENTEES else -math.inf
        by_section = defaultdict(list)
        for each in made:
            by_section[each.exercise.section].append(each.result(ability))
        results += [
            section_result(f"student{number:04}", section, "full", seed, exercises)
            for section, exercises in by_section.items()
        ]
    return results


def write(results, directory):
    """Render and write every page; the CPU seconds of rendering, of writing, and the bytes, by path."""
    names = {exercise.id: exercise.title for exercise in COURSE.exercises}
    found = {}
    for path, render in report_pages(results, COURSE.sections, {}, names=names).items():
        started = time.process_time()
        page = render().encode()
        rendered = time.process_time()
        write_atomically(directory / path, page)
        found[path] = rendered - started, time.process_time() - rendered, len(page)
    return found


def load_seconds(page, profile):
    """How long Chromium takes until it has laid out a page: the median."""
    text = page.read_text(encoding="utf-8")
    measured = page.with_name("measured.html")
    measured.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', LAID_OUT, text), encoding="utf-8")
    command = [*CHROMIUM, f"--user-data-dir={profile}", "--dump-dom", measured.as_uri()]
    try:
        shown = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(LOADS)]
    finally:
        measured.unlink()
    return statistics.median(float(re.search(r"laid out after ([\d.]+) ms", text)[1]) / 1000 for text in shown)


def kind_of(path):
    """What a page is about."""
    kinds = {"index": "overview", "matrix": "students by exercise", "exercises": "an exercise", "students": "a student"}
    return kinds[path.partition("/")[0].removesuffix(".html")]


def main():
    """Make, write, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="write the report here, and leave it there")
    arguments = parser.parse_args()
    results = a_class(arguments.students)
    with tempfile.TemporaryDirectory() as temporary:
        directory = arguments.keep or Path(temporary, "report")
        started = time.process_time()
        written = write(results, directory)
        seconds = time.process_time() - started
        kinds = defaultdict(dict)
        for path, found in written.items():
            kinds[kind_of(path)][path] = found
        print("| page | pages | largest, KB | all, MB | to render and write all, s | to load the largest, s |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for kind, pages in kinds.items():
            largest = max(pages, key=lambda path: pages[path][2])
            size = sum(found[2] for found in pages.values())
            spent = sum(found[0] + found[1] for found in pages.values())
            load = load_seconds(directory / largest, Path(temporary, "profile"))
            cells = f"{pages[largest][2] / 1e3:,.0f} | {size / 1e6:.1f} | {spent:.1f} | {load:.2f}"
            print(f"| {kind} | {len(pages):,} | {cells} |")
        total = sum(found[2] for found in written.values())
        print(f"\n{len(written)} pages, {total / 1e6:.0f} MB, written in {seconds:.0f} s of CPU")


if __name__ == "__main__":
    main()
