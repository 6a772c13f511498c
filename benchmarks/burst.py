"""Uploads a burst of files to a local cloud under processor load, and checks that nothing is lost.

`python -m benchmarks.burst`, after `make build`. One tenant uploads 300 files of one line and 60 files of 60 lines at
once while another tenant queries its own document. Every document must become ready, every version must pass
RegisterDocument exactly once, and every request must succeed.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import urllib3

from benchmarks.latency import Bench
from benchmarks.machine import RESULTS, load, machine, today
from benchmarks.onboarding import onboard, p95
from benchmarks.scale import as_tenant, require, with_document
from tests.rie.stack import deployed

SHORT_FILES: Final = 300
LONG_FILES: Final = 60
LINES: Final = 60
LOAD_PROCESSES: Final = 4
LOAD_SECONDS: Final = 3600
"""A load process ends by itself after this time, even if the run was killed."""
TIMEOUT_SECONDS: Final = 3000
QUESTION_INTERVAL_SECONDS: Final = 2.0
REPORT_INTERVAL_SECONDS: Final = 10.0
QUESTION: Final = "How many bar does the pump in the cellar hold?"
LOAD_PROGRAM: Final = f"import time; end = time.monotonic() + {LOAD_SECONDS}\nwhile time.monotonic() < end: pass"

type Json = dict[str, Any]


@contextmanager
def processor_load() -> Iterator[None]:
    """Runs processes that keep the processors busy during the block."""
    processes = [subprocess.Popen([sys.executable, "-c", LOAD_PROGRAM]) for _ in range(LOAD_PROCESSES)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@dataclass
class QueryLoop:
    """Queries one tenant's API every other second, in its own thread.

    Attributes:
        statuses: Number of responses by HTTP status; 0 is no response.
        seconds: Duration of each request.
    """

    bench: Bench
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Queries during the block."""
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _ask(self) -> None:
        url = self.bench.stack.outputs["ApiUrl"] + "/v1/query"
        headers = {"Authorization": f"Bearer {self.bench.key}", "Content-Type": "application/json"}
        body = json.dumps({"question": QUESTION})
        while not self._done.wait(QUESTION_INTERVAL_SECONDS):
            began = time.perf_counter()
            try:
                status = urllib3.request("POST", url, body=body, headers=headers, timeout=60, retries=False).status
            except urllib3.exceptions.HTTPError:
                status = 0
            self.statuses[status] += 1
            self.seconds.append(time.perf_counter() - began)


def files(tenant_id: str) -> dict[str, bytes]:
    """Returns the files of the burst by key; all lines differ."""
    prefix = f"tenants/{tenant_id}/burst/"
    short = {
        f"{prefix}short-{number:03}.txt": f"Crate {number} weighs {number * 3} kilograms, in row {number % 9}."
        for number in range(SHORT_FILES)
    }
    long = {
        f"{prefix}long-{number:03}.txt": "\n".join(
            f"File {number} says in line {line} that shelf {number * 61 + line} holds {number * line} boxes of part "
            f"{(number + line) % 7}, and that the next count is due in {line % 12 + 1} months."
            for line in range(LINES)
        )
        for number in range(LONG_FILES)
    }
    return {key: text.encode() for key, text in (short | long).items()}


def upload(bench: Bench, burst: dict[str, bytes]) -> None:
    """Uploads all files to the documents bucket, sixteen at a time."""
    s3, bucket = bench.client("s3"), bench.stack.outputs["DocumentsBucketName"]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=burst[key]), burst))


def statuses(bench: Bench) -> Counter[str]:
    """Returns the number of the tenant's ledger rows by status, read from the table so that no function is invoked."""
    pages = (
        bench.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=bench.stack.outputs["TenantTableName"],
            KeyConditionExpression="pk = :tenant AND begins_with(sk, :documents)",
            ExpressionAttributeValues={":tenant": {"S": "loud"}, ":documents": {"S": "DOCUMENT#"}},
        )
    )
    return Counter(item["status"]["S"] for page in pages for item in page["Items"] if "status" in item)


def wait_until_finished(bench: Bench, count: int) -> Counter[str]:
    """Prints the progress until all documents are ready or failed; returns the number of documents by status."""
    began, reported = time.monotonic(), 0.0
    while True:
        found, passed = statuses(bench), time.monotonic() - began
        finished = found["ready"] + found["failed"] == count
        if finished or passed - reported > REPORT_INTERVAL_SECONDS:
            print(f"{passed:5.0f} s: {found['ready']} of {count} ready, {found['failed']} failed", flush=True)
            reported = passed
        if finished:
            return found
        require(passed < TIMEOUT_SECONDS, f"The burst has not finished after {TIMEOUT_SECONDS} s: {dict(found)}")
        time.sleep(1.0)


def registrations(bench: Bench) -> Counter[tuple[str, str]]:
    """Returns the number of executions whose registration returned `process`, by key and version."""
    states, machine_arn = bench.client("stepfunctions"), bench.stack.outputs["IngestionStateMachineArn"]
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine_arn)
    passed: Counter[tuple[str, str]] = Counter()
    for execution in (each for page in pages for each in page["executions"]):
        state = json.loads(states.describe_execution(executionArn=execution["executionArn"]).get("output") or "{}")
        registration = state.get("registration", {})
        if registration.get("outcome") == "process":
            passed[registration["document"]["key"], registration["document"]["version"]] += 1
    return passed


def run(bench: Bench) -> Json:
    """Runs, measures and checks one burst.

    Raises:
        SystemExit: A document failed, a version was processed twice or a request failed.
    """
    onboard(bench, "loud")
    onboard(bench, "quiet")
    quiet = with_document(bench, "quiet", 31)
    queries, burst = QueryLoop(as_tenant(quiet, "quiet")), files("loud")
    with processor_load(), queries.running():
        began = time.perf_counter()
        upload(bench, burst)
        found = wait_until_finished(bench, len(burst))
        seconds = time.perf_counter() - began
    passed = {key: count for key, count in registrations(bench).items() if key[0] in burst}
    measured = {
        "files": {"of_one_line": SHORT_FILES, f"of_{LINES}_lines": LONG_FILES},
        "burning_processes": LOAD_PROCESSES,
        "seconds": round(seconds, 1),
        "ready": found["ready"],
        "failed": found["failed"],
        "executions_per_version": round(sum(passed.values()) / len(burst), 4),
        "questions": {
            "answered": queries.statuses[200],
            "not_answered": sum(queries.statuses.values()) - queries.statuses[200],
            "median_seconds": round(statistics.median(queries.seconds), 2),
            "p95_seconds": round(p95(queries.seconds), 2),
        },
    }
    print(json.dumps(measured, indent=2))
    require(found["ready"] == len(burst), f"{found['failed']} documents failed.")
    require(set(passed.values()) == {1} and len(passed) == len(burst), "A version was not processed exactly once.")
    require(set(queries.statuses) == {200}, f"Requests failed: {dict(queries.statuses)}")
    return measured


def main() -> None:
    """Measures, checks and writes `benchmarks/results/burst.json`."""
    load_before = load()
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        measured = run(Bench(stack))
    facts = {"date": today(), "machine": machine() | {"load_before": load_before}, "note": os.environ.get("NOTE", "")}
    (RESULTS / "burst.json").write_text(json.dumps(facts | measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
