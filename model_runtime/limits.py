"""What a session may be asked for: types, ranges and sizes, checked wherever something enters.

Whatever is refused here could cost other sessions their time or their worker. `docs/protocol.md`
and the profiles give the same numbers.
"""

from __future__ import annotations

from interject.model_runtime.failures import InvalidInput

MAX_SESSION_ID_BYTES = 256
MAX_PROMPT_BYTES = 16_384
MAX_PROMPT_IDS = 4_096
MAX_TOKEN_ID = 2**31 - 1
MAX_TEXT_BYTES = 8_192
"""Of what is said or typed at once, in UTF-8."""
MAX_JSON_BYTES = 65_536
"""Of a session's options, and of a control or an event."""
MAX_REPLY_TOKENS = 4_096
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 10.0
"""0 is allowed beside these: it takes the likeliest token."""
MAX_TOP_K = 1_000_000
MIN_TOP_P = 1e-6
MIN_SEED, MAX_SEED = -(2**63), 2**63 - 1
MAX_REPETITION_WINDOW = 256
MIN_REPETITION_LIMIT, MAX_REPETITION_LIMIT = 2, 16
MAX_COUNT = 2**31 - 1
"""Of replies, and of the characters of one."""
MAX_SEQ = 2**32 - 1
"""54 years of frames."""


def check_number(name: str, value: object, low: float, high: float) -> None:
    """:raises InvalidInput: when it is no finite number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{name} is a {type(value).__name__}; it must be a number")
    if not low <= value <= high:
        raise InvalidInput(f"{name} is {_shown(value)}; it must be from {low:g} to {high:g}")


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """:raises InvalidInput: when it is no whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{name} is a {type(value).__name__}; it must be a whole number")
    if not low <= value <= high:
        raise InvalidInput(f"{name} is {_shown(value)}; it must be from {low} to {high}")


def check_text(name: str, value: object, most_bytes: int) -> None:
    """:raises InvalidInput: when it is no text, or longer than that in UTF-8."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is a {type(value).__name__}; it must be text")
    try:
        length = len(value) if len(value) > most_bytes else len(value.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} holds half a character (a lone surrogate)") from None
    if length > most_bytes:
        raise InvalidInput(f"{name} has at least {length} bytes; at most {most_bytes} are taken")


def check_kind(name: str, value: object, kind: type) -> None:
    """:raises InvalidInput: when it is of another type."""
    if not isinstance(value, kind):
        found = type(value).__name__
        raise InvalidInput(f"{name} is a {found}; it must be a {kind.__name__}")


def check_session_id(value: object) -> None:
    """:raises InvalidInput: when it is no text of 1 to 256 bytes."""
    check_text("session_id", value, MAX_SESSION_ID_BYTES)
    if not value:
        raise InvalidInput("session_id is empty; give the session a name")


def check_prompt_ids(value: object) -> None:
    """:raises InvalidInput: when they are no tuple of token ids, or too many."""
    check_kind("prompt_ids", value, tuple)
    assert isinstance(value, tuple), "this was just checked"
    if len(value) > MAX_PROMPT_IDS:
        raise InvalidInput(f"prompt_ids holds {len(value)} ids; at most {MAX_PROMPT_IDS} are taken")
    for token in value:
        check_whole("a prompt id", token, 0, MAX_TOKEN_ID)


def check_threshold(value: object) -> None:
    """:raises InvalidInput: when it is no probability."""
    check_number("threshold", value, 0.0, 1.0)


def check_temperature(value: object) -> None:
    """:raises InvalidInput: when logits divided by it might be no numbers, or all alike."""
    if isinstance(value, bool) or value != 0:
        check_number("temperature (unless 0)", value, MIN_TEMPERATURE, MAX_TEMPERATURE)


def check_top_p(value: object) -> None:
    """:raises InvalidInput: when it is no share above 0."""
    check_number("top_p", value, MIN_TOP_P, 1.0)


def _shown(value: float) -> str:
    """Python refuses to write very large integers out."""
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    return repr(value)
