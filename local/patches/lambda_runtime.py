"""Lambda functions: a clean interpreter, a Lambda-like environment, and errors by name.

The emulator runs functions on its own interpreter with its own packages, lets the host's environment through, merges
every exception into `Runtime.HandlerError`, ends the execution environment after each of them, and waits 50 ms for log
lines that may never come.

Remove when ministack runs functions in an interpreter of their own and keeps the names of their errors.
"""

import hashlib
import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from contextlib import ExitStack
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from local.patches import lambda_worker
from local.settings import CloudSettings

type Json = dict[str, Any]

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
# AWS gives the init phase 10 s before it counts against the function's own timeout.
INIT_SECONDS = 10.0
# How long a process that has answered or ended may take to hand over its log.
EXIT_SECONDS = 1.0
READ_BYTES = 65536
# More processes than this at once would only take the processor and memory from each other: further invocations wait.
MAX_CONCURRENT = 16
# Of these, what workflows may use at once: the API always finds a free one.
MAX_CONCURRENT_WORKFLOW = 12
# An invocation that waits longer is throttled: well before the time limit of any state or integration, and so that
# functions which call functions cannot lock up for good.
MAX_WAIT_SECONDS = 10.0
_slots = threading.BoundedSemaphore(MAX_CONCURRENT)
_workflow_slots = threading.BoundedSemaphore(MAX_CONCURRENT_WORKFLOW)
_in_workflow: ContextVar[bool] = ContextVar("in_workflow", default=False)
# The interpreter this environment was made from: it has none of this environment's packages.
_INTERPRETER = getattr(sys, "_base_executable", sys.executable)
# -S no site-packages, -s no user's packages, -P not the script's folder, -u nothing lost when it is killed.
_ARGUMENTS = ("-S", "-s", "-P", "-u", str(Path(lambda_worker.__file__)))


def apply(settings: CloudSettings) -> None:
    """Run Python functions in `FunctionWorker`s."""
    packages = PackageStore(settings.temporary / "packages")
    emulated_class = lambda_runtime._worker_class_for

    def worker_class(config: Json) -> Any:
        if not str(config.get("Runtime", "")).startswith("python"):
            return emulated_class(config)

        def make(name: str, function: Json, code: bytes) -> FunctionWorker:
            return FunctionWorker(name, function, code, settings, packages)

        return make

    lambda_runtime._worker_class_for = worker_class
    lambda_svc._execute_function_warm = execute
    _mark_workflows()


def _mark_workflows() -> None:
    """Let invocations know whether a workflow made them."""
    call_function = stepfunctions._call_lambda

    def call(*args: Any, **kwargs: Any) -> Any:
        mark = _in_workflow.set(True)
        try:
            return call_function(*args, **kwargs)
        finally:
            _in_workflow.reset(mark)

    stepfunctions._call_lambda = call


class PackageStore:
    """Deployment packages and layers, unpacked once for all environments that use them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def unpacked(self, *archives: bytes) -> Path:
        """The folder that holds the archives' files, later ones over earlier ones."""
        digest = hashlib.sha256()
        for archive in archives:
            digest.update(hashlib.sha256(archive).digest())
        target = self._folder / digest.hexdigest()
        with self._lock:
            if not target.exists():
                self._unpack(archives, target)
        return target

    def _unpack(self, archives: tuple[bytes, ...], target: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=self._folder))
        for archive in archives:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(partial)  # extractall keeps members inside the folder
        partial.rename(target)


class _EnvironmentProcess(subprocess.Popen[bytes]):
    """The process of an execution environment, which ends together with what its function has started."""

    def send_signal(self, number: int) -> None:
        """Send a signal to all of them, unless the process has ended."""
        if self.poll() is None:
            os.killpg(self.pid, number)


