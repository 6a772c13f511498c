"""The port for metrics."""

from typing import Protocol

from onggi.domain.tenant import TenantContext


class Meter(Protocol):
    """Publishes metrics."""

    def record(self, tenant: TenantContext, **values: float) -> None:
        """Records values by metric name, once by tenant and once by tier."""
        ...
