"""Uploads and artifacts in S3."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession
from onggi.adapters.s3 import S3ArtifactStore, S3DocumentStore, decode_metadata, encode_metadata, is_gone
from onggi.domain.errors import BadDocument, NotFound, TenantMismatch
from onggi.domain.tenant import TenantContext
from tests.unit.core.fakes import tenant_named


@pytest.fixture
def tenant(unused_tenant_id: str) -> TenantContext:
    return tenant_named(unused_tenant_id)


@pytest.fixture
def store(aws: AwsSession, tenant: TenantContext) -> S3DocumentStore:
    return S3DocumentStore(aws, tenant)


@pytest.fixture
def artifacts(aws: AwsSession, tenant: TenantContext) -> S3ArtifactStore:
    return S3ArtifactStore(aws, tenant, "manifests")


def put(aws: AwsSession, key: str, content: bytes = b"kimchi", **more: Any) -> str:
    return str(aws.client("s3").put_object(Bucket="documents", Key=key, Body=content, **more)["VersionId"])


def test_the_facts_of_each_version(aws: AwsSession, store: S3DocumentStore, tenant: TenantContext) -> None:
    key = tenant.prefix + "김치 +%.txt"
    first = put(aws, key, b"one", ContentType="text/plain")
    second = put(aws, key, b"three")
    newest, older = store.facts(key), store.facts(key, first)
    assert newest is not None
    assert older is not None
    assert (newest.version, newest.size) == (second, 5)
    assert (older.version, older.size, older.content_type) == (first, 3, "text/plain")
    assert older.modified.endswith("Z")


@pytest.mark.parametrize(
    "beside", ["tenants/{}-2/a.txt", "tenants/other/a.txt", "tenants/{}", "{}/a.txt", "/tenants/{}/a", ""]
)
def test_a_key_outside_the_tenants_prefix_is_refused(
    aws: AwsSession, store: S3DocumentStore, tenant: TenantContext, tmp_path: Path, beside: str
) -> None:
    key = beside.format(tenant.tenant_id)
    version = put(aws, key or "no key at all")
    for touch in (
        lambda: store.facts(key),
        lambda: store.facts(key, version),
        lambda: store.read_start(key, 10),
        lambda: store.download(key, version, tmp_path / "file"),
        lambda: store.delete(key),
        lambda: store.presign_upload(key, "text/plain", 1, {}, 60),
    ):
        with pytest.raises(TenantMismatch):
            touch()


def test_what_is_gone_has_no_facts(aws: AwsSession, store: S3DocumentStore, tenant: TenantContext) -> None:
    key = tenant.prefix + "a.txt"
    assert store.facts(key) is None
    version = put(aws, key)
    store.delete(key)
    assert store.facts(key) is None, "a delete marker hides it"
    assert store.facts(key, version) is not None, "the version itself is still there"
    aws.client("s3").delete_object(Bucket="documents", Key=key, VersionId=version)
    assert store.facts(key, version) is None


def test_a_delete_marker_has_no_facts(aws: AwsSession, store: S3DocumentStore, tenant: TenantContext) -> None:
    key = tenant.prefix + "a.txt"
    put(aws, key)
    marker = aws.client("s3").delete_object(Bucket="documents", Key=key)["VersionId"]
    assert store.facts(key, marker) is None


def test_a_download_is_of_the_version_asked_for(
    aws: AwsSession, store: S3DocumentStore, tenant: TenantContext, tmp_path: Path
) -> None:
    key = tenant.prefix + "a.txt"
    first = put(aws, key, b"old")
    put(aws, key, b"new")
    store.download(key, first, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"
    aws.client("s3").delete_object(Bucket="documents", Key=key, VersionId=first)
    with pytest.raises(NotFound):
        store.download(key, first, tmp_path / "file")


def test_the_start_of_the_newest_version(aws: AwsSession, store: S3DocumentStore, tenant: TenantContext) -> None:
    key = tenant.prefix + "a.txt.metadata.json"
    assert store.read_start(key, 4) is None
    put(aws, key + ".longer")
    assert store.read_start(key, 4) is None
    put(aws, key, b"old")
    put(aws, key, b"newer")
    assert (store.read_start(key, 4), store.read_start(key, 9)) == (b"newe", b"newer")
    put(aws, key, b"")
    assert store.read_start(key, 4) == b""
    store.delete(key)
    assert store.read_start(key, 4) is None


def test_headers_become_metadata(aws: AwsSession, store: S3DocumentStore, tenant: TenantContext) -> None:
    typed = encode_metadata({"year": 2026, "tags": ["a", "나"], "draft": False})
    key = tenant.prefix + "a.txt"
    encoded = "=?UTF-8?B?" + base64.b64encode("법무 팀".encode()).decode() + "?="
    put(aws, key, Metadata={"Department": "legal", "team": encoded, "onggi-metadata": typed})
    facts = store.facts(key)
    assert facts is not None
    assert facts.metadata == {
        "department": "legal",
        "team": "법무 팀",
        "year": 2026,
        "tags": ["a", "나"],
        "draft": False,
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"onggi-metadata": "not base64!"},
        {"onggi-metadata": base64.b64encode(b"{").decode()},
        {"onggi-metadata": base64.b64encode(b"12").decode()},
        {"onggi-metadata": base64.b64encode(b'"ab"').decode()},
        {"onggi-metadata": base64.b64encode(b"\xff").decode()},
        {"onggi-metadata": base64.b64encode(b"[" * 100_000).decode()},
        {"a": "=?unknown?B?YQ==?="},
        {"a": "=?utf-8?B?a?="},
        {"a": "=?utf-8?q?=ff?="},
    ],
)
def test_headers_that_cannot_be_read_are_the_uploaders_fault(headers: dict[str, str]) -> None:
    with pytest.raises(BadDocument) as caught:
        decode_metadata(headers)
    assert caught.value.code == "invalid_metadata"


def test_an_upload_is_permitted_for_one_key_type_size_and_metadata(
    store: S3DocumentStore, tenant: TenantContext
) -> None:
    key = tenant.prefix + "보고서.pdf"
    upload = store.presign_upload(key, "application/pdf", 1234, {"부서": "법무"}, 900)
    policy = json.loads(base64.b64decode(upload.fields["policy"]))
    header = "x-amz-meta-onggi-metadata"
    assert upload.fields["key"] == key
    assert upload.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert {"key": key} in policy["conditions"]
    assert {"Content-Type": "application/pdf"} in policy["conditions"]
    assert ["content-length-range", 1234, 1234] in policy["conditions"]
    assert {header: upload.fields[header]} in policy["conditions"]
    assert decode_metadata({"onggi-metadata": upload.fields[header]}) == {"부서": "법무"}


def test_artifacts_lie_under_the_tenants_prefix(
    aws: AwsSession, artifacts: S3ArtifactStore, tenant: TenantContext
) -> None:
    artifacts.write("d/v/text.txt", "김치".encode())
    assert artifacts.read("d/v/text.txt").decode() == "김치"
    listed = aws.client("s3").list_objects_v2(Bucket="artifacts", Prefix=tenant.prefix)["Contents"]
    assert [entry["Key"] for entry in listed] == [tenant.prefix + "d/v/text.txt"]


def test_artifacts_are_listed_and_deleted_by_name(aws: AwsSession, artifacts: S3ArtifactStore) -> None:
    for name in ("d/v1/b", "d/v1/a", "d/v10/a"):
        artifacts.write(name, b"x")
    S3ArtifactStore(aws, tenant_named("another-tenant"), "manifests").write("d/v1/a", b"theirs")
    assert artifacts.names("d/v1/") == ["d/v1/a", "d/v1/b"]
    artifacts.delete(iter([*artifacts.names("d/v1/"), "d/v1/never"]))
    assert artifacts.names("d/") == ["d/v10/a"]
    artifacts.delete([])
    assert S3ArtifactStore(aws, tenant_named("another-tenant"), "manifests").read("d/v1/a") == b"theirs"
    with pytest.raises(NotFound):
        artifacts.read("d/v1/a")


def test_more_artifacts_than_one_request_deletes(artifacts: S3ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onggi.adapters.s3.DELETE_BATCH", 2)
    for number in range(5):
        artifacts.write(f"d/{number}", b"")
    artifacts.delete(artifacts.names("d/"))
    assert artifacts.names("d/") == []


def test_a_manifest_lies_where_the_workflow_may_read_it(
    aws: AwsSession, artifacts: S3ArtifactStore, tenant: TenantContext
) -> None:
    key = artifacts.write_manifest("d", "v", [{"batch": 0}, {"batch": 1}])
    content = aws.client("s3").get_object(Bucket="manifests", Key=key)["Body"].read()
    assert key.startswith(f"manifests/{tenant.tenant_id}/")
    assert content == b'{"batch": 0}\n{"batch": 1}\n'
    artifacts.delete_manifest("d", "v")
    artifacts.delete_manifest("d", "v")
    with pytest.raises(aws.client("s3").exceptions.NoSuchKey):
        aws.client("s3").get_object(Bucket="manifests", Key=key)


@pytest.mark.usefixtures("denied_what_is_missing")
def test_what_is_gone_is_told_from_what_is_denied(
    aws: AwsSession, store: S3DocumentStore, artifacts: S3ArtifactStore, tenant: TenantContext, tmp_path: Path
) -> None:
    key = tenant.prefix + "a.txt"
    assert store.facts(key) is None
    put(aws, key + ".longer")
    version = put(aws, key)
    aws.client("s3").delete_object(Bucket="documents", Key=key, VersionId=version)
    assert store.facts(key, version) is None
    assert store.read_start(key, 4) is None
    with pytest.raises(NotFound):
        store.download(key, version, tmp_path / "a")
    with pytest.raises(NotFound):
        artifacts.read("document/version/text.txt")


@pytest.mark.parametrize(
    ("code", "listed", "gone"),
    [
        ("404", True, True),
        ("403", False, True),
        ("403", True, False),
        ("AccessDenied", True, False),
        ("400", False, False),
    ],
)
def test_what_is_denied_is_not_taken_for_gone(code: str, listed: bool, gone: bool) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject")
    assert is_gone(error, lambda: listed) is gone
