"use strict";
for (const card of document.querySelectorAll("article")) {
  const audio = card.querySelector("audio");
  const timeline = card.querySelector(".timeline");
  const scroll = card.querySelector(".scroll");
  const head = card.querySelector(".head");
  const seconds = Number(timeline.dataset.seconds);
  const move = () => {
    const share = audio.currentTime / seconds;
    head.setAttribute("x1", `${100 * share}%`);
    head.setAttribute("x2", `${100 * share}%`);
    const at = share * timeline.clientWidth;
    if (at < scroll.scrollLeft || at > scroll.scrollLeft + scroll.clientWidth) {
      scroll.scrollLeft = at - scroll.clientWidth / 10;
    }
    if (!audio.paused) requestAnimationFrame(move);
  };
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
    move();
  });
  audio.addEventListener("seeked", move);
  timeline.addEventListener("click", (event) => {
    const box = timeline.getBoundingClientRect();
    audio.currentTime = (seconds * (event.clientX - box.left)) / box.width;
    move();
  });
}
document.getElementById("ability").addEventListener("change", (event) => {
  for (const card of document.querySelectorAll("article")) {
    card.hidden = event.target.value !== "" && card.dataset.ability !== event.target.value;
  }
});
