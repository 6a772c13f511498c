"""Every number at which something changes, on both of its sides, with its reason."""

import re
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from onggi.domain.chunk import Chunk, IndexedChunk, Passage
from onggi.domain.document import (
    DocumentVersion,
    ExtractedText,
    comparable_sequencer,
    document_id_of,
    sequencer_after_moves,
)
from onggi.domain.errors import Conflict, ModelTimeout, QuotaExceeded, TransientError
from onggi.domain.metadata import metadata_fault, sidecar_key
from onggi.domain.money import ModelPrice, usd
from onggi.domain.search import analysers_for_question
from onggi.domain.tenant import ChosenLimits, Move, Placement, TenantLimits, TenantRecord, is_tenant_id
from onggi.domain.tenant_data import CopyProgress, ExportProgress
from onggi.ports.ledger import PublishedFacts
from onggi.ports.models import Recognition
from onggi.ports.retrieval import Filter
from onggi.ports.tenant_data import StoredObject
from onggi.steps.access.authorize import new_api_key
from onggi.steps.documents.uploads import UploadRequest, permit_upload
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.recognise_pages import recognise_pages
from onggi.steps.ingestion.update_metadata import update_metadata
from onggi.steps.questions.retrieve import RetrievalRequest, retrieve
from onggi.steps.tenancy.copy_tenant_data import copy_tenant_data
from onggi.steps.tenancy.export_tenant_data import export_tenant_data
from onggi.steps.tenancy.move_tenant import GracePeriods, move_tenant
from onggi.steps.tenancy.onboarding import place_tenant
from onggi.steps.tenancy.reconcile_uploads import reconcile_uploads
from tests.unit.core.fakes import (
    OCR_MODEL,
    FakeDirectory,
    FakeIndex,
    FakeLedger,
    FakeLifecycle,
    FakeRecogniser,
    FakeTenant,
    FakeWorkflow,
    LineSplitter,
    PlainReader,
    control_ports,
    one_step,
    tenant_named,
    version_of,
)


@pytest.mark.parametrize(("length", "fits"), [(1271, True), (1272, False)])
def test_attributes_take_1280_bytes_of_the_2_kb_that_the_index_has(length: int, *, fits: bool) -> None:
    """As base64 they also fit the 2 KB of an upload's own headers. Nine bytes are those of `{"a": ""}`."""
    assert (metadata_fault({"a": "x" * length}) is None) is fits


@pytest.mark.parametrize(
    ("number", "fits"), [(1.7976931348623157e308, True), (-1.7976931348623157e308, True), (2**1024, False)]
)
def test_attributes_are_numbers_that_a_double_holds(number: float, *, fits: bool) -> None:
    assert (metadata_fault({"a": number}) is None) is fits


@pytest.mark.parametrize(("length", "there"), [(1010, True), (1011, False)])
def test_a_sidecars_key_has_1024_bytes_at_most(length: int, *, there: bool) -> None:
    """As any key of S3; `.metadata.json` has 14."""
    assert (sidecar_key("x" * length) is not None) is there


@pytest.mark.parametrize(
    ("tenant_id", "is_one"), [("abc", True), ("ab", False), ("a" + "-b" * 30, True), ("a" + "-b" * 31, False)]
)
def test_a_tenant_id_has_3_to_61_characters(tenant_id: str, *, is_one: bool) -> None:
    """An index of S3 Vectors, which is named after it, has 3 to 63."""
    assert is_tenant_id(tenant_id) is is_one


@pytest.mark.parametrize(
    ("tier", "limits"),
    [
        ("basic", TenantLimits(10_000, 10_737_418_240, 104_857_600)),
        ("premium", TenantLimits(1_000_000, 1_099_511_627_776, 268_435_456)),
    ],
)
def test_the_limits_of_a_tier_are_those_that_operators_read(tier: Any, limits: TenantLimits) -> None:
    """10 GiB and 100 MiB, 1 TiB and 256 MiB (docs/operations.md)."""
    assert replace(tenant_named(), tier=tier).limits(2**40) == limits


