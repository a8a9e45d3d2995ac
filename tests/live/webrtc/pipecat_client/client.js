// Pipecat's client as a page of a user's own would use it, put where a test can reach it.
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";

const seen = { states: [], server: [], output: [], words: [], speaking: 0, silent: 0, errors: [], peak: 0 };

// The sound that the page's own audio element plays, measured as it is played.
function listen(track) {
  if (track.kind !== "audio") return;
  const element = document.body.appendChild(document.createElement("audio"));
  element.srcObject = new MediaStream([track]);
  element.play();
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(element.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    seen.peak = Math.max(seen.peak, ...samples.map(Math.abs));
    seen.played = element.currentTime;
  }, 20);
}

// The default one loads code of Daily's from elsewhere.
const client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: new WavMediaManager() }),
  enableMic: true,
  callbacks: {
    onTransportStateChanged: (state) => seen.states.push(state),
    onServerMessage: (message) => seen.server.push(message),
    onBotOutput: (output) => seen.output.push(output),
    onBotTtsText: ({ text }) => seen.words.push(text),
    onBotStartedSpeaking: () => { seen.speaking += 1; },
    onBotStoppedSpeaking: () => { seen.silent += 1; },
    onError: (message) => seen.errors.push(message.data),
    onTrackStarted: (track) => listen(track),
  },
});

globalThis.pipecat = { client, seen, connect: (headers) => client.connect({ webrtcRequestParams: { endpoint: "/api/offer", headers: new Headers(headers) } }) };
