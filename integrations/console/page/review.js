// Finished sessions, as far as they are kept: which there are, and one of them with its sound and files.

import { element } from "./element.js";
import { RecordPane } from "./record-pane.js";
import { lasted, title } from "./words.js";

const at = (id) => document.getElementById(id);
const ADDRESS = "/api/console/records";
const STATES = { live: "goes on", broken: "broken", cut: "broke off" };

export class Review {
  #token; #heads = []; #wanted = ""; #pane = null; #urls = []; #id = null;

  constructor({ token }) {
    this.#token = token;
    at("find-record").addEventListener("input", ({ target }) => {
      this.#wanted = target.value.trim().toLowerCase();
      this.#arrange();
    });
  }

  // The list, and one of it where the address says which.
  async show(id) {
    try {
      this.#heads = await (await this.#get("")).json();
    } catch (error) {
      return this.#say(error.message);
    }
    document.body.classList.toggle("one", Boolean(id));
    const head = this.#heads.find((one) => one.id === id);
    if (!head) this.#say(id ? "There is no such record any more." : this.#heads.length ? "Choose a session to see what was said in it." : "");
    if (head && this.#id !== id) await this.#open(head);
    this.#arrange();
  }

  // What is not seen is not heard.
  leave() {
    this.#pane?.pause();
  }

  close() {
    this.#pane?.close();
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    [this.#pane, this.#urls, this.#id] = [null, [], null];
  }

  #arrange() {
    const shown = this.#heads.filter((head) => !this.#wanted || [title(head), head.call, head.profile, moment(head.began)].some((text) => text.toLowerCase().includes(this.#wanted)));
    at("records").replaceChildren(...shown.map((head) => row(head, this.#id)));
    at("no-records").hidden = this.#heads.length > 0;
    at("find-record").hidden = !this.#heads.length;
  }

  async #open(head) {
    this.close();
    this.#id = head.id;
    const root = at("reviewed");
    root.replaceChildren(at("record").content.cloneNode(true));
    const find = (selector) => root.querySelector(selector);
    find(".pane-title").textContent = title(head);
    find(".pane-about").textContent = about(head);
    try {
      const whole = await this.#get(`/${head.id}`);
      const { begun, lines } = JSON.parse(await this.#save(find(".json"), whole, `${head.id}.json`));
      await this.#save(find(".vtt"), await this.#get(`/${head.id}/text.vtt`), `${head.id}.vtt`);
      if (this.#id !== head.id) return; // Another one was chosen meanwhile.
      this.#pane = new RecordPane(root, begun ?? { threshold: 1, ...head }, lines);
      if (head.has_audio) this.#pane.hear(this.#keep(await (await this.#get(`/${head.id}/sound/0`)).blob()));
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
    at("reviewed").replaceChildren(element("p", "quiet hint", text));
  }
}

function moment(time) {
  return new Date(1000 * time).toLocaleString([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
}

function about({ began, profile, state, seconds, retention, expires }) {
  const lasts = state === "broken" ? "broken: as much as can be read" : state === "cut" ? "no end was written" : seconds === null ? "goes on" : `lasted ${lasted(seconds)}`;
  return [moment(began), profile, lasts, `kept: ${retention}`, `until ${moment(expires)}`].filter(Boolean).join(" · ");
}

function row(head, current) {
  const [item, link] = [element("li"), element("a")];
  const part = (className, textContent) => element("span", className, textContent);
  link.href = `#review/${head.id}`;
  if (head.id === current) link.setAttribute("aria-current", "page");
  link.append(
    part("name", title(head) || head.id), part("time", STATES[head.state] ?? lasted(head.seconds ?? 0)),
    part("about", moment(head.began)), part("time", head.has_audio ? "with sound" : ""), part("about", head.profile),
  );
  item.append(link);
  return item;
}
