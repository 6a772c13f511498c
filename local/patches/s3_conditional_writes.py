"""S3: what a policy sees of a conditional write, and the one value that `If-None-Match` has in it.

PutObject and CompleteMultipartUpload bring `s3:if-none-match` and `s3:if-match` to the policies (S3 user guide,
"Enforce conditional writes on Amazon S3 buckets"), and take `*` alone as `If-None-Match` (S3 API reference, PutObject).
The emulator knows neither: no policy could demand the header there, and any other value would let a write replace.

Remove when ministack fills both condition keys and refuses other values of `If-None-Match`.
"""

from typing import Any

from ministack.core import iam_actions
from ministack.services import s3

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

WRITE = "s3:PutObject"
HEADERS = ("if-none-match", "if-match")
ANY = "*"


def apply() -> None:
    """Show the headers to policies, and refuse other values."""
    context_of = iam_actions.s3_service_context  # the emulator has no public hooks
    check = s3._check_put_preconditions

    def context_with_headers(action: str, query: Json | None, path: str = "", headers: Json | None = None) -> Json:
        context: Json = context_of(action, query, path, headers)
        given = headers or {}
        if action == WRITE:
            context |= {f"s3:{name}": given[name] for name in HEADERS if given.get(name)}
        return context

    def check_value(headers: Json, existing: Json | None) -> Reply | None:
        if headers.get("if-none-match", ANY).strip() not in {ANY, ""}:
            message = "A header you provided implies functionality that is not implemented"
            refused: Reply = s3._error("NotImplemented", message, 501)
            return refused
        found: Reply | None = check(headers, existing)
        return found

    iam_actions.s3_service_context = context_with_headers
    s3._check_put_preconditions = check_value
