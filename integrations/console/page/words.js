// How things are put into words, on the whole page.

const SERIAL = /^(?=.*[a-f])(?=.*\d)[A-Z]{0,2}[0-9a-f-]{12,}$/i; // It names nothing to people: its end tells it from others.

export function title({ label, call, door = "" }) {
  if (label) return shortened(label);
  return SERIAL.test(call) ? `${door} ${call.slice(-6)}`.trim() : shortened(call);
}

// What stands beside the title.
export function about(session) {
  const { door, profile, speakers } = session;
  return [title(session).startsWith(`${door} `) ? "" : door, profile, speakers.map(shortened).join(", ")].filter(Boolean).join(" · ");
}

// How long a number is says nothing.
export function shortened(name) {
  return name.replace(/\*{3,}/g, "••• ");
}

// It only ticked something off, or nothing came of it.
export function is_empty({ stage, text, verdict }) {
  return stage === "over" && !text && verdict !== "suppress";
}

// Nothing more happens in it: its process may have been lost.
export function is_past({ stage }) {
  return stage === "over" || stage === "lost";
}

// A call of a tool, as `refund(order=7)`.
export function written({ tool, arguments: given }) {
  return `${tool}(${given.map(({ name, value }) => `${name}=${value}`).join(", ")})`;
}

export function lasted(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

export function clock(time) {
  return new Date(1000 * time).toLocaleTimeString([], { hourCycle: "h23" });
}

export function percent(p) {
  return `${p < 0.095 ? (100 * p).toFixed(1) : Math.round(100 * p)} %`;
}
