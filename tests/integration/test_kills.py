"""The local cloud is killed ten times while it is used and deployed to, and goes on working each time.

Each kill comes at a random moment, the same in every run. It ends the process that serves at once, as a loss of power
would; what a loss of power takes from the disk's own cache is beyond a test.
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
"""What a kill may take: a snapshot follows 2 s after the one before, or later where the machine has much to do."""
SETTLE_SECONDS = 120.0
DEPLOY = "import pathlib, sys; from local import deploy; deploy.BUILD = pathlib.Path(sys.argv.pop(1)); deploy.main()"


@dataclass
class Life:
    """A cloud in the background, what was deployed to it, and the tenant that uses it.

    Attributes:
        moments: when kills come.
        acknowledged: when each upload's answer came, by key.
    """

    cloud: LocalCloud
    builds: Path
    moments: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - no secret
    acknowledged: dict[str, float] = field(default_factory=dict)
    build: Path = BUILD
    tenant: Tenant | None = None

    # ── the operator ────────────────────────────────────────────────────────────────────────────────────────────────
    def change(self, number: int) -> None:
        """Builds another version: a function's code and an output of the template are new."""
        self.build = self.builds / str(number)
        shutil.copytree(BUILD, self.build, copy_function=os.link)
        template, code = self.build / "template.yaml", self.build / "Documents/app.py"
        landed = template.read_text(encoding="utf-8")
        changed = landed.replace("\nOutputs:\n", f"\nOutputs:\n  Version:\n    Value: '{number}'\n")
        assert changed != landed
        for file, text in ((template, changed), (code, f"{code.read_text(encoding='utf-8')}\n# {number}\n")):
            file.unlink()  # it is also the build's own
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
        """What `make up` does."""
        self.cloud.start()
        deployment = self.begin_deployment()
        said, _ = deployment.communicate(timeout=SETTLE_SECONDS)
        assert "Try it:" in said, f"{said}\n{(self.cloud.state / 'deploy.log').read_text(encoding='utf-8')[-3000:]}"
        stack = self.cloud.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        assert outputs.get("Version", "0") == (self.build.name if self.build != BUILD else "0")
        product = Product(self.cloud, outputs)
        if self.tenant:
            self.tenant = Tenant(product, self.tenant.tenant_id, self.tenant.api_key)
        return product

    def kill_while_it_is_deployed_to(self) -> None:
        """Ends the cloud and the deployment together, at any moment of it."""
        deployment = self.begin_deployment()
        with suppress(subprocess.TimeoutExpired):
            deployment.wait(self.moments.uniform(2, 14))
        self.kill()
        with suppress(ProcessLookupError):
            os.killpg(deployment.pid, signal.SIGKILL)
        deployment.communicate()

    def kill(self) -> float:
        """Ends the cloud; returns when that was."""
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
        """The tenant uploads, deletes and asks until the cloud is gone."""
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
                self.user.drop(name, f"Shelf {number}-{each} holds {each + 3} jars.")
                self.acknowledged[self.user.prefix + name] = time.monotonic()
                if each % 3 == 1:
                    self.user.call("POST", "/query", {"question": f"What does shelf {number}-{each} hold?"})
                if each % 5 == 4:
                    self.user.remove(f"{number}-{each - 1}.txt")
                    self.acknowledged.pop(self.user.prefix + f"{number}-{each - 1}.txt")

    def require_what_was_there(self, killed: float) -> None:
        """Everything of more than the last seconds is there and answers."""
        there = {key for key, _ in self._versions("Versions")}
        owed = {key for key, at in self.acknowledged.items() if at < killed - LAST_SECONDS}
        assert owed <= there
        for key in set(self.acknowledged) - there:  # taken by the kill, wholly
            del self.acknowledged[key]
        assert wait_for(self._answers, SETTLE_SECONDS)

    def _answers(self) -> bool:
        """Whether a document from the beginning answers; a busy cloud may ask for patience."""
        reply = self.user.call("POST", "/query", {"question": "가마는 몇 시에 불을 넣나요?"})
        assert reply.status in {200, 429, 503}, reply
        return reply.status == 200 and reply.body["citations"][0]["document_name"] == "가마.txt"

    def require_that_all_settles(self) -> None:
        """Every upload that is there becomes ready without another one, and nothing is left of any other."""
        there = dict(self._versions("Versions"))
        wait_for(lambda: self._all_are_ready(there), SETTLE_SECONDS)
        ready = [row for row in self._rows() if row["status"]["S"] == "ready"]
        chunks = sum(int(row["chunks"]["N"]) for row in ready)
        assert len(self.user.vector_keys()) == chunks
        assert failures_without_record(self.user.product) == []

    def _all_are_ready(self, there: dict[str, str]) -> bool:
        rows = {row["key"]["S"]: row for row in self._rows()}
        wanted = {key: ("ready", version) for key, version in there.items()}
        found = {key: (row["status"]["S"], row["version"]["S"]) for key, row in rows.items() if key in there}
        gone = {row["status"]["S"] for key, row in rows.items() if key not in there}
        assert "failed" not in {status for status, _ in found.values()}, found
        return wanted == found and gone <= {"deleted"}

    def _rows(self) -> list[Any]:
        pages = self.user.product.root("dynamodb").get_paginator("query")
        rows = pages.paginate(
            TableName=self.user.product["TenantTableName"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :documents)",
            ExpressionAttributeValues={":pk": {"S": self.user.tenant_id}, ":documents": {"S": "DOCUMENT#"}},
        )
        return [row for page in rows for row in page["Items"]]

    def _versions(self, kind: str) -> list[tuple[str, str]]:
        """Key and id of the newest version of each object that is not deleted."""
        pages = self.user.product.root("s3").get_paginator("list_object_versions")
        found = pages.paginate(Bucket=self.user.product["DocumentsBucketName"], Prefix=self.user.prefix)
        return [(each["Key"], each["VersionId"]) for page in found for each in page.get(kind, []) if each["IsLatest"]]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    cloud = LocalCloud(free_port(), tmp_path / "state")
    # Where the template of a build in a folder of `builds` looks for it.
    (tmp_path / "statemachines").symlink_to(REPOSITORY / "statemachines")
    yield Life(cloud, tmp_path / "builds")
    cloud.control("stop")


