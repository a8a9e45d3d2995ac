"""With real packages, made here, and an `apt-get` that has no network to ask."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from interject.agent.sound_file import as_flac, read_sound_file
from interject.training.recordings.collection import RecordingCollection
from interject.training.recordings.fetch import CollectionFetch
from interject.training.recordings.recording import RecordingKind, RecordingUse
from interject.training.recordings.source import RecordingSource

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

COPYRIGHT = """\
Files: *
Copyright: Ann
License: GPL-3+

Files: sounds/bell.wav
Copyright: 2011 Bob
License: CC-BY-3.0
"""
CUT = "is cut: its header says 16078 bytes, 9000 are there; left out"
APT_GET = """\
#!{python}
import pathlib, shutil, sys
deb = pathlib.Path({folder!r}) / (sys.argv[-1] + ".deb")
if not deb.exists():
    sys.exit("E: Unable to locate package " + sys.argv[-1])
shutil.copy(deb, sys.argv[-1] + "_1_all.deb")
"""


def tone(seconds: float = 0.5, hz: float = 440.0) -> Wave:
    time_s = np.arange(int(seconds * 16_000)) / 16_000
    return (np.sin(2 * np.pi * hz * time_s) * 0.3).astype(np.float32)


def encoded(wave: Wave, codec: str, container: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=16_000, layout="mono")
        pcm = (wave * 32_767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose packages the `apt-get` of this test gives out."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")
    folder, programs = tmp_path / "registry", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    apt_get = programs / "apt-get"
    apt_get.write_text(APT_GET.format(python=sys.executable, folder=str(folder)))
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return folder


def package(registry: Path, name: str, files: dict[str, bytes]) -> None:
    root = registry / "root"
    for path, content in {**files, "DEBIAN/control": control(name)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    command = ["dpkg-deb", "--build", str(root), str(registry / f"{name}.deb")]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(root)


def control(name: str) -> bytes:
    lines = (
        f"Package: {name}",
        "Version: 1",
        "Architecture: all",
        "Maintainer: A",
        "Description: A",
    )
    return ("\n".join(lines) + "\n").encode()


def unheard(line: str) -> None:
    pass


def source(name: str = "toys", **changed: Any) -> RecordingSource:
    given = {
        "name": name, "registry": "apt", "package": name, "about": "toys", "use": "by_licence",
        "licence": "GPL-3+", "credit": "Ann",
        "copyright": {"path": "usr/share/doc/toys/copyright", "strip": "usr/share/"},
        "recordings": [
            {"kind": "sound", "label": "bell", "files": ["*/bell*.wav"]},
            {"kind": "background", "label": "hum", "files": ["*/hum*"]},
        ],
    }  # fmt: skip
    return RecordingSource.model_validate({**given, **changed})


def toys(registry: Path) -> None:
    package(
        registry,
        "toys",
        {
            "usr/share/doc/toys/copyright": COPYRIGHT.encode(),
            "usr/share/sounds/bell.wav": encoded(tone(), "pcm_s16le", "wav"),
            "usr/share/sounds/bell_again.wav": encoded(tone(), "pcm_s16le", "wav"),
            "usr/share/sounds/bell_cut.wav": encoded(tone(hz=500), "pcm_s16le", "wav")[:9_000],
            "usr/share/sounds/bell_mute.wav": encoded(tone() * 0, "pcm_s16le", "wav"),
            "usr/share/sounds/hum_long.flac": as_flac(tone(6.0, 100.0)),
            "usr/share/sounds/hum_short.flac": as_flac(tone(1.0, 100.0)),
            "usr/share/sounds/unknown.wav": encoded(tone(hz=300), "pcm_s16le", "wav"),
        },
    )


def test_a_package_becomes_recordings(registry: Path, tmp_path: Path) -> None:
    toys(registry)
    said: list[str] = []
    CollectionFetch(tmp_path / "real", said.append).fetch([source()])
    collection = RecordingCollection.open(tmp_path / "real")
    bell, long, short = collection.recordings
    assert bell.file == "toys/usr/share/sounds/bell.flac"
    assert (bell.licence, bell.credit, bell.use) == ("CC-BY-3.0", "Bob", RecordingUse.TRAIN)
    assert (long.licence, long.credit, long.use) == ("GPL-3+", "Ann", RecordingUse.EVALUATE)
    assert (long.kind, short.kind) == (RecordingKind.BACKGROUND, RecordingKind.SOUND)
    assert float(np.abs(collection.read(bell) - tone()).max()) < 1e-3
    assert said == [
        "toys (1 of 1): fetching toys",
        "toys: usr/share/sounds/bell_cut.wav " + CUT,
        "toys: usr/share/sounds/bell_mute.wav is shorter than 0.1 s or silent; left out",
        "toys: 3 recordings, 0.1 min; 1 files without a label left out",
    ]
    assert [p.name for p in (tmp_path / "real").iterdir() if p.name.startswith(".")] == []


def test_a_source_that_cannot_be_had_is_one_line_and_the_next_is_fetched(
    registry: Path, tmp_path: Path
) -> None:
    toys(registry)
    said: list[str] = []
    run = CollectionFetch(tmp_path / "real", said.append)
    run.fetch([source("gone"), source()])
    assert run.failed == ["gone"]
    assert said[1] == "gone: cannot be had, left out: apt-get: E: Unable to locate package gone"
    assert {r.source for r in RecordingCollection.open(tmp_path / "real").recordings} == {"toys"}


def test_a_second_fetch_goes_on_with_what_is_missing(registry: Path, tmp_path: Path) -> None:
    toys(registry)
    CollectionFetch(tmp_path / "real", unheard).fetch([source()])
    kept = tmp_path / "real/toys/usr/share/sounds/bell.flac"
    before = kept.stat().st_mtime_ns
    package(registry, "more", {"usr/share/sounds/bell.wav": encoded(tone(), "pcm_s16le", "wav")})
    said: list[str] = []
    CollectionFetch(tmp_path / "real", said.append).fetch([source(), source("more")])
    assert said[0] == "toys (1 of 2): is there"
    assert kept.stat().st_mtime_ns == before
    sources = [r.source for r in RecordingCollection.open(tmp_path / "real").recordings]
    assert sources == ["toys"] * 3 + ["more"]


def test_again_replaces_what_a_source_had(registry: Path, tmp_path: Path) -> None:
    toys(registry)
    CollectionFetch(tmp_path / "real", unheard).fetch([source()])
    package(registry, "toys", {"usr/share/sounds/hum.flac": as_flac(tone(5.5))})
    said: list[str] = []
    CollectionFetch(tmp_path / "real", said.append).fetch([source()], again=True)
    (hum,) = RecordingCollection.open(tmp_path / "real").recordings
    assert hum.licence == "GPL-3+"
    assert sorted(p.name for p in (tmp_path / "real/toys").rglob("*.flac")) == ["hum.flac"]
    assert said[1:3] == [
        "toys: holds no usr/share/doc/toys/copyright; all of it is GPL-3+",
        "toys: no file matches */bell*.wav (bell); the package has changed",
    ]


def test_formats_that_do_not_say_what_they_are(registry: Path, tmp_path: Path) -> None:
    wave = tone(1.0)
    package(
        registry,
        "toys",
        {
            "usr/a/bell.g722": encoded(wave, "g722", "g722"),
            "usr/a/bell.raw": (wave * 32_767).astype("<i2").tobytes(),
        },
    )
    one = source(copyright=None, recordings=[{"kind": "sound", "label": "bell", "files": ["*"]}])
    CollectionFetch(tmp_path / "real", unheard).fetch([one])
    files = sorted((tmp_path / "real/toys").rglob("*.flac"))
    assert len(files) == 2
    for file in files:
        heard = read_sound_file(file)
        assert abs(len(heard) - len(wave)) < 400
        spectrum = np.abs(np.fft.rfft(heard[2_000:10_000]))
        assert abs(int(spectrum.argmax()) * 2 - 440) <= 2


def test_what_is_long_is_cut(registry: Path, tmp_path: Path) -> None:
    package(registry, "toys", {"usr/a/hum.flac": as_flac(tone(8.0))})
    rule = {"kind": "background", "label": "hum", "files": ["*"], "most_s": 6.0}
    one = source(copyright=None, recordings=[rule])
    CollectionFetch(tmp_path / "real", unheard).fetch([one])
    (hum,) = RecordingCollection.open(tmp_path / "real").recordings
    assert hum.seconds == 6.0
