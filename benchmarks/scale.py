"""Onboards many tenants, then checks that nothing is lost or mixed up and measures questions.

`TENANTS=1000 python -m benchmarks.scale`, after `make build`. It starts its own local cloud and onboards several
tenants at a time through the HTTP API. The local cloud is one process, so its durations say nothing about AWS; counts,
answers and citations must be correct everywhere.
"""

import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.latency import READY_SECONDS, Bench
from benchmarks.machine import RESULTS, load, machine, today
from benchmarks.onboarding import onboard, p95
from tests.rie.stack import deployed

CONCURRENCY: Final = 8
FEW_TENANTS: Final = 8
"""The number of tenants when questions are measured first."""
QUESTIONS: Final = 30
POLL_SECONDS: Final = 0.25
"""Each poll is an invocation; more frequent ones would slow the onboarding."""
REPORT_INTERVAL: Final = 50
QUESTION: Final = "How many bar does the pump in the cellar hold?"
MEGABYTE: Final = 1024 * 1024

type Json = dict[str, Any]


@dataclass
class Emulator:
    """The process of the local cloud; the functions run in processes of their own."""

    pid: int

    def memory_mb(self) -> float:
        """Returns the resident memory in megabytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE, 1)

    def processor_seconds(self) -> float:
        """Returns the CPU seconds since the start, without those of the functions."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return round((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 1)


@dataclass
class Onboarding:
    """The onboarding of tenants, several at a time.

    Attributes:
        seconds: Seconds of each tenant, in the order in which they became active.
        elapsed: Total seconds of all calls of `run`.
    """

    bench: Bench
    emulator: Emulator
    total: int
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def run(self, tenant_ids: Sequence[str]) -> None:
        """Onboards tenants and prints the progress."""
        began, before = time.perf_counter(), self.elapsed
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            futures = [pool.submit(onboard, self.bench, each, POLL_SECONDS) for each in tenant_ids]
            try:
                for future in as_completed(futures):
                    self.seconds.append(future.result())
                    self.elapsed = before + time.perf_counter() - began
                    self._report()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _report(self) -> None:
        done = len(self.seconds)
        if done % REPORT_INTERVAL == 0 or done == self.total:
            median = statistics.median(self.seconds[-REPORT_INTERVAL:])
            rate, memory = done / self.elapsed * 60, self.emulator.memory_mb()
            print(
                f"{done} of {self.total} active: {rate:.0f} a minute, {median:.2f} s each, emulator {memory:.0f} MB",
                flush=True,
            )


def as_tenant(bench: Bench, tenant_id: str) -> Bench:
    """Returns the same stack with a new API key of this tenant."""
    return replace(bench, key=bench.call("POST", f"/admin/tenants/{tenant_id}/keys", {})["api_key"])


def with_document(bench: Bench, tenant_id: str, bar: int) -> Bench:
    """Uploads a document that says how many bar the pump holds; returns the tenant when it is ready.

    Raises:
        SystemExit: The document did not become ready.
    """
    tenant, key = as_tenant(bench, tenant_id), f"tenants/{tenant_id}/pump.txt"
    bucket = bench.stack.outputs["DocumentsBucketName"]
    bench.client("s3").put_object(Bucket=bucket, Key=key, Body=f"The pump in the cellar holds {bar} bar.".encode())
    deadline = time.monotonic() + READY_SECONDS
    while [each["status"] for each in tenant.call("GET", "/documents")["documents"]] != ["ready"]:
        if time.monotonic() > deadline:
            raise SystemExit(f"{key} did not become ready.")
        time.sleep(POLL_SECONDS)
    return tenant


def question_ms(tenant: Bench) -> Json:
    """Returns the medians of warm questions in milliseconds."""
    waits, retrievals = [], []
    for _ in range(QUESTIONS + 1):
        began = time.perf_counter()
        answer = tenant.call("POST", "/query", {"question": QUESTION})
        waits.append((time.perf_counter() - began) * 1000)
        retrievals.append(answer["latency_ms"]["retrieve"])
    return {
        "caller_waits": round(statistics.median(waits[1:]), 1),
        "retrieve": round(statistics.median(retrievals[1:]), 1),
    }


def require(condition: bool, message: str) -> None:
    """Ends the run if a condition is false.

    Raises:
        SystemExit: The condition is false.
    """
    if not condition:
        raise SystemExit(message)


