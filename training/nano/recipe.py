"""The shape of nano and the settings of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from interject.model_runtime.network.architecture import (
    UNGROUPED,
    DecoderShape,
    ModelConfig,
    TowerShape,
)
from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import Emotion
from interject.training.nano.stock_shares import StockShares

_WIDTH = 256
_CONTROLS = 32
TRAINING_SHARES = StockShares(
    near_miss=0.45, own=0.2, echo=0.2, natural=0.5, recorded=0.6, shouted=0.15, lone=0.5, line=0.1,
    alarms=0.5, unnamed=0.3, odd=0.3,
)  # fmt: skip


def nano_layout(text_tokens: int) -> TokenLayout:
    """Control ids lie above the text ids, in the order of the released checkpoint's names."""
    first = text_tokens
    return TokenLayout(
        user=first, assistant=first + 1, keep_silence=first + 2, audio_slot=first + 3,
        online=first + 4, offline=first + 5, language=first + 6, text_end=first + 7,
        text_begin=first + 8, system=first + 8, offline_audio_slot=first + 9,
        audio_begin=first + 10, audio_end=first + 11,
        emotions={emotion: first + 12 + n for n, emotion in enumerate(Emotion)},
        banned=((first, first + 6), (first + 8, first + _CONTROLS - 1)),
    )  # fmt: skip


def nano_config(text_tokens: int, *, grouping: int = UNGROUPED) -> ModelConfig:
    """About 5.6 million parameters."""
    config = ModelConfig(
        name="nano",
        tower=TowerShape(width=192, layers=5, heads=4, feed_forward=576, output=_WIDTH),
        decoder=DecoderShape(
            width=_WIDTH, layers=4, heads=4, kv_heads=2, head_dim=64, feed_forward=704,
            vocabulary=text_tokens + _CONTROLS, rope_base=10_000.0, context=1_024,
        ),
        layout=nano_layout(text_tokens),
        offline_window_chunks=1,
    )  # fmt: skip
    return config.with_grouping(grouping)


@dataclass(frozen=True, slots=True)
class NanoSettings:
    """What a run can be told. `long_share` is its last part, on long streams. With `steps` these
    rule it and not the time, so that it is the same run on any machine.
    """

    minutes: float = 75.0
    steps: int | None = None
    seed: int = 1
    short_chunks: int = 30
    short_streams: int = 16
    long_chunks: int = 60
    long_streams: int = 8
    long_share: float = 0.35
    muon_rate: float = 2.5e-3
    adam_rate: float = 2e-3
    warm_up_steps: int = 25
    decay_share: float = 0.45
    weight_decay: float = 0.05
    respond_weight: float = 0.9
    control_weight: float = 4.0
    text_weight: float = 5.0
    phone_weight: float = 0.4
    sound_weight: float = 1.0
    word_weight: float = 1.0
    auxiliary_weight: float = 1.0
    average_decay: float = 0.985
    checkpoint_s: float = 240.0
    threads: int = 2

    def on_card(self) -> NanoSettings:
        """Four times as much sound a step, since a card waits for each of many small kernels.

        One core of an EPYC mixes 1,400 s of short streams in a second, so 15 of them keep up with
        27 steps of 768 s; launching the few thousand kernels of a step takes one more core 40 to
        60 ms. So nothing would be gained by compiling, which takes minutes: untried.
        """
        return replace(
            self, short_streams=64, long_streams=32, warm_up_steps=100, average_decay=0.998,
            checkpoint_s=120.0,
        )  # fmt: skip

    def going_on(self) -> NanoSettings:
        """For weights that are good already: what they know is not to be shaken out of them.

        The auxiliary heads may be new: until they have learnt, their wishes count for little.
        """
        return replace(
            self, muon_rate=1e-3, adam_rate=8e-4, warm_up_steps=60, decay_share=0.7,
            auxiliary_weight=0.5,
        )  # fmt: skip
