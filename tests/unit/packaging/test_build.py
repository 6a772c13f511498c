import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from layers.packaging import build

REPOSITORY = Path(__file__).resolve().parents[3]


def write(root: Path, names: Iterable[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("VALUE = 1\n" if name.endswith(".py") else "text", encoding="utf-8")


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_an_artifact_holds_code_and_its_data_but_nothing_for_developers(tmp_path: Path) -> None:
    source, artifact = tmp_path / "source", tmp_path / "artifact"
    write(source, ["app.py", "readers/pdf.py", "readers/fonts.json"])
    write(source, ["README.md", "readers/NOTES.md", "Makefile", "requirements.in", "tests/test_app.py", ".hidden"])
    write(source, ["__pycache__/app.cpython-312.pyc"])

    build.build(source, artifact, "arm64")

    assert files(artifact) == {
        "app.py",
        "__pycache__/app.cpython-313.pyc",
        "readers/pdf.py",
        "readers/__pycache__/pdf.cpython-313.pyc",
        "readers/fonts.json",
    }


def test_bytecode_is_used_whatever_time_stamp_the_archive_gave_its_source(tmp_path: Path) -> None:
    source, artifact = tmp_path / "source", tmp_path / "artifact"
    write(source, ["app.py"])
    build.build(source, artifact, "x86_64")
    header = (artifact / "__pycache__/app.cpython-313.pyc").read_bytes()[:8]
    assert header[:4] == MAGIC_NUMBER
    assert int.from_bytes(header[4:], "little") == 0b01  # PEP 552: hash-based, not checked

    (artifact / "app.py").write_text("VALUE = 2\n", encoding="utf-8")

    program = [sys.executable, "-c", "import app; print(app.VALUE)"]
    loaded = subprocess.run(program, cwd=artifact, capture_output=True, encoding="utf-8", check=True)
    assert loaded.stdout == "1\n"


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write(source, ["app.py", "readers/pdf.py"])
    artifacts = [tmp_path / "one", tmp_path / "other" / "python"]
    for artifact in artifacts:
        build.build(source, artifact, "arm64")
    one, other = ({name: (artifact / name).read_bytes() for name in files(artifact)} for artifact in artifacts)
    assert one == other


def test_pruning_keeps_code_metadata_and_the_models_of_used_services(tmp_path: Path) -> None:
    kept = {
        "boto3/data/s3/resources-1.json",
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/docs/service.py",
        "langsmith/testing/__init__.py",
        "pypdf-7.dist-info/METADATA",
        "pypdf-7.dist-info/entry_points.txt",
        "pypdf-7.dist-info/licenses/LICENSE.md",
    }
    pruned = {
        "bin/normalizer",
        "boto3/data/ec2/resources-1.json",
        "boto3/examples/s3.rst",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/s3/2006-03-01/examples-1.json",
        "jsonpatch-stubs/__init__.pyi",
        "pypdf-7.dist-info/INSTALLER",
        "pypdf-7.dist-info/RECORD",
        "pypdf/README.md",
        "pypdf/py.typed",
        "pypdf/_reader.pyi",
        "sniffio/_tests/test_sniffio.py",
        "tests/test_all.py",
    }
    write(tmp_path, kept | pruned)

    build.prune(tmp_path, ["s3"])

    assert files(tmp_path) == kept


def test_botocore_keeps_the_model_of_every_service_that_is_called_and_of_no_other() -> None:
    called = {
        name
        for module in (REPOSITORY / "layers/core/onggi").rglob("*.py")
        for name in re.findall(r"\.client\(\s*\"([a-z0-9-]+)\"", module.read_text(encoding="utf-8"))
    }
    assert called == set(build.used_services())


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_without_uv_pip_installs_for_lambda_and_not_for_this_machine(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(build, "find_spec", lambda _: object())
    command = build.installer(architecture)
    platforms = {word.removeprefix("--platform=") for word in command if word.startswith("--platform=")}
    machine = build.MACHINES[architecture]
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert {f"manylinux2014_{machine}", f"manylinux_2_17_{machine}", f"manylinux_2_34_{machine}"} <= platforms
    assert all(platform.endswith(machine) for platform in platforms)


def test_without_uv_and_pip_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(build, "find_spec", lambda _: None)
    with pytest.raises(build.BuildError, match="install uv, or pip"):
        build.installer("arm64")


def test_only_locked_wheels_are_installed_and_a_failure_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def refuse(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        assert not check
        commands.append(command)
        return subprocess.CompletedProcess(command, 1)

    write(tmp_path, ["requirements.txt"])
    monkeypatch.setattr("subprocess.run", refuse)
    with pytest.raises(build.BuildError, match=r"could not be installed for arm64"):
        build.build(tmp_path, tmp_path / "artifact", "arm64")
    assert {"--require-hashes", "--no-deps", ":all:"} <= set(commands[0])
