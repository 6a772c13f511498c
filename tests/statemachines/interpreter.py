"""Interprets the definition of a workflow with test doubles of its functions, without waiting."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.deployment_template import state_machine

type Json = dict[str, Any]
type Responses = Callable[[str, Json], Json]
"""Returns the output of a state's function for its input."""

MAX_NAME_CHARACTERS = 80
"""The maximum length of an execution's name (StartExecution, Step Functions API reference)."""
EVENTS = {"Task": 5, "Choice": 2, "Pass": 2, "Wait": 2, "Succeed": 2, "Fail": 1}
"""Events in the history of a state: entered, exited, and three of a function that is called once."""
EVENTS_PER_RETRY = 3
MAX_HISTORY_EVENTS = 25_000
"""The maximum number of events of an execution (Step Functions quotas)."""


definition = cache(state_machine)


class FunctionError(Exception):
    """The error of a function or service, with the name that Catch matches."""


@dataclass
class Run:
    """The executions of a run, which follow one another.

    Attributes:
        machine: The state machine.
        responses: Returns the functions' outputs.
        turns: The number of loops of an execution, a parameter of the template.
        retries: The number of retries of each call of a loop's function.
    """

    machine: str
    responses: Responses
    turns: int = 500
    retries: int = 0
    tasks: list[str] = field(default_factory=list)
    inputs: list[Json] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    used_names: set[str] = field(default_factory=set)

    def start(self, name: str, data: Json) -> str:
        """Runs the execution and its successors; returns the last state."""
        following: tuple[str, Json] | None = (name, data)
        end = ""
        while following is not None:
            assert len(following[0]) <= MAX_NAME_CHARACTERS
            self.executions.append(following[0])
            self.used_names.add(following[0])
            execution = _Execution(self, following[0], copy.deepcopy(following[1]))
            end = execution.follow()
            self.events.append(execution.events)
            following = execution.successor
        return end


class _Execution:
    def __init__(self, run: Run, name: str, data: Json) -> None:
        self._run = run
        self._definition = definition(run.machine)
        self._data = data
        execution = {"Name": name, "Input": copy.deepcopy(data)}
        self._context = {"Execution": execution, "StateMachine": {"Id": run.machine}, "State": {"RetryCount": 0}}
        self.events = 2
        self.successor: tuple[str, Json] | None = None

    def follow(self) -> str:
        name = self._definition["StartAt"]
        while True:
            state = self._definition["States"][name]
            self.events += EVENTS[state["Type"]]
            if state["Type"] in {"Succeed", "Fail"}:
                return str(name)
            name = getattr(self, f"_{state['Type'].lower()}")(name, state)

    def _task(self, name: str, state: Json) -> str:
        given = self._render(state["Parameters"], self._data)
        self._context["State"] = {"RetryCount": self._run.retries if "ResultSelector" in state else 0}
        self.events += EVENTS_PER_RETRY * self._run.retries if "ResultSelector" in state else 0
        try:
            result = (
                self._start_successor(given)
                if state["Resource"].endswith("startExecution")
                else self._call(name, given)
            )
        except FunctionError as error:
            catch = next(each for each in state["Catch"] if {str(error), "States.ALL"} & set(each["ErrorEquals"]))
            self._write(catch["ResultPath"], {"Error": str(error), "Cause": "{}"})
            return str(catch["Next"])
        if "ResultSelector" in state:
            result = self._render(state["ResultSelector"], result)
        self._write(state["ResultPath"], result)
        return str(state["Next"])

    def _call(self, name: str, given: Json) -> Json:
        self._run.tasks.append(name)
        self._run.inputs.append(given)
        return self._run.responses(name, given)

    def _start_successor(self, given: Json) -> Json:
        if given["Name"] in self._run.used_names:
            raise FunctionError("StepFunctions.ExecutionAlreadyExistsException")
        assert given["StateMachineArn"] == self._run.machine
        self.successor = (given["Name"], given["Input"])
        return {}

    def _pass(self, _: str, state: Json) -> str:
        if "Result" in state:
            result = copy.deepcopy(state["Result"])
        elif "Parameters" in state:
            result = self._render(state["Parameters"], self._data)
        else:
            result = copy.deepcopy(self._read(state["InputPath"], self._data))
        self._write(state["ResultPath"], result)
        return str(state["Next"])

    def _wait(self, name: str, state: Json) -> str:
        self._run.waits.append(name)
        assert int(state.get("Seconds") or self._read(state["SecondsPath"], self._data)) > 0
        return str(state["Next"])

    def _choice(self, name: str, state: Json) -> str:
        chosen = next((rule["Next"] for rule in state["Choices"] if self._is_true(rule)), state.get("Default"))
        assert chosen is not None, f"{name} has no next state"
        return str(chosen)

    def _is_true(self, rule: Json) -> bool:
        if "IsPresent" in rule:
            *above, last = rule["Variable"].split(".")
            is_present = last in self._read(".".join(above), self._data)
            return bool(is_present == rule["IsPresent"])
        value = self._read(rule["Variable"], self._data)
        if "NumericGreaterThanEqualsPath" in rule:
            return bool(value >= self._read(rule["NumericGreaterThanEqualsPath"], self._data))
        if "NumericGreaterThanEquals" in rule:
            return bool(value >= rule["NumericGreaterThanEquals"])
        (expected,) = [expected for key, expected in rule.items() if key in {"StringEquals", "BooleanEquals"}]
        return bool(value == expected)

    def _render(self, template: Json, data: Json) -> Json:
        return {
            key.removesuffix(".$"): self._value(value, data) if key.endswith(".$") else copy.deepcopy(value)
            for key, value in template.items()
        }

    def _value(self, text: str, data: Json) -> Any:
        text = text.strip()
        if text.startswith("States."):
            name, _, rest = text.removeprefix("States.").partition("(")
            return self._intrinsic(name, [self._value(each, data) for each in _arguments(rest.removesuffix(")"))])
        if text.startswith("'"):
            return text.strip("'").replace("${TurnsPerExecution}", str(self._run.turns))
        if text.startswith("$$"):
            return self._read(text[1:], self._context)
        return copy.deepcopy(self._read(text, data)) if text.startswith("$") else int(text)

    def _intrinsic(self, name: str, arguments: list[Any]) -> Any:
        if name == "MathAdd":
            return sum(arguments)
        if name == "StringToJson":
            return json.loads(arguments[0])
        assert name == "Format"
        return arguments[0].format(*arguments[1:])

    def _read(self, path: str, data: Any) -> Any:
        for name in path.split(".")[1:]:
            if name:  # `$` alone is the whole document
                data = data[name]
        return data

    def _write(self, path: str | None, value: Any) -> None:
        if path is not None:
            *above, last = path.split(".")
            self._read(".".join(above), self._data)[last] = value


def _arguments(text: str) -> list[str]:
    """Returns the arguments of an intrinsic function, which may be calls themselves."""
    found = re.findall(r"'[^']*'|States\.\w+\([^()]*\)|[^,()\s]+", text)
    return [str(each) for each in found]
