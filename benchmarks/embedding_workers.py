"""Measures the workers of the local embedding model with chunks and questions at the same time.

`python -m benchmarks.embedding_workers`, after `make install`. More workers than this machine has cores show the
cost of the processes. The effect of more cores is simulated in the same pool by workers that sleep for the duration of
a text instead of computing it.
"""

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.machine import REPOSITORY, RESULTS, load, machine, today
from local.embedding.pool import Vector, Worker, WorkerPool
from local.embedding.process import WorkerProcess

if TYPE_CHECKING:
    from concurrent.futures import Future

EMULATOR_PYTHON: Final = REPOSITORY / ".venvs/emulator/bin/python"
MEASURED_WORKERS: Final = (1, 2, 3, 4)
SIMULATED_WORKERS: Final = (1, 2, 4, 8, 16)
CHUNKS: Final = 32
CHUNKS_IN_FLIGHT: Final = 32
"""Texts that one document's Map embeds at the same time: four batches of eight calls each."""
SECONDS_BETWEEN_QUESTIONS: Final = 1.0
SIMULATED_CHUNKS: Final = 640
SIMULATED_CHUNK_SECONDS: Final = 0.04
SIMULATED_QUESTION_SECONDS: Final = 0.0012
"""A twentieth of the real durations, 0.8 s and 0.024 s, so that the simulation is short."""
QUESTION: Final = "연차는 며칠인가요?"

type Json = dict[str, Any]


def chunk(number: int) -> str:
    """Returns a text of about 1,000 characters that differs from all others."""
    return " ".join(f"직원 {number} 번은 {item} 일을 쓴다, pump {number * item} bar." for item in range(32))


class TimedWorker:
    """A worker that records the duration of each text."""

    def __init__(self, worker: Worker, seconds: list[float]) -> None:
        self._worker = worker
        self._seconds = seconds

    def embed(self, text: str) -> Vector:
        """Returns the vector of a text."""
        began = time.perf_counter()
        vector = self._worker.embed(text)
        self._seconds.append(time.perf_counter() - began)
        return vector

    def is_running(self) -> bool:
        """Returns whether the worker is running."""
        return self._worker.is_running()

    def close(self) -> None:
        """Stops the worker."""
        self._worker.close()


class WaitingWorker:
    """Sleeps for the duration of a text and computes nothing."""

    def embed(self, text: str) -> Vector:
        """Sleeps and returns an empty vector."""
        time.sleep(SIMULATED_QUESTION_SECONDS if text.startswith(QUESTION) else SIMULATED_CHUNK_SECONDS)
        return []

    def is_running(self) -> bool:
        """Returns True."""
        return True

    def close(self) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Run:
    """The seconds until the last chunk, and the seconds that each question waited for its vector."""

    seconds: float
    questions: list[float]


def run(pool: WorkerPool, chunks: int, pause: float) -> Run:
    """Embeds chunks, a bounded number at a time, and a question after each pause until all chunks are embedded."""
    slots = threading.Semaphore(CHUNKS_IN_FLIGHT)
    finished = threading.Event()
    waits: list[float] = []

    def ask() -> None:
        number = 0
        while not finished.wait(pause):
            number += 1
            began = time.perf_counter()
            pool.submit(f"{QUESTION} {number}", urgent=True).result()
            waits.append(time.perf_counter() - began)

    questions_thread = threading.Thread(target=ask)
    began = time.perf_counter()
    questions_thread.start()
    futures: list[Future[Vector]] = []
    for number in range(chunks):
        slots.acquire()
        future = pool.submit(chunk(number), urgent=False)
        future.add_done_callback(lambda _: slots.release())
        futures.append(future)
    for future in futures:
        future.result()
    seconds = time.perf_counter() - began
    finished.set()
    questions_thread.join()
    return Run(seconds, waits)


