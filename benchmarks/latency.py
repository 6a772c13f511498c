"""Measures ingestion, from put to ready for PDFs of 1 and 20 pages, and questions, both split by stage.

`python -m benchmarks.latency`, after `make build`. It starts its own local cloud. The models are stand-ins, so their
stages (EmbedAndIndex, generate) say nothing about Bedrock.
"""

import json
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cli.demo.pdf import make_pdf
from local.deploy import Deployment
from tests.rie.stack import REPOSITORY, deployed

if TYPE_CHECKING:
    from datetime import datetime

RESULTS = REPOSITORY / "benchmarks" / "results" / "latency.json"
ONBOARDING_SECONDS = 60
TENANT = "bench"
RUNS = 5
QUESTIONS = 15
PAGE_COUNTS = (1, 20)
READY_SECONDS = 300
SENTENCES_A_PAGE = 24

type Json = dict[str, Any]
type Stages = dict[str, float]


@dataclass
class Bench:
    """A stack and the API key of one of its tenants."""

    stack: Deployment
    key: str = ""

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        """Returns a boto3 client of the account's root user."""
        session: Any = boto3.Session("test", "test", region_name=self.stack.region)
        return session.client(service, endpoint_url=self.stack.endpoint)

    def call(self, method: str, route: str, body: Json | None = None) -> Json:
        """Calls the API as the tenant, or as the operator on the operator's routes; returns the response."""
        url = self.stack.outputs["ApiUrl"] + "/v1" + route
        content = json.dumps(body) if body is not None else None
        request = AWSRequest(method, url, headers={"Content-Type": "application/json"}, data=content)
        if route.startswith("/admin/"):
            SigV4Auth(Credentials("test", "test"), "execute-api", self.stack.region).add_auth(request)
        else:
            request.headers["Authorization"] = f"Bearer {self.key}"
        response = urllib3.request(method, url, body=content, headers=dict(request.headers), timeout=60)
        document: Json = response.json()
        if response.status >= 400:  # noqa: PLR2004 - HTTP's range of errors
            raise SystemExit(f"{method} {route} returned {response.status}: {document.get('detail')}")
        return document

    def onboard(self) -> None:
        """Onboards the tenant and issues its API key."""
        self.call("POST", "/admin/tenants", {"tenant_id": TENANT, "name": "Benchmark"})
        deadline = time.monotonic() + ONBOARDING_SECONDS
        while self.call("GET", f"/admin/tenants/{TENANT}")["status"] != "active":
            if time.monotonic() > deadline:
                raise SystemExit(f"{TENANT} did not become active; check it with `onggi tenant show {TENANT}`.")
            time.sleep(0.2)
        self.key = self.call("POST", f"/admin/tenants/{TENANT}/keys")["api_key"]


def main() -> None:
    """Measures, prints a table and writes the result to `benchmarks/results/`."""
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        bench = Bench(stack)
        bench.onboard()
        ingestion = {pages: measure_ingestion(bench, pages) for pages in PAGE_COUNTS}
        question = measure_questions(bench)
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    result = {
        "machine": machine,
        "runs": RUNS,
        "questions": QUESTIONS,
        "put_to_ready_seconds": {f"{pages}_pages": stages for pages, stages in ingestion.items()},
        "question_to_answer_ms": question,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


def document(pages: int, run: int) -> bytes:
    """Returns a PDF of full pages whose sentences all differ, so that every chunk is embedded."""
    return make_pdf(
        [
            "\n".join(
                f"Run {run}, page {page}, item {item}: pump {page * 31 + item * 7} holds {item * 13 + run} bar."
                for item in range(SENTENCES_A_PAGE)
            )
            for page in range(1, pages + 1)
        ],
        title=f"{pages} pages",
    )


def measure_ingestion(bench: Bench, pages: int) -> Stages:
    """Returns the medians over several documents; the first one, with cold functions, is reported separately."""
    runs = [ingest(bench, pages, run) for run in range(RUNS + 1)]
    stages = {stage: round(statistics.median(run[stage] for run in runs[1:]), 3) for stage in runs[1]}
    return stages | {"total_first": round(runs[0]["total"], 3)}


def ingest(bench: Bench, pages: int, run: int) -> Stages:
    """Uploads a document, waits until it is ready and returns the seconds by stage of the workflow."""
    s3, content = bench.client("s3"), document(pages, run)
    key = f"tenants/{TENANT}/{pages}-pages-{run}.pdf"
    began = time.time()
    s3.put_object(Bucket=bench.stack.outputs["DocumentsBucketName"], Key=key, Body=content)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        known = {entry["key"]: entry["status"] for entry in bench.call("GET", "/documents?limit=100")["documents"]}
        if known.get(key) == "ready":
            break
        if known.get(key) == "failed" or time.monotonic() > deadline:
            raise SystemExit(f"{key} did not become ready: {known.get(key)}")
        time.sleep(0.05)
    total = time.time() - began
    return stage_seconds(bench, began) | {"total": total}


def stage_seconds(bench: Bench, began: float) -> Stages:
    """Returns the seconds by state of the newest execution, and those until it started."""
    workflow = bench.client("stepfunctions")
    machine = bench.stack.outputs["IngestionStateMachineArn"]
    newest = max(workflow.list_executions(stateMachineArn=machine)["executions"], key=lambda entry: entry["startDate"])
    pages = workflow.get_paginator("get_execution_history").paginate(executionArn=newest["executionArn"])
    stages: Stages = defaultdict(float, {"event": max(0.0, newest["startDate"].timestamp() - began)})
    entered: dict[str, datetime] = {}
    for event in (event for page in pages for event in page["events"]):
        if "stateEnteredEventDetails" in event:
            entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"]
        elif "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            stages[name] += (event["timestamp"] - entered[name]).total_seconds()
    return {name: seconds for name, seconds in stages.items() if name not in {"DecideByOutcome", "Done"}}


def measure_questions(bench: Bench) -> Stages:
    """Returns medians in milliseconds: the stages that the API reports, and the caller's latency; the first is cold."""
    waits, answers = [], []
    for number in range(QUESTIONS + 1):
        began = time.perf_counter()
        answer = bench.call("POST", "/query", {"question": f"How many bar does pump {31 + number * 7} hold?"})
        waits.append((time.perf_counter() - began) * 1000)
        answers.append(answer["latency_ms"])
    stages = {name: statistics.median(answer[name] for answer in answers[1:]) for name in answers[0]}
    stages |= {"caller_waits": statistics.median(waits[1:]), "caller_waits_first": waits[0]}
    return {name: round(milliseconds, 1) for name, milliseconds in stages.items()}


def table(result: Json) -> str:
    """Returns the measurements as a table."""
    ingestion = result["put_to_ready_seconds"]
    names = list(ingestion["1_pages"])
    lines = [f"{'put to ready, s':<24}{'1 page':>10}{'20 pages':>10}"]
    lines += [f"{name:<24}{ingestion['1_pages'][name]:>10.2f}{ingestion['20_pages'][name]:>10.2f}" for name in names]
    lines += ["", f"{'question to answer':<24}{'ms':>10}"]
    lines += [f"{name:<24}{value:>10.0f}" for name, value in result["question_to_answer_ms"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
