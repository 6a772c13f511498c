"""Downloads the export of a removed tenant into a folder, by signed links."""

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
REFRESH_SECONDS = 600  # links are valid for 15 minutes
PARTIAL = ".part"  # no exported object has this name: all of them are in folders
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def prepare_folder(folder: Path) -> None:
    """Creates the folder of an export, before anything is removed.

    Raises:
        CommandError: It cannot be created or is not empty.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CommandError("not_empty", f"{folder} is not empty: choose a new folder for the export.")
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise CommandError("unwritable", f"The export cannot be written to {folder}: {reason}.") from error


def fetch_export(
    api: ApiClient,
    transport: Transport,
    tenant_id: str,
    folder: Path,
    on_progress: Callable[[int, int], None],
    clock: Clock,
) -> JsonObject:
    """Downloads all objects of an export; one that cannot be stored under its name is reported and skipped.

    Args:
        api: The API as the operator.
        transport: Downloads the files.
        tenant_id: The tenant that was removed.
        folder: The folder to write to.
        on_progress: Called with the numbers of files and bytes so far, after each chunk.
        clock: Measures the age of links, and sleeps.

    Returns:
        `{"folder", "objects", "bytes", "failed": [{"name", "message"}]}`.

    Raises:
        CommandError: The API or S3 rejects the request.
    """
    done: JsonObject = {"folder": str(folder), "objects": 0, "bytes": 0, "failed": []}
    for entry in _list_objects(api, tenant_id, clock):
        partial = _download(
            transport, entry, folder, lambda size: on_progress(done["objects"], done["bytes"] + size), clock
        )
        if error := _move(partial, file_path(folder, entry["name"])):
            done["failed"].append({"name": entry["name"], "message": error})
            continue
        done["objects"] += 1
        done["bytes"] += entry["size"]
        on_progress(done["objects"], done["bytes"])
    return done


def file_path(folder: Path, name: str) -> Path:
    """Returns the path of an exported object; parts that would leave the folder are percent-encoded."""
    return folder.joinpath(*(_file_name(part) for part in name.split("/")))


def _file_name(part: str) -> str:
    if part in {"", ".", ".."}:
        return part.replace(".", "%2E") or "%"
    return CONTROL.sub(lambda control: quote(control[0]), part)


def _list_objects(api: ApiClient, tenant_id: str, clock: Clock) -> Iterator[JsonObject]:
    """Yields the objects, each with a link that is still valid when it is used."""
    cursor: str | None = None
    while True:
        page, listed_at = _page(api, tenant_id, cursor), clock.monotonic()
        for number in range(len(page["objects"])):
            if clock.monotonic() - listed_at > REFRESH_SECONDS:
                page, listed_at = _page(api, tenant_id, cursor), clock.monotonic()
            yield page["objects"][number]
        cursor = page.get("next_cursor")
        if not cursor:
            return


def _page(api: ApiClient, tenant_id: str, cursor: str | None) -> JsonObject:
    return api.get(tenant_route(tenant_id, "/export"), {"limit": PAGE_SIZE, "cursor": cursor})


def _download(
    transport: Transport, entry: JsonObject, folder: Path, on_progress: Callable[[int], None], clock: Clock
) -> Path:
    """Downloads an object to a temporary file; retries an interrupted download."""
    path = folder / PARTIAL
    for attempt in range(ATTEMPTS):
        try:
            _download_once(transport, entry, path, on_progress)
            break
        except StackError:
            if attempt == ATTEMPTS - 1:
                raise
            clock.sleep(2**attempt)
        except OSError as error:
            reason = (error.strerror or str(error)).rstrip(".")
            raise CommandError("unwritable", f"The export cannot be written to {folder}: {reason}.") from error
    return path


def _download_once(transport: Transport, entry: JsonObject, path: Path, on_progress: Callable[[int], None]) -> None:
    with path.open("wb") as file:

        def write(chunk: bytes) -> None:
            file.write(chunk)
            on_progress(file.tell())

        status = transport.download(entry["url"], write)
        size = file.tell()
    if status >= SERVER_ERROR:
        raise StackError("unreachable", f"S3 is unavailable for {entry['name']} (status {status}).")
    if status in REDIRECTS:
        raise redirected(entry["name"], status, None)
    if status != OK:
        raise CommandError("export_refused", f"S3 rejected {entry['name']} with status {status}.")
    if size != entry["size"]:
        raise StackError("incomplete", f"{entry['name']} was received with {size} of its {entry['size']} bytes.")


def _move(partial: Path, path: Path) -> str | None:
    """Moves a downloaded file to its path; deletes it and returns the reason if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise FileExistsError(EEXIST, "another object has the same file name on this machine")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        return f"It cannot be stored: {(error.strerror or str(error)).rstrip('.')}."
    return None
