// A media process in JavaScript, written from docs/protocol.md: plays a WAV (16 kHz, mono, 16 bit) to a
// worker and prints what it decides and says, one JSON object a line.
//
//     npm install ioredis
//     node node_client.mjs redis://USER:PASSWORD@127.0.0.1:6379/0 sound.wav [SPEED]
//
// SPEED is 1 for real time. In the URL: ?tenant=NAME&shard=NAME&secret=WORDS. One session on one Redis.
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import Redis from "ioredis";

const FRAME_BYTES = 12_800, LOOK_AHEAD_BYTES = 80, FRAME_MS = 400, KEPT_FRAMES = 50, LOST_MS = 10_000;
const fail = (error) => { console.error(`node_client: ${error.message}`); process.exit(2); };
process.on("uncaughtException", fail);
const [, , address = "", file, speed = "1"] = process.argv;
if (!/^rediss?:/.test(address) || !file || !(Number(speed) > 0))
  fail(new Error("usage: node node_client.mjs redis://USER:PASSWORD@HOST:PORT/0 sound.wav [SPEED]"));
const [url, pcm] = [new URL(address), pcmOf(readFileSync(file))];
const setting = (name, otherwise) => url.searchParams.get(name) ?? otherwise;
const [tenant, secret] = [setting("tenant", "default"), setting("secret", decodeURIComponent(url.password))];
const [sessionId, token] = [`node-${process.pid}`, randomBytes(16).toString("hex")];
const digest = createHmac("sha256", secret).update(sessionId).digest("hex");
const name = `${tenant}.${digest.slice(0, 32)}`;
const key = (rest) => `interject:2:{${setting("shard", "0")}}:${rest}`;
const [notices, input, output] = [`notices:${tenant}.${token}`, `in:${name}`, `out:${name}`].map(key);
const passes = /^(LOADING|BUSY|MISCONF|NOREPLICAS|OOM|READONLY|MASTERDOWN|CLUSTERDOWN|EXECABORT)/;
const isFinal = (error) => error.name === "ReplyError" && !passes.test(error.message); // others are tried again

const connect = () => new Redis({
  host: url.hostname, port: Number(url.port || 6379), db: Number(url.pathname.slice(1) || 0),
  username: decodeURIComponent(url.username) || undefined, password: decodeURIComponent(url.password) || undefined,
  tls: url.protocol === "rediss:" ? {} : undefined, enableReadyCheck: false, // that asks for INFO
  maxRetriesPerRequest: 0, retryStrategy: () => 100, connectTimeout: 2_000,
}).on("error", complain).on("ready", () => { away = ""; });
function complain(error) {
  if (isFinal(error)) fail(error);
  if (!away) console.error(`node_client: Redis does not answer (${error.code ?? error.message}); trying on`);
  away = error.code ?? error.message;
}
const [reading, writing] = [connect(), connect()];
const passed = async (error) => { if (isFinal(error)) throw error; else await sleep(100); };

// Entries are kept until they were decided or taken in, and sent again after every new connection.
const session = { generation: "0", read: "0-0", graceMs: 30_000, opened: false, over: false };
let [kept, sent, count, flushing, away] = [[], 0, 0, false, ""]; // `away`: why Redis cannot be used now
writing.on("connect", () => { sent = 0; });

function put(fields, seq = null) {
  kept.push({ number: ++count, seq, fields: ["v", "2", ...fields] });
  const frames = kept.filter((entry) => entry.seq !== null);
  if (frames.length > KEPT_FRAMES) kept = kept.filter((entry) => entry !== frames[0]);
  flush().catch(fail);
}

async function flush() {
  if (flushing || !session.opened) return;
  flushing = true;
  for (let batch; (batch = kept.filter((e) => e.number > sent).slice(0, 64)).length && !session.over; ) {
    const begin = ["xadd", input, "NOMKSTREAM", "MAXLEN", "~", 1000];
    const calls = batch.map((entry) => [...begin, `${session.generation}-${entry.number}`, ...entry.fields]);
    calls.push(["xadd", key(`news:${tenant}`), "MAXLEN", "~", 1000, "*", "k", name]);
    try {
      sent = batch.at(-1).number; // unless a new connection says otherwise meanwhile
      const answers = await writing.multi(calls).exec();
      const failure = answers.find(([error]) => error && !error.message.includes("equal or smaller"));
      if (failure) throw failure[0];
      if (answers.some(([error, id]) => !error && id === null)) throw new Error("the stream is gone");
    } catch (error) { sent = 0; await passed(error); }
  }
  flushing = false;
}

function hear(id, fields) {
  session.read = id;
  const kind = fields.k.toString(), event = JSON.parse(fields.d.toString());
  const [generation, number] = (fields.c ?? "").toString().split("-");
  if (generation === session.generation) kept = kept.filter((e) => e.seq !== null || e.number > Number(number));
  const decided = { decision: event.seq, gap: event.first_seq + event.count - 1 }[kind];
  if (decided !== undefined) kept = kept.filter((e) => e.seq === null || e.seq > decided);
  console.log(JSON.stringify({ kind, ...event }));
  if (kind === "resend") sent = 0;
  session.over ||= kind === "closed";
}

