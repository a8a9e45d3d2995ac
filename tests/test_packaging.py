"""The wheel and the sdist hold the whole product, and it imports from the wheel alone."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.strictness import strictly

ROOT = Path(__file__).parent.parent
FOLDERS = ("agent", "cli", "config", "integrations", "model_runtime", "training")
PROFILES = ("default", "call_center_copilot", "meeting_assistant", "podcast_producer")

# Modules of a platform may fail to import where that platform's extra is not installed.
OPTIONAL = {
    "aiohttp",
    "aiortc",
    "fastapi",
    "livekit",
    "pipecat",
    "redis",
    "sounddevice",
    "starlette",
    "twilio",
    "uvicorn",
}

IMPORT_EVERYTHING = f"""
import importlib, pkgutil, sys
target, site_packages = sys.argv[1:]
sys.path[:0] = [target, site_packages]
import interject
assert interject.__file__.startswith(target), interject.__file__
names = [m.name for m in pkgutil.walk_packages(interject.__path__, "interject.")]
for name in names:
    if name.endswith("__main__"):
        continue
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {OPTIONAL!r}:
            raise
print(len(names))
"""

pytestmark = pytest.mark.timeout(300)


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(source: Path, out: Path, *kinds: str) -> None:
    run(
        sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(out), str(source),
        cwd=out.parent,
    )  # fmt: skip


def the_only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    assert len(found) == 1, f"expected one {pattern} in {folder}, found {found}"
    return found[0]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("build") / "dist"
    out.mkdir()
    build(ROOT, out, "--sdist", "--wheel")
    return out


def wheel_files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def package_files() -> set[str]:
    found = {"interject/__init__.py", "interject/__main__.py", "interject/py.typed"}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.add(f"interject/{path.relative_to(ROOT)}")
    return found


def test_wheel_holds_every_file_of_the_packages_and_nothing_else(dist: Path) -> None:
    names = set(wheel_files(the_only(dist, "*.whl")))
    product = {name for name in names if ".dist-info/" not in name}
    assert product == package_files()


def test_wheel_holds_the_default_model_and_the_profiles(dist: Path) -> None:
    names = set(wheel_files(the_only(dist, "*.whl")))
    assert "interject/py.typed" in names
    for name in PROFILES:
        assert f"interject/config/profiles/{name}.yaml" in names
    nano = {Path(name).name for name in names if name.startswith("interject/model_runtime/nano/")}
    assert {"config.json", "tokenizer.json", "MODEL_CARD.md"} <= nano
    assert any(name.endswith(".safetensors") for name in nano)


def test_wheel_names_its_licence_and_its_command(dist: Path) -> None:
    files = wheel_files(the_only(dist, "*.whl"))
    metadata = next(text for name, text in files.items() if name.endswith(".dist-info/METADATA"))
    assert b"License-Expression: Apache-2.0" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in files)
    commands = next(text for name, text in files.items() if name.endswith("entry_points.txt"))
    assert b"interject = interject.cli.main:main" in commands


def test_sdist_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(the_only(dist, "*.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    again = tmp_path / "again"
    again.mkdir()
    build(the_only(tmp_path, "interject-*"), again, "--wheel")
    from_sdist = wheel_files(the_only(again, "*.whl"))
    from_checkout = wheel_files(the_only(dist, "*.whl"))
    assert from_sdist.keys() == from_checkout.keys()
    assert [name for name in from_sdist if from_sdist[name] != from_checkout[name]] == []


def test_every_module_imports_from_the_installed_wheel(dist: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-index", "--no-deps", "--target", str(target), str(the_only(dist, "*.whl")),
        cwd=tmp_path,
    )  # fmt: skip
    # -I -S: neither this checkout nor the .pth file of an editable install is on the path.
    count = run(
        sys.executable, "-I", "-S", *strictly(), "-c", IMPORT_EVERYTHING,
        str(target), sysconfig.get_path("purelib"), cwd=tmp_path,
    )  # fmt: skip
    assert int(count) > len(FOLDERS)
