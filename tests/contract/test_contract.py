"""The deployed API does what its contract says, whatever it is sent: generated requests against a local cloud."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.deploy import deploy
from tests.deployment_template import REPOSITORY
from tests.integration.local_cloud import REGION, running_cloud
from tests.integration.product import Product, Tenant

SCHEMATHESIS = REPOSITORY / ".venvs/contract/bin/st"
SECONDS = 30
"""For the routes of tenants, and again for those of operators."""
REFUSED = 400
NEEDS_A_REMOVAL = {("GET", "/v1/admin/tenants/{id}/export")}
"""Routes that a tenant has only after it was removed with an export; the examples of `docs/api.md` show them."""
CHECKS = (
    "no_undocumented_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
CALLERS = {"tenants": ("--exclude-path-regex", "^/v1/admin/"), "operators": ("--include-path-regex", "^/v1/admin/")}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_cloud(tmp_path_factory.mktemp("contract")) as started:
        yield Product(started, deploy(started.state).outputs)


def never_succeeded(report: Path, contract: Path, caller: str) -> list[str]:
    """The routes whose work no request has reached, so that their responses were not compared with the contract."""
    entries = json.loads(report.read_text(encoding="utf-8"))["log"]["entries"]
    paths: dict[str, Any] = json.loads(contract.read_text(encoding="utf-8"))["paths"]
    succeeded = {
        (entry["request"]["method"], urlsplit(entry["request"]["url"]).path.partition("/live")[2])
        for entry in entries
        if entry["response"]["status"] < REFUSED
    }
    wanted = [(method.upper(), path) for path in paths for method in paths[path]]
    return [
        f"{method} {path}"
        for method, path in wanted
        if ("/admin/" in path) == (caller == "operators") and (method, path) not in NEEDS_A_REMOVAL
        if not any(method == sent and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), found) for sent, found in succeeded)
    ]


def existing(product: Product, tenant: Tenant) -> dict[str, list[dict[str, str]]]:
    """Things that exist, by the routes that name them: a document in each lasting status, a key, and tenants."""
    assert tenant.ingest("ready.txt", "The notice period is three months.")["status"] == "ready"
    assert tenant.ingest("failed.pdf", b"no pdf")["status"] == "failed"
    assert tenant.call("POST", "/documents", {"name": "a.txt", "content_type": "text/plain", "size": 4}).status == 201
    documents = [{"id": each["document_id"]} for each in tenant.call("GET", "/documents").body["documents"]]
    own = {"id": tenant.tenant_id}
    revoked = {"key_id": product.issue_key(tenant.tenant_id)[-55:-43]}
    removed = {"id": product.new_tenant(f"{tenant.tenant_id}-removed").tenant_id}
    return {
        "GET /v1/documents/{id}": documents,
        "DELETE /v1/documents/{id}": documents[:1],
        "DELETE /v1/keys/{key_id}": [revoked],
        "GET /v1/admin/tenants/{id}": [own],
        "PATCH /v1/admin/tenants/{id}": [own],
        "DELETE /v1/admin/tenants/{id}": [removed],
        "GET /v1/admin/tenants/{id}/keys": [own],
        "POST /v1/admin/tenants/{id}/keys": [own],
        "DELETE /v1/admin/tenants/{id}/keys/{key_id}": [own | revoked],
        "GET /v1/admin/tenants/{id}/audit": [own],
    }


@pytest.mark.parametrize("caller", CALLERS)
def test_every_response_is_one_of_the_contract(product: Product, tmp_path: Path, caller: str) -> None:
    tenant = product.new_tenant(f"of-{caller}")
    tenant = replace(tenant, api_key=product.issue_key(tenant.tenant_id, role="owner"))
    contract = tmp_path / "openapi.json"
    contract.write_text(json.dumps(product.send("GET", product.url("/openapi.json")).body), encoding="utf-8")
    command = [
        str(SCHEMATHESIS),
        "run",
        str(contract),
        "--url",
        product["ApiUrl"],
        "--phases",
        "examples,coverage,fuzzing",
    ]
    command += ["--checks", ",".join(CHECKS), "--max-time", str(SECONDS), "--continue-on-failure", "--no-color"]
    command += ["--report", "har", "--report-dir", str(tmp_path / "report")]
    ended = subprocess.run(
        [*command, *CALLERS[caller]],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(REPOSITORY),
            "SCHEMATHESIS_HOOKS": "tests.contract.hooks",
            "ONGGI_API_KEY": tenant.api_key,
            "ONGGI_EXISTING": json.dumps(existing(product, tenant)),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "NO_PROXY": "127.0.0.1,localhost",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS * 3,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2000:]
    assert never_succeeded(next(tmp_path.glob("report/*")), contract, caller) == []
