// One session on the page: its timeline, what it said, its cues, and what may be changed in it.

import { element, somebodys } from "./element.js";
import { SessionLog } from "./session-log.js";
import { showSummary } from "./summary.js";
import { Timeline } from "./timeline.js";
import { answered } from "./wishes.js";
import { about, clock, is_empty, is_past, lasted, percent, shortened, title, written } from "./words.js";

const URGENT = 1000;
const AT_END_PX = 40;
const MOMENTS = ["chunk", "gap", "reply", "card", "wish", "checklist", "summary"];
const REASONS = { show: "shown, not spoken", suppress: "held back" };
const CAUSES = { say: "an operator had it say this", answer_now: "asked to answer", text_turn: "to something written" };

export class SessionPane {
  #root; #connection; #id; #log = new SessionLog(); #timeline; #quit = new AbortController(); #operates; #state = null;
  #items = new Map(); #cards = new Map(); #ticker; #dragging = false; #known = new Set();

  constructor(root, { connection, state, operates }) {
    this.#root = root;
    this.#connection = connection;
    this.#id = state.id;
    this.#operates = operates;
    root.replaceChildren(document.getElementById("pane").content.cloneNode(true));
    this.#timeline = new Timeline(this.#at("canvas"), {
      log: this.#log,
      clock: () => connection.now(),
      onChange: (still) => (this.#at(".now").hidden = !still),
      onHover: (cell, x) => this.#tip(cell, x),
    });
    this.#controls();
    this.#listen();
    this.show(state);
    this.#ticker = setInterval(() => this.#tick(), 500);
    connection.follow(this.#id);
  }

  get id() {
    return this.#id;
  }

