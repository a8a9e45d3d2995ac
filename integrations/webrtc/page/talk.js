import { Call, Refused, ask } from "/page/call.js";

const CELLS = 90;
const QUIETEST_DBFS = -60;
const STATES = {
  idle: "Not connected", connecting: "Connecting", connected: "Connected", ended: "Call ended",
  left: "The agent has left", failed: "Not connected",
};
const NO_MICROPHONE = {
  NotAllowedError: "The browser was not allowed to use the microphone.",
  NotFoundError: "There is no microphone. Connect one, and press Talk again.",
  NotReadableError: "The microphone cannot be used: another program may have it.",
}; // In their own words browsers say "The object can not be found here."
const WRONG = "This token is not the server's.";
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const at = (id) => document.getElementById(id);
const relay = new URLSearchParams(location.search).has("relay");
let call = null, microphone = null, awake = null, listening = true, respondedAt = 0, replies = new Map(), cues = new Map();

at("talk").onclick = () => (call ? call.end() : begin());
at("listening").onclick = () => control(listening ? "stop_listening" : "resume_listening");
at("hush").onclick = () => call?.request("interrupt").catch(complain);
at("mode").onchange = () => control("set_mode", { mode: at("mode").value });
at("write").onsubmit = (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (!call || !text) return;
  call.send("send-text", { content: text });
  entry("mine", text);
  at("text").value = "";
};
at("token-form").onsubmit = (event) => {
  event.preventDefault();
  const given = at("token").value.trim();
  at("token").value = "";
  if (tokens.impossible(given)) return askForToken(WRONG);
  tokens.keep(given);
  at("token-form").hidden = true;
  begin();
};
addEventListener("pagehide", () => call?.end());
addEventListener("visibilitychange", () => call && stayAwake());

async function begin() {
  if (!navigator.mediaDevices) return complain(new Error("A browser gives the microphone to pages from https or from localhost alone."));
  at("talk").disabled = true;
  try {
    await ask("GET", "/api/ice", tokens.get());
    microphone = await navigator.mediaDevices.getUserMedia({ audio: SOUND });
    call = new Call({ token: tokens.get(), relay, microphone });
    call.addEventListener("state", ({ detail }) => state(detail.now, detail.reason));
    call.addEventListener("away", ({ detail }) => away(detail));
    call.addEventListener("renewed", () => entry("notice", "Connected again. The call had ended meanwhile, so this is a new one: it remembers nothing of the last."));
    call.addEventListener("message", ({ detail }) => take(detail));
    call.addEventListener("track", ({ detail }) => speak(detail));
    call.addEventListener("figures", ({ detail }) => { if (detail.roundTripS >= 0) at("trip").textContent = ms(detail.roundTripS); });
    attend();
    stayAwake();
    await call.start();
  } catch (error) {
    await call?.end("failed");
    refused(error);
  } finally {
    at("talk").disabled = false;
  }
}

function refused(error) {
  if (!(error instanceof Refused && error.status === 401)) return complain(error);
  const shown = tokens.get();
  tokens.forget();
  askForToken(shown ? WRONG : "");
}

function askForToken(reason) {
  at("wrong").textContent = reason;
  at("token-form").hidden = false;
  at("token").focus();
}

// What it does while there is no connection, and when it will try again.
function away({ offline, pauseS, reason }) {
  let text = "Connection lost, connecting again";
  if (offline) text = "No network, waiting";
  else if (pauseS >= 1) text = `${reason}, again in ${Math.round(pauseS)} s`;
  at("state").textContent = text;
}

function state(now, reason) {
  const running = now === "connecting" || now === "connected";
  at("state").textContent = now === "connected" ? connected() : STATES[now];
  at("state").dataset.state = { ended: "idle", left: "idle" }[now] ?? now;
  at("talk").setAttribute("aria-pressed", String(running));
  at("talk-label").textContent = running ? "End call" : "Talk";
  for (const id of ["listening", "hush", "mode", "text"]) at(id).disabled = now !== "connected";
  at("write").querySelector("button").disabled = now !== "connected";
  if (running) return;
  document.querySelector(".ring").style.opacity = 0;
  at("talk").classList.remove("speaking");
  microphone.getTracks().forEach((track) => track.stop());
  awake?.release();
  call = awake = null;
  replies = new Map();
  cues = new Map();
  if (reason) refused(reason);
}

