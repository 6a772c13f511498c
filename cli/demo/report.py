"""The output of the demonstration and the outcomes of its checks."""

from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from cli.api import JsonObject
from cli.commands.ask import citation_text
from cli.commands.usage import show_usage
from cli.metrics import TenantUsage
from cli.output import make_console, printable
from cli.progress import Tracker, make_tracker


@dataclass(frozen=True)
class Check:
    """A claim and whether it holds."""

    chapter: str
    claim: str
    held: bool
    wrong: list[str]


@dataclass
class Report:
    """Collects the checks and prints each at once, unless the output is JSON."""

    stream: TextIO
    as_json: bool
    checks: list[Check] = field(default_factory=list)
    answers: list[JsonObject] = field(default_factory=list)
    usage: list[TenantUsage] = field(default_factory=list)
    chapter: str = ""

    @property
    def held(self) -> bool:
        """Whether there are checks and all of them pass."""
        return bool(self.checks) and all(check.held for check in self.checks)

    def begin(self, chapter: str) -> None:
        """Starts a chapter."""
        self.chapter = chapter
        self._show(Text.assemble("\n", (chapter, "bold")))

    def check(self, claim: str, errors: list[str]) -> None:
        """Records a claim, which holds if there are no errors."""
        self.checks.append(Check(self.chapter, claim, not errors, errors))
        if errors:
            self._show(Text.assemble(("  ✗ ", "bold red"), printable(f"{claim}: FAILED, {'; '.join(errors)}.")))
        else:
            self._show(Text.assemble(("  ✓ ", "green"), printable(f"{claim}.")))

    def answer(self, asker: str, question: str, answer: JsonObject) -> None:
        """Shows a question and its answer."""
        self.answers.append({"tenant_id": asker, "question": question, **answer})
        self._show(Text.assemble(("  ? ", "bold cyan"), (f"{asker}: ", "dim"), question))
        self._show(Text(f"    {printable(answer['answer'])}"))
        for citation in answer["citations"]:
            self._show(Text.assemble("    ", citation_text(citation)))

    def tenant_usage(self, usage: list[TenantUsage]) -> None:
        """Shows the usage of the tenants."""
        self.usage = usage
        if not self.as_json:
            show_usage(self._console, usage)

    def tracker(self) -> Tracker:
        """Returns a tracker for documents in processing."""
        return make_tracker(self.stream, as_json=self.as_json)

    def as_document(self, seconds: float) -> dict[str, Any]:
        """Returns everything as one JSON object."""
        return {
            "ok": self.held,
            "seconds": round(seconds, 1),
            "checks": [asdict(check) for check in self.checks],
            "answers": self.answers,
            "usage": [usage.as_json() for usage in self.usage],
        }

    @property
    def _console(self) -> Console:
        return make_console(self.stream)

    def _show(self, text: Text) -> None:
        if not self.as_json:
            self._console.print(text)
            self.stream.flush()
