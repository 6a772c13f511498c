"""The deployed stack, as used by its operator, its tenants and the account's root user."""

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
LOG_EVENTS_PER_CALL = 10_000
"""The maximum that FilterLogEvents returns (CloudWatch Logs API reference)."""
MIN_CONFIDENTIAL_CHARACTERS = 16
"""A shorter text may be in a log by chance."""
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
        confidential: Keys, questions and texts of the tests, which no log may contain.
    """

    cloud: LocalCloud
    outputs: Mapping[str, str]
    confidential: set[str] = field(default_factory=set)
    _clients: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, output: str) -> str:
        return self.outputs[output]

    def root(self, service: str) -> Any:
        """Returns the root user's client of a service."""
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
        response = HTTP.request(method, url, headers=headers, body=data, redirect=False)
        is_json = response.headers.get("content-type", "").partition(";")[0].endswith("json")
        return Reply(response.status, response.headers, json.loads(response.data) if is_json else response.data)

    def as_operator(self, method: str, route: str, body: Any = None, **query: str | int) -> Reply:
        """Calls an operator's route, signed by the root user."""
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        signed = AWSRequest(method, self.url(route, **query), {"content-type": "application/json"}, data)
        SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(signed)
        return self.send(method, self.url(route, **query), dict(signed.headers.items()), data)

    def new_tenant(self, tenant_id: str, name: str = "옹기 상회", tier: str = "basic") -> "Tenant":
        created = self.as_operator("POST", "/admin/tenants", {"tenant_id": tenant_id, "name": name, "tier": tier})
        assert created.status == 202, created
        self.wait_until_active(tenant_id)
        return Tenant(self, tenant_id, self.issue_key(tenant_id))

    def tenant_record(self, tenant_id: str) -> Json:
        """Returns a tenant's record in the operator's API."""
        shown: Json = self.as_operator("GET", f"/admin/tenants/{tenant_id}").body
        return shown

    def wait_until_active(self, tenant_id: str) -> None:
        """Waits until a tenant is active."""

        def poll() -> Json | None:
            shown = self.tenant_record(tenant_id)
            assert shown["status"] in {"provisioning", "active"}, shown
            return shown if shown["status"] == "active" else None

        wait_for(poll, READY_SECONDS)

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

    def wait_for_execution(self, arn: str) -> Json:
        """Waits until an execution has ended; returns it."""
        states = self.root("stepfunctions")

        def poll() -> Json | None:
            execution: Json = states.describe_execution(executionArn=arn)
            return None if execution["status"] == "RUNNING" else execution

        return wait_for(poll, READY_SECONDS)

    def run(self, event: Json) -> Json:
        """Runs the workflow on an event; returns its output."""
        execution = self.wait_for_execution(self.start(event))
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
        """Returns all executions for an S3 key, in the order of their start."""
        described = [self.wait_for_execution(each["executionArn"]) for each in self.executions()]
        about = [
            each
            for each in described
            if json.loads(each["input"]).get("detail", {}).get("object", {}).get("key") == key
        ]
        return sorted(about, key=lambda each: each["startDate"])

    def states_entered(self, arn: str) -> list[str]:
        """Returns the names of the states that an execution entered."""
        pages = self.root("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    # ── stored data ─────────────────────────────────────────────────────────────────────────────────────────────────
    def keys_below(self, bucket: str, prefix: str) -> list[str]:
        pages = self.root("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def rejection(self, key: str, version: str) -> Json | None:
        """Returns the control table's record of an upload that belongs to no tenant."""
        pages = self.root("dynamodb").get_paginator("query")
        records = pages.paginate(
            TableName=self["ControlTableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "REJECTED"}},
        )
        items = [item for page in records for item in page["Items"]]
        return next((item for item in items if (item["key"]["S"], item["version"]["S"]) == (key, version)), None)

    def log_messages(self) -> Iterator[str]:
        """Yields every line of every log group of the account."""
        logs = self.root("logs")
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                yield from self._messages_of(group["logGroupName"])

    def _messages_of(self, log_group: str) -> Iterator[str]:
        """Yields the lines of a log group, paged by time, since the emulator returns no token."""
        start = 0
        while True:
            found = self.root("logs").filter_log_events(logGroupName=log_group, startTime=start)["events"]
            newest = found[-1]["timestamp"] if len(found) >= LOG_EVENTS_PER_CALL else None
            yield from (event["message"] for event in found if event["timestamp"] != newest)
            if newest is None:
                return
            assert newest > start, "more lines in a millisecond than one call returns"
            start = newest


@dataclass(frozen=True)
class Tenant:
    """A tenant with an API key."""

    product: Product
    tenant_id: str
    api_key: str

    # ── over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────
    def call(self, method: str, route: str, body: Any = None, **query: str | int) -> Reply:
        headers = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.product.send(method, self.product.url(route, **query), headers, data)

    def ask(self, question: str, **fields: Any) -> Json:
        return self._post_question("/query", question, fields)

    def retrieve(self, question: str, **fields: Any) -> Json:
        return self._post_question("/retrieve", question, fields)

    def _post_question(self, route: str, question: str, fields: Json) -> Json:
        self._record_confidential(question)
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
        """Uploads with a form of the API and waits until the document is ready or failed; returns it."""
        body = {"name": name, "content_type": content_type, "size": len(content), **fields}
        created = self.call("POST", "/documents", body)
        assert created.status == 201, created
        stored = self.send_form(created.body["upload"], content)
        assert stored.status in {200, 201, 204}, stored
        return self.wait_until_processed(created.body["upload"]["fields"]["key"], stored.headers["x-amz-version-id"])

    def send_form(self, form: Json, content: bytes, **changed: str) -> Reply:
        self._record_confidential(content.decode(errors="replace"))
        fields = {**form["fields"], **changed, "file": ("upload", content)}
        data, content_type = urllib3.encode_multipart_formdata(fields)
        return self.product.send("POST", form["url"], {"content-type": content_type}, data)

    @cached_property
    def placement(self) -> Json:
        """The buckets and the index of the tenant."""
        placement: Json = self.product.tenant_record(self.tenant_id)["placement"]
        return placement

    def discard_placement(self) -> None:
        """Discards the cached placement after a move."""
        self.__dict__.pop("placement", None)

    # ── with an S3 client ─────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def prefix(self) -> str:
        return f"tenants/{self.tenant_id}/"

    def drop(self, name: str, content: bytes | str, **options: Any) -> str:
        """Uploads a file below the tenant's prefix with an S3 client; returns its version."""
        data = content.encode() if isinstance(content, str) else content
        self._record_confidential(data.decode(errors="replace"))
        bucket = self.placement["documents_bucket"]
        put = self.product.root("s3").put_object(Bucket=bucket, Key=self.prefix + name, Body=data, **options)
        version: str = put["VersionId"]
        return version

    def ingest(self, name: str, content: bytes | str, **options: Any) -> Json:
        """Uploads a file with an S3 client and waits until it is ready or failed; returns the document."""
        return self.wait_until_processed(self.prefix + name, self.drop(name, content, **options))

    def ready(self, name: str, content: bytes | str, **options: Any) -> Json:
        document = self.ingest(name, content, **options)
        assert document["status"] == "ready", document
        return document

    def remove(self, name: str) -> str:
        """Deletes a file with an S3 client; returns the version of the delete marker."""
        bucket = self.placement["documents_bucket"]
        deleted = self.product.root("s3").delete_object(Bucket=bucket, Key=self.prefix + name)
        marker: str = deleted["VersionId"]
        return marker

    # ── as the root user ────────────────────────────────────────────────────────────────────────────────────────────
    def row(self, key: str) -> Json | None:
        """Returns the ledger's row of a document."""
        found = self.product.root("dynamodb").query(
            TableName=self.product["TenantTableName"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :documents)",
            ExpressionAttributeValues={":pk": {"S": self.tenant_id}, ":documents": {"S": "DOCUMENT#"}},
            ConsistentRead=True,
        )
        return next((item for item in found["Items"] if item.get("key", {}).get("S") == key), None)

    def wait_for_status(self, key: str, *statuses: str, version: str | None = None) -> Json:
        """Waits until a document, or a version of it, has one of the statuses; returns its row."""

        def poll() -> Json | None:
            row = self.row(key)
            wanted = row and row["status"]["S"] in statuses and version in {None, row["version"]["S"]}
            return row if wanted else None

        return wait_for(poll, READY_SECONDS)

    def wait_until_processed(self, key: str, version: str) -> Json:
        """Waits until a version is ready or failed and its execution has ended; returns the document from the API."""
        row = self.wait_for_status(key, "ready", "failed", version=version)
        self.product.wait_for_execution(self.product.execution_arn(row["execution"]["S"]))
        return self.document(row["document_id"]["S"])

    def execution(self, key: str) -> Json:
        """Waits for the end of the execution that led to a document's present state; returns it."""
        row = self.row(key)
        assert row is not None
        return self.product.wait_for_execution(self.product.execution_arn(row["execution"]["S"]))

    def event(self, document: Json) -> Json:
        """Returns the event that led to a document's present state."""
        event: Json = json.loads(self.execution(document["key"])["input"])
        return event

    def state(self, document: Json) -> Json:
        """Returns the workflow's output that led to a document's present state."""
        state: Json = json.loads(self.execution(document["key"])["output"])
        return state

    def vector_keys(self, document_id: str = "") -> list[str]:
        pages = self.product.root("s3vectors").get_paginator("list_vectors")
        where = {"vectorBucketName": self.placement["vector_bucket"], "indexName": self.tenant_id}
        keys = [vector["key"] for page in pages.paginate(**where) for vector in page["vectors"]]
        return sorted(key for key in keys if key.startswith(document_id))

    def artifacts(self, document_id: str = "") -> list[str]:
        """Returns the S3 keys of all artifacts of a document, including manifests."""
        artifacts = self.product.keys_below(self.placement["artifacts_bucket"], self.prefix + document_id)
        manifests = f"manifests/{self.tenant_id}/{document_id}"
        return artifacts + self.product.keys_below(self.product["ArtifactsBucketName"], manifests)

    def extracted_text(self, document: Json) -> str:
        key = f"{self.prefix}{document['document_id']}/{document['version']}/text.txt"
        found = self.product.root("s3").get_object(Bucket=self.placement["artifacts_bucket"], Key=key)
        text: str = found["Body"].read().decode()
        return text

    def derived_data(self, document_id: str) -> list[str]:
        """Returns the vectors and artifacts of a document."""
        return self.vector_keys(document_id) + self.artifacts(document_id)

    def metric(self, name: str, statistic: str = "Sum", dimension: str = "TenantId", value: str = "") -> float:
        """Returns a statistic of a metric over the last two hours."""
        return metric(self.product, name, statistic, {dimension: value or self.tenant_id})

    def _record_confidential(self, text: str) -> None:
        first_line = text.strip().partition("\n")[0]
        if len(first_line) >= MIN_CONFIDENTIAL_CHARACTERS:
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
