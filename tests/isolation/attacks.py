"""What an attack is, through which walls it goes, and whether it has reached its target."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.domain.errors import OnggiError
from tests.integration.product import Reply, refused_code
from tests.isolation.jars import Jar
from tests.isolation.workbench import Workbench

DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})

REFUSED: Final = 400
"""From here on HTTP's statuses say that nothing was done."""
BROKEN: Final = 500
"""From here on they tell of a fault, which is no denial."""


class Walls(StrEnum):
    """Which of the two stand."""

    BOTH = "both walls"
    APPLICATION = "application alone"
    IAM = "IAM alone"
    NEITHER = "no wall"


HELD: Final = (Walls.BOTH, Walls.APPLICATION, Walls.IAM)


@dataclass(frozen=True)
class Scene:
    """One tenant that attacks, one that is attacked, and what the attacker has at hand."""

    own: Jar
    target: Jar
    bench: Workbench


@dataclass(frozen=True)
class Attack:
    """One way of reaching for another tenant's things.

    Attributes:
        act: what the attacker does; answers what it got.
        walls: those it can meet. A call of the HTTP API always meets the application, a call of AWS under a tenant's
            session never does.
        strict: to be answered at all is to have reached the target, whatever the answer holds.
        own: what a tenant may do in its stead on its own things; None where it may do nothing of the kind.
        reads: nothing can have changed, so that what is there is not looked at until all attacks are over.
    """

    group: str
    name: str
    act: Callable[[Scene], Any]
    walls: tuple[Walls, ...]
    strict: bool
    own: Callable[[Scene], Any] | None
    reads: bool = False

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


@dataclass(frozen=True)
class Outcome:
    """How an attack ended.

    Attributes:
        refusal: the error's name or code; empty where there was an answer.
        reached: whether the answer holds what is the target's, or the target has changed.
    """

    refusal: str
    by_iam: bool
    reached: bool


def tried(attack: Attack, act: Callable[[Scene], Any], scene: Scene) -> Outcome:
    """Attacks once, sees how it ended, and puts back what has changed on both sides.

    What was refused is taken at its word here; whether that was true is looked at in the end, for all at once.
    """
    for jar in (scene.own, scene.target):
        jar.remember()
    try:
        answer = act(scene)
    except OnggiError as error:
        return Outcome(type(error).__name__, by_iam=False, reached=False)
    except ClientError as error:
        return Outcome(refused_code(error), by_iam=refused_code(error) in DENIED, reached=False)
    told = any(mark in _text(answer) for mark in scene.target.marks)
    if isinstance(answer, Reply) and answer.status >= BROKEN:
        return Outcome(f"HTTP {answer.status}", by_iam=False, reached=told)
    if attack.reads or (isinstance(answer, Reply) and answer.status >= REFUSED):
        return Outcome("", by_iam=False, reached=told)
    changed = scene.target.put_back()
    if scene.own is not scene.target:
        scene.own.put_back()
    return Outcome("", by_iam=False, reached=changed or told or attack.strict)


def granted(reply: Reply) -> Reply:
    """A reply of HTTP; raises ClientError with its status for a code where it is a refusal."""
    if reply.status >= REFUSED:
        raise ClientError({"Error": {"Code": str(reply.status), "Message": ""}}, "request")
    return reply


def _text(answer: Any) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else repr(answer)


def fault(outcome: Outcome, walls: Walls) -> str:
    """What is wrong with how an attack ended; empty where it was denied by who has to deny it."""
    if outcome.reached:
        return "allowed"
    if outcome.refusal.startswith("HTTP "):
        return f"ended by a fault: {outcome.refusal}"
    if walls is Walls.IAM and not outcome.by_iam:
        return f"not denied by IAM but ended by {outcome.refusal or 'an empty answer'}"
    if walls is Walls.APPLICATION and outcome.refusal and not issubclass(_error(outcome.refusal), OnggiError):
        return f"ended by a fault: {outcome.refusal}"
    return ""


def _error(name: str) -> type:
    return next((kind for kind in OnggiError.__subclasses__() if kind.__name__ == name), ClientError)
