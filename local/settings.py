"""Where one local cloud lives and how the emulator is told so."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

REGION = "ap-northeast-2"
DEFAULT_PORT = 4566
EMULATOR_VERSION = "1.5.33"
REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_STATE = REPOSITORY / ".local"
DEFAULT_BOTOCORE_DATA = REPOSITORY / ".venv" / "lib" / "python3.13" / "site-packages" / "botocore" / "data"

# What the template uses. Everything else answers "unsupported" instead of being loaded at its first call.
SERVICES = (
    "apigateway",
    "bedrock-runtime",
    "cloudformation",
    "cognito-idp",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "sns",
    "sqs",
    "states",
    "sts",
)


# Patterns of the names of what the local cloud, its launcher and the `onggi` command write into its folder.
HELD_IN_STATE = (
    *("cloud.json", "cloud.log", "data", "deploy.log", "port", "tmp"),
    *("keys.json", ".keys.json.*", "stack.json", ".stack.json.*"),
    *("s3", "s3vectors", "services"),  # by earlier versions
)


class LocalCloudError(Exception):
    """Something the user of the local cloud has to know or to do, as a sentence."""


@dataclass(frozen=True)
class CloudSettings:
    """One local cloud.

    Attributes:
        port: TCP port on 127.0.0.1 that every AWS API answers on.
        state: folder that holds everything the cloud remembers.
        botocore_data: botocore's `data` folder whose service models requests are validated against.
        iam: whether policies are evaluated; without them everybody may do everything, which is for tests alone.
        port_is_named: whether the user has named the port, so that a cloud at another one is not the one meant.
    """

    port: int
    state: Path
    botocore_data: Path
    iam: bool = True
    port_is_named: bool = False

    @property
    def endpoint(self) -> str:
        """The URL to give an SDK as its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def description(self) -> Path:
        """The JSON file that tells other programs where the cloud is."""
        return self.state / "cloud.json"

    @property
    def lock(self) -> Path:
        """The file that a running cloud holds locked."""
        return self.state / "cloud.lock"

    @property
    def log(self) -> Path:
        """Where a cloud started in the background writes."""
        return self.state / "cloud.log"

    @property
    def data(self) -> Path:
        """What the cloud's services hold."""
        return self.state / "data"

    @property
    def temporary(self) -> Path:
        """Scratch space of the emulator and of the functions."""
        return self.state / "tmp"

    def describe(self, pid: int) -> None:
        """Write the description for a cloud that runs as process `pid`, and remember its port."""
        text = json.dumps({"endpoint": self.endpoint, "pid": pid, "region": REGION, "code": code_fingerprint()})
        self.description.write_text(text + "\n", encoding="utf-8")
        _port_file(self.state).write_text(f"{self.port}\n", encoding="utf-8")


def code_fingerprint() -> str:
    """Return a hash of the local cloud's own code and of the list of what it runs on."""
    files = [*sorted((REPOSITORY / "local").rglob("*.py")), REPOSITORY / "requirements" / "emulator.txt"]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(REPOSITORY)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def remembered_port(state: Path) -> int:
    """Return the port that the cloud of this folder ran at last; the default where none ever ran."""
    try:
        return int(_port_file(state).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # or it was killed while it wrote
        return DEFAULT_PORT


def _port_file(state: Path) -> Path:
    return state / "port"


def configure_process(settings: CloudSettings) -> None:
    """Set the environment that the emulator reads when it is imported, and empty its scratch space."""
    shutil.rmtree(settings.temporary, ignore_errors=True)
    settings.temporary.mkdir(parents=True)
    os.environ.update(
        {
            "AUTH": "true" if settings.iam else "false",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(settings.port),
            "IOT_MTLS_ENABLED": "0",
            # Invocations that wait for a slot count, too: local/patches/lambda_runtime.py bounds those that run.
            "LAMBDA_ACCOUNT_CONCURRENCY": "0",
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            "OPENBLAS_NUM_THREADS": "1",  # a process that has threads in OpenBLAS cannot be copied, see local/snapshots
            "PERSIST_STATE": "1",
            "S3_DATA_DIR": str(settings.temporary / "s3"),
            "S3_PERSIST": "1",
            "SERVICES": ",".join(SERVICES),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(settings.data),
            "TMPDIR": str(settings.temporary),
        }
    )
