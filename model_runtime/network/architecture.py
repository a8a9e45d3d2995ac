"""The shapes of a model: what features it reads, its tower, its decoder, its token ids."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ

CHUNK_MEL_FRAMES = 40
CHUNK_EMBEDDINGS = 10
CHUNK_POSITIONS = CHUNK_EMBEDDINGS + 3


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """Whisper log-mel: window and hop in samples, dynamic range in units of log10 power."""

    sample_rate_hz: int = SAMPLE_RATE_HZ
    n_fft: int = 400
    hop: int = 160
    mel_bins: int = 128
    dynamic_range: float = 8.0

    def __post_init__(self) -> None:
        if self.hop * CHUNK_MEL_FRAMES != FRAME_SAMPLES:
            raise ValueError(
                f"a chunk of {CHUNK_MEL_FRAMES} mel frames at hop {self.hop} is not "
                f"{FRAME_SAMPLES} samples"
            )


@dataclass(frozen=True, slots=True)
class TowerShape:
    """The audio tower of Qwen2.5-Omni; `output` is the decoder's width.

    :raises ValueError: when a size is not above 0.
    """

    width: int = 1280
    layers: int = 32
    heads: int = 20
    feed_forward: int = 5120
    output: int = 2048
    mel_bins: int = 128

    def __post_init__(self) -> None:
        _require_positive(self)


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """A Qwen2.5-shaped decoder. `context` is how many positions a session's slot holds.

    :raises ValueError: when a size is not above 0, or half a head is no whole number.
    """

    width: int = 2048
    layers: int = 36
    heads: int = 16
    kv_heads: int = 2
    head_dim: int = 128
    feed_forward: int = 11008
    vocabulary: int = 151936
    rope_base: float = 1_000_000.0
    norm_eps: float = 1e-6
    context: int = 4096

    def __post_init__(self) -> None:
        _require_positive(self)
        if self.head_dim % 2:
            raise ValueError(f"head_dim must be even for rotary positions, not {self.head_dim}")


def _require_positive(shape: TowerShape | DecoderShape) -> None:
    for size in fields(shape):
        value = getattr(shape, size.name)
        if value <= 0:
            raise ValueError(f"{size.name} must be above 0, not {value}")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything about a checkpoint but its weights and its tokenizer.

    `offline_window_chunks` is how many chunks of a whole clip the tower reads as one window;
    Qwen2.5-Omni's is 2 s.

    :raises ValueError: when the parts do not fit each other.
    """

    name: str = "audio-interaction"
    features: FeatureConfig = field(default_factory=FeatureConfig)
    tower: TowerShape = field(default_factory=TowerShape)
    decoder: DecoderShape = field(default_factory=DecoderShape)
    layout: TokenLayout = field(default_factory=TokenLayout)
    offline_window_chunks: int = 5

    def __post_init__(self) -> None:
        tower, decoder = self.tower, self.decoder
        if tower.output != decoder.width:
            raise ValueError(
                f"the tower puts out {tower.output} values, the decoder reads {decoder.width}"
            )
        if tower.mel_bins != self.features.mel_bins:
            raise ValueError(
                f"the tower reads {tower.mel_bins} mel bins, features have {self.features.mel_bins}"
            )
        if decoder.heads % decoder.kv_heads:
            raise ValueError(
                f"{decoder.heads} query heads cannot share {decoder.kv_heads} key-value heads"
            )
        if tower.width % tower.heads:
            raise ValueError(f"{tower.heads} heads do not divide a tower {tower.width} wide")

    def with_context(self, positions: int) -> ModelConfig:
        """The same model, for slots of so many positions."""
        return replace(self, decoder=replace(self.decoder, context=positions))
