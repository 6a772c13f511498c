"""`sam local invoke` runs the built functions, with events/ as their input.

Nothing outside of the container answers it, so that a function which asks AWS has to refuse as designed.
"""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.rie.answers import is_answer
from tests.rie.emulator import REPOSITORY

SAM = REPOSITORY / ".venvs/sam/bin/sam"
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
INVOKE_SECONDS = 120
# One with the layer alone, and those with packages of their own.
FUNCTIONS = {"Authorize": "authorize", "ChunkText": "chunk_text", "ExtractText": "extract_text"}


def invoke(logical_id: str, event: Path, image: str, layers: Path) -> tuple[Any, str]:
    """What the function answered and what sam said; sam's exit status is 0 even where the function has failed."""
    command = [
        *(str(SAM), "local", "invoke", logical_id, "--event", str(event)),
        *("--invoke-image", image, "--skip-pull-image", "--layer-cache-basedir", str(layers)),
        *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
    ]
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "ap-northeast-2",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",  # sam asks for the account first, and gives up at once
        "AWS_MAX_ATTEMPTS": "1",
        "SAM_CLI_TELEMETRY": "0",
    }
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=INVOKE_SECONDS,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr
    return json.loads(lines[-1]), done.stderr


@pytest.mark.parametrize("logical_id", sorted(FUNCTIONS))
def test_sam_local_invoke_gets_an_answer(logical_id: str, image: str, tmp_path: Path) -> None:
    event = REPOSITORY / "events" / f"{FUNCTIONS[logical_id]}.json"

    answer, said = invoke(logical_id, event, image, tmp_path)

    assert is_answer(answer), (answer, said)
