// The timeline of one session: who was how loud, P(respond) against the threshold, what was decided, what was said,
// and how long a decision took. Time runs to the right, and the page draws only what is in sight.

import { is_empty, shortened } from "./words.js";

const QUIETEST_DBFS = -60;
const EDGE_S = 0.2; // What was just heard is not decided yet.
const SPANS_S = [15, 30, 60, 120, 300];
const MOST_ROWS = 6;
const LANE = { axis: 20, speaker: 24, named: 38, p: 74, cell: 14, reply: 26, latency: 26, gap: 8 };
const LABEL = 96;
const NARROW = 560;
const MARK = 76; // A time of day needs so much room.
const LATE_S = 0.5; // The height of the lane of latencies.

export class Timeline {
  #canvas; #context; #log; #clock; #span = 2; #at = null; #colours = {}; #frame = 0; #hover = null; #told = 0; #preview = null; #mark = null; #latency; #width = 0; #height = 0;

  // `clock` gives the server's time in seconds. `onChange` is told whether it stands still, `onPick` which time is pressed.
  constructor(canvas, { log, clock, latencies = true, onChange = () => {}, onHover = () => {}, onPick = () => {} }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#log = log;
    this.#clock = clock;
    this.onChange = onChange;
    this.onHover = onHover;
    this.onPick = onPick;
    this.#latency = latencies ? LANE.latency + LANE.gap : 0;
    this.#readColours();
    for (const scheme of this.#schemes) scheme.addEventListener("change", this.#readColours);
    this.#events();
    this.#frame = requestAnimationFrame(this.#draw);
  }
  #schemes = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
  #time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

  close() {
    cancelAnimationFrame(this.#frame);
    for (const scheme of this.#schemes) scheme.removeEventListener("change", this.#readColours);
  }

  // A threshold that is about to be set.
  preview(threshold) {
    this.#preview = threshold;
  }

  zoom(step) {
    this.#span = Math.max(0, Math.min(SPANS_S.length - 1, this.#span + step));
  }

  toNow() {
    this.#move(null);
  }

  toBegin() {
    this.#move((this.#log.chunks[0]?.from ?? 0) + this.spanS);
  }

  // What is being played: it stays in the middle where there is something on both sides.
  mark(time) {
    this.#mark = time;
    this.#move(time + this.spanS / 2);
  }

  get spanS() {
    return SPANS_S[this.#span];
  }

  #move(at) {
    const now = this.#clock();
    const first = this.#log.chunks[0]?.from ?? now;
    this.#at = at === null || at >= now - EDGE_S ? null : Math.max(at, first + this.spanS / 4);
    this.onChange(this.#at !== null);
  }

  #events() {
    const canvas = this.#canvas;
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, at: this.#at ?? this.#clock() };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      this.#hover = event.clientX - box.left;
      if (held && Math.abs(event.clientX - held.x) > 3) this.#move(held.at - ((event.clientX - held.x) / this.#plot()) * this.spanS);
    });
    const drop = () => (held = null);
    canvas.addEventListener("pointerup", (event) => {
      const x = event.clientX - canvas.getBoundingClientRect().left - this.#label();
      if (held && Math.abs(event.clientX - held.x) <= 3 && x >= 0) this.onPick((this.#at ?? this.#clock() - EDGE_S) + (x / this.#plot() - 1) * this.spanS);
      drop();
    });
    canvas.addEventListener("pointercancel", drop);
    canvas.addEventListener("pointerleave", () => { this.#hover = null; this.onHover(null); });
    canvas.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (!sideways) return;
      event.preventDefault();
      this.#move((this.#at ?? this.#clock()) + (sideways / this.#plot()) * this.spanS);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const at = this.#at ?? this.#clock();
      const done = {
        ArrowLeft: () => this.#move(at - this.spanS / 10),
        ArrowRight: () => this.#move(at + this.spanS / 10),
        Home: () => this.toBegin(),
        End: () => this.toNow(),
        "+": () => this.zoom(-1),
        "-": () => this.zoom(1),
      }[event.key];
      if (!done) return;
      event.preventDefault();
      done();
    });
  }

  #readColours = () => {
    const style = getComputedStyle(document.documentElement);
    const names = ["card", "line", "edge", "text", "quiet", "accent", "respond", "silent", "sound", "bad", "wait", "on-accent"];
    this.#colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.#voices = [1, 2, 3, 4].map((number) => style.getPropertyValue(`--voice-${number}`).trim());
  };
  #voices = [];

  #label() {
    return this.#width < NARROW ? 0 : LABEL;
  }

  // Where there is no room beside it a speaker's name stands above what he said.
  #lane() {
    return this.#label() ? LANE.speaker : LANE.named;
  }

