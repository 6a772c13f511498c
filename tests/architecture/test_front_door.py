"""Who comes in by the template's API: operators, users and keys, and what is written down of those who do not."""

import json
import re
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.access import ROLES
from onggi.domain.errors import Unauthorized
from onggi.steps.access.authorize import authorize, new_api_key
from tests.deployment_template import resources, template, tenant_stack

FUNCTIONS = resources("AWS::Serverless::Function")


def test_the_policy_of_operators_opens_their_routes_and_nothing_else() -> None:
    policy = resources("AWS::IAM::ManagedPolicy")["OperatorPolicy"]
    assert policy.keys() == {"Description", "PolicyDocument"}, "it is attached to nobody"
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
    assert statement["Resource"] == {"Fn::Sub": api + "/live/*/v1/admin/*"}
    paths = {event["Properties"]["Path"] for each in FUNCTIONS.values() for event in each.get("Events", {}).values()}
    opened = {path for path in paths if fnmatch(f"{api}/live/GET{path}", statement["Resource"]["Fn::Sub"])}
    assert opened == {path for path in paths if "/admin/" in path}


def test_the_policy_of_the_api_allows_what_takes_no_credential_and_nothing_else() -> None:
    """Beside a policy, API Gateway denies a method without authorisation unless the policy allows it."""
    (allowed,) = [statement for statement in policy_of_the_api() if statement["Effect"] == "Allow"]
    assert allowed["Resource"] == ["execute-api:/*/*/v1/openapi.json", "execute-api:/*/OPTIONS/*"]
    assert (allowed["Principal"], allowed["Action"]) == ("*", "execute-api:Invoke")


def policy_of_the_api() -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = resources("AWS::Serverless::Api")["Api"]["Auth"]["ResourcePolicy"][
        "CustomStatements"
    ]
    return statements


def test_browsers_of_one_origin_may_call_the_api_and_upload() -> None:
    named = {"Fn::Sub": "'${AllowedOrigin}'"}
    api = resources("AWS::Serverless::Api")["Api"]
    assert api["Cors"]["AllowOrigin"] == named
    for kind, response in api["GatewayResponses"].items():
        assert response["ResponseParameters"]["Headers"]["access-control-allow-origin"] == named, kind
    assert template()["Parameters"]["AllowedOrigin"]["Default"] == "none"
    assert template()["Globals"]["Function"]["Environment"]["Variables"]["ALLOWED_ORIGIN"] == {"Ref": "AllowedOrigin"}
    for bucket in (
        resources("AWS::S3::Bucket")["DocumentsBucket"],
        tenant_stack()["Resources"]["Documents"]["Properties"],
    ):
        condition, granted, _ = bucket["CorsConfiguration"]["Fn::If"]
        (rule,) = granted["CorsRules"]
        assert (condition, rule["AllowedOrigins"], rule["AllowedMethods"]) == (
            "HasAllowedOrigin",
            [{"Ref": "AllowedOrigin"}],
            ["POST"],
        )


