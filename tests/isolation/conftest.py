"""Two clouds with the same tenants, one with IAM and one without, and the matrix that a run prints."""

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
from tests.isolation.attacks import Attack, Layers, Scene
from tests.isolation.harness import Harness
from tests.isolation.matrix import Matrix
from tests.isolation.seeded_tenants import TENANTS, UNTOUCHED, Seed, SeededTenant, seed_tenants

MATRIX: Final = pytest.StashKey[Matrix]()
HTTP_GROUPS: Final = {"HTTP", "credentials"}
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
    """Returns the rules that start workflows."""
    return [rule["Name"] for rule in product.root("events").list_rules()["Rules"]]


class Clouds:
    """The same tenants on a cloud with IAM and on one without."""

    def __init__(self, with_iam: Product, without_iam: Product, seeds: list[Seed]) -> None:
        self.products = {True: with_iam, False: without_iam}
        self._tenants = {
            iam: {seed.tenant_id: seed.on(product) for seed in seeds} for iam, product in self.products.items()
        }
        self._harnesses = {
            (iam, with_checks): Harness(product, with_checks=with_checks)
            for iam, product in self.products.items()
            for with_checks in (True, False)
        }

    def tenant(self, layers: Layers, tenant_id: str) -> SeededTenant:
        return self._tenants[layers in {Layers.BOTH, Layers.IAM}][tenant_id]

    def scene(self, layers: Layers, own: str, target: str) -> Scene:
        harness = self._harnesses[layers in {Layers.BOTH, Layers.IAM}, layers in {Layers.BOTH, Layers.APPLICATION}]
        return Scene(self.tenant(layers, own), self.tenant(layers, target), harness)

    def scenes(self, layers: Layers, attack: Attack) -> list[Scene]:
        """Returns scenes of one tenant against the others, over HTTP against one that the attack's name selects."""
        number = crc32(attack.name.encode())
        own = IDS[number % len(IDS)]
        others = [tenant_id for tenant_id in IDS if tenant_id != own]
        targets = [others[number // len(IDS) % len(others)]] if attack.group in HTTP_GROUPS else others
        return [self.scene(layers, own, target) for target in targets]

    def on_own_data(self, layers: Layers) -> Scene:
        """Returns a scene of a tenant on its own data."""
        return self.scene(layers, UNTOUCHED[0], UNTOUCHED[0])

    def without_layers(self) -> Scene:
        """Returns a scene without isolation layers, on a tenant that no other attack changes."""
        return self.scene(Layers.NEITHER, TENANTS[0][0], UNTOUCHED[0])


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    """Two clouds, deployed and filled once; the one without IAM starts with a copy of the other's state."""
    first = tmp_path_factory.mktemp("isolation")
    with running_cloud(first) as cloud:
        product = Product(cloud, deploy(first).outputs)
        seeds = seed_tenants(product)
    second = first.with_name("isolation-without-iam")
    shutil.copytree(first, second)
    with ExitStack() as stack:
        with_iam = stack.enter_context(running_cloud(first))
        without_iam = stack.enter_context(running_cloud(second, "--without-iam"))
        # Deployed again, since tokens are verified with the cloud's address in the stack.
        products = [Product(with_iam, deploy(first).outputs), Product(without_iam, deploy(second).outputs)]
        for each in products:
            each.confidential |= product.confidential
            for rule in rules_of(each):
                each.root("events").disable_rule(Name=rule)  # so that no workflow changes data after an attack
        yield Clouds(products[0], products[1], seeds)
