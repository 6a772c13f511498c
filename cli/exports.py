"""What a tenant takes along when it goes: fetched by signed links into a folder."""

import re
from collections.abc import Callable, Iterator
from errno import EEXIST
from pathlib import Path
from urllib.parse import quote

from cli.api import PAGE_SIZE, ApiClient, JsonObject
from cli.errors import CommandError, StackError
from cli.tenants import tenant_route
from cli.transport import OK, REDIRECTS, Transport, redirected
from cli.waiting import Clock

ATTEMPTS = 4
SERVER_ERROR = 500
FRESH_SECONDS = 600  # links are good for 15 minutes
PARTIAL = ".part"  # no exported object is named so: all of them lie in folders
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def prepare_folder(folder: Path) -> None:
    """Makes the folder that an export goes into, before anything is removed.

    Raises:
        CommandError: It cannot be made, or holds something already.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CommandError("not_empty", f"{folder} is not empty: name a new folder for the export.")
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise CommandError("unwritable", f"{folder} cannot take the export: {reason}.") from error


def fetch_export(
    api: ApiClient,
    transport: Transport,
    tenant_id: str,
    folder: Path,
    received: Callable[[int, int], None],
    clock: Clock,
) -> JsonObject:
    """Fetches everything of an export; what cannot be stored under its name is told and does not stop the rest.

    Args:
        api: The API as the operator.
        transport: Carries the files.
        tenant_id: The tenant that was removed.
        folder: Where to.
        received: Told the numbers of files and bytes so far, after each piece.
        clock: Tells when links have to be asked for anew.

    Returns:
        `{"folder", "objects", "bytes", "failed": [{"name", "message"}]}`.

    Raises:
        CommandError: The API or S3 does not give the export.
    """
    done: JsonObject = {"folder": str(folder), "objects": 0, "bytes": 0, "failed": []}
    for listed in _listed(api, tenant_id, clock):
        fetched = _fetch(transport, listed, folder, lambda size: received(done["objects"], done["bytes"] + size), clock)
        if fault := _put(fetched, file_path(folder, listed["name"])):
            done["failed"].append({"name": listed["name"], "message": fault})
            continue
        done["objects"] += 1
        done["bytes"] += listed["size"]
        received(done["objects"], done["bytes"])
    return done


def file_path(folder: Path, name: str) -> Path:
    """Returns where an exported object goes: named as it is, with percent signs for what would lead elsewhere."""
    return folder.joinpath(*(_file_name(part) for part in name.split("/")))


def _file_name(part: str) -> str:
    if part in {"", ".", ".."}:
        return part.replace(".", "%2E") or "%"
    return CONTROL.sub(lambda control: quote(control[0]), part)


def _listed(api: ApiClient, tenant_id: str, clock: Clock) -> Iterator[JsonObject]:
    """Lists the objects, each with a link that is still good when it is used."""
    cursor: str | None = None
    while True:
        page, listed_at = _page(api, tenant_id, cursor), clock.monotonic()
        for number in range(len(page["objects"])):
            if clock.monotonic() - listed_at > FRESH_SECONDS:
                page, listed_at = _page(api, tenant_id, cursor), clock.monotonic()
            yield page["objects"][number]
        cursor = page.get("next_cursor")
        if not cursor:
            return


def _page(api: ApiClient, tenant_id: str, cursor: str | None) -> JsonObject:
    return api.get(tenant_route(tenant_id, "/export"), {"limit": PAGE_SIZE, "cursor": cursor})


def _fetch(
    transport: Transport, listed: JsonObject, folder: Path, received: Callable[[int], None], clock: Clock
) -> Path:
    """Fetches an object under a name of its own; an answer that breaks off is asked for again."""
    path = folder / PARTIAL
    for attempt in range(ATTEMPTS):
        try:
            _fetch_once(transport, listed, path, received)
            break
        except StackError:
            if attempt == ATTEMPTS - 1:
                raise
            clock.sleep(2**attempt)
        except OSError as error:
            reason = (error.strerror or str(error)).rstrip(".")
            raise CommandError("unwritable", f"{folder} cannot take the export: {reason}.") from error
    return path


def _fetch_once(transport: Transport, listed: JsonObject, path: Path, received: Callable[[int], None]) -> None:
    with path.open("wb") as file:

        def take(piece: bytes) -> None:
            file.write(piece)
            received(file.tell())

        status = transport.download(listed["url"], take)
        size = file.tell()
    if status >= SERVER_ERROR:
        raise StackError("unreachable", f"S3 does not give {listed['name']} at the moment (status {status}).")
    if status in REDIRECTS:
        raise redirected(listed["name"], status, None)
    if status != OK:
        raise CommandError("export_refused", f"S3 refuses {listed['name']} with status {status}.")
    if size != listed["size"]:
        raise StackError("incomplete", f"{listed['name']} came with {size} of its {listed['size']} bytes.")


def _put(fetched: Path, path: Path) -> str | None:
    """Puts a fetched file in its place; returns why that cannot be, and then it is gone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise FileExistsError(EEXIST, "another one of the names is the same on this machine")
        fetched.replace(path)
    except OSError as error:
        fetched.unlink(missing_ok=True)
        return f"It cannot be stored: {(error.strerror or str(error)).rstrip('.')}."
    return None
