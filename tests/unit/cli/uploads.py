"""Documents as the API returns them, and the responses of an upload."""

from cli.transport import Response
from tests.unit.cli.fakes import API, FORM, Shell, reply

BASE = f"{API}/v1"


def document(name: str, **changes: object) -> dict[str, object]:
    return {
        "document_id": f"id-{name}",
        "name": name,
        "key": f"tenants/hanbit/{name}",
        "version": "v1",
        "status": "ready",
        "size": 2048,
        "pages": 3,
        "chunks": 7,
        "uploaded_at": "2026-11-20T03:00:00Z",
        **changes,
    }


def prepare_upload(shell: Shell, *states: dict[str, object]) -> None:
    shell.store_key("hanbit")
    form = {"url": FORM, "fields": {"key": "tenants/hanbit/a.md", "policy": "p"}}
    shell.transport.on("POST", f"{BASE}/documents", reply(201, {"document_id": "d1", "upload": form}))
    shell.transport.on("POST", FORM, Response(204, {"x-amz-version-id": "v2"}, b""))
    shell.transport.on("GET", f"{BASE}/documents/d1", *(reply(200, state) for state in states))
