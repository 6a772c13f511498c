"""The options by which a tenant is described, when it is created and when it is changed."""

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from cli.api import JsonObject

TIERS = ("basic", "premium")


def add_tenant_id(parser: ArgumentParser) -> None:
    """Adds the argument that names a tenant that there is."""
    parser.add_argument("tenant_id", metavar="TENANT", help="the tenant's id")


def add_options(parser: ArgumentParser) -> None:
    """Adds the options; what they may be, the stack knows."""
    parser.add_argument("--tier", choices=TIERS, help="shared buckets, or buckets and a key of its own")
    for option, example in (("setting", "chunk_size=400"), ("limit", "documents=100")):
        parser.add_argument(
            f"--{option}",
            metavar="NAME=VALUE",
            action="append",
            default=[],
            type=named_value,
            help=f"a {option}, such as {example}; may be repeated",
        )


def named_value(text: str) -> tuple[str, Any]:
    """Reads `name=value`; a value that is JSON, such as a number, true, false or null, is sent as that, else as text.

    Raises:
        ArgumentTypeError: It is not of that form.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        message = f"{text!r} is not of the form NAME=VALUE"
        raise ArgumentTypeError(message)
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def given(arguments: Namespace) -> JsonObject:
    """Returns the fields of a request that were given, and no others."""
    asked = {
        "name": arguments.name,
        "tier": arguments.tier,
        "settings": dict(arguments.setting),
        "limits": dict(arguments.limit),
    }
    return {field: value for field, value in asked.items() if value not in (None, {})}