  // How many urgent cues other sessions have: on a small screen those are out of sight.
  elsewhere(count) {
    const text = count ? `(${count} urgent)` : "";
    if (this.#at(".elsewhere").textContent !== text) this.#at(".elsewhere").textContent = text;
  }

  // The server came back without it. What was seen stays to be read.
  lost() {
    if (is_past(this.#state)) return;
    this.show({ ...this.#state, stage: "lost" });
    this.#at(".told").textContent = "The server knows this session no more.";
  }

  close() {
    this.#quit.abort();
    clearInterval(this.#ticker);
    this.#timeline.close();
    this.#connection.leave(this.#id);
    this.#root.replaceChildren();
  }

  // What is known of the session now.
  show(state) {
    this.#state = state;
    this.#at(".pane-title").textContent = title(state);
    this.#tick();
    const live = state.stage === "live";
    for (const field of this.#at(".controls-panel").elements) field.disabled = !(live && this.#operates);
    if (!state.status) return;
    const { mode, threshold, listening } = state.status;
    for (const radio of this.#all("[name=mode]")) radio.checked = radio.value === mode;
    if (!this.#dragging) this.#threshold(threshold);
    const button = this.#at(".listening");
    button.dataset.do = listening ? "stop_listening" : "resume_listening";
    button.textContent = listening ? "Stop listening" : "Go on listening";
  }

  #at(selector) {
    return this.#root.querySelector(selector);
  }

  #all(selector) {
    return this.#root.querySelectorAll(selector);
  }

  #listen() {
    const { signal } = this.#quit;
    const mine = (take) => ({ detail }) => detail.session === this.#id && take(detail);
    this.#connection.addEventListener("history", mine(({ moments }) => this.#begin(moments)), { signal });
    for (const type of MOMENTS) this.#connection.addEventListener(type, mine((moment) => this.#take(moment)), { signal });
  }

  // All anew, also after the connection was lost: what was cut off is in it.
  #begin(moments) {
    const list = this.#at(".replies");
    const read = list.scrollHeight - list.scrollTop - list.clientHeight < AT_END_PX ? null : list.scrollTop;
    this.#log.clear();
    for (const item of this.#items.values()) item.remove();
    this.#items.clear();
    moments.forEach((moment) => this.#take(moment, true));
    list.append(...[...list.children].sort((one, other) => one.dataset.time - other.dataset.time));
    if (read !== null) list.scrollTop = read;
    this.#tick();
  }

  #take(moment, before = false) {
    this.#log.take(moment);
    if (moment.type === "chunk") this.#figures(moment);
    if (moment.type === "reply") this.#reply(moment);
    if (moment.type === "card") this.#card(moment.card, before);
    if (moment.type === "wish") this.#wish(moment.wish);
    if (moment.type === "checklist") this.#checklist(moment.checklist);
    if (moment.type === "summary") showSummary(this.#at(".summary"), moment.summary.markdown);
  }

  #figures({ decision, threshold }) {
    const figures = [`P ${percent(decision.p_respond)}`, `threshold ${threshold.toFixed(2)}`, `${Math.round(1000 * decision.queued_s)} ms`];
    this.#at(".figures").textContent = figures.join(" · ");
  }

  // Pale until it is heard, and struck through where it was cut.
  #reply(reply) {
    const key = `${reply.ear}/${reply.reply}`;
    if (is_empty(reply)) return void (this.#items.get(key)?.remove(), this.#items.delete(key));
    const told = [clock(reply.time), reply.emotion === "normal" ? "" : reply.emotion, reply.ear, CAUSES[reply.cause], REASONS[reply.verdict]];
    if (reply.stage === "over" && reply.interrupted) told.push("cut");
    const content = [element("span", "heard", reply.text.slice(0, reply.heard_chars)), element("span", "unheard", reply.text.slice(reply.heard_chars))];
    this.#say(key, reply.time, told, content, `${reply.emotion} ${reply.verdict} ${reply.stage}${reply.interrupted ? " cut" : ""}`);
  }

  #wish(wish) {
    const told = [clock(wish.asked), "needs an operator's yes", wish.speaker && shortened(wish.speaker)];
    this.#say(`wish/${wish.id}`, wish.asked, told, [`${written(wish)}: ${answered(wish)}`], wish.over ? "" : "whole");
  }

  // A line of what it said, as it is now.
  #say(key, time, told, content, className) {
    const list = this.#at(".replies");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < AT_END_PX;
    let item = this.#items.get(key);
    if (!item) {
      item = element("li");
      item.dataset.time = time;
      item.append(element("small"), somebodys("p"));
      this.#items.set(key, item);
      list.append(item);
    }
    item.className = `reply ${className}`;
    item.firstChild.textContent = told.filter(Boolean).join(" · ");
    item.lastChild.replaceChildren(...content);
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  #card({ cue, mark, by }, before) {
    if (mark !== "dismissed" && !before && !mark) this.#announce(cue);
    this.#known.add(cue.id);
    const shown = this.#cards.get(cue.id) ?? this.#newCard(cue.id);
    shown.dataset.time = cue.time;
    shown.className = `card${cue.priority >= URGENT ? " urgent" : ""}${mark ? " marked" : ""}`;
    const [head, text] = shown.children;
    head.textContent = [cue.priority >= URGENT ? "Urgent" : "", cue.category, cue.count > 1 ? `${cue.count} times` : "", mark ? `${by || "somebody"} sees to it` : ""].filter(Boolean).join(" · ");
    text.textContent = cue.text;
    shown.querySelector(".acknowledge").hidden = Boolean(mark) || !this.#operates;
    shown.querySelector(".dismiss").hidden = !this.#operates;
    this.#arrange();
  }

  #newCard(id) {
    const card = element("li", "card");
    const buttons = element("span", "card-buttons");
    for (const [name, text] of [["acknowledge", "I see to it"], ["dismiss", "Dismiss"]]) {
      const button = Object.assign(element("button", name, text), { type: "button" });
      button.addEventListener("click", () => this.#operate({ do: name, card: id }));
      buttons.append(button);
    }
    card.append(element("h4"), somebodys("p"), element("p", "left"), buttons);
    this.#cards.set(id, card);
    return card;
  }

  // Whoever works with the keyboard keeps his place.
  #arrange() {
    const living = this.#log.living(this.#connection.now());
    const wanted = living.map(({ cue }) => this.#cards.get(cue.id)).filter(Boolean);
    const ids = new Set(living.map(({ cue }) => cue.id));
    for (const id of this.#cards.keys()) if (!ids.has(id)) this.#cards.delete(id);
    const list = this.#at(".cards");
    if (wanted.length !== list.children.length || wanted.some((card, i) => card !== list.children[i])) {
      const focused = document.activeElement;
      const had = list.contains(focused);
      list.replaceChildren(...wanted);
      if (had) (focused.isConnected ? focused : list.querySelector("button:not([hidden])"))?.focus();
    }
    this.#at(".no-cards").hidden = wanted.length > 0;
    for (const { cue } of living) {
      const left = this.#cards.get(cue.id)?.querySelector(".left");
      if (left) left.textContent = `${Math.ceil(cue.expiry - this.#connection.now())} s left`;
    }
  }

  #announce(cue) {
    if (this.#known.has(cue.id)) return;
    this.#at(cue.priority >= URGENT ? ".hidden.urgent" : ".hidden.polite").textContent = cue.text;
  }

  #checklist({ items, over }) {
    const open = items.filter((item) => !item.done).length;
    const panel = this.#at(".checklist");
    panel.hidden = !items.length;
    panel.querySelector("h3").textContent = `Checklist · ${over ? "ended with " : ""}${open} of ${items.length} open`;
    panel.querySelector("ul").replaceChildren(...items.map(({ text, done }) => {
      const line = element("li", done ? "done" : "open");
      line.append(element("span", "hidden", done ? "Done: " : "Open: "), element("bdi", "", text));
      return line;
    }));
  }

  #controls() {
    const form = this.#at(".controls-panel");
    const slider = form.querySelector("[type=range]");
    for (const radio of this.#all("[name=mode]")) radio.addEventListener("change", () => this.#operate({ do: "set_mode", mode: radio.value }));
    slider.addEventListener("input", () => {
      this.#dragging = true;
      this.#timeline.preview(Number(slider.value));
      form.querySelector("output").textContent = Number(slider.value).toFixed(2);
    });
    slider.addEventListener("change", () => {
      this.#dragging = false;
      this.#timeline.preview(null);
      this.#operate({ do: "set_threshold", threshold: Number(slider.value) });
    });
    for (const button of this.#all("[data-do]")) button.addEventListener("click", () => this.#operate({ do: button.dataset.do }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const field = form.elements.text;
      const text = field.value.trim();
      if (!text) return;
      field.value = "";
      this.#operate({ do: "say", text });
    });
    const say = form.querySelector(".say");
    const id = `say-${this.#id}`;
    say.querySelector("label").htmlFor = id;
    say.querySelector("input").id = id;
    if (!this.#operates) this.#at(".told").textContent = "This token may look, and change nothing.";
    this.#at(".now").addEventListener("click", () => this.#timeline.toNow());
    this.#at(".wider").addEventListener("click", () => this.#timeline.zoom(1));
    this.#at(".closer").addEventListener("click", () => this.#timeline.zoom(-1));
  }

  async #operate(command) {
    try {
      await this.#connection.operate(this.#id, command);
      this.#at(".told").textContent = "";
    } catch (error) {
      if (this.#quit.signal.aborted) return;
      this.#at(".told").textContent = error.message;
      this.show(this.#state);
    }
  }

  #threshold(threshold) {
    this.#at("[type=range]").value = threshold;
    this.#at("output").textContent = threshold.toFixed(2);
  }

  #tip(cell, x) {
    const tip = this.#at(".tip");
    tip.hidden = !cell;
    if (!cell) return;
    const words = cell.gap
      ? [clock(cell.from), `${cell.count} chunks not heard: ${cell.gap}`]
      : [clock(cell.from), cell.respond ? "respond" : "silent", `P ${percent(cell.p)}`, `decided after ${Math.round(1000 * cell.latency)} ms`, ...[...cell.levels].map(([name, level]) => `${shortened(name)} ${Math.round(level)} dB`)];
    tip.textContent = words.join(" · ");
    tip.style.left = `${Math.min(x, this.#at("canvas").clientWidth - tip.offsetWidth)}px`;
  }

  #tick() {
    this.#arrange();
    const { began, ended, stage, status, server } = this.#state;
    const known = [
      is_past(this.#state) ? stage : lasted(this.#connection.now() - began), about(this.#state),
      status && !status.listening ? "not listening" : "", ended ? `lasted ${lasted(ended - began)}` : "",
    ];
    this.#at(".pane-about").textContent = known.filter(Boolean).join(" · ");
    this.#at(".pane-about").title = server;
  }
}
