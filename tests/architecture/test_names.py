"""Names that the template gives: an account may have the stack in several regions, under one name."""

import re
from collections.abc import Iterator

import botocore.session
import pytest

from tests.deployment_template import REPOSITORY, resources, template

ACCOUNT_WIDE = {
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::IAM::InstanceProfile": ("InstanceProfileName", 128),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::S3::Bucket": ("BucketName", 63),
}
"""The types of which an account has one of a name in all its regions, the property and its longest value (IAM, S3 and
CloudWatch API references)."""
ROLE_REFERENCE = re.compile(r":role/(\$\{AWS::StackName\}-[^\"'\s]+)")


def names() -> Iterator[tuple[str, str, int]]:
    """Logical id, name as the template writes it, and how long it may be."""
    for kind, (field, longest) in ACCOUNT_WIDE.items():
        for logical_id, properties in resources(kind).items():
            if field in properties:
                yield logical_id, properties[field]["Fn::Sub"], longest


def regions() -> set[str]:
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    return {region for name in partitions for region in session.get_available_regions("lambda", name)}


def longest_stack_name() -> int:
    """What the README lets a stack be called."""
    found = re.search(r"have at most (\d+) characters", (REPOSITORY / "README.md").read_text(encoding="utf-8"))
    assert found
    return int(found[1])


def test_the_names_that_an_account_has_once_are_known() -> None:
    assert {logical_id for logical_id, _, _ in names()} == {
        "TenantDataRole",
        "TenantKeysRole",
        "OffboardingRole",
        "SiloRole",
        "Dashboard",
    }


@pytest.mark.parametrize(("logical_id", "name", "longest"), list(names()), ids=lambda value: str(value)[:20])
def test_a_name_that_an_account_has_once_tells_the_region(logical_id: str, name: str, longest: int) -> None:
    assert "${AWS::StackName}" in name, logical_id
    assert "${AWS::Region}" in name, logical_id
    assert len(regions()) > 30
    for region in regions():
        written = name.replace("${AWS::StackName}", "s" * longest_stack_name()).replace("${AWS::Region}", region)
        assert len(written) <= longest, (logical_id, region)


def test_roles_are_referred_to_by_the_names_that_they_have() -> None:
    given = {name for logical_id, name, _ in names() if logical_id.endswith("Role")}
    assert set(ROLE_REFERENCE.findall(str(template()))) == given
