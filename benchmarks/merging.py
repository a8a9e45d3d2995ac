"""How much memory a merge takes, on two generated checkpoints of the released model's size."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from benchmarks.rig import tiny_config
from interject.model_runtime.checkpoint import native
from interject.model_runtime.checkpoint.model import empty_modules
from interject.model_runtime.network.architecture import ModelConfig
from interject.training.merging.tensor_file import PlannedTensor, header

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTE = (
    "The shapes are the released ones (3B decoder, tower of Qwen2.5-Omni), stored as bfloat16 in "
    "our own layout. All weights of the two sources are zero, in sparse files: they take no room "
    "on the disk, but each page is read and mapped as one with numbers in it. The peak is that of "
    "the whole process (resident set, mapped pages of the files included), as the kernel counts it."
)


def write_sparse(folder: Path, config: ModelConfig) -> int:
    """A checkpoint of zeros; returns the bytes of its weights."""
    folder.mkdir()
    tower, decoder = empty_modules(config)
    tensors = [
        PlannedTensor(prefix + name, tuple(parameter.shape), torch.bfloat16)
        for prefix, module in (("tower.", tower), ("decoder.", decoder))
        for name, parameter in module.named_parameters()
    ]
    begin = header(tensors)
    size = sum(tensor.size_bytes for tensor in tensors)
    with (folder / native.WEIGHTS_FILE).open("wb") as file:
        file.write(begin)
        file.truncate(len(begin) + size)
    native.write_config(config, folder)
    return size


def measured(command: Sequence[str]) -> tuple[float, float]:
    """Seconds, and the peak of the resident set in GB.

    :raises CalledProcessError: when the command fails.
    """
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - began, usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary one)")
    parser.add_argument("--smoke", action="store_true", help="a tiny model; nothing is kept")
    given = parser.parse_args()
    config = ModelConfig(name="generated")
    if given.smoke:
        tiny = tiny_config()
        decoder = replace(tiny.decoder, vocabulary=config.decoder.vocabulary)
        config = replace(config, tower=tiny.tower, decoder=decoder)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        first, second, out = (Path(folder) / name for name in ("first", "second", "out"))
        size = write_sparse(first, config)
        write_sparse(second, config)
        words = ["-m", "interject", "model", "merge", str(first), str(second), "--out", str(out)]
        seconds, peak_gb = measured([sys.executable, *words])
        written = (out / native.WEIGHTS_FILE).stat().st_size
    row = [f"{size / 1e9:.2f}", f"{written / 1e9:.2f}", f"{peak_gb:.2f}", f"{seconds:.0f}"]
    finish(
        Result(
            name="merging",
            title="Memory of a merge",
            command=this_command("merging"),
            hardware=describe(),
            columns=["each source, GB", "written, GB", "peak memory, GB", "seconds"],
            rows=[row],
            notes=[NOTE],
        ),
        keep=not given.smoke,
    )


if __name__ == "__main__":
    main()
