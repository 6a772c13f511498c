"""Users of a tenant and their tokens: what their groups permit, and which tokens are rejected."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.integration.credentials import audit_entries, expected_of, matrix_of
from tests.integration.product import Product, Tenant
from tests.integration.test_documents_api import assert_problem
from tests.integration.users import Users, encoded, users_of


@pytest.fixture(scope="module")
def users(product: Product) -> Users:
    return users_of(product)


def with_token(tenant: Tenant, token: str) -> Tenant:
    return replace(tenant, api_key=token)


@pytest.mark.parametrize(("groups", "role"), [((), "reader"), (("writer",), "writer"), (("reader", "owner"), "owner")])
def test_a_user_has_the_role_of_its_groups(users: Users, tenant: Tenant, groups: tuple[str, ...], role: str) -> None:
    user = with_token(tenant, users.sign_up(tenant.tenant_id, *groups)["IdToken"])
    assert matrix_of(user) == expected_of(role)
    assert user.call("GET", "/me").body["tenant_id"] == tenant.tenant_id


def test_the_audit_trail_records_a_users_id_and_not_the_name(users: Users, tenant: Tenant) -> None:
    token = users.sign_up(tenant.tenant_id, "owner")["IdToken"]
    issued = with_token(tenant, token).call("POST", "/keys", {"role": "reader"})
    users.product.confidential.add(issued.body["api_key"])
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    assert audit_entries(tenant)[0]["author"] == f"{tenant.tenant_id}/user/{subject}"


def test_an_access_token_is_rejected(users: Users, tenant: Tenant) -> None:
    assert_problem(with_token(tenant, users.sign_up(tenant.tenant_id, "owner")["AccessToken"]).call("GET", "/me"), 401)


def test_users_without_an_existing_tenant_are_rejected(users: Users, tenant: Tenant) -> None:
    for tenant_id in (None, "no-such-tenant", "UPPER CASE"):
        assert_problem(with_token(tenant, users.sign_up(tenant_id, "owner")["IdToken"]).call("GET", "/me"), 401)


def test_a_user_cannot_change_the_tenant(users: Users, tenant: Tenant, new_tenant: Callable[[], Tenant]) -> None:
    foreign = new_tenant()
    tokens = users.sign_up(tenant.tenant_id, "owner")
    moved = [{"Name": "custom:tenant_id", "Value": foreign.tenant_id}]
    cognito = users.product.root("cognito-idp")
    with pytest.raises((cognito.exceptions.NotAuthorizedException, cognito.exceptions.InvalidParameterException)):
        cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=moved)


def test_a_user_and_a_key_of_a_suspended_tenant_get_403(product: Product, users: Users, tenant: Tenant) -> None:
    token = users.sign_up(tenant.tenant_id, "owner")["IdToken"]
    product.root("dynamodb").update_item(
        TableName=product["ControlTableName"],
        Key={"pk": {"S": "TENANTS"}, "sk": {"S": tenant.tenant_id}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "suspended"}},
    )
    for caller in (tenant, with_token(tenant, token)):
        assert_problem(caller.call("GET", "/me"), 403)


def forgeries(users: Users, honest: str) -> dict[str, str]:
    """Returns forged tokens of a user."""
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
        "unsigned": f"{encoded({'alg': 'none'})}.{payload}.",
        "alg none with a signature": f"{encoded(header | {'alg': 'none'})}.{payload}.{signature}",
        "HS256 with the public key": f"{by_public_key}.{encoded(digest)}",
        "another key under the pool's id": jwt.encode(claims, theirs, "RS256", kid),
        "another key": jwt.encode(claims, theirs, "RS256", {"kid": "theirs"}),
        "another tenant": f"{head}.{encoded(claims | {'custom:tenant_id': 'shared'})}.{signature}",
        "another role": f"{head}.{encoded(claims | {'cognito:groups': ['owner']})}.{signature}",
        "another end": f"{head}.{encoded(claims | {'exp': claims['exp'] + 9999})}.{signature}",
        "truncated": honest[:-4],
    }


def test_forged_tokens_are_rejected(users: Users, tenant: Tenant) -> None:
    honest: str = users.sign_up(tenant.tenant_id, "reader")["IdToken"]
    statuses = {
        name: with_token(tenant, each).call("GET", "/me").status for name, each in forgeries(users, honest).items()
    }
    assert statuses == dict.fromkeys(statuses, 401)
    assert with_token(tenant, honest).call("GET", "/me").status == 200


def test_tokens_of_another_client_or_pool_are_rejected(product: Product, users: Users, tenant: Tenant) -> None:
    cognito, flows = product.root("cognito-idp"), ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    schema = [{"Name": "tenant_id", "AttributeDataType": "String", "Mutable": False}]
    foreign = cognito.create_user_pool(PoolName="foreign", Schema=schema)["UserPool"]["Id"]
    refused = {}
    for name, pool in (("client", users.pool_id), ("pool", foreign)):
        made = cognito.create_user_pool_client(UserPoolId=pool, ClientName=name, ExplicitAuthFlows=flows)
        other = Users(product, pool, made["UserPoolClient"]["ClientId"])
        refused[name] = with_token(tenant, other.sign_up(tenant.tenant_id)["IdToken"]).call("GET", "/me").status
    assert refused == {"client": 401, "pool": 401}


def test_tokens_are_valid_for_15_minutes(users: Users, tenant: Tenant) -> None:
    tokens = users.sign_up(tenant.tenant_id, "reader")
    for name in ("IdToken", "AccessToken"):
        claims = jwt.decode(tokens[name], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 900, name


@pytest.mark.parametrize(("password", "taken"), [("Onggi-2-keep", True), ("Onggi-2-kee", False)])
def test_passwords_need_twelve_characters(product: Product, users: Users, password: str, taken: bool) -> None:
    name = users.sign_up(None)["Username"]
    chosen = {"UserPoolId": users.pool_id, "Username": name, "Password": password, "Permanent": True}
    cognito = product.root("cognito-idp")
    if taken:
        cognito.admin_set_user_password(**chosen)
    else:
        with pytest.raises(cognito.exceptions.InvalidPasswordException):
            cognito.admin_set_user_password(**chosen)


def test_users_may_enable_an_authenticator_app(product: Product, users: Users) -> None:
    config = product.root("cognito-idp").get_user_pool_mfa_config(UserPoolId=users.pool_id)
    assert config["MfaConfiguration"] == "OPTIONAL"
    assert config["SoftwareTokenMfaConfiguration"] == {"Enabled": True}


@pytest.mark.parametrize(
    "credential", ["", "x", "Bearer", "Bearer x", "Basic dTpw", "Bearer onggi_acme_short", "Bearer a.b"]
)
def test_malformed_credentials_are_rejected_without_the_authoriser(product: Product, credential: str) -> None:
    def asked() -> int:
        return sum("authorize" in line for line in product.log_messages())

    before = asked()
    reply = product.send("GET", product.url("/me"), {"Authorization": credential})
    assert_problem(reply, 401)
    assert asked() == before
