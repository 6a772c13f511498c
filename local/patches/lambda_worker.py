"""One Lambda execution environment: loads a handler, then answers invocations until its input ends.

Its input ends with the cloud, however that ends. The environment then ends at once, together with what it has started:
whatever it still did would reach the cloud that is started next.

Runs as a script on a clean interpreter, so it imports nothing but the standard library. Requests are JSON lines on
standard input; answers are JSON lines on the file descriptor named by the first argument. Whatever the function prints
goes to standard output, where a marker line ends each answer's part.
"""

import importlib
import json
import os
import queue
import signal
import site
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

type Json = dict[str, Any]
type Handler = Callable[[Any, "LambdaContext"], Any]

# AWS refuses a synchronous response above 6 MB; the bytes are those of its own message.
MAX_RESPONSE_BYTES = 6_291_556


class LambdaContext:
    """The context object a handler gets, as the managed Python runtime makes it."""

    identity = None
    client_context = None

    def __init__(self, request: Json) -> None:
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["invoked_function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + request["timeout_seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended for running too long."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class FunctionError(Exception):
    """A failure that the runtime finds, not the function's own code.

    Attributes:
        error_type: the error's name as Lambda reports it.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def extend_path(task: str, opt: str) -> None:
    """Put the function's code first and its layers next, as the managed runtime does."""
    standard_library = list(sys.path)
    sys.path[:] = [task]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site.addsitedir(str(Path(opt) / "python" / "lib" / version / "site-packages"))
    sys.path += [str(Path(opt) / "python"), *standard_library]


def load(name: str) -> Handler:
    """Import the handler named like `app.handler` or `package/app.handler`.

    Raises:
        FunctionError: it cannot be imported or does not exist.
    """
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise FunctionError("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise FunctionError("Runtime.UserCodeSyntaxError", message) from error
    handler: Handler | None = getattr(module, function_name, None)
    if handler is None:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise FunctionError("Runtime.HandlerNotFound", message)
    return handler


def described(error: Exception, request_id: str) -> Json:
    """The error as Lambda returns it; the name is the class's own, without its module."""
    traceback.print_exception(error, file=sys.stdout)
    return {
        "errorMessage": str(error),
        "errorType": error.error_type if isinstance(error, FunctionError) else type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(_own_frames(error)),
    }


def _own_frames(error: Exception) -> TracebackType | None:
    """The error's traceback from the function's own code on."""
    return error.__traceback__.tb_next if error.__traceback__ else None


def invoke(handler: Handler, request: Json) -> Json:
    """Call the handler and return `{"result"}` or `{"error"}`."""
    context = LambdaContext(request)
    if request["trace_id"]:
        os.environ["_X_AMZN_TRACE_ID"] = request["trace_id"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        result = handler(request["event"], context)
    except Exception as error:  # whatever a function raises is its answer
        return {"error": described(error, context.aws_request_id)}
    try:
        size = len(json.dumps(result, ensure_ascii=False).encode())
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {"error": described(FunctionError("Runtime.MarshalError", message), context.aws_request_id)}
    if size > MAX_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
        return {"error": described(FunctionError("Function.ResponseSizeTooLarge", message), context.aws_request_id)}
    return {"result": result}


def main() -> None:
    """Load the handler that `_HANDLER` names and answer until the input ends."""
    answers = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(os.dup(0), requests), daemon=True).start()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    paths = json.loads(requests.get())
    extend_path(paths["task"], paths["opt"])

    def answer(message: Json, marker: str) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(1, marker.encode())
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as error:  # a module may raise anything while it is imported
        answer({"error": described(error, "")}, paths["marker"])
        return
    answer({"ready": True}, paths["marker"])
    while True:
        answer(invoke(handler, json.loads(requests.get())), paths["marker"])


def _read_requests(source: int, requests: "queue.SimpleQueue[str]") -> None:
    """Hand over each line; when there are no more, nobody wants an answer, not even one that is being made."""
    with os.fdopen(source, "r", encoding="utf-8") as lines:
        for line in lines:
            requests.put(line)
    os.killpg(0, signal.SIGKILL)  # the group of this process and of what the function has started


if __name__ == "__main__":
    main()
