// What has happened in one session, as it was told: the last minutes, and what came since.

const MOST_CHUNKS = 3000; // Twenty minutes.
const MOST_REPLIES = 200;
const MOST_LATE_S = 2;
const DRIFT_S = 0.0002; // A chunk.
const SEEN_S = 0.02;
const MOST_MOVED = 100;
export const CHUNK_S = 0.4;

export class SessionLog {
  chunks = []; // { from, to, p, respond, threshold, latency, levels: Map } or { from, to, gap }, oldest first.
  replies = new Map();
  cards = new Map();
  speakers = []; // In the order in which they were first heard.
  checklist = null;
  summary = null;
  latest = null;
  #lines = new Map(); // Of each ear: when its first chunk would have begun.

  clear() {
    this.chunks.length = this.speakers.length = 0;
    for (const kept of [this.replies, this.cards, this.#lines]) kept.clear();
    this.checklist = this.summary = this.latest = null;
  }

  take(moment) {
    switch (moment.type) {
      case "chunk": return this.#chunk(moment);
      case "gap": return this.#gap(moment);
      case "reply": return this.#reply(moment);
      case "card": return void this.cards.set(moment.card.cue.id, moment.card);
      case "checklist": return void (this.checklist = moment.checklist);
      case "summary": return void (this.summary = moment.summary);
    }
  }

  // Those that are of use still, the most important first.
  living(now) {
    for (const [id, { cue, mark }] of this.cards) if (cue.expiry <= now || mark === "dismissed") this.cards.delete(id);
    return [...this.cards.values()].sort((one, other) => other.cue.priority - one.cue.priority || other.cue.time - one.cue.time);
  }

  #chunk({ ear, threshold, decision }) {
    const levels = new Map(decision.speakers.map(({ identity, level_dbfs }) => [identity, level_dbfs]));
    for (const name of levels.keys()) if (!this.speakers.includes(name)) this.speakers.push(name);
    this.latest = {
      ear, from: 0, to: 0, p: decision.p_respond, respond: decision.respond, threshold, levels,
      latency: decision.queued_s, number: decision.chunk,
    };
    this.#place(ear, this.latest, decision.time - decision.queued_s);
    this.#add(this.latest);
  }

  // Where a chunk was heard, and not where it was decided: that is uneven, and may come in a burst. The earliest one since
  // the last pause says when the others were; a clock that runs otherwise is followed slowly.
  #place(ear, cell, heardAt) {
    const end = (cell.number + 1) * CHUNK_S;
    let line = this.#lines.get(ear);
    if (!line || Math.abs(heardAt - end - line.began) > MOST_LATE_S) {
      line = { began: heardAt - end, cells: [] };
      this.#lines.set(ear, line);
    }
    const early = line.began + DRIFT_S - (heardAt - end);
    line.began = Math.min(line.began + DRIFT_S, heardAt - end);
    if (early > SEEN_S) for (const one of line.cells) [one.from, one.to] = [one.from - early, one.to - early];
    cell.to = line.began + end;
    cell.from = cell.to - CHUNK_S;
    line.cells.push(cell);
    if (line.cells.length > MOST_MOVED) line.cells.shift();
  }

  #gap({ ear, chunk, count, reason, time }) {
    this.#add({ ear, from: time - count * CHUNK_S, to: time, gap: reason, number: chunk, count });
  }

  #add(cell) {
    this.chunks.push(cell);
    if (this.chunks.length > MOST_CHUNKS) this.chunks.splice(0, MOST_CHUNKS / 10);
  }

  #reply(moment) {
    this.replies.set(`${moment.ear}/${moment.reply}`, moment);
    if (this.replies.size > MOST_REPLIES) this.replies.delete(this.replies.keys().next().value);
  }
}
