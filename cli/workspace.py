"""What a command works with: the stack, its API as a tenant or as the operator, the keys, the clock and the output."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TextIO

from cli.account import Account, BotoAccount
from cli.api import ApiClient
from cli.errors import CredentialError, UsageError
from cli.keystore import KeyStore, key_file
from cli.output import Output
from cli.signing import with_api_key, with_signature
from cli.stack import (
    Stack,
    describe_stack,
    find_local_folder,
    find_local_stack,
    local_endpoint,
    nothing_deployed,
)
from cli.transport import HttpTransport, Transport
from cli.waiting import Clock

KEY_VARIABLE = "ONGGI_API_KEY"
CONNECTIONS = 8


@dataclass(frozen=True)
class Outside:
    """Everything outside of the process; tests bring their own."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Clock = field(default_factory=Clock)
    transport: Transport = field(default_factory=lambda: HttpTransport(CONNECTIONS))
    open_account: Callable[[str | None, str | None, str | None], Account] = BotoAccount


@dataclass(frozen=True)
class Connection:
    """Which stack the user named; nothing named means the local cloud."""

    stack: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None

    @classmethod
    def of(cls, arguments: Namespace) -> "Connection":
        """Reads the connection from parsed arguments; those that were not given are missing from them."""
        given = vars(arguments)
        return cls(given.get("stack"), given.get("region"), given.get("profile"), given.get("endpoint_url"))


class Workspace:
    """Opens lazily what a command asks for, so that each command needs only the credentials it uses."""

    def __init__(self, connection: Connection, outside: Outside, output: Output) -> None:
        self._connection = connection
        self._outside = outside
        self.output = output
        self.clock = outside.clock
        self.transport = outside.transport

    @cached_property
    def stack(self) -> Stack:
        """The stack the user means.

        Raises:
            StackError: There is none.
        """
        named = self._connection
        if named.stack is not None:
            account = self._outside.open_account(named.region, named.profile, named.endpoint)
            return describe_stack(account.client("cloudformation"), named.stack, account.region, named.endpoint)
        if (named.region, named.profile, named.endpoint) != (None, None, None):
            message = "--region, --profile and --endpoint-url go with --stack: name the stack, too."
            raise UsageError("no_stack_named", message)
        folder = find_local_folder(self._outside.environ, self._outside.folder)
        if folder is None:
            raise nothing_deployed("There is no local cloud", "make up, or name a deployed stack with --stack")
        endpoint, region = local_endpoint(folder)
        account = self._outside.open_account(region, None, endpoint)
        return find_local_stack(folder, account.client("cloudformation"), region, endpoint)

    @cached_property
    def account(self) -> Account:
        """The operator's account, where the stack lives."""
        named = self._connection
        region = named.region or self.stack.region
        return self._outside.open_account(region, named.profile, self.stack.endpoint)

    @cached_property
    def keys(self) -> KeyStore:
        """The API keys kept for the stack."""
        return KeyStore(key_file(self.stack, self._outside.environ), self.stack.identity)

    @cached_property
    def operator_api(self) -> ApiClient:
        """The API as its operator."""
        return ApiClient(self.stack.api_base, self.transport, with_signature(self.account), self.clock)

    def tenant_api(self, tenant_id: str | None) -> ApiClient:
        """The API as a tenant; with no tenant named, the only one whose key is known.

        Raises:
            CredentialError: The tenant's key is not known.
            UsageError: Several tenants' keys are known, or the key of the environment is another tenant's.
        """
        return self.api_with_key(self._api_key(tenant_id))

    def api_with_key(self, api_key: str) -> ApiClient:
        """The API as the tenant of a key."""
        return ApiClient(self.stack.api_base, self.transport, with_api_key(api_key), self.clock)

    def only_tenant(self) -> str:
        """Returns the one tenant the user can mean without saying so.

        Raises:
            CredentialError: No tenant is known.
            UsageError: Several are.
        """
        from_environment = self._outside.environ.get(KEY_VARIABLE)
        if from_environment:
            return _tenant_of(from_environment)
        known = self.keys.tenants()
        if not known:
            message = f"No tenant's key is known: `onggi tenant create` makes one, or set {KEY_VARIABLE}."
            raise CredentialError("no_api_key", message)
        if len(known) > 1:
            raise UsageError("which_tenant", f"Name a tenant with --tenant, one of: {', '.join(known)}.")
        return known[0]

    def _api_key(self, tenant_id: str | None) -> str:
        from_environment = self._outside.environ.get(KEY_VARIABLE)
        if from_environment:
            holder = _tenant_of(from_environment)
            if tenant_id not in {None, holder}:
                message = f"{KEY_VARIABLE} is a key of {holder}, not of {tenant_id}: unset it or name that tenant."
                raise UsageError("other_tenant", message)
            return from_environment
        tenant = tenant_id or self.only_tenant()
        kept = self.keys.get(tenant)
        if kept is None:
            message = f"No API key of {tenant} is known here: set {KEY_VARIABLE} to one."
            raise CredentialError("no_api_key", message)
        return kept


def _tenant_of(api_key: str) -> str:
    parts = api_key.split("_", 2)
    if len(parts) != 3 or parts[0] != "onggi":  # noqa: PLR2004 - onggi, tenant, secret
        message = f"{KEY_VARIABLE} is not an API key: they look like onggi_<tenant>_<secret>."
        raise CredentialError("bad_api_key", message)
    return parts[1]
