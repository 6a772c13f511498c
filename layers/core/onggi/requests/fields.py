"""Takes fields out of a JSON object and reports every one that is wrong."""

import json
import re
from typing import Any, Final

from onggi.domain.errors import InvalidRequest

SURROGATE: Final = re.compile("[\ud800-\udfff]")
HALF_CHARACTER: Final = "holds half of a character; send it whole"


def is_unicode(text: str) -> bool:
    """Whether a text can be coded: JSON may escape half of a surrogate pair, which no UTF-8 can carry."""
    return not SURROGATE.search(text)


class Fields:
    """Takes fields out of a JSON object one by one and collects what is wrong with them."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = dict(values)
        self._errors: list[tuple[str, str]] = []

    def text(self, field: str, longest: int, default: str | None = None) -> str:
        """A text of 1 to `longest` characters that is not blank."""
        value = self._values.pop(field, default)
        if value is None:
            self.fault(field, "is required")
        elif not isinstance(value, str):
            self.fault(field, "must be a text")
        elif value != default and not (value.strip() and len(value) <= longest):
            self.fault(field, f"must have 1 to {longest} characters that are not all blank")
        elif not is_unicode(value):
            self.fault(field, HALF_CHARACTER)
        else:
            return value
        return ""

    def integer(self, field: str, lowest: int, highest: int, default: int | None = None) -> int:
        """A whole number between two bounds."""
        value = self._values.pop(field, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(field, "is required" if value is None else f"must be a whole number from {lowest} to {highest}")
        return lowest

    def integer_or_null(self, field: str, lowest: int, highest: int) -> int | None:
        """A whole number between two bounds, or null."""
        value = self._values.pop(field, None)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest):
            return value
        self.fault(field, f"must be a whole number from {lowest} to {highest}, or null")
        return None

    def flag(self, field: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.pop(field, default)
        if isinstance(value, bool):
            return value
        self.fault(field, "must be true or false")
        return default

    def flag_or_null(self, field: str) -> bool | None:
        """True, false or null."""
        value = self._values.pop(field, None)
        if value is None or isinstance(value, bool):
            return value
        self.fault(field, "must be true, false or null")
        return None

    def mapping(self, field: str) -> dict[str, Any]:
        """A JSON object, empty where it is left out."""
        value = self._values.pop(field, {})
        if not isinstance(value, dict):
            self.fault(field, "must be an object")
        elif not is_unicode(json.dumps(value, ensure_ascii=False)):
            self.fault(field, HALF_CHARACTER)
        else:
            return value
        return {}

    def fault(self, field: str, message: str) -> None:
        """Notes that a field is wrong."""
        self._errors.append((field, message))

    def finish(self, within: str = "") -> None:
        """Ends the reading; `within` is where the object stands, such as `settings.`.

        Raises:
            InvalidRequest: when a field was wrong, or one is left that the contract does not know.
        """
        for field in self._values:
            self.fault(SURROGATE.sub("?", field), "is not a field of this request")
        if self._errors:
            raise InvalidRequest(*((within + field, message) for field, message in self._errors))


def json_object(body: str | None) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        InvalidRequest: when the body is something else.
    """
    try:
        value = json.loads(body or "")
        json.dumps(value, allow_nan=False)  # Python reads NaN and Infinity, which JSON does not know
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(("body", "must be JSON in UTF-8, not too deeply nested")) from error
    if not isinstance(value, dict):
        raise InvalidRequest(("body", "must be a JSON object"))
    return value
