from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from interject.config import load_profile
from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.resolved_device import resolve_device
from interject.training.domain.domain_file import FILE_NAME
from interject.training.domain.domain_run import MODEL, PROFILE, WORK, learn_domain
from interject.training.domain.domain_stock import SMALL
from interject.training.domain.report import FIGURES, PAGE, PICTURE

if TYPE_CHECKING:
    from pathlib import Path


class Watch:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.done = 0

    def part(self, name: str, total: int | None) -> None:
        del total
        self.parts.append(name)

    def advanced(self, count: int) -> None:
        self.done += count

    def note(self, text: str) -> None:
        assert text


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_folder_becomes_a_model_with_a_profile_and_a_report(folder: Path) -> None:
    file = folder / FILE_NAME
    small = "{streams: 8, chunks: 20, voices_a_phrase: 4, test_hours: 0.02, minutes: 0.15}"
    file.write_text(file.read_text().split("size:")[0] + f"size: {small}\n")
    device, watch = resolve_device(DeviceChoice("cpu")), Watch()
    stopped = learn_domain(folder, device, watch, stop=lambda: True, general=SMALL)
    assert stopped.report is None
    assert not (folder / MODEL).exists()
    outcome = learn_domain(folder, device, watch, general=SMALL)
    assert outcome.report is not None
    assert watch.parts[-1] == "examination"
    learnt, base = load_checkpoint(str(folder / MODEL)), load_checkpoint("nano")
    pairs = zip(learnt.decoder.parameters(), base.decoder.parameters(), strict=True)
    assert any(not torch.equal(mine, theirs) for mine, theirs in pairs)
    profile = load_profile(folder / PROFILE)
    assert profile.threshold == outcome.report.learnt.threshold
    figures = json.loads((folder / FIGURES).read_text())
    assert figures["after"]["reactions"].keys() == {"kettle", "open-the-gate", "others"}
    page = (folder / PAGE).read_text()
    assert "| kettle | 7 / 3 |" in page
    assert (folder / PICTURE).read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / WORK).glob("*/data/manifest.json"))) == 1
