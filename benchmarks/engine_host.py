"""What the engine's thread itself costs with a thousand sessions: the real engine, and a network
that computes nothing but takes as long as a GPU would.

Open loop: every session has a frame of 400 ms each 400 ms of the wall clock, and a share of them
reply all the time. Before the clock runs, all slots are filled, as they are after some minutes.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.checkpoint.model import random_model
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.model_runner import ModelRunner, StepInFlight
from interject.model_runtime.heap import freeze_heap
from interject.model_runtime.network.architecture import DecoderShape, TowerShape
from interject.model_runtime.network.backend import EncodedChunks
from interject.model_runtime.network.transfer import HostCopy
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    Decision,
    Frame,
    ReplyDelta,
    ReplyEnded,
    SessionOptions,
)
from interject.model_runtime.redis.worker.engine_executor import EngineExecutor
from interject.model_runtime.redis.worker.engine_session import EngineSession
from interject.model_runtime.redis.worker.intake import Intake
from interject.model_runtime.redis.worker.output_log import OutputLog
from interject.model_runtime.redis.worker.owned_session import OwnedSession
from interject.model_runtime.redis.worker.recovery.restore_pool import RestorePool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.model_runner import StepBatch
    from interject.model_runtime.network.attention import Segment
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.encoder import AudioTower
    from interject.model_runtime.network.kv_cache import KVCache
    from interject.model_runtime.redis.worker.batch import Batch

FRAME_S = 0.4
REPLY_TOKENS = 75
NEVER_RESPONDS = 1.0
CONTEXT = 4_096
COLUMNS = [
    "engine", "sessions", "core", "steps a second", "host work a step, ms", "chunks a step",
    "chunks a second", "reply tokens a second", "median latency, ms",
]  # fmt: skip
NOTE = (
    "Core: CPU time of the engine's thread, over the time. Host work: the same, for each step. "
    "The network returns tensors that it has already, and a step's results are there "
    "{device_ms:g} ms later. Latency runs from the moment a frame was due. In a Redis worker: "
    "slots are computed anew when they are full, and after each step the journal is written; "
    "Redis itself and the event loop are not part of it, nor are the launches of a GPU's kernels."
)


class NullBackend:
    """`device_s` is how long a step takes on the device, which does one after the other."""

    def __init__(
        self, tower: AudioTower, decoder: Decoder, cache: KVCache, features: object
    ) -> None:
        del features
        self.decoder = decoder
        self.cache = cache
        self.device_s = 0.0
        self._free_at = 0.0
        self._tower = tower.shape
        self._noise = torch.randn(1 << 15, decoder.shape.width)
        self.steps = 0

    @property
    def asynchronous(self) -> bool:
        return True

    def capture(self, *, fill_rows: int = 0) -> None:
        """There is nothing to record."""

    def encode(
        self, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> EncodedChunks:
        heard = torch.zeros(len(windows), self._tower.chunk_embeddings, self._tower.output)
        return EncodedChunks(heard, HostCopy(torch.tensor([loudest[who] for who in sessions])))

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        """Noise, so that replies do not repeat themselves."""
        del rows
        self.cache.require_room(segments)
        first = 97 * self.steps % (len(self._noise) - 2_048)
        return self._noise[first : first + len(wanted)]

    def start(self) -> float:
        """When the step that starts now will be there."""
        self.steps += 1
        self._free_at = max(self._free_at, time.monotonic()) + self.device_s
        return self._free_at


@dataclass(frozen=True, slots=True)
class TimedStep(StepInFlight):
    """`done_at` is when the device has computed it."""

    done_at: float


class NullRunner(ModelRunner):
    """Waits, as for a device, without using the CPU."""

    def start(self, batch: StepBatch) -> TimedStep:
        step = super().start(batch)
        assert isinstance(self._backend, NullBackend), "it was made for this runner"
        return TimedStep(step.batch, step.decisions, step.drawn, self._backend.start())

    def finish(self, step: StepInFlight) -> None:
        assert isinstance(step, TimedStep), "this runner has started it"
        time.sleep(max(0.0, step.done_at - time.monotonic()))
        super().finish(step)


def small_model(context: int) -> Model:
    """The tokens and text of nano, and next to no weights: all slots together are small."""
    nano = load_checkpoint("nano")
    vocabulary = nano.config.decoder.vocabulary
    shape = DecoderShape(
        width=8, layers=1, heads=2, kv_heads=1, head_dim=4, feed_forward=8,
        vocabulary=vocabulary, context=context,
    )  # fmt: skip
    tower = replace(nano.config.tower, width=8, layers=1, heads=2, feed_forward=8, output=8)
    config = replace(nano.config, tower=tower, decoder=shape)
    return random_model(config, tokenizer=nano.tokenizer)


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of the engine. `fill`: how many chunks each session has heard before."""

    sessions: int
    seconds: float
    talk: float
    device_s: float
    context: int

    @property
    def fill(self) -> int:
        return self.context // TowerShape().chunk_positions


