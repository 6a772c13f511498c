"""Where YAML anchors may be: in template.yaml, which `sam build` resolves, and in nothing that AWS reads as it is."""

from pathlib import Path

import pytest
import yaml

from tests.deployment_template import REPOSITORY

READ_AS_THEY_ARE = [
    *sorted((REPOSITORY / "statemachines").glob("*.yaml")),
    REPOSITORY / "functions/provision_tenant/tenant_stack.yaml",
]


@pytest.mark.parametrize("path", READ_AS_THEY_ARE, ids=lambda path: str(path.name))
def test_no_alias_is_in_what_aws_reads(path: Path) -> None:
    events = list(yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
    assert len(events) > 100
    assert [anchor for event in events if (anchor := getattr(event, "anchor", None))] == []


def test_the_template_has_no_merge_key() -> None:
    """cfn-lint refuses them."""
    assert "<<:" not in (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
