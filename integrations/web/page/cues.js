"use strict";

// Reads the stream with fetch and not with EventSource, which could send no header: the token must
// not stand in an address, where logs and histories keep it.

const URGENT = 1000;
const PAUSES_MS = [500, 1000, 2000, 5000, 10000];
const SILENT_MS = 40000; // The server says something every 15 s.

const at = (id) => document.getElementById(id);
const cards = new Map(); // By the cue's id.
const done = new Map(); // Cues put away here: a stream that begins anew shows all that live.
let ahead_s = 0; // Of the server's clock before ours.
let attempt = 0;

const now_s = () => Date.now() / 1000 + ahead_s;
const is_urgent = (cue) => cue.priority >= URGENT;
const spoken = (cue) => `${is_urgent(cue) ? "Urgent: " : ""}${cue.text}`;
let quit = new AbortController(); // Of the stream.
let wake = () => {}; // Ends the pause before the next attempt.

const WRONG = "This token is not the server's.";
const NOTHING = {
  connected: "No cue at the moment.",
  connecting: "Not connected. Cues that come meanwhile are shown as soon as this page is, if they have not expired.",
  failed: "Not connected: no cue is shown.",
};

function show_state(state, text) {
  at("state").dataset.state = state;
  if (at("state").textContent !== text) at("state").textContent = text;
  if (at("empty").textContent !== NOTHING[state]) at("empty").textContent = NOTHING[state];
}

function ask_for_token(reason) {
  at("wrong").textContent = reason;
  at("entry").hidden = false;
  at("token").focus();
}

async function connect() {
  at("entry").hidden = true;
  const shown = tokens.get();
  quit = new AbortController();
  let watch = setTimeout(() => quit.abort(), SILENT_MS);
  try {
    const answer = await fetch(stream_address(), {
      headers: shown ? { Authorization: `Bearer ${shown}` } : {},
      cache: "no-store",
      signal: quit.signal,
    });
    if (answer.status === 401) {
      tokens.forget();
      show_state("failed", "Not connected");
      ask_for_token(shown ? WRONG : "");
      return;
    }
    if (answer.status === 422) {
      show_state("failed", (await answer.json()).detail);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    at("forget").hidden = !shown;
    show_state("connected", "Connected");
    attempt = 0;
    for await (const piece of pieces(answer.body)) {
      clearTimeout(watch);
      watch = setTimeout(() => quit.abort(), SILENT_MS);
      take(piece);
    }
  } catch {
    // Away, cut or silent: all are tried again.
  } finally {
    clearTimeout(watch);
  }
  const pause_ms = PAUSES_MS[Math.min(attempt++, PAUSES_MS.length - 1)];
  show_state("connecting", navigator.onLine ? "Connection lost, trying again" : "No network, waiting");
  await new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, pause_ms);
  });
  connect();
}

function stream_address() {
  return `/api/cues${location.search}`;
}

async function* pieces(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    unread += value;
    const parts = unread.split("\n\n");
    unread = parts.pop();
    yield* parts;
  }
}

function take(piece) {
  const fields = Object.fromEntries(piece.split("\n").map((line) => line.split(/: (.*)/s)));
  if (!fields.data) return;
  const data = JSON.parse(fields.data);
  if (fields.event === "hello") {
    ahead_s = data.time - Date.now() / 1000;
  } else if (fields.event === "cue" && data.cue.expiry > now_s()) {
    put(data);
  } else if (fields.event === "checklist") {
    panels.put_checklist(data);
  } else if (fields.event === "summary") {
    panels.put_summary(data);
  }
}

// One that was put away stays away however often it comes again, unless it is urgent now.
function put({ call, cue, mark, by }) {
  if (mark === "dismissed") return put_away(cue);
  const before = done.get(cue.id);
  if (before && (is_urgent(before) || !is_urgent(cue))) return done.set(cue.id, cue);
  done.delete(cue.id);
  const shown = cards.get(cue.id);
  const element = shown?.element ?? make_card(cue.id);
  cards.set(cue.id, { cue, element });
  fill(element, call, cue, mark === "acknowledged" ? `seen by ${by || "somebody"}` : "");
  arrange();
  tick();
  if (shown && is_urgent(shown.cue) === is_urgent(cue)) return; // Nobody is told twice.
  at(is_urgent(cue) ? "urgent" : "polite").textContent = spoken(cue);
}

// Somebody has done with it elsewhere.
function put_away(cue) {
  if (cards.has(cue.id)) remove(cue.id);
  done.set(cue.id, cue);
}

function fill(element, call, cue, seen) {
  element.className = is_urgent(cue) ? "card urgent" : "card";
  const [head, text, sources] = element.children;
  head.replaceChildren();
  if (is_urgent(cue)) {
    head.append(Object.assign(document.createElement("strong"), { textContent: "Urgent" }), " · ");
  }
  head.append([cue.category, `call ${call.slice(-6)}`, seen].filter(Boolean).join(" · "));
  text.textContent = cue.text;
  sources.textContent = cue.sources.join("; ");
  element.querySelector("button").setAttribute("aria-label", `Done: ${cue.text}`);
}

function make_card(id) {
  const element = document.createElement("li");
  const [head, text] = [document.createElement("h2"), document.createElement("p")];
  const sources = Object.assign(document.createElement("p"), { className: "source" });
  const left = Object.assign(document.createElement("p"), { className: "left" });
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: "Done",
  });
  button.addEventListener("click", () => {
    done.set(id, cards.get(id).cue);
    remove(id);
  });
  element.append(head, text, sources, left, button);
  return element;
}

function arrange() {
  const sorted = [...cards.values()].sort(
    (one, other) => other.cue.priority - one.cue.priority || other.cue.time - one.cue.time,
  );
  const shown = [...at("cards").children];
  if (sorted.length !== shown.length || sorted.some((card, i) => card.element !== shown[i])) {
    const focused = document.activeElement;
    at("cards").replaceChildren(...sorted.map((card) => card.element));
    focused?.focus();
  }
  at("empty").hidden = cards.size > 0;
  document.title = cards.size ? `(${cards.size}) Cues` : "Cues";
}

// Whoever works with the keyboard goes on with the card that takes its place.
function remove(id) {
  const { cue, element } = cards.get(id);
  for (const told of [at("urgent"), at("polite")]) {
    if (told.textContent === spoken(cue)) told.textContent = ""; // A screen reader finds it no more.
  }
  const had_focus = element.contains(document.activeElement);
  const next = element.nextElementSibling ?? element.previousElementSibling;
  cards.delete(id);
  arrange();
  if (had_focus) next?.querySelector("button").focus();
}

function counted({ count, time }) {
  if (count === 1) return "";
  const last = new Date(1000 * (time - ahead_s)).toLocaleTimeString();
  return `${count} times, last at ${last} · `;
}

function tick() {
  for (const [id, { cue, element }] of cards) {
    const left_s = Math.ceil(cue.expiry - now_s());
    if (left_s <= 0) {
      remove(id);
    } else {
      element.querySelector(".left").textContent = `${counted(cue)}${left_s} s left`;
    }
  }
  for (const [id, cue] of done) {
    if (cue.expiry < now_s()) done.delete(id);
  }
}

at("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = at("token").value.trim();
  at("token").value = "";
  if (tokens.impossible(given)) return ask_for_token(WRONG);
  tokens.keep(given);
  connect();
});
at("forget").addEventListener("click", () => {
  tokens.forget();
  location.reload();
});
addEventListener("online", () => wake());
addEventListener("offline", () => quit.abort());
setInterval(tick, 500);
connect();
