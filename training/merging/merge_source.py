"""One of two checkpoints that are to be merged, and whether they are of one kind."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from interject.model_runtime.checkpoint import native, read_config, released
from interject.training.merging.error import MergeError
from interject.training.merging.hugging_face import is_hugging_face, text_decoder_shape

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from interject.model_runtime.network.architecture import DecoderShape, ModelConfig

NOT_WEIGHTS = ("context",)
"""Of a decoder's shape: two models may differ in it and have the same tensors."""


@dataclass(frozen=True, slots=True)
class MergeSource:
    """`config` is None where the decoder alone is there: a text model, which needs no tower."""

    directory: Path
    decoder: DecoderShape
    config: ModelConfig | None
    tokenizer: Tokenizer | None

    @classmethod
    def open(cls, directory: Path, *, decoder_only: bool = False) -> MergeSource:
        """:raises CheckpointError: when it is missing or damaged."""
        tokenizer = native.read_tokenizer(directory)
        if decoder_only and is_hugging_face(directory):
            return cls(directory, text_decoder_shape(directory), None, tokenizer)
        towerless = not (directory / released.TOWER_CONFIG).is_file()
        if decoder_only and towerless and released.is_released(directory):
            return cls(directory, released.read_decoder_shape(directory), None, tokenizer)
        config = read_config(directory)
        return cls(directory, config.decoder, config, tokenizer)

    @property
    def whole_config(self) -> ModelConfig:
        if self.config is None:
            raise MergeError(f"{self.directory}: has no audio tower")
        return self.config


def check_alike(first: MergeSource, second: MergeSource) -> None:
    """:raises MergeError: naming the first difference that makes a merge meaningless."""
    where = f"{first.directory} and {second.directory} cannot be merged"
    for field in fields(first.decoder):
        ours, theirs = getattr(first.decoder, field.name), getattr(second.decoder, field.name)
        if ours != theirs and field.name not in NOT_WEIGHTS:
            raise MergeError(f"{where}: their decoders differ in {field.name} ({ours}, {theirs})")
    if first.config is not None and second.config is not None:
        for field in fields(first.config.layout):
            ours = getattr(first.config.layout, field.name)
            theirs = getattr(second.config.layout, field.name)
            if ours != theirs:
                raise MergeError(f"{where}: their token ids differ in {field.name}")
    _check_words(first, second, where)


def _check_words(first: MergeSource, second: MergeSource, where: str) -> None:
    """A row of the embedding must mean the same in both. One may come without a tokenizer."""
    if first.tokenizer is None or second.tokenizer is None:
        return
    ours, theirs = first.tokenizer.get_vocab(), second.tokenizer.get_vocab()
    if ours != theirs:
        token = min(token for _, token in ours.items() ^ theirs.items())
        raise MergeError(f"{where}: their tokenizers differ at id {token}")
