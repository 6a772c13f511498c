"""Measures what the walls between tenants add to a warm question: milliseconds, processor time, and calls of AWS.

`python -m benchmarks.walls`, after `make build`. It starts a local cloud of its own and runs the application in this
process, once as it is and once with ports that are made beforehand, for the root user and without a check. What the
walls do in this process is `added_ms`. The difference of whole questions holds also what the local cloud takes to
evaluate the policies of a tenant's session, which root has none of.
"""

import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.httpsession import URLLib3Session

from benchmarks.latency import TENANT, Bench, ingest
from benchmarks.machine import RESULTS, machine, today
from onggi.adapters.aws import AwsSession
from onggi.bootstrap import application
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.steps.questions.retrieve import RetrievalRequest, retrieve
from tests.rie.stack import DeployedFunctions, deployed

QUESTIONS: Final = 200
WARM_UP: Final = 10
OTHER_TENANTS: Final = 4
GOAL_MS: Final = 3.0
REQUEST: Final = RetrievalRequest("How many bar does pump 38 hold?", 8, None)

type Json = dict[str, Any]


@dataclass
class Calls:
    """The requests that leave this process, by service."""

    by_service: Counter[str] = field(default_factory=Counter)

    def taken(self) -> Counter[str]:
        """What was counted since the last time."""
        counted, self.by_service = self.by_service, Counter()
        return counted


@contextmanager
def counted() -> Iterator[Calls]:
    """Counts requests while the block runs."""
    calls, send = Calls(), URLLib3Session.send

    def sending(session: URLLib3Session, request: Any) -> Any:  # noqa: ANN401 - botocore's requests have no public type
        authorization = request.headers.get("Authorization", b"")
        scope = authorization.decode() if isinstance(authorization, bytes) else str(authorization)
        calls.by_service[scope.split("/")[3]] += 1
        return send(session, request)

    URLLib3Session.send = sending  # type: ignore[assignment,method-assign]  # botocore's events tell of calls, not of requests
    try:
        yield calls
    finally:
        URLLib3Session.send = send  # type: ignore[method-assign]  # as it was


def walled(claim: Json) -> TenantPorts:
    """What every request does: verify the claim's form, take the tenant's session, bind the ports."""
    return application.tenant_ports(TenantContext.from_dict(claim))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor."""
    began, busy = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000


def measure(claim: Json, open_ports: TenantPorts, calls: Calls) -> Json:
    """Asks by turns with and without the walls; medians."""
    ways: dict[str, Callable[[], object]] = {
        "with_walls": lambda: retrieve(REQUEST, walled(claim)),
        "without_walls": lambda: retrieve(REQUEST, open_ports),
        "walls_only": lambda: walled(claim),
    }
    for work in ways.values():
        for _ in range(WARM_UP):
            work()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    requests: dict[str, Counter[str]] = {name: Counter() for name in ways}
    for _ in range(QUESTIONS):
        for name, work in ways.items():
            calls.taken()
            times[name].append(timed(work))
            requests[name] += calls.taken()
    return {
        name: {
            "median_ms": round(statistics.median(wall for wall, _ in measured), 4),
            "median_processor_ms": round(statistics.median(busy for _, busy in measured), 4),
            "requests_a_question": {service: count / QUESTIONS for service, count in sorted(requests[name].items())},
        }
        for name, measured in times.items()
    }


def sessions_taken(claim: Json, calls: Calls) -> Json:
    """STS calls of one environment: for one tenant, for several by turns, and after its hour."""
    tenants = [claim | {"tenant_id": f"other-{number}"} for number in range(OTHER_TENANTS)]
    tenants = [tenant | {"placement": tenant["placement"] | {"index": tenant["tenant_id"]}} for tenant in tenants]
    vars(application).pop("_tenant_sessions", None)  # as a new environment begins
    calls.taken()
    for _ in range(QUESTIONS):
        walled(claim)
    one = calls.taken()["sts"]
    for _ in range(QUESTIONS):
        for tenant in tenants:
            walled(tenant)
    return {
        "questions": QUESTIONS,
        "one_tenant": one,
        "further_tenants": OTHER_TENANTS,
        "for_further_tenants": calls.taken()["sts"],
    }


def claim_of(bench: Bench) -> Json:
    """The tenant as the authoriser hands it on."""
    record = bench.client("dynamodb").get_item(
        TableName=bench.stack.outputs["ControlTableName"], Key={"pk": {"S": "TENANTS"}, "sk": {"S": TENANT}}
    )["Item"]
    claim: Json = json.loads(record["context"]["S"])
    return claim


def unbound_ports(claim: Json) -> TenantPorts:
    """The same ports made once, under the account's root user."""
    root = AwsSession({"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": ""})

    class Sessions:
        def of(self, _: TenantContext) -> AwsSession:
            return root

    sessions = application._tenant_sessions  # noqa: SLF001 - the wall that is left out
    vars(application)["_tenant_sessions"] = Sessions()
    try:
        return application.tenant_ports(TenantContext.from_dict(claim))
    finally:
        vars(application)["_tenant_sessions"] = sessions


def total(measured: Json) -> float:
    """Requests a question, of all services."""
    return float(sum(measured["requests_a_question"].values()))


def main() -> None:
    """Measures, prints and writes `benchmarks/results/walls.json`."""
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        bench = Bench(stack)
        bench.onboard()
        ingest(bench, 1, 0)
        os.environ.update(DeployedFunctions(stack).environment("Query"))
        claim = claim_of(bench)
        with counted() as calls:
            measured = measure(claim, unbound_ports(claim), calls)
            sessions = sessions_taken(claim, calls)
    with_walls, without = measured["with_walls"], measured["without_walls"]
    result = {
        "date": today(),
        "machine": machine(),
        "questions": QUESTIONS,
        "goal_ms": GOAL_MS,
        "added_ms": measured["walls_only"]["median_ms"],
        "added_to_the_median_question_ms": round(with_walls["median_ms"] - without["median_ms"], 3),
        "added_requests": sum(with_walls["requests_a_question"].values())
        - sum(without["requests_a_question"].values()),
        "sts_calls": sessions,
        **measured,
    }
    (RESULTS / "walls.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
