"""Pages that are pictures of text, with and without the tenant's switch."""

from dataclasses import replace

import pytest

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import BadDocument, TransientError
from onggi.domain.tenant import ChosenSettings, TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.extract_text import Extraction, extract_text
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, SCAN, FakeTenant, PlainReader


def with_ocr(acme: FakeTenant) -> TenantContext:
    return replace(acme.context, chosen_settings=ChosenSettings(ocr=True))


def registered(acme: FakeTenant, *pages: str) -> DocumentVersion:
    uploaded = acme.documents.upload("tenants/acme/scan.pdf", "\f".join(pages).encode())
    event = ObjectEvent.from_eventbridge(uploaded)
    return register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 10_000).document


def text_of(acme: FakeTenant, document: DocumentVersion) -> str:
    return VersionArtifacts(acme.artifacts, document.document_id, document.version).read_text().text


def test_without_the_switch_scanned_pages_are_counted_and_no_model_is_asked() -> None:
    acme = FakeTenant()
    document = registered(acme, "one", SCAN, "three")
    extraction = extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    assert extraction == Extraction(pages=3, characters=len("one\fthree"), language="en", needs_ocr=1)
    assert acme.recogniser.images == []


def test_a_document_of_nothing_but_scans_has_no_text() -> None:
    acme = FakeTenant()
    document = registered(acme, SCAN, SCAN)
    with pytest.raises(BadDocument, match="no_text"):
        extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    assert acme.artifacts.names("") == []


def test_with_the_switch_each_scanned_page_is_read_once_and_takes_its_place() -> None:
    acme = FakeTenant()
    document = registered(acme, "one", SCAN, "three", SCAN)
    extraction = extract_text(with_ocr(acme), document, acme.ports, PlainReader(), OCR_MODEL)
    assert acme.recogniser.images == [b"picture of page 2", b"picture of page 4"]
    assert text_of(acme, document) == "one\fPICTURE OF PAGE 2\fthree\fPICTURE OF PAGE 4"
    assert extraction.needs_ocr == 0


def test_the_tokens_of_pictures_are_metered_in_money_too() -> None:
    acme = FakeTenant()
    document = registered(acme, SCAN, SCAN)
    extract_text(with_ocr(acme), document, acme.ports, PlainReader(), OCR_MODEL)
    assert acme.meter.total("InputTokens") == 2000
    assert acme.meter.total("OutputTokens") == 20
    assert acme.meter.total("EstimatedCostUSD") == pytest.approx(2000e-6 + 5 * 20e-6)


def test_a_model_that_is_down_is_tried_again_and_what_was_spent_is_metered() -> None:
    acme = FakeTenant()
    acme.recogniser.unreadable = {b"picture of page 2"}
    document = registered(acme, SCAN, SCAN)
    with pytest.raises(TransientError):
        extract_text(with_ocr(acme), document, acme.ports, PlainReader(), OCR_MODEL)
    assert acme.meter.total("InputTokens") == 1000


def test_of_a_long_scan_the_pages_beyond_the_limit_stay_marked() -> None:
    """100 pages take some three minutes and about a dollar: what one careless upload may cost."""
    acme = FakeTenant()
    document = registered(acme, *[SCAN] * 103)
    extraction = extract_text(with_ocr(acme), document, acme.ports, PlainReader(), OCR_MODEL)
    assert (len(acme.recogniser.images), extraction.needs_ocr) == (100, 3)


def test_a_page_that_cannot_be_drawn_stays_marked_and_the_others_are_read() -> None:
    acme, reader = FakeTenant(), PlainReader()
    reader.undrawable = {1}
    document = registered(acme, SCAN, SCAN)
    extraction = extract_text(with_ocr(acme), document, acme.ports, reader, OCR_MODEL)
    assert (text_of(acme, document), extraction.needs_ocr) == ("PICTURE OF PAGE 2", 1)