function told({ r, a, g, l, p, e }, request) {
  if (r?.toString() !== request || session.opened || a.toString() === "no_worker") return;
  if (a.toString() !== "placed") throw new Error(`${a}: ${e}`);
  Object.assign(session, { generation: g.toString(), read: l.toString(), graceMs: Number(p), opened: true });
}

async function read(request) {
  for (let heard = "0-0"; !session.over; ) {
    try {
      const streams = session.opened ? [notices, output, heard, session.read] : [notices, heard];
      const answer = await reading.xreadBuffer("BLOCK", 250, "STREAMS", ...streams);
      for (const [stream, entries] of answer ?? [])
        for (const [id, words] of entries) {
          const fields = {};
          for (let i = 0; i < words.length; i += 2) fields[words[i]] = words[i + 1];
          if (stream.toString() === output) hear(id.toString(), fields);
          else { heard = id.toString(); told(fields, request); }
        }
    } catch (error) { await passed(error); }
  }
}

async function attend() {
  for (let seenAt = Date.now(); !session.over; await sleep(250)) {
    if (!session.opened) continue;
    const mine = `${token} ${session.generation} ${session.read}`;
    const before = await writing.set(key(`client:${name}`), mine, "XX", "GET", "PX", session.graceMs).catch(passed);
    const [holder, generation] = (before ?? "").split(" ");
    if (before && holder !== token && Number(generation) > Number(session.generation)) throw new Error("replaced");
    if (typeof before === "string") seenAt = Date.now();
    if (Date.now() - seenAt > LOST_MS && !session.over) throw new Error("Redis has lost the session");
    flush().catch(fail);
  }
}

async function open(request) {
  const options = JSON.stringify({ session_id: sessionId, system_prompt: "" }), until = Date.now() + LOST_MS;
  for (; !session.opened; await sleep(500)) {
    if (Date.now() > until) throw new Error(away ? `Redis does not answer (${away})` : "no worker answers");
    await writing.xadd(key(`requests:${tenant}`), "MAXLEN", "~", 1000, "*", "v", "2", "n", name, "t", token,
      "r", request, "o", 2000, "d", options).catch(passed);
  }
}

function pcmOf(wav) { // the chunks of a RIFF file: a name, a length, so many bytes and one more where that is odd
  const wrong = new Error("the sound must be a WAV of 16 kHz, mono, 16 bit: ffmpeg -i FILE -ar 16000 -ac 1 sound.wav");
  if (wav.toString("latin1", 0, 4) !== "RIFF" || wav.toString("latin1", 8, 12) !== "WAVE") throw wrong;
  for (let at = 12, fits = false; at + 8 <= wav.length; ) {
    const kind = wav.toString("latin1", at, at + 4), length = wav.readUInt32LE(at + 4), body = at + 8;
    if (kind === "data" && fits) return wav.subarray(body, body + length);
    if (kind === "fmt " && body + 16 <= wav.length)
      fits = [1, 0xfffe].includes(wav.readUInt16LE(body)) && wav.readUInt16LE(body + 2) === 1 &&
        wav.readUInt32LE(body + 4) === 16_000 && wav.readUInt16LE(body + 14) === 16;
    at = body + length + (length % 2);
  }
  throw wrong;
}

async function play() {
  const frames = Math.ceil(pcm.length / FRAME_BYTES), startedAt = Date.now();
  for (let seq = 0; seq < frames && !session.over; seq++) {
    const [s, t, f, p] = [4, 8, 4, FRAME_BYTES].map((size) => Buffer.alloc(size)); // zeros fill the last frame
    const end = (seq + 1) * FRAME_BYTES, ahead = pcm.subarray(end, end + LOOK_AHEAD_BYTES);
    pcm.copy(p, 0, seq * FRAME_BYTES, end);
    s.writeUInt32LE(seq); f.writeUInt32LE(seq + 1 === frames ? 1 : 0);
    t.writeDoubleLE((startedAt + seq * FRAME_MS) / 1000);
    await sleep(Math.max(0, startedAt + ((seq + 1) * FRAME_MS) / Number(speed) - Date.now()));
    const a = seq + 1 === frames ? [] : ["a", Buffer.concat([ahead], LOOK_AHEAD_BYTES)];
    put(["k", "frame", "s", s, "t", t, "f", f, "p", p, ...a], seq);
  }
  put(["k", "finish", "d", "{}"]);
}

const request = randomBytes(8).toString("hex");
await Promise.all([read(request), attend(), open(request).then(play)]).catch(fail);
for (const connection of [reading, writing]) connection.disconnect();
