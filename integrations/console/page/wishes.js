// What operators are asked, of all sessions: it is above every view, since it does not wait for long.

import { element } from "./element.js";
import { shortened, title, written } from "./words.js";

const SHOWN_S = 8; // After its answer.
const MOST_LATE_S = 3; // Then nobody says any more what became of it.

// `operates`: whether this page may answer.
export class Wishes {
  #root; #alert; #status; #clock; #operate; #cards = new Map();
  operates = false;

  constructor({ clock, operate }) {
    [this.#root, this.#alert, this.#status] = ["wishes", "asked", "answered"].map((id) => document.getElementById(id));
    this.#clock = clock;
    this.#operate = operate;
    setInterval(() => this.#tick(), 500);
  }

  // All sessions as they are now.
  show(sessions) {
    const told = new Set();
    for (const session of sessions) for (const wish of session.wishes) {
      told.add(wish.id);
      this.#put(wish, session);
    }
    for (const [id, card] of this.#cards) if (!told.has(id) && !card.wish.over) this.#remove(id);
    this.#tick();
  }

  #put(wish, session) {
    const known = this.#cards.get(wish.id);
    if (known?.wish.over || this.#isStale(wish)) return;
    const card = known ?? this.#make(wish, session);
    card.wish = wish;
    if (!known) this.#announce(this.#alert, `The agent wants to call ${written(wish)}. ${this.#left(wish)} seconds left.`);
    if (!wish.over) return;
    card.root.classList.add("over");
    card.head.textContent = `${wish.tool}: ${answered(wish)}`;
    card.told.textContent = "";
    this.#leave(card.root, () => (card.buttons.hidden = true));
    this.#announce(this.#status, card.head.textContent);
  }

  #make(wish, session) {
    const root = element("article", "wish");
    const head = element("h2", "", "The agent wants to call ");
    head.append(element("code", "", wish.tool));
    head.id = `wish-${wish.id}`;
    root.setAttribute("aria-labelledby", head.id);
    const list = element("dl");
    for (const { name, value } of wish.arguments) list.append(element("dt", "", name), element("dd", "", value));
    const about = element("p", "quiet");
    const link = Object.assign(element("a", "", title(session)), { href: `#watch/${session.id}` });
    const left = element("span", "left");
    about.append(wish.speaker ? `${shortened(wish.speaker)} led to it, in ` : "In ", link, left);
    const buttons = element("span", "wish-buttons");
    const told = Object.assign(element("p", "told"), { role: "status" });
    for (const [name, text] of [["allow", "Yes"], ["deny", "No"]]) {
      const button = Object.assign(element("button", name === "allow" ? "primary allow" : name, text), { type: "button" });
      button.setAttribute("aria-label", `${text}, ${name === "allow" ? "call" : "do not call"} ${wish.tool}`);
      button.addEventListener("click", () => this.#answer(session.id, { do: name, wish: wish.id }, told));
      buttons.append(button);
    }
    if (!this.operates) buttons.replaceChildren(element("span", "quiet", "An operator is asked."));
    root.append(head, list, about, buttons, told);
    const card = { root, head, buttons, left, told, wish };
    this.#cards.set(wish.id, card);
    this.#root.append(root);
    return card;
  }

  async #answer(session, command, told) {
    try {
      await this.#operate(session, command);
    } catch (error) {
      told.textContent = error.message;
    }
  }

  #tick() {
    for (const [id, { wish, left }] of this.#cards) {
      left.textContent = wish.over ? "" : ` · ${this.#left(wish)} s left`;
      if (this.#isStale(wish)) this.#remove(id);
    }
    this.#root.hidden = !this.#cards.size;
  }

  #left({ until }) {
    return Math.max(0, Math.ceil(until - this.#clock()));
  }

  #isStale({ over, until }) {
    return this.#clock() > (over ? over + SHOWN_S : until + MOST_LATE_S);
  }

  #remove(id) {
    const { root } = this.#cards.get(id);
    this.#cards.delete(id);
    this.#leave(root, () => root.remove());
  }

  // Whoever works with the keyboard goes on with the next question.
  #leave(root, change) {
    const had = root.contains(document.activeElement);
    change();
    if (had) this.#root.querySelector(".wish:not(.over) button")?.focus();
  }

  // The same words again are said again.
  #announce(region, text) {
    region.textContent = "";
    setTimeout(() => (region.textContent = text), 50);
  }
}

export function answered({ outcome, by }) {
  return {
    allowed: `${by || "an operator"} said yes`,
    denied: `${by || "an operator"} said no`,
    unanswered: "nobody answered in time",
    absent: "no operator was there to be asked",
    withdrawn: "no longer asked, the reply was cut",
  }[outcome] ?? "waiting for an operator";
}
