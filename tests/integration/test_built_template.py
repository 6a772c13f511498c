"""The template that `sam build` writes, which `sam deploy` and the local cloud use."""

import yaml

from tests.deployment_template import REPOSITORY

BUILT = REPOSITORY / ".aws-sam/build/template.yaml"


def aliases(text: str) -> list[str]:
    """Returns the anchors and aliases of a YAML document."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    return [anchor for event in events if (anchor := getattr(event, "anchor", None))]


def test_the_built_template_has_no_alias() -> None:
    """CloudFormation rejects anchors and aliases; `template.yaml` has them and is never deployed directly."""
    assert aliases((REPOSITORY / "template.yaml").read_text(encoding="utf-8"))
    assert aliases(BUILT.read_text(encoding="utf-8")) == []
