// The console's socket: it signs in, comes back by itself, and follows again what was followed.

const PAUSES_MS = [500, 1000, 2000, 5000, 10000];
const SILENT_MS = 10000; // The server says something every second.
const UNKNOWN = 4401;

// Tells of `state` (connecting, connected, unknown), and of every message by its type.
export class Connection extends EventTarget {
  #socket = null; #followed = new Set(); #answers = new Map(); #number = 0; #attempt = 0; #watch; #pause; #over = false;
  #token; #name;
  aheadS = 0; // Of the server's clock before ours.

  constructor({ token, name }) {
    super();
    this.#token = token;
    this.#name = name;
    addEventListener("online", this.#online);
  }

  open() {
    const address = new URL("/api/console/socket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#tell("state", "connecting");
    this.#listenUntil(socket);
    socket.onopen = () => this.#send({ type: "sign_in", token: this.#token, name: this.#name });
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data), socket);
    socket.onclose = ({ code }) => this.#closed(socket, code);
  }

  close() {
    this.#over = true;
    clearTimeout(this.#pause);
    clearTimeout(this.#watch);
    removeEventListener("online", this.#online);
    this.#socket?.close();
  }

  // Seconds since 1970 by the server's clock.
  now() {
    return Date.now() / 1000 + this.aheadS;
  }

  follow(session) {
    if (this.#followed.has(session)) return;
    this.#followed.add(session);
    this.#send({ type: "follow", session });
  }

  leave(session) {
    if (this.#followed.delete(session)) this.#send({ type: "unfollow", session });
  }

  // Resolves to what holds then, or rejects with why it was not done.
  operate(session, command) {
    return new Promise((resolve, reject) => {
      const id = ++this.#number;
      if (!this.#send({ type: "command", id, session, command })) return reject(new Error("Not connected: nothing was changed."));
      this.#answers.set(id, { resolve, reject });
    });
  }

  #send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #take(message, socket) {
    this.#listenUntil(socket);
    if (message.type === "welcome") {
      this.aheadS = message.time - Date.now() / 1000;
      this.#attempt = 0;
      this.#tell("state", "connected");
      for (const session of this.#followed) this.#send({ type: "follow", session });
    }
    if (message.type === "answer") {
      const { resolve, reject } = this.#answers.get(message.id) ?? {};
      this.#answers.delete(message.id);
      return message.error ? reject?.(new Error(message.error)) : resolve?.(message.status);
    }
    this.#tell(message.type, message);
  }

  #closed(socket, code) {
    if (socket !== this.#socket || this.#over) return;
    clearTimeout(this.#watch);
    for (const { reject } of this.#answers.values()) reject(new Error("The connection was lost: look whether it was done."));
    this.#answers.clear();
    if (code === UNKNOWN) return this.#tell("state", "unknown");
    this.#tell("state", "connecting");
    this.#pause = setTimeout(() => this.open(), PAUSES_MS[Math.min(this.#attempt++, PAUSES_MS.length - 1)]);
  }

  // A connection that broke without a word is found out by its silence.
  #listenUntil(socket) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      socket.onclose = null;
      socket.close();
      this.#closed(socket, 0);
    }, SILENT_MS);
  }

  #online = () => {
    if (this.#socket?.readyState === WebSocket.OPEN || this.#over) return;
    clearTimeout(this.#pause);
    this.open();
  };

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
