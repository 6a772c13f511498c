"""After all attacks: no log holds a credential, a session's key, a text or a question, whatever a tenant's settings."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from tests.integration.product import Product
from tests.isolation.attacks import Walls
from tests.isolation.conftest import IDS, Clouds
from tests.isolation.jars import QUESTION, UNTOUCHED, seal_of

FORMS: Final = {
    "API key": re.compile(r"onggi_[a-z0-9-]{3,61}_[A-Za-z0-9_-]{20,}"),
    "bearer credential": re.compile(r"[Bb]earer\s+[A-Za-z0-9_.-]{20,}"),
    "session's key": re.compile(r"\b(?:ASIA|AKIA)[A-Z0-9]{12,}\b"),
    "session's secret": re.compile(r"SecretAccessKey|SessionToken|X-Amz-Security-Token", re.IGNORECASE),
    "signature": re.compile(r"X-Amz-Signature|Signature=[0-9a-f]{64}", re.IGNORECASE),
}
TEXTS: Final = {"of the cooperative opens", QUESTION}
SEALS: Final = {seal_of(tenant_id) for tenant_id in (*IDS, UNTOUCHED[0])}
"""Attributes of documents and names of tenants: the workflow passes them on, and no log but the audit's holds them."""


def histories(product: Product) -> Iterator[str]:
    states = product.root("stepfunctions")
    for execution in product.executions():
        history = states.get_execution_history(executionArn=execution["executionArn"], includeExecutionData=True)
        yield from (json.dumps(event, default=str, ensure_ascii=False) for event in history["events"])


def told(lines: Iterable[str], secrets: set[str]) -> list[str]:
    """Lines with a secret in them; at least one has to be there, or nothing was looked at."""
    looked_at = list(lines)
    assert looked_at
    by_form = [f"{name}: {line}" for line in looked_at for name, form in FORMS.items() if form.search(line)]
    return by_form + [line for line in looked_at if any(secret in line for secret in secrets)]


@pytest.mark.parametrize("walls", [Walls.BOTH, Walls.APPLICATION], ids=["with IAM", "without IAM"])
def test_no_log_holds_a_secret_or_a_content(clouds: Clouds, walls: Walls) -> None:
    product = clouds.jar(walls, IDS[0]).product
    messages = list(product.log_messages())
    assert told(messages, product.confidential | TEXTS) == []
    assert told([message for message in messages if '"message":"audit"' not in message], SEALS) == []
    assert told(histories(product), product.confidential | TEXTS) == []
    said = product.cloud.log.read_text(errors="replace", encoding="utf-8")
    assert told(["its own log:", *said.splitlines()], product.confidential | TEXTS | SEALS) == []


@pytest.mark.parametrize("secret", ["onggi_jar_" + "0" * 55, "Bearer " + "a" * 30, "ASIA" + "A" * 16, "SessionToken"])
def test_a_secret_would_be_found(secret: str) -> None:
    assert told([f'{{"message": "{secret}"}}'], set())


@pytest.mark.parametrize(
    "setting", ["log_level", "log_event", "log_questions", "debug", "POWERTOOLS_LOG_LEVEL", "tracing"]
)
def test_no_setting_of_a_tenant_changes_what_is_logged(clouds: Clouds, setting: str) -> None:
    product = clouds.jar(Walls.BOTH, IDS[0]).product
    body = {"tenant_id": "chatty", "name": "Chatty", "settings": {setting: True}}
    refused = product.as_operator("POST", "/admin/tenants", body)
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, f"settings.{setting}")
