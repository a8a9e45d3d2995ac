// One kept session: its timeline, its sound and its words, which go together.

import { element, somebodys } from "./element.js";
import { SessionLog } from "./session-log.js";
import { showSummary } from "./summary.js";
import { Timeline } from "./timeline.js";
import { answered } from "./wishes.js";
import { clock, lasted, written } from "./words.js";

const SAID = ["speech", "post", "cue", "ask"];
const READ_PER_S = 15; // Characters.

export class RecordPane {
  #root; #began; #timeline; #player = null; #lines = []; #current = null;

  constructor(root, begun, lines) {
    this.#root = root;
    this.#began = begun.began;
    const log = new SessionLog();
    for (const line of lines) moments(line, begun).forEach((moment) => log.take(moment));
    const end = Math.max(begun.began, ...log.chunks.slice(-1).map(({ to }) => to)) + 0.2;
    this.#at(".timeline").hidden = !log.chunks.length;
    this.#timeline = new Timeline(this.#at("canvas"), { log, clock: () => end, latencies: false, onPick: (time) => this.#go(time - this.#began) });
    this.#timeline.toBegin();
    this.#at(".wider").onclick = () => this.#timeline.zoom(1);
    this.#at(".closer").onclick = () => this.#timeline.zoom(-1);
    this.#lines = lines.filter(({ type }) => SAID.includes(type)).map((line) => ({ at: line.at_s, item: this.#line(line) }));
    this.#at(".replies").replaceChildren(...this.#lines.map(({ item }) => item));
    showSummary(this.#at(".summary"), lines.findLast(({ type }) => type === "summary")?.summary.markdown);
  }

  hear(url) {
    this.#player = Object.assign(document.createElement("audio"), { controls: true, src: url });
    this.#player.ontimeupdate = () => this.#show(this.#player.currentTime);
    this.#at(".sounds").append(this.#player);
  }

  pause() {
    this.#player?.pause();
  }

  close() {
    this.#timeline.close();
    this.pause();
  }

  #at(selector) {
    return this.#root.querySelector(selector);
  }

  // The sound is from there on; without sound the timeline shows the moment.
  #go(seconds) {
    if (this.#player) this.#player.currentTime = Math.max(0, seconds);
    this.#show(Math.max(0, seconds));
  }

  #show(seconds) {
    this.#timeline.mark(this.#began + seconds);
    const now = this.#lines.findLast(({ at }) => at <= seconds)?.item ?? null;
    if (now === this.#current) return;
    this.#current?.removeAttribute("aria-current");
    now?.setAttribute("aria-current", "true");
    this.#current = now;
    if (now) within(this.#at(".replies"), now);
  }

  #line(line) {
    const item = element("li", `reply${line.interrupted ? " cut" : ""}`);
    const [at, about, text] = [element("button", "moment", lasted(line.at_s)), element("small"), somebodys("p")];
    Object.assign(at, { type: "button", onclick: () => this.#go(line.at_s) });
    at.setAttribute("aria-label", `Go to ${lasted(line.at_s)}`);
    const kind = { cue: `cue, ${line.category}`, ask: "an operator was asked" }[line.type];
    about.textContent = [clock(this.#began + line.at_s), kind, line.interrupted ? "cut" : ""].filter(Boolean).join(" · ");
    const words = line.type === "ask" ? `${written(line)}: ${answered(line)}` : line.text;
    const heard = line.heard_chars ?? words.length;
    text.append(element("span", "", words.slice(0, heard)), element("span", "unheard", words.slice(heard)));
    item.append(at, about, text);
    return item;
  }
}

// The page itself stays where it is.
function within(list, item) {
  const [box, seen] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
  if (box.top < seen.top) list.scrollTop -= seen.top - box.top;
  if (box.bottom > seen.bottom) list.scrollTop += box.bottom - seen.bottom;
}

// As the timeline takes them from a session that goes on.
function moments(line, { began, threshold, call }) {
  const ear = (line.session ?? "").replace(call, "").replace(/^-/, "");
  if (line.type === "decision") {
    const speakers = line.voices.map(({ name, dbfs }) => ({ identity: name, level_dbfs: dbfs }));
    return [{ type: "chunk", ear, threshold, decision: { chunk: line.chunk, time: began + line.at_s, queued_s: 0, p_respond: line.p, respond: line.respond, speakers } }];
  }
  if (line.type === "gap") return [{ ...line, ear, time: began + (line.chunk + line.count) * 0.4 }];
  if (line.type !== "reply" && line.type !== "speech") return [];
  const heard = line.heard_chars ?? (line.verdict === "show" ? line.text.length : 0);
  const ended = began + line.at_s + Math.max(1, heard / READ_PER_S);
  return [{ emotion: "normal", verdict: "speak", ...line, type: "reply", ear, stage: "over", time: began + line.at_s, ended, heard_chars: heard }];
}
