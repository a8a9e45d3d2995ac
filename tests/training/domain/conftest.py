from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.agent.sound_file import as_flac
from interject.training.domain.domain_file import (
    DomainFile,
    DomainSize,
    OthersChoice,
    Reaction,
    read_domain,
)
from interject.training.domain.domain_stock import SMALL, DomainMaterial, read_material
from interject.training.domain.template import EXAMPLE_RECORDINGS, write_template
from interject.training.sounds.waves import glide, tone

if TYPE_CHECKING:
    from pathlib import Path


def whistle(number: int) -> bytes:
    """A kettle's, with a little silence and hiss around it, in a file."""
    rng = np.random.default_rng(number)
    blown = tone(rng, glide((1_800, 2_300 + 20 * number, 2_250), 0.7), 0.7, (1.0, 0.3))
    sound = 0.002 * rng.standard_normal(24_000).astype(np.float32)
    sound[6_000 : 6_000 + len(blown)] += 0.3 * blown
    return as_flac(sound)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A domain as the template has it, with ten recordings."""
    home = tmp_path / "my-domain"
    write_template(home)
    for number in range(10):
        (home / EXAMPLE_RECORDINGS / f"{number}.flac").write_bytes(whistle(number))
    return home


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("speech")


@pytest.fixture
def domain(folder: Path) -> DomainFile:
    size = DomainSize(streams=8, chunks=20, voices_a_phrase=4, test_hours=0.02, minutes=0.05)
    return read_domain(folder).model_copy(update={"size": size, "others": OthersChoice.KEEP})


@pytest.fixture
def material(folder: Path, domain: DomainFile, cache: Path) -> DomainMaterial:
    return read_material(domain, folder, cache, SMALL)


@pytest.fixture
def reaction() -> Reaction:
    return Reaction(name="gate", phrases=("open the gate",), reply="It opens.")
