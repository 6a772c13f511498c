"""What `sam build` writes, which is what `sam deploy` and the local cloud take."""

import yaml

from tests.deployment_template import REPOSITORY

BUILT = REPOSITORY / ".aws-sam/build/template.yaml"


def aliases(text: str) -> list[str]:
    """The anchors and aliases of a YAML document."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    return [anchor for event in events if (anchor := getattr(event, "anchor", None))]


def test_the_built_template_has_no_alias() -> None:
    """CloudFormation refuses anchors and aliases; `template.yaml` has them and is never deployed as it is."""
    assert aliases((REPOSITORY / "template.yaml").read_text(encoding="utf-8"))
    assert aliases(BUILT.read_text(encoding="utf-8")) == []
