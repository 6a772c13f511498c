"""ExportTenantData: what a tenant takes along, page by page, before it is removed."""

from onggi.domain.tenant_data import ExportProgress
from onggi.ports.tenant_data import TenantExport
from onggi.steps.tenancy.slices import SecondsLeft, work_slice


def export_tenant_data(progress: ExportProgress, export: TenantExport, seconds_left: SecondsLeft) -> ExportProgress:
    """Exports pages as long as there is time; returns how far it has come.

    Raises:
        TransientError: when a dependency is not available.
    """
    return work_slice(progress, export.some, seconds_left, is_over=lambda now: not now.more)
