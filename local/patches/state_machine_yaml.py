"""State machines written in YAML, as `DefinitionUri` may name them: the emulator reads JSON only.

Remove when ministack's CloudFormation reads definitions in YAML.
"""

import json
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners


def apply() -> None:
    """Turn a YAML definition into JSON before the emulator keeps it."""
    definition_of = provisioners._sfn_definition  # the emulator has no public hooks

    def definition_as_json(props: dict[str, Any]) -> Any:
        definition = definition_of(props)
        if not isinstance(definition, str):
            return definition
        return json.dumps(yaml.safe_load(definition), ensure_ascii=False)

    provisioners._sfn_definition = definition_as_json
