import pytest

from tests.unit.cli.fakes import NOW, FakeCloudWatch, Shell


def test_usage_sums_the_last_day(shell: Shell) -> None:
    shell.store_key("hanbit")
    cloudwatch: FakeCloudWatch = shell.account.clients["cloudwatch"]
    earlier = NOW.replace(hour=3)
    cloudwatch.emit("hanbit", earlier, Queries=1, InputTokens=100, QueryLatency=300, StoredVectors=9)
    cloudwatch.emit("hanbit", NOW, Queries=1, InputTokens=50, QueryLatency=100, StoredVectors=4, EstimatedCostUSD=0.25)
    cloudwatch.emit("hanbit", NOW, Queries=1, QueryLatency=200)
    cloudwatch.emit("hanbit", NOW.replace(day=18), Queries=70)
    cloudwatch.emit("ridgeline", NOW, Queries=5)
    assert shell.run("usage", "--json") == 0
    [used] = shell.printed["tenants"]
    assert used["tenant_id"] == "hanbit"
    assert (used["queries"], used["input_tokens"], used["output_tokens"]) == (3, 150, 0)
    assert used["query_latency_mean_ms"] == pytest.approx(200)
    assert (used["stored_vectors"], used["stored_bytes"]) == (4, None)
    assert used["estimated_cost_usd"] == pytest.approx(0.25)


def test_usage_of_all_tenants_prints_a_table(shell: Shell) -> None:
    cloudwatch: FakeCloudWatch = shell.account.clients["cloudwatch"]
    cloudwatch.emit("hanbit", Queries=1234)
    cloudwatch.emit("ridgeline", StoredBytes=4096, EstimatedCostUSD=0.5)
    assert shell.run("usage", "--all") == 0
    lines = [line.split() for line in shell.out.getvalue().splitlines()]
    assert lines[0] == ["hanbit", "ridgeline"]
    assert ["queries", "1,234", "0"] in lines
    assert ["stored", "–", "4.0", "KiB"] in lines
    assert ["estimated", "cost", "$0.000000", "$0.500000"] in lines


def test_usage_of_many_tenants_fits_a_terminal(shell: Shell) -> None:
    cloudwatch: FakeCloudWatch = shell.account.clients["cloudwatch"]
    for number in range(9):
        cloudwatch.emit(f"tenant-{number}", Queries=1)
    assert shell.run("usage", "--all") == 0
    assert max(map(len, shell.out.getvalue().splitlines())) <= 80
    assert all(f"tenant-{number}" in shell.out.getvalue() for number in range(9))


def test_usage_includes_the_last_day(shell: Shell) -> None:
    assert shell.run("usage", "--tenant", "hanbit", "--from", "2026-11-01", "--to", "2026-11-03", "--json") == 0
    assert (shell.printed["from"], shell.printed["to"]) == ("2026-11-01T00:00:00+00:00", "2026-11-04T00:00:00+00:00")
    [request] = shell.account.clients["cloudwatch"].requests
    assert {query["MetricStat"]["Period"] for query in request["MetricDataQueries"]} == {3600}


@pytest.mark.parametrize(
    "arguments", [("--from", "2026-11-03", "--to", "2026-11-01", "--tenant", "a"), ("--all", "--tenant", "a")]
)
def test_usage_rejects_contradictory_options(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run("usage", *arguments) == 2


def test_usage_prints_the_reason_of_a_rejection_by_cloudwatch(shell: Shell) -> None:
    shell.account.clients["cloudwatch"].rejects = True
    assert shell.run("usage", "--tenant", "hanbit") == 1
    assert shell.err.getvalue() == "onggi: CloudWatch rejected the request for metrics: You may not read metrics.\n"
