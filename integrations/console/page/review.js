// Finished sessions, as far as they are kept: their timeline, what was said, the sound, and files of both.

import { SessionLog } from "./session-log.js";
import { Timeline } from "./timeline.js";
import { answered } from "./wishes.js";
import { clock, lasted, written } from "./words.js";

const at = (id) => document.getElementById(id);
const ADDRESS = "/api/console/records";

export class Review {
  #token; #heads = []; #timeline = null; #urls = []; #id = null;

  constructor({ token }) {
    this.#token = token;
  }

  // The list, and one of it where the address says which.
  async show(id) {
    try {
      this.#heads = await (await this.#get("")).json();
    } catch (error) {
      return this.#say(error.message);
    }
    at("records").replaceChildren(...this.#heads.map((head) => row(head, id)));
    at("no-records").hidden = this.#heads.length > 0;
    document.body.classList.toggle("one", Boolean(id));
    const head = this.#heads.find((one) => one.id === id);
    if (!head) return this.#say(id ? "There is no such record any more." : this.#heads.length ? "Choose a session to see what was said in it." : "");
    if (this.#id !== id) await this.#open(head);
  }

  close() {
    this.#timeline?.close();
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    [this.#timeline, this.#urls, this.#id] = [null, [], null];
  }

  async #open(head) {
    this.close();
    this.#id = head.id;
    const root = at("reviewed");
    root.replaceChildren(at("record").content.cloneNode(true));
    const find = (selector) => root.querySelector(selector);
    find(".pane-title").textContent = `${clock(head.began)} · ${head.profile || "broken"}`;
    find(".pane-about").textContent = [new Date(1000 * head.began).toLocaleDateString(), head.state === "live" ? "goes on" : head.state === "broken" ? "broken: as much as can be read" : head.seconds === null ? "no end was written" : `lasted ${lasted(head.seconds)}`, `kept: ${head.retention}`, `until ${new Date(1000 * head.expires).toLocaleString([], { hourCycle: "h23" })}`].join(" · ");
    try {
      const whole = await this.#get(`/${head.id}`);
      const { begun, lines } = JSON.parse(await this.#save(find(".json"), whole, `${head.id}.json`));
      await this.#save(find(".vtt"), await this.#get(`/${head.id}/text.vtt`), `${head.id}.vtt`);
      this.#draw(find, begun ?? { threshold: 1, ...head }, lines);
      if (head.has_audio) await this.#sound(find(".sounds"), head.id);
    } catch (error) {
      this.#say(error.message);
    }
  }

  // A browser sends no token with a link, so the file is there before it is asked for.
  async #save(link, response, name) {
    const text = await response.text();
    link.href = this.#keep(new Blob([text], { type: response.headers.get("content-type") }));
    link.download = name;
    return text;
  }

  async #sound(place, id) {
    const player = Object.assign(document.createElement("audio"), { controls: true });
    player.src = this.#keep(await (await this.#get(`/${id}/sound/0`)).blob());
    place.append(player);
  }

  #draw(find, begun, lines) {
    const log = new SessionLog();
    for (const line of lines) moments(line, begun).forEach((moment) => log.take(moment));
    const end = Math.max(begun.began, ...log.chunks.slice(-1).map(({ to }) => to)) + 0.2;
    find(".timeline").hidden = !log.chunks.length;
    this.#timeline = new Timeline(find("canvas"), { log, clock: () => end, onChange: () => {}, onHover: () => {} });
    find(".wider").onclick = () => this.#timeline?.zoom(1);
    find(".closer").onclick = () => this.#timeline?.zoom(-1);
    const said = lines.filter(({ type }) => ["speech", "post", "cue", "ask"].includes(type));
    find(".replies").replaceChildren(...said.map((line) => (line.type === "ask" ? ask_line : said_line)(line, begun)));
    const summary = lines.findLast(({ type }) => type === "summary")?.summary.markdown;
    find(".summary").hidden = !summary;
    find(".summary pre").textContent = summary ?? "";
  }

  async #get(path) {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    const response = await fetch(ADDRESS + path, { headers }).catch(() => { throw new Error("The server cannot be reached."); });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? `The server answered ${response.status}.`);
    return response;
  }

  #keep(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  #say(text) {
    this.close();
    at("reviewed").replaceChildren(Object.assign(document.createElement("p"), { className: "quiet hint", textContent: text }));
  }
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
  const heard = line.heard_chars ?? 0;
  const ended = began + line.at_s + Math.max(1, heard / 15);
  return [{ emotion: "normal", verdict: "speak", ...line, type: "reply", ear, stage: "over", time: began + line.at_s, ended, heard_chars: heard }];
}

function row({ id, began, profile, state, seconds, has_audio }, current) {
  const [item, link] = [document.createElement("li"), document.createElement("a")];
  const part = (className, textContent) => Object.assign(document.createElement("span"), { className, textContent });
  link.href = `#review/${id}`;
  if (id === current) link.setAttribute("aria-current", "page");
  link.append(
    part("name", new Date(1000 * began).toLocaleString([], { hourCycle: "h23" })), part("time", seconds === null ? "" : lasted(seconds)),
    part("about", state === "broken" ? "broken" : profile), part("about", has_audio ? "with sound" : ""),
  );
  item.append(link);
  return item;
}

function ask_line(line, { began }) {
  const item = Object.assign(document.createElement("li"), { className: "reply" });
  const [about, text] = [document.createElement("small"), document.createElement("p")];
  about.textContent = [clock(began + line.at_s), "an operator was asked"].join(" · ");
  text.textContent = `${written(line)}: ${answered(line)}`;
  item.append(about, text);
  return item;
}

function said_line(line, { began }) {
  const item = Object.assign(document.createElement("li"), { className: `reply${line.interrupted ? " cut" : ""}` });
  const [about, text] = [document.createElement("small"), document.createElement("p")];
  about.textContent = [clock(began + line.at_s), line.type === "cue" ? `cue, ${line.category}` : "", line.interrupted ? "cut" : ""].filter(Boolean).join(" · ");
  const heard = line.heard_chars ?? line.text.length;
  text.append(
    Object.assign(document.createElement("span"), { textContent: line.text.slice(0, heard) }),
    Object.assign(document.createElement("span"), { className: "unheard", textContent: line.text.slice(heard) }),
  );
  item.append(about, text);
  return item;
}
