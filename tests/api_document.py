"""The document of the HTTP API for people, `docs/api.md`, by its sections and blocks of code."""

import re
from dataclasses import dataclass
from typing import Final

from tests.deployment_template import REPOSITORY

TEXT: Final = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
ROUTE: Final = re.compile(r"`([A-Z]+) (/[^`]*)`")


@dataclass(frozen=True)
class Section:
    """What the document says of a route."""

    method: str
    path: str
    text: str

    def blocks(self, language: str) -> list[str]:
        return blocks(language, self.text)

    @property
    def errors(self) -> set[int]:
        """The statuses that the section names as errors."""
        (line,) = re.findall(r"^Errors: .*$", self.text, re.MULTILINE)
        return {int(status) for status in re.findall(r"\b[45]\d\d\b", line)}


def blocks(language: str, text: str = TEXT) -> list[str]:
    """The blocks of code in a language, in the order of the document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sections() -> list[Section]:
    """The sections of routes; their headings are the routes."""
    found = []
    for part in re.split(r"^##+ ", TEXT, flags=re.MULTILINE):
        heading, _, text = part.partition("\n")
        if route := ROUTE.fullmatch(heading):
            found.append(Section(route[1], "/v1" + route[2], text))
    return found
