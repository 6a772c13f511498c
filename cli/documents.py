"""Documents through the API: uploads, waits for processing, look-ups and deletions."""

import mimetypes
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from cli.api import ApiClient, JsonObject
from cli.errors import ApiError, CommandError, UsageError
from cli.processing import ProcessingProgress
from cli.transport import REDIRECTS, Request, Response, Transport, redirected
from cli.waiting import Clock, wait_for

READ_BYTES = 256 * 1024
INGESTION_SECONDS = 900
DELETION_SECONDS = 300
NOT_FOUND = 404

# Types that Python's own table lacks or reads from the machine's.
CONTENT_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".pdf": "application/pdf",
    ".hwp": "application/x-hwp",
    ".hwpx": "application/hwp+zip",
}


def document_name(path: Path, prefix: str) -> str:
    """Returns the document name of a file: the file's own name, below `prefix`.

    The name is normalised to NFC: some systems decompose Korean file names, and one name must be one document.
    """
    folder = prefix.strip("/")
    return unicodedata.normalize("NFC", f"{folder}/{path.name}" if folder else path.name)


def content_type(path: Path) -> str:
    """Returns a file's media type by its extension; the stack detects the format by the content."""
    known = CONTENT_TYPES.get(path.suffix.lower())
    return known or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def open_file(path: Path) -> BinaryIO:
    """Opens a file for reading.

    Raises:
        CommandError: It cannot be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise CommandError("unreadable", f"{path} cannot be read: {reason}.") from error


def upload(
    api: ApiClient,
    transport: Transport,
    file: BinaryIO,
    name: str,
    media_type: str,
    metadata: Mapping[str, str],
    on_sent: Callable[[int], None],
) -> tuple[str, str]:
    """Uploads a document: requests a signed form from the API and streams the file to S3 with it.

    Args:
        api: The tenant's API.
        transport: Sends the file.
        file: The file.
        name: The document's name.
        media_type: The document's type.
        metadata: Attributes of the document.
        on_sent: Called with the number of bytes of each chunk that was sent.

    Returns:
        The document's id and the version that S3 gave it.

    Raises:
        ApiError: The API rejects the document.
        CommandError: S3 rejects or redirects it, or returns no version id.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    body: JsonObject = {"name": name, "content_type": media_type, "size": size}
    created = api.post("/documents", {**body, "metadata": dict(metadata)} if metadata else body)
    response = transport.send(_form_request(created["upload"], file, size, on_sent))
    if response.status in REDIRECTS:
        raise redirected(name, response.status, response.headers.get("location"))
    if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own range of success
        raise _rejected_by_s3(response, name)
    version = response.headers.get("x-amz-version-id")
    if not version:
        message = f"S3 stored {name} but returned no version id: enable versioning on the documents bucket."
        raise CommandError("no_version", message)
    return created["document_id"], version


def follow(
    api: ApiClient, document_id: str, version: str, on_state: Callable[[JsonObject], None], clock: Clock
) -> JsonObject:
    """Waits until one version of a document is ready or failed; returns the document.

    Args:
        api: The tenant's API.
        document_id: The document.
        version: The version that was uploaded; states of earlier versions are ignored.
        on_state: Called with each state of that version.
        clock: Measures time and sleeps.

    Raises:
        DeadlineError: It made no progress for 15 minutes.
    """
    progress: ProcessingProgress | None = None

    def poll() -> JsonObject | None:
        nonlocal progress
        document = find_by_id(api, document_id)
        if document is None or document.get("version") != version:
            return None
        on_state(document)
        progress = ProcessingProgress.of(document)
        return document if document["status"] in {"ready", "failed"} else None

    message = "The document has made no progress for 15 minutes: check `onggi ls` later."
    return wait_for(poll, seconds=INGESTION_SECONDS, timeout_message=message, clock=clock, activity=lambda: progress)


def find_by_id(api: ApiClient, document_id: str) -> JsonObject | None:
    """Returns a document, or None if the tenant has no such document."""
    try:
        return api.get(f"/documents/{quote(document_id, safe='')}")
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise


def match(documents: list[JsonObject], reference: str) -> JsonObject:
    """Returns the document with an id, a key or a name.

    Raises:
        CommandError: There is none.
        UsageError: Several documents have that name.
    """
    wanted = unicodedata.normalize("NFC", reference)
    current = [document for document in documents if document["status"] != "deleted"]
    found = [document for document in current if wanted in {document["document_id"], _composed(document["key"])}]
    found = found or [document for document in current if _composed(document["name"]) == wanted]
    if not found:
        raise CommandError("not_found", f"There is no document {reference}: `onggi ls` lists the documents.")
    if len(found) > 1:
        message = f"{len(found)} documents are named {reference}: use an id, which `onggi ls --json` shows."
        raise UsageError("ambiguous", message)
    return found[0]


def request_deletion(api: ApiClient, document_id: str) -> JsonObject:
    """Requests a document's deletion, which removes it from search at once; returns it with the status `deleting`.

    Raises:
        ApiError: The API rejects the deletion.
    """
    return api.delete(f"/documents/{quote(document_id, safe='')}")


def wait_until_deleted(api: ApiClient, document_id: str, clock: Clock) -> None:
    """Waits until a document is deleted.

    Raises:
        DeadlineError: It is not deleted after five minutes.
    """

    def poll() -> bool | None:
        document = find_by_id(api, document_id)
        return True if document is None or document["status"] == "deleted" else None

    message = "The document is no longer searched, but is still being deleted after 5 minutes: check `onggi ls` later."
    wait_for(poll, seconds=DELETION_SECONDS, timeout_message=message, clock=clock)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _form_request(form: JsonObject, file: BinaryIO, size: int, on_sent: Callable[[int], None]) -> Request:
    boundary = secrets.token_hex(16)
    head = b"".join(_form_field(boundary, name, value) for name, value in form["fields"].items())
    head += _part_header(boundary, 'name="file"; filename="upload"') + b"\r\n"
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "content-type": f"multipart/form-data; boundary={boundary}",
        "content-length": str(len(head) + size + len(tail)),
    }
    return Request("POST", form["url"], headers, _body_chunks(head, file, size, tail, on_sent))


def _part_header(boundary: str, disposition: str) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n".encode()


def _form_field(boundary: str, name: str, value: str) -> bytes:
    return _part_header(boundary, f'name="{name}"') + f"\r\n{value}\r\n".encode()


def _body_chunks(
    head: bytes, file: BinaryIO, size: int, tail: bytes, on_sent: Callable[[int], None]
) -> Iterator[bytes]:
    yield head
    remaining = size  # of a file that grows meanwhile, only the announced size is sent
    while remaining:
        chunk = file.read(min(READ_BYTES, remaining))
        if not chunk:
            raise CommandError("unreadable", "The file became shorter during the upload: try again.")
        yield chunk
        remaining -= len(chunk)
        on_sent(len(chunk))
    yield tail


def _rejected_by_s3(response: Response, name: str) -> CommandError:
    if response.status in REDIRECTS:
        return redirected(name, response.status, response.headers.get("location"))
    reason = re.search(r"<Message>([^<]*)</Message>", response.body.decode(errors="replace"))
    sentence = reason.group(1).rstrip(".") if reason else f"status {response.status}"
    return CommandError("upload_refused", f"S3 rejected {name}: {sentence}.")
