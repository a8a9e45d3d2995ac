"""An agent that hears a LiveKit room all the time and decides for itself when to speak.

export LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_API_KEY=... LIVEKIT_API_SECRET=...
python examples/livekit_agent.py dev
"""

from __future__ import annotations

from livekit import agents

from interject.integrations import livekit as interject

# LiveKit gives no room to a worker whose load is 0.7 or more, and takes a busy CPU for that.
# Without a host, its health check answers on every address of the machine.
server = agents.AgentServer(
    load_fnc=lambda _: 0.0, preload_modules=interject.PRELOAD, host="127.0.0.1"
)


@server.rtc_session(agent_name="interject")
async def entry(ctx: agents.JobContext) -> None:
    await interject.start(ctx)


if __name__ == "__main__":
    agents.cli.run_app(server)
