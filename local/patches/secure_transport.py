"""`aws:SecureTransport`: the loopback counts as secure.

The local cloud speaks plain HTTP to 127.0.0.1, where nobody can listen, so that buckets whose policy demands TLS would
refuse everyone. What the condition refuses at AWS can therefore not be shown here.

Remove when ministack serves HTTPS with a certificate that clients trust.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext


def apply() -> None:
    """Answer `aws:SecureTransport` with true."""
    resolve = iam_evaluator._resolve_condition_key  # the emulator has no public hooks

    def resolve_with_loopback(key: str, ctx: EvalContext) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, ctx)

    iam_evaluator._resolve_condition_key = resolve_with_loopback
