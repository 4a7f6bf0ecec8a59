"""What Dask costs: short submissions whose grading is a sleep, on a local cluster of several processes.

    python benchmarks/cluster.py --submissions 10000 --workers 8 --seconds 0.01 0.1 0.5

Everything but the grading is what `headcheck grade --dask` does: look up what is known, pack, submit, schedule, send to
a worker, take the reply, keep it in the cache and write the section. Throughput is submissions a second of wall time,
efficiency the seconds slept by all workers together, by the wall time of all of them.
"""

from __future__ import annotations

import argparse
import runpy
import tempfile
import time
from pathlib import Path

import msgspec
from distributed import Client, LocalCluster

from headcheck import archive
from headcheck.cluster import Answer, Cluster, Graders, Joined
from headcheck.crew import Duty
from headcheck.grading import Desk, Tally
from headcheck.results import ExerciseResult, section_result
from headcheck.sandbox import Probes
from headcheck.submission import Submission

ROOT = Path(__file__).parents[1]
NAME = "headcheck-benchmark"
PROBES = Probes("full", [], [])
RESULT = ExerciseResult("tiny/double", "passed", 5.0, 5.0, 0.1, None, [])
REPLY = msgspec.json.encode(([section_result("", "tiny", PROBES.level, 0, [RESULT])], Tally(graded=1)))


class Sleepers(Graders):
    """Graders that sleep for so many seconds and answer the same."""

    def __init__(self, seconds: float) -> None:
        super().__init__(b"", Duty(0, [], weak_sandbox=False), {})
        self.seconds = seconds

    def setup(self, worker: object) -> None:
        self._address = worker.address

    def grade(self, job: bytes) -> Answer:  # noqa: ARG002  (it is not looked at)
        time.sleep(self.seconds)
        return Answer(self._address, REPLY)


def grade(client: Client, course: object, count: int, seconds: float) -> tuple[float, float]:
    """Wall seconds and this process's CPU seconds, which the scheduler's are among, for so many submissions."""
    submissions = [Submission(f"student{n}", {"tiny/double": b"# %d" % n}) for n in range(count)]
    client.register_plugin(Sleepers(seconds), name=NAME)
    with tempfile.TemporaryDirectory() as home:
        desk = Desk(course, 0, PROBES.level, Path(home))
        cluster = Cluster(Joined(client, NAME, PROBES), desk, submissions, [course.exercises[0]])
        wall, cpu = time.perf_counter(), time.process_time()
        written = 0
        for sections in cluster.results(tick=0.25):
            for section in sections or ():
                archive.write_section(Path(home), section)
                written += 1
        assert written == desk.tally.graded == count
        took = time.perf_counter() - wall, time.process_time() - cpu
    client.unregister_worker_plugin(NAME)
    return took


def main() -> None:
    """Print a row for each length of work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.01, 0.1, 0.5])
    given = parser.parse_args()
    count, workers = given.submissions, given.workers
    tiny = runpy.run_path(str(ROOT / "tests" / "engine" / "conftest.py"))
    print(
        "| seconds of work | submissions | wall | a second | efficiency | CPU of client and scheduler for one |",
        flush=True,
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    with (
        tempfile.TemporaryDirectory() as home,
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as local,
        Client(local) as client,
    ):
        course = tiny["write_tiny_course"](Path(home) / "course")
        grade(client, course, 10 * workers, 0.0)  # imports, connections
        for seconds in given.seconds:
            wall, cpu = grade(client, course, count, seconds)
            efficiency = count * seconds / (wall * workers)
            cells = f"{seconds:g} s | {count} | {wall:.1f} s | {count / wall:.0f} | {efficiency:.0%}"
            print(f"| {cells} | {1000 * cpu / count:.1f} ms |", flush=True)


if __name__ == "__main__":
    main()
