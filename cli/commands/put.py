"""`onggi put`: uploads files and waits until they are ready or failed."""

import unicodedata
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

from rich.console import Console
from rich.text import Text

from cli.api import ApiClient, JsonObject
from cli.arguments import Subparsers, add_command, add_tenant_argument
from cli.documents import content_type, document_name, follow, open_file, upload
from cli.errors import CommandError, ExitStatus
from cli.output import number_text, printable
from cli.progress import DocumentProgress, Tracker, make_tracker
from cli.workspace import Workspace

CONCURRENT_UPLOADS = 4


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command."""
    put = add_command(
        commands,
        shared,
        "put",
        does="upload files and wait until they are ready for questions or failed",
        examples=[
            "onggi put handbook.pdf --tenant hanbit",
            "onggi put *.md --tenant hanbit --prefix manuals/ --metadata department=service",
        ],
        run=run,
    )
    put.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a file; the document gets its name")
    add_tenant_argument(put)
    put.add_argument("--prefix", metavar="DIR/", default="", help="a folder of the tenant for the documents")
    put.add_argument(
        "--metadata",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=metadata_pair,
        help="an attribute of the documents, for filters of questions; may be repeated",
    )
    put.add_argument("--no-wait", action="store_true", help="return as soon as the files are uploaded")


def metadata_pair(text: str) -> tuple[str, str]:
    """Reads `key=value`.

    Raises:
        ArgumentTypeError: The text has another form.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        message = f"{text!r} does not have the form KEY=VALUE"
        raise ArgumentTypeError(message)
    return key.strip(), value


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Uploads the files, several at a time, and prints the outcome of each."""
    api = workspace.tenant_api(arguments.tenant)
    stopped = Event()
    output, monotonic = workspace.output, workspace.clock.monotonic
    with make_tracker(output.err, as_json=output.as_json, monotonic=monotonic) as tracker:
        uploader = Uploader(
            api=api,
            workspace=workspace,
            tracker=tracker,
            prefix=arguments.prefix,
            metadata=dict(arguments.metadata),
            wait=not arguments.no_wait,
            stopped=stopped,
        )
        outcomes = _put_all(arguments.files, uploader.put, stopped)
    failed = [outcome for outcome in outcomes if "error" in outcome]
    workspace.output.result({"documents": outcomes}, lambda console: _show(console, outcomes))
    return ExitStatus.FAILED if failed else ExitStatus.OK


class StoppedError(Exception):
    """The user interrupted the command."""


class Uploader:
    """Uploads files. Safe to share between threads."""

    def __init__(
        self,
        *,
        api: ApiClient,
        workspace: Workspace,
        tracker: Tracker,
        prefix: str,
        metadata: dict[str, str],
        wait: bool,
        stopped: Event,
    ) -> None:
        self._api = api
        self._transport = workspace.transport
        self._clock = replace(workspace.clock, sleep=self._sleep_unless_stopped(workspace.clock.sleep))
        self._tracker = tracker
        self._prefix = prefix
        self._metadata = metadata
        self._wait = wait
        self._stopped = stopped

    def put(self, path: Path) -> JsonObject:
        """Uploads a file and waits for it; returns the outcome, with an `error` if it failed."""
        label = unicodedata.normalize("NFC", path.name)
        number = self._tracker.begin(label, path.stat().st_size if path.is_file() else 0)
        outcome: JsonObject = {"file": str(path), "name": document_name(path, self._prefix)}
        try:
            outcome |= self._upload(path, number)
        except CommandError as error:
            outcome |= {"status": "failed", "error": {"code": error.code, "message": error.message}}
        self._tracker.state(number, outcome["status"])
        return outcome

    def _upload(self, path: Path, number: int) -> JsonObject:
        name, media_type = document_name(path, self._prefix), content_type(path)
        on_sent = self._report(number)
        with open_file(path) as file:
            document_id, version = upload(self._api, self._transport, file, name, media_type, self._metadata, on_sent)
        if not self._wait:
            return {"document_id": document_id, "version": version, "status": "uploaded"}
        self._tracker.state(number, "pending")
        on_state = DocumentProgress(self._tracker, number, self._clock.monotonic)
        return follow(self._api, document_id, version, on_state, self._clock)

    def _report(self, number: int) -> Callable[[int], None]:
        def on_sent(size: int) -> None:
            self._raise_if_stopped()
            self._tracker.sent(number, size)

        return on_sent

    def _sleep_unless_stopped(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        def pause(seconds: float) -> None:
            self._raise_if_stopped()
            sleep(seconds)

        return pause

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise StoppedError


def _put_all(files: list[Path], put: Callable[[Path], JsonObject], stopped: Event) -> list[JsonObject]:
    with ThreadPoolExecutor(max_workers=CONCURRENT_UPLOADS) as workers:
        futures: list[Future[JsonObject]] = [workers.submit(put, path) for path in files]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stopped.set()
            workers.shutdown(wait=False, cancel_futures=True)
            raise


def _show(console: Console, outcomes: list[JsonObject]) -> None:
    for outcome in outcomes:
        name = printable(outcome["name"])
        if error := outcome.get("error"):
            sentence = f"{printable(error['message'])} ({error['code']})"
            console.print(Text.assemble(("failed    ", "red"), f"{name}: {sentence}"))
        elif outcome["status"] == "uploaded":
            console.print(Text.assemble(("uploaded  ", "yellow"), name))
        else:
            amount = f"{number_text(outcome.get('pages'))} pages, {number_text(outcome.get('chunks'))} chunks"
            if scanned := outcome.get("needs_ocr"):
                amount += f", {number_text(scanned)} pages without readable text"
            console.print(Text.assemble(("ready     ", "green"), f"{name} ({amount})"))
