"""Measures onboarding: the seconds from `POST /admin/tenants` to an active tenant, and the requests to AWS.

`python -m benchmarks.onboarding`, after `make build`. It starts its own local clouds; the requests are counted in a
second one that logs every request, so that logging does not slow the timed one.
"""

import json
import os
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.latency import ONBOARDING_SECONDS, Bench
from benchmarks.machine import RESULTS, load, machine, today
from tests.rie.stack import deployed

TENANTS: Final = 20
POLL_SECONDS: Final = 0.05
REQUEST: Final = re.compile(r"-> service=([a-z0-9-]+) ")
"""A request in the local cloud's log at the level DEBUG."""

type Json = dict[str, Any]


def onboard(bench: Bench, tenant_id: str, poll_seconds: float = POLL_SECONDS) -> float:
    """Creates a basic tenant and waits until it is active; returns the seconds, to the precision of one poll.

    Raises:
        SystemExit: The tenant did not become active.
    """
    began = time.perf_counter()
    bench.call("POST", "/admin/tenants", {"tenant_id": tenant_id, "name": f"Tenant {tenant_id}"})
    while True:
        shown = bench.call("GET", f"/admin/tenants/{tenant_id}")
        seconds = time.perf_counter() - began
        if shown["status"] == "active":
            return seconds
        if shown["status"] != "provisioning" or seconds > ONBOARDING_SECONDS:
            raise SystemExit(f"{tenant_id} is {shown['status']} after {seconds:.0f} s: {shown.get('reason')}")
        time.sleep(poll_seconds)


def p95(values: Iterable[float]) -> float:
    """Returns the 95th percentile (nearest rank)."""
    ranked = sorted(values)
    return ranked[-(-95 * len(ranked) // 100) - 1]


def measure() -> Json:
    """Returns the seconds of the first tenant, with cold functions, and of the further ones."""
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        bench = Bench(stack)
        first = onboard(bench, "first")
        further = [onboard(bench, f"tenant-{number}") for number in range(TENANTS)]
    return {
        "first_seconds": round(first, 3),
        "further_tenants": TENANTS,
        "median_seconds": round(statistics.median(further), 3),
        "p95_seconds": round(p95(further), 3),
    }


def calls_per_tenant() -> Json:
    """Returns the number of requests to AWS for one tenant by service, with warm functions."""
    with tempfile.TemporaryDirectory() as folder, logging_requests(), deployed(Path(folder)) as stack:
        bench, log = Bench(stack), Path(folder, "cloud.log")
        onboard(bench, "first")
        workflow = bench.client("stepfunctions")
        before = requests_in(log)
        bench.call("POST", "/admin/tenants", {"tenant_id": "second", "name": "Second"})
        polls = polls_until_idle(workflow, f"{stack.stack_name}-onboarding")
        calls = requests_in(log) - before
    calls -= Counter({"states": polls})
    return dict(sorted(calls.items()))


@contextmanager
def logging_requests() -> Iterator[None]:
    """Lets local clouds that are started in the block log every request."""
    level = os.environ.get("LOG_LEVEL")
    os.environ["LOG_LEVEL"] = "DEBUG"
    try:
        yield
    finally:
        os.environ.pop("LOG_LEVEL")
        if level is not None:
            os.environ["LOG_LEVEL"] = level


def requests_in(log: Path) -> Counter[str]:
    """Returns the number of logged requests by service."""
    return Counter(REQUEST.findall(log.read_text(encoding="utf-8", errors="replace")))


def polls_until_idle(workflow: Any, name: str) -> int:  # noqa: ANN401 - botocore makes client classes at run time
    """Waits until no execution of a state machine is running; returns the number of requests it made."""
    polls, deadline = 1, time.monotonic() + ONBOARDING_SECONDS
    machines = workflow.list_state_machines()["stateMachines"]
    (arn,) = (each["stateMachineArn"] for each in machines if each["name"] == name)
    while True:
        polls += 1
        if not workflow.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
            return polls
        if time.monotonic() > deadline:
            raise SystemExit(f"An execution of {name} did not end.")
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Measures, prints and writes `benchmarks/results/onboarding.json`."""
    load_before = load()
    calls = calls_per_tenant()
    result = {
        "date": today(),
        "machine": machine() | {"load_before": load_before},
        "note": os.environ.get("NOTE", ""),
        "method": "basic tenants, one after another, on the local cloud; from POST until GET shows active",
        **measure(),
        "calls_of_aws_a_tenant": sum(calls.values()),
        "calls_by_service": calls,
    }
    (RESULTS / "onboarding.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
