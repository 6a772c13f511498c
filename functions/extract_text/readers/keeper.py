"""The process that forks for the cage: reads requests from standard input, one line of JSON each, and answers so."""

import importlib
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument

MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
MAX_OPEN_FILES: Final = 64

DONE, OUT_OF_MEMORY, BROKEN = 0, 1, 2
"""How a child tells its end by its exit status."""


def main() -> None:
    """Serves until its input ends, which is when the function's process is gone."""
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(_run(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


def _run(request: dict[str, Any]) -> dict[str, Any]:
    for module in request["modules"]:
        _import(module)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _work(request)
    os.close(writing)
    try:
        # Nobody writes: the pipe ends when the child, which holds its other end, has ended.
        ended, _, _ = select.select([reading], [], [], request["wall_seconds"])
    finally:
        os.close(reading)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return {
        "how": _how(status, in_time=bool(ended)),
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
        return {DONE: "done", OUT_OF_MEMORY: "memory"}.get(os.WEXITSTATUS(status), "crash")
    return "crash"


def _work(request: dict[str, Any]) -> NoReturn:
    """The child: limits itself, calls the function, leaves its answer in a file."""
    status = BROKEN
    try:
        _limit(request)
        _leave_standard_streams()
        answer = _answer(request)
        Path(request["answer"]).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        status = DONE
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        tasks = sys.modules[request["modules"][0]]
        return {"value": getattr(tasks, request["function"])(**request["arguments"])}
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
