"""The process with the model: `python -m interject.model_runtime.local.server --socket PATH`.

With `--child` a `Nursery` has that process forked and reports of it, and ends when its standard
input does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.model_runtime.device_choice import read_slots
from interject.model_runtime.heap import freeze_heap, trimmed_heap
from interject.model_runtime.local.host import Host, listening_at
from interject.model_runtime.local.nursery import BEAT_S, Nursery
from interject.model_runtime.local.process import FAILED, READY, START_S
from interject.model_runtime.opening import EMBEDDED_PREFIX, open_runtime
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.logs import LogFormat, set_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.local.nursery import NurseryLink

EXIT_USAGE = 2


def main() -> int:
    options = _options()
    set_up(sys.stderr, LogFormat.TEXT, "warning")
    if options.child:
        return _nurse(options)
    try:
        asyncio.run(_serve(options, lambda: _print(READY)))
    except RuntimeFailure as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USAGE
    return 0


def _nurse(options: argparse.Namespace) -> int:
    # The threads of NumPy's BLAS would start when it is imported, and not be there after a fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    serve = functools.partial(_be_child, options)
    nursery = Nursery(serve, _own_output(), start_s=options.start_s)
    try:
        return nursery.run()
    finally:
        if nursery.orphaned:
            _remove_folder(Path(options.socket))


def _be_child(options: argparse.Namespace, link: NurseryLink) -> int:
    try:
        asyncio.run(_beat_and_serve(options, link))
    except RuntimeFailure as error:
        link.say(f"{FAILED}{error}")
        return EXIT_USAGE
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve a model to processes of this machine.")
    parser.add_argument("--socket", required=True, help="where to listen")
    parser.add_argument(
        "--model",
        default="nano",
        help="'nano', or a checkpoint's folder; ?device=cuda:1 may follow",
    )
    parser.add_argument("--slots", default="8", help="how many sessions at once, or 'auto'")
    parser.add_argument("--child", action="store_true", help="end with the standard input")
    parser.add_argument("--start-s", type=float, default=START_S, help="a child loads for so long")
    options = parser.parse_args()
    try:
        options.slots = read_slots(options.slots, owner="a server")
    except RuntimeFailure as error:
        parser.error(str(error))
    return options


async def _beat_and_serve(options: argparse.Namespace, link: NurseryLink) -> None:
    beating = asyncio.create_task(_beat(link), name="beat")
    try:
        await _serve(options, lambda: link.say(READY))
    finally:
        beating.cancel()


async def _beat(link: NurseryLink) -> None:
    while True:
        link.say("")
        await asyncio.sleep(BEAT_S)


async def _serve(options: argparse.Namespace, ready: Callable[[], None]) -> None:
    runtime = open_runtime(
        f"{EMBEDDED_PREFIX}{options.model}", slots=options.slots, told=_tell_device
    )
    from interject.model_runtime.embedded import EmbeddedRuntime

    assert isinstance(runtime, EmbeddedRuntime), "the prefix says so"
    async with runtime:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        freeze_heap()
        with listening_at(Path(options.socket)) as listening:
            async with trimmed_heap():
                await Host(runtime).run(listening, stop, ready)


def _tell_device(note: str) -> None:
    sys.stderr.write(f"note: the model computes on {note}\n")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _own_output() -> Callable[[str], None]:
    """Keep the pipe to the owner for reports; what libraries print goes to the log.

    The child holds it too, so the owner starts no other server while that is there.
    """
    pipe = os.dup(1)
    os.dup2(2, 1)

    def say(line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(pipe, f"{line}\n".encode())

    return say


def _remove_folder(path: Path) -> None:
    """The folder of the socket was the owner's; nobody else will remove it."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


if __name__ == "__main__":
    sys.exit(main())
