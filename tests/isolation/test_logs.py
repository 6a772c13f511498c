"""After all attacks, no log contains a credential, a session key, a text or a question, whatever the settings."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from tests.integration.product import Product
from tests.isolation.attacks import Layers
from tests.isolation.conftest import IDS, Clouds
from tests.isolation.seeded_tenants import QUESTION, UNTOUCHED, marker_of

FORMS: Final = {
    "API key": re.compile(r"onggi_[a-z0-9-]{3,61}_[A-Za-z0-9_-]{20,}"),
    "bearer credential": re.compile(r"[Bb]earer\s+[A-Za-z0-9_.-]{20,}"),
    "session's key": re.compile(r"\b(?:ASIA|AKIA)[A-Z0-9]{12,}\b"),
    "session's secret": re.compile(r"SecretAccessKey|SessionToken|X-Amz-Security-Token", re.IGNORECASE),
    "signature": re.compile(r"X-Amz-Signature|Signature=[0-9a-f]{64}", re.IGNORECASE),
}
TEXTS: Final = {"of the cooperative opens", QUESTION}
MARKERS: Final = {marker_of(tenant_id) for tenant_id in (*IDS, UNTOUCHED[0])}
"""Attributes of documents and names of tenants, which the workflow passes on and only the audit log contains."""


def histories(product: Product) -> Iterator[str]:
    states = product.root("stepfunctions")
    for execution in product.executions():
        history = states.get_execution_history(executionArn=execution["executionArn"], includeExecutionData=True)
        yield from (json.dumps(event, default=str, ensure_ascii=False) for event in history["events"])


def lines_with_secrets(lines: Iterable[str], secrets: set[str]) -> list[str]:
    """Returns the lines that contain a secret; there must be at least one line."""
    all_lines = list(lines)
    assert all_lines
    by_form = [f"{name}: {line}" for line in all_lines for name, form in FORMS.items() if form.search(line)]
    return by_form + [line for line in all_lines if any(secret in line for secret in secrets)]


@pytest.mark.parametrize("layers", [Layers.BOTH, Layers.APPLICATION], ids=["with IAM", "without IAM"])
def test_no_log_contains_a_secret_or_content(clouds: Clouds, layers: Layers) -> None:
    product = clouds.tenant(layers, IDS[0]).product
    messages = list(product.log_messages())
    assert lines_with_secrets(messages, product.confidential | TEXTS) == []
    assert lines_with_secrets([message for message in messages if '"message":"audit"' not in message], MARKERS) == []
    assert lines_with_secrets(histories(product), product.confidential | TEXTS) == []
    cloud_log = product.cloud.log.read_text(errors="replace", encoding="utf-8")
    assert lines_with_secrets(["its own log:", *cloud_log.splitlines()], product.confidential | TEXTS | MARKERS) == []


@pytest.mark.parametrize("secret", ["onggi_acme_" + "0" * 55, "Bearer " + "a" * 30, "ASIA" + "A" * 16, "SessionToken"])
def test_lines_with_secrets_finds_a_secret(secret: str) -> None:
    assert lines_with_secrets([f'{{"message": "{secret}"}}'], set())


@pytest.mark.parametrize(
    "setting", ["log_level", "log_event", "log_questions", "debug", "POWERTOOLS_LOG_LEVEL", "tracing"]
)
def test_no_setting_of_a_tenant_changes_what_is_logged(clouds: Clouds, setting: str) -> None:
    product = clouds.tenant(Layers.BOTH, IDS[0]).product
    body = {"tenant_id": "chatty", "name": "Chatty", "settings": {setting: True}}
    refused = product.as_operator("POST", "/admin/tenants", body)
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, f"settings.{setting}")
