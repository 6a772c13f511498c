"""KMS: `kms:EncryptionContext:…` in policies and key policies, and how much one call encrypts.

A request with an encryption context has its names and values in the context of its authorisation (KMS developer guide,
"kms:EncryptionContext:context-key"), and Encrypt takes 4,096 bytes at most (KMS API reference). The emulator binds a
ciphertext to its context and evaluates key policies, but fills no such key and encrypts whatever it gets.

Remove when ministack fills `kms:EncryptionContext:…` and limits Encrypt to 4,096 bytes.
"""

import base64
import json
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import error_response_json
from ministack.services import kms

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

MAX_PLAINTEXT_BYTES = 4096


def apply() -> None:
    """Fill the keys, and refuse what is too long."""
    _fill_encryption_context()
    _limit_plaintext()


def _fill_encryption_context() -> None:
    context_of = iam_actions.request_tag_context  # what the emulator asks for every service; it has no public hooks

    def with_encryption_context(service: str, iam_action: str, body: bytes, params: Json) -> Json:
        context: Json = context_of(service, iam_action, body, params)
        return context | (_encryption_context(body) if service == "kms" else {})

    iam_actions.request_tag_context = with_encryption_context


def _encryption_context(body: bytes) -> Json:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    given = request.get("EncryptionContext") if isinstance(request, dict) else None
    if not isinstance(given, dict) or not given:
        return {}
    return {"kms:EncryptionContextKeys": list(given)} | {
        f"kms:EncryptionContext:{name}": value for name, value in given.items()
    }


def _limit_plaintext() -> None:
    encrypt = kms._encrypt

    def encrypt_little(request: Json) -> Reply:
        if len(base64.b64decode(request.get("Plaintext", ""))) > MAX_PLAINTEXT_BYTES:
            message = (
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_PLAINTEXT_BYTES}"
            )
            refusal: Reply = error_response_json("ValidationException", message, 400)
            return refusal
        reply: Reply = encrypt(request)
        return reply

    kms._encrypt = encrypt_little
