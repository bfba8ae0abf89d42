/* The documents page: files are sent one by one, each with its progress; they may be dropped anywhere.
   Without this the form sends them all at once. */
"use strict";

const form = document.getElementById("upload");
const picker = document.getElementById("upload-files");
const list = document.getElementById("sending");
const said = document.getElementById("upload-said");
const CANCELLED = "Not sent: you cancelled it.";
const waiting = [];
let sending = false;
let sent = 0;

function line(file) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const bar = document.createElement("progress");
  const state = document.createElement("span");
  name.textContent = file.name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sending ${file.name}`);
  state.className = "quiet";
  state.textContent = "Waits to be sent";
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "quiet-button";
  cancel.textContent = "Cancel";
  cancel.setAttribute("aria-label", `Do not send ${file.name}`);
  item.append(name, bar, state, cancel);
  list.append(item);
  return { item, bar, state, cancel };
}

const endings = new Set(form.dataset.endings.split(" "));
const successors = new Map(form.dataset.successors.split(" ").map((pair) => pair.split("=")));

function unreadable(file) { // why sending it would be in vain; what only its contents tell is told when it is read
  if (file.size > Number(form.dataset.limit) * 1_000_000) return `it is larger than the ${form.dataset.limit} MB that are read.`;
  const dot = file.name.lastIndexOf(".");
  const ending = dot > 0 ? file.name.slice(dot).toLowerCase() : "";
  if (!endings.has(ending)) {
    const instead = successors.get(ending);
    const kind = ending && ending.length <= 20 ? `files of type ${ending}` : "files without an ending such as .pdf or .md";
    return `${kind} are not read.${instead ? ` Save it as ${instead}.` : ""}`;
  }
  return file.size ? "" : "it is empty.";
}

function add(files) {
  const collection = form.elements.collection.value.trim();
  if (!sending && !waiting.length) {
    list.replaceChildren();
    said.textContent = "";
    sent = 0;
  }
  for (const file of files) {
    const shown = line(file);
    const why = unreadable(file);
    if (why) {
      end(shown, `Not sent: ${why}`);
    } else {
      const one = { file, collection, shown };
      shown.cancel.addEventListener("click", () => drop(one));
      waiting.push(one);
    }
  }
  next();
}

function drop(one) {
  const at = waiting.indexOf(one);
  if (at >= 0) {
    waiting.splice(at, 1);
    end(one.shown, CANCELLED);
  } else {
    one.request?.abort();
  }
  picker.focus();
}

function end(shown, words) {
  shown.bar.remove();
  shown.cancel.remove();
  shown.state.className = words ? "failure" : "quiet";
  shown.state.textContent = words || "Sent";
}

function next() {
  if (sending) return;
  const one = waiting.shift();
  if (!one) {
    if (sent) said.textContent = `${sent} ${sent === 1 ? "file was" : "files were"} sent. Each has its row below.`;
    return;
  }
  sending = true;
  const request = new XMLHttpRequest();
  one.request = request;
  let aborted = false;
  request.addEventListener("abort", () => { aborted = true; });
  const body = new FormData();
  body.append("collection", one.collection);
  body.append("files", one.file, one.file.name);
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", (event) => {
    one.shown.state.textContent = "Sending";
    if (event.lengthComputable) one.shown.bar.value = event.loaded / event.total;
  });
  request.addEventListener("loadend", () => {
    sending = false;
    const answer = new DOMParser().parseFromString(request.responseText, "text/html").body;
    if (request.status === 200) {
      sent += 1;
      end(one.shown, "");
      document.getElementById("progress").replaceChildren(...answer.childNodes);
      htmx.trigger("#files", "sent"); // its row is there from now on
    } else if (request.status) {
      end(one.shown, answer.querySelector("main p, p")?.textContent || "Not sent.");
    } else if (aborted) {
      end(one.shown, CANCELLED);
    } else {
      end(one.shown, "Not sent: Docent cannot be reached, or the file was changed or is a folder.");
    }
    next();
  });
  request.send(body);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  add(picker.files);
  picker.value = "";
});

/* A button that is gone when its work is done leaves the keyboard at the list, and not at the top of the page. */
document.addEventListener("htmx:afterSettle", (event) => {
  const asked = event.detail.requestConfig?.verb === "post" && event.detail.target?.id === "files";
  if (asked && document.activeElement === document.body) event.detail.target.focus({ preventScroll: true });
});

addEventListener("beforeunload", (event) => { // what is not sent yet would be lost
  if (sending || waiting.length) event.preventDefault();
});

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
let depth = 0;

document.addEventListener("dragenter", (event) => {
  if (!holdsFiles(event)) return;
  depth += 1;
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (holdsFiles(event) && (depth -= 1) <= 0) document.body.classList.remove("dropping");
});
document.addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files.length) add(event.dataTransfer.files);
});

/* Choosing several rows. The list is made anew while files are read: what was chosen stays chosen. */

const library = document.getElementById("library");
const boxes = () => [...library.querySelectorAll("input[name=file]")];
const chosen = new Set();
let last = null; // the box that was changed last, from which Shift reaches to the next one

function count() {
  const all = document.getElementById("choose-list")?.checked;
  const label = document.getElementById("chosen");
  const page = document.getElementById("choose-page");
  if (page) {
    page.checked = boxes().length > 0 && boxes().every((box) => box.checked);
    page.indeterminate = !page.checked && chosen.size > 0;
  }
  if (label) label.textContent = all ? "The whole list" : `${chosen.size} ${chosen.size === 1 ? "file" : "files"} chosen`;
}

function mark(box, checked) {
  box.checked = checked;
  if (checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

library.addEventListener("click", (event) => {
  if (event.target.id === "choose-none") {
    choose([]);
    document.getElementById("files").focus({ preventScroll: true });
  } else if (event.target.name === "file") {
    const all = boxes();
    const [from, to] = [all.findIndex((box) => box.value === last), all.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) all.slice(from, to + 1).forEach((box) => mark(box, event.target.checked));
    last = event.target.value;
  }
});

library.addEventListener("change", (event) => {
  if (event.target.id === "choose-page") boxes().forEach((box) => mark(box, event.target.checked));
  else if (event.target.name === "file") mark(event.target, event.target.checked);
  count();
});

library.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest("#files, #several") && chosen.size) choose([]);
});

function choose(values, wholeList = false) {
  chosen.clear();
  const all = document.getElementById("choose-list");
  if (all) all.checked = wholeList;
  boxes().forEach((box) => mark(box, values.includes(box.value)));
  count();
}

let kept = [[], false];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "files") return;
  const done = event.detail.requestConfig?.path.startsWith("/documents/several") && event.detail.xhr.status < 400;
  kept = done ? [[], false] : [[...chosen], Boolean(document.getElementById("choose-list")?.checked)];
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "files") choose(...kept);
});
choose(boxes().filter((box) => box.checked).map((box) => box.value)); // a browser that came back has kept them
