"""Types of Lambda's events and handlers."""

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]