function take({ type, data }) {
  switch (type) {
    case "bot-ready": return control("status");
    case "bot-started-speaking":
      at("talk").classList.add("speaking");
      if (respondedAt) at("voiced").textContent = ms((performance.now() - respondedAt) / 1000);
      respondedAt = 0;
      return;
    case "bot-stopped-speaking": return at("talk").classList.remove("speaking");
    case "bot-output": return output(data);
    case "bot-llm-text": return growing(data.text);
    case "bot-llm-stopped": return written();
    case "error": return complain(new Error(data.error));
    case "server-message": return told(data);
  }
}

function told(data) {
  switch (data.type) {
    case "decision": return decision(data);
    case "gap": return gap(data);
    case "reply": return started(data);
    case "heard": return replies.get(data.reply_id)?.item.classList.toggle("cut", data.interrupted);
    case "notice":
      entry("notice", data.text);
      return control("status");
    case "posted": return posted(data);
    case "cue": return cue(data);
    case "checklist": return panels.put_checklist(data);
    case "summary": return panels.put_summary(data);
  }
}

// What it is of, as a task or a decision.
function posted({ reply_id, category }) {
  const about = replies.get(reply_id)?.item.querySelector("small");
  if (about && category) about.textContent = `${category} · not spoken`;
}

// The same id again is the same card again.
function cue({ id, text, category, count, time }) {
  const last = new Date(1000 * time).toLocaleTimeString();
  const about = count > 1 ? `cue · ${category} · ${count} times, last at ${last}` : `cue · ${category}`;
  const item = cues.get(id);
  if (!item) return void cues.set(id, entry("reply", text, about));
  item.querySelector("small").textContent = about;
  item.querySelector("span").textContent = text;
}

function decision({ respond, p_respond, queued_s, speakers, chunk }) {
  const loudest = Math.max(QUIETEST_DBFS, ...speakers.map((one) => one.level_dbfs));
  const cell = newCell(`chunk ${chunk}: ${respond ? "respond" : "silent"}, P(respond) ${percent(p_respond)}`);
  const [bar, sound] = [document.createElement("b"), document.createElement("i")];
  cell.classList.toggle("respond", respond);
  bar.style.height = `calc((100% - var(--heard) - 0.2rem) * ${Math.max(0.02, p_respond)})`;
  sound.style.height = `calc((var(--heard) - 0.3rem) * ${(loudest - QUIETEST_DBFS) / -QUIETEST_DBFS})`;
  cell.append(bar, sound);
  at("p").textContent = percent(p_respond);
  at("decided").textContent = ms(queued_s);
  at("strip").setAttribute("aria-label", `Latest decision: ${respond ? "respond" : "silent"}, P(respond) ${percent(p_respond)}`);
}

function gap({ count, reason }) {
  newCell(`${count} chunks were not decided: ${reason}`).classList.add("gap");
}

function newCell(title) {
  const cell = document.createElement("div");
  cell.className = "cell";
  cell.title = title;
  at("strip").prepend(cell);
  while (at("strip").childElementCount > CELLS) at("strip").lastChild.remove();
  return cell;
}

function started({ reply_id, emotion, spoken }) {
  if (spoken && !respondedAt) respondedAt = performance.now();
  const item = entry("reply", "", spoken ? emotion : `${emotion} · not spoken`);
  item.classList.toggle("urgent", emotion === "urgent");
  const words = item.querySelector("span");
  replies.set(reply_id, { item, words, spoken });
  latest = replies.get(reply_id);
}
let latest = null;

// Until it is said a reply is pale; the words that were heard are not.
function growing(text) {
  if (!latest) return;
  const part = latest.words.appendChild(document.createElement("span"));
  part.className = latest.spoken ? "unheard" : "";
  part.textContent = text;
  bottom();
}

// Of a reply that only ticks an item of the checklist, or plays a sound, there are no words.
function written() {
  if (latest && !latest.words.textContent) latest.item.remove();
  latest = null;
}

function output({ segment_id, text, will_be_spoken, spoken_progress }) {
  const reply = replies.get(segment_id);
  if (!reply) return;
  const heard = will_be_spoken ? spoken_progress.accumulated_text : text;
  const [said, rest] = [document.createElement("span"), document.createElement("span")];
  said.textContent = heard;
  rest.textContent = text.slice(heard.length);
  rest.className = "unheard";
  reply.words.replaceChildren(said, rest);
  if (!will_be_spoken) at("read-out").textContent = text; // what is spoken is heard anyway
  bottom();
}

