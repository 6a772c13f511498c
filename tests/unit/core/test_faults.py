"""What is said of what cannot be read, and which files can be."""

import json
from typing import Any

import pytest

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import BadDocument, InvalidRequest
from onggi.domain.formats import is_supported
from onggi.domain.metadata import are_same, metadata_fault, parse_sidecar
from onggi.domain.tenant import ChosenLimits, TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.steps.ingestion.record_failure import Failure
from onggi.steps.tenancy.record_tenant_failure import reason_of
from tests.unit.core.fakes import tenant_named

CONTEXT = tenant_named().to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"placement": None}, "is not a tenant context"),
        ({"tenant_id": "x"}, "has no valid id"),
        ({"tier": "gold"}, "has no known tier"),
        ({"chosen_limits": []}, "has no valid limits"),
        ({"chosen_limits": {"documents": 0}}, "has no valid limits"),
    ],
)
def test_what_is_wrong_with_a_tenant_context(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        TenantContext.from_dict(CONTEXT | change)
    assert caught.value.errors == (("tenant", message),)
    assert str(caught.value) == f"The request is invalid: tenant: {message}"


@pytest.mark.parametrize("limits", [{"documents": 1.0}, {"documents": True}, {"documents": None}, {"documents": -1}])
def test_limits_that_were_not_chosen_by_an_operator(limits: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        ChosenLimits.from_dict(limits)


def test_what_is_wrong_with_a_document_version() -> None:
    with pytest.raises(InvalidRequest) as caught:
        DocumentVersion.from_dict(tenant_named(), {"key": "x"})
    assert caught.value.errors == (("document", "is not a document version"),)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({}, ("event", "is not an event of an S3 object")),
        ({"detail": [], "detail-type": "Object Deleted"}, ("event", "is not an event of an S3 object")),
        (
            {"detail": {}, "detail-type": "Object Tags Added"},
            ("detail-type", "is neither Object Created nor Object Deleted"),
        ),
    ],
)
def test_what_is_wrong_with_an_event(event: dict[str, Any], error: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ObjectEvent.from_eventbridge(event)
    assert caught.value.errors == (error,)


@pytest.mark.parametrize(
    "suffix",
    [
        ".pdf",
        ".docx",
        ".docm",
        ".dotx",
        ".pptx",
        ".pptm",
        ".ppsx",
        ".potx",
        ".xlsx",
        ".xlsm",
        ".xltx",
        ".xlsb",
        ".xls",
        ".hwpx",
        ".hwp",
        ".html",
        ".htm",
        ".xhtml",
        ".epub",
        ".eml",
        ".mht",
        ".mhtml",
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".ndjson",
        ".md",
        ".markdown",
        ".txt",
        ".text",
        ".log",
    ],
)
def test_files_that_can_be_read_by_the_end_of_their_name(suffix: str) -> None:
    assert is_supported(f"보고서{suffix}", "application/octet-stream")
    assert is_supported(f"a/b{suffix.upper()}", "")
    assert not is_supported(f"a{suffix}_", "application/octet-stream")
    assert not is_supported(suffix, "application/octet-stream"), "the name of a hidden file has no end"


@pytest.mark.parametrize(
    "declared",
    [
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-word.document.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
        "application/vnd.openxmlformats-officedocument.presentationml.template",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        "application/vnd.ms-excel",
        "application/msexcel",
        "application/hwp+zip",
        "application/vnd.hancom.hwpx",
        "application/haansofthwpx",
        "application/x-hwp",
        "application/haansofthwp",
        "application/vnd.hancom.hwp",
        "text/html",
        "application/xhtml+xml",
        "application/epub+zip",
        "message/rfc822",
        "multipart/related",
        "application/x-mimearchive",
        "text/csv",
        "application/csv",
        "text/tab-separated-values",
        "application/json",
        "application/jsonl",
        "application/x-jsonlines",
        "application/x-ndjson",
        "text/markdown",
        "text/x-markdown",
        "text/plain",
    ],
)
def test_files_that_can_be_read_by_their_type(declared: str) -> None:
    assert is_supported("a", declared)
    assert is_supported("a", f" {declared.upper()} ; charset=utf-8; x=y")
    assert not is_supported("a", declared + "_")


@pytest.mark.parametrize(
    "name",
    [
        "document_id",
        "version",
        "page",
        "language",
        "document_name",
        "start",
        "end",
        "page_breaks",
        "text",
        "text_ko",
        "text_en",
    ],
)
def test_names_that_the_index_uses_itself(name: str) -> None:
    assert metadata_fault({name: "x"}) == f"uses the reserved name {name}"


@pytest.mark.parametrize(
    ("metadata", "fault"),
    [
        ({str(number): "" for number in range(41)}, "has more than 40 attributes"),
        ({"": 1}, "has an attribute name that is not 1 to 63 characters or begins with $"),
        ({"$a": 1}, "has an attribute name that is not 1 to 63 characters or begins with $"),
        (
            {"이름": None},
            "has at 이름 something other than a text, a number, true, false or a list of texts",
        ),
        (
            {"a\nb": None},
            "has at a\\nb something other than a text, a number, true, false or a list of texts",
        ),
        ({"a": "\ud800"}, "holds half of a character"),
        ({"a": "x" * 1272}, "is larger than 1280 bytes"),
    ],
)
def test_what_is_wrong_with_attributes(metadata: dict[str, Any], fault: str) -> None:
    assert metadata_fault(metadata) == fault


CORRECT_IT = "; correct it and upload it again, and then the document, too, if that has failed."


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"x" * 10_241, "is larger than 10240 bytes"),
        (b"{", "is not JSON"),
        (b"[]", "does not hold an object named metadataAttributes"),
        (
            b'{"metadataAttributes": {"a": {"value": {"type": "DATE"}}}}',
            "has at a a value whose type is none of STRING, NUMBER, BOOLEAN, STRING_LIST",
        ),
        (
            json.dumps({"metadataAttributes": {"a" * 70: {"value": {"type": "STRING"}}}}).encode(),
            f"has at {'a' * 63} no stringValue of the type STRING",
        ),
        (
            json.dumps({"metadataAttributes": {"\n" * 70: {"value": {"type": "STRING"}}}}).encode(),
            "has at " + "\\n" * 63 + " no stringValue of the type STRING",
        ),
    ],
)
def test_what_is_wrong_with_a_sidecar(content: bytes, fault: str) -> None:
    with pytest.raises(BadDocument) as caught:
        parse_sidecar(content, "a.json")
    assert (caught.value.code, caught.value.message) == ("invalid_metadata", f"The sidecar a.json {fault}{CORRECT_IT}")