class FunctionWorker(lambda_runtime.Worker):  # type: ignore[misc]  # the emulator ships no types
    """One execution environment: a process that keeps the loaded function between invocations."""

    def __init__(
        self, name: str, config: Json, code_zip: bytes, settings: CloudSettings, packages: PackageStore
    ) -> None:
        super().__init__(name, config, code_zip)
        self._settings = settings
        self._packages = packages
        self._proc: Any = None
        self._init_log = ""
        self._marker = f"\0{uuid.uuid4()}\n"  # no function can print it by chance
        self._answers: queue.Queue[Json | None] = queue.Queue()
        self._logs: queue.Queue[str] = queue.Queue()

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        invoked_function_arn: str | None = None,
        **_unused: Any,
    ) -> Json:
        """Run the function once.

        Returns:
            The emulator's answer of a worker: `status`, `result` or `error`, `log`; and for an error `failure`, the
            body that Lambda returns.
        """
        with self._lock:
            if self._proc is None or self._proc.poll() is not None:
                failure = self._start()
                if failure:
                    return failure
            request = {
                "event": event,
                "request_id": request_id,
                "invoked_function_arn": invoked_function_arn or str(self.config.get("FunctionArn", "")),
                "trace_id": trace_id,
                "timeout_seconds": self._timeout(),
            }
            result = self._exchange(request, self._timeout(), request_id)
            init_log, self._init_log = self._init_log, ""
            return {**result, "log": init_log + result["log"]}

    def _spawn(self) -> None:
        """Start the process for the emulator's own callers.

        Raises:
            RuntimeError: the function could not be loaded.
        """
        failure = self._start()
        if failure:
            raise RuntimeError(failure["error"])

    def _start(self) -> Json | None:
        """Start the process and load the function; return the failure if that fails."""
        if self.config.get("Runtime") != RUNTIME:
            message = f"The local cloud runs {RUNTIME} functions, not {self.config.get('Runtime')}."
            return _failed("Runtime.InvalidRuntime", message, "", "")
        self._discard_tmpdir()
        self._tmpdir = tempfile.mkdtemp(prefix="function-", dir=self._settings.temporary)
        task = self._packages.unpacked(self.code_zip)
        paths = {"task": str(task), "opt": str(self._packages.unpacked(*self._layers())), "marker": self._marker}
        self._open_process(task)
        loaded = self._exchange(paths, max(INIT_SECONDS, self._timeout()), "")
        self._init_log = loaded["log"]
        return None if loaded["status"] == "ok" else loaded

    def _open_process(self, task: Path) -> None:
        from_child, to_parent = os.pipe()
        self._proc = _EnvironmentProcess(
            [_INTERPRETER, *_ARGUMENTS, str(to_parent)],
            cwd=task,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(to_parent,),
            process_group=0,
            env=self._environment(task),
        )
        os.close(to_parent)
        self._start_time = time.time()
        self._answers, self._logs = queue.Queue(), queue.Queue()
        printed, answers = self._proc.stdout, os.fdopen(from_child, "rb")
        threading.Thread(target=_read_log, args=(printed, self._marker.encode(), self._logs), daemon=True).start()
        threading.Thread(target=_read_answers, args=(answers, self._answers), daemon=True).start()

    def _timeout(self) -> float:
        return float(self.config.get("Timeout", 3))

    def _layers(self) -> list[bytes]:
        return [lambda_svc._resolve_layer_zip(layer) for layer in self.config.get("Layers") or []]

    def _environment(self, task: Path) -> dict[str, str]:
        """What a function sees of the world; nothing of the host's own environment is in it."""
        name = str(self.config.get("FunctionName", ""))
        _, region = lambda_runtime._account_region_from_function_config(self.config)
        own = self.config.get("Environment", {}).get("Variables", {})
        return {
            "AWS_ENDPOINT_URL": self._settings.endpoint,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # host names like sync-states.* do not resolve here
            **{key: value for key, value in own.items() if key not in lambda_runtime._RESERVED_RUNTIME_ENV_VARS},
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.config.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(self.config.get("Version", "$LATEST")),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "LAMBDA_TASK_ROOT": str(task),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TMPDIR": str(self._tmpdir),
            "TZ": ":UTC",
            "_HANDLER": str(self.config.get("Handler", "")),
            **lambda_runtime.execution_credentials(self.config),
        }

    def _exchange(self, message: Json, timeout: float, request_id: str) -> Json:
        """Send one request and wait for its answer; end the process when there is none in time."""
        try:
            self._proc.stdin.write(json.dumps(message).encode() + b"\n")
            self._proc.stdin.flush()
        except OSError:
            pass  # it has exited: the answer below is None
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
            text = f"{stamp} {request_id} Task timed out after {timeout:.2f} seconds"
            return _failed("Sandbox.Timedout", text, request_id, self._end())
        if answer is None:
            status = self._wait()
            text = f"RequestId: {request_id} Error: Runtime exited with error: exit status {status}"
            return _failed("Runtime.ExitError", text, request_id, self._end())
        log = self._last_log()
        if "error" in answer:
            failure = answer["error"]
            return {"status": "error", "error": failure["errorMessage"], "failure": failure, "log": log}
        return {"status": "ok", "result": answer.get("result"), "log": log}

    def _wait(self) -> int | None:
        try:
            return int(self._proc.wait(timeout=EXIT_SECONDS))
        except subprocess.TimeoutExpired:
            return None  # the function has closed the answers' pipe and lives on

    def _end(self) -> str:
        """End the process and return what it printed last."""
        process, self._proc = self._proc, None
        process.kill()
        process.wait()
        return self._last_log()

    def _last_log(self) -> str:
        try:
            return self._logs.get(timeout=EXIT_SECONDS)
        except queue.Empty:
            return ""  # a process that the function started keeps its output open


