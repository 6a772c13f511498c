"""IAM isolation of keys: which identities reach keys, audit entries and other items of the control table."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.credentials import control_calls, key_id_of, key_session
from tests.integration.identities import assert_denied, assumed
from tests.integration.product import Product, Tenant


def test_a_key_session_reaches_only_the_keys_of_its_tenant(
    product: Product, tenant: Tenant, new_tenant: Callable[[], Tenant]
) -> None:
    own, foreign = tenant.tenant_id, new_tenant().tenant_id
    dynamodb = key_session(product, "Keys", own)["dynamodb"]
    allowed = control_calls(product, dynamodb, f"KEYS#{own}")
    denied = {name: allowed.pop(name) for name in (f"delete KEYS#{own}",)}
    for call in allowed.values():
        call()
    for partition in (f"KEYS#{foreign}", f"AUDIT#{own}", f"AUDIT#{foreign}", "TENANTS", "REJECTED", own):
        denied |= control_calls(product, dynamodb, partition)
    table = product["ControlTableName"]
    denied["scan"] = lambda: dynamodb.scan(TableName=table)
    denied["tenant table"] = lambda: dynamodb.get_item(
        TableName=product["TenantTableName"], Key={"pk": {"S": own}, "sk": {"S": "isolated"}}
    )
    assert_denied(denied)


@pytest.mark.parametrize("function", ["Query", "Documents", "Authorize", "Tenants"])
def test_only_the_keys_function_can_assume_a_key_session(product: Product, tenant: Tenant, function: str) -> None:
    assert_denied({"keys": lambda: key_session(product, function, tenant.tenant_id)})


def test_the_keys_function_reaches_nothing_without_a_session(product: Product, tenant: Tenant) -> None:
    dynamodb = assumed(product, product.resources["KeysRole"])["dynamodb"]
    calls: dict[str, Callable[[], Any]] = {}
    for partition in (f"KEYS#{tenant.tenant_id}", f"AUDIT#{tenant.tenant_id}", "TENANTS"):
        calls |= control_calls(product, dynamodb, partition)
    assert_denied(calls)


def test_the_authoriser_only_updates_keys(product: Product, tenant: Tenant) -> None:
    dynamodb = assumed(product, product.resources["AuthorizeRole"])["dynamodb"]
    keys = control_calls(product, dynamodb, f"KEYS#{tenant.tenant_id}")
    calls = {name: call for name, call in keys.items() if not name.startswith(("get", "update"))}
    tenants = control_calls(product, dynamodb, "TENANTS")
    calls |= {name: call for name, call in tenants.items() if not name.startswith("get")}
    for partition in (f"AUDIT#{tenant.tenant_id}", "REJECTED"):
        calls |= control_calls(product, dynamodb, partition)
    assert_denied(calls)


def test_an_owners_session_cannot_revoke_another_tenants_key(
    product: Product, tenant: Tenant, new_tenant: Callable[[], Tenant]
) -> None:
    """IAM alone denies a session of one tenant the keys of another."""
    foreign = new_tenant()
    dynamodb = key_session(product, "Keys", tenant.tenant_id)["dynamodb"]
    key = {"pk": {"S": f"KEYS#{foreign.tenant_id}"}, "sk": {"S": key_id_of(foreign)}}
    revoke = {"UpdateExpression": "SET revoked_at = :now", "ExpressionAttributeValues": {":now": {"S": "now"}}}
    assert_denied({"revoke": lambda: dynamodb.update_item(TableName=product["ControlTableName"], Key=key, **revoke)})
    assert foreign.call("GET", "/me").status == 200
