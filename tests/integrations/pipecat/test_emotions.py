"""Which voices are told of an emotion, and in whose words."""

from __future__ import annotations

import aiohttp
from pipecat.services.cartesia.tts import CartesiaEmotion, CartesiaTTSService, GenerationConfig
from pipecat.services.minimax.tts import MiniMaxHttpTTSService
from pipecat.services.openai.tts import OpenAITTSService

from interject.config import EspeakVoice
from interject.integrations.pipecat.emotions import CARTESIA, MINIMAX, emotion_settings
from interject.integrations.pipecat.tts_service import InterjectTTSService
from interject.model_runtime.protocol import Emotion

MINIMAX_KNOWS = {"happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm"}


def test_each_emotion_has_a_word_that_the_voice_knows() -> None:
    assert set(CARTESIA) == set(MINIMAX) == set(Emotion)
    assert set(CARTESIA.values()) <= {str(known) for known in CartesiaEmotion}
    assert set(MINIMAX.values()) <= MINIMAX_KNOWS


async def test_cartesia_keeps_what_its_owner_has_set() -> None:
    settings = CartesiaTTSService.Settings(
        voice="v", generation_config=GenerationConfig(speed=1.2, emotion="calm")
    )
    voice = CartesiaTTSService(api_key="none", settings=settings)
    delta = emotion_settings(voice, Emotion.URGENT)
    assert isinstance(delta, CartesiaTTSService.Settings)
    assert delta.generation_config == GenerationConfig(speed=1.2, emotion="alarmed")
    assert set(delta.given_fields()) == {"generation_config"}


async def test_minimax_has_a_setting_of_its_own() -> None:
    async with aiohttp.ClientSession() as session:
        voice = MiniMaxHttpTTSService(api_key="none", group_id="g", aiohttp_session=session)
        delta = emotion_settings(voice, Emotion.SURPRISE)
    assert delta is not None
    assert delta.given_fields() == {"emotion": "surprised"}


async def test_ours_takes_the_models_own_word() -> None:
    delta = emotion_settings(InterjectTTSService(voice=EspeakVoice()), Emotion.SAD)
    assert delta is not None
    assert delta.given_fields() == {"emotion": "sad"}


async def test_a_voice_that_knows_no_emotions_is_told_nothing() -> None:
    assert emotion_settings(OpenAITTSService(api_key="none"), Emotion.HAPPY) is None