def test_the_local_cloud_survives_ten_kills(life: Life) -> None:
    for _ in range(2):
        life.cloud.start()
        life.kill_while_it_is_deployed_to()
    product = life.start_and_deploy()
    life.tenant = product.new_tenant("kept")
    life.user.ready("가마.txt", "가마는 아침 여섯 시에 불을 넣는다.")
    life.cloud.wait_until_saved()

    for number in range(3, 11):
        with life.used(number):
            if number in {5, 8}:
                life.change(number)
                life.kill_while_it_is_deployed_to()
                killed = time.monotonic()
            else:
                if number in {4, 7}:
                    onboard(life, number)
                time.sleep(life.moments.uniform(0, 4))
                killed = life.kill()
        life.start_and_deploy()
        life.require_what_was_there(killed)
        if number in {6, 10}:
            life.require_that_all_settles()
    wait_for(lambda: {onboard(life, number) for number in (4, 7)} == {"active"}, SETTLE_SECONDS)


def onboard(life: Life, number: int) -> str:
    """Asks for a tenant with a stack of its own, as often as is needed; returns its status."""
    wanted = {"tenant_id": f"jar-{number}", "name": "옹기 상회", "tier": "premium"}
    asked = life.user.product.as_operator("POST", "/admin/tenants", wanted)
    assert asked.status in {202, 409, 503}, asked
    return str(life.user.product.tenant_record(wanted["tenant_id"]).get("status"))
