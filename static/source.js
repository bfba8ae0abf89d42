/* The source panel: what opens it is shown as open, the quoted words are brought into sight, arrow keys lead on. */
"use strict";

let opener = null;
const panel = () => document.getElementById("panel");

document.addEventListener("click", (event) => {
  const link = event.target.closest(".answer a.cite, a.card, .quotes a, .closest a, .path a, a[data-brief]");
  if (link) opener = link;
  if (link?.matches('[data-state="running"] a.cite[href^="/documents/"]') && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault(); // a target for links would be the stream's target too
    htmx.ajax("GET", link.getAttribute("href"), { target: "#panel", swap: "innerHTML" });
  }
  if (event.target.closest("[data-close-panel]")) closePanel();
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  if (!event.target.closest("#panel, .source-page") || event.target.closest(".table, pre")) return; // those scroll
  const link = document.querySelector(`.source-bar [rel="${event.key === "ArrowLeft" ? "prev" : "next"}"]`);
  if (link) event.preventDefault();
  link?.click();
});

function closePanel() {
  panel().replaceChildren();
  showOpen();
  if (opener) {
    const there = opener.isConnected ? opener : opener.id && document.getElementById(opener.id);
    (there && there.checkVisibility() ? there : question())?.focus(); // the words shown meanwhile are gone by then
  }
  opener = null;
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id === "panel") showQuote(event.detail.target);
  else if (!panel()?.childElementCount || running()) return; // a long conversation is not gone through at every word
  showOpen();
});

function showQuote(shown) {
  shown.querySelector("h2")?.focus({ preventScroll: true });
  const words = shown.querySelector("#quote");
  if (words) words.scrollIntoView({ block: "start", inline: "nearest", behavior: "instant" });
  else shown.scrollTop = 0;
}

/* Which links lead to what is open: to the words, and of a citation the card of its source too. */

function showOpen() {
  const open = panel().querySelector("[data-open]")?.dataset.open;
  const links = open ? [...document.querySelectorAll(`main a[href="${CSS.escape(open)}"]`)] : [];
  for (const mark of links.filter((link) => link.matches(".cite"))) {
    const turn = mark.closest(".turn").id.slice("turn-".length);
    const card = document.getElementById(`card-${turn}-${mark.textContent}`);
    if (card) links.push(card);
  }
  for (const link of document.querySelectorAll('main a[aria-current="true"]')) {
    if (!links.includes(link)) link.removeAttribute("aria-current");
  }
  for (const link of links) link.setAttribute("aria-current", "true");
}

/* A picture that does not come: the words say so, and lead to the text. */

document.addEventListener("error", (event) => {
  const sheet = event.target.closest?.(".sheet");
  if (!sheet) return;
  sheet.hidden = true;
  sheet.nextElementSibling.hidden = false;
}, true);

document.querySelector(".source-page #quote")?.scrollIntoView({ block: "start", inline: "nearest", behavior: "instant" });
