"""What a data set holds, and what it was made from: `manifest.json`, written last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from interject.config.strict import StrictModel
from interject.training.dataset.problem import DatasetError, bad_model
from interject.training.dataset.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_NAME = "manifest.json"
FORMAT: Literal["interject-streams"] = "interject-streams"
VERSION: Literal[1] = 1
SHARD_NAME = r"shard-\d{5,}\.tar"


class BuildSettings(StrictModel):
    """All that decides what is built: the same settings are the same bytes.

    `settings` are the recipe's. More streams may be asked for later; all else stays.
    """

    recipe: Annotated[str, Field(min_length=1)]
    settings: dict[str, Any]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    count: Annotated[int, Field(ge=1, le=100_000_000)]
    streams_per_shard: Annotated[int, Field(ge=1, le=100_000)] = 64

    def is_continued_by(self, other: BuildSettings) -> bool:
        same = self.model_copy(update={"count": other.count}) == other
        return same and self.count <= other.count

    @property
    def shards(self) -> int:
        return -(-self.count // self.streams_per_shard)

    def numbers(self, shard: int) -> range:
        first = shard * self.streams_per_shard
        return range(first, min(first + self.streams_per_shard, self.count))


class ShardEntry(StrictModel):
    """One file. `numbers` is how many streams were asked of it: some may have been discarded."""

    name: Annotated[str, Field(pattern=f"^{SHARD_NAME}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    numbers: Annotated[int, Field(ge=1)]
    tally: Tally


class Manifest(StrictModel):
    """`interject` is the version that wrote it; `hours` are those of sound."""

    format: Literal["interject-streams"] = FORMAT
    version: Literal[1] = VERSION
    interject: str
    build: BuildSettings
    hours: float
    total: Tally
    shards: tuple[ShardEntry, ...]


def shard_name(number: int) -> str:
    return f"shard-{number:05d}.tar"


def read_manifest(folder: Path) -> Manifest:
    """:raises DatasetError: when there is none, or it is none."""
    path = folder / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        if not folder.is_dir():
            raise DatasetError(f"{folder}: there is no such folder") from None
        raise DatasetError(
            f"{folder}: holds no {MANIFEST_NAME}, so no whole data set; "
            "what is half built is finished by the command that began it"
        ) from None
    except OSError as exc:
        raise DatasetError(f"{path}: cannot be read ({(exc.strerror or '').lower()})") from exc
    except ValidationError as exc:
        raise bad_model(str(path), exc, Manifest) from None
