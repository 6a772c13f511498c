"""Fork server of the sandbox: reads requests from standard input and replies on standard output, in lines of JSON."""

import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn

from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument
from readers import linux
from readers.barriers import Confinement, KernelSupport, kernel_support
from readers.selfcheck import found_open, must_be_closed

MAX_WRITTEN_BYTES: Final = 256 * 1024 * 1024
MAX_OPEN_FILES: Final = 64

CHECK_SECONDS: Final = 10.0
"""Limit for the check of the barriers, which takes milliseconds."""

DONE, OUT_OF_MEMORY, BROKEN, UNPROTECTED = 0, 1, 2, 3
"""Exit statuses of a child; `UNPROTECTED` when it could not set its barriers."""


def main() -> None:
    """Reports its protection in a first line, then serves requests until the function's process has ended."""
    linux.close_process()
    support = kernel_support()
    _reply(_protection(support))
    for line in sys.stdin.buffer:
        _reply(_run(json.loads(line), support))


def _reply(content: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(content).encode() + b"\n")
    sys.stdout.buffer.flush()


def _protection(support: KernelSupport) -> dict[str, Any]:
    """Returns the barriers that the kernel supports and what a process inside them can reach.

    `fault` is present when a barrier cannot be set or does not hold.
    """
    found = _check_from_inside(support)
    faults = [found["error"]] if "error" in found else sorted(must_be_closed(support) & set(found["open"]))
    return {
        **asdict(support),
        "open": found.get("open"),
        "kernel": os.uname().release,
        **({"fault": ", ".join(faults)} if faults else {}),
    }


def _check_from_inside(support: KernelSupport) -> dict[str, Any]:
    """Returns what a child process can reach inside the barriers, or the error that it got."""
    reading, writing = os.pipe()
    confinement = Confinement(support)

    def check() -> NoReturn:
        try:
            confinement.enter([writing])
            found: dict[str, Any] = {"open": found_open()}
        except Exception as error:  # with any error, no document is read
            found = {"error": repr(error)}
        os.write(writing, json.dumps(found).encode())
        os._exit(DONE)

    _run_child(confinement, check, CHECK_SECONDS)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    checked: dict[str, Any] = json.loads(content) if content else {"error": "their check did not end"}
    return checked


def _run(request: dict[str, Any], support: KernelSupport) -> dict[str, Any]:
    for module in request["modules"]:
        _import(module)
    confinement = Confinement(support, [Path(path) for path in request["readable"]])
    return _run_child(confinement, lambda: _work(request, confinement), request["wall_seconds"])


def _run_child(confinement: Confinement, work: Callable[[], NoReturn], seconds: float) -> dict[str, Any]:
    """Runs work in a child process for at most some seconds of wall clock, and returns the fields of its `Outcome`."""
    child = os.fork()
    if child == 0:
        work()
    in_time = confinement.wait_for(child, seconds)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return {
        "how": _how(status, in_time=in_time),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def _import(module: str) -> None:
    """Imports a module and calls its `warm_up`, if it has one; this process reads only files of this project."""
    if module not in sys.modules:
        warm_up = getattr(importlib.import_module(module), "warm_up", None)
        if warm_up:
            warm_up()


def _how(status: int, *, in_time: bool) -> str:
    if not in_time or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return "timeout"
    if os.WIFEXITED(status):
        return {DONE: "done", OUT_OF_MEMORY: "memory", UNPROTECTED: "unprotected"}.get(os.WEXITSTATUS(status), "crash")
    return "crash"


def _work(request: dict[str, Any], confinement: Confinement) -> NoReturn:
    """Sets limits and barriers in the child, calls the function and writes its result to a file."""
    status = UNPROTECTED
    try:
        _set_limits(request)
        _close_standard_streams()
        arguments = json.loads(Path(request["arguments"]).read_bytes())
        result = os.open(request["result"], os.O_WRONLY)
        tasks = sys.modules[request["modules"][0]]
        prepared = tasks.prepare() if hasattr(tasks, "prepare") else []
        confinement.enter([result, *prepared])
        status = BROKEN
        content = json.dumps(_call(getattr(tasks, request["function"]), arguments), ensure_ascii=False)
        with os.fdopen(result, "w", encoding="utf-8") as stream:
            stream.write(content)
        status = DONE
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": function(**arguments)}
    except BadDocument as bad:
        return {"code": bad.code, "message": bad.message}
    except MemoryError:
        raise
    except Exception as error:  # damaged files make parsers raise anything, from KeyError to RecursionError
        return {"code": "corrupt", "message": BAD_DOCUMENT_MESSAGES["corrupt"], "cause": type(error).__name__}


def _set_limits(request: dict[str, Any]) -> None:
    cpu_seconds = request["cpu_seconds"]
    for limit, soft, hard in (
        (resource.RLIMIT_AS, request["memory"], request["memory"]),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),  # SIGXCPU shows the reason, SIGKILL would not
        (resource.RLIMIT_FSIZE, MAX_WRITTEN_BYTES, MAX_WRITTEN_BYTES),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES, MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, allowed = resource.getrlimit(limit)
        resource.setrlimit(limit, (_within(soft, allowed), _within(hard, allowed)))


def _within(value: int, allowed: int) -> int:
    return value if allowed == resource.RLIM_INFINITY else min(value, allowed)


def _close_standard_streams() -> None:
    """Discards what libraries print, and closes the fork server's pipes to the child."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


if __name__ == "__main__":
    main()
