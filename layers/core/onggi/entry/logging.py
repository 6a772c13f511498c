"""Logs how a call ended, without content."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from aws_lambda_powertools import Logger

from onggi.domain.errors import (
    ModelRefused,
    ModelTimeout,
    OnggiError,
    TransientError,
    Unauthorized,
)

logger = Logger(service="onggi")
QUOTE_NOBODY: Final = (TransientError, Unauthorized, ModelTimeout, ModelRefused)
"""Errors whose text is logged; others may quote what a caller has sent."""


def logged(
    context: Any,  # noqa: ANN401 - Lambda's context has no public type
    about: Mapping[str, str],
    work: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Runs work and logs how it ended and how long it took, with ids and numbers, and what was down or refused."""
    began = time.perf_counter()
    outcome = "done"
    reason: dict[str, str] = {}
    try:
        return work()
    except OnggiError as error:
        outcome = type(error).__name__
        if isinstance(
            error, TransientError | Unauthorized | ModelTimeout | ModelRefused
        ):  # other errors may quote what a caller has sent
            reason = {"reason": str(error)}
        raise
    except Exception:
        outcome = "fault"
        logger.exception("fault", extra=dict(about))
        raise
    finally:
        milliseconds = round((time.perf_counter() - began) * 1000)
        request_id = getattr(context, "aws_request_id", None)
        logger.info(outcome, extra={**about, **reason, "function_request_id": request_id, "duration_ms": milliseconds})


def best_effort(what: str, work: Callable[[], None]) -> None:
    """Runs work that a call must not fail of, such as a note; a failure is logged."""
    try:
        work()
    except Exception:  # whatever it is: the call goes on, and the log has it
        logger.warning(what, exc_info=True)
