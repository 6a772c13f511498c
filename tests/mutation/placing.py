"""Replaces code by a mutant in the memory of this process, without changing a file."""

import functools
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import PACKAGE, Mutant


def import_instead(mutant: Mutant) -> None:
    """Installs an importer of the mutant in place of its module, which must not have been imported yet."""
    sys.meta_path.insert(0, _Finder(mutant))


def exchange_function(mutant: Mutant) -> bool:
    """Replaces the code of a mutant's function in an imported module; returns False if there is no such function."""
    owner: Any = sys.modules.get(mutant.import_name)
    codes = {code.co_qualname: code for code in _codes(_compiled(mutant))}
    for name in mutant.function.split("."):
        owner = inspect.getattr_static(owner, name, None)
        function = _function_of(owner)
        if function is not None:
            code = codes.get(function.__qualname__)
            if code is None or code.co_freevars != function.__code__.co_freevars:
                return False
            function.__code__ = code
            return True
    return False


def _function_of(found: object) -> FunctionType | None:
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, classmethod | staticmethod):
        found = found.__func__
    elif isinstance(found, functools.cached_property):
        found = found.func
    if isinstance(found, type) or not callable(found):
        return None
    function = inspect.unwrap(found)
    return function if isinstance(function, FunctionType) else None


def _compiled(mutant: Mutant) -> CodeType:
    return compile(mutant.code, str(PACKAGE / mutant.module), "exec", dont_inherit=True)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.import_name, str(PACKAGE / mutant.module))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Compiles the mutant; reads neither the file nor its cache."""
        del fullname
        return _compiled(self._mutant)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> Any:  # noqa: ARG002
        if name != self._mutant.import_name:
            return None
        loader = _Loader(self._mutant)
        return importlib.util.spec_from_file_location(name, loader.path, loader=loader)
