"""The store of API keys: one file that only its owner can read, by stack and tenant."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.errors import CredentialError
from cli.stack import Stack

FILE_NAME = "keys.json"


def key_file(stack: Stack, environ: Mapping[str, str]) -> Path:
    """Returns the key file of a stack: in the local cloud's folder, or else in the user's configuration folder."""
    if stack.local_folder is not None:
        return stack.local_folder / FILE_NAME
    configuration = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".config")
    return Path(configuration) / "onggi" / FILE_NAME


class KeyStore:
    """The API keys of one stack's tenants."""

    def __init__(self, path: Path, stack_identity: str) -> None:
        self._path = path
        self._stack = stack_identity

    def tenants(self) -> list[str]:
        """Returns the tenants with a stored key, sorted."""
        return sorted(self._read().get(self._stack, {}))

    def get(self, tenant_id: str) -> str | None:
        """Returns a tenant's API key, or None if none is stored."""
        stored = self._read().get(self._stack, {}).get(tenant_id)
        return None if stored is None else str(stored["api_key"])

    def put(self, tenant_id: str, key_id: str, api_key: str) -> None:
        """Stores a tenant's key and replaces an earlier one."""
        keys = self._read()
        keys.setdefault(self._stack, {})[tenant_id] = {"key_id": key_id, "api_key": api_key}
        self._write(keys)

    def delete(self, tenant_id: str) -> None:
        """Deletes a tenant's key, if one is stored."""
        keys = self._read()
        if keys.get(self._stack, {}).pop(tenant_id, None):
            self._write(keys)

    def _write(self, keys: dict[str, dict[str, dict[str, Any]]]) -> None:
        """Writes the file atomically: a reader sees the old one or the new one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp creates the file readable to its owner only (0600).
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{FILE_NAME}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(keys, file, ensure_ascii=False, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _read(self) -> dict[str, dict[str, dict[str, Any]]]:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            message = f"{self._path} cannot be read as API keys: repair it or move it."
            raise CredentialError("bad_key_file", message) from error
        if not isinstance(read, dict):
            message = f"{self._path} does not contain API keys: repair it or move it."
            raise CredentialError("bad_key_file", message)
        return read
