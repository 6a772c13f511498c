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

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 defines its clients' methods at run time
        """Returns a boto3 client."""

    def credentials(self) -> ReadOnlyCredentials:
        """Returns the credentials that sign the operator's requests."""


class BotoAccount:
    """An account that boto3 resolves; the local cloud's if the endpoint is on this machine."""

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
            message = "No region is configured: set one with --region, as in --region ap-northeast-2."
            raise UsageError("no_region", message)
        self._session = session
        self._endpoint = endpoint
        self.region: str = session.region_name

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 defines its clients' methods at run time
        """Returns a boto3 client with timeouts."""
        # <bucket>.localhost does not resolve.
        addressing: Literal["path", "auto"] = "path" if is_local(self._endpoint) else "auto"
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            # The local cloud does not throttle, and one that does not run should be reported at once.
            retries={"mode": "standard", "total_max_attempts": 1 if is_local(self._endpoint) else 3},
            s3={"addressing_style": addressing},
        )
        make = cast("Any", self._session.client)
        return make(service, endpoint_url=self._endpoint, config=config)

    def credentials(self) -> ReadOnlyCredentials:
        """Returns fresh credentials.

        Raises:
            CredentialError: There are none, or they cannot be refreshed.
        """
        try:
            credentials = self._session.get_credentials()
            if credentials is not None:
                return credentials.get_frozen_credentials()
        except BotoCoreError as error:
            message = f"The AWS credentials cannot be refreshed ({str(error).rstrip('.')}): sign in again."
            raise CredentialError("no_aws_credentials", message) from error
        message = "There are no AWS credentials: run `aws configure`, or choose a profile with --profile."
        raise CredentialError("no_aws_credentials", message)
