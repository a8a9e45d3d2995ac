"""Looks at this machine without changing it."""

from __future__ import annotations

import asyncio
import ctypes.util
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.doctor.finding import Finding, State
from interject.cli.process.standard_streams import holds_unicode

if TYPE_CHECKING:
    from interject.model_runtime.device_choice import DeviceChoice

PACKAGE = Path(__file__).resolve().parents[2]
NEEDED_PYTHON = (3, 11)


def examine(choice: DeviceChoice) -> list[Finding]:
    """`choice` says for which sessions a GPU is to have room."""
    return [
        _python(),
        _output(),
        *(_required(name) for name in ("av", "numpy", "pydantic", "soxr")),
        *_torch(choice),
        _library("espeak-ng", "it speaks the replies", "apt-get install espeak-ng"),
        _nano(),
        _extra("matplotlib", "--plot", "plot"),
        *_microphone(),
        _extra("redis", "workers, 'top' and --runtime redis://", "redis"),
        _extra("livekit-agents", "LiveKit rooms", "livekit"),
        _extra("fastapi", "'serve'", "serve"),
        _extra("twilio", "telephone calls of Twilio's", "twilio"),
        _extra("aiortc", "browsers that call by WebRTC", "webrtc"),
        _extra("http-sf", "calls that contact centres and meetings pass on", "sockets"),
        _extra("pipecat-ai", "pipelines of Pipecat's", "pipecat"),
        _extra("huggingface-hub", "'model fetch'", "hub"),
        _extra("jiwer", "word errors in 'eval'", "eval"),
        _extra("mcp", "tools of a responder", "responder"),
        _extra("onnx", "natural voices", "voices"),
        _voices(),
        _extra("pypdf", "PDFs in a folder of notes", "notes"),
        _extra("faster-whisper", "recognising training speech on this machine", "whisper"),
        _extra("prometheus-client", "/metrics, /healthz and /readyz", "telemetry"),
        _extra("opentelemetry-sdk", "spans", "otel"),
        *_redis(os.environ.get("INTERJECT_REDIS_URL", "")),
    ]


def _python() -> Finding:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < NEEDED_PYTHON:
        return Finding("python", State.MISSING, detail, "install Python 3.11 or later")
    return Finding("python", State.OK, detail)


def _output() -> Finding:
    encoding = sys.stdout.encoding or "utf-8"
    if holds_unicode(sys.stdout):
        return Finding("output", State.OK, encoding)
    detail = f"{encoding}: what it lacks is shown as '?'; --json loses nothing"
    return Finding("output", State.OPTIONAL, detail, "export LC_ALL=C.UTF-8")


def _required(name: str) -> Finding:
    version = _version(name)
    if version is None:
        return Finding(name, State.MISSING, "not installed", "pip install interject")
    return Finding(name, State.OK, version)


def _torch(choice: DeviceChoice) -> list[Finding]:
    remedy = "pip install 'interject[runtime]'"
    missing = [name for name in ("torch", "safetensors", "tokenizers") if _version(name) is None]
    if missing:
        return [Finding("torch", State.MISSING, f"not installed: {', '.join(missing)}", remedy)]
    import torch

    from interject.cli.doctor.gpu import gpus
    from interject.model_runtime.cuda import TorchCuda

    threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
    return [
        Finding("torch", State.OK, f"{torch.__version__}, {threads}"),
        *gpus(TorchCuda(), choice),
    ]


def _library(name: str, use: str, remedy: str, without: State = State.MISSING) -> Finding:
    found = ctypes.util.find_library(name)
    if found is None:
        return Finding(name, without, f"library not found; {use}", remedy)
    return Finding(name, State.OK, found)


def _nano() -> Finding:
    folder = PACKAGE / "model_runtime" / "nano"
    config = folder / "config.json"
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    again = "pip install --force-reinstall --no-deps interject"
    if not config.is_file() or not weights:
        return Finding("nano", State.MISSING, "the default model is not in the package", again)
    try:
        json.loads(config.read_text(encoding="utf-8"))
    except ValueError:
        return Finding("nano", State.MISSING, "config.json is damaged", again)
    return Finding("nano", State.OK, f"{weights / 1e6:.1f} MB of weights")


def _extra(name: str, use: str, extra: str) -> Finding:
    version = _version(name)
    if version is None:
        remedy = f"pip install 'interject[{extra}]'"
        return Finding(name, State.OPTIONAL, f"not installed; needed for {use}", remedy)
    return Finding(name, State.OK, f"{version}, for {use}")


def _microphone() -> list[Finding]:
    """The package for Linux comes without the library that it needs."""
    package = _extra("sounddevice", "'mic'", "mic")
    if package.state is not State.OK or sys.platform != "linux":
        return [package]
    remedy = "apt-get install libportaudio2"
    return [package, _library("portaudio", "needed for 'mic'", remedy, State.OPTIONAL)]


def _voices() -> Finding:
    from interject.agent.voice.installed import installed_voices, voices_folder

    names = [voice.name for voice in installed_voices()]
    if not names:
        detail = f"none in {voices_folder()}; espeak-ng speaks"
        return Finding("voices", State.OPTIONAL, detail, "interject voice list")
    return Finding("voices", State.OK, ", ".join(names))


def _redis(url: str) -> list[Finding]:
    """Only where one is named."""
    if not url or _version("redis") is None:
        return []
    from interject.model_runtime.protocol import RuntimeFailure
    from interject.model_runtime.redis.eviction_policy import SAFE, policy_of

    try:
        policy = asyncio.run(policy_of(url))
    except RuntimeFailure as failure:
        return [Finding("redis server", State.OPTIONAL, str(failure), "see docs/operations.md")]
    if policy in ("", SAFE):
        return [
            Finding("redis server", State.OK, f"answers; maxmemory-policy {policy or 'unknown'}")
        ]
    detail = f"maxmemory-policy {policy}: a full Redis deletes sessions that still run"
    return [Finding("redis server", State.OPTIONAL, detail, f"set maxmemory-policy {SAFE}")]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
