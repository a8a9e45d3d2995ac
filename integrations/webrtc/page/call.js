// One call with the server that this page comes from: sound in both directions, and messages.

const PING_MS = 1000;
const STATS_MS = 2000;
const ANSWER_MS = 20000;
const GATHER_MS = 1500;
const LOST_MS = 3000;
const CONNECT_MS = 15000;
const LAST_MS = 2000;
const OFFLINE_S = 60; // What a browser says of its network is not always so.
const PAUSES_S = [0, 1, 2, 4, 8, 15];

export class Refused extends Error {
  constructor(status, reason, retryAfterS = 0) {
    super(reason);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

export async function ask(method, path, token, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (token) headers.Authorization = `Bearer ${token}`;
  const asked = { method, headers, body: body && JSON.stringify(body), keepalive: method === "DELETE" };
  const response = await fetch(path, { ...asked, signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => {
    throw new Error("The server cannot be reached.");
  });
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, found.detail ?? `the server answered ${response.status}`, Number(response.headers.get("Retry-After")));
  return found;
}

// Tells of `state` (now: connecting, connected, failed with a reason, ended, left), `message`, `track`, `figures`,
// of being `away` (whether there is a network, when it tries again and why), of being `renewed`: another call,
// and how others know the call that it is `named`.
export class Call extends EventTarget {
  #token; #relay; #microphone; #connection; #channel; #id = null; #timers = []; #returning = false; #over = false;
  #requests = new Map(); #number = 0;

  constructor({ token = "", relay = false, microphone }) {
    super();
    this.#token = token;
    this.#relay = relay;
    this.#microphone = microphone;
  }

  async start() {
    this.#state("connecting");
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

  // Another microphone in place of the one before, without another offer.
  async hearFrom(microphone) {
    this.#microphone = microphone;
    const [track] = microphone.getAudioTracks();
    for (const sender of this.#connection.getSenders()) await sender.replaceTrack(track).catch(() => {}); // The next one takes it.
  }

  // Nothing more is heard at once. The last messages, as the summary, come until the server closes.
  async end(now = "ended", reason = null) {
    if (this.#over) return;
    this.#over = true;
    this.#timers.forEach(clearInterval);
    const [connection, channel] = [this.#connection, this.#channel];
    for (const sender of connection?.getSenders() ?? []) sender.replaceTrack(null).catch(() => {});
    this.#tell("state", { now, reason });
    if (this.#id) await ask("DELETE", "/api/offer", this.#token, { pc_id: this.#id }).catch(() => {});
    if (now !== "failed" && channel?.readyState === "open") await closed(channel);
    connection?.close();
  }

  async #connect(restart) {
    const { iceServers } = await ask("GET", "/api/ice", this.#token);
    const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: this.#relay ? "relay" : "all" });
    const old = this.#connection;
    this.#connection = connection;
    this.#requests.clear();
    this.#channel = connection.createDataChannel("chat", { ordered: true });
    this.#channel.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.#channel.onopen = () => this.send("client-ready", { version: "2.1.0", about: { library: "interject-page" } });
    connection.ontrack = ({ track }) => this.#tell("track", track);
    connection.onconnectionstatechange = () => this.#changed(connection);
    for (const track of this.#microphone.getAudioTracks()) connection.addTrack(track, this.#microphone);
    try {
      await connection.setLocalDescription(await connection.createOffer());
      await gathered(connection);
      const { sdp, type } = connection.localDescription;
      const later = this.#tellLater(connection);
      const answer = await ask("POST", "/api/offer", this.#token, { sdp, type, pc_id: this.#id, restart_pc: restart });
      later(answer.pc_id);
      const renewed = this.#id && this.#id !== answer.pc_id;
      this.#id = answer.pc_id;
      this.#tell("named", answer.call);
      if (renewed) this.#tell("renewed");
      if (this.#over) return connection.close();
      await connection.setRemoteDescription(answer);
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      old?.close();
    }
  }

  // What is found after the offer was written, as a way through a TURN server, is sent behind it once
  // it is known what call that is of.
  #tellLater(connection) {
    let known;
    const id = new Promise((resolve) => { known = resolve; });
    connection.onicecandidate = async ({ candidate: found }) => {
      if (!found?.candidate) return;
      const one = { candidate: found.candidate, sdp_mid: found.sdpMid, sdp_mline_index: found.sdpMLineIndex };
      await ask("PATCH", "/api/offer", this.#token, { pc_id: await id, candidates: [one] }).catch(() => {});
    };
    return known;
  }

  #changed(connection) {
    if (connection !== this.#connection || this.#over) return;
    const state = connection.connectionState;
    if (state === "connected") this.#state("connected");
    if (state === "disconnected") setTimeout(() => connection.connectionState === "disconnected" && this.#again(connection), LOST_MS);
    if (state === "failed") this.#again(connection);
  }

  // Until it is connected, somebody ends the call, or the server refuses it for good. A call that the
  // server has given up meanwhile is begun anew.
  async #again(connection) {
    if (connection !== this.#connection || this.#over || this.#returning) return;
    this.#returning = true;
    this.#state("connecting");
    let reason = "Connection lost", leastS = 0;
    for (let tries = 0; !this.#over; tries++) {
      const pauseS = Math.max(leastS, PAUSES_S[Math.min(tries, PAUSES_S.length - 1)]) * (1 + 0.2 * Math.random());
      this.#tell("away", { offline: !navigator.onLine, pauseS, reason });
      await online(pauseS);
      if (this.#over) return;
      try {
        this.#tell("away", { offline: false, pauseS: 0, reason });
        await this.#connect(true);
        if (await connected(this.#connection)) break;
        [reason, leastS] = ["No connection", 0];
      } catch (error) {
        if (error.status === 400 && this.#id) this.#id = null; // It was just about to end.
        else if (error.status < 500) return this.end("failed", error);
        [reason, leastS] = [error.status ? "Server takes no calls" : "Server not reached", error.retryAfterS ?? 0];
      }
    }
    this.#returning = false;
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
    if (this.#connection.connectionState !== "connected") return;
    const figures = {};
    for (const one of (await this.#connection.getStats()).values()) {
      if (one.type === "candidate-pair" && one.nominated) figures.roundTripS = one.currentRoundTripTime;
      if (one.type === "inbound-rtp" && one.kind === "audio" && one.jitterBufferEmittedCount)
        figures.heldS = one.jitterBufferDelay / one.jitterBufferEmittedCount;
    }
    this.#tell("figures", figures);
    if (figures.heldS >= 0) this.request("playout_delay", { seconds: Math.min(5, figures.heldS) }).catch(() => {});
  }

  #state(now) {
    this.#tell("state", { now, reason: null });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// Mostly all candidates are in the offer then; for a slow STUN or TURN server it does not wait.
function gathered(connection) {
  return new Promise((resolve) => {
    const done = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, GATHER_MS);
    done();
  });
}

// After so many seconds, or as soon as there is a network again. Without one there is nothing to try.
function online(pauseS) {
  const back = new Promise((resolve) => addEventListener("online", resolve, { once: true }));
  const pause = new Promise((resolve) => setTimeout(resolve, 1000 * (navigator.onLine ? pauseS : OFFLINE_S)));
  return Promise.race([back, pause]);
}

function closed(channel) {
  return new Promise((resolve) => {
    channel.addEventListener("close", resolve, { once: true });
    setTimeout(resolve, LAST_MS);
  });
}

function connected(connection) {
  return new Promise((resolve) => {
    const look = () => {
      const state = connection.connectionState;
      if (state === "connected" || state === "failed" || state === "closed") resolve(state === "connected");
    };
    connection.addEventListener("connectionstatechange", look);
    setTimeout(() => resolve(connection.connectionState === "connected"), CONNECT_MS);
    look();
  });
}
