"""What a run can be told: the file of `interject train`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.model_runtime.network.architecture import GROUPINGS
from interject.training.fine_tuning.stages import PRESETS, StagePreset, TrainablePart, TrainingStage
from interject.training.sequences.prompt import VERBATIM_PROMPT
from interject.training.sequences.sequence import SequenceMode
from interject.training.sequences.sequence_writer import MOST_CHUNKS

CONTROL_WEIGHT = 1.0
"""The paper's lambda."""


def _number(value: Any) -> Any:
    """YAML takes `1e-4` for text: its floats need a point."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


_Float = Annotated[float, BeforeValidator(_number)]
_Path = Annotated[str, Field(min_length=1)]
_Part = Annotated[TrainablePart, Field(strict=False)]
_Parts = Annotated[tuple[_Part, ...], Field(strict=False, min_length=1)]


class LoraSettings(StrictModel):
    """Low-rank changes to the decoder's linear layers in place of all their weights.

    A change is `alpha` / `rank` times the product of two matrices.
    """

    rank: int = Field(default=16, ge=1, le=1_024)
    alpha: _Float = Field(default=32.0, gt=0)
    dropout: _Float = Field(default=0.0, ge=0, lt=1)
    save: Literal["adapter", "merged", "both"] = "adapter"


class OptimiserSettings(StrictModel):
    """AdamW, a cosine to `final_share` of the rate, a linear warm-up."""

    beta1: _Float = Field(default=0.9, ge=0, lt=1)
    beta2: _Float = Field(default=0.95, ge=0, lt=1)
    eps: _Float = Field(default=1e-8, gt=0)
    weight_decay: _Float = Field(default=0.01, ge=0)
    warm_up_share: _Float = Field(default=0.03, ge=0, le=1)
    clip: _Float = Field(default=1.0, gt=0)
    final_share: _Float = Field(default=0.0, ge=0, le=1)


class WatchSettings(StrictModel):
    """What is measured while a model trains, and who is told."""

    held_out_share: _Float = Field(default=0.05, ge=0, lt=1)
    held_out_data: _Path | None = None
    most_held_out: int = Field(default=200, ge=1)
    every_steps: int = Field(default=500, ge=1)
    threshold: _Float = Field(default=0.5, ge=0, le=1)
    late_chunks: int = Field(default=5, ge=0, le=60)
    tensorboard: bool = True
    wandb_project: str | None = None


class TrainingRun(StrictModel):
    """What is left out is the stage's. Folders are seen from the file's own.

    `trains` may name other parts than the stage's. `late_share` of the replies are taught a chunk
    late, with nothing taught at their own. With `minutes` the time ends a run and rules
    its schedule: then it is not the same run twice. `grouping` puts so many embeddings of the base
    together, at first as their mean.
    """

    model: _Path = "nano"
    grouping: int | None = None
    data: _Path
    out: _Path
    stage: TrainingStage = Field(default=TrainingStage.INSTRUCTION, strict=False)
    method: Literal["full", "lora"] = "full"
    lora: LoraSettings = LoraSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    watch: WatchSettings = WatchSettings()
    trains: _Parts | None = None
    mode: SequenceMode | None = Field(default=None, strict=False)
    steps: int | None = Field(default=None, ge=1)
    minutes: _Float | None = Field(default=None, gt=0)
    learning_rate: _Float | None = Field(default=None, gt=0)
    streams_per_device: int | None = Field(default=None, ge=1)
    streams_per_step: int | None = Field(default=None, ge=1)
    control_weight: _Float = Field(default=CONTROL_WEIGHT, ge=0)
    late_share: _Float = Field(default=0.0, ge=0, le=1)
    most_chunks: int = Field(default=MOST_CHUNKS, ge=1)
    most_positions: int | None = Field(default=None, ge=1)
    system_prompt: str = VERBATIM_PROMPT
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    recompute: bool = False
    cache: bool = True
    checkpoint_steps: int = Field(default=200, ge=1)
    keep_checkpoints: int = Field(default=3, ge=1)
    save_dtype: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = Field(default=1, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.grouping is not None and self.grouping not in GROUPINGS:
            raise PydanticCustomError(
                "grouping",
                "`grouping` must be one of {sizes}",
                {"sizes": ", ".join(map(str, GROUPINGS))},
            )
        if self.method == "lora" and TrainablePart.DECODER not in self.parts:
            raise PydanticCustomError(
                "lora",
                "`method: lora` changes the decoder, which stage {stage} does not train; "
                "use `method: full`",
                {"stage": self.stage},
            )
        return self

    @property
    def preset(self) -> StagePreset:
        return PRESETS[self.stage]

    @property
    def parts(self) -> tuple[TrainablePart, ...]:
        return self.trains or self.preset.trains

    @property
    def layout(self) -> SequenceMode:
        """Whether streams are decided chunk by chunk or asked about as clips."""
        return self.mode or self.preset.mode

    @property
    def all_steps(self) -> int:
        return self.steps or self.preset.steps

    @property
    def rate(self) -> float:
        return self.learning_rate or self.preset.learning_rate

    @property
    def device_streams(self) -> int:
        """The most that one pass takes."""
        return self.streams_per_device or self.preset.streams_per_device

    @property
    def step_streams(self) -> int:
        """Of all devices and passes together: the effective batch."""
        return self.streams_per_step or self.preset.streams_per_step
