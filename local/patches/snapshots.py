"""Snapshots: what the cloud holds is saved while it runs, so that a sudden end at any moment loses seconds at most.

The emulator saves each service into a file of its own, once, when it is told to end. Here all services are saved
together, as they were at one moment, and the files of S3 and the database of S3 Vectors go with them.

Remove when ministack saves all services together while it runs.
"""

import asyncio
import copy
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core.responses import now_iso
from ministack.services import lambda_svc
from ministack.services.cloudformation import _stacks

from local.patches import executions, s3_bodies
from local.s3vectors.database import Database
from local.snapshots.saver import Saver
from local.snapshots.store import Snapshot, SnapshotStore, StateError, damaged

type Json = dict[str, Any]
type Asgi = Callable[[Json, Any, Any], Awaitable[None]]

API_PATH = "/_aws/execute-api/"
UNDER_REVIEW = "REVIEW_IN_PROGRESS"
"""The status of a stack that nobody works on, although its name says so."""


def apply(store: SnapshotStore, database: Database, port: int) -> None:
    """Load the newest snapshot into the emulator and its database, and take snapshots while the emulator serves.

    Raises:
        StateError: the snapshot cannot be read.
    """
    lambda_svc._externalize_code_zip = lambda *_: None  # a snapshot does it, for layers as well
    lambda_svc._prune_orphan_code_blobs = lambda *_: None
    snapshot = store.read() or Snapshot(0, {})
    _load(snapshot, store)
    _take_back(database, snapshot.number, store)
    services = _EmulatedServices()
    app.app = services.counting(app.app)
    saver = Saver(store, services, database, snapshot.number)
    tasks = set()

    def begin() -> None:
        """What the emulator calls before it listens, to load its own files."""
        tasks.update({asyncio.create_task(saver.run()), asyncio.create_task(_resume(port))})

    app._load_persisted_state = begin
    app.save_all = lambda _states: saver.save_last()


def _load(snapshot: Snapshot, store: SnapshotStore) -> None:
    for key, state in snapshot.services.items():
        try:
            app._get_module(app._state_map[key]).load_persisted_state(state)
        except Exception as error:
            message = damaged(store.file, f"{key}: {error!r}")
            raise StateError(message) from error
    missing = store.blobs.missing(s3_bodies.used_blobs())
    if missing:
        message = damaged(store.blobs.folder, f"{len(missing)} files are missing")
        raise StateError(message)
    _settle_functions()
    _settle_stacks()


def _take_back(database: Database, number: int, store: SnapshotStore) -> None:
    """Let the database be as it was when a snapshot was taken, or empty where there is none."""
    if number == 0:
        database.clear()
        database.set_mark(1)
        return
    try:
        database.roll_back(number)
    except sqlite3.DatabaseError as error:
        message = damaged(store.file, error)
        raise StateError(message) from error


def _settle_functions() -> None:
    """End the changes of functions that a thread would have ended."""
    for function in lambda_svc._functions._data.values():
        versions = function.get("versions", {}).values()
        for config in (function["config"], *(version["config"] for version in versions)):
            if config.get("State") == "Pending":
                config["State"] = "Active"
            if config.get("LastUpdateStatus") == "InProgress":
                config["LastUpdateStatus"] = "Successful"


def _settle_stacks() -> None:
    """Let the changes of stacks fail that a task would have ended, so that they can be tried again."""
    for stack in _changing_stacks():
        verb = stack["StackStatus"].partition("_")[0]
        stack["StackStatus"] = f"{verb}_FAILED"
        stack["StackStatusReason"] = f"The local cloud ended meanwhile, and began again at {now_iso()}"


def _changing_stacks() -> list[Json]:
    stacks = list(_stacks._data.values())
    return [one for one in stacks if one["StackStatus"].endswith("_IN_PROGRESS") and one["StackStatus"] != UNDER_REVIEW]


def _same[T](value: T, _memo: object = None) -> T:
    return value


async def _resume(port: int) -> None:
    await app._wait_for_port(port)
    executions.resume()


class _EmulatedServices:
    """The emulator's services, as the saver sees them."""

    def __init__(self) -> None:
        self.changes = 0
        self._answering = 0
        self._answering_api = 0

    def counting(self, application: Asgi) -> Asgi:
        """The application, with its requests counted."""

        async def counted(scope: Json, receive: Any, send: Any) -> None:
            path = scope.get("path", "")
            if scope["type"] != "http" or path.startswith("/_ministack/"):
                await application(scope, receive, send)
                return
            is_api = path.startswith(API_PATH)
            self.changes += 1
            self._answering += 1
            self._answering_api += is_api
            try:
                await application(scope, receive, send)
            finally:
                self._answering -= 1
                self._answering_api -= is_api

        return counted

    def states(self) -> Json:
        # This copy of the process ends soon, and changes what it likes: no state need be copied once more.
        copy.deepcopy = _same  # type: ignore[assignment]  # nobody gives more arguments
        states = {key: get_state() for key, get_state in app._build_persistence_save_dict().items()}
        return {key: state for key, state in states.items() if state}

    def blobs(self) -> set[str]:
        return s3_bodies.used_blobs()

    def is_working(self) -> bool:
        return self._answering > 0 or executions.is_any_running()

    def is_quiet(self) -> bool:
        return self._answering_api == 0 and not _changing_stacks()
