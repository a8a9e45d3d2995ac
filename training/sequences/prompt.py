"""What a model is told unless a stream says otherwise."""

from __future__ import annotations

VERBATIM_PROMPT = (
    "You are a helpful assistant. When there is no user text, if the audio contains a question, "
    "please answer it. If it is a sound effect, determine based on the sound whether help is "
    "needed."
)
"""As the released model was trained."""