@pytest.mark.parametrize("least", [{"documents": 1}, {"stored_bytes": 1}, {"document_bytes": 1}])
def test_a_limit_may_be_one(least: dict[str, int]) -> None:
    assert ChosenLimits.from_dict(least).to_dict() == least


def test_sequencers_are_padded_to_64_digits_and_those_after_moves_come_behind_all_before() -> None:
    assert comparable_sequencer("0a") == "0A" + "0" * 62
    assert sequencer_after_moves("FF", 0) == "FF"
    assert sequencer_after_moves("00", 1) == "M000100"
    assert "FF" < sequencer_after_moves("00", 1) < sequencer_after_moves("00", 2) < sequencer_after_moves("00", 10)


def test_the_id_of_a_document_stays_what_it_has_always_been() -> None:
    """Ids lie in rows, keys of vectors and the notes of clients."""
    assert document_id_of(tenant_named(), "tenants/acme/a.txt") == "fab40d2dfe73d5821957b5e1ad67fddc"


def test_pages_begin_where_they_start_and_break_behind_the_beginning_of_a_stretch() -> None:
    text = ExtractedText("x" * 20, (0, 5, 10), "en")
    assert [text.page_at(offset) for offset in (0, 4, 5, 9, 10, 19)] == [1, 1, 2, 2, 3, 3]
    assert text.page_breaks(0, 20) == (5, 10)
    assert text.page_breaks(5, 10) == ()
    assert text.page_breaks(4, 11) == (5, 10)


@pytest.mark.parametrize(("question", "keys"), [("a", ["text"]), ("ab", ["text_ko", "text_en"]), ("", ["text"])])
def test_a_latin_word_has_two_letters(question: str, keys: list[str]) -> None:
    assert analysers_for_question(question) == keys


def test_money_of_less_than_a_billionth_of_a_cent_is_nothing() -> None:
    assert usd(Decimal("0.000000000001")) == "0.000000000001"
    assert usd(Decimal("0.0000000000001")) == "0"
    assert ModelPrice(Decimal(1)).cost(0, 1_000_000) == 0, "an embedding model writes nothing"
    assert ModelPrice(Decimal(1), Decimal(2)).cost(1_000_000, 1_000_000) == 3


def test_a_second_is_waited_before_the_next_try_where_nothing_else_is_known() -> None:
    assert TransientError("x").retry_after == 1
    assert QuotaExceeded("x").retry_after is None


def test_a_key_has_256_random_bits_and_a_salt_of_128() -> None:
    """The form is published, and a secret of 256 bits is why a fast hash is enough."""
    credential, key = new_api_key("acme", FakeTenant().clock())
    assert re.fullmatch(rf"onggi_acme_{key.key_id}[A-Za-z0-9_-]{{43}}", credential)
    assert re.fullmatch(r"[0-9a-f]{12}", key.key_id)
    assert re.fullmatch(r"[0-9a-f]{32}", key.salt)


def test_an_upload_may_come_for_15_minutes_and_is_forgotten_after_a_day(acme: FakeTenant) -> None:
    permitted = permit_upload(acme.context, UploadRequest("a.txt", "text/plain", 1, {}), 9, acme.ports)
    assert permitted["upload"]["fields"]["seconds"] == "900"
    assert permitted["expires_at"] == "2026-11-21T09:15:00.000Z"
    assert (acme.ledger.forget_at[permitted["document_id"]] - acme.clock()).total_seconds() == 86_400


