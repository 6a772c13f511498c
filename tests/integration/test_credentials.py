"""Who is let in and what they may do: keys, users, roles, and what is noted of it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant
from tests.integration.test_documents_api import assert_problem
from tests.integration.test_walls import Identity, assert_denied, assumed
from tests.integration.users import Users, encoded, users_of

ROLES = ("reader", "writer", "owner")
QUESTION = {"question": "Who keeps the keys?"}
UPLOAD = {"name": "a.txt", "content_type": "text/plain", "size": 5}
ROUTES: list[tuple[str, str, Any, str, int]] = [
    ("GET", "/me", None, "reader", 200),
    ("POST", "/query", QUESTION, "reader", 200),
    ("POST", "/retrieve", QUESTION, "reader", 200),
    ("GET", "/documents", None, "reader", 200),
    ("GET", "/documents/0", None, "reader", 404),
    ("POST", "/documents", UPLOAD, "writer", 201),
    ("DELETE", "/documents/0", None, "writer", 404),
    ("GET", "/keys", None, "owner", 200),
    ("POST", "/keys", {}, "owner", 201),
    ("DELETE", "/keys/0123456789ab", None, "owner", 404),
]
"""Method, route, body, the weakest role that may call it, and what it then answers."""
CACHED_SECONDS = 60
"""How long API Gateway trusts what the authoriser has said."""


def holder(tenant: Tenant, **wanted: str) -> Tenant:
    """The tenant with a new key as its operator issues it."""
    return replace(tenant, api_key=tenant.product.issue_key(tenant.tenant_id, **wanted))


def key_id_of(tenant: Tenant) -> str:
    return tenant.api_key.removeprefix(f"onggi_{tenant.tenant_id}_")[:12]


def trail(tenant: Tenant) -> list[Json]:
    reply = tenant.product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/audit", limit=100)
    assert reply.status == 200, reply
    entries: list[Json] = reply.body["entries"]
    return entries


# ── roles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def matrix_of(caller: Tenant) -> dict[str, int]:
    replies = {f"{method} {route}": caller.call(method, route, body) for method, route, body, _, _ in ROUTES}
    for reply in replies.values():
        if reply.status == 403:
            assert_problem(reply, 403)
        elif isinstance(reply.body, dict) and "api_key" in reply.body:
            caller.product.confidential.add(reply.body["api_key"])
    return {route: reply.status for route, reply in replies.items()}


def expected_of(role: str) -> dict[str, int]:
    return {
        f"{method} {route}": status if ROLES.index(role) >= ROLES.index(needed) else 403
        for method, route, _, needed, status in ROUTES
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_key_may_do_what_its_role_says_on_every_route(tenant: Tenant, role: str) -> None:
    assert matrix_of(holder(tenant, role=role)) == expected_of(role)


def test_a_key_without_a_role_is_a_writers(tenant: Tenant) -> None:
    assert matrix_of(holder(tenant)) == expected_of("writer")


def test_the_matrix_knows_every_route_of_tenants(product: Product) -> None:
    api = product.root("apigateway")
    resources = api.get_resources(restApiId=product.resources["Api"], limit=500)["items"]
    served = {(method, each["path"]) for each in resources for method in each.get("resourceMethods", {})}
    known = {(method, "/v1" + route) for method, route, *_ in ROUTES}
    patterns = {(method, route.replace("/0123456789ab", "/{key_id}").replace("/0", "/{id}")) for method, route in known}
    assert {each for each in served if "/admin/" not in each[1] and each[0] != "OPTIONS"} == patterns


def test_who_may_not_is_told_which_role_it_needs(tenant: Tenant) -> None:
    refused = holder(tenant, role="reader").call("POST", "/documents", UPLOAD)
    assert_problem(refused, 403)
    assert "role writer" in refused.body["detail"]


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_manages_the_keys_of_the_own_tenant(product: Product, tenant: Tenant) -> None:
    owner = holder(tenant, role="owner", name="Board")
    issued = owner.call("POST", "/keys", {"role": "reader", "name": "키오스크", "expires_at": "2999-01-01T00:00:00Z"})
    assert issued.status == 201
    kiosk = replace(tenant, api_key=issued.body["api_key"])
    product.confidential |= {kiosk.api_key, kiosk.api_key[-43:]}
    assert kiosk.call("GET", "/me").body["tenant_id"] == tenant.tenant_id
    listed = {key["key_id"]: key for key in owner.call("GET", "/keys").body["keys"]}
    assert set(listed) == {key_id_of(each) for each in (tenant, owner, kiosk)}
    assert (listed[key_id_of(kiosk)]["role"], listed[key_id_of(kiosk)]["name"]) == ("reader", "키오스크")
    assert listed[key_id_of(kiosk)]["expires_at"] == "2999-01-01T00:00:00.000Z"
    by_operator = product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/keys").body["keys"]
    assert {key["key_id"] for key in by_operator} == set(listed)
    revoked = owner.call("DELETE", f"/keys/{key_id_of(kiosk)}")
    assert revoked.status == 200
    assert revoked.body["revoked_at"]
    author = f"{tenant.tenant_id}/{key_id_of(owner)}"
    about_kiosk = [each for each in trail(tenant) if each["author"] == author]
    assert [each["action"] for each in about_kiosk] == ["key.revoked", "key.issued"]
    assert about_kiosk[0]["after"] == revoked.body
    assert about_kiosk[0]["request_id"] == revoked.headers["x-request-id"]


def test_an_owner_reaches_no_other_tenants_keys(tenant: Tenant, new_tenant: Callable[[], Tenant]) -> None:
    owner, foreign = holder(tenant, role="owner"), new_tenant()
    unknown = owner.call("DELETE", "/keys/0123456789ab")
    others = owner.call("DELETE", f"/keys/{key_id_of(foreign)}")
    for reply in (unknown, others):
        assert_problem(reply, 404)
    assert unknown.body["detail"] == others.body["detail"]
    for field in ("tenant_id", "id", "pk"):
        assert_problem(owner.call("POST", "/keys", {field: foreign.tenant_id}), 400, field)
        assert_problem(owner.call("GET", "/keys", **{field: foreign.tenant_id}), 400, field)
    for strange in ("..", "%2e%2e", "x" * 3000, "%00", "가"):
        assert owner.call("DELETE", f"/keys/{strange}").status in {400, 404, 414}
    page = owner.call("GET", "/keys", limit=1).body
    assert owner.call("GET", "/keys", limit=1, cursor=page["next_cursor"]).status == 200
    stolen = base64.urlsafe_b64encode(json.dumps(["0"]).encode()).decode()
    seen = owner.call("GET", "/keys", cursor=stolen).body["keys"]
    assert {key["key_id"] for key in seen} == {key_id_of(tenant), key_id_of(owner)}
    assert foreign.call("GET", "/me").status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "operator"}, "role"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"name": ""}, None),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_key_that_cannot_be_asked_for(tenant: Tenant, body: Json, field: str | None) -> None:
    reply = tenant.product.as_operator("POST", f"/admin/tenants/{tenant.tenant_id}/keys", body)
    if field is None:
        assert reply.status == 201
    else:
        assert_problem(reply, 400, field)


def test_a_key_that_was_never_used_ends_at_once(product: Product, tenant: Tenant) -> None:
    revoked = holder(tenant)
    reply = product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}/keys/{key_id_of(revoked)}")
    assert reply.status == 200
    assert_problem(revoked.call("GET", "/me"), 401)
    end = datetime.now(UTC) + timedelta(seconds=1)
    expired = holder(tenant, expires_at=end.isoformat())
    wait_for(lambda: datetime.now(UTC) > end)
    assert_problem(expired.call("GET", "/me"), 401)
    route = f"/admin/tenants/{tenant.tenant_id}/keys/0123456789ab"
    assert_problem(product.as_operator("DELETE", route), 404)


def test_a_key_in_use_ends_within_what_the_gateway_remembers(product: Product, tenant: Tenant) -> None:
    operators, owners = holder(tenant), holder(tenant)
    expiring = holder(tenant, expires_at=(datetime.now(UTC) + timedelta(seconds=5)).isoformat())
    owner = holder(tenant, role="owner")
    for caller in (operators, owners, expiring):
        assert caller.call("GET", "/me").status == 200
    began = time.monotonic()
    product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}/keys/{key_id_of(operators)}")
    owner.call("DELETE", f"/keys/{key_id_of(owners)}")

    def refused() -> bool:
        time.sleep(0.5)  # asking more often tells no more
        return {caller.call("GET", "/me").status for caller in (operators, owners, expiring)} == {401}

    wait_for(refused, CACHED_SECONDS + 5)
    assert time.monotonic() - began <= CACHED_SECONDS + 5
    assert tenant.call("GET", "/me").status == 200


def test_the_last_use_is_noted_and_the_note_alone_changes(product: Product, tenant: Tenant) -> None:
    def stored() -> Json:
        key = {"pk": {"S": f"KEYS#{tenant.tenant_id}"}, "sk": {"S": key_id_of(tenant)}}
        item: Json = product.root("dynamodb").get_item(TableName=product["ControlTableName"], Key=key)["Item"]
        return item

    before = stored()
    assert tenant.call("GET", "/me").status == 200
    after = stored()
    assert set(after) - set(before) == {"last_used_at"}
    assert {name: after[name] for name in before} == before
    (shown,) = product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/keys").body["keys"]
    assert shown["last_used_at"] == after["last_used_at"]["S"]
    for hidden in ("salt", "secret_hash"):
        assert before[hidden]["S"] not in json.dumps(shown)


# ── what is noted of changes ────────────────────────────────────────────────────────────────────────────────────────


def test_every_change_is_noted_and_logged_without_credentials(product: Product, tenant: Tenant) -> None:
    entries = trail(tenant)
    assert [each["action"] for each in entries] == ["key.issued", "tenant.created"]
    assert entries[1]["after"]["tenant_id"] == tenant.tenant_id
    assert entries[0]["after"]["key_id"] == key_id_of(tenant)
    assert all(each["author"].startswith("arn:aws:") and each["request_id"] for each in entries)
    assert tenant.api_key[-43:] not in json.dumps(entries)
    page = product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/audit", limit=1).body
    assert page["entries"] == entries[:1]
    route, cursor = f"/admin/tenants/{tenant.tenant_id}/audit", page["next_cursor"]
    assert product.as_operator("GET", route, limit=1, cursor=cursor).body["entries"] == entries[1:]

    def logged() -> set[str]:
        lines = [json.loads(line) for line in product.log_messages() if '"audit"' in line and tenant.tenant_id in line]
        return {line["audit"]["action"] for line in lines if line.get("tenant_id") == tenant.tenant_id}

    wait_for(lambda: logged() == {"key.issued", "tenant.created"})


# ── users ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def users(product: Product) -> Users:
    return users_of(product)


def by_token(tenant: Tenant, token: str) -> Tenant:
    return replace(tenant, api_key=token)


@pytest.mark.parametrize(("groups", "role"), [((), "reader"), (("writer",), "writer"), (("reader", "owner"), "owner")])
def test_a_user_may_do_what_the_groups_say(users: Users, tenant: Tenant, groups: tuple[str, ...], role: str) -> None:
    user = by_token(tenant, users.sign_up(tenant.tenant_id, *groups)["IdToken"])
    assert matrix_of(user) == expected_of(role)
    assert user.call("GET", "/me").body["tenant_id"] == tenant.tenant_id


def test_a_user_is_noted_by_the_pools_id_and_not_by_name(users: Users, tenant: Tenant) -> None:
    token = users.sign_up(tenant.tenant_id, "owner")["IdToken"]
    issued = by_token(tenant, token).call("POST", "/keys", {"role": "reader"})
    users.product.confidential.add(issued.body["api_key"])
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    assert trail(tenant)[0]["author"] == f"{tenant.tenant_id}/user/{subject}"


def test_an_access_token_does_not_name_the_tenant(users: Users, tenant: Tenant) -> None:
    assert_problem(by_token(tenant, users.sign_up(tenant.tenant_id, "owner")["AccessToken"]).call("GET", "/me"), 401)


def test_users_of_no_tenant_or_of_none_that_there_is(users: Users, tenant: Tenant) -> None:
    for tenant_id in (None, "no-such-tenant", "UPPER CASE"):
        assert_problem(by_token(tenant, users.sign_up(tenant_id, "owner")["IdToken"]).call("GET", "/me"), 401)


def test_a_user_cannot_move_to_another_tenant(users: Users, tenant: Tenant, new_tenant: Callable[[], Tenant]) -> None:
    foreign = new_tenant()
    tokens = users.sign_up(tenant.tenant_id, "owner")
    moved = [{"Name": "custom:tenant_id", "Value": foreign.tenant_id}]
    cognito = users.product.root("cognito-idp")
    with pytest.raises((cognito.exceptions.NotAuthorizedException, cognito.exceptions.InvalidParameterException)):
        cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=moved)


def test_a_user_or_key_of_a_tenant_that_is_not_active(product: Product, users: Users, tenant: Tenant) -> None:
    token = users.sign_up(tenant.tenant_id, "owner")["IdToken"]
    product.root("dynamodb").update_item(
        TableName=product["ControlTableName"],
        Key={"pk": {"S": "TENANTS"}, "sk": {"S": tenant.tenant_id}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "suspended"}},
    )
    for caller in (tenant, by_token(tenant, token)):
        assert_problem(caller.call("GET", "/me"), 403)


def forgeries(users: Users, honest: str) -> dict[str, str]:
    """What looks like a token of a user and is none."""
    header, claims = jwt.get_unverified_header(honest), jwt.decode(honest, options={"verify_signature": False})
    head, payload, signature = honest.split(".")
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys_url = f"{users.product.cloud.endpoint}/{users.pool_id}/.well-known/jwks.json"
    published = users.product.send("GET", keys_url).body
    key = next(jwt.PyJWK(each).key for each in published["keys"] if each["kid"] == header["kid"])
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    by_public_key = f"{encoded(header | {'alg': 'HS256'})}.{payload}"
    digest = hmac.new(pem, by_public_key.encode(), hashlib.sha256).digest()
    kid = {"kid": header["kid"]}
    return {
        "not signed": f"{encoded({'alg': 'none'})}.{payload}.",
        "said not to be signed": f"{encoded(header | {'alg': 'none'})}.{payload}.{signature}",
        "HS256 with the public key": f"{by_public_key}.{encoded(digest)}",
        "another key under the pool's id": jwt.encode(claims, theirs, "RS256", kid),
        "another key": jwt.encode(claims, theirs, "RS256", {"kid": "theirs"}),
        "another tenant": f"{head}.{encoded(claims | {'custom:tenant_id': 'shared'})}.{signature}",
        "another role": f"{head}.{encoded(claims | {'cognito:groups': ['owner']})}.{signature}",
        "another end": f"{head}.{encoded(claims | {'exp': claims['exp'] + 9999})}.{signature}",
        "cut off": honest[:-4],
    }


def test_forged_tokens_are_refused(users: Users, tenant: Tenant) -> None:
    honest: str = users.sign_up(tenant.tenant_id, "reader")["IdToken"]
    statuses = {
        name: by_token(tenant, each).call("GET", "/me").status for name, each in forgeries(users, honest).items()
    }
    assert statuses == dict.fromkeys(statuses, 401)
    assert by_token(tenant, honest).call("GET", "/me").status == 200


def test_tokens_of_another_client_or_pool_are_refused(product: Product, users: Users, tenant: Tenant) -> None:
    cognito, flows = product.root("cognito-idp"), ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    schema = [{"Name": "tenant_id", "AttributeDataType": "String", "Mutable": False}]
    foreign = cognito.create_user_pool(PoolName="foreign", Schema=schema)["UserPool"]["Id"]
    refused = {}
    for name, pool in (("client", users.pool_id), ("pool", foreign)):
        made = cognito.create_user_pool_client(UserPoolId=pool, ClientName=name, ExplicitAuthFlows=flows)
        other = Users(product, pool, made["UserPoolClient"]["ClientId"])
        refused[name] = by_token(tenant, other.sign_up(tenant.tenant_id)["IdToken"]).call("GET", "/me").status
    assert refused == {"client": 401, "pool": 401}


def test_tokens_are_valid_for_a_quarter_of_an_hour(users: Users, tenant: Tenant) -> None:
    tokens = users.sign_up(tenant.tenant_id, "reader")
    for name in ("IdToken", "AccessToken"):
        claims = jwt.decode(tokens[name], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 900, name


@pytest.mark.parametrize(("password", "taken"), [("Onggi-2-keep", True), ("Onggi-2-kee", False)])
def test_passwords_have_twelve_characters(product: Product, users: Users, password: str, taken: bool) -> None:
    name = users.sign_up(None)["Username"]
    chosen = {"UserPoolId": users.pool_id, "Username": name, "Password": password, "Permanent": True}
    cognito = product.root("cognito-idp")
    if taken:
        cognito.admin_set_user_password(**chosen)
    else:
        with pytest.raises(cognito.exceptions.InvalidPasswordException):
            cognito.admin_set_user_password(**chosen)


def test_users_may_sign_in_with_a_code_of_an_app(product: Product, users: Users) -> None:
    config = product.root("cognito-idp").get_user_pool_mfa_config(UserPoolId=users.pool_id)
    assert config["MfaConfiguration"] == "OPTIONAL"
    assert config["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


@pytest.mark.parametrize(
    "credential", ["", "x", "Bearer", "Bearer x", "Basic dTpw", "Bearer onggi_acme_short", "Bearer a.b"]
)
def test_garbage_is_refused_without_a_call_of_the_authoriser(product: Product, credential: str) -> None:
    def asked() -> int:
        return sum("authorize" in line for line in product.log_messages())

    before = asked()
    reply = product.send("GET", product.url("/me"), {"Authorization": credential})
    assert_problem(reply, 401)
    assert asked() == before


# ── the walls around keys ───────────────────────────────────────────────────────────────────────────────────────────


def key_session(product: Product, function: str, tenant_id: str) -> Identity:
    role = product.root("iam").get_role(RoleName=product.resources["TenantKeysRole"])["Role"]["Arn"]
    tags = [{"Key": "TenantId", "Value": tenant_id}]
    identity = assumed(product, product.resources[f"{function}Role"])
    answer = identity["sts"].assume_role(RoleArn=role, RoleSessionName="wall", Tags=tags)
    return Identity(product, answer["Credentials"])


def control_calls(product: Product, dynamodb: Any, partition: str) -> dict[str, Callable[[], Any]]:
    table, key = product["ControlTableName"], {"pk": {"S": partition}, "sk": {"S": "wall"}}
    return {
        f"get {partition}": lambda: dynamodb.get_item(TableName=table, Key=key),
        f"query {partition}": lambda: dynamodb.query(
            TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]}
        ),
        f"update {partition}": lambda: dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression="SET seen = :s", ExpressionAttributeValues={":s": {"S": "x"}}
        ),
        f"put {partition}": lambda: dynamodb.put_item(TableName=table, Item=key),
        f"delete {partition}": lambda: dynamodb.delete_item(TableName=table, Key=key),
    }


def test_a_session_for_keys_reaches_the_own_keys_only(
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
        TableName=product["TenantTableName"], Key={"pk": {"S": own}, "sk": {"S": "wall"}}
    )
    assert_denied(denied)


@pytest.mark.parametrize("function", ["Query", "Documents", "Authorize", "Tenants"])
def test_only_the_function_for_keys_takes_their_session(product: Product, tenant: Tenant, function: str) -> None:
    assert_denied({"keys": lambda: key_session(product, function, tenant.tenant_id)})


def test_the_function_for_keys_reaches_nothing_by_itself(product: Product, tenant: Tenant) -> None:
    dynamodb = assumed(product, product.resources["KeysRole"])["dynamodb"]
    calls: dict[str, Callable[[], Any]] = {}
    for partition in (f"KEYS#{tenant.tenant_id}", f"AUDIT#{tenant.tenant_id}", "TENANTS"):
        calls |= control_calls(product, dynamodb, partition)
    assert_denied(calls)


def test_the_authoriser_writes_nothing_but_notes_on_keys(product: Product, tenant: Tenant) -> None:
    dynamodb = assumed(product, product.resources["AuthorizeRole"])["dynamodb"]
    keys = control_calls(product, dynamodb, f"KEYS#{tenant.tenant_id}")
    calls = {name: call for name, call in keys.items() if not name.startswith(("get", "update"))}
    tenants = control_calls(product, dynamodb, "TENANTS")
    calls |= {name: call for name, call in tenants.items() if not name.startswith("get")}
    for partition in (f"AUDIT#{tenant.tenant_id}", "REJECTED"):
        calls |= control_calls(product, dynamodb, partition)
    assert_denied(calls)


def test_an_owners_request_with_another_tenants_name_reaches_nothing(
    product: Product, tenant: Tenant, new_tenant: Callable[[], Tenant]
) -> None:
    """IAM alone stands: a session of one tenant under the key ring of another."""
    foreign = new_tenant()
    dynamodb = key_session(product, "Keys", tenant.tenant_id)["dynamodb"]
    key = {"pk": {"S": f"KEYS#{foreign.tenant_id}"}, "sk": {"S": key_id_of(foreign)}}
    revoke = {"UpdateExpression": "SET revoked_at = :now", "ExpressionAttributeValues": {":now": {"S": "now"}}}
    assert_denied({"revoke": lambda: dynamodb.update_item(TableName=product["ControlTableName"], Key=key, **revoke)})
    assert foreign.call("GET", "/me").status == 200