class Ears:
    """Notes what the engine says while `begun` is set."""

    def __init__(self) -> None:
        self.begun: float | None = None
        self.latencies_s: list[float] = []
        self.tokens = 0
        self.silent_again = 0

    def hear(self, event: object) -> None:
        if isinstance(event, ReplyEnded):
            self.silent_again += 1
        if self.begun is None:
            return
        if isinstance(event, Decision):
            self.latencies_s.append(time.monotonic() - self.begun - event.captured_at)
        elif isinstance(event, ReplyDelta):
            self.tokens += len(event.token_ids)


class BareEngine:
    """As an embedded runtime has it."""

    title = "embedded"

    def __init__(self, load: Load, ears: Ears) -> None:
        model = small_model(load.context)
        self.engine = make_engine(model, load, Eviction.ROTATE)
        prefix = self.engine.prompt_encoder.prefix(options(0))
        for number in range(load.sessions):
            self.engine.open(options(number), ears.hear, prefix=prefix)

    def put(self, frames: Sequence[tuple[int, Frame]]) -> None:
        for number, frame in frames:
            self.engine.push(str(number), frame)

    def step(self) -> bool:
        return self.engine.step()


class WorkerEngine:
    """As a worker has it, up to what is handed to its event loop."""

    title = "in a Redis worker"

    def __init__(self, load: Load, ears: Ears) -> None:
        model = small_model(load.context)
        self.engine = make_engine(model, load, Eviction.EXACT)
        self._ears = ears
        self._executor = EngineExecutor(
            self.engine, RestorePool(1), model="null",
            put=lambda action: action(), deliver=self._deliver, joined=lambda session: None,
        )  # fmt: skip
        self._owned = [
            OwnedSession(
                str(number), options(number), epoch=1, intake=Intake("0"), log=OutputLog(),
                engine=EngineSession(str(number), "0"),
            )
            for number in range(load.sessions)
        ]  # fmt: skip
        prefix = self.engine.prompt_encoder.prefix(options(0))
        for session in self._owned:
            self._executor.admit(session, prefix)

    def put(self, frames: Sequence[tuple[int, Frame]]) -> None:
        self._executor.take_in(
            [(self._owned[number], f"{1 + frame.seq}-0", frame) for number, frame in frames]
        )

    def step(self) -> bool:
        busy = self.engine.step()
        self._executor.hand_out()
        return busy

    def _deliver(self, batches: list[Batch]) -> None:
        for batch in batches:
            for output in batch.outputs:
                self._ears.hear(output)


Host = BareEngine | WorkerEngine


def options(number: int) -> SessionOptions:
    return SessionOptions(
        session_id=str(number), threshold=NEVER_RESPONDS, max_reply_tokens=REPLY_TOKENS
    )


def make_engine(model: Model, load: Load, eviction: Eviction) -> Engine:
    return Engine(
        model, slots=load.sessions, eviction=eviction, runner=NullRunner, backend=NullBackend
    )


