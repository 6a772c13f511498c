"""Pages that are pictures of text, with and without the tenant's switch."""

from dataclasses import replace

import pytest

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import BadDocument, TransientError
from onggi.domain.tenant import ChosenSettings, TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.extract_text import Extraction, extract_text
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, SCAN, Jar, PlainReader


def with_ocr(jar: Jar) -> TenantContext:
    return replace(jar.tenant, chosen_settings=ChosenSettings(ocr=True))


def registered(jar: Jar, *pages: str) -> DocumentVersion:
    uploaded = jar.documents.upload("tenants/acme/scan.pdf", "\f".join(pages).encode())
    event = ObjectEvent.from_eventbridge(uploaded)
    return register_document(event, "e1", jar.directory, jar.ports_of, 10_000).document


def text_of(jar: Jar, document: DocumentVersion) -> str:
    return VersionArtifacts(jar.artifacts, document.document_id, document.version).read_text().text


def test_without_the_switch_scanned_pages_are_counted_and_no_model_is_asked() -> None:
    jar = Jar()
    document = registered(jar, "one", SCAN, "three")
    extraction = extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    assert extraction == Extraction(pages=3, characters=len("one\fthree"), language="en", needs_ocr=1)
    assert jar.recogniser.images == []


def test_a_document_of_nothing_but_scans_has_no_text() -> None:
    jar = Jar()
    document = registered(jar, SCAN, SCAN)
    with pytest.raises(BadDocument, match="no_text"):
        extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    assert jar.artifacts.names("") == []


def test_with_the_switch_each_scanned_page_is_read_once_and_takes_its_place() -> None:
    jar = Jar()
    document = registered(jar, "one", SCAN, "three", SCAN)
    extraction = extract_text(with_ocr(jar), document, jar.ports, PlainReader(), OCR_MODEL)
    assert jar.recogniser.images == [b"picture of page 2", b"picture of page 4"]
    assert text_of(jar, document) == "one\fPICTURE OF PAGE 2\fthree\fPICTURE OF PAGE 4"
    assert extraction.needs_ocr == 0


def test_the_tokens_of_pictures_are_metered_in_money_too() -> None:
    jar = Jar()
    document = registered(jar, SCAN, SCAN)
    extract_text(with_ocr(jar), document, jar.ports, PlainReader(), OCR_MODEL)
    assert jar.meter.total("InputTokens") == 2000
    assert jar.meter.total("OutputTokens") == 20
    assert jar.meter.total("EstimatedCostUSD") == pytest.approx(2000e-6 + 5 * 20e-6)


def test_a_model_that_is_down_is_tried_again_and_what_was_spent_is_metered() -> None:
    jar = Jar()
    jar.recogniser.unreadable = {b"picture of page 2"}
    document = registered(jar, SCAN, SCAN)
    with pytest.raises(TransientError):
        extract_text(with_ocr(jar), document, jar.ports, PlainReader(), OCR_MODEL)
    assert jar.meter.total("InputTokens") == 1000


def test_of_a_long_scan_the_pages_beyond_the_limit_stay_marked() -> None:
    """100 pages take some three minutes and about a dollar: what one careless upload may cost."""
    jar = Jar()
    document = registered(jar, *[SCAN] * 103)
    extraction = extract_text(with_ocr(jar), document, jar.ports, PlainReader(), OCR_MODEL)
    assert (len(jar.recogniser.images), extraction.needs_ocr) == (100, 3)


def test_a_page_that_cannot_be_drawn_stays_marked_and_the_others_are_read() -> None:
    jar, reader = Jar(), PlainReader()
    reader.undrawable = {1}
    document = registered(jar, SCAN, SCAN)
    extraction = extract_text(with_ocr(jar), document, jar.ports, reader, OCR_MODEL)
    assert (text_of(jar, document), extraction.needs_ocr) == ("PICTURE OF PAGE 2", 1)
