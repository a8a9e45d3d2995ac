from __future__ import annotations

import ctypes.util
import dataclasses
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from interject import __version__
from interject.cli.doctor.checks import examine
from interject.cli.doctor.finding import State
from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    Decision,
    Frame,
    ReplyDelta,
    Sampling,
    SessionOptions,
)
from tests.cli import command_process as process
from tests.cli.sounds import room, write_float_wav, write_wav

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Event
    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]

HEAVY = ("torch", "numpy", "pydantic", "av", "matplotlib", "transformers", "soxr", "asyncio")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "room.wav", room(4.1, loud_at_s=(1.0, 2.0)))


def one_line(outcome: Outcome, *words: str) -> None:
    """The outcome is exit code 2 and one line that holds these words, and nothing else."""
    assert outcome.code == 2, outcome
    assert outcome.err.startswith("interject: ")
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from interject.cli.commands import app\n"
        "try:\n    app(['--help'])\n"
        "except SystemExit:\n    pass\n"
        f"print('loaded', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "listen" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_version(interject: Call) -> None:
    assert interject("--version").out == f"interject {__version__}\n"


def test_listen_to_a_real_model(interject: Call, sound: Path, checkpoint: Path) -> None:
    outcome = interject("listen", str(sound), "--model", str(checkpoint), "--json")
    told = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 0, outcome.err
    decisions = [event for event in told if event["event"] == "decision"]
    assert [event["chunk"] for event in decisions] == list(range(11))
    for event in decisions:
        odds = np.exp(event["respond_logit"] - event["silent_logit"])
        assert event["p_respond"] == pytest.approx(odds / (1 + odds), rel=1e-4)
        assert (event["decision"] == "respond") == (event["p_respond"] >= 0.5)
    started = [event for event in told if event["event"] == "reply_started"]
    ended = [event for event in told if event["event"] == "reply_ended"]
    responds = [event["chunk"] for event in decisions if event["decision"] == "respond"]
    assert [event["chunk"] for event in started] == responds
    assert len(ended) == len(started)


def test_the_threshold_decides(interject: Call, sound: Path, checkpoint: Path) -> None:
    words = ("listen", str(sound), "--model", str(checkpoint), "--json", "--max-reply-tokens", "3")
    always = interject(*words, "--threshold", "0")
    assert always.out.count('"decision": "respond"') == 11
    never = interject(*words, "--threshold", "1")
    assert never.out.count('"decision": "silent"') == 11


@pytest.mark.timeout(180)
def test_raw_pcm_gives_the_same_decisions_as_a_file(
    interject: Call, sound: Path, checkpoint: Path
) -> None:
    from_file = interject("listen", str(sound), "--model", str(checkpoint), "--json")
    pcm = room(4.1, loud_at_s=(1.0, 2.0)).astype("<i2").tobytes()
    piped = process.interject("listen", "-", "--model", str(checkpoint), "--json", stdin=pcm)
    assert piped.returncode == 0, piped.stderr
    assert decided(piped.stdout) == decided(from_file.out)


def decided(text: str) -> list[Any]:
    events = [json.loads(line) for line in text.splitlines()]
    return [
        (event["chunk"], event["decision"], event.get("token_ids"))
        for event in events
        if event["event"] == "decision"
    ]


@pytest.mark.parametrize("words", [("listen",), ("transcribe",), ("ask", "{}", "what is it")])
def test_a_missing_file(interject: Call, words: tuple[str, ...]) -> None:
    given = [word.format("gone.wav") for word in words]
    outcome = interject(*(given if "gone.wav" in given else [*given, "gone.wav"]))
    one_line(outcome, "gone.wav", "no such file")


