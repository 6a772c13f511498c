"""The local cloud is killed ten times during use and deployments, and recovers each time.

Each kill is at a pseudo-random moment, the same in every run. It kills the server process at once, as a loss of power
would, but without the loss of the disk's cache.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import BUILD, STACK_NAME
from tests.integration.conftest import failures_without_record
from tests.integration.local_cloud import REPOSITORY, LocalCloud, free_port, members, wait_for
from tests.integration.product import Product, Tenant

SEED = 20261201
LAST_SECONDS = 10.0
"""The time before a kill whose uploads may be lost: snapshots are 2 s apart, or more on a busy machine."""
SETTLE_SECONDS = 120.0
DEPLOY = "import pathlib, sys; from local import deploy; deploy.BUILD = pathlib.Path(sys.argv.pop(1)); deploy.main()"


@dataclass
class Scenario:
    """A local cloud in the background, its deployed build and the tenant that uses it.

    Attributes:
        moments: The source of the moments of kills.
        acknowledged: The time of each upload's response, by key.
    """

    cloud: LocalCloud
    builds: Path
    moments: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - no secret
    acknowledged: dict[str, float] = field(default_factory=dict)
    build: Path = BUILD
    tenant: Tenant | None = None

    # ── the operator ────────────────────────────────────────────────────────────────────────────────────────────────
    def change(self, number: int) -> None:
        """Creates another build with a changed function and a new output of the template."""
        self.build = self.builds / str(number)
        shutil.copytree(BUILD, self.build, copy_function=os.link)
        template, code = self.build / "template.yaml", self.build / "Documents/app.py"
        original = template.read_text(encoding="utf-8")
        changed = original.replace("\nOutputs:\n", f"\nOutputs:\n  Version:\n    Value: '{number}'\n")
        assert changed != original
        for file, text in ((template, changed), (code, f"{code.read_text(encoding='utf-8')}\n# {number}\n")):
            file.unlink()  # a hard link to the original build
            file.write_text(text, encoding="utf-8")

    def begin_deployment(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", DEPLOY, str(self.build), "--state", str(self.cloud.state)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def start_and_deploy(self) -> Product:
        """Starts and deploys as `make up` does."""
        self.cloud.start()
        deployment = self.begin_deployment()
        output, _ = deployment.communicate(timeout=SETTLE_SECONDS)
        assert "Try it:" in output, f"{output}\n{(self.cloud.state / 'deploy.log').read_text(encoding='utf-8')[-3000:]}"
        stack = self.cloud.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        assert outputs.get("Version", "0") == (self.build.name if self.build != BUILD else "0")
        product = Product(self.cloud, outputs)
        if self.tenant:
            self.tenant = Tenant(product, self.tenant.tenant_id, self.tenant.api_key)
        return product

    def kill_during_deployment(self) -> None:
        """Kills the cloud and the deployment at a random moment."""
        deployment = self.begin_deployment()
        with suppress(subprocess.TimeoutExpired):
            deployment.wait(self.moments.uniform(2, 14))
        self.kill()
        with suppress(ProcessLookupError):
            os.killpg(deployment.pid, signal.SIGKILL)
        deployment.communicate()

    def kill(self) -> float:
        """Kills the cloud; returns the time."""
        session = self.cloud.process
        self.cloud.kill()
        killed = time.monotonic()
        wait_for(lambda: not members(session), 5)
        return killed

    # ── the tenant ──────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def user(self) -> Tenant:
        assert self.tenant
        return self.tenant

    @contextmanager
    def used(self, number: int) -> Iterator[None]:
        """Uploads, deletes and asks during the block, until the cloud is killed."""
        thread = threading.Thread(target=self._use, args=(number,))
        thread.start()
        try:
            yield
        finally:
            thread.join(SETTLE_SECONDS)

    def _use(self, number: int) -> None:
        with suppress(BotoCoreError, ClientError, urllib3.exceptions.HTTPError):
            for each in range(1000):
                name = f"{number}-{each}.txt"
                self.user.drop(name, f"Shelf {number}-{each} holds {each + 3} pots.")
                self.acknowledged[self.user.prefix + name] = time.monotonic()
                if each % 3 == 1:
                    self.user.call("POST", "/query", {"question": f"What does shelf {number}-{each} hold?"})
                if each % 5 == 4:
                    self.user.remove(f"{number}-{each - 1}.txt")
                    self.acknowledged.pop(self.user.prefix + f"{number}-{each - 1}.txt")

    def require_acknowledged_uploads(self, killed: float) -> None:
        """Checks that uploads before the last seconds exist and that a question is answered."""
        existing = {key for key, _ in self._versions("Versions")}
        required = {key for key, at in self.acknowledged.items() if at < killed - LAST_SECONDS}
        assert required <= existing
        for key in set(self.acknowledged) - existing:  # lost completely
            del self.acknowledged[key]
        assert wait_for(self._is_answering, SETTLE_SECONDS)

    def _is_answering(self) -> bool:
        """Returns whether the first document is cited; a busy cloud may throttle."""
        reply = self.user.call("POST", "/query", {"question": "가마는 몇 시에 불을 넣나요?"})
        assert reply.status in {200, 429, 503}, reply
        return reply.status == 200 and reply.body["citations"][0]["document_name"] == "가마.txt"

    def require_processed_uploads(self) -> None:
        """Waits until every existing upload is ready, and checks that no other data exists."""
        existing = dict(self._versions("Versions"))
        wait_for(lambda: self._all_are_ready(existing), SETTLE_SECONDS)
        ready = [row for row in self._rows() if row["status"]["S"] == "ready"]
        chunks = sum(int(row["chunks"]["N"]) for row in ready)
        assert len(self.user.vector_keys()) == chunks
        assert failures_without_record(self.user.product) == []

    def _all_are_ready(self, existing: dict[str, str]) -> bool:
        rows = {row["key"]["S"]: row for row in self._rows()}
        wanted = {key: ("ready", version) for key, version in existing.items()}
        found = {key: (row["status"]["S"], row["version"]["S"]) for key, row in rows.items() if key in existing}
        others = {row["status"]["S"] for key, row in rows.items() if key not in existing}
        assert "failed" not in {status for status, _ in found.values()}, found
        return wanted == found and others <= {"deleted"}

    def _rows(self) -> list[Any]:
        pages = self.user.product.root("dynamodb").get_paginator("query")
        rows = pages.paginate(
            TableName=self.user.product["TenantTableName"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :documents)",
            ExpressionAttributeValues={":pk": {"S": self.user.tenant_id}, ":documents": {"S": "DOCUMENT#"}},
        )
        return [row for page in rows for row in page["Items"]]

    def _versions(self, kind: str) -> list[tuple[str, str]]:
        """Returns key and id of the latest version of each object."""
        pages = self.user.product.root("s3").get_paginator("list_object_versions")
        found = pages.paginate(Bucket=self.user.product["DocumentsBucketName"], Prefix=self.user.prefix)
        return [(each["Key"], each["VersionId"]) for page in found for each in page.get(kind, []) if each["IsLatest"]]


@pytest.fixture
def scenario(tmp_path: Path) -> Iterator[Scenario]:
    cloud = LocalCloud(free_port(), tmp_path / "state")
    # The template of a build in `builds` refers to this path.
    (tmp_path / "statemachines").symlink_to(REPOSITORY / "statemachines")
    yield Scenario(cloud, tmp_path / "builds")
    cloud.control("stop")


def test_the_local_cloud_survives_ten_kills(scenario: Scenario) -> None:
    for _ in range(2):
        scenario.cloud.start()
        scenario.kill_during_deployment()
    product = scenario.start_and_deploy()
    scenario.tenant = product.new_tenant("kept")
    scenario.user.ready("가마.txt", "가마는 아침 여섯 시에 불을 넣는다.")
    scenario.cloud.wait_until_saved()

    for number in range(3, 11):
        with scenario.used(number):
            if number in {5, 8}:
                scenario.change(number)
                scenario.kill_during_deployment()
                killed = time.monotonic()
            else:
                if number in {4, 7}:
                    onboard(scenario, number)
                time.sleep(scenario.moments.uniform(0, 4))
                killed = scenario.kill()
        scenario.start_and_deploy()
        scenario.require_acknowledged_uploads(killed)
        if number in {6, 10}:
            scenario.require_processed_uploads()
    wait_for(lambda: {onboard(scenario, number) for number in (4, 7)} == {"active"}, SETTLE_SECONDS)


def onboard(scenario: Scenario, number: int) -> str:
    """Requests a tenant with its own stack, repeatedly if needed; returns its status."""
    wanted = {"tenant_id": f"premium-{number}", "name": "옹기 상회", "tier": "premium"}
    reply = scenario.user.product.as_operator("POST", "/admin/tenants", wanted)
    assert reply.status in {202, 409, 503}, reply
    return str(scenario.user.product.tenant_record(wanted["tenant_id"]).get("status"))
