"""Measures what the isolation layers add to a warm question: milliseconds, CPU time and requests to AWS.

`python -m benchmarks.isolation_cost`, after `make build`. It starts its own local cloud and runs the
application in this process, with isolation and with ports that are created beforehand for the root user, without a
check. `added_ms` is the time of the isolation layers in this process. The difference of whole questions also includes
the local cloud's evaluation of a tenant session's policies, which the root user does not have.
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

    def take(self) -> Counter[str]:
        """Returns the counts since the last call, and resets them."""
        counts, self.by_service = self.by_service, Counter()
        return counts


@contextmanager
def counting_requests() -> Iterator[Calls]:
    """Counts the requests of the block."""
    calls, send = Calls(), URLLib3Session.send

    def sending(session: URLLib3Session, request: Any) -> Any:  # noqa: ANN401 - botocore's requests have no public type
        authorization = request.headers.get("Authorization", b"")
        scope = authorization.decode() if isinstance(authorization, bytes) else str(authorization)
        calls.by_service[scope.split("/")[3]] += 1
        return send(session, request)

    URLLib3Session.send = sending  # type: ignore[assignment,method-assign]  # botocore's events report calls, not requests
    try:
        yield calls
    finally:
        URLLib3Session.send = send  # type: ignore[method-assign]  # the original


def isolated_ports(claim: Json) -> TenantPorts:
    """Returns the ports as for every request: validates the claim, gets the tenant's session, binds the ports."""
    return application.tenant_ports(TenantContext.from_dict(claim))


def milliseconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Returns the milliseconds of wall clock and of CPU time."""
    began, began_cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began) * 1000, (time.process_time() - began_cpu) * 1000


def measure(claim: Json, unisolated: TenantPorts, calls: Calls) -> Json:
    """Asks alternately with and without isolation; returns medians."""
    variants: dict[str, Callable[[], object]] = {
        "with_isolation": lambda: retrieve(REQUEST, isolated_ports(claim)),
        "without_isolation": lambda: retrieve(REQUEST, unisolated),
        "isolation_only": lambda: isolated_ports(claim),
    }
    for work in variants.values():
        for _ in range(WARM_UP):
            work()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    requests: dict[str, Counter[str]] = {name: Counter() for name in variants}
    for _ in range(QUESTIONS):
        for name, work in variants.items():
            calls.take()
            times[name].append(milliseconds_of(work))
            requests[name] += calls.take()
    return {
        name: {
            "median_ms": round(statistics.median(wall_ms for wall_ms, _ in measured), 4),
            "median_processor_ms": round(statistics.median(cpu_ms for _, cpu_ms in measured), 4),
            "requests_a_question": {service: count / QUESTIONS for service, count in sorted(requests[name].items())},
        }
        for name, measured in times.items()
    }


def session_requests(claim: Json, calls: Calls) -> Json:
    """Returns the STS requests of one environment: for one tenant, and for several alternately."""
    tenants = [claim | {"tenant_id": f"other-{number}"} for number in range(OTHER_TENANTS)]
    tenants = [tenant | {"placement": tenant["placement"] | {"index": tenant["tenant_id"]}} for tenant in tenants]
    vars(application).pop("_tenant_sessions", None)  # as in a new environment
    calls.take()
    for _ in range(QUESTIONS):
        isolated_ports(claim)
    one = calls.take()["sts"]
    for _ in range(QUESTIONS):
        for tenant in tenants:
            isolated_ports(tenant)
    return {
        "questions": QUESTIONS,
        "one_tenant": one,
        "further_tenants": OTHER_TENANTS,
        "for_further_tenants": calls.take()["sts"],
    }


def claim_of_tenant(bench: Bench) -> Json:
    """Returns the tenant's claim, as the authoriser passes it on."""
    record = bench.client("dynamodb").get_item(
        TableName=bench.stack.outputs["ControlTableName"], Key={"pk": {"S": "TENANTS"}, "sk": {"S": TENANT}}
    )["Item"]
    claim: Json = json.loads(record["context"]["S"])
    return claim


def ports_without_isolation(claim: Json) -> TenantPorts:
    """Returns the same ports for the account's root user."""
    root = AwsSession({"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": ""})

    class Sessions:
        def of(self, _: TenantContext) -> AwsSession:
            return root

    sessions = application._tenant_sessions  # noqa: SLF001 - the layer to bypass
    vars(application)["_tenant_sessions"] = Sessions()
    try:
        return application.tenant_ports(TenantContext.from_dict(claim))
    finally:
        vars(application)["_tenant_sessions"] = sessions


def main() -> None:
    """Measures, prints and writes `benchmarks/results/isolation_cost.json`."""
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        bench = Bench(stack)
        bench.onboard()
        ingest(bench, 1, 0)
        os.environ.update(DeployedFunctions(stack).environment("Query"))
        claim = claim_of_tenant(bench)
        with counting_requests() as calls:
            measured = measure(claim, ports_without_isolation(claim), calls)
            sessions = session_requests(claim, calls)
    isolated, unisolated = measured["with_isolation"], measured["without_isolation"]
    result = {
        "date": today(),
        "machine": machine(),
        "questions": QUESTIONS,
        "goal_ms": GOAL_MS,
        "added_ms": measured["isolation_only"]["median_ms"],
        "added_to_the_median_question_ms": round(isolated["median_ms"] - unisolated["median_ms"], 3),
        "added_requests": sum(isolated["requests_a_question"].values())
        - sum(unisolated["requests_a_question"].values()),
        "sts_calls": sessions,
        **measured,
    }
    (RESULTS / "isolation_cost.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
