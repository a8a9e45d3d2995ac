"""Text grows piece by piece, in whole characters, to what decoding at once gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from interject.model_runtime.engine.detokeniser import Detokeniser

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = [
    "Please leave the building now, the smoke alarm is ringing on the second floor.",
    "Verlassen Sie bitte das Gebäude, im zweiten Stock läutet der Rauchmelder.",
    "请立即离开大楼。二楼的烟雾报警器正在响。",
    "ビルから出てください。二階で火災報知器が鳴っています。",
    "يرجى مغادرة المبنى الآن، إنذار الدخان يرن.",
    "कृपया इमारत से बाहर निकलें।",
    "Покиньте здание, сработала пожарная сигнализация.",
    "🔥🚨 fire 👩‍🚒 on its way 🏳️‍🌈 café naïve 👍🏽",
]
MANY = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=st.sampled_from("🔥🚨👩‍🚒火é\u0301ि a\n"), max_size=40),
    st.lists(st.sampled_from(TEXTS), max_size=3).map(" ".join),
)


def trained(vocabulary: int, *, prefix_space: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    return tokenizer


# Bytes alone, where an emoji takes four tokens, and merges, where tokens cross characters.
BYTES, MERGES = trained(256), trained(700)


def pushed(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[list[str], str]:
    """What each token completed, and what was left at the end."""
    detokeniser = Detokeniser(tokenizer)
    return [detokeniser.push(token) for token in ids], detokeniser.finish()


@pytest.mark.parametrize("tokenizer", [BYTES, MERGES], ids=["bytes", "merges"])
@settings(max_examples=80, deadline=None)
@given(text=MANY.filter(lambda text: "\ufffd" not in text))
@example(text=" ".join(TEXTS))
@example(text="👩‍🚒")
def test_pieces_add_up_to_the_text(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text).ids
    pieces, rest = pushed(tokenizer, ids)
    assert "".join(pieces) == tokenizer.decode(ids) == text
    assert rest == ""
    assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.parametrize("tokenizer", [BYTES, MERGES], ids=["bytes", "merges"])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_tokens_add_up_to_what_decoding_at_once_gives(
    tokenizer: Tokenizer, data: st.DataObject
) -> None:
    """A model may draw bytes that are no character at all."""
    token = st.integers(0, tokenizer.get_vocab_size() - 1)
    ids = data.draw(st.lists(token, max_size=20))
    pieces, rest = pushed(tokenizer, ids)
    assert "".join(pieces) + rest == tokenizer.decode(ids)


@pytest.mark.parametrize("tokenizer", [BYTES, MERGES], ids=["bytes", "merges"])
def test_a_character_behind_bytes_that_are_none(tokenizer: Tokenizer) -> None:
    ids = [94, 94, 156, 94, 94]
    pieces, rest = pushed(tokenizer, ids)
    assert "".join(pieces) + rest == tokenizer.decode(ids)


def test_bytes_that_are_no_character_are_shown_after_a_while() -> None:
    stray = BYTES.token_to_id("\u0142")
    assert stray is not None
    pieces, rest = pushed(BYTES, [stray] * 10)
    assert "".join(pieces) == "\ufffd" * 7
    assert rest == "\ufffd" * 3


def test_a_character_appears_with_its_last_byte() -> None:
    ids = BYTES.encode("a🔥b").ids
    assert len(ids) == 6
    assert pushed(BYTES, ids) == (["a", "", "", "", "🔥", "b"], "")


def test_a_reply_cut_inside_a_character_ends_with_the_replacement_character() -> None:
    ids = BYTES.encode("ok 🔥").ids[:-1]
    pieces, rest = pushed(BYTES, ids)
    assert "".join(pieces) == "ok "
    assert rest == "\ufffd"


def test_decoders_that_treat_the_first_token_differently() -> None:
    tokenizer = Tokenizer(models.WordLevel({"▁stay": 0, "▁calm": 1}, unk_token="▁stay"))
    tokenizer.decoder = decoders.Metaspace()
    assert pushed(tokenizer, [0, 1, 1, 0]) == (["stay", " calm", " calm", " stay"], "")


def test_a_checkpoint_without_tokenizer_has_no_text() -> None:
    detokeniser = Detokeniser(None)
    assert [detokeniser.push(token) for token in (5, 151_000)] == ["", ""]
    assert detokeniser.finish() == ""


def test_a_token_that_the_tokenizer_does_not_know_is_no_text() -> None:
    pieces, rest = pushed(MERGES, [*MERGES.encode("fire").ids, 150_000])
    assert "".join(pieces) + rest == "fire"
