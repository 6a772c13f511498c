"""Sessions outlive the process: whoever has assumed a role keeps the session until it expires.

The emulator forgets all sessions when it ends. On AWS a session knows nothing of machines that end, and an execution
that goes on here after a restart has one in its state, encrypted, which a function is about to use.

Remove when ministack's sessions outlive a restart.
"""

import time
from typing import Any

from ministack.services import sts

type Json = dict[str, Any]


def apply() -> None:
    """Save the sessions that have not expired, and load them again."""
    sts.get_state = _state  # the emulator has no public hooks
    sts.load_persisted_state = sts._sessions.update


def _state() -> Json:
    now = time.time()
    return {key: session for key, session in list(sts._sessions.items()) if session.get("Expiration", now) >= now}
