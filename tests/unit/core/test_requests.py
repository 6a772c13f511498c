"""Every field's limits, and what is said of a request that breaks them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from onggi.domain.errors import InvalidRequest
from onggi.domain.tenant import ChosenLimits, ChosenSettings
from onggi.requests.fields import json_object
from onggi.requests.listings import Listing, listing
from onggi.requests.questions import query_request, retrieval_request
from onggi.requests.tenants import tenant_change, tenant_limits, tenant_request, tenant_settings, wants_export
from onggi.requests.uploads import upload_request
from onggi.steps.tenancy.change_tenant import TenantChange
from onggi.steps.tenancy.tenants import TenantRequest
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
    assert set(faults(json_object, body)) == {"body"}


def test_a_json_object() -> None:
    assert json_object('{"질문": [1.5, null]}') == {"질문": [1.5, None]}


def test_the_least_and_the_most_of_a_question() -> None:
    least = retrieval_request({"question": "?"})
    assert (least.question, least.top_k, least.filter) == ("?", 8, None)
    most = retrieval_request({"question": "김" * 4000, "top_k": 50, "filter": {"a": {"$eq": "b"}}})
    assert (most.top_k, most.filter) == (50, {"a": {"$eq": "b"}})
    query = query_request({"question": "?", "model": "claude", "max_tokens": 4096, "session_id": "a-_1" * 16}, MODELS)
    assert (query.model, query.max_tokens, query.session_id) == ("claude", 4096, "a-_1" * 16)
    query = query_request({"question": "?"}, MODELS)
    assert (query.model, query.max_tokens, query.session_id) == ("claude", 1024, None)


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
    assert retrieval_request({"question": "?", "filter": accepted}).filter == accepted
    one_more = {"$and": [accepted, alternatives(100)]}
    told = faults(retrieval_request, {"question": "?", "filter": one_more})
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
        assert retrieval_request({"question": "?", "filter": odd}).filter == odd


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
    assert set(faults(query_request, {"question": "?"} | {field: value}, MODELS)) == {field}


def test_all_that_is_wrong_is_told_at_once_in_text_that_can_be_sent() -> None:
    told = faults(query_request, {"top_k": 0, "\ud800": 1, "tenant_id": "other"}, MODELS)
    assert set(told) == {"question", "top_k", "?", "tenant_id"}
    json.dumps(told, ensure_ascii=False).encode()


def test_an_upload() -> None:
    upload = upload_request(UPLOAD | {"metadata": {"year": 2026}})
    assert (upload.name, upload.content_type, upload.size, upload.metadata) == (*UPLOAD.values(), {"year": 2026})
    with_charset = {"content_type": "text/plain; charset=utf-8"}
    assert upload_request(UPLOAD | with_charset).content_type == "text/plain; charset=utf-8"


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
    assert set(faults(upload_request, UPLOAD | {field: value})) == {field}


def test_the_parameters_of_a_listing() -> None:
    assert listing({}, with_status=True) == Listing(None, 25, None)
    query = {"status": "failed", "limit": "100", "cursor": "abc"}
    assert listing(query, with_status=True) == Listing("failed", 100, "abc")


def test_the_longest_of_each_text() -> None:
    assert listing({"cursor": "x" * 1024}, with_status=True) == Listing(None, 25, "x" * 1024)
    assert listing({"limit": "00001"}, with_status=True).limit == 1
    assert upload_request(UPLOAD | {"name": "김" * 300}).name == "김" * 300
    assert upload_request(UPLOAD | {"size": 5 * 2**30}).size == 5 * 2**30
    media_type = "a" * 64 + "/" + "b" * 64
    assert upload_request(UPLOAD | {"content_type": media_type}).content_type == media_type
    assert tenant_request({"tenant_id": "acme", "name": "x" * 200}).name == "x" * 200
    highest = {"documents": 10**9, "stored_bytes": 2**50, "document_bytes": 5 * 2**30}
    assert tenant_limits(highest, ChosenLimits()).to_dict() == highest
    assert tenant_settings({"chunk_size": 200}, ChosenSettings()).chunk_size == 200


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
    assert set(faults(listing, {field: value}, with_status=True)) == {field}


@pytest.mark.parametrize("status", ["pending", "processing", "ready", "failed", "deleting", "deleted"])
def test_documents_are_listed_by_each_status(status: str) -> None:
    assert listing({"status": status}, with_status=True).status == status


def test_a_listing_of_tenants_has_no_status() -> None:
    assert set(faults(listing, {"status": "ready"}, with_status=False)) == {"status"}


def test_a_tenant() -> None:
    body = {"tenant_id": "acme", "name": "김치집", "tier": "basic"}
    nothing_chosen = TenantRequest("acme", "김치집", "basic", ChosenSettings(None, None), ChosenLimits())
    assert tenant_request(body) == nothing_chosen
    assert tenant_request(body | {"tier": "premium"}).tier == "premium"
    del body["tier"]
    assert tenant_request(body).tier == "basic"


def test_the_settings_of_a_tenant() -> None:
    body = {"tenant_id": "acme", "name": "A", "settings": {"chunk_size": 1600, "ocr": True}}
    assert tenant_request(body).settings == ChosenSettings(chunk_size=1600, ocr=True)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"chunk_size": 199}, "settings.chunk_size"),
        ({"chunk_size": 1601}, "settings.chunk_size"),
        ({"ocr": "yes"}, "settings.ocr"),
        ({"ocr": 1}, "settings.ocr"),
        ({"chunk_size": True}, "settings.chunk_size"),
        ({"colour": "red"}, "settings.colour"),
        ([], "settings"),
    ],
)
def test_a_setting_that_is_wrong_is_named(settings: object, field: str) -> None:
    body = {"tenant_id": "acme", "name": "A", "settings": settings}
    assert set(faults(tenant_request, body)) == {field}


def test_the_limits_of_a_tenant() -> None:
    body = {"tenant_id": "acme", "name": "A", "limits": {"documents": 1, "stored_bytes": 2**50, "document_bytes": None}}
    assert tenant_request(body).limits == ChosenLimits(documents=1, stored_bytes=2**50)


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
    assert set(faults(tenant_request, body)) == {field}


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
    assert set(faults(tenant_request, {"tenant_id": "acme", "name": "A"} | {field: value})) == {field}


def test_a_change_keeps_what_it_does_not_name() -> None:
    settings, limits = ChosenSettings(chunk_size=400, ocr=True), ChosenLimits(documents=5, stored_bytes=100)
    known = replace(tenant_named(), chosen_settings=settings, chosen_limits=limits)
    assert tenant_change({"name": "B"}, known) == TenantChange("B", None, None, None, None)
    assert tenant_change({"settings": {"ocr": False}}, known).settings == ChosenSettings(400, ocr=False)
    assert tenant_change({"settings": {"chunk_size": None}}, known).settings == ChosenSettings(None, ocr=True)
    assert tenant_change({"status": "suspended"}, known) == TenantChange(None, None, "suspended", None, None)
    assert tenant_change({"tier": "premium"}, known) == TenantChange(None, None, None, "premium", None)
    changed = tenant_change({"limits": {"documents": None, "document_bytes": 7}}, known)
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
    assert set(faults(tenant_change, body, tenant_named())) == {field}


def test_an_export_is_made_when_asked_for() -> None:
    assert wants_export({"export": "true"})
    assert not wants_export({"export": "false"})
    assert not wants_export({})
    assert set(faults(wants_export, {"export": "1"})) == {"export"}
    assert set(faults(wants_export, {"exports": "true"})) == {"exports"}
