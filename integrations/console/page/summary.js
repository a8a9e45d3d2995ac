// A summary for people. It is Markdown of one form (agent.cues.summary_page): a title, a sentence, and lists with headings.

import { shortened } from "./words.js";

const LONG = 8; // Longer lists are folded: replies and cues stand beside it as well.
const MARK = /^- (?:\[([ x])\] )?/;

export function showSummary(panel, markdown) {
  panel.hidden = !markdown;
  const [head, ...lists] = (markdown ?? "").split("\n## ");
  const sentence = made("p", head.split("\n").filter((line) => line && !line.startsWith("# ")).join(" "), "quiet");
  panel.querySelector(".summary-text").replaceChildren(sentence, ...lists.map(list));
  const copy = panel.querySelector(".copy");
  copy.hidden = !navigator.clipboard;
  copy.onclick = async () => {
    await navigator.clipboard.writeText(markdown);
    copy.textContent = "Copied";
  };
}

function list(text) {
  const [heading, ...rest] = text.split("\n");
  const lines = rest.filter(Boolean);
  const [part, title, points] = [document.createElement("details"), made("summary", `${heading} · ${lines.length}`), document.createElement("ul")];
  part.open = lines.length <= LONG;
  points.append(...lines.map(point));
  part.append(title, points);
  return part;
}

function point(line) {
  const tick = MARK.exec(line)?.[1];
  const item = made("li", line.replace(MARK, tick ? { x: "✓ ", " ": "○ " }[tick] : ""));
  item.dir = "auto";
  return item;
}

// What was escaped so that it is no Markdown is what it was.
function made(name, text, className = "") {
  return Object.assign(document.createElement(name), { className, textContent: shortened(text.replace(/\\([\\`*_[\]<>|#])/g, "$1")) });
}
