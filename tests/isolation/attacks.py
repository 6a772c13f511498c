"""Attacks: their actions, the isolation layers on their path, and their outcomes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.domain.errors import OnggiError
from tests.integration.product import Reply, refused_code
from tests.isolation.clients import Clients
from tests.isolation.harness import Harness
from tests.isolation.seeded_tenants import SeededTenant

type SessionAct = Callable[[Clients, Scene], Any]

DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})

REFUSED: Final = 400
"""HTTP statuses from here on: the request was rejected."""
BROKEN: Final = 500
"""HTTP statuses from here on: an error, which is not a denial."""


class Layers(StrEnum):
    """The isolation layers that are active."""

    BOTH = "both layers"
    APPLICATION = "application alone"
    IAM = "IAM alone"
    NEITHER = "no layer"


ENFORCING: Final = (Layers.BOTH, Layers.APPLICATION, Layers.IAM)


@dataclass(frozen=True)
class Scene:
    """The attacking tenant, the attacked tenant and the application in this process."""

    own: SeededTenant
    target: SeededTenant
    harness: Harness


@dataclass(frozen=True)
class Attack:
    """An attempt to reach another tenant's data.

    Attributes:
        act: Performs the attack and returns the response.
        layers: The sets of layers it is run with. A call of the HTTP API always passes through the application, a call
            of AWS under a tenant's session never does.
        strict: Whether any response other than an error means that the target was reached.
        own: The same action on the tenant's own data, or None if no tenant may perform it.
        reads: Whether the attack changes nothing, so that the data is compared only after all attacks.
    """

    group: str
    name: str
    act: Callable[[Scene], Any]
    layers: tuple[Layers, ...]
    strict: bool
    own: Callable[[Scene], Any] | None
    reads: bool = False

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


@dataclass(frozen=True)
class Outcome:
    """The outcome of an attack.

    Attributes:
        refusal: The name or code of the error, or an empty string if there was a response.
        by_iam: Whether IAM denied the attack.
        reached: Whether the response contains data of the target, or the target's data has changed.
    """

    refusal: str
    by_iam: bool
    reached: bool


def run_attack(attack: Attack, act: Callable[[Scene], Any], scene: Scene) -> Outcome:
    """Runs an attack, and restores the data of both tenants.

    After a rejection the data is not compared: `test_every_tenant_has_its_initial_data_at_the_end` does so for all.
    """
    for tenant in (scene.own, scene.target):
        tenant.read_initial_data()
    try:
        response = act(scene)
    except OnggiError as error:
        return Outcome(type(error).__name__, by_iam=False, reached=False)
    except ClientError as error:
        return Outcome(refused_code(error), by_iam=refused_code(error) in DENIED, reached=False)
    leaked = any(mark in _text(response) for mark in scene.target.marks)
    if isinstance(response, Reply) and response.status >= BROKEN:
        return Outcome(f"HTTP {response.status}", by_iam=False, reached=leaked)
    if attack.reads or (isinstance(response, Reply) and response.status >= REFUSED):
        return Outcome("", by_iam=False, reached=leaked)
    changed = scene.target.restore()
    if scene.own is not scene.target:
        scene.own.restore()
    return Outcome("", by_iam=False, reached=changed or leaked or attack.strict)


def granted(reply: Reply) -> Reply:
    """Returns an HTTP response; raises ClientError with its status as the code if it is a rejection."""
    if reply.status >= REFUSED:
        raise ClientError({"Error": {"Code": str(reply.status), "Message": ""}}, "request")
    return reply


def _text(response: Any) -> str:
    return response.decode(errors="replace") if isinstance(response, bytes) else repr(response)


def fault(outcome: Outcome, layers: Layers) -> str:
    """Returns the error of an outcome; an empty string if the attack was denied by the layer that must deny it."""
    if outcome.reached:
        return "allowed"
    if outcome.refusal.startswith("HTTP "):
        return f"failed with {outcome.refusal}"
    if layers is Layers.IAM and not outcome.by_iam:
        return f"not denied by IAM but ended with {outcome.refusal or 'an empty response'}"
    if layers is Layers.APPLICATION and outcome.refusal and not issubclass(_error(outcome.refusal), OnggiError):
        return f"failed with {outcome.refusal}"
    return ""


def _error(name: str) -> type:
    return next((kind for kind in OnggiError.__subclasses__() if kind.__name__ == name), ClientError)
