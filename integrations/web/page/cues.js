"use strict";

// Reads the stream with fetch and not with EventSource, which could send no header: the token must
// not stand in an address, where logs and histories keep it.

const TOKEN = "interject.token";
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
const show_state = (text) => {
  if (at("state").textContent !== text) at("state").textContent = text;
};

function ask_for_token(reason) {
  at("wrong").textContent = reason;
  at("entry").hidden = false;
  at("token").focus();
}

async function connect() {
  at("entry").hidden = true;
  const token = sessionStorage.getItem(TOKEN);
  const quit = new AbortController();
  let watch = setTimeout(() => quit.abort(), SILENT_MS);
  try {
    const answer = await fetch(stream_address(), {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      cache: "no-store",
      signal: quit.signal,
    });
    if (answer.status === 401) {
      sessionStorage.removeItem(TOKEN);
      show_state("Not connected");
      ask_for_token(token ? "This token is not the server's." : "");
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    at("forget").hidden = !token;
    show_state("Connected");
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
  show_state("Connection lost, trying again");
  setTimeout(connect, PAUSES_MS[Math.min(attempt++, PAUSES_MS.length - 1)]);
}

function stream_address() {
  const asked = new URLSearchParams(location.search);
  const wanted = new URLSearchParams();
  for (const name of ["call", "identity"]) {
    if (asked.has(name)) wanted.set(name, asked.get(name));
  }
  return `/api/cues?${wanted}`;
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
  }
}

function put({ call, cue }) {
  const known = cards.get(cue.id)?.cue ?? done.get(cue.id);
  if (known && known.text === cue.text && known.expiry === cue.expiry) return;
  cards.set(cue.id, { cue, element: make_card(call, cue) });
  arrange();
  at(is_urgent(cue) ? "urgent" : "polite").textContent =
    `${is_urgent(cue) ? "Urgent: " : ""}${cue.text}`;
}

function make_card(call, cue) {
  const element = document.createElement("li");
  element.className = is_urgent(cue) ? "card urgent" : "card";
  const head = document.createElement("h2");
  if (is_urgent(cue)) {
    head.append(Object.assign(document.createElement("strong"), { textContent: "Urgent" }), " · ");
  }
  head.append(`${cue.category} · call ${call.slice(-6)}`);
  const text = Object.assign(document.createElement("p"), { textContent: cue.text });
  const left = Object.assign(document.createElement("p"), { className: "left" });
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: "Done",
  });
  button.setAttribute("aria-label", `Done: ${cue.text}`);
  button.addEventListener("click", () => {
    done.set(cue.id, cue);
    remove(cue.id);
  });
  element.append(head, text, left, button);
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
  const { element } = cards.get(id);
  const had_focus = element.contains(document.activeElement);
  const next = element.nextElementSibling ?? element.previousElementSibling;
  cards.delete(id);
  arrange();
  if (had_focus) next?.querySelector("button").focus();
}

function tick() {
  for (const [id, { cue, element }] of cards) {
    const left_s = Math.ceil(cue.expiry - now_s());
    if (left_s <= 0) {
      remove(id);
    } else {
      element.querySelector(".left").textContent = `${left_s} s left`;
    }
  }
  for (const [id, cue] of done) {
    if (cue.expiry < now_s()) done.delete(id);
  }
}

at("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, at("token").value.trim());
  at("token").value = "";
  connect();
});
at("forget").addEventListener("click", () => {
  sessionStorage.removeItem(TOKEN);
  location.reload();
});
setInterval(tick, 500);
connect();
