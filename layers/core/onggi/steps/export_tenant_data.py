"""ExportTenantData: what a tenant takes along, page by page, before it is removed."""

from typing import Final

from onggi.ports import ExportProgress, TenantExport

PAGES_A_CALL: Final = 10
"""Up to a thousand copies: well within the time of a function."""


def export_tenant_data(progress: ExportProgress, export: TenantExport) -> ExportProgress:
    """Exports some pages; answers how far it has come."""
    for _ in range(PAGES_A_CALL):
        if not progress.more:
            break
        progress = export.some(progress)
    return progress
