// One call with the server that this page comes from: sound in both directions, and messages.

const PING_MS = 1000;
const STATS_MS = 2000;
const GATHER_MS = 1500;
const GIVE_UP_AFTER = 3;

export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export async function ask(method, path, token, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), keepalive: method === "DELETE" });
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, found.detail ?? `the server answered ${response.status}`);
  return found;
}

// Tells of `state` (connecting, connected, failed, ended), `message`, `track` and `figures`.
export class Call extends EventTarget {
  #token; #relay; #microphone; #connection; #channel; #id = null; #timers = []; #tries = 0; #over = false;
  #requests = new Map(); #number = 0;

  constructor({ token = "", relay = false, microphone }) {
    super();
    this.#token = token;
    this.#relay = relay;
    this.#microphone = microphone;
  }

  async start() {
    this.#tell("state", "connecting");
    await this.#connect(false);
    this.#timers.push(setInterval(() => this.#ping(), PING_MS), setInterval(() => this.#measure(), STATS_MS));
  }

  send(type, data) {
    const id = String(++this.#number);
    if (this.#channel?.readyState === "open")
      this.#channel.send(JSON.stringify({ label: "rtvi-ai", type, id, data }));
    return id;
  }

  // Resolves to what the server answers, or rejects with why it does not.
  request(name, data) {
    return new Promise((resolve, reject) => {
      const id = this.send("client-message", { t: name, d: data });
      this.#requests.set(id, { resolve, reject });
    });
  }

  mute(muted) {
    for (const track of this.#microphone.getAudioTracks()) track.enabled = !muted;
  }

  async end(state = "ended") {
    if (this.#over) return;
    this.#over = true;
    this.#timers.forEach(clearInterval);
    this.#connection?.close();
    this.#tell("state", state);
    if (this.#id) await ask("DELETE", "/api/offer", this.#token, { pc_id: this.#id }).catch(() => {});
  }

  async #connect(restart) {
    const { iceServers } = await ask("GET", "/api/ice", this.#token);
    const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: this.#relay ? "relay" : "all" });
    const old = this.#connection;
    this.#connection = connection;
    this.#channel = connection.createDataChannel("chat", { ordered: true });
    this.#channel.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.#channel.onopen = () => {
      this.#tries = 0;
      this.send("client-ready", { version: "2.1.0", about: { library: "interject-page" } });
    };
    connection.ontrack = ({ track }) => this.#tell("track", track);
    connection.onconnectionstatechange = () => this.#changed(connection);
    for (const track of this.#microphone.getAudioTracks()) connection.addTrack(track, this.#microphone);
    await connection.setLocalDescription(await connection.createOffer());
    await gathered(connection);
    const { sdp, type } = connection.localDescription;
    const answer = await ask("POST", "/api/offer", this.#token, { sdp, type, pc_id: this.#id, restart_pc: restart });
    this.#id = answer.pc_id;
    if (this.#over) return connection.close();
    await connection.setRemoteDescription(answer);
    old?.close();
  }

  #changed(connection) {
    if (connection !== this.#connection || this.#over) return;
    const state = connection.connectionState;
    if (state === "connected") this.#tell("state", "connected");
    if (state === "disconnected") setTimeout(() => connection.connectionState === "disconnected" && this.#again(connection), 3000);
    if (state === "failed") this.#again(connection);
  }

  async #again(connection) {
    if (connection !== this.#connection || this.#over) return;
    if (++this.#tries > GIVE_UP_AFTER) return this.end("failed");
    this.#tell("state", "connecting");
    try {
      await this.#connect(true);
    } catch {
      setTimeout(() => this.#again(this.#connection), 2000);
    }
  }

  #take(message) {
    if (message.type === "signalling") {
      if (message.message.type === "peerLeft") this.end("left");
      return;
    }
    const request = this.#requests.get(message.id);
    if (request && message.type.endsWith("-response")) {
      this.#requests.delete(message.id);
      if (message.type === "server-response") request.resolve(message.data.d);
      else request.reject(new Error(message.data.error));
      return;
    }
    this.#tell("message", message);
  }

  #ping() {
    if (this.#channel?.readyState === "open") this.#channel.send(`ping: ${Date.now()}`);
  }

  async #measure() {
    const figures = {};
    for (const one of (await this.#connection.getStats()).values()) {
      if (one.type === "candidate-pair" && one.nominated) figures.roundTripS = one.currentRoundTripTime;
      if (one.type === "inbound-rtp" && one.kind === "audio" && one.jitterBufferEmittedCount)
        figures.heldS = one.jitterBufferDelay / one.jitterBufferEmittedCount;
    }
    this.#tell("figures", figures);
    if (figures.heldS >= 0) this.request("playout_delay", { seconds: Math.min(5, figures.heldS) }).catch(() => {});
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// With all candidates in the offer no other request is needed; a slow STUN server is not waited for.
function gathered(connection) {
  return new Promise((resolve) => {
    const done = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, GATHER_MS);
    done();
  });
}
