"""`onggi usage`: shows the usage and cost of tenants from the CloudWatch metrics, as the operator."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from itertools import batched

from rich.console import Console

from cli.arguments import Subparsers, add_command, add_tenant_argument
from cli.errors import ExitStatus, UsageError
from cli.metrics import TenantUsage, UsageMetrics, last_day
from cli.output import milliseconds_text, number_text, size_text, table
from cli.workspace import Workspace

TENANTS_PER_TABLE = 4  # as many columns as fit into 80 characters
MEASURES: dict[str, Callable[[TenantUsage], str]] = {
    "queries": lambda usage: number_text(usage.queries),
    "mean latency": lambda usage: milliseconds_text(usage.query_latency_mean_ms),
    "input tokens": lambda usage: number_text(usage.input_tokens),
    "output tokens": lambda usage: number_text(usage.output_tokens),
    "embedding tokens": lambda usage: number_text(usage.embedding_tokens),
    "documents ingested": lambda usage: number_text(usage.documents_ingested),
    "documents failed": lambda usage: number_text(usage.documents_failed),
    "pages extracted": lambda usage: number_text(usage.pages_extracted),
    "chunks indexed": lambda usage: number_text(usage.chunks_indexed),
    "stored vectors": lambda usage: number_text(usage.stored_vectors),
    "stored": lambda usage: size_text(usage.stored_bytes),
    "estimated cost": lambda usage: f"${usage.estimated_cost_usd:.6f}",
}


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command."""
    usage = add_command(
        commands,
        shared,
        "usage",
        does="show the usage and estimated cost of tenants (as the operator)",
        examples=["onggi usage --tenant hanbit", "onggi usage --all --from 2026-11-01 --to 2026-11-30"],
        run=run,
    )
    add_tenant_argument(usage)
    usage.add_argument("--all", action="store_true", help="all tenants with metrics in the last two weeks")
    usage.add_argument("--from", dest="first", metavar="YYYY-MM-DD", type=day, help="the first day, in UTC")
    usage.add_argument("--to", dest="last", metavar="YYYY-MM-DD", type=day, help="the last day (default: today)")


def day(text: str) -> datetime:
    """Returns the start of a day in UTC.

    Raises:
        ArgumentTypeError: The text is not a date.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        message = f"{text!r} is not a date like 2026-11-30"
        raise ArgumentTypeError(message) from None


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Reads the metrics and prints them."""
    now = workspace.clock.now()
    start, end = time_range(arguments.first, arguments.last, now)
    if arguments.all and arguments.tenant:
        raise UsageError("which_tenant", "--all and --tenant exclude each other: leave one out.")
    metrics = UsageMetrics(workspace.account.client("cloudwatch"))
    tenants = metrics.tenants() if arguments.all else [arguments.tenant or workspace.only_tenant()]
    used = [metrics.read(tenant_id, start, end, now) for tenant_id in tenants]
    document = {
        "from": start.isoformat(),
        "to": end.isoformat(),
        "tenants": [usage.as_json() for usage in used],
    }
    workspace.output.result(document, lambda console: show_usage(console, used))
    return ExitStatus.OK


def time_range(first: datetime | None, last: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Returns the range to read: whole days in UTC, or by default the last 24 hours.

    Raises:
        UsageError: The first day comes after the last.
    """
    if first is None and last is None:
        return last_day(now)
    today = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
    end = (last or today) + timedelta(days=1)
    start = first or end - timedelta(days=1)
    if start >= end:
        raise UsageError("bad_range", "--from is after --to: swap them.")
    return start, end


def show_usage(console: Console, used: list[TenantUsage]) -> None:
    """Prints tables with a column for each tenant, several tenants per table."""
    if not used:
        console.print("No tenant has metrics yet.")
    for group in batched(used, TENANTS_PER_TABLE, strict=False):
        tenants = [usage.tenant_id for usage in group]
        rows = [(measure, *(read(usage) for usage in group)) for measure, read in MEASURES.items()]
        console.print(table(("", *tenants), rows, right=tenants))
