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

function add(files) {
  const collection = form.elements.collection.value.trim();
  if (!sending && !waiting.length) {
    list.replaceChildren();
    said.textContent = "";
    sent = 0;
  }
  for (const file of files) {
    const shown = line(file);
    if (file.size > Number(form.dataset.limit) * 1048576) {
      end(shown, `Not sent: it is larger than the ${form.dataset.limit} MB that are read.`);
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
    if (sent) said.textContent = `${sent} ${sent === 1 ? "file was" : "files were"} sent. What became of each is listed below.`;
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