def execute(function: Json, event: Any, request_id: str) -> Json:
    """Run a function in a free execution environment; what the emulator calls for every invocation.

    Returns:
        The emulator's execution result: `body`, `log`, and `error` when the function failed.
    """
    needed = (_workflow_slots, _slots) if _in_workflow.get() else (_slots,)
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    with ExitStack() as held:
        for slots in needed:
            if not slots.acquire(timeout=max(0.0, deadline - time.monotonic())):
                throttled: Json = lambda_svc._throttle_response(
                    reason_code="ConcurrentInvocationLimitExceeded", msg="Too many functions run already"
                )
                return throttled
            held.callback(slots.release)
        return _execute(function, event, request_id)


def _execute(function: Json, event: Any, request_id: str) -> Json:
    config = function.get("config") or function
    name, version = str(config.get("FunctionName", "unknown")), str(config.get("Version", "$LATEST"))
    lambda_svc._ensure_reaper_thread()
    worker, _ = lambda_runtime.acquire_worker(name, config, function.get("code_zip") or b"", qualifier=version)
    try:
        result = worker.invoke(
            event,
            request_id,
            trace_id=lambda_svc._xray_trace_id_for_invocation(config),
            invoked_function_arn=config.get("FunctionArn", ""),
        )
    finally:
        lambda_runtime.release_worker(worker)
    if result["status"] == "ok":
        return {"body": result["result"], "log": result["log"]}
    return {"body": result["failure"], "error": True, "log": result["log"]}


def _read_log(source: IO[bytes], marker: bytes, logs: "queue.Queue[str]") -> None:
    """Collect what the function prints, up to each marker; the rest when the process ends."""
    printed = b""
    while chunk := os.read(source.fileno(), READ_BYTES):
        printed += chunk
        while marker in printed:
            part, _, printed = printed.partition(marker)
            logs.put(part.decode("utf-8", errors="replace"))
    logs.put(printed.decode("utf-8", errors="replace"))


def _read_answers(source: IO[bytes], answers: "queue.Queue[Json | None]") -> None:
    with source:
        for line in source:
            answers.put(json.loads(line))
    answers.put(None)


def _failed(error_type: str, message: str, request_id: str, log: str) -> Json:
    failure = {"errorType": error_type, "errorMessage": message, "requestId": request_id}
    return {"status": "error", "error": message, "failure": failure, "log": log}
