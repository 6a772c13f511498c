"""Offboarding: a tenant is denied at once, removed when nothing works on it any more, with a receipt."""

from dataclasses import asdict, dataclass, replace

from onggi.domain.errors import Conflict, NotFound
from onggi.domain.tenant import Placement, Receipt, TenantContext, TenantRecord
from onggi.domain.tenant_data import CountProgress, Counts, ExportProgress
from onggi.domain.timestamps import timestamp
from onggi.ports.bundles import ControlPorts
from onggi.ports.clock import Clock
from onggi.ports.tenant_data import TenantPurger
from onggi.ports.tenants import TenantLifecycle
from onggi.ports.workflows import RunningWorkflow
from onggi.steps.tenancy.slices import SecondsLeft, work_slice
from onggi.steps.tenancy.tenants import new_run, started


def remove_tenant(known: TenantRecord, grace: int, control: ControlPorts, *, export: bool = False) -> TenantRecord:
    """Denies a tenant all access and starts the offboarding workflow; the same again resumes one that has stopped.

    Args:
        known: the tenant.
        grace: seconds until what the tenant was permitted before is over: the forms for uploads that it was given, and
            decisions of the authoriser that are still cached.
        control: the records of tenants and the workflows on them.
        export: whether the tenant's data is copied first.

    Raises:
        Conflict: while the tenant is coming in, or when it was changed in the meantime.
        TransientError: when the control table or the workflow is not available.
    """
    if known.status == "provisioning":
        raise Conflict("The tenant is being set up; remove it when that has come to its end.")
    state = {"grace": grace, "export": asdict(ExportProgress(more=export))}
    if known.status == "removing" and known.reason is None and started(known, control.offboarding, **state):
        return known
    record = control.lifecycle.change(known, replace(known, status="removing", reason=None, run=new_run(control.clock)))
    started(record, control.offboarding, **state)
    return record


@dataclass(frozen=True, slots=True)
class _Counting:
    """A slice of counting; `busy` ends it at a page with a document that is being processed, where the next begins."""

    progress: CountProgress
    busy: bool = False


def count_tenant_data(
    remains: TenantPurger,
    ingestion: RunningWorkflow,
    progress: CountProgress,
    seconds_left: SecondsLeft,
    *,
    counting: bool,
) -> CountProgress:
    """Looks whether a document of a tenant is still being processed, then how much there is of it, while there is time.

    Pages of the ledger that were looked at are not looked at again: nothing begins to be processed meanwhile.

    Args:
        remains: what there is of the tenant.
        ingestion: the ingestion workflow.
        progress: how far the slices before have come.
        seconds_left: returns the seconds until the function is ended.
        counting: whether to count after that.

    Raises:
        TransientError: when a dependency is not available.
    """

    def look(slice_: _Counting) -> _Counting:
        now = slice_.progress
        if now.stage == "counts":
            found, cursor = remains.count_page(now.cursor)
            return _Counting(replace(now, cursor=cursor, counts=_sum(now.counts, found), more=cursor is not None))
        executions, cursor = remains.unfinished_page(now.cursor)
        if any(ingestion.is_running(execution) for execution in executions):
            return _Counting(now, busy=True)
        if cursor is None:
            return _Counting(CountProgress(more=counting, stage="counts"))
        return _Counting(replace(now, cursor=cursor))

    ended = work_slice(_Counting(progress), look, seconds_left, is_over=lambda now: now.busy or not now.progress.more)
    return ended.progress


def remaining_counts(remains: TenantPurger) -> Counts:
    """Counts what is left up to the first page that holds anything: zero of each kind where nothing is left."""
    counts, cursor = remains.count_page(None)
    while cursor is not None and not any(counts.values()):
        found, cursor = remains.count_page(cursor)
        counts = _sum(counts, found)
    return counts


def _sum(counts: Counts, more: Counts) -> Counts:
    return counts | {kind: counts.get(kind, 0) + count for kind, count in more.items()}


def close_tenant(
    record: TenantRecord,
    before: Counts,
    exported: ExportProgress,
    exports_bucket: str,
    remains: TenantPurger,
    lifecycle: TenantLifecycle,
    clock: Clock,
) -> Receipt | None:
    """Ends a removal once nothing is left, which is read back: the tenant's record goes, its receipt stays.

    Returns:
        The receipt; None where something is left that has to be removed first.

    Raises:
        Conflict: when the tenant was changed in the meantime.
    """
    after = remaining_counts(remains)
    if any(after.values()):
        return None
    export = {"bucket": exports_bucket, "run": record.run, "objects": exported.objects} if exported.objects else None
    receipt = Receipt(record.context.tenant_id, record.created_at, timestamp(clock()), before, after, export)
    lifecycle.remove(record, receipt)
    return receipt


def exported_tenant(receipt: Receipt | None) -> tuple[TenantContext, str]:
    """Whose export a receipt speaks of, placed where that lies, and the run that has made it.

    Raises:
        NotFound: when there is no such receipt, or no export was asked for.
    """
    if receipt is None or receipt.export is None:
        raise NotFound("There is no export of a tenant of this id.")
    placement = Placement("", receipt.export["bucket"], vector_bucket="", index=receipt.tenant_id)
    return TenantContext(receipt.tenant_id, receipt.tenant_id, "basic", placement), receipt.export["run"]
