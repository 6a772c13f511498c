"""Documents through the API: upload one, follow it until it is ready, find one, delete one."""

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
from cli.processing import HowFar
from cli.transport import REDIRECTS, Request, Response, Transport, redirected
from cli.waiting import Clock, wait_for

READ_BYTES = 256 * 1024
INGESTION_SECONDS = 900
DELETION_SECONDS = 300
NOT_FOUND = 404

# What Python's own table misses or leaves to the machine's.
CONTENT_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".pdf": "application/pdf",
    ".hwp": "application/x-hwp",
    ".hwpx": "application/hwp+zip",
}


def document_name(path: Path, prefix: str) -> str:
    """Returns the name a file gets as a document: the file's own, below `prefix`.

    The name is composed (Unicode NFC): some systems decompose a file's Korean name, and one name must be one document.
    """
    folder = prefix.strip("/")
    return unicodedata.normalize("NFC", f"{folder}/{path.name}" if folder else path.name)


def content_type(path: Path) -> str:
    """Returns a file's media type by its extension; the stack looks at the content itself."""
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
    sent: Callable[[int], None],
) -> tuple[str, str]:
    """Uploads a document: ask the API for a signed form, then send the file by it straight to S3, piece by piece.

    Args:
        api: The tenant's API.
        transport: Carries the file.
        file: The file.
        name: The document's name.
        media_type: The document's type.
        metadata: Attributes of the document.
        sent: Told the number of bytes of each piece of the file that was handed over.

    Returns:
        The document's id and the version that S3 gave it.

    Raises:
        ApiError: The API does not take the document.
        CommandError: S3 refuses or redirects it, or does not say which version it made.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    body: JsonObject = {"name": name, "content_type": media_type, "size": size}
    announced = api.post("/documents", {**body, "metadata": dict(metadata)} if metadata else body)
    response = transport.send(_form_request(announced["upload"], file, size, sent))
    if response.status in REDIRECTS:
        raise redirected(name, response.status, response.headers.get("location"))
    if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own range of success
        raise _refused_by_s3(response, name)
    version = response.headers.get("x-amz-version-id")
    if not version:
        message = f"S3 took {name} but named no version of it: switch the documents bucket's versioning on."
        raise CommandError("no_version", message)
    return announced["document_id"], version


def follow(
    api: ApiClient, document_id: str, version: str, seen: Callable[[JsonObject], None], clock: Clock
) -> JsonObject:
    """Waits until one version of a document is ready or failed; returns the document.

    Args:
        api: The tenant's API.
        document_id: The document.
        version: The version that was uploaded; what the API says of an earlier one is not yet news.
        seen: Told each state of that version as it is seen.
        clock: Measures and sleeps.

    Raises:
        DeadlineError: It has not come any further for a quarter of an hour.
    """
    how_far: HowFar | None = None

    def look() -> JsonObject | None:
        nonlocal how_far
        document = find_by_id(api, document_id)
        if document is None or document.get("version") != version:
            return None
        seen(document)
        how_far = HowFar.of(document)
        return document if document["status"] in {"ready", "failed"} else None

    late = "The document has not come any further for 15 minutes: see `onggi ls` later."
    return wait_for(look, seconds=INGESTION_SECONDS, late=late, clock=clock, sign=lambda: how_far)


def find_by_id(api: ApiClient, document_id: str) -> JsonObject | None:
    """Returns a document, or None where the tenant has no such one."""
    try:
        return api.get(f"/documents/{quote(document_id, safe='')}")
    except ApiError as refusal:
        if refusal.status == NOT_FOUND:
            return None
        raise


def match(documents: list[JsonObject], reference: str) -> JsonObject:
    """Returns the one document that a person means by its id, its key or its name.

    Raises:
        CommandError: There is none.
        UsageError: There are several of that name.
    """
    wanted = unicodedata.normalize("NFC", reference)
    there = [document for document in documents if document["status"] != "deleted"]
    found = [document for document in there if wanted in {document["document_id"], _composed(document["key"])}]
    found = found or [document for document in there if _composed(document["name"]) == wanted]
    if not found:
        raise CommandError("not_found", f"There is no document {reference}: `onggi ls` shows what there is.")
    if len(found) > 1:
        message = f"{len(found)} documents are named {reference}: name one by its id, as `onggi ls --json` shows it."
        raise UsageError("ambiguous", message)
    return found[0]


def request_deletion(api: ApiClient, document_id: str) -> JsonObject:
    """Asks for a document's deletion: from now on it does not answer; returns it, `deleting`.

    Raises:
        ApiError: The API does not delete it.
    """
    return api.delete(f"/documents/{quote(document_id, safe='')}")


def wait_until_deleted(api: ApiClient, document_id: str, clock: Clock) -> None:
    """Waits until nothing is left of a document.

    Raises:
        DeadlineError: Something is left after five minutes.
    """

    def look() -> bool | None:
        document = find_by_id(api, document_id)
        return True if document is None or document["status"] == "deleted" else None

    late = "The document no longer answers, but is still being deleted after 5 minutes: see `onggi ls` later."
    wait_for(look, seconds=DELETION_SECONDS, late=late, clock=clock)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _form_request(form: JsonObject, file: BinaryIO, size: int, sent: Callable[[int], None]) -> Request:
    boundary = secrets.token_hex(16)
    head = b"".join(_form_field(boundary, name, value) for name, value in form["fields"].items())
    head += _part_header(boundary, 'name="file"; filename="upload"') + b"\r\n"
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "content-type": f"multipart/form-data; boundary={boundary}",
        "content-length": str(len(head) + size + len(tail)),
    }
    return Request("POST", form["url"], headers, _pieces(head, file, size, tail, sent))


def _part_header(boundary: str, disposition: str) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n".encode()


def _form_field(boundary: str, name: str, value: str) -> bytes:
    return _part_header(boundary, f'name="{name}"') + f"\r\n{value}\r\n".encode()


def _pieces(head: bytes, file: BinaryIO, size: int, tail: bytes, sent: Callable[[int], None]) -> Iterator[bytes]:
    yield head
    left = size  # a file that grows meanwhile is sent as long as it was announced
    while left:
        piece = file.read(min(READ_BYTES, left))
        if not piece:
            raise CommandError("unreadable", "The file became shorter while it was sent: try again.")
        yield piece
        left -= len(piece)
        sent(len(piece))
    yield tail


def _refused_by_s3(response: Response, name: str) -> CommandError:
    if response.status in REDIRECTS:
        return redirected(name, response.status, response.headers.get("location"))
    reason = re.search(r"<Message>([^<]*)</Message>", response.body.decode(errors="replace"))
    sentence = reason.group(1).rstrip(".") if reason else f"status {response.status}"
    return CommandError("upload_refused", f"S3 refuses {name}: {sentence}.")
