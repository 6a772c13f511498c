"""A tenant of the demonstration: its uploads, their ingestion, its questions and its usage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cli.api import ApiClient, JsonObject
from cli.demo.documents import Company, DemoDocument, Question
from cli.documents import upload
from cli.errors import CommandError
from cli.metrics import TenantUsage
from cli.progress import DocumentProgress, Tracker
from cli.transport import Transport

FINAL = frozenset({"ready", "failed"})


class S3(Protocol):
    """The part of boto3's S3 client that is used here."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter names
        """Puts an object."""


@dataclass
class ReportedUsage:
    """The usage that the API has reported in its responses; the metrics must agree with it."""

    queries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    documents_ingested: int = 0
    cost_usd: float = 0.0

    def differences(self, before: TenantUsage, after: TenantUsage) -> list[str]:
        """Returns the differences to the metrics between two readings."""
        found = []
        for name in ("queries", "input_tokens", "output_tokens", "embedding_tokens", "documents_ingested"):
            metric = getattr(after, name) - getattr(before, name)
            reported = getattr(self, name)
            if metric != reported:
                found.append(f"the metrics show {metric} {name.replace('_', ' ')}, the API reported {reported}")
        # The metric includes ingestion and is a sum of floating-point numbers.
        if after.estimated_cost_usd - before.estimated_cost_usd < self.cost_usd - 1e-9:
            found.append(f"the metrics show a lower cost than the ${self.cost_usd:.6f} that the API reported")
        return found


@dataclass
class DemoTenant:
    """A company as a tenant of the stack.

    Attributes:
        before: The metrics at the start; a tenant of an earlier demonstration has some.
        uploads: The latest uploaded version, by document name.
        originals: The latest uploaded documents, by id.
    """

    company: Company
    api: ApiClient
    before: TenantUsage
    reported: ReportedUsage = field(default_factory=ReportedUsage)
    uploads: dict[str, str] = field(default_factory=dict)
    originals: dict[str, DemoDocument] = field(default_factory=dict)

    def drop(self, s3: S3, bucket: str, document: DemoDocument) -> None:
        """Puts a document below the tenant's prefix in S3, as any S3 client would.

        Raises:
            CommandError: S3 rejects it, or the bucket has no versioning.
        """
        key = f"tenants/{self.company.tenant_id}/{document.path}"
        try:
            put = s3.put_object(Bucket=bucket, Key=key, Body=document.content, ContentType=document.content_type)
        except (BotoCoreError, ClientError) as error:
            raise CommandError("upload_refused", f"S3 rejected {key}: {str(error).rstrip('.')}.") from error
        if "VersionId" not in put:
            raise CommandError("no_version", f"The bucket {bucket} has no versioning: enable it.")
        self.uploads[document.path] = put["VersionId"]

    def post(self, transport: Transport, document: DemoDocument) -> None:
        """Uploads a document through the API, as an application of the tenant would."""
        _, version = upload(
            self.api, transport, BytesIO(document.content), document.path, document.content_type, {}, lambda _: None
        )
        self.uploads[document.path] = version

    def states(self) -> dict[str, JsonObject]:
        """Returns the documents whose latest uploaded version is known to the stack, by name."""
        documents = self.api.pages("/documents", "documents")
        return {document["name"]: document for document in documents if self._is_newest(document)}

    def _is_newest(self, document: JsonObject) -> bool:
        return bool(self.uploads.get(document["name"]) == document["version"])

    def record_ready(self, document: DemoDocument, state: JsonObject) -> None:
        """Records that a document is ready."""
        self.originals[state["document_id"]] = document
        self.reported.documents_ingested += 1
        self.reported.embedding_tokens += state["tokens"]

    def id_of(self, path: str) -> str:
        """Returns the id of a document.

        Raises:
            CommandError: The document did not become ready.
        """
        for document_id, document in self.originals.items():
            if document.path == path:
                return document_id
        raise CommandError("not_ready", f"{path} did not become ready.")

    def ask(self, question: Question) -> JsonObject:
        """Asks a question and records the usage."""
        answer = self.api.post("/query", {"question": question.text})
        usage = answer["usage"]
        self.reported.queries += 1
        self.reported.input_tokens += usage["input_tokens"]
        self.reported.output_tokens += usage["output_tokens"]
        self.reported.embedding_tokens += usage["embedding_tokens"]
        self.reported.cost_usd += float(usage["cost_usd"])
        return answer

    def find(self, question: Question) -> list[JsonObject]:
        """Finds the passages for a question and records the usage."""
        found = self.api.post("/retrieve", {"question": question.text})
        self.reported.embedding_tokens += found["usage"]["embedding_tokens"]
        passages: list[JsonObject] = found["passages"]
        return passages


@dataclass
class Ingestion:
    """Documents of one tenant in processing, shown by a tracker."""

    tenant: DemoTenant
    documents: Sequence[DemoDocument]
    tracker: Tracker
    states: dict[str, JsonObject] = field(default_factory=dict)
    numbers: dict[str, int] = field(init=False)
    progress: dict[str, DocumentProgress] = field(init=False)

    def __post_init__(self) -> None:
        """Adds the documents to the tracker."""
        self.numbers = {document.path: self._begin(document) for document in self.documents}
        self.progress = {path: DocumentProgress(self.tracker, number) for path, number in self.numbers.items()}

    def poll(self) -> bool:
        """Reads and shows the states; returns whether all documents are ready or failed."""
        self.states = self.tenant.states()
        for path, number in self.numbers.items():
            if path in self.states:
                self.progress[path](self.states[path])
            else:
                self.tracker.state(number, "event sent")
        return all(path in self.states and self.states[path]["status"] in FINAL for path in self.numbers)

    def errors(self, path: str) -> list[str]:
        """Returns why a document is not ready; empty if it is."""
        state = self.states.get(path)
        if state is None:
            return ["the stack does not list it"]
        if state["status"] == "ready":
            return []
        error = state.get("error") or {"message": "it was not processed in time"}
        return [f"it is {state['status']}: {error['message'].rstrip('.')}"]

    def _begin(self, document: DemoDocument) -> int:
        size = len(document.content)
        number = self.tracker.begin(f"{self.tenant.company.tenant_id}  {document.path}", size)
        self.tracker.sent(number, size)
        return number
