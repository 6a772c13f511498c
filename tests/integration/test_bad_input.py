"""Every upload is processed or fails with a code and a message, and leaves no partial data."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter

from cli.demo.pdf import make_pdf
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES
from tests.integration.local_cloud import wait_for
from tests.integration.product import Product, Tenant

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("inner.txt", "text in an archive")
    return buffer.getvalue()


def encrypted_pdf() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(["A secret plan."], "Secret"))))
    writer.encrypt("password of the owner")
    return written(writer)


def blank_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(595, 842)
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def of_typed_metadata(metadata: Any) -> dict[str, str]:
    return {"onggi-metadata": base64.b64encode(json.dumps(metadata).encode()).decode()}


BAD_FILES: dict[str, tuple[str, Callable[[], bytes], dict[str, Any], str]] = {
    "no bytes": ("empty.txt", lambda: b"", {}, "empty"),
    "whitespace only": ("blank.md", lambda: b" \n\t\n ", {}, "empty"),
    "a picture": ("photo.png", lambda: PNG, {"ContentType": "image/png"}, "unsupported_type"),
    "an archive": ("files.zip", archive, {}, "unsupported_type"),
    "a picture called text": ("photo.txt", lambda: PNG, {"ContentType": "text/plain"}, "unsupported_type"),
    "not a PDF": ("report.pdf", lambda: b"not found", {}, "corrupt"),
    "a truncated PDF": ("half.pdf", lambda: make_pdf(["A page."], "Half")[:400], {}, "corrupt"),
    "an encrypted PDF": ("secret.pdf", encrypted_pdf, {}, "encrypted"),
    "a PDF without text": ("scan.pdf", blank_pdf, {}, "no_text"),
    "a file named like a folder": ("folder/", lambda: b"text", {}, "invalid_key"),
    "a reserved attribute": ("a.txt", lambda: b"text", {"Metadata": {"document_id": "x"}}, "invalid_metadata"),
    "malformed attributes": ("b.txt", lambda: b"text", {"Metadata": {"onggi-metadata": "%%%"}}, "invalid_metadata"),
    "attributes that are a list": (
        "c.txt",
        lambda: b"text",
        {"Metadata": of_typed_metadata(["a"])},
        "invalid_metadata",
    ),
    "a nested attribute": (
        "d.txt",
        lambda: b"text",
        {"Metadata": of_typed_metadata({"a": {"b": 1}})},
        "invalid_metadata",
    ),
    "a broken encoded word": ("e.txt", lambda: b"text", {"Metadata": {"team": "=?utf-8?b?7J?="}}, "invalid_metadata"),
    "an unknown character set": (
        "f.txt",
        lambda: b"text",
        {"Metadata": {"team": "=?nosuch?q?x?="}},
        "invalid_metadata",
    ),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_file_fails_with_a_code_and_a_message(product: Product, tenant: Tenant, bad: str) -> None:
    name, content, options, code = BAD_FILES[bad]
    document = tenant.ingest(name, content(), **options)
    assert (document["status"], document["error"]["code"]) == ("failed", code)
    assert document["error"]["message"].endswith(".")
    assert (document["key"], document["pages"], document["chunks"]) == (tenant.prefix + name, 0, 0)
    assert document["current_version"] is None
    assert tenant.derived_data(document["document_id"]) == []
    (execution,) = product.executions_of(document["key"])
    assert execution["status"] == "SUCCEEDED"
    assert "RecordFailure" in product.states_entered(execution["executionArn"])
    assert tenant.metric("DocumentsFailed") == 1
    assert tenant.call("GET", "/documents", status="failed").body["documents"] == [document]


def test_a_failed_document_can_be_replaced_by_a_valid_one(tenant: Tenant) -> None:
    assert tenant.ingest("repaired.pdf", b"no pdf")["status"] == "failed"
    document = tenant.ready("repaired.pdf", make_pdf(["The well is forty metres deep."], "Well"))
    assert "error" not in document
    assert tenant.retrieve("How deep is the well?")["passages"][0]["page"] == 1


def test_a_failed_document_can_be_deleted(tenant: Tenant) -> None:
    document = tenant.ingest("away.pdf", b"no pdf")
    assert tenant.call("DELETE", f"/documents/{document['document_id']}").status == 202
    row = tenant.wait_for_status(document["key"], "deleted")
    assert "error_code" not in row
    assert tenant.call("GET", "/documents").body["documents"] == []


@pytest.mark.parametrize(
    "key",
    [
        "stray.txt",
        "tenants/no-such-tenant/a.txt",
        "tenants/UPPER/a.txt",
        "tenants//a.txt",
        "tenants/a.txt",
        "other/{tenant}/a.txt",
        "Tenants/{tenant}/a.txt",
        "tenants/{tenant}-2/a.txt",
        "tenants/{tenant}",
        "tenants/{tenant}/",
        "long/" + "x" * 1019,
    ],
)
def test_an_upload_of_no_tenant_is_rejected_and_recorded(product: Product, tenant: Tenant, key: str) -> None:
    path = key.format(tenant=tenant.tenant_id)
    put = product.root("s3").put_object(Bucket=product["DocumentsBucketName"], Key=path, Body=b"text")
    noted = wait_for(lambda: product.rejection(path, put["VersionId"]), 20)
    assert noted["code"]["S"] == "unknown_tenant"
    assert noted["message"]["S"] == BAD_DOCUMENT_MESSAGES["unknown_tenant"]
    (execution,) = product.executions_of(path)
    assert execution["status"] == "SUCCEEDED"
    assert "RecordFailure" in product.states_entered(execution["executionArn"])
    assert tenant.call("GET", "/documents").body["documents"] == []


def test_a_file_that_is_too_large_is_rejected_before_the_upload(tenant: Tenant) -> None:
    limit = tenant.call("GET", "/me").body["limits"]["document_bytes"]
    body = {"name": "big.pdf", "content_type": "application/pdf", "size": limit + 1}
    assert tenant.call("POST", "/documents", body).status == 413
    assert tenant.call("POST", "/documents", {**body, "size": limit}).status == 201


def test_an_internal_error_is_recorded_and_raises_the_alarm(product: Product, tenant: Tenant) -> None:
    where = {"vectorBucketName": product["VectorBucketName"], "indexName": tenant.tenant_id}
    product.root("s3vectors").delete_index(**where)
    document = tenant.ingest("fault.txt", "A text without an index to go to.")
    assert document["status"] == "failed"
    assert document["error"] == {"code": "internal", "message": BAD_DOCUMENT_MESSAGES["internal"]}
    (execution,) = product.executions_of(document["key"])
    states = product.states_entered(execution["executionArn"])
    assert execution["status"] == "FAILED"
    assert states[-2:] == ["DecideByFault", "Failed"]
    assert execution["error"] == "DocumentNotProcessed"
    assert tenant.artifacts(document["document_id"]) == []
    assert tenant.metric("DocumentsFailed") == 1


def test_an_invalid_event_fails_the_execution(product: Product) -> None:
    arn = product.start({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})
    assert product.wait_for_execution(arn)["status"] == "FAILED"
    assert "RecordFailure" in product.states_entered(arn)