def test_attributes_are_the_same_in_any_order_and_type_by_type() -> None:
    assert are_same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert are_same({"b": 2, "a": 1}, {"a": 1, "b": 2})
    assert not are_same({"a": 1}, {"a": 1.0})


def test_codes_that_programs_read_each_with_its_sentence() -> None:
    codes = {
        "unsupported_type",
        "empty",
        "encrypted",
        "corrupt",
        "too_large",
        "no_text",
        "timeout",
        "unknown_tenant",
        "invalid_key",
        "invalid_metadata",
        "quota_exceeded",
        "internal",
    }
    for code in codes:
        cause = json.dumps({"errorMessage": f"{code}: A sentence: with more."})
        failure = Failure.from_catch({"Error": "BadDocument", "Cause": cause})
        assert (failure.code, failure.message, failure.ours) == (code, "A sentence: with more.", False)
        assert BadDocument(code).message.endswith((".", "/.")), code  # type: ignore[arg-type]  # those that there are


@pytest.mark.parametrize("name", ["Conflict", "Forbidden", "InvalidRequest", "TenantMismatch"])
def test_an_operator_reads_what_helps(name: str) -> None:
    assert reason_of({"Error": name, "Cause": json.dumps({"errorMessage": "Do this."})}) == "Do this."


@pytest.mark.parametrize(
    "error",
    [
        {"Error": "NotFound", "Cause": '{"errorMessage": "x"}'},
        {"Error": "Conflict", "Cause": "{"},
        {"Error": "Conflict", "Cause": "{}"},
        {"Error": "Conflict", "Cause": "[]"},
        {},
        {"Error": "Conflict"},
    ],
)
def test_an_operator_reads_of_a_fault_where_to_look(error: dict[str, str]) -> None:
    assert reason_of(error) == (
        "A fault on our side stopped the workflow; look into its execution, then send the same request again."
    )
    assert reason_of({"Error": "TransientError"}) == (
        "A part of AWS was not available for too long; send the same request again."
    )
