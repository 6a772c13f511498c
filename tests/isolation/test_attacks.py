"""No tenant reaches another's things: with both walls, with the application alone, with IAM alone."""

import pytest

from tests.isolation.attacks import Attack, Walls, tried
from tests.isolation.conftest import IDS, Clouds
from tests.isolation.credential_attacks import CREDENTIAL_ATTACKS
from tests.isolation.grant_attacks import GRANT_ATTACKS, GRANT_ATTACKS_AT_HOME, GRANT_CONTROLS
from tests.isolation.handler_attacks import HANDLER_ATTACKS
from tests.isolation.http_attacks import HTTP_ATTACKS
from tests.isolation.matrix import Matrix
from tests.isolation.port_attacks import PORT_ATTACKS
from tests.isolation.session_attacks import SESSION_ATTACKS

ATTACKS = [*HTTP_ATTACKS, *CREDENTIAL_ATTACKS, *HANDLER_ATTACKS, *PORT_ATTACKS, *SESSION_ATTACKS, *GRANT_ATTACKS]


def those_that_meet(walls: Walls) -> list[Attack]:
    return [attack for attack in ATTACKS if walls in attack.walls]


def deny(clouds: Clouds, matrix: Matrix, walls: Walls, attack: Attack) -> None:
    wrong = {}
    for scene in clouds.scenes(walls, attack):
        verdict = matrix.note(attack, walls, tried(attack, attack.act, scene))
        if verdict:
            wrong[f"{scene.own.tenant_id} → {scene.target.tenant_id}"] = verdict
    assert wrong == {}


@pytest.mark.parametrize("attack", those_that_meet(Walls.BOTH), ids=str)
def test_both_walls_deny(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    deny(clouds, matrix, Walls.BOTH, attack)


@pytest.mark.parametrize("attack", those_that_meet(Walls.APPLICATION), ids=str)
def test_the_application_alone_denies(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    deny(clouds, matrix, Walls.APPLICATION, attack)


@pytest.mark.parametrize("attack", those_that_meet(Walls.IAM), ids=str)
def test_iam_alone_denies(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    deny(clouds, matrix, Walls.IAM, attack)


@pytest.mark.parametrize("attack", GRANT_ATTACKS_AT_HOME, ids=str)
def test_a_grant_is_for_one_document_of_its_tenant(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    assert matrix.note(attack, Walls.IAM, tried(attack, attack.act, clouds.at_home(Walls.IAM))) == ""
    outcome = tried(attack, attack.act, clouds.at_home(Walls.NEITHER))
    assert outcome.reached, outcome


@pytest.mark.parametrize("attack", GRANT_CONTROLS, ids=str)
def test_a_grant_is_enough_to_read_its_document(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    outcome = tried(attack, attack.act, clouds.at_home(Walls.IAM))
    assert outcome.reached, outcome
    matrix.controls += 1


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.own], ids=str)
def test_a_tenant_may_do_so_at_home(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    """Else a denial might come from a slip of the pen."""
    assert attack.own is not None
    outcome = tried(attack, attack.own, clouds.at_home(attack.walls[0]))
    assert outcome.reached, outcome
    matrix.controls += 1


@pytest.mark.parametrize("attack", those_that_meet(Walls.NEITHER), ids=str)
def test_without_walls_it_succeeds(clouds: Clouds, attack: Attack) -> None:
    """Else it would be no attack, and its denial would say nothing."""
    outcome = tried(attack, attack.act, clouds.unwalled())
    assert outcome.reached, outcome


@pytest.mark.parametrize("walls", [Walls.BOTH, Walls.APPLICATION], ids=["with IAM", "without IAM"])
@pytest.mark.parametrize("tenant_id", IDS)
def test_in_the_end_every_tenant_has_what_it_had(clouds: Clouds, walls: Walls, tenant_id: str) -> None:
    jar = clouds.jar(walls, tenant_id)
    assert jar.things() == jar.before
