"""Two clouds that hold the same tenants, one with IAM and one without, and the matrix that a run prints."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from zlib import crc32

import pytest

from local.deploy import deploy
from tests.integration.local_cloud import running_cloud
from tests.integration.product import Product
from tests.isolation.attacks import Attack, Scene, Walls
from tests.isolation.jars import TENANTS, UNTOUCHED, Jar, Seed, sow
from tests.isolation.matrix import Matrix
from tests.isolation.workbench import Workbench

MATRIX: Final = pytest.StashKey[Matrix]()
OVER_HTTP: Final = {"HTTP", "credentials"}
IDS: Final = [tenant_id for tenant_id, _ in TENANTS]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--isolation-json", type=Path, metavar="FILE", help="write the matrix of the isolation tests")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MATRIX] = Matrix()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    matrix = config.stash[MATRIX]
    if not matrix.verdicts:
        return
    terminalreporter.section("isolation")
    for line in matrix.lines():
        terminalreporter.write_line(line)
    path: Path | None = config.getoption("isolation_json", default=None)
    if path:
        matrix.write(path)


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> Matrix:
    return request.config.stash[MATRIX]


def rules_of(product: Product) -> list[str]:
    """The rules that start workflows."""
    return [rule["Name"] for rule in product.root("events").list_rules()["Rules"]]


class Clouds:
    """The same tenants on a cloud with IAM and on one without."""

    def __init__(self, with_iam: Product, without_iam: Product, seeds: list[Seed]) -> None:
        self.products = {True: with_iam, False: without_iam}
        self._jars = {
            iam: {seed.tenant_id: seed.on(product) for seed in seeds} for iam, product in self.products.items()
        }
        self._benches = {
            (iam, checked): Workbench(product, checked=checked)
            for iam, product in self.products.items()
            for checked in (True, False)
        }

    def jar(self, walls: Walls, tenant_id: str) -> Jar:
        return self._jars[walls in {Walls.BOTH, Walls.IAM}][tenant_id]

    def scene(self, walls: Walls, own: str, target: str) -> Scene:
        bench = self._benches[walls in {Walls.BOTH, Walls.IAM}, walls in {Walls.BOTH, Walls.APPLICATION}]
        return Scene(self.jar(walls, own), self.jar(walls, target), bench)

    def scenes(self, walls: Walls, attack: Attack) -> list[Scene]:
        """One tenant towards the others, over HTTP towards one of them; the attack's name decides, so that all do."""
        number = crc32(attack.name.encode())
        own = IDS[number % len(IDS)]
        others = [tenant_id for tenant_id in IDS if tenant_id != own]
        targets = [others[number // len(IDS) % len(others)]] if attack.group in OVER_HTTP else others
        return [self.scene(walls, own, target) for target in targets]

    def at_home(self, walls: Walls) -> Scene:
        """A tenant at its own things."""
        return self.scene(walls, UNTOUCHED[0], UNTOUCHED[0])

    def unwalled(self) -> Scene:
        """An attack that meets no wall, on a tenant that is otherwise left alone."""
        return self.scene(Walls.NEITHER, TENANTS[0][0], UNTOUCHED[0])


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """Deployed and filled once; the cloud without IAM starts from a copy of the other's memory."""
    first = tmp_path_factory.mktemp("isolation")
    with running_cloud(first) as cloud:
        product = Product(cloud, deploy(first).outputs)
        seeds = sow(product)
    second = first.with_name("isolation-without-iam")
    shutil.copytree(first, second)
    with ExitStack() as stack:
        with_iam = stack.enter_context(running_cloud(first))
        without_iam = stack.enter_context(running_cloud(second, "--without-iam"))
        # Deployed again, since the stack knows the cloud's address, by which tokens are verified.
        products = [Product(with_iam, deploy(first).outputs), Product(without_iam, deploy(second).outputs)]
        for each in products:
            each.confidential |= product.confidential
            for rule in rules_of(each):
                each.root("events").disable_rule(Name=rule)  # attacks are seen at once, not after a workflow
        yield Clouds(products[0], products[1], seeds)
