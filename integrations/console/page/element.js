// A new part of the page.

export function element(name, className = "", textContent = "") {
  return Object.assign(document.createElement(name), { className, textContent });
}

// Its words are somebody's, in whatever direction they are written.
export function somebodys(name) {
  return Object.assign(element(name), { dir: "auto" });
}
