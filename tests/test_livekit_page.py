"""docs/livekit.md is kept as code is: what it says to type is typed, what it claims is tested.

A new command or a new claim belongs into one of these tables, with the test that tries it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "livekit.md").read_text(encoding="utf-8")
SHARED = "tests/integrations/conversation/test_"
UNIT, LIVE = "tests/integrations/livekit/test_", "tests/live/livekit/test_"

TYPED_BY_A_TEST = {
    ".cache/livekit/livekit-server --config": f"{LIVE}page.py::test_the_server_of_the_page_listens_"
    "on_the_loopback_device_alone",
    "interject livekit start": f"{LIVE}worker.py::test_a_dispatched_agent_warns_aloud",
    "interject livekit join --room": f"{LIVE}join.py::test_it_plays_records_writes_and_tells",
    "python -m interject.model_runtime.local.server": f"{LIVE}page.py::test_the_model_of_the_page_"
    "is_shared_through_its_socket",
}
TYPED_BY_HAND = {
    "make demo && .venv/bin/pip install": "it installs; make and CI do the same",
    "scripts/livekit_server.sh": "it builds; `make test` types it",
    "export LIVEKIT_URL": "variables; tests give their own",
    "export LIVEKIT_API_KEY": "the same",
}
CLAIMS = {
    "Where the agent asked for does not come within 15 s": f"{LIVE}join.py::"
    "test_an_agent_that_does_not_come_is_told",
    "three of LiveKit's defaults are switched off": f"{UNIT}session_settings.py::"
    "test_defaults_that_make_holes_are_switched_off_and_said",
    "nano takes the edge of such a\nhole for a blow": f"{UNIT}session_settings.py::"
    "test_a_greeting_into_sound_that_begins_suddenly_is_no_alarm",
    "A warm-up or a gain that you asked for yourself stays": f"{UNIT}session_settings.py::"
    "test_a_warmup_that_somebody_chose_stays_and_is_said",
    "The third is automatic gain control": f"{LIVE}defaults.py::"
    "test_what_harms_is_said_and_the_greeting_leaves_no_hole_in_what_is_heard",
    "follow the profile's `system_prompt`": f"{UNIT}transcripts.py::"
    "test_first_instructions_end_the_system_prompt_and_later_ones_are_told",
    "`user_input_transcribed`\n  fires": f"{UNIT}transcripts.py::"
    "test_a_recogniser_writes_down_what_people_say_and_the_model_is_not_told",
    "Who is not listened to is not written down": f"{UNIT}transcripts.py::"
    "test_whoever_is_not_listened_to_is_not_written_down",
    "is told from loudness": f"{UNIT}transcripts.py::"
    "test_loudness_says_when_somebody_speaks_and_does_not_stop_the_agent",
    "a track that is encrypted end to end is not subscribed to": f"{LIVE}audio_input.py::"
    "test_what_is_encrypted_end_to_end_is_not_even_received",
    "whoever publishes it is told so in the chat": f"{UNIT}house_rules.py::"
    "test_who_speaks_encrypted_is_told_that_nobody_understands_him",
    "the track\n  is back when the right is": f"{LIVE}speech.py::"
    "test_an_agent_that_may_publish_again_is_heard_again",
    "reads no file": f"{UNIT}messages.py::test_a_dispatch_names_no_file",
    "the room's chat gets one constant sentence": f"{LIVE}worker.py::"
    "test_what_cannot_be_served_is_said_and_a_full_worker_takes_no_job",
    "is set back to what holds": f"{LIVE}floor_control.py::"
    "test_an_attribute_that_makes_no_sense_is_set_back",
    "message of more than 2,000 characters": f"{UNIT}chat.py::"
    "test_a_message_up_to_the_limit_is_read_whole_and_a_longer_one_is_refused",
    "of more tokens than the model takes at once": f"{LIVE}consent.py::"
    "test_who_writes_what_the_model_refuses_is_told",
    "with such a text fails": f"{UNIT}stock_session.py::"
    "test_to_a_text_that_is_refused_there_is_no_answer",
    "What was stopped stays stopped": f"{LIVE}kept_consent.py::"
    "test_what_was_stopped_outlives_the_job_and_an_outage",
    "In an agent of your own that is kept where you name a folder": f"{LIVE}stock.py::"
    "test_what_was_stopped_stays_stopped_for_the_next_process",
    "file is deleted after 30 days": f"{SHARED}consent_store.py::"
    "test_what_was_stopped_a_month_ago_is_forgotten",
    "digests without names": f"{SHARED}consent_store.py::test_nothing_personal_lies_on_disk",
    "Who withdrew himself alone reads": f"{UNIT}house_rules.py::"
    "test_who_withdrew_is_told_the_truth_when_he_comes",
    "says so in a line and does not start": "tests/cli/livekit/test_commands.py::"
    "test_a_redis_that_is_not_there_is_waited_for_and_refused",
    "Error 4000 is a payload": f"{LIVE}floor_control.py::"
    "test_what_makes_no_sense_is_refused_by_name",
    "reliable, to the named identities only": f"{LIVE}floor_control.py::"
    "test_a_cue_reaches_its_addressee_only_and_a_post_everybody",
    "again when he comes back": f"{LIVE}consent.py::test_who_comes_back_is_told_again",
    "what he writes meanwhile is kept": f"{LIVE}consent.py::"
    "test_who_only_writes_may_do_so_as_soon_as_he_has_come",
    "Logs hold no words": f"{UNIT}privacy.py::test_no_log_line_holds_what_was_said",
    "identities and room names stand under keys": f"{LIVE}operation.py::"
    "test_ordinary_calls_leave_no_names_no_errors_and_their_figures",
    "counted exactly": f"{UNIT}admission.py::test_two_at_once_do_not_share_the_last_slot",
    "removes the\n  dead participant and dispatches anew": f"{LIVE}worker.py::"
    "test_runtime_job_and_server_may_be_killed",
    "serves `/metrics`": f"{LIVE}operation.py::"
    "test_ordinary_calls_leave_no_names_no_errors_and_their_figures",
    "while somebody is in the room it stays an error": f"{UNIT}log.py::"
    "test_an_error_in_a_call_and_every_other_one_stays",
    "Hence\n  `preload_modules` above": f"{UNIT}builder.py::"
    "test_a_job_process_imports_no_torch_and_in_a_call_nothing_of_ours",
}


def commands() -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    return file.is_file() and f"def {name}(" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", commands())
def test_each_command_of_the_page_is_typed_by_a_test_or_by_hand(command: str) -> None:
    known = [begins for begins in (*TYPED_BY_A_TEST, *TYPED_BY_HAND) if command.startswith(begins)]
    assert len(known) == 1


@pytest.mark.parametrize(("begins", "test"), TYPED_BY_A_TEST.items())
def test_the_test_that_types_a_command_is_there(begins: str, test: str) -> None:
    assert any(command.startswith(begins) for command in commands())
    assert is_there(test), test


@pytest.mark.parametrize(("claim", "test"), CLAIMS.items())
def test_each_claim_stands_on_the_page_and_has_its_test(claim: str, test: str) -> None:
    assert " ".join(claim.split()) in " ".join(PAGE.split())
    assert is_there(test), test