  #plot() {
    return Math.max(1, this.#width - this.#label());
  }

  #rows() {
    const heard = this.#log.speakers.slice(0, MOST_ROWS);
    return heard.length ? heard : [""];
  }

  #size() {
    this.#width = this.#canvas.clientWidth;
    const rows = this.#rows().length;
    const height = rows * this.#lane() + LANE.p + LANE.cell + LANE.reply + this.#latency + LANE.axis + 3 * LANE.gap;
    const [width, scale] = [this.#width, devicePixelRatio || 1];
    if (this.#height === height && this.#canvas.width === Math.round(width * scale) && this.#canvas.height === Math.round(height * scale)) return;
    this.#height = height;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
  }

  #draw = () => {
    this.#frame = requestAnimationFrame(this.#draw);
    if (!this.#canvas.isConnected || !this.#canvas.clientWidth) return;
    this.#size();
    const [pen, scale] = [this.#context, devicePixelRatio || 1];
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, this.#width, this.#height);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const to = this.#at ?? this.#clock() - EDGE_S;
    const from = to - this.spanS;
    const left = this.#label();
    const x = (time) => left + ((time - from) / this.spanS) * this.#plot();
    const seen = this.#seen(from, to);
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, this.#plot(), this.#height);
    pen.clip();
    this.#axis(pen, from, to, x);
    let y = this.#levels(pen, seen, x);
    y = this.#probabilities(pen, seen, x, y + LANE.gap);
    y = this.#cells(pen, seen, x, y + 3);
    y = this.#replies(pen, from, to, x, y + LANE.gap);
    if (this.#latency) this.#latencies(pen, seen, x, y + LANE.gap);
    this.#marked(pen, x);
    this.#cursor(pen, seen, x, from);
    pen.restore();
    this.#labels(pen);
    this.#tell(to);
  };

  // The cells between two times, found by halving.
  #seen(from, to) {
    const cells = this.#log.chunks;
    let [low, high] = [0, cells.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cells[middle].to < from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < cells.length && cells[end].from <= to) end++;
    return cells.slice(low, end);
  }

  #axis(pen, from, to, x) {
    const step = { 15: 5, 30: 5, 60: 10, 120: 30, 300: 60 }[this.spanS];
    const every = Math.ceil((MARK * this.spanS) / step / this.#plot());
    pen.fillStyle = this.#colours.quiet;
    pen.strokeStyle = this.#colours.line;
    pen.lineWidth = 1;
    pen.textAlign = "center";
    const bottom = this.#height - LANE.axis;
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const at = Math.round(x(time)) + 0.5;
      pen.beginPath();
      pen.moveTo(at, 0);
      pen.lineTo(at, bottom);
      pen.stroke();
      if (Math.round(time / step) % every === 0) pen.fillText(this.#time.format(time * 1000), at, bottom + LANE.axis / 2);
    }
  }

  #levels(pen, seen, x) {
    const rows = this.#rows();
    rows.forEach((name, row) => {
      const floor = (row + 1) * this.#lane();
      pen.fillStyle = this.#voices[row % this.#voices.length];
      for (const cell of seen) {
        const level = cell.levels?.get(name);
        if (level === undefined) continue;
        const height = Math.max(1, (Math.min(0, level) / -QUIETEST_DBFS + 1) * (LANE.speaker - 4));
        this.#bar(pen, x(cell.from), x(cell.to), floor - height, height);
      }
      pen.fillStyle = this.#colours.line;
      pen.fillRect(0, floor, this.#width, 1);
      if (this.#label()) return;
      pen.fillStyle = this.#colours.quiet;
      pen.textAlign = "left";
      pen.fillText(shortened(name), 0, floor - LANE.named + 9);
    });
    return rows.length * this.#lane();
  }

  #probabilities(pen, seen, x, y) {
    const floor = y + LANE.p;
    for (const cell of seen) {
      if (cell.gap) continue;
      const height = Math.max(1.5, cell.p * LANE.p);
      pen.fillStyle = cell.respond ? this.#colours.respond : this.#colours.silent;
      this.#bar(pen, x(cell.from), x(cell.to), floor - height, height);
    }
    pen.fillStyle = this.#colours.line;
    pen.fillRect(0, floor, this.#width, 1);
    this.#threshold(pen, seen, x, floor);
    return floor;
  }

  // As it was at each chunk: it may have been changed meanwhile.
  #threshold(pen, seen, x, floor) {
    pen.strokeStyle = this.#colours.text;
    pen.lineWidth = 1;
    pen.setLineDash([4, 3]);
    pen.beginPath();
    let last = null;
    for (const cell of seen) {
      if (cell.gap) continue;
      const at = Math.round(floor - cell.threshold * LANE.p) + 0.5;
      if (last === null) pen.moveTo(x(cell.from), at);
      else if (last !== at) pen.lineTo(x(cell.from), at);
      pen.lineTo(x(cell.to), at);
      last = at;
    }
    pen.stroke();
    if (this.#preview !== null) {
      const at = Math.round(floor - this.#preview * LANE.p) + 0.5;
      pen.strokeStyle = this.#colours.accent;
      pen.beginPath();
      pen.moveTo(0, at);
      pen.lineTo(this.#width, at);
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  #cells(pen, seen, x, y) {
    for (const cell of seen) {
      const [left, right] = [x(cell.from), x(cell.to)];
      if (cell.gap) {
        pen.strokeStyle = this.#colours.bad;
        pen.lineWidth = 1.5;
        pen.strokeRect(left + 1, y + 1, Math.max(2, right - left - 2), LANE.cell - 2);
        continue;
      }
      pen.fillStyle = cell.respond ? this.#colours.respond : this.#colours.silent;
      pen.globalAlpha = cell.respond ? 1 : 0.45;
      this.#bar(pen, left, right, y, LANE.cell);
      pen.globalAlpha = 1;
    }
    return y + LANE.cell;
  }

  // Filled as far as it was heard. What was neither said nor shown is an outline.
  #replies(pen, from, to, x, y) {
    const now = this.#clock();
    pen.textAlign = "left";
    const replies = [...this.#log.replies.values()].filter((reply) => !is_empty(reply));
    for (const [index, reply] of replies.entries()) {
      const end = Math.max(reply.time + 0.4, reply.ended ?? now);
      const next = replies[index + 1];
      if (reply.time > to || Math.max(end, next?.time ?? now) < from) continue;
      const left = x(reply.time);
      const words = reply.text || (reply.verdict === "suppress" ? "held back" : "…");
      const room = (next ? x(next.time) : this.#width) - left - 3;
      const right = left + Math.max(6, Math.min(room, Math.max(x(end) - left, pen.measureText(words).width + 12)));
      const heard = reply.text ? reply.heard_chars / reply.text.length : 0;
      pen.globalAlpha = reply.verdict === "suppress" ? 0.5 : 1;
      pen.fillStyle = this.#colours.card;
      pen.strokeStyle = reply.emotion === "urgent" ? this.#colours.bad : this.#colours.accent;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.roundRect(left, y + 1, right - left, LANE.reply - 2, 5);
      pen.fill();
      pen.save();
      pen.clip();
      pen.fillStyle = pen.strokeStyle;
      pen.globalAlpha *= 0.22;
      pen.fillRect(left, y, (right - left) * heard, LANE.reply);
      pen.globalAlpha = 1;
      pen.fillStyle = this.#colours.text;
      pen.fillText(words, Math.max(left, this.#label()) + 6, y + LANE.reply / 2 + 0.5);
      pen.restore();
      pen.beginPath();
      pen.roundRect(left, y + 1, right - left, LANE.reply - 2, 5);
      pen.stroke();
      pen.globalAlpha = 1;
    }
    return y + LANE.reply;
  }

  #latencies(pen, seen, x, y) {
    pen.strokeStyle = this.#colours.quiet;
    pen.lineWidth = 1.25;
    pen.beginPath();
    let drawn = false;
    for (const cell of seen) {
      if (cell.gap) {
        drawn = false;
        continue;
      }
      const at = y + LANE.latency - 2 - Math.min(1, cell.latency / LATE_S) * (LANE.latency - 4);
      if (drawn) pen.lineTo(x(cell.to), at);
      else pen.moveTo(x(cell.to), at);
      drawn = true;
    }
    pen.stroke();
  }

  #marked(pen, x) {
    if (this.#mark === null) return;
    pen.fillStyle = this.#colours.accent;
    pen.fillRect(Math.round(x(this.#mark)) - 1, 0, 2, this.#height - LANE.axis);
  }

  #cursor(pen, seen, x, from) {
    if (this.#hover === null || this.#hover < this.#label()) return;
    const time = from + ((this.#hover - this.#label()) / this.#plot()) * this.spanS;
    const cell = seen.find((one) => one.from <= time && one.to >= time) ?? null;
    pen.fillStyle = this.#colours.edge;
    pen.fillRect(Math.round(x(time)), 0, 1, this.#height - LANE.axis);
    this.onHover(cell, this.#hover);
  }

  #bar(pen, left, right, y, height) {
    pen.fillRect(left + 0.5, y, Math.max(1, right - left - 1), height);
  }

  #labels(pen) {
    if (!this.#label()) return;
    const rows = this.#rows();
    pen.textAlign = "left";
    pen.fillStyle = this.#colours.quiet;
    const put = (text, y) => pen.fillText(this.#fitted(pen, text), 0, y);
    rows.forEach((name, row) => put(shortened(name) || "nobody yet", (row + 0.5) * this.#lane()));
    let y = rows.length * this.#lane() + LANE.gap;
    put("P(respond)", y + 10);
    y += LANE.p + 3;
    put("decision", y + LANE.cell / 2);
    y += LANE.cell + LANE.gap;
    put("reply", y + LANE.reply / 2);
    y += LANE.reply + LANE.gap;
    if (this.#latency) put("latency", y + LANE.latency / 2);
  }

  #fitted(pen, text) {
    let shown = text;
    while (shown.length > 1 && pen.measureText(shown).width > LABEL - 10) shown = shown.slice(0, -1);
    return shown === text ? text : `${shown.slice(0, -1)}…`;
  }

  // For whoever does not see it: now and then, so that a screen reader is not kept busy.
  #tell() {
    const now = performance.now();
    if (now - this.#told < 5000) return;
    this.#told = now;
    const last = this.#log.latest;
    if (!last) return;
    const loud = [...last.levels].map(([name, level]) => `${shortened(name)} ${Math.round(level)} dB`).join(", ") || "nobody speaks";
    this.#canvas.setAttribute("aria-label", `Timeline of the last ${this.spanS} seconds. Latest decision: ${last.respond ? "respond" : "silent"}, P(respond) ${Math.round(100 * last.p)} %, ${loud}. Arrow keys move in time, plus and minus change how much is shown.`);
  }
}
