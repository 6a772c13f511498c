"""Where API keys are kept: one file that only its owner can read, by stack and tenant."""

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
    """Returns where a stack's keys are kept: beside the local cloud's files, else in the user's configuration folder."""
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
        """Returns the tenants whose key is kept, in order."""
        return sorted(self._read().get(self._stack, {}))

    def get(self, tenant_id: str) -> str | None:
        """Returns a tenant's API key, or None where none is kept."""
        kept = self._read().get(self._stack, {}).get(tenant_id)
        return None if kept is None else str(kept["api_key"])

    def put(self, tenant_id: str, key_id: str, api_key: str) -> None:
        """Keeps a key in place of the tenant's former one."""
        keys = self._read()
        keys.setdefault(self._stack, {})[tenant_id] = {"key_id": key_id, "api_key": api_key}
        self._write(keys)

    def forget(self, tenant_id: str) -> None:
        """Keeps a tenant's key no longer, if one was kept."""
        keys = self._read()
        if keys.get(self._stack, {}).pop(tenant_id, None):
            self._write(keys)

    def _write(self, keys: dict[str, dict[str, dict[str, Any]]]) -> None:
        """Writes the file; a reader sees the old one or the new, never half of one."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes the file readable to its owner alone (0600) from the start.
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
            message = f"{self._path} cannot be read as API keys: repair it or move it away."
            raise CredentialError("bad_key_file", message) from error
        if not isinstance(read, dict):
            message = f"{self._path} does not hold API keys: repair it or move it away."
            raise CredentialError("bad_key_file", message)
        return read
