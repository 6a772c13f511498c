"""An in-memory stack that follows the API contract, with faults that can be enabled."""

import io
import json
import re
import unicodedata
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cli.transport import Request, Response
from tests.unit.cli.fakes import FORM, NOW, OUTPUTS, FakeCloudWatch, reply


def tokens(text: str) -> int:
    """Returns the number of words, which this fake's models count as tokens."""
    return len(text.split())


class FakeOnggi:
    """A small in-memory stack that follows the API contract: it searches words, answers sentences and emits metrics.

    Faults can be enabled, each of which the demonstration must detect.
    """

    def __init__(self, cloudwatch: FakeCloudWatch) -> None:
        self._cloudwatch = cloudwatch
        self.faults: set[str] = set()
        self.tenants: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self._versions = 0

    # S3, as boto3's client

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter names
        assert Bucket == OUTPUTS["DocumentsBucketName"]
        return {"VersionId": self._store(Key, Body, ContentType)}

    # HTTP, as the command's transport

    def send(self, request: Request) -> Response:
        body = request.body
        data = b"" if body is None else body if isinstance(body, bytes) else b"".join(body)
        if request.url == FORM:
            return self._receive_form(data)
        address = urlsplit(request.url)
        route = unquote(address.path).removeprefix("/prod/v1")
        headers = {name.lower(): value for name, value in request.headers.items()}
        document = json.loads(data) if data else {}
        if route.startswith("/admin/"):
            assert headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
            return self._admin(request.method, route, document)
        tenant_id = headers["authorization"].removeprefix("Bearer onggi_").split("_")[0]
        return self._tenant(request.method, route, parse_qs(address.query), document, tenant_id)

    def _admin(self, method: str, route: str, document: dict[str, Any]) -> Response:
        if (method, route) == ("POST", "/admin/tenants"):
            if document["tenant_id"] in self.tenants:
                return reply(409, {"status": 409, "title": "Conflict", "detail": "The tenant exists already."})
            self.tenants[document["tenant_id"]] = {**document, "status": "provisioning"}
            return reply(202, {"tenant_id": document["tenant_id"], "status": "provisioning"})
        tenant_id = route.split("/")[3]
        if method == "POST":
            return reply(201, {"key_id": "k", "api_key": f"onggi_{tenant_id}_secret", "tenant_id": tenant_id})
        shown = dict(self.tenants[tenant_id])
        self.tenants[tenant_id]["status"] = "active"
        return reply(200, shown)

    def _tenant(
        self, method: str, route: str, query: dict[str, list[str]], document: dict[str, Any], tenant_id: str
    ) -> Response:
        if route == "/me":
            return reply(200, {"tenant_id": tenant_id})
        if route == "/query":
            return self._answer(document["question"], tenant_id)
        if route == "/retrieve":
            self._emit(tenant_id, EmbeddingTokens=tokens(document["question"]))
            passages = self._passages(document["question"], tenant_id)
            return reply(200, {"passages": passages, "usage": {"embedding_tokens": tokens(document["question"])}})
        if route == "/documents":
            return self._list_or_create(method, query, document, tenant_id)
        return self._one_document(method, route.removeprefix("/documents/"), tenant_id)

    def _list_or_create(
        self, method: str, query: dict[str, list[str]], document: dict[str, Any], tenant_id: str
    ) -> Response:
        if method == "POST":
            key = f"tenants/{tenant_id}/{document['name']}"
            return reply(201, {"document_id": key, "upload": {"url": FORM, "fields": {"key": key}}})
        assert query["limit"] == ["100"]
        return reply(200, {"documents": [self._progress(key) for key in self._keys_of(tenant_id)]})

    def _one_document(self, method: str, key: str, tenant_id: str) -> Response:
        if key not in self._keys_of(tenant_id):
            return reply(404, {"detail": "There is no such document."})
        if method == "DELETE":
            self.documents[key]["status"] = "ready" if "undeleted" in self.faults else "deleting"
            return reply(202, self.documents[key])
        return reply(200, self.documents.pop(key) | {"status": "deleted"})

    def _receive_form(self, data: bytes) -> Response:
        key = re.search(rb'name="key"\r\n\r\n(.*?)\r\n--', data)
        content = re.search(rb'name="file"; filename="upload"\r\n\r\n(.*)\r\n--', data, re.DOTALL)
        assert key is not None
        assert content is not None
        version = self._store(key.group(1).decode(), content.group(1), "text/markdown")
        return Response(204, {"x-amz-version-id": version}, b"")

    def _store(self, key: str, body: bytes, content_type: str) -> str:
        self._versions += 1
        version = f"v{self._versions}"
        text = _text_of(body, content_type)
        if "stale" in self.faults and key in self.documents:
            text = self.documents[key]["text"]
        self.documents[key] = {
            "document_id": key,
            "key": key,
            "name": key.split("/", 2)[2],
            "version": version,
            "status": "pending",
            "tokens": tokens(text),
            "text": text,
            "pages": 2 if content_type == "application/pdf" else 1,
        }
        return version

    def _progress(self, key: str) -> dict[str, Any]:
        """Returns a document and advances its status by one step."""
        shown = dict(self.documents[key])
        following = {"pending": "processing", "processing": "ready"}.get(shown["status"], shown["status"])
        if following == "ready" and "broken" in self.faults and key.endswith("returns.md"):
            following = "failed"
            self.documents[key]["error"] = {"code": "corrupt", "message": "The file is damaged: save it again."}
        if following == "ready" != shown["status"]:
            tenant_id = key.split("/")[1]
            self._emit(tenant_id, DocumentsIngested=1, EmbeddingTokens=shown["tokens"], EstimatedCostUSD=0.00001)
        self.documents[key]["status"] = following
        return shown

    def _keys_of(self, tenant_id: str) -> list[str]:
        return [key for key in self.documents if key.startswith(f"tenants/{tenant_id}/")]

    def _passages(self, question: str, tenant_id: str) -> list[dict[str, Any]]:
        keys = list(self.documents) if "leak" in self.faults else self._keys_of(tenant_id)
        found = []
        for key in keys:
            document = self.documents[key]
            if document["status"] != "ready":
                continue
            words = _words(question)
            for sentence in re.finditer(r"[^\n]+", document["text"]):
                score = len(words & _words(sentence.group()))
                page = document["text"].count("\f", 0, sentence.start()) + 1
                passage = {
                    "document_id": key,
                    "document_name": document["name"],
                    "page": page,
                    "start": sentence.start(),
                    "end": sentence.end(),
                    "text": sentence.group(),
                    "score": score / len(words),
                }
                found.append(passage)
        return sorted(found, key=lambda passage: -passage["score"])[:3]

    def _answer(self, question: str, tenant_id: str) -> Response:
        passages = self._passages(question, tenant_id)
        best = passages[0] if passages and passages[0]["score"] >= 0.5 else None
        usage = {"embedding_tokens": tokens(question), "input_tokens": 40, "output_tokens": 10, "cost_usd": "0.000400"}
        counted = 41 if "miscount" in self.faults else 40
        self._emit(
            tenant_id,
            Queries=1,
            InputTokens=counted,
            OutputTokens=10,
            EmbeddingTokens=tokens(question),
            EstimatedCostUSD=0.0004,
        )
        citations = []
        if best:
            quote = best["text"].upper() if "misquote" in self.faults else best["text"]
            same = {name: best[name] for name in ("document_id", "document_name", "page", "start", "end", "score")}
            citations = [{**same, "marker": 1, "quote": quote}]
        answer = {
            "answer": f"{best['text']} [1]" if best else "I did not find that in your documents.",
            "grounded": best is not None,
            "citations": citations,
            "model": "fake",
            "usage": usage,
            "latency_ms": {"total": 12},
        }
        return reply(200, answer)

    def _emit(self, tenant_id: str, **values: float) -> None:
        self._cloudwatch.emit(tenant_id, NOW, **values)


def _text_of(body: bytes, content_type: str) -> str:
    if content_type != "application/pdf":
        return unicodedata.normalize("NFC", body.decode())
    from pypdf import PdfReader  # noqa: PLC0415 - only the demonstration's documents need it

    return "\f".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


def _words(text: str) -> set[str]:
    """Returns the search terms of a text: Latin words and pairs of Korean syllables."""
    latin = set(re.findall(r"[a-z]{3,}|[0-9]+", text.lower()))
    korean = {word[n : n + 2] for word in re.findall(r"[가-힣]{2,}", text) for n in range(len(word) - 1)}
    return latin | korean
