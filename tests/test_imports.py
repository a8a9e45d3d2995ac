"""Imports point one way, and a machine without PyTorch can run everything but the model."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.strictness import strictly

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent

BELOW_CLI = (
    "interject.agent", "interject.config", "interject.integrations", "interject.model_runtime",
    "interject.training",
)  # fmt: skip
SHARED_BY_COMMANDS = ("interject.cli.input", "interject.cli.output", "interject.cli.process")
COMMANDS = (
    "bench",
    "data",
    "doctor",
    "eval",
    "listen",
    "livekit",
    "model",
    "offline",
    "profile",
    "records",
    "serve",
    "sockets",
    "top",
    "train",
    "twilio",
    "webhook",
    "worker",
)
SHARED_BY_DOORS = (
    "interject.agent", "interject.config", "interject.integrations.audio",
    "interject.integrations.conversation", "interject.model_runtime.opening",
    "interject.model_runtime.open_runtime", "interject.model_runtime.protocol",
)  # fmt: skip

# What each folder may import of ours, beside itself.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "agent": (
        "interject.config", "interject.model_runtime.forwarding",
        "interject.model_runtime.protocol",
    ),
    "model_runtime": (),
    "model_runtime/network": ("interject.model_runtime.protocol",),
    "model_runtime/engine": (
        "interject.model_runtime.checkpoint", "interject.model_runtime.network",
        "interject.model_runtime.protocol",
    ),
    "integrations": (
        "interject.agent", "interject.config", "interject.model_runtime.opening",
        "interject.model_runtime.open_runtime", "interject.model_runtime.protocol",
    ),
    "integrations/conversation": (
        "interject.agent", "interject.config", "interject.integrations.audio",
        "interject.model_runtime.protocol",
    ),
    "integrations/livekit": (
        "interject.agent", "interject.config", "interject.integrations.audio",
        "interject.integrations.conversation", "interject.model_runtime.opening",
        "interject.model_runtime.open_runtime", "interject.model_runtime.protocol",
    ),
    "integrations/audio": ("interject.agent", "interject.model_runtime.protocol"),
    "integrations/pipecat": SHARED_BY_DOORS,
    "integrations/web": SHARED_BY_DOORS,
    "integrations/twilio": (*SHARED_BY_DOORS, "interject.integrations.web"),
    "integrations/sockets": (
        *SHARED_BY_DOORS, "interject.integrations.web",
        "interject.integrations.twilio.simulator.mulaw",
    ),
    "integrations/sockets/simulator": ("interject.integrations.twilio.simulator.mulaw",),
    "integrations/twilio/simulator": (),
    "integrations/console": (*SHARED_BY_DOORS, "interject.integrations.web"),
    "integrations/webrtc": (*SHARED_BY_DOORS, "interject.integrations.web"),
    "training": (
        "interject.model_runtime", "interject.agent.voice", "interject.config.endpoint",
        "interject.agent.sound_file",
        "interject.config.lists",
        "interject.config.problems", "interject.config.strict", "interject.config.yaml_file",
    ),
    "config": (),
    "cli": BELOW_CLI,
    "cli/process": BELOW_CLI,
    "cli/input": (*BELOW_CLI, "interject.cli.process"),
    "cli/output": (*BELOW_CLI, "interject.cli.process"),
    **{f"cli/{command}": (*BELOW_CLI, *SHARED_BY_COMMANDS) for command in COMMANDS},
}  # fmt: skip
HEAVY = ("torch", "transformers", "safetensors", "tokenizers", "scipy", "matplotlib")
PLATFORM_SDKS = ("aiortc", "livekit", "pipecat", "twilio")
SHARED_BY_PLATFORMS = ("integrations/audio", "integrations/conversation", "integrations/web")
LIGHT_FOLDERS = ("agent", "cli", "config", "integrations")

IMPORT_WITHOUT = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"{name} is not on a media machine", name=name)

sys.meta_path.insert(0, Refuse())
optional = {"aiohttp", "aiortc", "fastapi", "livekit", "pipecat", "redis", "sounddevice",
    "starlette", "twilio", "uvicorn"}
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in optional - set(sys.argv[1].split(",")):
            raise
"""


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names, one for each thing that the statement brings in."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"relative import on line {node.lineno}"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return {name for node in ast.walk(tree) for name in imported(node)}


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("interject", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def imports_without(refused: tuple[str, ...], names: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *strictly(), "-c", IMPORT_WITHOUT, ",".join(refused), *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folder_imports_only_what_lies_below_it(folder: str) -> None:
    allowed = (
        f"interject.{folder.replace('/', '.')}",
        *MAY_IMPORT[folder],
        "interject.__version__",
    )
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name in imports_of(path)
        if inside(name, "interject") and not any(inside(name, package) for package in allowed)
    }
    assert wrong == set()


@pytest.mark.parametrize("folder", [*MAY_IMPORT, "benchmarks", "examples"])
def test_nothing_imports_tests_or_a_bare_folder_name(folder: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name in imports_of(path)
        if name.split(".")[0] in {"tests", *MAY_IMPORT}
    }
    assert wrong == set()


def test_everything_but_the_model_imports_without_torch() -> None:
    names = [module_name(path) for folder in LIGHT_FOLDERS for path in sources(folder)]
    names += ["interject.model_runtime", "interject.model_runtime.protocol"]
    imports_without(HEAVY, names)


def test_the_model_runtime_imports_without_triton() -> None:
    """CPU builds of PyTorch bring none."""
    names = [module_name(path) for path in sources("model_runtime")]
    imports_without(("triton",), [name for name in names if ".network.kernels" not in name])


@pytest.mark.parametrize("folder", SHARED_BY_PLATFORMS)
def test_what_platforms_share_and_its_tests_know_no_platforms_sdk(folder: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (*sources(folder), *sources(f"tests/{folder}"))
        for name in imports_of(path)
        if name.split(".")[0] in PLATFORM_SDKS
    }
    assert wrong == set()


def test_what_platforms_share_and_its_tests_import_where_no_sdk_is_installed() -> None:
    """`LIGHT_FOLDERS` are refused PyTorch only."""
    names = [module_name(path) for folder in SHARED_BY_PLATFORMS for path in sources(folder)]
    names += [
        module_name(path).removeprefix("interject.")
        for folder in SHARED_BY_PLATFORMS
        for path in sources(f"tests/{folder}")
    ]
    imports_without(PLATFORM_SDKS, names)


def imported_at_once(path: Path) -> set[str]:
    """What a module needs before it is there: nothing for types only, nothing inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return {name for statement in tree.body for name in imported(statement)}


def test_no_module_waits_for_itself_to_be_imported() -> None:
    """Such a circle works or not by which of its modules is imported first."""
    paths = {module_name(path): path for folder in MAY_IMPORT for path in sources(folder)}
    needs = {
        module: {
            name if name in paths else name.rpartition(".")[0] for name in imported_at_once(path)
        }
        for module, path in paths.items()
    }
    graphlib.TopologicalSorter(needs).prepare()


@pytest.mark.parametrize("side", ["client", "worker"])
def test_one_side_of_redis_is_known_to_itself_alone(side: str) -> None:
    """What both sides share imports neither of them."""
    own = f"interject.model_runtime.redis.{side}"
    knowing = {
        module_name(path)
        for path in sources("model_runtime/redis")
        if not inside(module_name(path), own)
        if any(inside(name, own) for name in imports_of(path))
    }
    assert knowing == set()
