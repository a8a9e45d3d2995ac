"""What a call is made of besides its people."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.records.store import RecordStore
    from interject.agent.responder.responder import Responder
    from interject.agent.responder.tools.operator import Operator
    from interject.agent.sinks import AudioSink
    from interject.agent.voice import Voice
    from interject.integrations.audio.echo import EchoProcessor
    from interject.integrations.conversation.role import Role
    from interject.integrations.conversation.runtime_connection import ReconnectBackoff
    from interject.model_runtime.protocol import Frame, Runtime


@dataclass(frozen=True, slots=True)
class CallParts:
    """What a call brings to its sessions. Without a `sink` nothing is ever said; `readers`: what
    should be said and cannot be is read. `make_echo` is for profiles with `echo_cancellation`.
    `voice` speaks in place of the profile's own. `responder` is shared by the calls of a process,
    and `operator` asked before what needs a person's yes.
    `records` is where what may be kept is kept; the call itself sets `on_frame` for one
    session: it is told what that hears, where its sound is kept.
    """

    role: Role
    runtime: Runtime
    sink: AudioSink | None = None
    voice: Voice | None = None
    readers: bool = False
    make_echo: Callable[[], EchoProcessor] | None = None
    backoff: ReconnectBackoff | None = None
    responder: Responder | None = None
    operator: Operator | None = None
    clock: Callable[[], float] = time.monotonic
    records: RecordStore | None = None
    on_frame: Callable[[Frame], None] | None = None
