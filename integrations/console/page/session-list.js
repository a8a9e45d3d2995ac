// The sessions that there are, those that need somebody first.

import { about, is_past, lasted, title } from "./words.js";

const QUIETEST_DBFS = -60;

// `onPick` is called with the id of one that was chosen; the address says which one is shown.
export class SessionList {
  #list; #rows = new Map(); #states = new Map(); #pulses = new Map(); #clock; #wanted = ""; #current = null;

  constructor({ clock }) {
    this.#clock = clock;
    this.#list = document.getElementById("sessions");
    document.getElementById("filter").addEventListener("input", (event) => {
      this.#wanted = event.target.value.trim().toLowerCase();
      this.#arrange();
    });
    this.#list.addEventListener("pointerleave", () => this.#arrange());
    setInterval(() => this.#tick(), 1000);
  }

  get states() {
    return this.#states;
  }

  all(states) {
    this.#states = new Map(states.map((state) => [state.id, state]));
    this.#arrange();
  }

  put(state) {
    this.#states.set(state.id, state);
    this.#arrange();
  }

  gone(id) {
    this.#states.delete(id);
    this.#pulses.delete(id);
    this.#arrange();
  }

  pulse(pulses) {
    const urgent = () => [...this.#pulses.values()].map((one) => `${one.id}${one.urgent > 0}`).join();
    const before = urgent();
    for (const one of pulses) this.#pulses.set(one.id, one);
    if (urgent() !== before) this.#arrange();
    this.#tick();
  }

  current(id) {
    this.#current = id;
    for (const [key, row] of this.#rows) row.link.toggleAttribute("aria-current", key === id);
    if (id) this.#rows.get(id)?.link.setAttribute("aria-current", "page");
  }

  get urgent() {
    return [...this.#states.keys()].reduce((sum, id) => sum + this.urgentIn(id), 0);
  }

  urgentIn(id) {
    const state = this.#states.get(id);
    return state?.stage === "live" ? (this.#pulses.get(id)?.urgent ?? 0) + asks(state) : 0;
  }

  #arrange() {
    const shown = this.#ordered([...this.#states.values()].filter((state) => this.#matches(state)));
    for (const id of this.#rows.keys()) if (!this.#states.has(id)) this.#rows.delete(id);
    const rows = shown.map((state) => this.#row(state).item);
    if (rows.length !== this.#list.children.length || rows.some((row, i) => row !== this.#list.children[i])) {
      const focused = document.activeElement;
      this.#list.replaceChildren(...rows);
      if (focused?.isConnected) focused.focus();
    }
    document.getElementById("none").hidden = this.#states.size > 0;
    const live = [...this.#states.values()].filter(({ stage }) => stage === "live").length;
    document.getElementById("count").textContent = live ? `${live} live` : "";
    this.current(this.#current);
    this.#tick();
  }

  // Under somebody's hand the rows stay where they are, and new ones come last.
  #ordered(states) {
    states.sort((one, other) => this.#weight(other) - this.#weight(one) || other.began - one.began);
    if (!this.#list.matches(":hover")) return states;
    const places = new Map([...this.#list.children].map((item, place) => [item, place]));
    const place = ({ id }) => places.get(this.#rows.get(id)?.item) ?? places.size;
    return states.sort((one, other) => place(one) - place(other));
  }

  #weight(state) {
    if (state.stage !== "live") return is_past(state) ? 0 : 1;
    return asks(state) ? 3 : this.#pulses.get(state.id)?.urgent ? 2 : 1;
  }

  #matches({ label, call, door, profile, speakers, server }) {
    return !this.#wanted || [label, call, door, profile, server, ...speakers].some((text) => text.toLowerCase().includes(this.#wanted));
  }

  #row(state) {
    let row = this.#rows.get(state.id);
    if (!row) {
      row = make(state.id);
      this.#rows.set(state.id, row);
    }
    row.item.className = state.stage;
    row.name.textContent = title(state);
    row.about.textContent = about(state);
    return row;
  }

  #tick() {
    for (const [id, row] of this.#rows) {
      const [state, pulse] = [this.#states.get(id), this.#pulses.get(id)];
      row.time.textContent = is_past(state) ? state.stage : lasted(this.#clock() - state.began);
      const live = state.stage === "live" && pulse;
      row.level.style.transform = `scaleX(${live && pulse.level_dbfs !== null ? Math.max(0, 1 - pulse.level_dbfs / QUIETEST_DBFS) : 0})`;
      row.chance.style.transform = `scaleX(${live && pulse.p_respond !== null ? pulse.p_respond : 0})`;
      row.chance.classList.toggle("respond", Boolean(live && pulse.responded));
      row.badge.hidden = !(live && (pulse.cards || asks(state)));
      row.badge.classList.toggle("urgent", Boolean(live && (pulse.urgent || asks(state))));
      if (live && asks(state)) row.badge.textContent = "asks";
      else if (live) row.badge.textContent = pulse.urgent ? `${pulse.urgent} urgent` : `${pulse.cards} ${pulse.cards === 1 ? "cue" : "cues"}`;
    }
  }
}

// How many of its wishes wait for an answer.
function asks({ wishes }) {
  return wishes.filter(({ over }) => !over).length;
}

function make(id) {
  const [item, link] = [document.createElement("li"), document.createElement("a")];
  const part = (name, className) => Object.assign(document.createElement(name), { className });
  const [name, time, about, badge, meters, level, chance] = [
    part("strong", "name"), part("span", "time"), part("span", "about"), part("span", "badge"), part("span", "meters"), part("i", "level"), part("i", "chance"),
  ];
  meters.setAttribute("aria-hidden", "true");
  meters.append(level, chance);
  link.href = `#watch/${id}`;
  link.append(name, time, about, badge, meters);
  item.append(link);
  return { item, link, name, time, about, badge, level, chance };
}