def check_tenants(bench: Bench, tenant_ids: Sequence[str]) -> None:
    """Checks that every tenant is listed once and active."""
    listed, cursor = [], ""
    while True:
        page = bench.call("GET", f"/admin/tenants?limit=100{cursor}")
        listed += [(each["tenant_id"], each["status"]) for each in page["tenants"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    require(sorted(listed) == sorted((each, "active") for each in tenant_ids), "Not every tenant is listed as active.")


def check_indexes(bench: Bench, tenant_ids: Sequence[str]) -> None:
    """Checks that the vector bucket has one index per tenant and that the control table counts them."""
    bucket, control = (bench.stack.outputs[name] for name in ("VectorBucketName", "ControlTableName"))
    pages = bench.client("s3vectors").get_paginator("list_indexes").paginate(vectorBucketName=bucket)
    indexes = [index["indexName"] for page in pages for index in page["indexes"]]
    require(sorted(indexes) == sorted(tenant_ids), f"The vector bucket has {len(indexes)} indexes, or wrong ones.")
    key = {"pk": {"S": "POOLS"}, "sk": {"S": bucket}}
    pool = bench.client("dynamodb").get_item(TableName=control, Key=key, ConsistentRead=True)["Item"]
    counted = int(pool["index_count"]["N"])
    require(counted == len(tenant_ids), f"The control table counts {counted} indexes.")


def check_answers(bench: Bench, tenant_ids: Sequence[str]) -> None:
    """Checks that tenants with similar documents each get the answer from their own."""
    tenants = {each: (with_document(bench, each, bar), bar) for bar, each in enumerate(tenant_ids, start=31)}
    for tenant_id, (tenant, bar) in tenants.items():
        answer = tenant.call("POST", "/query", {"question": QUESTION})
        (own,) = tenant.call("GET", "/documents")["documents"]
        others = [f"{other} bar" for _, other in tenants.values() if other != bar]
        require(
            answer["grounded"] and f"{bar} bar" in answer["answer"],
            f"{tenant_id} does not answer from its own document.",
        )
        require(
            not any(other in json.dumps(answer) for other in others),
            f"{tenant_id} answers from another tenant's document.",
        )
        cited = {each["document_id"] for each in answer["citations"]}
        require(cited == {own["document_id"]}, f"{tenant_id} cites a document that is not its own.")


def run(bench: Bench, emulator: Emulator, count: int) -> Json:
    """Onboards the tenants, measures and checks; returns the results."""
    tenant_ids = [f"tenant-{number:05}" for number in range(count)]
    onboarding = Onboarding(bench, emulator, count)
    memory, processor = emulator.memory_mb(), emulator.processor_seconds()
    onboarding.run(tenant_ids[:FEW_TENANTS])
    first_tenant = with_document(bench, tenant_ids[0], 30)
    with_few = question_ms(first_tenant)
    onboarding.run(tenant_ids[FEW_TENANTS:])
    used, memory_after = emulator.processor_seconds() - processor, emulator.memory_mb()
    with_all = question_ms(first_tenant)
    check_tenants(bench, tenant_ids)
    check_indexes(bench, tenant_ids)
    check_answers(bench, random.Random(count).sample(tenant_ids[FEW_TENANTS:], 2))  # noqa: S311 - any two will do
    tenth = max(1, count // 10)
    return {
        "tenants": count,
        "at_a_time": CONCURRENCY,
        "minutes": round(onboarding.elapsed / 60, 2),
        "tenants_a_minute": round(count / onboarding.elapsed * 60, 1),
        "median_seconds": round(statistics.median(onboarding.seconds), 3),
        "p95_seconds": round(p95(onboarding.seconds), 3),
        "median_seconds_of_the_first_tenth": round(statistics.median(onboarding.seconds[:tenth]), 3),
        "median_seconds_of_the_last_tenth": round(statistics.median(onboarding.seconds[-tenth:]), 3),
        "emulator": {"memory_mb_before": memory, "memory_mb": memory_after, "processor_seconds": round(used, 1)},
        f"question_ms_with_{FEW_TENANTS}_tenants": with_few,
        f"question_ms_with_{count}_tenants": with_all,
    }


def main() -> None:
    """Measures, checks, prints and writes `benchmarks/results/scale.json`.

    Raises:
        SystemExit: A check failed.
    """
    count = int(os.environ.get("TENANTS") or 1000)
    require(count >= FEW_TENANTS + 2, f"TENANTS must be at least {FEW_TENANTS + 2}.")
    load_before = load()
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        pid = json.loads(Path(folder, "cloud.json").read_text(encoding="utf-8"))["pid"]
        measured = run(Bench(stack), Emulator(pid), count)
    result = {
        "date": today(),
        "machine": machine() | {"load_before": load_before},
        "note": os.environ.get("NOTE", ""),
        **measured,
    }
    (RESULTS / "scale.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
