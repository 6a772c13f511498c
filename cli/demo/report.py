"""What the demonstration shows, and whether every step did what it says."""

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
    """One claim and whether it held."""

    chapter: str
    claim: str
    held: bool
    wrong: list[str]


@dataclass
class Report:
    """Collects the checks and shows them as they are made; to programs it says nothing until the end."""

    stream: TextIO
    as_json: bool
    checks: list[Check] = field(default_factory=list)
    answers: list[JsonObject] = field(default_factory=list)
    usage: list[TenantUsage] = field(default_factory=list)
    chapter: str = ""

    @property
    def held(self) -> bool:
        """Whether something was checked and everything that was checked held."""
        return bool(self.checks) and all(check.held for check in self.checks)

    def begin(self, chapter: str) -> None:
        """Begins a chapter."""
        self.chapter = chapter
        self._show(Text.assemble("\n", (chapter, "bold")))

    def check(self, claim: str, wrong: list[str]) -> None:
        """Notes a claim; it holds where nothing is wrong."""
        self.checks.append(Check(self.chapter, claim, not wrong, wrong))
        if wrong:
            self._show(Text.assemble(("  ✗ ", "bold red"), printable(f"{claim}: NO, {'; '.join(wrong)}.")))
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
        """Shows what the tenants used."""
        self.usage = usage
        if not self.as_json:
            show_usage(self._console, usage)

    def tracker(self) -> Tracker:
        """Returns what shows documents on their way."""
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