def test_the_policy_of_the_api_denies_operators_routes_to_strangers() -> None:
    statements = [statement for statement in policy_of_the_api() if statement["Effect"] == "Deny"]
    assert {(s["Effect"], s["Principal"], s["Action"], s["Resource"]) for s in statements} == {
        ("Deny", "*", "execute-api:Invoke", "execute-api:/*/*/v1/admin/*")
    }
    assert [each["Condition"] for each in statements] == [
        {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
        {"NotIpAddress": {"aws:SourceIp": {"Fn::Split": [",", {"Ref": "AdminAddresses"}]}}},
    ]
    assert template()["Parameters"]["AdminAddresses"]["Default"] == "0.0.0.0/0,::/0"


def test_users_cannot_choose_their_tenant() -> None:
    client = resources("AWS::Cognito::UserPoolClient")["UserPoolClient"]
    assert "custom:tenant_id" in client["ReadAttributes"]
    assert "custom:tenant_id" not in client["WriteAttributes"]
    pool = resources("AWS::Cognito::UserPool")["UserPool"]
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert [attribute["Mutable"] for attribute in pool["Schema"] if attribute["Name"] == "tenant_id"] == [False]
    groups = resources("AWS::Cognito::UserPoolGroup").values()
    assert {group["GroupName"] for group in groups} == set(ROLES)


def test_users_sign_in_with_long_passwords_and_short_tokens() -> None:
    pool = resources("AWS::Cognito::UserPool")["UserPool"]
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ({"Ref": "Mfa"}, ["SOFTWARE_TOKEN_MFA"])
    parameters = template()["Parameters"]
    assert (parameters["Mfa"]["Default"], parameters["Mfa"]["AllowedValues"]) == ("OPTIONAL", ["OPTIONAL", "ON"])
    client = resources("AWS::Cognito::UserPoolClient")["UserPoolClient"]
    assert client["IdTokenValidity"] == client["AccessTokenValidity"] == {"Ref": "TokenMinutes"}
    assert client["TokenValidityUnits"] == {"IdToken": "minutes", "AccessToken": "minutes"}
    assert parameters["TokenMinutes"]["Default"] == 15


def access_log() -> dict[str, str]:
    """A line of the access log as JSON, each value being the variable that gives it."""
    api = resources("AWS::Serverless::Api")["Api"]
    line: dict[str, str] = json.loads(api["AccessLogSetting"]["Format"])
    return line


def test_the_access_log_tells_who_calls_from_where() -> None:
    line = access_log()
    assert line["source_ip"] == "$context.identity.sourceIp"
    assert line["user_arn"] == "$context.identity.userArn"
    assert list(line)[-1] == "user_agent", "what a client writes freely comes last"
    assert line["user_agent"] == "$context.identity.userAgent"


def written(status: str, user_agent: str = "curl/8") -> str:
    """A line of the access log as API Gateway writes it, with what a client sends as it is."""
    line: str = resources("AWS::Serverless::Api")["Api"]["AccessLogSetting"]["Format"]
    line = line.replace("$context.status", status).replace("$context.identity.userAgent", user_agent)
    return re.sub(r"\$context\.[A-Za-z.]+", "-", line)


def test_refused_requests_are_counted_and_many_raise_an_alarm() -> None:
    counted = resources("AWS::Logs::MetricFilter")["RefusedRequests"]
    assert counted["LogGroupName"] == {"Ref": "AccessLogs"}
    terms = counted["FilterPattern"].split()
    assert all(re.fullmatch(r"\?[A-Za-z0-9]+", term) for term in terms), "any of these words (filter pattern syntax)"
    refused = [written("401"), written("403"), written("401", 'a"b'), written("403", '","status":"200')]
    others = [written("200"), written("404"), written("503", "Mozilla/5.0 (401; 403)")]
    assert [line for line in refused + others if any(term[1:] in line for term in terms)] == refused
    (metric,) = counted["MetricTransformations"]
    alarm = resources("AWS::CloudWatch::Alarm")["RefusedRequestsAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert (alarm["Threshold"], alarm["AlarmActions"]) == ({"Ref": "RefusedRequestsThreshold"}, [{"Ref": "AlarmTopic"}])


def test_a_web_acl_stands_before_the_api_if_one_is_named() -> None:
    resource = template()["Resources"]["WebAclAssociation"]
    assert resource["Condition"] == "HasWebAcl"
    assert template()["Conditions"]["HasWebAcl"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebAclArn"}, ""]}]}
    stage = resource["Properties"]["ResourceArn"]["Fn::Sub"]
    assert stage == "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Api.Stage}"


EXPECTED = resources("AWS::Serverless::Api")["Api"]["Auth"]["Authorizers"]["Tenant"]["Identity"]["ValidationExpression"]
SCHEMES = st.sampled_from(["Bearer", "bearer", "BEARER"])
TENANTS = st.from_regex(r"[a-z0-9](-?[a-z0-9]){2,30}", fullmatch=True)
JWT_PART = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)


@given(SCHEMES, TENANTS)
def test_every_key_passes_the_expression_before_the_authoriser(scheme: str, tenant_id: str) -> None:
    credential, _ = new_api_key(tenant_id, datetime.now(UTC))
    assert re.fullmatch(EXPECTED, f"{scheme} {credential}")


@given(SCHEMES, st.tuples(JWT_PART, JWT_PART, JWT_PART))
def test_every_token_passes_the_expression_before_the_authoriser(scheme: str, parts: tuple[str, ...]) -> None:
    assert re.fullmatch(EXPECTED, f"{scheme} {'.'.join(parts)}")


class Nobody:
    """Stands for every store that a credential would be looked up in; what reaches it was well formed."""

    def __getattr__(self, _: str) -> Any:
        raise AssertionError("the credential is looked up")


@given(st.one_of(st.text(), st.builds("Bearer {}".format, st.text()), st.from_regex(EXPECTED, fullmatch=True)))
def test_the_expression_refuses_what_the_authoriser_would_refuse_unseen(header: str) -> None:
    """And passes all that the authoriser would look up, but for space that HTTP does not carry."""
    nobody: Any = Nobody()
    try:
        authorize(header, nobody, lambda _: nobody, nobody, lambda: datetime.now(UTC))
    except AssertionError:
        assert re.fullmatch(EXPECTED, header.strip()) or not header.isascii()
    except Unauthorized:
        pass


@pytest.mark.parametrize(
    "garbage", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer onggi_acme_short", "Bearer a.b", "x"]
)
def test_garbage_does_not_pass_the_expression_before_the_authoriser(garbage: str) -> None:
    assert re.fullmatch(EXPECTED, garbage) is None