class AskedIndex(FakeIndex):
    """Notes how many passages it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: list[int] = []

    def search(self, vector: Any, text: str, limit: int, metadata_filter: Filter | None) -> list[Passage]:
        self.limits.append(limit)
        return super().search(vector, text, limit, metadata_filter)


@pytest.mark.parametrize(("top_k", "candidates"), [(1, 12), (8, 26), (50, 110)])
def test_twice_as_many_candidates_and_ten_more_leave_room_for_what_is_being_replaced(
    acme: FakeTenant, top_k: int, candidates: int
) -> None:
    """While a version replaces another the index holds both; of several being replaced, some more are dropped."""
    index = AskedIndex()
    retrieve(RetrievalRequest("kimchi", top_k, None), replace(acme.ports, index=index))
    assert index.limits == [candidates]


def test_passages_of_versions_that_do_not_answer_are_dropped_and_no_more_are_given_than_asked_for(
    acme: FakeTenant,
) -> None:
    def put(version: str, count: int, document_id: str) -> None:
        text = ExtractedText("kimchi", (0,), "en")
        chunk = IndexedChunk(
            document_id, version, "a.txt", "en", chunk_of(text), acme.embedder.embed("kimchi").vector, {}
        )
        acme.index.put([replace(chunk, chunk=replace(chunk.chunk, number=number)) for number in range(count)])

    version = version_of(acme.context)
    acme.ledger.claim(version, "e1")
    acme.ledger.publish(version, PublishedFacts(1, 3, 1, "en"), acme.clock())
    put("v0", 3, version.document_id)
    put("v1", 3, version.document_id)
    put("v1", 3, "0" * 32)
    found = retrieve(RetrievalRequest("kimchi", 2, None), acme.ports)
    assert [(each.document_id, each.version) for each in found.passages] == [(version.document_id, "v1")] * 2
    assert found.embedding_tokens == 1


def chunk_of(text: ExtractedText) -> Chunk:
    return Chunk(0, 0, len(text.text), 1, text.text)


@pytest.mark.parametrize(
    ("repeated", "sizes"),
    [
        ([1] * 32, [32]),
        ([1] * 33, [32, 1]),
        ([1] * 65, [32, 32, 1]),
        ([1024], [1024]),
        ([1025], [1024, 1]),
        ([1023, 1], [1024]),
        ([1023, 2], [1023, 2]),
        ([1] * 31 + [2, 1], [33, 1]),
    ],
)
def test_a_batch_has_32_texts_and_1024_chunks_at_most(acme: FakeTenant, repeated: list[int], sizes: list[int]) -> None:
    """32 texts are embedded within a minute, and the vectors of 1,024 chunks fit into memory and a call."""
    lines = [f"text {number}" for number, count in enumerate(repeated) for _ in range(count)]
    version = version_of(acme.context)
    acme.ledger.claim(version, "e1")
    artifacts = VersionArtifacts(acme.artifacts, version.document_id, version.version)
    artifacts.write_text(ExtractedText("\n".join(lines), (0,), "en"))
    chunking = chunk_text(version, acme.ports, LineSplitter(), "manifests")
    batches = [artifacts.read_chunks(number) for number in artifacts.batch_numbers()]
    assert [len(batch.chunks) for batch in batches] == sizes
    assert (chunking.chunks, chunking.batches) == (len(lines), len(sizes))
    assert chunking.manifest_bucket == "manifests"
    numbers = sorted(planned.chunk.number for batch in batches for planned in batch.chunks)
    assert numbers == list(range(len(lines)))
    assert {(batch.language, batch.reuse_version) for batch in batches} == {("en", None)}


@pytest.mark.parametrize(("there", "placed"), [(9899, True), (9900, False)])
def test_a_vector_bucket_takes_9900_indexes_of_its_10000(there: int, *, placed: bool) -> None:
    """Some stay free for what was made outside of this count."""
    record = TenantRecord(replace(tenant_named(), placement=Placement("d", "a", "", "acme")), "provisioning", "t")
    lifecycle = FakeLifecycle(FakeDirectory(record))
    lifecycle.indexes["vectors"] = there
    if placed:
        assert place_tenant(record, ["vectors"], lifecycle).context.placement.vector_bucket == "vectors"
    else:
        with pytest.raises(Conflict):
            place_tenant(record, ["vectors"], lifecycle)


@pytest.mark.parametrize("tries", [2, 3])
def test_a_row_that_changes_is_described_by_the_third_try_or_later_by_another(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    acme.documents.upload(version_of(acme.context).key, b"kimchi")
    version = version_of(acme.context)
    acme.ledger.claim(version, "e1")
    acme.ledger.publish(version, PublishedFacts(1, 0, 1, "en"), acme.clock())
    monkeypatch.setattr(acme.documents, "facts", lambda *_: acme.documents.__class__.facts(acme.documents, version.key))
    refusals = iter([False] * tries)
    describe = acme.ledger.describe
    monkeypatch.setattr(acme.ledger, "describe", lambda *given: next(refusals, None) is None and describe(*given))
    if tries == 2:
        assert update_metadata(version.document_id, acme.ports).outcome == "described"
    else:
        with pytest.raises(TransientError):
            update_metadata(version.document_id, acme.ports)


def test_of_a_sidecar_no_more_is_read_than_tells_that_it_is_too_large(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    version = version_of(acme.context)
    acme.documents.upload(version.key, b"kimchi")
    acme.ledger.claim(version, "e1")
    acme.ledger.publish(version, PublishedFacts(1, 0, 1, "en"), acme.clock())
    monkeypatch.setattr(acme.documents, "facts", lambda *_: acme.documents.__class__.facts(acme.documents, version.key))
    monkeypatch.setattr(acme.documents, "read_start", lambda _, most: asked.append(most))
    update_metadata(version.document_id, acme.ports)
    assert asked == [10_241], "one byte more than a sidecar may have"


class CountingRecogniser(FakeRecogniser):
    """GracePeriods until as many read at a time as may."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self._barrier, self._lock = threading.Barrier(together, timeout=10), threading.Lock()
        self.active = self.most = 0

    def recognise(self, image: bytes, model: str) -> Recognition:
        with self._lock:
            self.active += 1
            self.most = max(self.most, self.active)
        self._barrier.wait()
        with self._lock:
            self.active -= 1
        return super().recognise(image, model)


