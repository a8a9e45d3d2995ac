"use strict";

// What a page shows of a call beside its cards, in its elements `checklists` and `summaries`.
const panels = (() => {
  const MOST_SUMMARIES = 20;

  // Of a call that has ended, to be opened, copied and put away.
  function put_summary({ call, markdown }) {
    const summaries = document.getElementById("summaries");
    const panel = document.createElement("details");
    panel.className = "panel";
    const head = Object.assign(document.createElement("summary"), {
      textContent: `Summary \u00b7 call ${call.slice(-6)}`,
    });
    const text = Object.assign(document.createElement("pre"), { textContent: markdown });
    panel.append(head, text, put_away(panel));
    summaries.append(panel);
    while (summaries.children.length > MOST_SUMMARIES) summaries.firstChild.remove();
  }

  // One panel a call. When the call has ended it says what is open, until somebody puts it away.
  function put_checklist({ call, items, over }) {
    const checklists = document.getElementById("checklists");
    const id = `checklist-${call}`;
    const open = items.filter((item) => !item.done).length;
    const panel = document.getElementById(id) ?? Object.assign(document.createElement("section"), { id });
    panel.className = "panel";
    const head = Object.assign(document.createElement("h2"), {
      textContent: `${over ? "Ended, " : ""}${open} of ${items.length} open · call ${call.slice(-6)}`,
    });
    const list = document.createElement("ul");
    for (const { text, done } of over ? items.filter((item) => !item.done) : items) {
      const line = document.createElement("li");
      line.className = done ? "ticked" : "";
      line.textContent = `${done ? "✓ Done: " : "Open: "}${text}`;
      list.append(line);
    }
    panel.replaceChildren(head, list);
    if (over) panel.append(put_away(panel));
    if (over && !open) panel.remove();
    else if (!panel.isConnected) checklists.append(panel);
  }

  function put_away(panel) {
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      textContent: "Put away",
    });
    button.addEventListener("click", () => panel.remove());
    return button;
  }

  return { put_checklist, put_summary };
})();
