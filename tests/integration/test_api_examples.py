"""Runs the examples of `docs/api.md` in the order of the document."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api_document import blocks
from tests.integration.local_cloud import REGION
from tests.integration.product import Product, Tenant

SECONDS = 180


def run(command: list[str], script: str, product: Product, tenant: Tenant, folder: Path) -> None:
    key = product.issue_key(tenant.tenant_id, role="owner")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ONGGI_"))}
    settings = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ONGGI_API": product.url(""),
        "ONGGI_API_KEY": key,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    finished = subprocess.run(
        command,
        input=script,
        cwd=folder,
        env=inherited | settings,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_with_curl(product: Product, tenant: Tenant, tmp_path: Path) -> None:
    failing = "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR"
    script = "\n".join(["set -Eeuo pipefail", failing, *blocks("sh")])
    run(["bash", "-s"], script, product, tenant, tmp_path)


def test_the_examples_in_python(product: Product, tenant: Tenant, tmp_path: Path) -> None:
    run([sys.executable, "-"], "\n".join(blocks("python")), product, tenant, tmp_path)
