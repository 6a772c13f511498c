"""Drops a burst of files on a local cloud while four processes burn the processor, and checks that nothing is lost.

`python -m benchmarks.burst`, after `make build`. One tenant drops 300 files of one line and 60 files of 60 lines at
once; another tenant asks for its own document all the while. Every document must become ready, every version must pass
RegisterDocument exactly once, and every request must be answered.
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
BURNERS: Final = 4
BURN_SECONDS: Final = 3600
"""No burner outlives this, whatever becomes of the run."""
LIMIT_SECONDS: Final = 3000
QUESTION_EVERY_SECONDS: Final = 2.0
REPORT_EVERY_SECONDS: Final = 10.0
QUESTION: Final = "How many bar does the pump in the cellar hold?"
BURN: Final = f"import time; end = time.monotonic() + {BURN_SECONDS}\nwhile time.monotonic() < end: pass"

type Json = dict[str, Any]


@contextmanager
def burning() -> Iterator[None]:
    """Keeps processors busy for as long as the block runs."""
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(BURNERS)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@dataclass
class Asker:
    """Asks one tenant's API every other second, in a thread of its own.

    Attributes:
        statuses: how often each HTTP status was returned; 0 is no answer at all.
        seconds: of each request.
    """

    bench: Bench
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Asks for as long as the block runs."""
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
        while not self._done.wait(QUESTION_EVERY_SECONDS):
            began = time.perf_counter()
            try:
                status = urllib3.request("POST", url, body=body, headers=headers, timeout=60, retries=False).status
            except urllib3.exceptions.HTTPError:
                status = 0
            self.statuses[status] += 1
            self.seconds.append(time.perf_counter() - began)


def files(tenant_id: str) -> dict[str, bytes]:
    """The files of the burst by their keys; no two lines are alike."""
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


def drop(bench: Bench, burst: dict[str, bytes]) -> None:
    """Puts all files into the bucket of uploads, sixteen at a time."""
    s3, bucket = bench.client("s3"), bench.stack.outputs["DocumentsBucketName"]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=burst[key]), burst))


def statuses(bench: Bench) -> Counter[str]:
    """How many of the tenant's ledger rows have each status; read past the API, so that asking is not measured."""
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


def wait_until_settled(bench: Bench, count: int) -> Counter[str]:
    """Reports how far the burst is until no document is under way any more; the statuses at the end."""
    began, reported = time.monotonic(), 0.0
    while True:
        found, passed = statuses(bench), time.monotonic() - began
        settled = found["ready"] + found["failed"] == count
        if settled or passed - reported > REPORT_EVERY_SECONDS:
            print(f"{passed:5.0f} s: {found['ready']} of {count} ready, {found['failed']} failed", flush=True)
            reported = passed
        if settled:
            return found
        require(passed < LIMIT_SECONDS, f"The burst has not ended after {LIMIT_SECONDS} s: {dict(found)}")
        time.sleep(1.0)


def registrations(bench: Bench) -> Counter[tuple[str, str]]:
    """How many executions passed RegisterDocument with the order to process, by key and version."""
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
    """Measures and checks one burst.

    Raises:
        SystemExit: when a document failed, a version was processed twice or a request was not answered.
    """
    onboard(bench, "loud")
    onboard(bench, "quiet")
    quiet = with_document(bench, "quiet", 31)
    asker, burst = Asker(as_tenant(quiet, "quiet")), files("loud")
    with burning(), asker.asking():
        began = time.perf_counter()
        drop(bench, burst)
        found = wait_until_settled(bench, len(burst))
        seconds = time.perf_counter() - began
    passed = {key: count for key, count in registrations(bench).items() if key[0] in burst}
    measured = {
        "files": {"of_one_line": SHORT_FILES, f"of_{LINES}_lines": LONG_FILES},
        "burning_processes": BURNERS,
        "seconds": round(seconds, 1),
        "ready": found["ready"],
        "failed": found["failed"],
        "executions_per_version": round(sum(passed.values()) / len(burst), 4),
        "questions": {
            "answered": asker.statuses[200],
            "not_answered": sum(asker.statuses.values()) - asker.statuses[200],
            "median_seconds": round(statistics.median(asker.seconds), 2),
            "p95_seconds": round(p95(asker.seconds), 2),
        },
    }
    print(json.dumps(measured, indent=2))
    require(found["ready"] == len(burst), f"{found['failed']} documents failed.")
    require(set(passed.values()) == {1} and len(passed) == len(burst), "A version was not processed exactly once.")
    require(set(asker.statuses) == {200}, f"Requests were not answered: {dict(asker.statuses)}")
    return measured


def main() -> None:
    """Measures, checks and writes `benchmarks/results/burst.json`."""
    others = load()
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        measured = run(Bench(stack))
    facts = {"date": today(), "machine": machine() | {"load_before": others}, "note": os.environ.get("NOTE", "")}
    (RESULTS / "burst.json").write_text(json.dumps(facts | measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
