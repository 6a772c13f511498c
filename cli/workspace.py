"""The resources of a command: the stack, its API as a tenant or the operator, stored keys, clock and output."""

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
class Environment:
    """Everything outside the process; tests replace it."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Clock = field(default_factory=Clock)
    transport: Transport = field(default_factory=lambda: HttpTransport(CONNECTIONS))
    open_account: Callable[[str | None, str | None, str | None], Account] = BotoAccount


@dataclass(frozen=True)
class Connection:
    """The stack that the arguments select; the default is the local cloud."""

    stack: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None

    @classmethod
    def of(cls, arguments: Namespace) -> "Connection":
        """Returns the connection of parsed arguments, which lack those that were not given."""
        given = vars(arguments)
        return cls(given.get("stack"), given.get("region"), given.get("profile"), given.get("endpoint_url"))


class Workspace:
    """Creates resources on first use, so that each command needs only the credentials that it uses."""

    def __init__(self, connection: Connection, environment: Environment, output: Output) -> None:
        self._connection = connection
        self._environment = environment
        self.output = output
        self.clock = environment.clock
        self.transport = environment.transport

    @cached_property
    def stack(self) -> Stack:
        """The stack that the arguments select.

        Raises:
            StackError: There is none.
        """
        connection = self._connection
        if connection.stack is not None:
            account = self._environment.open_account(connection.region, connection.profile, connection.endpoint)
            return describe_stack(
                account.client("cloudformation"), connection.stack, account.region, connection.endpoint
            )
        if (connection.region, connection.profile, connection.endpoint) != (None, None, None):
            message = "--region, --profile and --endpoint-url need --stack: add it."
            raise UsageError("no_stack_named", message)
        folder = find_local_folder(self._environment.environ, self._environment.folder)
        if folder is None:
            raise nothing_deployed("There is no local cloud", "make up, or choose a deployed stack with --stack")
        endpoint, region = local_endpoint(folder)
        account = self._environment.open_account(region, None, endpoint)
        return find_local_stack(folder, account.client("cloudformation"), region, endpoint)

    @cached_property
    def account(self) -> Account:
        """The operator's account, in the region of the stack."""
        connection = self._connection
        region = connection.region or self.stack.region
        return self._environment.open_account(region, connection.profile, self.stack.endpoint)

    @cached_property
    def keys(self) -> KeyStore:
        """The stored API keys of the stack."""
        return KeyStore(key_file(self.stack, self._environment.environ), self.stack.identity)

    @cached_property
    def operator_api(self) -> ApiClient:
        """The API as its operator."""
        return ApiClient(self.stack.api_base, self.transport, with_signature(self.account), self.clock)

    def tenant_api(self, tenant_id: str | None) -> ApiClient:
        """Returns the API as a tenant; the default is the only tenant with a stored key.

        Raises:
            CredentialError: The tenant has no stored key.
            UsageError: Several tenants have stored keys, or ONGGI_API_KEY is another tenant's.
        """
        return self.api_with_key(self._api_key(tenant_id))

    def api_with_key(self, api_key: str) -> ApiClient:
        """Returns the API as the tenant of a key."""
        return ApiClient(self.stack.api_base, self.transport, with_api_key(api_key), self.clock)

    def only_tenant(self) -> str:
        """Returns the tenant of ONGGI_API_KEY, or else the only one with a stored key.

        Raises:
            CredentialError: There is no key.
            UsageError: Several tenants have stored keys.
        """
        from_environment = self._environment.environ.get(KEY_VARIABLE)
        if from_environment:
            return _tenant_of(from_environment)
        stored = self.keys.tenants()
        if not stored:
            message = f"No API key is stored: create a tenant with `onggi tenant create`, or set {KEY_VARIABLE}."
            raise CredentialError("no_api_key", message)
        if len(stored) > 1:
            raise UsageError("which_tenant", f"Choose a tenant with --tenant, one of: {', '.join(stored)}.")
        return stored[0]

    def _api_key(self, tenant_id: str | None) -> str:
        from_environment = self._environment.environ.get(KEY_VARIABLE)
        if from_environment:
            owner = _tenant_of(from_environment)
            if tenant_id not in {None, owner}:
                message = f"{KEY_VARIABLE} is a key of {owner}, not of {tenant_id}: unset it or choose that tenant."
                raise UsageError("other_tenant", message)
            return from_environment
        tenant = tenant_id or self.only_tenant()
        stored = self.keys.get(tenant)
        if stored is None:
            message = f"No API key of {tenant} is stored: set {KEY_VARIABLE}."
            raise CredentialError("no_api_key", message)
        return stored


def _tenant_of(api_key: str) -> str:
    parts = api_key.split("_", 2)
    if len(parts) != 3 or parts[0] != "onggi":  # noqa: PLR2004 - onggi, tenant, secret
        message = f"{KEY_VARIABLE} is not an API key: keys have the form onggi_<tenant>_<secret>."
        raise CredentialError("bad_api_key", message)
    return parts[1]
