"""The deployed stack as its operator, its tenants and the account's root user see it."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.integration.local_cloud import REGION, LocalCloud, wait_for

type Json = dict[str, Any]

READY_SECONDS = 60.0
LOG_EVENTS_A_CALL = 10_000
"""The most that FilterLogEvents answers (CloudWatch Logs API reference)."""
MARKED_CHARACTERS = 16
"""What is shorter may stand in a log by chance."""
HTTP = urllib3.PoolManager(maxsize=8, retries=False, timeout=60)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Product:
    """One deployed stack.

    Attributes:
        confidential: what no log may hold: keys, questions and texts, as the tests use them.
    """

    cloud: LocalCloud
    outputs: Mapping[str, str]
    confidential: set[str] = field(default_factory=set)
    _clients: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, output: str) -> str:
        return self.outputs[output]

    def root(self, service: str) -> Any:
        """The root user's client of a service."""
        if service not in self._clients:
            self._clients[service] = self.cloud.client(service)
        return self._clients[service]

    @cached_property
    def resources(self) -> dict[str, str]:
        """Physical ids by logical id."""
        pages = self.root("cloudformation").get_paginator("list_stack_resources").paginate(StackName="onggi")
        summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
        return {summary["LogicalResourceId"]: summary["PhysicalResourceId"] for summary in summaries}

    def url(self, route: str, **query: str | int) -> str:
        return f"{self['ApiUrl']}/v1{route}" + (f"?{urlencode(query)}" if query else "")

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None, data: bytes = b"") -> Reply:
        answer = HTTP.request(method, url, headers=headers, body=data, redirect=False)
        is_json = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
        return Reply(answer.status, answer.headers, json.loads(answer.data) if is_json else answer.data)

    def as_operator(self, method: str, route: str, body: Any = None, **query: str | int) -> Reply:
        """Calls an operator's route, signed by the root user."""
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        signed = AWSRequest(method, self.url(route, **query), {"content-type": "application/json"}, data)
        SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(signed)
        return self.send(method, self.url(route, **query), dict(signed.headers.items()), data)

    def new_tenant(self, tenant_id: str, name: str = "옹기 상회", tier: str = "basic") -> "Tenant":
        created = self.as_operator("POST", "/admin/tenants", {"tenant_id": tenant_id, "name": name, "tier": tier})
        assert created.status == 202, created
        self.onboarded(tenant_id)
        return Tenant(self, tenant_id, self.issue_key(tenant_id))

    def shown(self, tenant_id: str) -> Json:
        """A tenant as operators see it."""
        shown: Json = self.as_operator("GET", f"/admin/tenants/{tenant_id}").body
        return shown

    def onboarded(self, tenant_id: str) -> None:
        """Waits until a tenant is active."""

        def look() -> Json | None:
            shown = self.shown(tenant_id)
            assert shown["status"] in {"provisioning", "active"}, shown
            return shown if shown["status"] == "active" else None

        wait_for(look, READY_SECONDS)

    def issue_key(self, tenant_id: str, **wanted: str) -> str:
        issued = self.as_operator("POST", f"/admin/tenants/{tenant_id}/keys", wanted)
        assert issued.status == 201, issued
        key = str(issued.body["api_key"])
        self.confidential |= {key, key[-43:]}
        return key

    # ── the workflow ────────────────────────────────────────────────────────────────────────────────────────────────
    def start(self, event: Json) -> str:
        """Starts the workflow as EventBridge does; returns the execution's ARN."""
        machine = self["IngestionStateMachineArn"]
        arn: str = self.root("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(event))[
            "executionArn"
        ]
        return arn

    def ended(self, arn: str) -> Json:
        """An execution at its end."""
        states = self.root("stepfunctions")

        def look() -> Json | None:
            execution: Json = states.describe_execution(executionArn=arn)
            return None if execution["status"] == "RUNNING" else execution

        return wait_for(look, READY_SECONDS)

    def run(self, event: Json) -> Json:
        """The state at the end of an execution on this event."""
        execution = self.ended(self.start(event))
        assert execution["status"] == "SUCCEEDED", execution
        state: Json = json.loads(execution["output"])
        return state

    def execution_arn(self, name: str) -> str:
        return self["IngestionStateMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"

    def executions(self) -> list[Json]:
        pages = self.root("stepfunctions").get_paginator("list_executions")
        machine = self["IngestionStateMachineArn"]
        return [each for page in pages.paginate(stateMachineArn=machine) for each in page["executions"]]

    def executions_of(self, key: str) -> list[Json]:
        """All executions about an S3 key, in the order of their start."""
        described = [self.ended(each["executionArn"]) for each in self.executions()]
        about = [
            each
            for each in described
            if json.loads(each["input"]).get("detail", {}).get("object", {}).get("key") == key
        ]
        return sorted(about, key=lambda each: each["startDate"])

    def states_entered(self, arn: str) -> list[str]:
        """The names of the states that an execution went through."""
        pages = self.root("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    # ── what lies where ─────────────────────────────────────────────────────────────────────────────────────────────
    def keys_below(self, bucket: str, prefix: str) -> list[str]:
        pages = self.root("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def rejection(self, key: str, version: str) -> Json | None:
        """The control table's note of an upload that belongs to no tenant."""
        pages = self.root("dynamodb").get_paginator("query")
        noted = pages.paginate(
            TableName=self["ControlTableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "REJECTED"}},
        )
        items = [item for page in noted for item in page["Items"]]
        return next((item for item in items if (item["key"]["S"], item["version"]["S"]) == (key, version)), None)

    def log_messages(self) -> Iterator[str]:
        """Every line in every log group of the account."""
        logs = self.root("logs")
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                yield from self._messages_of(group["logGroupName"])

    def _messages_of(self, log_group: str) -> Iterator[str]:
        """The emulator answers the oldest of many and no token that leads to the rest, so that time does."""
        start = 0
        while True:
            found = self.root("logs").filter_log_events(logGroupName=log_group, startTime=start)["events"]
            newest = found[-1]["timestamp"] if len(found) >= LOG_EVENTS_A_CALL else None
            yield from (event["message"] for event in found if event["timestamp"] != newest)
            if newest is None:
                return
            assert newest > start, "more lines in a millisecond than one call answers"
            start = newest


@dataclass(frozen=True)
class Tenant:
    """A tenant with a key, and what its people do."""

    product: Product
    tenant_id: str
    api_key: str

    # ── over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────
    def call(self, method: str, route: str, body: Any = None, **query: str | int) -> Reply:
        headers = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.product.send(method, self.product.url(route, **query), headers, data)

    def ask(self, question: str, **fields: Any) -> Json:
        return self._answered("/query", question, fields)

    def retrieve(self, question: str, **fields: Any) -> Json:
        return self._answered("/retrieve", question, fields)

    def _answered(self, route: str, question: str, fields: Json) -> Json:
        self._mark(question)
        reply = self.call("POST", route, {"question": question, **fields})
        assert reply.status == 200, reply
        body: Json = reply.body
        return body

    def document(self, document_id: str) -> Json:
        reply = self.call("GET", f"/documents/{document_id}")
        assert reply.status == 200, reply
        body: Json = reply.body
        return body

    def upload(self, name: str, content: bytes, content_type: str, **fields: Any) -> Json:
        """Uploads by the API's form, and waits until the document is ready or failed."""
        body = {"name": name, "content_type": content_type, "size": len(content), **fields}
        permitted = self.call("POST", "/documents", body)
        assert permitted.status == 201, permitted
        stored = self.send_form(permitted.body["upload"], content)
        assert stored.status in {200, 201, 204}, stored
        return self.settled(permitted.body["upload"]["fields"]["key"], stored.headers["x-amz-version-id"])

    def send_form(self, form: Json, content: bytes, **changed: str) -> Reply:
        self._mark(content.decode(errors="replace"))
        fields = {**form["fields"], **changed, "file": ("upload", content)}
        data, content_type = urllib3.encode_multipart_formdata(fields)
        return self.product.send("POST", form["url"], {"content-type": content_type}, data)

    @cached_property
    def placement(self) -> Json:
        """Where the tenant's things lie."""
        placement: Json = self.product.shown(self.tenant_id)["placement"]
        return placement

    def forget_placement(self) -> None:
        """Asks again where the tenant's things lie: it was moved."""
        self.__dict__.pop("placement", None)

    # ── by an S3 client ─────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def prefix(self) -> str:
        return f"tenants/{self.tenant_id}/"

    def drop(self, name: str, content: bytes | str, **options: Any) -> str:
        """Puts a file below the tenant's prefix; returns its version."""
        data = content.encode() if isinstance(content, str) else content
        self._mark(data.decode(errors="replace"))
        bucket = self.placement["documents_bucket"]
        put = self.product.root("s3").put_object(Bucket=bucket, Key=self.prefix + name, Body=data, **options)
        version: str = put["VersionId"]
        return version

    def ingest(self, name: str, content: bytes | str, **options: Any) -> Json:
        """Drops a file and waits until it is ready or failed."""
        return self.settled(self.prefix + name, self.drop(name, content, **options))

    def ready(self, name: str, content: bytes | str, **options: Any) -> Json:
        document = self.ingest(name, content, **options)
        assert document["status"] == "ready", document
        return document

    def remove(self, name: str) -> str:
        """Deletes a file by an S3 client; returns the delete marker's version."""
        bucket = self.placement["documents_bucket"]
        deleted = self.product.root("s3").delete_object(Bucket=bucket, Key=self.prefix + name)
        marker: str = deleted["VersionId"]
        return marker

    # ── by the root user ────────────────────────────────────────────────────────────────────────────────────────────
    def row(self, key: str) -> Json | None:
        """The ledger's row of a document."""
        found = self.product.root("dynamodb").query(
            TableName=self.product["TenantTableName"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :documents)",
            ExpressionAttributeValues={":pk": {"S": self.tenant_id}, ":documents": {"S": "DOCUMENT#"}},
            ConsistentRead=True,
        )
        return next((item for item in found["Items"] if item.get("key", {}).get("S") == key), None)

    def wait_for_status(self, key: str, *statuses: str, version: str | None = None) -> Json:
        """The row of a document once it has one of these statuses, for a version where one is named."""

        def look() -> Json | None:
            row = self.row(key)
            wanted = row and row["status"]["S"] in statuses and version in {None, row["version"]["S"]}
            return row if wanted else None

        return wait_for(look, READY_SECONDS)

    def settled(self, key: str, version: str) -> Json:
        """The document as the API shows it once this version is ready or failed and its execution has ended."""
        row = self.wait_for_status(key, "ready", "failed", version=version)
        self.product.ended(self.product.execution_arn(row["execution"]["S"]))
        return self.document(row["document_id"]["S"])

    def execution(self, key: str) -> Json:
        """The execution that has led to a document's present state, at its end."""
        row = self.row(key)
        assert row is not None
        return self.product.ended(self.product.execution_arn(row["execution"]["S"]))

    def event(self, document: Json) -> Json:
        """The event that has led to a document's present state."""
        event: Json = json.loads(self.execution(document["key"])["input"])
        return event

    def state(self, document: Json) -> Json:
        """The workflow's state when it had brought a document to where it is."""
        state: Json = json.loads(self.execution(document["key"])["output"])
        return state

    def vector_keys(self, document_id: str = "") -> list[str]:
        pages = self.product.root("s3vectors").get_paginator("list_vectors")
        where = {"vectorBucketName": self.placement["vector_bucket"], "indexName": self.tenant_id}
        keys = [vector["key"] for page in pages.paginate(**where) for vector in page["vectors"]]
        return sorted(key for key in keys if key.startswith(document_id))

    def artifacts(self, document_id: str = "") -> list[str]:
        """The S3 keys of everything that ingestion has left of a document, manifests included."""
        made = self.product.keys_below(self.placement["artifacts_bucket"], self.prefix + document_id)
        manifests = f"manifests/{self.tenant_id}/{document_id}"
        return made + self.product.keys_below(self.product["ArtifactsBucketName"], manifests)

    def extracted_text(self, document: Json) -> str:
        key = f"{self.prefix}{document['document_id']}/{document['version']}/text.txt"
        found = self.product.root("s3").get_object(Bucket=self.placement["artifacts_bucket"], Key=key)
        text: str = found["Body"].read().decode()
        return text

    def left(self, document_id: str) -> list[str]:
        """Everything that is left of a document besides its upload and its row."""
        return self.vector_keys(document_id) + self.artifacts(document_id)

    def metric(self, name: str, statistic: str = "Sum", dimension: str = "TenantId", value: str = "") -> float:
        """The sum of a metric over this day and the next minutes, or another statistic of it."""
        return metric(self.product, name, statistic, {dimension: value or self.tenant_id})

    def _mark(self, text: str) -> None:
        first_line = text.strip().partition("\n")[0]
        if len(first_line) >= MARKED_CHARACTERS:
            self.product.confidential.add(first_line)


def metric(product: Product, name: str, statistic: str, dimensions: Mapping[str, str]) -> float:
    now = time.time()
    found = {
        "Namespace": "Onggi",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "m", "MetricStat": {"Metric": found, "Period": 60, "Stat": statistic}}
    data = product.root("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - 7200, EndTime=now + 120
    )
    return float(sum(data["MetricDataResults"][0]["Values"]))


def refused_code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