def test_a_text_file_named_wav_in_a_process(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("milk, bread, eggs\n" * 20)
    done = process.interject("listen", str(path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"interject: {path}: is not a sound file that can be read, "
        "or is cut before its sound begins\n"
    )


def test_nan_samples_are_told_and_heard(interject: Call, tmp_path: Path, checkpoint: Path) -> None:
    samples = (room(1.0) / 32_768.0).astype(np.float32)
    samples[5:25] = np.nan
    path = write_float_wav(tmp_path / "nan.wav", samples)
    outcome = interject("listen", str(path), "--model", str(checkpoint), "--json")
    assert outcome.code == 0
    assert outcome.err == "interject: note: 20 NaN or infinite samples became silence\n"
    assert json.loads(outcome.out.splitlines()[-1])["nonfinite_samples"] == 20


def test_a_cut_file_is_told_and_heard(interject: Call, sound: Path, checkpoint: Path) -> None:
    sound.write_bytes(sound.read_bytes()[:-64_000])
    outcome = interject("listen", str(sound), "--model", str(checkpoint))
    assert outcome.code == 0
    assert "it says 4.1 s, 2.1 s could be read and were used" in outcome.err
    assert "heard 2.1 s in 6 chunks" in outcome.out


def spoil(checkpoint: Path, folder: Path, kind: str) -> Path:
    if kind == "missing":
        return folder / "gone"
    spoiled = folder / "spoiled"
    shutil.copytree(checkpoint, spoiled)
    weights = spoiled / "model.safetensors"
    match kind:
        case "truncated":
            weights.write_bytes(weights.read_bytes()[:20_000])
        case "without weights":
            weights.unlink()
        case "mis-shaped":
            tensors = load_file(weights)
            tensors["tower.proj.weight"] = torch.zeros(3, 4)
            save_file(tensors, weights)
        case "tensor gone":
            tensors = load_file(weights)
            del tensors["tower.proj.weight"]
            save_file(tensors, weights)
        case "bad JSON":
            (spoiled / "config.json").write_text("{")
    return spoiled


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", ("gone",)),
        ("truncated", ("model.safetensors",)),
        ("without weights", ("model.safetensors",)),
        ("mis-shaped", ("tower.proj.weight", "[3, 4]", "[48, 32]")),
        ("tensor gone", ("tower.proj.weight", "[48, 32]")),
        ("bad JSON", ("spoiled",)),
    ],
)
def test_a_spoiled_checkpoint(
    interject: Call, sound: Path, checkpoint: Path, tmp_path: Path, kind: str,
    words: tuple[str, ...],
) -> None:  # fmt: skip
    model = spoil(checkpoint, tmp_path, kind)
    one_line(interject("listen", str(sound), "--model", str(model)), *words)


