"""A report of a benchmark, read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from interject.training.sound_benchmark.clips import BenchmarkError

if TYPE_CHECKING:
    from pathlib import Path

    from interject.config.strict import StrictModel

Report = TypeVar("Report", bound="StrictModel")


def read_report_file(path: Path, model: type[Report], command: str, *, most_bytes: int) -> Report:
    """`command` is what writes such reports.

    :raises BenchmarkError: when it is none; the line names the file and the field.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as exc:
        raise BenchmarkError(f"{path}: cannot be read ({(exc.strerror or '').lower()})") from None
    if len(content) > most_bytes:
        raise BenchmarkError(f"{path}: larger than {most_bytes} bytes, so not a report")
    try:
        return model.model_validate_json(content)
    except ValidationError as exc:
        problem = exc.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "it"
        raise BenchmarkError(
            f"{path}: is no report of '{command}' ({field}: {problem['msg']})"
        ) from None
