"""No tenant reaches another's data: with both isolation layers, with the application alone, with IAM alone."""

import pytest

from tests.isolation.attacks import Attack, Layers, run_attack
from tests.isolation.conftest import IDS, Clouds
from tests.isolation.credential_attacks import CREDENTIAL_ATTACKS
from tests.isolation.grant_attacks import GRANT_ATTACKS, GRANT_ATTACKS_ON_OWN_DATA, GRANT_CONTROLS
from tests.isolation.handler_attacks import HANDLER_ATTACKS
from tests.isolation.http_attacks import HTTP_ATTACKS
from tests.isolation.matrix import Matrix
from tests.isolation.port_attacks import PORT_ATTACKS
from tests.isolation.session_attacks import SESSION_ATTACKS

ATTACKS = [*HTTP_ATTACKS, *CREDENTIAL_ATTACKS, *HANDLER_ATTACKS, *PORT_ATTACKS, *SESSION_ATTACKS, *GRANT_ATTACKS]


def attacks_through(layers: Layers) -> list[Attack]:
    return [attack for attack in ATTACKS if layers in attack.layers]


def deny(clouds: Clouds, matrix: Matrix, layers: Layers, attack: Attack) -> None:
    errors = {}
    for scene in clouds.scenes(layers, attack):
        verdict = matrix.record(attack, layers, run_attack(attack, attack.act, scene))
        if verdict:
            errors[f"{scene.own.tenant_id} → {scene.target.tenant_id}"] = verdict
    assert errors == {}


@pytest.mark.parametrize("attack", attacks_through(Layers.BOTH), ids=str)
def test_both_layers_deny(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    deny(clouds, matrix, Layers.BOTH, attack)


@pytest.mark.parametrize("attack", attacks_through(Layers.APPLICATION), ids=str)
def test_the_application_alone_denies(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    deny(clouds, matrix, Layers.APPLICATION, attack)


@pytest.mark.parametrize("attack", attacks_through(Layers.IAM), ids=str)
def test_iam_alone_denies(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    deny(clouds, matrix, Layers.IAM, attack)


@pytest.mark.parametrize("attack", GRANT_ATTACKS_ON_OWN_DATA, ids=str)
def test_a_grant_denies_other_documents_and_actions(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    assert matrix.record(attack, Layers.IAM, run_attack(attack, attack.act, clouds.on_own_data(Layers.IAM))) == ""
    outcome = run_attack(attack, attack.act, clouds.on_own_data(Layers.NEITHER))
    assert outcome.reached, outcome


@pytest.mark.parametrize("attack", GRANT_CONTROLS, ids=str)
def test_a_grant_permits_reading_its_document(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    outcome = run_attack(attack, attack.act, clouds.on_own_data(Layers.IAM))
    assert outcome.reached, outcome
    matrix.controls += 1


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.own], ids=str)
def test_a_tenant_may_act_on_its_own_data(clouds: Clouds, matrix: Matrix, attack: Attack) -> None:
    """Otherwise a denial could come from a mistake in the attack."""
    assert attack.own is not None
    outcome = run_attack(attack, attack.own, clouds.on_own_data(attack.layers[0]))
    assert outcome.reached, outcome
    matrix.controls += 1


@pytest.mark.parametrize("attack", attacks_through(Layers.NEITHER), ids=str)
def test_the_attack_succeeds_without_layers(clouds: Clouds, attack: Attack) -> None:
    """Otherwise it would be no attack, and its denial would prove nothing."""
    outcome = run_attack(attack, attack.act, clouds.without_layers())
    assert outcome.reached, outcome


@pytest.mark.parametrize("layers", [Layers.BOTH, Layers.APPLICATION], ids=["with IAM", "without IAM"])
@pytest.mark.parametrize("tenant_id", IDS)
def test_every_tenant_has_its_initial_data_at_the_end(clouds: Clouds, layers: Layers, tenant_id: str) -> None:
    tenant = clouds.tenant(layers, tenant_id)
    assert tenant.read_data() == tenant.initial_data