def frames_of(load: Load, first_seq: int) -> list[tuple[int, Frame]]:
    """In the order in which they are due, evenly spread; `captured_at` is when."""
    pcm = bytes(FRAME_SAMPLES * SAMPLE_BYTES)
    ahead = bytes(LOOKAHEAD_SAMPLES * SAMPLE_BYTES)
    gap_s = FRAME_S / load.sessions
    return [
        (
            index % load.sessions,
            Frame(first_seq + index // load.sessions, index * gap_s, pcm, ahead),
        )
        for index in range(round(load.seconds / gap_s))
    ]


def fill(host: Host, load: Load) -> None:
    """Have every session hear so much that its slot is full."""
    step = replace(load, seconds=FRAME_S)
    for seq in range(load.fill):
        host.put(frames_of(step, seq))
        while host.step():
            pass


def serve(host: Host, load: Load, ears: Ears, frames: Sequence[tuple[int, Frame]]) -> None:
    """Put in what is due, step, and keep the share of sessions that reply."""
    done = asked = 0
    talking = round(load.talk * load.sessions)
    ears.silent_again = 0
    ears.begun = begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < load.seconds:
        due = min(len(frames), int(elapsed * load.sessions / FRAME_S) + 1)
        host.put(frames[done:due])
        done = due
        while asked - ears.silent_again < talking:
            host.engine.answer_now(str(7 * asked % load.sessions))
            asked += 1
        if not host.step() and done < len(frames):
            time.sleep(max(0.0, begun + frames[done][1].captured_at - time.monotonic()))


def measure(
    kind: type[BareEngine | WorkerEngine], load: Load, profile: cProfile.Profile | None
) -> list[str]:
    """One row of the table."""
    ears = Ears()
    host = kind(load, ears)
    backend = host.engine._backend
    fill(host, load)
    assert isinstance(backend, NullBackend), "the engine was given it"
    backend.device_s = load.device_s
    frames = frames_of(load, load.fill)
    freeze_heap()
    begun = time.thread_time(), time.monotonic(), backend.steps
    if profile is None:
        serve(host, load, ears, frames)
    else:
        profile.runcall(serve, host, load, ears, frames)
    cpu, wall, steps = (
        now - then
        for now, then in zip(
            (time.thread_time(), time.monotonic(), backend.steps), begun, strict=True
        )
    )
    milliseconds = [1e3 * latency for latency in ears.latencies_s]
    return [
        kind.title,
        str(load.sessions),
        f"{cpu / wall:.0%}",
        f"{steps / wall:.0f}",
        f"{1e3 * cpu / steps:.2f}",
        f"{len(milliseconds) / steps:.1f}",
        f"{len(milliseconds) / wall:.0f}",
        f"{ears.tokens / wall:.0f}",
        f"{percentile(milliseconds, 50):.1f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--talk", type=float, default=0.15, help="share of sessions that reply")
    parser.add_argument("--device-ms", type=float, default=8.0, help="of one step")
    parser.add_argument("--profile", action="store_true", help="say where it goes; not kept")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sessions, seconds, context = given.sessions, given.seconds, CONTEXT
    if given.smoke:
        sessions, seconds, context = 8, 1.0, 128
    load = Load(sessions, seconds, given.talk, given.device_ms / 1e3, context)
    rows = []
    for kind in (BareEngine, WorkerEngine):
        profile = cProfile.Profile() if given.profile else None
        rows.append(measure(kind, load, profile))
        print(" | ".join(rows[-1]), flush=True)
        if profile is not None:
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    finish(
        Result(
            name="engine_host",
            title="The engine's thread without a network",
            command=this_command("engine_host"),
            hardware=describe(),
            columns=COLUMNS,
            rows=rows,
            notes=[NOTE.format(device_ms=given.device_ms)],
            headlines={
                f"engine's thread of a worker, {sessions} sessions": f"{rows[-1][2]} of a core"
            },
        ),
        keep=not (given.smoke or given.profile),
    )


if __name__ == "__main__":
    main()