def test_an_unknown_profile(interject: Call, sound: Path) -> None:
    outcome = interject("listen", str(sound), "--profile", "meeting_asistant")
    one_line(outcome, "meeting_asistant", "meeting_assistant")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [\n", ()),
        ("name: a\nsystem_prompt: b\ntreshold: 0.5\n", ("treshold", "threshold")),
        ("name: a\nsystem_prompt: b\nthreshold: 7\n", ("threshold",)),
    ],
)
def test_a_bad_profile(
    interject: Call, sound: Path, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(text)
    one_line(interject("listen", str(sound), "--profile", str(profile)), "mine.yaml", *words)


def test_an_unknown_runtime(interject: Call, sound: Path) -> None:
    one_line(
        interject("listen", str(sound), "--runtime", "telnet://x"), "not a runtime", "embedded:"
    )


def test_an_output_that_cannot_be_written(
    interject: Call, sound: Path, tmp_path: Path, checkpoint: Path
) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out.wav"
    one_line(interject("listen", str(sound), "--model", str(checkpoint), "--out", str(out)), "file")


def test_no_microphone_package(interject: Call) -> None:
    if importlib.util.find_spec("sounddevice") is not None:
        pytest.skip("sounddevice is installed here")
    one_line(interject("listen", "mic"), "[mic]'")


def test_ask_prints_an_answer(interject: Call, sound: Path, checkpoint: Path) -> None:
    words = ("ask", str(sound), "what is this", "--model", str(checkpoint), "--max-tokens", "5")
    outcome = interject(*words)
    assert outcome.code == 0, outcome.err
    assert outcome.out.endswith("\n")


def test_an_empty_question(interject: Call, sound: Path) -> None:
    one_line(interject("ask", str(sound), " "), "the question is empty")


def test_model_info(interject: Call, checkpoint: Path) -> None:
    outcome = interject("model", "info", str(checkpoint))
    assert outcome.code == 0
    assert "width 48, layers 2, heads 4, kv_heads 2" in outcome.out
    assert "13 positions, 10 of them sound of 40 ms; a slot of 1,024 holds 31 s" in outcome.out
    assert load_checkpoint(checkpoint).parameter_count() > 0
    assert "tokenizer" in outcome.out


def test_model_info_of_something_else(interject: Call, tmp_path: Path) -> None:
    one_line(interject("model", "info", str(tmp_path)), str(tmp_path))


def test_convert_keeps_the_weights(interject: Call, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "half"
    outcome = interject("model", "convert", str(checkpoint), str(target), "--dtype", "float16")
    assert outcome.code == 0, outcome.err
    before = load_file(checkpoint / "model.safetensors")
    after = load_file(target / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], before[name].half()) for name in before)
    one_line(interject("model", "convert", str(checkpoint), str(target)), "not an empty folder")
    odd = interject("model", "convert", str(checkpoint), str(tmp_path / "o"), "--dtype", "int4")
    one_line(odd, "int4", "bfloat16")


def test_convert_puts_embeddings_together(
    interject: Call, checkpoint: Path, tmp_path: Path
) -> None:
    target, wav = str(tmp_path / "grouped"), tmp_path / "a.wav"
    outcome = interject("model", "convert", str(checkpoint), target, "--grouping", "5")
    assert outcome.code == 0, outcome.err
    assert "puts 5 embeddings together now, which nobody has taught it" in outcome.out
    info = interject("model", "info", target).out
    assert "grouping 5" in info
    assert "5 positions, 2 of them sound of 200 ms; a slot of 1,024 holds 82 s" in info
    cases = tmp_path / "golden.json"
    cases.write_text(json.dumps(golden(Path(target), wav)))
    verified = interject("model", "verify", target, str(cases))
    assert verified.code == 0, verified.out
    assert "It puts 5 embeddings together; the cases must, too." in verified.out
    assert interject("model", "verify", str(checkpoint), str(cases)).code == 1
    other = str(tmp_path / "other")
    one_line(interject("model", "convert", target, other, "--grouping", "2"), "groups by 5 already")
    one_line(interject("model", "convert", target, other, "--grouping", "3"), "one of 1, 2, 5, 10")


def golden(checkpoint: Path, wav: Path) -> dict[str, Any]:
    """What the engine itself does, in the format of a reference run."""
    model = load_checkpoint(checkpoint)
    layout = dataclasses.replace(model.config.layout, banned=(), emotion_slot=False)
    config = dataclasses.replace(model.config, layout=layout)
    engine = Engine(dataclasses.replace(model, config=config), slots=1)
    events: list[Event] = []
    sampling = Sampling(repetition_window=0)
    options = SessionOptions("g", prompt_ids=(1, 2), max_reply_tokens=4, sampling=sampling)
    engine.open(options, events.append)
    samples = room(1.2, loud_at_s=(0.0,)).astype("<i2")
    write_wav(wav, samples)
    for seq, start in enumerate(range(0, len(samples), FRAME_SAMPLES)):
        end = start + FRAME_SAMPLES
        ahead = samples[end : end + LOOKAHEAD_SAMPLES].tobytes()
        engine.push("g", Frame(seq, 0.0, samples[start:end].tobytes(), ahead))
        while engine.step():
            pass
    chunks: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, Decision):
            logits = {"silent": event.silent_logit, "respond": event.respond_logit}
            chunks.append({**logits, "tokens": []})
        elif isinstance(event, ReplyDelta):
            chunks[-1]["tokens"] += event.token_ids
    case = {"wav": wav.name, "features": "streaming", "chunks": chunks}
    return {"tolerance": 0.01, "cases": [case], "prompt_ids": [1, 2], "max_reply_tokens": 4}


