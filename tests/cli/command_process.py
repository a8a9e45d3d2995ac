"""The command line in a process of its own, with the fake runtime in place of a model.

Run as a script it takes `read_request`'s keywords as one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.cli.listen.request import read_request
from interject.cli.listen.running import run
from interject.cli.process.failures import command
from interject.cli.process.standard_streams import prepare
from tests.cli.fake_runtime import LoudnessRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interject.model_runtime.protocol import Runtime

ROOT = Path(__file__).parent.parent.parent
DEFAULTS: dict[str, Any] = {
    "runtime_url": "fake:",
    "profile": "default",
    "threshold": None,
    "json": True,
    "plot": None,
    "out": None,
    "speed": "max",
    "prompt_ids": None,
    "max_reply_tokens": None,
    "raw_rate_hz": 16_000,
    "raw_channels": 1,
}


@contextlib.contextmanager
def listening(
    *, endless: bool = False, redirected: str = "", variables: Mapping[str, str] | None = None,
    **request: Any,
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """`interject listen` on a fake runtime; its output and errors come through pipes, or where a
    shell has `redirected` them.
    """
    given = json.dumps({**DEFAULTS, **request, "endless": endless})
    words = [sys.executable, "-m", "tests.cli.command_process", given]
    if redirected:
        words = ["sh", "-c", f'exec "$@" {redirected}', "sh", *words]
    with started(words, variables) as process:
        yield process


@contextlib.contextmanager
def started(
    words: list[str], more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive its test, with `more` environment variables."""
    pipe = subprocess.PIPE
    variables = {**os.environ, "PYTHONWARNINGS": "error", "COLUMNS": "100", **(more or {})}
    with subprocess.Popen(
        words, cwd=ROOT, env=variables, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interject(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """The real command line, run to its end."""
    with started([sys.executable, "-m", "interject", *words]) as process:
        out, err = process.communicate(stdin, timeout=170)
    return subprocess.CompletedProcess(words, process.returncode, out.decode(), err.decode())


@command
def _main() -> int:
    given = json.loads(sys.argv[1])
    runtime = LoudnessRuntime(endless=given.pop("endless"))

    async def opener(_url: str) -> Runtime:
        return runtime

    return run(read_request(**given), opener=opener)


if __name__ == "__main__":
    prepare()
    _main()
