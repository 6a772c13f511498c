"""Users may change what the pool and the client let them change about themselves."""

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import LocalCloud

PASSWORD = "Onggi-keeps-1-secret!"
SCHEMA = [
    {"Name": "home", "AttributeDataType": "String", "Mutable": False},
    {"Name": "desk", "AttributeDataType": "String", "Mutable": True},
]


@pytest.mark.parametrize(
    ("write", "name", "refused"),
    [
        ([], "custom:desk", None),
        ([], "custom:home", "InvalidParameterException"),
        (["email", "custom:desk"], "custom:desk", None),
        (["email"], "email", None),
        (["email"], "custom:desk", "NotAuthorizedException"),
    ],
)
def test_a_user_changes_only_what_may_be_changed(
    cloud: LocalCloud, write: list[str], name: str, refused: str | None
) -> None:
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people", Schema=SCHEMA)["UserPool"]["Id"]
    allowed = {"WriteAttributes": write} if write else {}
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows, **allowed)
    attributes = [{"Name": "custom:home", "Value": "acme"}]
    cognito.admin_create_user(UserPoolId=pool, Username="u", UserAttributes=attributes, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="u", Password=PASSWORD, Permanent=True)
    token = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client["UserPoolClient"]["ClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "u", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]["AccessToken"]

    code = None
    try:
        cognito.update_user_attributes(AccessToken=token, UserAttributes=[{"Name": name, "Value": "a@b.example"}])
    except ClientError as error:
        code = error.response["Error"]["Code"]

    assert code == refused
    kept = {each["Name"]: each["Value"] for each in cognito.get_user(AccessToken=token)["UserAttributes"]}
    assert (kept.get(name) == "a@b.example") == (refused is None)
    assert kept["custom:home"] == "acme"


@pytest.mark.parametrize(("only_administrators", "refused"), [(True, "NotAuthorizedException"), (False, None)])
def test_who_may_sign_up(cloud: LocalCloud, only_administrators: bool, refused: str | None) -> None:
    cognito = cloud.client("cognito-idp")
    config = {"AllowAdminCreateUserOnly": only_administrators}
    pool = cognito.create_user_pool(PoolName="people", AdminCreateUserConfig=config)["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="c")["UserPoolClient"]["ClientId"]
    code = None
    try:
        cognito.sign_up(ClientId=client, Username="u", Password=PASSWORD)
    except ClientError as error:
        code = error.response["Error"]["Code"]
    assert code == refused
    assert len(cognito.list_users(UserPoolId=pool)["Users"]) == (refused is None)
