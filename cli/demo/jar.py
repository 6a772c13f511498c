"""One tenant of the demonstration at work: its documents on their way, its questions, and what it spent."""

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
from cli.progress import Sight, Tracker
from cli.transport import Transport

FINAL = frozenset({"ready", "failed"})


class S3(Protocol):
    """The one call that drops a document."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter names
        """Puts an object."""


@dataclass
class Spent:
    """What the API's own answers say was spent; the metrics must come to the same."""

    queries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    documents_ingested: int = 0
    cost_usd: float = 0.0

    def wrong_with(self, before: TenantUsage, after: TenantUsage) -> list[str]:
        """Returns where the metrics differ from what was spent between two readings of them."""
        found = []
        for name in ("queries", "input_tokens", "output_tokens", "embedding_tokens", "documents_ingested"):
            metric = getattr(after, name) - getattr(before, name)
            answered = getattr(self, name)
            if metric != answered:
                found.append(f"the metrics say {metric} {name.replace('_', ' ')}, the API's answers {answered}")
        # The metric counts ingestion, too, and is a sum of floating-point numbers.
        if after.estimated_cost_usd - before.estimated_cost_usd < self.cost_usd - 1e-9:
            found.append(f"the metrics say that it cost less than the ${self.cost_usd:.6f} of the API's answers")
        return found


@dataclass
class Jar:
    """A company with its place in the stack.

    Attributes:
        before: What its metrics said at first; a tenant of an earlier demonstration has some.
        uploads: The version that was uploaded last, by document name.
        originals: The documents as uploaded last, by id.
    """

    company: Company
    api: ApiClient
    before: TenantUsage
    spent: Spent = field(default_factory=Spent)
    uploads: dict[str, str] = field(default_factory=dict)
    originals: dict[str, DemoDocument] = field(default_factory=dict)

    def drop(self, s3: S3, bucket: str, document: DemoDocument) -> None:
        """Puts a document straight below the tenant's prefix, as any S3 client would.

        Raises:
            CommandError: S3 does not take it, or keeps no versions.
        """
        key = f"tenants/{self.company.tenant_id}/{document.path}"
        try:
            put = s3.put_object(Bucket=bucket, Key=key, Body=document.content, ContentType=document.content_type)
        except (BotoCoreError, ClientError) as error:
            raise CommandError("upload_refused", f"S3 does not take {key}: {str(error).rstrip('.')}.") from error
        if "VersionId" not in put:
            raise CommandError("no_version", f"The bucket {bucket} keeps no versions: switch its versioning on.")
        self.uploads[document.path] = put["VersionId"]

    def post(self, transport: Transport, document: DemoDocument) -> None:
        """Uploads a document through the API, as an application of the tenant would."""
        _, version = upload(
            self.api, transport, BytesIO(document.content), document.path, document.content_type, {}, lambda _: None
        )
        self.uploads[document.path] = version

    def states(self) -> dict[str, JsonObject]:
        """Returns the documents whose version uploaded last is known to the stack, by name."""
        there = self.api.pages("/documents", "documents")
        return {document["name"]: document for document in there if self._is_newest(document)}

    def _is_newest(self, document: JsonObject) -> bool:
        return bool(self.uploads.get(document["name"]) == document["version"])

    def settle(self, document: DemoDocument, state: JsonObject) -> None:
        """Notes that a document has become ready."""
        self.originals[state["document_id"]] = document
        self.spent.documents_ingested += 1
        self.spent.embedding_tokens += state["tokens"]

    def id_of(self, path: str) -> str:
        """Returns the id of a document.

        Raises:
            CommandError: The document has never become ready.
        """
        for document_id, document in self.originals.items():
            if document.path == path:
                return document_id
        raise CommandError("not_ready", f"{path} never became ready.")

    def ask(self, question: Question) -> JsonObject:
        """Asks a question and note what it took."""
        answer = self.api.post("/query", {"question": question.text})
        usage = answer["usage"]
        self.spent.queries += 1
        self.spent.input_tokens += usage["input_tokens"]
        self.spent.output_tokens += usage["output_tokens"]
        self.spent.embedding_tokens += usage["embedding_tokens"]
        self.spent.cost_usd += float(usage["cost_usd"])
        return answer

    def find(self, question: Question) -> list[JsonObject]:
        """Finds the passages for a question and note what it took."""
        found = self.api.post("/retrieve", {"question": question.text})
        self.spent.embedding_tokens += found["usage"]["embedding_tokens"]
        passages: list[JsonObject] = found["passages"]
        return passages


@dataclass
class Arrival:
    """Documents of one tenant on their way, as the tracker shows them."""

    jar: Jar
    documents: Sequence[DemoDocument]
    tracker: Tracker
    states: dict[str, JsonObject] = field(default_factory=dict)
    numbers: dict[str, int] = field(init=False)
    sights: dict[str, Sight] = field(init=False)

    def __post_init__(self) -> None:
        """Begins to show the documents."""
        self.numbers = {document.path: self._begin(document) for document in self.documents}
        self.sights = {path: Sight(self.tracker, number) for path, number in self.numbers.items()}

    def look(self) -> bool:
        """Looks how far they are; returns whether all have arrived, ready or failed."""
        self.states = self.jar.states()
        for path, number in self.numbers.items():
            if path in self.states:
                self.sights[path](self.states[path])
            else:
                self.tracker.state(number, "event sent")
        return all(path in self.states and self.states[path]["status"] in FINAL for path in self.numbers)

    def wrong_with(self, path: str) -> list[str]:
        """Returns what is wrong with a document now."""
        state = self.states.get(path)
        if state is None:
            return ["nothing has been heard of it"]
        if state["status"] == "ready":
            return []
        error = state.get("error") or {"message": "and has not arrived in time"}
        return [f"it is {state['status']}: {error['message'].rstrip('.')}"]

    def _begin(self, document: DemoDocument) -> int:
        size = len(document.content)
        number = self.tracker.begin(f"{self.jar.company.tenant_id}  {document.path}", size)
        self.tracker.sent(number, size)
        return number
