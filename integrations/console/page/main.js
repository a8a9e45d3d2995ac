// Which view is shown, who is signed in, and whether the page is connected.

import { Connection } from "./connection.js";
import { SessionList } from "./session-list.js";
import { SessionPane } from "./session-pane.js";
import { Review } from "./review.js";
import { Talk } from "./talk.js";
import { Wishes } from "./wishes.js";

const WRONG = "This token is not the server's.";
const NAME = "interject.name";
const VIEWS = ["watch", "talk", "review"];
const STATES = { connecting: "Connecting", connected: "Connected", unknown: "Not signed in", lost: "Connection lost, trying again" };
const at = (id) => document.getElementById(id);

let connection = null, list = null, wishes = null, talk = null, review = null, pane = null, own = null, ownCall = null, welcome = null, wasConnected = false;

function start() {
  connection?.close();
  close();
  connection = new Connection({ token: tokens.get(), name: name() });
  list ??= new SessionList({ clock: () => connection.now() });
  wishes ??= new Wishes({ clock: () => connection.now(), operate: (session, command) => connection.operate(session, command) });
  connection.addEventListener("state", ({ detail }) => state(detail));
  connection.addEventListener("welcome", ({ detail }) => welcomed(detail));
  connection.addEventListener("sessions", ({ detail }) => all(detail.sessions));
  connection.addEventListener("session", ({ detail }) => changed(detail.session));
  connection.addEventListener("gone", ({ detail }) => { list.gone(detail.session); asked(); });
  connection.addEventListener("pulse", ({ detail }) => { list.pulse(detail.sessions); headline(); });
  connection.open();
}

function state(now) {
  const shown = now === "connecting" && wasConnected ? "lost" : now;
  at("state").textContent = STATES[shown];
  document.body.dataset.connection = shown;
  at("state").dataset.state = { unknown: "failed", lost: "connecting" }[shown] ?? shown;
  if (now === "connected") wasConnected = true;
  if (now !== "unknown") return;
  wasConnected = false;
  at("wrong").textContent = tokens.get() ? WRONG : "";
  tokens.forget();
  show("sign-in");
  at("token").focus();
}

function welcomed(message) {
  const first = !welcome;
  welcome = message;
  at("who").hidden = at("leave").hidden = !tokens.get();
  at("who").textContent = [name(), message.role].filter(Boolean).join(", ");
  document.body.dataset.role = message.role;
  wishes.operates = message.role === "operator";
  at("call").disabled = at("file").disabled = !message.talk;
  at("drop").hidden = !message.talk;
  if (!message.talk) at("talk-hint").textContent = message.role === "viewer" ? "This token may look. To talk needs an operator's." : "This server takes no calls from browsers.";
  if (message.talk) talk ??= new Talk({ token: tokens.get(), onCall: called });
  if (first) addEventListener("hashchange", route);
}

function all(sessions) {
  list.all(sessions);
  for (const one of [pane, own]) if (one && list.states.has(one.id)) one.show(list.states.get(one.id));
    else one?.lost();
  route();
  asked();
}

function asked() {
  wishes.show(list.states.values());
  headline();
}

function changed(session) {
  list.put(session);
  asked();
  for (const one of [pane, own]) if (one?.id === session.id) one.show(session);
  if (ownCall && session.call === ownCall && !own) openOwn();
}

// The view is in the address, so that it can be kept and come back to; the session's id says nothing of anybody.
function route() {
  if (!welcome) return;
  const [view, session] = location.hash.slice(1).split("/");
  const wanted = VIEWS.includes(view) ? view : "watch";
  show(wanted);
  if (wanted === "watch") watch(session);
  if (wanted !== "review") review?.leave();
  if (wanted === "review") (review ??= new Review({ token: tokens.get() })).show(session);
}

function show(view) {
  at("sign-in").hidden = view !== "sign-in";
  for (const one of VIEWS) at(`view-${one}`).hidden = one !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

// Where there is room, one that is to be seen is shown without being asked for.
function watch(wanted) {
  const roomy = matchMedia("(min-width: 60rem)").matches;
  const id = wanted ?? (roomy ? pane?.id ?? [...list.states.values()].findLast(({ stage }) => stage === "live")?.id : null);
  document.body.classList.toggle("one", Boolean(wanted));
  list.current(id ?? null);
  if (pane && pane.id === id) return;
  pane?.close();
  pane = null;
  const session = list.states.get(id);
  if (session) pane = new SessionPane(at("watched"), { connection, state: session, operates: welcome.role === "operator" });
  else at("watched").replaceChildren(hint(wanted ? "This session is over and no longer listed." : "Choose a session to see what it hears, decides and says."));
}

function hint(text) {
  return Object.assign(document.createElement("p"), { className: "quiet hint", textContent: text });
}

function called(call) {
  ownCall = call;
  if (call) return openOwn();
  // What was said stays to be read until another call begins.
}

function openOwn() {
  const session = [...list.states.values()].find((one) => one.call === ownCall);
  if (!session || own?.id === session.id) return;
  own?.close();
  own = new SessionPane(at("talked"), { connection, state: session, operates: true });
}

function headline() {
  const urgent = list.urgent;
  const title = urgent ? `(${urgent}) Interject console` : "Interject console";
  if (document.title !== title) document.title = title;
  pane?.elsewhere(list.urgent - list.urgentIn(pane.id));
  if (!pane && !location.hash.includes("/") && !at("view-watch").hidden) watch();
}

function close() {
  pane?.close();
  own?.close();
  review?.close();
  pane = own = review = welcome = null;
}

function name() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // A browser that keeps nothing for pages.
  }
}

at("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = at("token").value.trim();
  at("token").value = "";
  if (tokens.impossible(given)) return void (at("wrong").textContent = WRONG);
  tokens.keep(given);
  try {
    localStorage.setItem(NAME, at("name").value.trim());
  } catch {
    // Then it has no name.
  }
  at("wrong").textContent = "";
  removeEventListener("hashchange", route);
  start();
});
at("leave").addEventListener("click", () => {
  talk?.end();
  tokens.forget();
  location.reload();
});
at("name").value = name();
start();
