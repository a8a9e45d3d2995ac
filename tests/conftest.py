from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How long an example takes says more about the machine than about the code.
settings.register_profile("interject", settings.default, deadline=None)
settings.load_profile("interject")

# Whoever runs the tests may have natural voices, and they speak in place of espeak-ng.
os.environ["INTERJECT_VOICES"] = os.devnull


@pytest.fixture(autouse=True)
def handlers_of_signals_are_put_back() -> Iterator[None]:
    """One that stays is inherited by every process that a later test forks."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m gpu` reads no file without such a test: where there is a card, what the others import may
    be missing.
    """
    if config.option.markexpr != "gpu":
        return None
    files = [collection_path] if collection_path.is_file() else collection_path.rglob("*.py")
    return None if any("mark.gpu" in file.read_text("utf-8") for file in files) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked `gpu` needs one; PyTorch is asked only where something is."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = why_no_gpu() if marked else None
    for item in marked if reason else ():
        item.add_marker(pytest.mark.skip(reason=f"no GPU: {reason}"))


def why_no_gpu() -> str | None:
    from interject.model_runtime.cuda import TorchCuda
    from interject.model_runtime.resolved_device import no_gpu

    cuda = TorchCuda()
    return None if cuda.cards() else no_gpu(cuda)
