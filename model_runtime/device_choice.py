"""How a model is to be loaded: where, in which numbers, for which slots. Needs no torch."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlencode

from interject.model_runtime.failures import RuntimeFailure

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
DTYPES = (AUTO, "float32", "bfloat16")
FP8_E4M3 = "fp8_e4m3"
KV_CACHE_DTYPES = (AUTO, FP8_E4M3)
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")
_POSITIONS = re.compile(r"auto|[1-9]\d{0,6}")
_QUERY = re.compile(r"\?(?=[a-z_]+=)")
_SETTINGS = ("device", "dtype", "context", "kv_cache_dtype")
_LOADED = ("embedded:", "local:")
"""Runtimes whose model the opener loads, unless it listens at a socket already."""
_SOCKET = "local:unix:"


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """`auto` takes the first GPU where there is one, what suits the device, as many positions a
    session as the checkpoint has, and slots of the type in which the model computes.

    :raises RuntimeFailure: for a device, type or number of positions that is none.
    """

    device: str = AUTO
    dtype: str = AUTO
    context: str = AUTO
    kv_cache_dtype: str = AUTO

    def __post_init__(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise RuntimeFailure(
                f"device {self.device[:40]!r}: must be auto, cpu, cuda, or cuda:N for the Nth GPU "
                "from 0"
            )
        if self.dtype not in DTYPES:
            raise RuntimeFailure(f"dtype {self.dtype[:40]!r}: must be one of {', '.join(DTYPES)}")
        if not _POSITIONS.fullmatch(self.context):
            raise RuntimeFailure(
                f"context {self.context[:40]!r}: must be auto, or the positions that a session's "
                "memory has, such as 3328"
            )
        if self.kv_cache_dtype not in KV_CACHE_DTYPES:
            raise RuntimeFailure(
                f"kv_cache_dtype {self.kv_cache_dtype[:40]!r}: must be one of "
                f"{', '.join(KV_CACHE_DTYPES)}"
            )

    @property
    def positions(self) -> int | None:
        """In a session's slot; None: as the checkpoint says."""
        return None if self.context == AUTO else int(self.context)

    @property
    def card(self) -> int:
        """Which GPU, if it is to be one."""
        return int(self.device.partition(":")[2] or 0)

    def applied_to(self, url: str) -> str:
        """The URL of a runtime with this choice in it.

        :raises RuntimeFailure: when what is there already says otherwise, or runs on its own.
        """
        if self == DeviceChoice():
            return url
        if not url.startswith(_LOADED) or url.startswith(_SOCKET):
            raise RuntimeFailure(
                "--device, --dtype, --context and --kv-cache-dtype are for a model that this "
                "command loads; that of --runtime runs already: give them to its worker or server"
            )
        place, named = split_place(url)
        if named != DeviceChoice():
            raise RuntimeFailure(
                "the URL of --runtime has settings already; leave out --device, --dtype, --context "
                "and --kv-cache-dtype"
            )
        chosen = {name: value for name, value in asdict(self).items() if value != AUTO}
        return f"{place}?{urlencode(chosen, safe=':')}"


def read_slots(text: str, *, owner: str = "a worker") -> int | None:
    """How many sessions at once; None for `auto`.

    :raises RuntimeFailure: when it is neither that nor a number above 0.
    """
    if text == AUTO:
        return None
    if not re.fullmatch(r"\d{1,6}", text) or int(text) < 1:
        raise RuntimeFailure(
            f"--slots {text[:40]}: {owner} needs at least one slot; give a number, or auto: as "
            "many as a GPU has memory for, 8 on a CPU"
        )
    return int(text)


def split_place(place: str) -> tuple[str, DeviceChoice]:
    """`nano?device=cuda&dtype=bfloat16` apart.

    :raises RuntimeFailure: when what stands behind the question mark is no such setting.
    """
    found = _QUERY.search(place)
    if found is None:
        return place, DeviceChoice()
    settings = dict(parse_qsl(place[found.end() :], keep_blank_values=True))
    for name in settings:
        if name not in _SETTINGS:
            raise RuntimeFailure(
                f"{name[:40]!r}: no setting of a model's URL; it takes {', '.join(_SETTINGS)}"
            )
    return place[: found.start()], DeviceChoice(**settings)
