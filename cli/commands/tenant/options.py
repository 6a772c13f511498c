"""The options of a tenant that `create` and `change` share."""

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from cli.api import JsonObject

TIERS = ("basic", "premium")


def add_tenant_id(parser: ArgumentParser) -> None:
    """Adds the argument for an existing tenant."""
    parser.add_argument("tenant_id", metavar="TENANT", help="the tenant's id")


def add_options(parser: ArgumentParser) -> None:
    """Adds the options; the stack validates names and values."""
    parser.add_argument(
        "--tier", choices=TIERS, help="basic: shared buckets; premium: own buckets and an own encryption key"
    )
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
    """Reads `name=value`; a value that is JSON, such as a number, true or null, is parsed, any other is text.

    Raises:
        ArgumentTypeError: The text has another form.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        message = f"{text!r} does not have the form NAME=VALUE"
        raise ArgumentTypeError(message)
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def request_fields(arguments: Namespace) -> JsonObject:
    """Returns the fields of a request for the options that were given."""
    options = {
        "name": arguments.name,
        "tier": arguments.tier,
        "settings": dict(arguments.setting),
        "limits": dict(arguments.limit),
    }
    return {field: value for field, value in options.items() if value not in (None, {})}
