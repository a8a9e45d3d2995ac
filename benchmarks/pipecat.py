"""Pipecat's pipeline with its own cascade, and with Interject in the cascade's place."""

from __future__ import annotations

import argparse
import sys

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from benchmarks.telephone import COLUMNS, HOST, ORIGIN, ROOT, Contestant, measured, row
from interject.integrations.twilio.simulator.cloud import TwilioAccount

AGENTS = ("interject", "canned", "whisper")
METHOD = (
    "One Pipecat 1.14.0 with its Twilio transport, one voice (espeak-ng, through "
    "InterjectTTSService) and one simulated telephone, as in the benchmark of the telephone, one "
    "agent after another. Each call holds a line's noise and events: six questions, spoken by "
    "espeak-ng, and four sounds, in an order without a pattern. First byte: from the moment at "
    "which the last 20 ms of an event leave the telephone to the first media message that comes "
    "back; voice: to the first loud sample that the telephone plays. An answer that begins more "
    "than 4 s after the event, or never, is none; one that comes still later may count for the "
    "event that follows, as one that did not wait."
)
CONTESTANTS = (
    "interject: InterjectLLMService with nano in a process beside it. canned: Silero, Smart Turn, "
    "a recogniser and a language model that take 0 ms. whisper: the same with a small Whisper "
    "(int8) that recognises on these cores, and the canned language model: a real one comes on "
    "top. Both answer every turn of speech alike, whatever was said, and no sound; Interject "
    "decides and writes for real."
)


def contestant(name: str, model: str) -> Contestant:
    script = [sys.executable, "-m", "benchmarks.pipecat_agents"]
    words = [*script, HOST, "PORT", name, f"local:{model}"]
    return Contestant(name, f"{ORIGIN}/voice", words, "Uvicorn running", {"PYTHONPATH": str(ROOT)})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--events", type=int, default=30, help="in each call")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=list(AGENTS))
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    if given.smoke:
        given.calls, given.events = [1], 2
    account = TwilioAccount()
    loads = [
        measured(contestant(name, given.model), account, calls, given.events)
        for calls in given.calls
        for name in given.agents
    ]
    first = loads[0]
    what = f"end of a question to the first byte in Pipecat, {first.agent}, {first.calls} call"
    finish(
        Result(
            name="pipecat",
            title="Interject in Pipecat's pipeline",
            command=this_command("pipecat"),
            hardware=describe(),
            columns=COLUMNS,
            rows=[row(load) for load in loads],
            notes=[METHOD, CONTESTANTS],
            headlines={what: f"median {row(first)[3]} ms"},
        ),
        keep=not given.smoke,
    )


if __name__ == "__main__":
    main()
