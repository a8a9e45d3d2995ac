"""The shapes of a model: what features it reads, its tower, its decoder, its token ids."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE_HZ

CHUNK_MEL_FRAMES = 40
TOWER_EMBEDDINGS = 10
"""Of a chunk: the tower has one every 40 ms. How many of them the decoder reads is its shape's."""
CHUNK_CONTROLS = 3
"""Around a chunk's embeddings: the control before it, AUDIO_BEGIN, ASSISTANT."""
UNGROUPED = 1
GROUPINGS = tuple(size for size in range(1, TOWER_EMBEDDINGS + 1) if TOWER_EMBEDDINGS % size == 0)


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

    So many embeddings are put together before the decoder reads them: the `grouping` of dual
    resolution (Fun-Audio-Chat, arXiv 2512.20156). What a chunk takes follows from it here alone.

    :raises ValueError: when a size is not above 0, or groups do not fill a chunk.
    """

    width: int = 1280
    layers: int = 32
    heads: int = 20
    feed_forward: int = 5120
    output: int = 2048
    mel_bins: int = 128
    grouping: int = field(default=UNGROUPED, repr=False)

    def __post_init__(self) -> None:
        _require_positive(self)
        if self.grouping not in GROUPINGS:
            raise ValueError(
                f"grouping must be one of {', '.join(map(str, GROUPINGS))}, to fill a chunk of "
                f"{TOWER_EMBEDDINGS} embeddings, not {self.grouping}"
            )

    @property
    def chunk_embeddings(self) -> int:
        """Of a chunk, as the decoder reads it."""
        return TOWER_EMBEDDINGS // self.grouping

    @property
    def embedding_s(self) -> float:
        """Of sound, in each of those."""
        return FRAME_S / self.chunk_embeddings

    @property
    def chunk_positions(self) -> int:
        """That a chunk takes of a slot, with the ids around it."""
        return self.chunk_embeddings + CHUNK_CONTROLS


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

    @property
    def remembered_s(self) -> float:
        """How long a session can listen in silence until its slot is full."""
        return self.decoder.context // self.tower.chunk_positions * FRAME_S

    def with_context(self, positions: int) -> ModelConfig:
        """The same model, for slots of so many positions."""
        return replace(self, decoder=replace(self.decoder, context=positions))

    def with_grouping(self, size: int) -> ModelConfig:
        """The same model, so many of whose embeddings are put together.

        :raises ValueError: when others are already, or they do not fill a chunk.
        """
        if self.tower.grouping not in (UNGROUPED, size):
            raise ValueError(f"{self.name} groups by {self.tower.grouping} already, not by {size}")
        return replace(self, tower=replace(self.tower, grouping=size))
