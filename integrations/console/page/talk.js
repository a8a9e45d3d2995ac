// A call of one's own: the microphone or a recording in, the voice out, and the session on the page like any other.

import { lasted } from "./words.js";

const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const NO_MICROPHONE = {
  NotAllowedError: "The browser was not allowed to use the microphone. Allow it beside the page's address, and press Talk again.",
  NotFoundError: "There is no microphone. Connect one, and press Talk again.",
  NotReadableError: "The microphone cannot be used: another program may have it.",
};

const at = (id) => document.getElementById(id);

// `onCall` is told by which name the log knows the call, and null when it is over.
export class Talk {
  #token; #call = null; #sound = null; #context = null; #onCall;

  constructor({ token, onCall }) {
    this.#token = token;
    this.#onCall = onCall;
    at("call").onclick = () => (this.#call ? this.end() : this.#begin(() => this.#microphone()));
    at("write").onsubmit = (event) => {
      event.preventDefault();
      const content = at("written").value.trim();
      at("written").value = "";
      if (content) this.#call?.send("send-text", { content });
    };
    at("file").onchange = ({ target }) => this.#hear(target.files[0]);
    const drop = at("drop");
    drop.ondragover = (event) => { event.preventDefault(); drop.classList.add("over"); };
    drop.ondragleave = () => drop.classList.remove("over");
    drop.ondrop = (event) => { event.preventDefault(); drop.classList.remove("over"); this.#hear(event.dataTransfer.files[0]); };
    addEventListener("pagehide", () => this.end());
  }

  end() {
    this.#call?.end();
  }

  #hear(file) {
    if (file && !this.#call) this.#begin(() => this.#recording(file));
    at("file").value = "";
  }

  async #begin(open) {
    at("call").disabled = true;
    at("talk-said").textContent = "";
    try {
      const { Call } = await import("/page/call.js");
      this.#sound = await open();
      this.#call = new Call({ token: this.#token, microphone: this.#sound });
      this.#call.addEventListener("state", ({ detail }) => this.#state(detail));
      this.#call.addEventListener("track", ({ detail }) => this.#speak(detail));
      this.#call.addEventListener("named", ({ detail }) => this.#onCall(detail));
      this.#call.addEventListener("message", ({ detail }) => this.#take(detail));
      await this.#call.start();
    } catch (error) {
      await this.#call?.end("failed");
      at("talk-said").textContent = NO_MICROPHONE[error.name] ?? error.message;
    } finally {
      at("call").disabled = false;
    }
  }

  async #microphone() {
    if (!navigator.mediaDevices) throw new Error("A browser gives the microphone to pages from https or from localhost alone.");
    const sound = await navigator.mediaDevices.getUserMedia({ audio: SOUND });
    this.#follow(sound);
    return sound;
  }

  // Played into the call as if it were spoken; the call goes on behind it, so that an answer is heard.
  async #recording(file) {
    this.#context = new AudioContext();
    let sound;
    try {
      sound = await this.#context.decodeAudioData(await file.arrayBuffer());
    } catch {
      throw new Error(`${file.name} is no sound that this browser can read.`);
    }
    const [source, way] = [this.#context.createBufferSource(), this.#context.createMediaStreamDestination()];
    source.buffer = sound;
    source.connect(way);
    source.onended = () => { at("talk-said").textContent = "The recording is over. The call goes on until you end it."; };
    this.#playing = () => {
      source.start();
      this.#playing = null;
      at("talk-said").textContent = `It hears ${file.name}, ${lasted(sound.duration)}.`;
    };
    this.#follow(way.stream);
    return way.stream;
  }
  #playing = null;

  #state({ now, reason }) {
    const running = now === "connecting" || now === "connected";
    at("call").setAttribute("aria-pressed", String(running));
    at("call-label").textContent = running ? "End call" : "Talk";
    at("drop").hidden = running;
    at("write").hidden = now !== "connected";
    at("on-call").hidden = !running;
    at("on-call").parentElement.classList.toggle("calling", running);
    if (now === "connected") this.#playing?.();
    if (now === "connecting") at("talk-said").textContent = "Connecting";
    if (now === "connected" && at("talk-said").textContent === "Connecting") at("talk-said").textContent = "";
    if (running) return;
    if (reason) at("talk-said").textContent = reason.message;
    else at("talk-said").textContent = now === "left" ? "The agent has left." : "The call has ended.";
    this.#sound?.getTracks().forEach((track) => track.stop());
    this.#context?.close();
    this.#call = this.#sound = this.#context = this.#playing = null;
    this.#onCall(null);
  }

  #take({ type, data }) {
    if (type === "bot-started-speaking") at("call").classList.add("speaking");
    if (type === "bot-stopped-speaking") at("call").classList.remove("speaking");
    if (type === "server-message" && data.type === "notice") at("talk-said").textContent = data.text;
  }

  async #speak(track) {
    at("voice").srcObject = new MediaStream([track]);
    await at("voice").play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      at("talk-said").textContent = "The browser keeps the voice silent until you press anywhere on this page.";
      addEventListener("click", () => at("voice").play().catch(() => {}), { once: true });
    });
  }

  // The ring moves with what goes out.
  #follow(sound) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(sound).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const ring = document.querySelector("#call .ring");
    const draw = () => {
      if (sound !== this.#sound && this.#call) return void context.close();
      if (!sound.active) { ring.style.opacity = 0; return void context.close(); }
      analyser.getFloatTimeDomainData(samples);
      const level = Math.min(1, 6 * Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length));
      ring.style.opacity = level;
      ring.style.transform = `scale(${0.94 + 0.1 * level})`;
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }
}
