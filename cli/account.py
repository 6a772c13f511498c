"""The operator's AWS account: clients and credentials, of AWS or of the local cloud."""

from typing import Any, Literal, Protocol, cast

import boto3
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError

from cli.errors import CredentialError, UsageError
from cli.stack import is_local

LOCAL_CREDENTIAL = "test"  # the local cloud's root user; it opens nothing else
CONNECT_SECONDS = 5
READ_SECONDS = 30


class Account(Protocol):
    """What the command needs of an AWS account."""

    region: str

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' methods when it runs
        """Returns a boto3 client."""

    def credentials(self) -> ReadOnlyCredentials:
        """Returns the credentials that sign the operator's requests."""


class BotoAccount:
    """An account as boto3 finds it; of the local cloud where the endpoint is on this machine."""

    def __init__(self, region: str | None, profile: str | None, endpoint: str | None) -> None:
        """Opens the account.

        Raises:
            CredentialError: The profile does not exist.
            UsageError: No region is known.
        """
        key = LOCAL_CREDENTIAL if is_local(endpoint) else None
        try:
            session = boto3.Session(
                profile_name=profile, region_name=region, aws_access_key_id=key, aws_secret_access_key=key
            )
        except BotoCoreError as error:
            raise CredentialError(
                "no_profile", f"{str(error).rstrip('.')}: check --profile and AWS_PROFILE."
            ) from error
        if not session.region_name:
            message = "No region is known: name one with --region, as in --region ap-northeast-2."
            raise UsageError("no_region", message)
        self._session = session
        self._endpoint = endpoint
        self.region: str = session.region_name

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' methods when it runs
        """Returns a boto3 client with bounded waiting."""
        # No name server knows <bucket>.localhost.
        addressing: Literal["path", "auto"] = "path" if is_local(self._endpoint) else "auto"
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            # Nothing throttles on this machine, and a cloud that does not run is to be noticed at once.
            retries={"mode": "standard", "total_max_attempts": 1 if is_local(self._endpoint) else 3},
            s3={"addressing_style": addressing},
        )
        make = cast("Any", self._session.client)
        return make(service, endpoint_url=self._endpoint, config=config)

    def credentials(self) -> ReadOnlyCredentials:
        """Returns fresh credentials.

        Raises:
            CredentialError: The machine has none, or they cannot be renewed.
        """
        try:
            found = self._session.get_credentials()
            if found is not None:
                return found.get_frozen_credentials()
        except BotoCoreError as error:
            message = f"The AWS credentials cannot be renewed ({str(error).rstrip('.')}): sign in again."
            raise CredentialError("no_aws_credentials", message) from error
        message = "There are no AWS credentials: run `aws configure`, or name a profile with --profile."
        raise CredentialError("no_aws_credentials", message)
