"""What the tests of the local runtime share."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.checkpoint import save_native
from interject.model_runtime.embedded import EmbeddedRuntime
from interject.model_runtime.local.host import Host, listening_at
from tests.contract.runtime_contract import DEADLINE_S
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from interject.model_runtime.local.runtime import LocalRuntime


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A socket's path must be short; pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="ij-"))
    yield folder / "s"
    shutil.rmtree(folder)


@pytest.fixture(scope="package")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model, for processes that load it."""
    folder = tmp_path_factory.mktemp("checkpoint")
    save_native(small_model(), folder)
    return folder


@contextlib.asynccontextmanager
async def hosted(path: Path, *, slots: int = 2) -> AsyncIterator[EmbeddedRuntime]:
    """A server in this process."""
    stop, ready = asyncio.Event(), asyncio.Event()
    runtime = EmbeddedRuntime(small_model(), slots=slots)
    with listening_at(path) as listening:
        async with asyncio.TaskGroup() as group:
            group.create_task(Host(runtime).run(listening, stop, ready.set))
            await ready.wait()
            try:
                yield runtime
            finally:
                stop.set()


async def until_free(runtime: LocalRuntime, slots: int) -> None:
    """A server learns by and by that a client has gone."""
    free = None
    async with asyncio.timeout(DEADLINE_S):
        while free != slots:
            await asyncio.sleep(0.01)
            free = await runtime.free_slots()
