"""The build shows how many of its functions and layers are built."""

from layers.packaging.sam_build import artifacts_in
from tests.deployment_template import REPOSITORY, resources


def test_every_function_and_layer_is_counted() -> None:
    built = {**resources("AWS::Serverless::Function"), **resources("AWS::Serverless::LayerVersion")}
    assert len(built) > 35
    assert artifacts_in((REPOSITORY / "template.yaml").read_text(encoding="utf-8")) == len(built)