class DrawingReader(PlainReader):
    """Notes how many pages it has drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[int] = []

    def page_image(self, file: Path, page: int) -> bytes:
        self.drawn.append(page)
        return super().page_image(file, page)


def test_four_pictures_are_read_at_a_time(acme: FakeTenant, tmp_path: Path) -> None:
    """At some six seconds a page, a hundred pages are read within half of a function's time."""
    recogniser = CountingRecogniser(4)
    (tmp_path / "file").touch()
    ports = replace(acme.ports, recogniser=recogniser)
    pages = list(range(1, 9))
    texts = recognise_pages(acme.context, tmp_path / "file", pages, ports, PlainReader(), OCR_MODEL)
    assert recogniser.most == 4
    assert texts == {page: f"PICTURE OF PAGE {page}" for page in pages}


def test_no_more_than_eight_pictures_are_held_at_once(acme: FakeTenant, tmp_path: Path) -> None:
    """A picture of a page has about a megabyte, and a long document a hundred."""
    (tmp_path / "file").touch()
    reader, seen = DrawingReader(), []
    read = acme.recogniser.recognise

    class Watching(FakeRecogniser):
        def recognise(self, image: bytes, model: str) -> Recognition:
            seen.append(len(reader.drawn))
            return read(image, model)

    ports = replace(acme.ports, recogniser=Watching())
    recognise_pages(acme.context, tmp_path / "file", list(range(1, 18)), ports, reader, OCR_MODEL)
    assert seen == [8] * 8 + [16] * 8 + [17]


class Endless:
    """Uploads, artifacts and exported pages without an end; counts the pages."""

    def __init__(self) -> None:
        self.pages = 0

    def some(self, progress: ExportProgress) -> ExportProgress:
        self.pages += 1
        return progress.after("more", 1)

    def uploads(self, after: str | None) -> tuple[list[StoredObject], str | None]:
        self.pages += 1
        return [], f"{after}x"

    def copy_uploads(self, uploads: list[Any]) -> list[str | None]:
        assert not uploads
        return []


