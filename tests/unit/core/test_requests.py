"""Every field's limits, and what is said of a request that breaks them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from onggi import requests
from onggi.domain.errors import InvalidRequest
from onggi.domain.tenant import ChosenLimits, TenantSettings
from onggi.steps.change_tenant import TenantChange
from onggi.steps.tenants import TenantRequest
from tests.unit.core.fakes import tenant_named

MODELS = ("claude",)
UPLOAD = {"name": "a/b.pdf", "content_type": "application/pdf", "size": 5}


def faults(call: Any, *arguments: Any, **named: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        call(*arguments, **named)
    assert all(message for _, message in caught.value.errors)
    return dict(caught.value.errors)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "{",
        "[]",
        "1",
        '"x"',
        "null",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_json_object(body: str | None) -> None:
    assert set(faults(requests.json_object, body)) == {"body"}


def test_a_json_object() -> None:
    assert requests.json_object('{"질문": [1.5, null]}') == {"질문": [1.5, None]}


def test_the_least_and_the_most_of_a_question() -> None:
    least = requests.retrieval_request({"question": "?"})
    assert (least.question, least.top_k, least.filter) == ("?", 8, None)
    most = requests.retrieval_request({"question": "김" * 4000, "top_k": 50, "filter": {"a": {"$eq": "b"}}})
    assert (most.top_k, most.filter) == (50, {"a": {"$eq": "b"}})
    query = requests.query_request(
        {"question": "?", "model": "claude", "max_tokens": 4096, "session_id": "a-_1" * 16}, MODELS
    )
    assert query[1:] == ("claude", 4096, "a-_1" * 16)
    assert requests.query_request({"question": "?"}, MODELS)[1:] == ("claude", 1024, None)


def alternatives(count: int) -> dict[str, Any]:
    return {"$or": [{"a": number} for number in range(count)]}


@pytest.mark.parametrize(
    "accepted",
    [
        alternatives(100),
        {"$and": [alternatives(99), {"b": {"$startsWith": "계약/"}}]},
        {"a": {"$in": list(range(300))}},
        {f"k{number}": {"$gte": 1, "$lt": 2} for number in range(50)},
    ],
)
def test_a_filter_has_a_hundred_constraints_at_most(accepted: dict[str, Any]) -> None:
    assert requests.retrieval_request({"question": "?", "filter": accepted}).filter == accepted
    one_more = {"$and": [accepted, alternatives(100)]}
    told = faults(requests.retrieval_request, {"question": "?", "filter": one_more})
    assert "at most 100 conditions" in told["filter"]


def test_a_filter_that_is_no_filter_is_left_to_the_index_to_judge() -> None:
    odd_ones: list[dict[str, Any]] = [
        {"$and": "x"},
        {"$or": [1, [2]]},
        {"a": {}},
        {"a": [1]},
        {"$and": [{"$or": None}]},
    ]
    for odd in odd_ones:
        assert requests.retrieval_request({"question": "?", "filter": odd}).filter == odd


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("question", None),
        ("question", ""),
        ("question", " \n"),
        ("question", "x" * 4001),
        ("question", 5),
        ("question", "\ud800"),
        ("top_k", 0),
        ("top_k", 51),
        ("top_k", True),
        ("top_k", 1.5),
        ("top_k", "8"),
        ("filter", []),
        ("filter", {"a": "\udfff"}),
        ("model", "other"),
        ("model", 1),
        ("model", ""),
        ("max_tokens", 0),
        ("max_tokens", 4097),
        ("session_id", "a b"),
        ("session_id", "x" * 65),
        ("session_id", "a\n"),
        ("unknown", 1),
    ],
)
def test_a_field_of_a_question_that_is_wrong(field: str, value: object) -> None:
    assert set(faults(requests.query_request, {"question": "?"} | {field: value}, MODELS)) == {field}


def test_all_that_is_wrong_is_told_at_once_in_text_that_can_be_sent() -> None:
    told = faults(requests.query_request, {"top_k": 0, "\ud800": 1, "tenant_id": "other"}, MODELS)
    assert set(told) == {"question", "top_k", "?", "tenant_id"}
    json.dumps(told, ensure_ascii=False).encode()


def test_an_upload() -> None:
    upload = requests.upload_request(UPLOAD | {"metadata": {"year": 2026}})
    assert (upload.name, upload.content_type, upload.size, upload.metadata) == (*UPLOAD.values(), {"year": 2026})
    with_charset = {"content_type": "text/plain; charset=utf-8"}
    assert requests.upload_request(UPLOAD | with_charset).content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("name", name)
            for name in (
                "",
                " ",
                "/a",
                "a/",
                "a//b",
                "..",
                "a/../b",
                "./a",
                "a\x00b",
                "a\nb",
                "김" * 301,
                "x" * 901,
                "\ud800",
                1,
                "${filename}",
                "a/${filename}",
                "a.pdf.metadata.json",
            )
        ),
        *(
            ("content_type", value)
            for value in (
                "",
                "pdf",
                "a/b/c",
                "text/plain\n",
                "text/plain;\r\nx: y",
                "text/plain\n;x",
                "é/b",
                "a/" + "b" * 65,
            )
        ),
        *(("size", size) for size in (0, -1, 5 * 1024**3 + 1, "5", None)),
        *(("metadata", value) for value in (None, {"version": "x"}, {"a": None}, {"a": "\ud800"})),
        ("key", "tenants/other/x"),
    ],
)
def test_a_field_of_an_upload_that_is_wrong(field: str, value: object) -> None:
    assert set(faults(requests.upload_request, UPLOAD | {field: value})) == {field}


def test_the_parameters_of_a_listing() -> None:
    assert requests.listing({}, with_status=True) == (None, 25, None)
    query = {"status": "failed", "limit": "100", "cursor": "abc"}
    assert requests.listing(query, with_status=True) == ("failed", 100, "abc")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("limit", limit) for limit in ("0", "101", "-1", "1.0", "", "x", "９", "9" * 5000)),
        ("status", "gone"),
        ("cursor", "x" * 1025),
        ("offset", "1"),
    ],
)
def test_a_parameter_of_a_listing_that_is_wrong(field: str, value: str) -> None:
    assert set(faults(requests.listing, {field: value}, with_status=True)) == {field}


def test_a_listing_of_tenants_has_no_status() -> None:
    assert set(faults(requests.listing, {"status": "ready"}, with_status=False)) == {"status"}


def test_a_tenant() -> None:
    body = {"tenant_id": "acme", "name": "김치집", "tier": "basic"}
    settings = TenantSettings(chunk_size=800, ocr=False)
    assert requests.tenant_request(body) == TenantRequest("acme", "김치집", "basic", settings, ChosenLimits())
    assert requests.tenant_request(body | {"tier": "premium"}).tier == "premium"
    del body["tier"]
    assert requests.tenant_request(body).tier == "basic"


def test_the_settings_of_a_tenant() -> None:
    body = {"tenant_id": "acme", "name": "A", "settings": {"chunk_size": 1600, "ocr": True}}
    assert requests.tenant_request(body).settings == TenantSettings(chunk_size=1600, ocr=True)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"chunk_size": 199}, "settings.chunk_size"),
        ({"chunk_size": 1601}, "settings.chunk_size"),
        ({"ocr": "yes"}, "settings.ocr"),
        ({"ocr": None}, "settings.ocr"),
        ({"colour": "red"}, "settings.colour"),
        ([], "settings"),
    ],
)
def test_a_setting_that_is_wrong_is_named(settings: object, field: str) -> None:
    body = {"tenant_id": "acme", "name": "A", "settings": settings}
    assert set(faults(requests.tenant_request, body)) == {field}


def test_the_limits_of_a_tenant() -> None:
    body = {"tenant_id": "acme", "name": "A", "limits": {"documents": 1, "stored_bytes": 2**50, "document_bytes": None}}
    assert requests.tenant_request(body).limits == ChosenLimits(documents=1, stored_bytes=2**50)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"documents": 0}, "limits.documents"),
        ({"documents": True}, "limits.documents"),
        ({"documents": "5"}, "limits.documents"),
        ({"documents": 1.0}, "limits.documents"),
        ({"documents": 10**9 + 1}, "limits.documents"),
        ({"stored_bytes": -1}, "limits.stored_bytes"),
        ({"stored_bytes": 2**50 + 1}, "limits.stored_bytes"),
        ({"document_bytes": 5 * 2**30 + 1}, "limits.document_bytes"),
        ({"queries_per_minute": 5}, "limits.queries_per_minute"),
        ({"queries_per_minute": None}, "limits.queries_per_minute"),
        ([], "limits"),
    ],
)
def test_a_limit_that_is_wrong_is_named(limits: object, field: str) -> None:
    body = {"tenant_id": "acme", "name": "A", "limits": limits}
    assert set(faults(requests.tenant_request, body)) == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenant_id", "A"),
        ("tenant_id", "../x"),
        ("tenant_id", None),
        ("name", ""),
        ("name", "x" * 201),
        ("tier", "gold"),
    ],
)
def test_a_field_of_a_tenant_that_is_wrong(field: str, value: object) -> None:
    assert set(faults(requests.tenant_request, {"tenant_id": "acme", "name": "A"} | {field: value})) == {field}


def test_a_change_keeps_what_it_does_not_name() -> None:
    settings, limits = TenantSettings(chunk_size=400, ocr=True), ChosenLimits(documents=5, stored_bytes=100)
    known = replace(tenant_named(), settings=settings, chosen_limits=limits)
    assert requests.tenant_change({"name": "B"}, known) == TenantChange("B", None, None, None, None)
    assert requests.tenant_change({"settings": {"ocr": False}}, known).settings == TenantSettings(400, ocr=False)
    assert requests.tenant_change({"status": "suspended"}, known) == TenantChange(None, None, "suspended", None, None)
    assert requests.tenant_change({"tier": "premium"}, known) == TenantChange(None, None, None, "premium", None)
    changed = requests.tenant_change({"limits": {"documents": None, "document_bytes": 7}}, known)
    assert changed == TenantChange(None, None, None, None, ChosenLimits(None, 100, 7))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"status": "removing"}, "status"),
        ({"status": None}, "status"),
        ({"settings": {"chunk_size": 1}}, "settings.chunk_size"),
        ({"settings": []}, "settings"),
        ({"tier": "gold"}, "tier"),
        ({"tier": ""}, "tier"),
        ({"tier": None}, "tier"),
        ({"limits": {"documents": 0}}, "limits.documents"),
        ({"limits": None}, "limits"),
    ],
)
def test_a_change_that_cannot_be_is_told_field_by_field(body: dict[str, Any], field: str) -> None:
    assert set(faults(requests.tenant_change, body, tenant_named())) == {field}


def test_an_export_is_made_when_asked_for() -> None:
    assert requests.wants_export({"export": "true"})
    assert not requests.wants_export({"export": "false"})
    assert not requests.wants_export({})
    assert set(faults(requests.wants_export, {"export": "1"})) == {"export"}
    assert set(faults(requests.wants_export, {"exports": "true"})) == {"exports"}