def test_verify_tells_same_from_different(
    interject: Call, checkpoint: Path, tmp_path: Path
) -> None:
    values = golden(checkpoint, tmp_path / "case.wav")
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(values))
    same = interject("model", "verify", str(checkpoint), str(path))
    assert (same.code, "same" in same.out) == (0, True), same
    values["cases"][0]["chunks"][1]["silent"] += 0.5
    path.write_text(json.dumps(values))
    other = interject("model", "verify", str(checkpoint), str(path), "--audio", str(tmp_path))
    assert (other.code, "differs" in other.out) == (1, True)
    assert "largest logit error 5.00e-01, 0 differing tokens" in other.out


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", None])
def test_verify_with_bad_golden_values(
    interject: Call, checkpoint: Path, tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "golden.json"
    if text is not None:
        path.write_text(text)
    one_line(interject("model", "verify", str(checkpoint), str(path)), "golden.json")


def test_doctor_names_every_part(interject: Call) -> None:
    outcome = interject("doctor")
    for part in (
        "python",
        "output",
        "torch",
        "av",
        "espeak-ng",
        "nano",
        "matplotlib",
        "sounddevice",
        "redis",
        "livekit-agents",
    ):
        assert part in outcome.out
    assert outcome.code == (1 if "required part(s) missing" in outcome.out else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the package brings PortAudio")
def test_doctor_says_what_the_microphone_s_package_comes_without() -> None:
    """The package alone opens no microphone."""
    found = {finding.part: finding for finding in examine(DeviceChoice())}
    if found["sounddevice"].state is not State.OK:
        assert "portaudio" not in found
        return
    is_there = ctypes.util.find_library("portaudio") is not None
    assert found["portaudio"].state is (State.OK if is_there else State.OPTIONAL)
    assert ("libportaudio2" in found["portaudio"].remedy) is not is_there


def test_doctor_says_what_every_extra_is_for_and_names_no_other() -> None:
    text = (Path(__file__).parent.parent.parent / "pyproject.toml").read_text("utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    packages = {
        re.split(r"[\[><=]", extras[name][0])[0]
        for name in extras.keys() - {"runtime", "train", "dev"}
    }
    found = {finding.part: finding for finding in examine(DeviceChoice())}
    assert packages <= found.keys()
    for package in packages:
        assert " for " in found[package].detail
    for finding in found.values():
        offered = re.findall(r"interject\[(\w+)\]", finding.remedy)
        assert set(offered) <= extras.keys()


KITCHEN = str(Path(__file__).parent.parent.parent / "examples" / "kitchen.wav")


@pytest.mark.parametrize("words", [["doctor"], ["top"], ["listen", KITCHEN, "--runtime", "{}"]])
def test_no_command_repeats_the_password_of_a_redis(
    interject: Call, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    url = "redis://:se/cret@127.0.0.1:1/0"
    monkeypatch.setenv("INTERJECT_REDIS_URL", url)
    outcome = interject(*(word.format(url) for word in words))
    said = " ".join((outcome.out + outcome.err).split())
    assert "must be percent-encoded" in said
    assert "cret" not in said
    assert "internal error" not in said


def test_processes_of_a_command_import_nothing_from_the_working_folder(tmp_path: Path) -> None:
    """The jobs of `interject livekit start` come from a process that begins with `-c`."""
    (tmp_path / "wave.py").write_text("raise SystemExit('not the one')")
    script = (
        "import subprocess, sys\n"
        "from interject.cli.main import main\n"
        "sys.argv[1:] = ['--version']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    subprocess.run([sys.executable, '-c', 'import wave'], check=True)\n"
    )
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
