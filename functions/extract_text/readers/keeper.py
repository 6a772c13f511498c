"""The process that forks for the cage: reads requests from standard input, one line of JSON each, and answers so."""

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
from readers.barriers import Enclosure, Offered, offered
from readers.selfcheck import found_open, must_be_closed

MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
MAX_OPEN_FILES: Final = 64

CHECK_SECONDS: Final = 10.0
"""For the check of the barriers, which takes milliseconds."""

DONE, OUT_OF_MEMORY, BROKEN, UNPROTECTED = 0, 1, 2, 3
"""How a child tells its end by its exit status; `UNPROTECTED` when it could not set its barriers."""


def main() -> None:
    """Serves until its input ends, which is when the function's process is gone; its first line tells what protects."""
    linux.close_process()
    barriers = offered()
    _reply(_protection(barriers))
    for line in sys.stdin.buffer:
        _reply(_run(json.loads(line), barriers))


def _reply(content: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(content).encode() + b"\n")
    sys.stdout.buffer.flush()


def _protection(barriers: Offered) -> dict[str, Any]:
    """The barriers that the kernel offers, and what a process inside them can reach.

    `fault` is there when one of them cannot be set or does not hold.
    """
    found = _found_from_inside(barriers)
    faults = [found["error"]] if "error" in found else sorted(must_be_closed(barriers) & set(found["open"]))
    return {
        **asdict(barriers),
        "open": found.get("open"),
        "kernel": os.uname().release,
        **({"fault": ", ".join(faults)} if faults else {}),
    }


def _found_from_inside(barriers: Offered) -> dict[str, Any]:
    """What a child process finds open inside the barriers, or the error that it met."""
    reading, writing = os.pipe()
    enclosure = Enclosure(barriers)

    def work() -> NoReturn:
        try:
            enclosure.enter([writing])
            found: dict[str, Any] = {"open": found_open()}
        except Exception as error:  # whatever it is: no document is read then
            found = {"error": repr(error)}
        os.write(writing, json.dumps(found).encode())
        os._exit(DONE)

    _ended(enclosure, work, CHECK_SECONDS)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    checked: dict[str, Any] = json.loads(content) if content else {"error": "their check did not end"}
    return checked


def _run(request: dict[str, Any], barriers: Offered) -> dict[str, Any]:
    for module in request["modules"]:
        _import(module)
    enclosure = Enclosure(barriers, [Path(path) for path in request["readable"]])
    return _ended(enclosure, lambda: _work(request, enclosure), request["wall_seconds"])


def _ended(enclosure: Enclosure, work: Callable[[], NoReturn], seconds: float) -> dict[str, Any]:
    """How work in a child process ended; the child has some seconds of wall clock."""
    child = os.fork()
    if child == 0:
        work()
    in_time = enclosure.ends(child, seconds)
    if not in_time:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return {
        "how": _how(status, in_time=in_time),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def _import(module: str) -> None:
    """Imports a module and lets it warm up, if it knows how; only files of our own are read in this process."""
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


def _work(request: dict[str, Any], enclosure: Enclosure) -> NoReturn:
    """The child: limits and encloses itself, calls the function, leaves its answer in a file."""
    status = UNPROTECTED
    try:
        _limit(request)
        _leave_standard_streams()
        arguments = json.loads(Path(request["arguments"]).read_bytes())
        answer = os.open(request["answer"], os.O_WRONLY)
        tasks = sys.modules[request["modules"][0]]
        prepared = tasks.prepare() if hasattr(tasks, "prepare") else []
        enclosure.enter([answer, *prepared])
        status = BROKEN
        content = json.dumps(_answer(getattr(tasks, request["function"]), arguments), ensure_ascii=False)
        with os.fdopen(answer, "w", encoding="utf-8") as stream:
            stream.write(content)
        status = DONE
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _answer(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": function(**arguments)}
    except BadDocument as bad:
        return {"code": bad.code, "message": bad.message}
    except MemoryError:
        raise
    except Exception as error:  # damaged files make parsers raise anything, from KeyError to RecursionError
        return {"code": "corrupt", "message": BAD_DOCUMENT_MESSAGES["corrupt"], "cause": type(error).__name__}


def _limit(request: dict[str, Any]) -> None:
    cpu_seconds = request["cpu_seconds"]
    for limit, soft, hard in (
        (resource.RLIMIT_AS, request["memory"], request["memory"]),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),  # SIGXCPU tells the reason, SIGKILL would not
        (resource.RLIMIT_FSIZE, MAX_ANSWER_BYTES, MAX_ANSWER_BYTES),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES, MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, allowed = resource.getrlimit(limit)
        resource.setrlimit(limit, (_within(soft, allowed), _within(hard, allowed)))


def _within(value: int, allowed: int) -> int:
    return value if allowed == resource.RLIM_INFINITY else min(value, allowed)


def _leave_standard_streams() -> None:
    """What a library prints goes nowhere, and the keeper's pipes are out of reach."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


if __name__ == "__main__":
    main()
