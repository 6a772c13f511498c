"""Local clouds for the integration tests of a run, started in the emulator's own environment."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from local.deploy import deploy
from tests.integration.local_cloud import LocalCloud, running_cloud
from tests.integration.product import Product, Tenant


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud without a stack."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The built product, deployed to its own cloud."""
    with running_cloud(tmp_path_factory.mktemp("product")) as started:
        deployed = Product(started, deploy(started.state).outputs)
        yield deployed
        assert not failures_without_record(deployed)
        assert not leaks(deployed)


@pytest.fixture
def new_tenant(product: Product) -> Callable[[], Tenant]:
    """Creates tenants that no other test uses."""
    return lambda: product.new_tenant(f"tenant-{next(_numbers)}")


@pytest.fixture
def tenant(new_tenant: Callable[[], Tenant]) -> Tenant:
    return new_tenant()


@pytest.fixture(scope="session")
def shared(product: Product) -> Tenant:
    """A tenant for tests that leave no data."""
    return product.new_tenant("shared")


_numbers = itertools.count(1)


def failures_without_record(product: Product) -> list[str]:
    """Returns executions that failed without RecordFailure, except those that a test has stopped."""
    ended = [product.wait_for_execution(each["executionArn"]) for each in product.executions()]
    failed = [each["executionArn"] for each in ended if each["status"] not in {"SUCCEEDED", "ABORTED"}]
    return [arn for arn in failed if "RecordFailure" not in product.states_entered(arn)]


def leaks(product: Product) -> list[str]:
    """Returns log lines that contain a key, a question or a text."""
    return [line for line in product.log_messages() if any(secret in line for secret in product.confidential)]
