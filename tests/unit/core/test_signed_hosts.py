"""The hosts that uploads and downloads are signed for: those of the bucket's own region, from its first minute.

A link's signature includes its host, so that no client can follow a redirect with it.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.stub import Stubber

from onggi.adapters.aws import AwsSession
from onggi.adapters.export import S3TenantExport
from onggi.adapters.s3 import S3DocumentStore
from onggi.adapters.s3vectors import S3VectorsIndex
from onggi.domain.tenant import TenantContext
from tests.unit.core.fakes import tenant_named

CREDENTIALS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "SessionToken": "token"}
REGIONS = {
    "us-east-1": "s3.us-east-1.amazonaws.com",
    "ap-northeast-2": "s3.ap-northeast-2.amazonaws.com",
    "eu-central-1": "s3.eu-central-1.amazonaws.com",
    "ap-southeast-5": "s3.ap-southeast-5.amazonaws.com",  # newer than 2019: the global host answers 400 for it
    "cn-north-1": "s3.cn-north-1.amazonaws.com.cn",
}
"""Regional endpoints, by "Amazon Simple Storage Service endpoints and quotas" (AWS General Reference)."""


@pytest.fixture
def tenant() -> TenantContext:
    return tenant_named("acme")


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")


def upload_url(tenant: TenantContext) -> str:
    """The address of a form for an upload."""
    store = S3DocumentStore(AwsSession(CREDENTIALS), tenant)
    return store.presign_upload("tenants/acme/a.pdf", "application/pdf", 3, {}, 900).url


def export_url(tenant: TenantContext) -> str:
    """The link to an exported object."""
    session = AwsSession(CREDENTIALS)
    entry = {"Key": "exports/acme/run/uploads/a.pdf", "Size": 3, "LastModified": datetime(2026, 11, 21, tzinfo=UTC)}
    with Stubber(session.client("s3")) as s3:
        s3.add_response("list_objects_v2", {"Contents": [entry], "IsTruncated": False})
        [found], _ = S3TenantExport(
            session, "tenant", tenant, S3VectorsIndex(session, tenant.placement), "artifacts", "run"
        ).page(10, None)
    return found.url


@pytest.mark.parametrize(("region", "host"), REGIONS.items())
def test_uploads_go_to_the_bucket_of_the_region(
    monkeypatch: pytest.MonkeyPatch, tenant: TenantContext, region: str, host: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    assert upload_url(tenant) == f"https://documents.{host}/"


@pytest.mark.parametrize(("region", "host"), REGIONS.items())
def test_exports_come_from_the_bucket_of_the_region(
    monkeypatch: pytest.MonkeyPatch, tenant: TenantContext, region: str, host: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    url = urlsplit(export_url(tenant))
    assert (url.scheme, url.netloc, url.path) == ("https", f"artifacts.{host}", "/exports/acme/run/uploads/a.pdf")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://cloud.example:4566"])
def test_an_endpoint_that_is_configured_keeps_its_host(
    monkeypatch: pytest.MonkeyPatch, tenant: TenantContext, name: str, endpoint: str
) -> None:
    monkeypatch.setenv(name, endpoint)
    assert upload_url(tenant) == f"{endpoint}/documents"
    assert export_url(tenant).startswith(f"{endpoint}/artifacts/exports/acme/run/uploads/a.pdf?")
