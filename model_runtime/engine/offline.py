"""A whole clip at once: the same model, the offline layout.

Clips are encoded in longer windows than streams: `offline_window_chunks` chunks at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.features import whole_clip
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.checkpoint import Model

TRANSCRIBE = "Transcribe the audio."
TRANSLATE = "Translate the audio into {language}."


@torch.inference_mode()
def embed_clip(model: Model, clip: Tensor) -> Tensor:
    """Embeddings of a clip, [`chunk_embeddings` a chunk, width], padded to whole chunks.

    Every window is encoded alone; the last may be shorter.

    :raises RuntimeFailure: when there is no clip to speak of.
    """
    if not len(clip):
        raise RuntimeFailure("the clip holds no sound")
    mel = whole_clip(clip, model.config.features).to(model.device, model.dtype)
    window = model.config.offline_window_chunks
    embeddings = [
        model.tower(chunks.transpose(0, 1).flatten(1)[None])[0] for chunks in mel.split(window)
    ]
    return torch.cat(embeddings)
