"""The local cloud in the foreground: the emulator in this process, patched."""

import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from local.bedrock.settings import language_model_server
from local.settings import EMULATOR_VERSION, CloudSettings, LocalCloudError, configure_process

LOCK_MODE = 0o600


def run(settings: CloudSettings) -> None:
    """Serve until SIGTERM or SIGINT, then save the state.

    Raises:
        LocalCloudError: the emulator is missing or another version, the model data is missing, or a cloud already
            runs on this state folder.
    """
    _require_emulator()
    _require_model_data(settings)
    _require_language_model_settings()
    settings.state.mkdir(parents=True, exist_ok=True)
    with _sole_owner(settings):
        configure_process(settings)
        _serve(settings)


def _require_emulator() -> None:
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        message = f"The package ministack is missing from {sys.prefix}: install ministack=={EMULATOR_VERSION} there."
        raise LocalCloudError(message) from None
    if installed != EMULATOR_VERSION:
        message = (
            f"The local cloud patches ministack {EMULATOR_VERSION} and was tested with no other version, "
            f"but {sys.prefix} holds {installed}: install ministack=={EMULATOR_VERSION}."
        )
        raise LocalCloudError(message)


def _require_model_data(settings: CloudSettings) -> None:
    if not (settings.botocore_data / "s3vectors").is_dir():
        message = (
            f"{settings.botocore_data} holds no S3 Vectors model: name the botocore/data folder of an environment "
            "with boto3 1.44.5 or newer by --botocore-data."
        )
        raise LocalCloudError(message)


def _require_language_model_settings() -> None:
    try:
        language_model_server()
    except ValueError as error:
        raise LocalCloudError(str(error)) from error


@contextmanager
def _sole_owner(settings: CloudSettings) -> Iterator[None]:
    """Hold the state folder and describe the cloud for as long as it runs."""
    # Never closed: the system lets go of it when the last thread has ended, and only then is the port free again.
    lock = os.open(settings.lock, os.O_RDWR | os.O_CREAT, LOCK_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        message = f"A local cloud already runs on {settings.state}: stop it, or name another folder by --state."
        raise LocalCloudError(message) from None
    settings.describe(os.getpid())
    try:
        yield
    finally:
        settings.description.unlink(missing_ok=True)


def _serve(settings: CloudSettings) -> None:
    # The emulator reads its environment when it is imported, so not before now.
    from ministack import app  # noqa: PLC0415
    from ministack.core import lambda_runtime  # noqa: PLC0415

    from local import patches  # noqa: PLC0415

    patches.apply_all(settings)
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns about statistics that nobody collects
    sys.argv = ["ministack"]  # its main() reads the command line
    try:
        app.main()
    finally:
        lambda_runtime.reset()