async function control(name, data = {}) {
  try {
    const asked = call;
    const status = await asked?.request(name, data);
    if (!status || call !== asked) return; // the call is over by now
    listening = status.listening && !status.withdrawn.length;
    at("listening").textContent = listening ? "Stop listening" : "Go on listening";
    at("mode").value = status.mode;
    showConnected();
  } catch (error) {
    complain(error);
  }
}

function entry(kind, text, about = "") {
  const item = document.createElement("li");
  item.className = kind;
  if (about) item.append(Object.assign(document.createElement("small"), { textContent: about }));
  item.append(Object.assign(document.createElement("span"), { textContent: text }));
  at("log").append(item);
  if (text && kind !== "mine") at("read-out").textContent = text;
  while (at("log").childElementCount > 200) at("log").firstChild.remove();
  bottom();
  return item;
}

// Another call, or a switch of the whole system, may take the sound for a while.
function connected() {
  if (!listening) return "Connected, not listening";
  return microphone.getAudioTracks()[0].muted ? "Connected, but the microphone is muted" : STATES.connected;
}

function showConnected() {
  if (at("state").dataset.state === "connected") at("state").textContent = connected();
}

function attend() {
  const [track] = microphone.getAudioTracks();
  track.onended = replaceMicrophone;
  track.onmute = track.onunmute = showConnected;
  follow();
}

// Unplugged, or taken back by the browser: another one takes its place. Without one, whoever speaks
// on would not be heard.
async function replaceMicrophone() {
  const mine = call;
  const next = await navigator.mediaDevices.getUserMedia({ audio: SOUND }).catch(() => null);
  const another = next?.getAudioTracks()[0];
  if (!mine || call !== mine) return void another?.stop();
  if (another?.readyState !== "live") {
    mine.end();
    return complain(new Error("The microphone is gone, so the call has ended. Press Talk to begin another."));
  }
  microphone = next;
  await mine.hearFrom(next);
  attend();
  entry("notice", `Another microphone is used now: ${another.label || "the system's"}.`);
}

// Some browsers begin no sound by themselves, others not before something is pressed.
async function speak(track) {
  at("voice").srcObject = new MediaStream([track]);
  try {
    await at("voice").play();
  } catch (error) {
    if (error.name !== "NotAllowedError") return; // Another track came meanwhile.
    entry("notice", "The browser keeps the voice silent until you press anywhere on this page.");
    addEventListener("click", () => at("voice").play().catch(() => {}), { once: true });
  }
}

// A telephone that locks its screen takes the microphone away. Whoever looks elsewhere loses this.
async function stayAwake() {
  if (document.visibilityState !== "visible") return;
  awake = await navigator.wakeLock?.request("screen").catch(() => null) ?? null;
  if (!call) awake?.release();
}

function complain(error) {
  entry("notice", NO_MICROPHONE[error.name] ?? error.message);
}

// The ring around the button moves with the microphone: it is on. Where nothing can be measured,
// as without any loudspeaker, it stands still.
function follow() {
  let context, analyser;
  try {
    context = new AudioContext();
    analyser = context.createAnalyser();
    context.createMediaStreamSource(microphone).connect(analyser);
  } catch {
    return void context?.close();
  }
  const samples = new Float32Array(analyser.fftSize);
  const ring = document.querySelector(".ring");
  const [mine, heard] = [call, microphone];
  const draw = () => {
    if (call !== mine || microphone !== heard) return context.close();
    analyser.getFloatTimeDomainData(samples);
    const level = Math.min(1, 6 * Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length));
    ring.style.opacity = listening ? level : 0;
    ring.style.transform = `scale(${0.94 + 0.1 * level})`;
    requestAnimationFrame(draw);
  };
  draw();
}

function bottom() {
  at("log").scrollTop = at("log").scrollHeight;
}

function ms(seconds) {
  return `${Math.round(seconds * 1000)} ms`;
}

function percent(p) {
  return `${p < 0.095 ? (100 * p).toFixed(1) : Math.round(100 * p)} %`;
}
