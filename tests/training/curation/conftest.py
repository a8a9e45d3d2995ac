from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.training.curation.worlds import make_sounds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def sounds_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sounds(tmp_path_factory.mktemp("sounds"))
