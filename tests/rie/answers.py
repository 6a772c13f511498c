"""Tells responses of a handler from unexpected errors."""

from typing import Any

from onggi.domain import errors

REFUSALS = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.OnggiError)
}


def is_answer(answer: dict[str, Any]) -> bool:
    """Returns whether a handler has responded or refused as designed, without an unexpected error."""
    error = answer.get("errorType")
    if error is None:
        return int(answer.get("statusCode", 200)) < 500
    # API Gateway knows a refusal by its authoriser from this text alone.
    return error in REFUSALS or (error, answer["errorMessage"]) == ("Exception", "Unauthorized")
