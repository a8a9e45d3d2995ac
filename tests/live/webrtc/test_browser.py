"""A real Chromium whose microphone plays a file: our own page, and Pipecat's JavaScript client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

from interject.config import load_profile
from interject.config.cues import ChecklistSettings
from interject.integrations.conversation.role import Role
from interject.integrations.web.bearer import Bearer
from interject.model_runtime import open_runtime
from tests.fakes.runtime import FakeRuntime
from tests.live.webrtc.chromium import Chromium, need
from tests.live.webrtc.site import site
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Runtime

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[3]
BUNDLE = ROOT / ".cache" / "pipecat_client" / "bundle.js"
TOKEN = "a-token-of-some-length"
CAMERA = """
const camera = connection.addTransceiver("video");
const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
camera.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === "video/AV1"));
"""
"""Pictures of a kind that aiortc does not know, in front of all that it does."""
ANOTHER = """
connection.addTransceiver(microphone.getAudioTracks()[0].clone(), { direction: "sendonly" });
"""
STOP = """
connection.getTransceivers().at(-1).stop();
await connection.setLocalDescription();
const again = { sdp: connection.localDescription.sdp, type: "offer", pc_id: answer.pc_id };
const request = { method: "POST", headers, body: JSON.stringify(again) };
await connection.setRemoteDescription(await (await fetch("/api/offer", request)).json());
"""
HEARD = 0.05
"""Of full scale: speech, and not the noise of a codec."""


@pytest.fixture
async def runtime(nano_url: str) -> AsyncIterator[Runtime]:
    opened = open_runtime(nano_url)
    yield opened
    await opened.aclose()


def role(runtime: Runtime) -> Role:
    return Role(load_profile("default"), runtime=runtime)


def users_page() -> APIRouter:
    """A page of somebody else's, with Pipecat's client on it."""
    router = APIRouter()

    @router.get("/users-page")
    async def page() -> HTMLResponse:
        text = '<!doctype html><title>x</title><script type="module" src="/bundle.js"></script>'
        return HTMLResponse(text, headers={"Content-Security-Policy": "default-src * blob:"})

    @router.get("/bundle.js")
    async def bundle() -> FileResponse:
        return FileResponse(BUNDLE, media_type="text/javascript")

    return router


async def test_pipecats_client_connects_and_the_alarm_is_answered_and_heard(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    need(BUNDLE.exists(), "Pipecat's client is not there: run scripts/pipecat_client.sh")
    place = site(role(runtime), runtime, bearer=Bearer(TOKEN), routers=[users_page()])
    async with place as server, Chromium(tmp_path, alarm) as browser:
        await browser.open(f"{server.url}/users-page")
        await browser.until("globalThis.pipecat")
        ready = await browser.run(f"pipecat.connect({{Authorization: 'Bearer {TOKEN}'}})")
        assert ready["about"]["library"] == "interject"
        await browser.until("pipecat.seen.silent", within_s=60)
        seen = await browser.run("pipecat.seen")
        assert seen["states"][-1] == "ready"
        assert "".join(seen["words"]).strip()
        assert any(one["type"] == "reply" and one["emotion"] == "urgent" for one in seen["server"])
        assert seen["output"][-1]["spoken_status"] == "completed"
        assert any(one["type"] == "decision" and one["respond"] for one in seen["server"])
        assert seen["peak"] > HEARD
        assert seen["errors"] == []
        status = await browser.run("pipecat.client.sendClientRequest('set_mode', {mode: 'assist'})")
        assert status["mode"] == "assist"
        call = server.switchboard.calls[0]
        await browser.run("pipecat.client._transport.attemptReconnection(true)")
        await browser.until("pipecat.client._transport.dc.readyState === 'open'")
        status = await browser.run("pipecat.client.sendClientRequest('status', {})")
        assert status["mode"] == "assist"
        assert server.switchboard.calls == (call,)
        refused = "pipecat.client.sendClientRequest('dance', {}).catch(({data}) => data.error)"
        assert await browser.run(refused) == "there is no 'dance' here"
        await browser.run("pipecat.client.disconnect()")
        await until(lambda: not server.switchboard.taken, "the end of the call")


async def test_the_javascript_of_the_page_about_it_works_as_it_stands(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "webrtc.md").read_text("utf-8")
    script = page.partition("## Your own JavaScript")[2].partition("```js\n")[2].partition("```")[0]
    async with (
        site(role(runtime), runtime, bearer=Bearer(TOKEN)) as server,
        Chromium(tmp_path, alarm) as browser,
    ):
        await browser.open(server.url)
        ready = "await new Promise((done) => { channel.onmessage = ({ data }) => done(data); });"
        first = await browser.run(
            f"(async () => {{ const token = '{TOKEN}'; {script} {ready} "
            "return connection.connectionState; })()"
        )
        assert first == "connected"
        assert len(server.switchboard.calls) == 1
        more = script.replace("const channel", f"{CAMERA} const channel")
        more = more.replace("connection.ontrack", f"{ANOTHER} connection.ontrack")
        last = await browser.run(
            f"(async () => {{ const token = '{TOKEN}'; {more} {ready} {STOP} {ready} "
            "return [connection.connectionState, camera.currentDirection]; })()"
        )
        assert last == ["connected", "stopped"]
        refused = await browser.run(
            f"(async () => {{ const token = 'wrong'; {script} }})().catch((why) => why.message)"
        )
        assert "needs the token" in refused


async def test_our_page_talks_shows_decisions_and_stops_listening(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    """It has the checklist, too, and when the call has ended the summary."""
    listed = ChecklistSettings(items={"hello": "Greets"})
    profile = load_profile("default").model_copy(update={"checklist": listed})
    async with (
        site(Role(profile, runtime=runtime), runtime, bearer=Bearer(TOKEN)) as server,
        Chromium(tmp_path, alarm) as browser,
    ):
        await browser.open(server.url)
        await browser.run("document.getElementById('talk').click()")
        await browser.until("!document.getElementById('token-form').hidden")
        for wrong in ("another-token", "tök€n"):
            await browser.run(f"document.getElementById('token').value = '{wrong}'")
            await browser.run("document.getElementById('wrong').textContent = ''")
            await browser.run("document.querySelector('#token-form button').click()")
            await browser.until(
                "document.getElementById('wrong').textContent.includes('not the server')"
                " && !document.getElementById('token-form').hidden"
            )
        await browser.run(f"document.getElementById('token').value = '{TOKEN}'")
        await browser.run("document.querySelector('#token-form button').click()")
        await browser.until("document.getElementById('state').textContent === 'Connected'")
        await browser.until("document.querySelectorAll('.cell.respond').length", within_s=60)
        said = "[...document.querySelectorAll('#log .urgent span span:first-child')]"
        await browser.until(f"{said}.some((one) => one.textContent)")
        assert await browser.run("document.querySelectorAll('.cell').length") > 5
        await browser.until("document.getElementById('voiced').textContent.includes('ms')")
        await browser.run("document.getElementById('listening').click()")
        await browser.until(
            "document.getElementById('listening').textContent === 'Go on listening'"
        )
        assert not server.switchboard.calls[0].consent.listening
        await browser.run("document.getElementById('talk').click()")
        await until(lambda: not server.switchboard.taken, "the end of the call")
        await browser.until("document.getElementById('state').textContent === 'Call ended'")
        shown = "document.querySelector('#{}')?.textContent ?? ''"
        await browser.until(f"{shown.format('summaries pre')}.includes('smoke alarm')")
        assert "1 of 1 open" in await browser.run(shown.format("checklists h2"))
        assert [line for line in browser.console if "401" not in line] == []


KEEPING_CONNECTIONS = """
globalThis.made = [];
globalThis.channels = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...all) { super(...all); made.push(this); }
  createDataChannel(...all) {
    channels.push(super.createDataChannel(...all));
    return channels.at(-1);
  }
};
"""
FAILING = """
Object.defineProperty(made[0], "connectionState", { value: "failed" });
made[0].onconnectionstatechange();
"""


async def test_our_page_connects_anew_within_the_same_call(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    cells = "document.querySelectorAll('.cell').length"
    async with site(role(runtime), runtime) as server, Chromium(tmp_path, alarm) as browser:
        await browser.call("Page.addScriptToEvaluateOnNewDocument", source=KEEPING_CONNECTIONS)
        await browser.open(server.url)
        await browser.run("document.getElementById('talk').click()")
        await browser.until(f"{cells} > 2")
        call = server.switchboard.calls[0]
        await browser.run(FAILING)
        await browser.until("made[1]?.connectionState === 'connected'")
        await browser.run("document.getElementById('strip').replaceChildren()")
        await browser.until(f"{cells} > 3")
        assert server.switchboard.calls == (call,)
        assert await browser.run("document.getElementById('state').textContent") == "Connected"
        assert await browser.run("made[0].signalingState") == "closed"


STATE = "document.getElementById('state').textContent"
TROUBLE = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


async def test_our_page_says_that_there_is_no_network_and_goes_on_when_there_is(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    async with site(role(runtime), runtime) as server, Chromium(tmp_path, alarm) as browser:
        await browser.call("Page.addScriptToEvaluateOnNewDocument", source=KEEPING_CONNECTIONS)
        await browser.call("Network.enable")
        await browser.open(server.url)
        await browser.run("document.getElementById('talk').click()")
        await browser.until(f"{STATE} === 'Connected'")
        await browser.call("Network.emulateNetworkConditions", offline=True, **TROUBLE)
        await browser.until("!navigator.onLine")
        await browser.run(FAILING)
        await browser.until(f"{STATE} === 'No network, waiting'")
        await browser.call("Network.emulateNetworkConditions", offline=False, **TROUBLE)
        await browser.until(f"{STATE} === 'Connected'")
        assert len(server.switchboard.calls) == 1


async def test_our_page_calls_again_by_itself_when_a_server_is_there_again(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    """The first one goes without a word, as one does that is killed."""
    async with Chromium(tmp_path, alarm) as browser:
        async with site(role(runtime), runtime) as server:
            await browser.call("Page.addScriptToEvaluateOnNewDocument", source=KEEPING_CONNECTIONS)
            await browser.open(server.url)
            await browser.run("document.getElementById('talk').click()")
            await browser.until(f"{STATE} === 'Connected'")
            await browser.run("channels[0].onmessage = null")
        await browser.run(FAILING)
        await browser.until(f"{STATE}.startsWith('Server not reached, again in')")
        port = int(server.url.rpartition(":")[2])
        async with site(role(runtime), runtime, port=port) as another:
            await browser.until(f"{STATE} === 'Connected'")
            assert len(another.switchboard.calls) == 1
            log = await browser.run("document.getElementById('log').textContent")
            assert "so this is a new one" in log
            await browser.run("document.getElementById('talk').click()")


async def test_our_page_ends_where_the_server_refuses_it_for_good(
    runtime: Runtime, alarm: Path, tmp_path: Path
) -> None:
    place = site(role(runtime), runtime, bearer=Bearer(TOKEN))
    async with place as server, Chromium(tmp_path, alarm) as browser:
        await browser.call("Page.addScriptToEvaluateOnNewDocument", source=KEEPING_CONNECTIONS)
        await browser.open(server.url)
        await browser.run(f"sessionStorage.setItem('interject.token', '{TOKEN}')")
        await browser.run("document.getElementById('talk').click()")
        await browser.until(f"{STATE} === 'Connected'")
        await browser.run("globalThis.fetch = async () => new Response('{}', { status: 401 })")
        await browser.run(FAILING)
        await browser.until("!document.getElementById('token-form').hidden")
        assert await browser.run(STATE) == "Not connected"


LOG = "document.getElementById('log').textContent"
POOR = """
const refuse = (name) => { throw new DOMException("No.", name); };
Object.defineProperty(globalThis, "sessionStorage", { get: () => refuse("SecurityError") });
globalThis.AudioContext = class { constructor() { refuse("NotSupportedError"); } };
globalThis.locks = 0;
const lock = { release: async () => { locks--; } };
navigator.wakeLock.request = async () => { locks++; return lock; };
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = async function () {
  HTMLMediaElement.prototype.play = play;
  refuse("NotAllowedError");
};
addEventListener("DOMContentLoaded", () => { document.getElementById("voice").autoplay = false; });
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
globalThis.opened = [];
navigator.mediaDevices.getUserMedia = async (wish) => {
  const stream = await open(wish);
  opened.push(stream.getAudioTracks()[0]);
  return stream;
};
"""
"""It keeps nothing, has no loudspeaker to measure, and is silent until somebody presses."""
MUTED = """
Object.defineProperty(opened[0], "muted", { value: true, configurable: true });
opened[0].dispatchEvent(new Event("mute"));
"""
NO_MORE = """
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("The object can not be found here.", "NotFoundError");
};
"""


async def test_our_page_does_without_what_a_browser_refuses_and_follows_the_microphone(
    tmp_path: Path,
) -> None:
    runtime = FakeRuntime()
    talk = "document.getElementById('talk').click()"
    place = site(role(runtime), runtime, bearer=Bearer(TOKEN))
    async with place as server, Chromium(tmp_path) as browser:
        await browser.call("Page.addScriptToEvaluateOnNewDocument", source=POOR)
        await browser.open(server.url)
        await browser.run(talk)
        await browser.until("!document.getElementById('token-form').hidden")
        await browser.run(f"document.getElementById('token').value = '{TOKEN}'")
        await browser.run("document.querySelector('#token-form button').click()")
        await browser.until(f"{STATE} === 'Connected'")
        await browser.until(f"{LOG}.includes('keeps the voice silent until you press')")
        await browser.run("document.body.click()")
        await browser.until("!document.getElementById('voice').paused")
        assert await browser.run("locks") == 1
        call = server.switchboard.calls[0]
        await browser.run(MUTED)
        await browser.until(f"{STATE} === 'Connected, but the microphone is muted'")
        await browser.run("opened[0].onended()")
        await browser.until(f"{LOG}.includes('Another microphone is used now')")
        await browser.until(f"opened.length === 2 && {STATE}.startsWith('Connected')")
        assert server.switchboard.calls == (call,)
        await browser.run(NO_MORE)
        await browser.run("opened[1].onended()")
        await browser.until(f"{STATE} === 'Call ended'")
        await browser.until("locks === 0")
        await browser.run(talk)
        await browser.until(f"{LOG}.includes('There is no microphone. Connect one')")


HASTY = """
Object.defineProperty(RTCPeerConnection.prototype, "iceGatheringState", { get: () => "complete" });
const fetched = globalThis.fetch;
globalThis.asked = [];
globalThis.fetch = (address, wish) => { asked.push(wish); return fetched(address, wish); };
"""
"""The offer is written before any way to this browser has been found, as where TURN is slow."""


async def test_our_page_tells_later_what_was_found_after_its_offer(tmp_path: Path) -> None:
    runtime = FakeRuntime()
    async with site(role(runtime), runtime) as server, Chromium(tmp_path) as browser:
        await browser.call("Page.addScriptToEvaluateOnNewDocument", source=HASTY)
        await browser.open(server.url)
        await browser.run("document.getElementById('talk').click()")
        await browser.until(f"{STATE} === 'Connected'")
        offer = await browser.run("asked.find(({ method }) => method === 'POST').body")
        assert "a=candidate" not in offer
        later = await browser.run(
            "asked.filter(({ method }) => method === 'PATCH').map((one) => one.body)"
        )
        assert any('"candidate":"candidate:' in one for one in later)
