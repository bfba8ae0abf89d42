/* Docent's own script. Everything works without it, unstreamed; it makes the page handier:
   keyboard, growing box, following the text, copying, colours. The source panel is source.js. */
"use strict";

const canHover = matchMedia("(hover: hover)");
const question = () => document.getElementById("question");

/* The box: grows with its text, Enter sends, Shift+Enter breaks the line. */

function grow() {
  const box = question();
  if (!box) return;
  box.rows = 1; // rows, not a style: the page's policy allows no style attribute
  measure(box);
  if (!box.value) return;
  const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(box);
  const text = box.scrollHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
  box.rows = Math.max(1, Math.min(8, Math.round(text / parseFloat(lineHeight))));
}

/* A long text: the server, which knows what the model can read, says before it is sent whether it fits. */

let measuring = 0;

function measure(box) {
  clearTimeout(measuring);
  const text = box.value;
  if (text.length < Number(box.dataset.check)) tell(box, "");
  else measuring = setTimeout(async () => {
    const form = new URLSearchParams({ question: text });
    const answer = await fetch("/ask/fits", { method: "POST", body: form }).catch(() => null); // sending will tell
    if (answer?.ok && box.value === text) tell(box, await answer.text());
  }, 250);
}

function tell(box, problem) {
  document.getElementById("length").textContent = problem;
  box.setCustomValidity(problem);
}

function lastTurn() {
  return document.getElementById("turns")?.lastElementChild;
}

function running() { // only the last one can be: a long conversation is not gone through at every word
  const turn = lastTurn();
  return turn?.dataset.state === "running" ? turn : null;
}

document.addEventListener("input", (event) => {
  if (event.target === question()) grow();
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  if (event.key === "Enter" && !event.shiftKey && event.target.matches("#question, .edit textarea")) {
    event.preventDefault();
    if (event.target !== question() || !running()) event.target.form.requestSubmit(); // else queue.js keeps it
  } else if (event.key === "/" && !typing && question()) {
    event.preventDefault();
    question().focus();
  } else if (event.key === "Escape") {
    if (document.querySelector(":popover-open")) return;
    const cancel = event.target.closest(".edit")?.querySelector(".cancel");
    if (cancel) return cancel.click();
    const rename = event.target.closest(".rename[open]");
    if (rename) {
      rename.open = false;
      return rename.querySelector("summary").focus();
    }
    const panel = document.getElementById("panel");
    if (panel && panel.childElementCount) closePanel();
    else if (!dismissTip() && running()) document.querySelector(".action .stop")?.click();
  }
});

/* The words beside a citation give way to Escape until the pointer or the focus comes back. */

function dismissTip() {
  const mark = document.querySelector(".mark:hover:not(.dismissed), .mark:not(.dismissed):has(:focus-visible)");
  if (!mark) return false;
  mark.classList.add("dismissed");
  const back = () => mark.classList.remove("dismissed");
  mark.addEventListener("mouseleave", back, { once: true });
  mark.addEventListener("focusout", back, { once: true });
  return true;
}

/* Following: the page stays at the end of the text only while the reader is there. */

let following = true;

function hidden() { // pixels of the running answer under the box
  const answer = running()?.querySelector(".answer");
  const box = document.querySelector(".dock");
  return answer && box ? answer.getBoundingClientRect().bottom + 16 - box.getBoundingClientRect().top : 0;
}

let followed = 0;

function follow() {
  followed = 0;
  const under = hidden();
  if (following && under > 0) window.scrollBy({ top: under, behavior: "instant" });
}

window.addEventListener("scroll", () => { following = hidden() < 80; }, { passive: true });

document.addEventListener("htmx:sseMessage", () => { // once a frame, however many words it brings
  followed ||= requestAnimationFrame(follow);
});

/* Asking. */

document.addEventListener("htmx:afterRequest", (event) => {
  const asked = event.detail.requestConfig?.path === "/ask";
  if (!asked || !event.detail.successful) return;
  document.getElementById("welcome")?.remove();
  document.getElementById("examples")?.remove();
  if (event.detail.elt.id === "ask") question().value = "";
  grow();
  if (canHover.matches) question().focus({ preventScroll: true }); // on a phone the keyboard would cover the answer
  const turns = document.getElementById("turns");
  turns.classList.add("asked");
  for (const turn of turns.children) if (event.detail.elt.id !== "ask") addCopyButtons(turn); // all of them are new
  turns.lastElementChild?.scrollIntoView({ block: "start", behavior: "instant" });
});

document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.matches('[hx-trigger^="every"]')) return; // what a page asks by itself, it asks again
  const notice = document.getElementById("notice");
  if (notice) notice.textContent = "Docent cannot be reached. Your question is kept here; try again in a moment.";
});

/* A lost connection comes back by itself; meanwhile the page says so. */

const GRACE = 30_000; // milliseconds that the server waits for a page to come back
let lostAt = 0;

document.addEventListener("htmx:sseError", (event) => {
  lostAt ||= Date.now();
  const status = event.target.querySelector?.(".status");
  if (!status) return;
  status.classList.add("lost");
  if (Date.now() - lostAt < GRACE) {
    status.textContent = "The connection was lost. Trying to come back…";
    return;
  }
  const again = document.createElement("a");
  again.href = location.pathname;
  again.className = "quiet-button";
  again.textContent = "Try again";
  status.replaceChildren("Docent cannot be reached. What was written is kept.", again);
});

document.addEventListener("htmx:sseOpen", () => {
  lostAt = 0;
  document.querySelector(".status.lost")?.classList.remove("lost");
});

document.addEventListener("click", (event) => {
  const copied = event.target.closest("[data-copy]");
  if (copied) copy(copied, document.getElementById(copied.dataset.copy).content.textContent);
});

document.addEventListener("htmx:afterSettle", () => addCopyButtons(lastTurn()));

document.addEventListener("toggle", (event) => {
  const field = event.target.matches(".rename[open]") && event.target.querySelector("input[name=title]");
  if (field) field.focus();
}, true);

/* Copying. */

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

function addCopyButtons(turn) {
  if (!turn || turn === running()) return;
  for (const block of turn.querySelectorAll(".answer pre:not(:has(button))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet-button copy-code";
    button.textContent = "Copy";
    button.addEventListener("click", () => copy(button, block.querySelector("code").textContent));
    block.append(button);
  }
}

/* Colours: the choice is a cookie, so the server renders it and nothing flashes. */

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".themes")) return;
  event.preventDefault();
  const theme = event.submitter.value;
  document.cookie = `docent_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  document.documentElement.dataset.theme = theme;
  for (const button of event.target.elements) button.setAttribute("aria-pressed", String(button.value === theme));
  event.target.hidePopover();
});

grow();
for (const turn of document.getElementById("turns")?.children ?? []) addCopyButtons(turn);
if (canHover.matches && document.getElementById("welcome")) question()?.focus({ preventScroll: true }); // a low screen shows the headline
