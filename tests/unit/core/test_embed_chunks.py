"""EmbedChunks when the model throttles or the time runs out: nothing that was embedded is embedded again."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import NotFound, TransientError
from onggi.domain.upload import ObjectEvent
from onggi.ports.models import Embedding
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import EmbeddedBatch, EmbeddingModel, embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, FakeTenant, LineSplitter, PlainReader, try_of
from tests.unit.core.test_steps import MODEL, delete_meanwhile

TEXTS = [f"line {number} of the batch" for number in range(20)]


def chunked(acme: FakeTenant, texts: list[str]) -> DocumentVersion:
    upload = acme.documents.upload(acme.context.prefix + "a.txt", "\n".join(texts).encode())
    event = ObjectEvent.from_eventbridge(upload)
    document = register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 10_000).document
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    chunk_text(document, acme.ports, LineSplitter(), "manifests")
    return document


class Throttled:
    """A model that embeds so many texts a try and then throttles."""

    def __init__(self, acme: FakeTenant, budgets: list[int], error: Exception | None = None) -> None:
        self._embed = acme.embedder.embed
        self._budgets = budgets
        self._error = error or TransientError("The embedding model is throttling.")

    def __call__(self, text: str) -> Embedding:
        if self._budgets[0] <= 0:
            raise self._error
        self._budgets[0] -= 1
        return self._embed(text)


def artifact_names(acme: FakeTenant, document: DocumentVersion) -> set[str]:
    names = VersionArtifacts(acme.artifacts, document.document_id, document.version).names()
    return {name.split("/")[2] for name in names}


def embed_in_tries(acme: FakeTenant, document: DocumentVersion, budgets: list[int]) -> EmbeddedBatch:
    """Tries the batch once for each budget; the last one is enough."""
    with pytest.MonkeyPatch.context() as patched:
        remaining = list(budgets)
        patched.setattr(acme.embedder, "embed", Throttled(acme, remaining))
        retries = 0
        while True:
            try:
                return embed_chunks(acme.context, document, try_of(0, retries), acme.ports, MODEL)
            except TransientError:
                retries += 1
                del remaining[0]


def test_a_retry_embeds_only_what_is_missing(acme: FakeTenant) -> None:
    result = embed_in_tries(acme, chunked(acme, TEXTS), [7, 9, 50])
    assert sorted(acme.embedder.embedded) == sorted(TEXTS)
    assert (result.embedded, result.reused) == (20, 0)


def test_the_tokens_of_a_batch_are_those_of_all_its_tries(acme: FakeTenant) -> None:
    assert embed_in_tries(acme, chunked(acme, TEXTS), [7, 9, 50]).tokens == 100  # five words in each of 20 lines
    assert acme.meter.total("EmbeddingTokens") == 100


@given(st.lists(st.integers(0, 12), max_size=6), st.integers(1, 20))
def test_however_often_it_is_throttled_each_text_is_embedded_once(budgets: list[int], count: int) -> None:
    acme = FakeTenant()
    texts = TEXTS[:count]
    document = chunked(acme, texts)
    result = embed_in_tries(acme, document, [*budgets, 50])
    assert sorted(acme.embedder.embedded) == sorted(texts)
    assert result.embedded == count
    stored = VersionArtifacts(acme.artifacts, document.document_id, document.version).read_vectors(0)
    assert len(stored.vectors) == count
    assert "embedded" not in artifact_names(acme, document), "what was stored for the retry is deleted"


def test_no_call_begins_when_the_time_is_nearly_over(acme: FakeTenant) -> None:
    document = chunked(acme, TEXTS)
    with pytest.raises(TransientError):
        embed_chunks(acme.context, document, try_of(0, seconds_left=30), acme.ports, MODEL)
    assert acme.embedder.embedded == []
    embed_chunks(acme.context, document, try_of(0, retries=1, seconds_left=60), acme.ports, MODEL)
    assert len(acme.embedder.embedded) == 20


def test_a_call_begins_while_there_are_45_seconds_for_it(acme: FakeTenant) -> None:
    document = chunked(acme, TEXTS)
    embed_chunks(acme.context, document, try_of(0, seconds_left=45), acme.ports, MODEL)
    assert len(acme.embedder.embedded) == 20


def test_no_call_begins_after_one_has_failed(acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight run at a time and fail together; the twelve that wait are not asked."""
    document, asked, together = chunked(acme, TEXTS), [], threading.Barrier(8)

    def throttle(text: str) -> Embedding:
        asked.append(text)
        together.wait(20)
        raise TransientError("The embedding model is throttling.")

    monkeypatch.setattr(acme.embedder, "embed", throttle)
    with pytest.raises(TransientError):
        embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    assert len(asked) == 8


def test_what_another_model_has_embedded_is_not_used(acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    document = chunked(acme, TEXTS)
    monkeypatch.setattr(acme.embedder, "embed", Throttled(acme, [5]))
    with pytest.raises(TransientError):
        embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    monkeypatch.undo()
    newer = EmbeddingModel("titan-v3", MODEL.dimensions, MODEL.price)
    assert embed_chunks(acme.context, document, try_of(0, retries=1), acme.ports, newer).embedded == 20


def test_a_fault_counts_more_than_throttling(acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    document = chunked(acme, TEXTS[:2])
    both_called = threading.Barrier(2, timeout=10)

    def embed(text: str) -> Embedding:
        both_called.wait()
        raise TransientError("throttling") if text == TEXTS[0] else ValueError("a bug")

    monkeypatch.setattr(acme.embedder, "embed", embed)
    with pytest.raises(ValueError, match="a bug"):
        embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)


def test_a_throttled_batch_of_a_removed_document_leaves_nothing(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = chunked(acme, TEXTS)
    embed = acme.embedder.embed

    def remove_then_throttle(text: str) -> Embedding:
        if text == TEXTS[3]:
            delete_meanwhile(acme, document)
            raise TransientError("The embedding model is throttling.")
        return embed(text)

    monkeypatch.setattr(acme.embedder, "embed", remove_then_throttle)
    with pytest.raises(NotFound):
        embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    assert acme.artifacts.content == {}