def test_a_call_without_time_for_a_second_page_works_on_one(acme: FakeTenant) -> None:
    exported, copied, carried = Endless(), Endless(), Endless()
    assert export_tenant_data(ExportProgress(more=True), exported, one_step).more  # type: ignore[arg-type]  # pages only
    assert copy_tenant_data(acme.context, CopyProgress(), copied, acme.ports, acme.ports, one_step).more  # type: ignore[arg-type]  # likewise
    assert reconcile_uploads(acme.context, None, carried, acme.ledger, one_step).more  # type: ignore[arg-type]  # likewise
    assert (exported.pages, copied.pages, carried.pages) == (1, 1, 1)


class AskedLedger(FakeLedger):
    """Notes how many rows it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: list[int] = []

    def page(self, status: Any, limit: int, cursor: str | None) -> Any:
        self.limits.append(limit)
        return super().page(status, limit, cursor)


def test_the_vectors_of_twenty_documents_are_copied_at_a_time(acme: FakeTenant) -> None:
    ledger = AskedLedger()
    ports = replace(acme.ports, ledger=ledger)
    copy_tenant_data(acme.context, CopyProgress(stage="vectors"), Endless(), ports, ports, one_step)  # type: ignore[arg-type]  # vectors only
    assert ledger.limits == [20]


@pytest.mark.parametrize(
    ("stage", "forms", "settling"),
    [("copying", 960, 30), ("copying", 29, 29), ("abandoned", 960, 300), ("abandoned", 299, 299)],
)
def test_a_move_waits_as_long_as_a_function_may_work_on_what_was_let_in(
    acme: FakeTenant, stage: Any, forms: int, settling: int
) -> None:
    """29 seconds for an event, 290 for a copy; nothing lasts longer than the forms for uploads."""
    record = acme.directory.records["acme"]
    move = Move("premium", Placement("d", "a", "v", "acme"), stage, "run-1")
    acme.directory.records["acme"] = known = replace(record, move=move)
    workflow = FakeWorkflow()
    waits = GracePeriods(authorizer_cache=60, upload_forms=forms)
    place = Placement("never", "used", "", "acme")
    control = control_ports(acme.directory, FakeLifecycle(acme.directory), acme.clock, workflow)
    move_tenant(known, "premium", place, waits, control)
    assert workflow.started == {
        "acme-run-1": {
            "tenant_id": "acme",
            "run": "run-1",
            "stage": stage,
            "settling": settling,
            "decisions": 60,
            "grace": forms,
            "copy": {"more": True},
        }
    }


@pytest.mark.parametrize("kind", [TransientError, QuotaExceeded])
def test_an_error_reads_as_its_sentence_alone(kind: type[TransientError | QuotaExceeded]) -> None:
    error = kind("Try again.", 7)
    assert (str(error), error.retry_after) == ("Try again.", 7)


def test_what_a_model_may_have_spent_is_no_part_of_the_sentence() -> None:
    error = ModelTimeout("Ask for less.", 700, 30)
    assert (str(error), error.input_tokens, error.output_tokens) == ("Ask for less.", 700, 30)


def test_a_tenant_that_no_workflow_has_changed_has_no_run_and_no_revision() -> None:
    record = TenantRecord(tenant_named(), "active", "2026-11-21T09:00:00.000Z")
    assert (record.run, record.revision) == ("", 0)


def test_nothing_is_written_for_a_document_that_does_not_answer(acme: FakeTenant) -> None:
    described = update_metadata("0" * 32, acme.ports)
    assert (described.outcome, described.vectors) == ("gone", 0)


def test_a_document_version_keeps_no_attributes_unless_it_has_some() -> None:
    fields = {name: value for name, value in version_of(tenant_named()).to_dict().items() if name != "metadata"}
    assert DocumentVersion(**fields).metadata == {}
