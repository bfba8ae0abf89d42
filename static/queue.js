/* What is typed is kept for the tab: a reload or a look at another page loses nothing.
   Enter while an answer runs: the question waits in sight, can be taken back, and is asked when the answer ends. */
"use strict";

const queued = document.getElementById("queued");
const place = () => `docent-queued ${location.pathname}`; // a conversation's own
const draft = () => `docent-draft ${location.pathname}`;

addEventListener("pagehide", () => {
  if (question().value.trim()) sessionStorage.setItem(draft(), question().value);
});

question().value ||= sessionStorage.getItem(draft()) ?? "";
sessionStorage.removeItem(draft());
grow();

function queue(text) {
  sessionStorage.setItem(place(), text);
  queued.elements.question.value = text;
  queued.querySelector("bdi").textContent = text;
  queued.hidden = false;
}

function dequeue() {
  sessionStorage.removeItem(place());
  queued.hidden = true;
  return queued.elements.question.value;
}

function takeBack() { // in front of what was typed since
  const box = question();
  box.value = [dequeue(), box.value].filter((text) => text.trim()).join("\n");
  grow();
  box.focus({ preventScroll: true });
}

function say(words) {
  document.getElementById("announcer").textContent = words;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.key !== "Enter" || event.shiftKey || event.target !== question() || !running()) return;
  const box = question();
  if (!box.value.trim() || !box.reportValidity()) return;
  if (!queued.hidden) {
    say("One question is waiting already. Take it back to change it; what you typed stays in the box.");
    return;
  }
  queue(box.value);
  box.value = "";
  grow();
  say("Your question waits. It is asked when this answer ends.");
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-take-back]")) takeBack();
});

document.addEventListener("htmx:afterSettle", () => {
  if (!queued.hidden && !running() && !queued.matches(".htmx-request")) queued.requestSubmit();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== queued) return;
  if (event.detail.successful) dequeue();
  else takeBack();
});

const left = sessionStorage.getItem(place());
if (left) {
  queue(left);
  if (!running()) { // it ended while the page was away: who asks decides anew
    takeBack();
    say("Your next question was not asked yet. It is in the box.");
  }
}
