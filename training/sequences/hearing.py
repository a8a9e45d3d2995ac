"""What the adapter reads of a sequence's sound: features, then the tower below it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from interject.model_runtime.network.features import StreamingLogMel, whole_clip
from interject.training.sequences.sequence import SequenceMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.model_runtime.network.encoder import AudioTower
    from interject.training.sequences.sequence import TrainingSequence


class Hearing(Protocol):
    """How sequences are heard."""

    def states(self, tower: AudioTower, sequence: TrainingSequence) -> Tensor:
        """What `tower.adapt` reads: [10 a chunk, tower width]."""


def short_attention(device: torch.device) -> AbstractContextManager[None]:
    """On a CPU, PyTorch's fused attention over the 20 columns of a chunk takes five times as long
    as matrix products do: a fifth of a whole step."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def tower_windows(sequence: TrainingSequence, config: ModelConfig) -> list[Tensor]:
    """The tower's windows [bins, columns]: a stream's chunks, or longer pieces of a clip.

    The same features as the engine's, from the same code.
    """
    sound = torch.from_numpy(sequence.sound)
    if sequence.mode is SequenceMode.ONLINE:
        stream = StreamingLogMel(config.features)
        return [*stream.push(sound), *stream.flush()]
    pieces = whole_clip(sound, config.features).split(config.offline_window_chunks)
    return [piece.transpose(0, 1).flatten(1) for piece in pieces]


def encode_windows(tower: AudioTower, windows: Sequence[Tensor]) -> Tensor:
    """Windows of equal width go through the tower together: [10 a chunk, tower width]."""
    weight = tower.proj.weight
    alike: dict[int, list[int]] = defaultdict(list)
    for number, window in enumerate(windows):
        alike[window.shape[-1]].append(number)
    states: dict[int, Tensor] = {}
    for numbers in alike.values():
        mel = torch.stack([windows[number] for number in numbers]).to(weight.device, weight.dtype)
        states |= zip(numbers, tower.encode(mel), strict=True)
    return torch.cat([states[number] for number in range(len(windows))])


class DirectHearing:
    """Computes features and tower whenever a sequence is heard."""

    def __init__(self, config: ModelConfig, *, frozen: bool = True) -> None:
        self._config = config
        self._frozen = frozen

    def states(self, tower: AudioTower, sequence: TrainingSequence) -> Tensor:
        """One sequence at a time, so that its states do not depend on what is heard beside it."""
        learns = torch.is_grad_enabled() and not self._frozen
        is_short = sequence.mode is SequenceMode.ONLINE
        attention = short_attention(tower.proj.weight.device) if is_short else nullcontext()
        with torch.set_grad_enabled(learns), attention:
            return encode_windows(tower, tower_windows(sequence, self._config))