def measured(workers: int) -> Json:
    """Returns the results of real workers, with their CPU time and memory."""
    processes: list[WorkerProcess] = []
    seconds: list[float] = []

    def start() -> Worker:
        processes.append(WorkerProcess((str(EMULATOR_PYTHON), "-m", "local.embedding.worker")))
        return TimedWorker(processes[-1], seconds)

    pool = WorkerPool(workers, start)
    warm_up(pool, workers)
    seconds.clear()
    before = cpu_seconds(processes)
    finished_run = run(pool, CHUNKS, SECONDS_BETWEEN_QUESTIONS)
    result = {
        "workers": workers,
        "chunks_a_second": round(CHUNKS / finished_run.seconds, 2),
        "cpu_seconds_a_chunk": round((cpu_seconds(processes) - before) / CHUNKS, 2),
        "longest_text_ms": round(1000 * max(seconds)),
        "question_ms": milliseconds_summary(finished_run.questions),
        "worker_mb": {
            "resident_peak": max(memory(process, "status", "VmHWM") for process in processes),
            "own": max(memory(process, "smaps_rollup", "Private_Dirty") for process in processes),
        },
    }
    for process in processes:
        process.close()
    return result


def simulated(workers: int) -> Json:
    """Returns the results of simulated workers."""
    finished_run = run(WorkerPool(workers, WaitingWorker), SIMULATED_CHUNKS, SIMULATED_CHUNK_SECONDS)
    ideal = SIMULATED_CHUNKS * SIMULATED_CHUNK_SECONDS / workers
    return {
        "workers": workers,
        "share_of_ideal_throughput": round(ideal / finished_run.seconds, 3),
        "question_waits_in_chunk_times": {
            "median": round(statistics.median(finished_run.questions) / SIMULATED_CHUNK_SECONDS, 2),
            "max": round(max(finished_run.questions) / SIMULATED_CHUNK_SECONDS, 2),
        },
    }


def warm_up(pool: WorkerPool, workers: int) -> None:
    """Starts all workers and lets them load the model."""
    for future in [pool.submit(f"warm {chunk(number)}", urgent=False) for number in range(2 * workers)]:
        future.result()


def cpu_seconds(processes: Iterable[WorkerProcess]) -> float:
    """Returns the CPU time of processes (proc(5): fields 14 and 15, in hundredths of a second)."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def memory(process: WorkerProcess, file: str, field: str) -> int:
    """Returns a memory field of a process in megabytes."""
    lines = Path(f"/proc/{process.pid}/{file}").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{field}:"))


def milliseconds_summary(seconds: list[float]) -> Json:
    """Returns median and maximum in milliseconds."""
    return {"median": round(1000 * statistics.median(seconds)), "max": round(1000 * max(seconds))}


def table(result: Json) -> str:
    """Returns the measurements as a table."""
    lines = [f"{'measured workers':<20}{'chunks/s':>10}{'CPU s/chunk':>13}{'question ms':>14}{'(max)':>8}{'MB':>6}"]
    lines += [
        f"{row['workers']:<20}{row['chunks_a_second']:>10}{row['cpu_seconds_a_chunk']:>13}"
        f"{row['question_ms']['median']:>14}{row['question_ms']['max']:>8}{row['worker_mb']['resident_peak']:>6}"
        for row in result["measured"]
    ]
    lines += ["", f"{'simulated workers':<20}{'of ideal':>10}{'question, in chunk times':>27}{'(max)':>8}"]
    lines += [
        f"{row['workers']:<20}{row['share_of_ideal_throughput']:>10}"
        f"{row['question_waits_in_chunk_times']['median']:>27}{row['question_waits_in_chunk_times']['max']:>8}"
        for row in result["simulated"]
    ]
    return "\n".join(lines)


def measure_each(name: str, counts: Iterable[int], measure: Callable[[int], Json]) -> list[Json]:
    """Returns the results for each number of workers, and prints which is being measured."""
    results = []
    for count in counts:
        print(f"{name} {count}", flush=True)
        results.append(measure(count))
    return results


def main() -> None:
    """Measures, prints a table and writes the result to `benchmarks/results/`."""
    result = {"machine": machine(), "date": today(), "load_before": load(), "chunks": CHUNKS}
    result["measured"] = measure_each("measuring", MEASURED_WORKERS, measured)
    result["simulated"] = measure_each("simulating", SIMULATED_WORKERS, simulated)
    (RESULTS / "embedding_workers.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
