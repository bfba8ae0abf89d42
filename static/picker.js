/* What is asked: a combobox over collections and documents, by the ARIA authoring practices (list autocomplete). The
   server searches; without this script a form's list of collections stands there. */
"use strict";

{
  const picker = () => document.getElementById("picker");
  const field = () => document.getElementById("pick");
  const options = () => [...document.querySelectorAll("#choices [role=option]:not([aria-disabled])")];

  function mark(option) {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (option) field().setAttribute("aria-activedescendant", option.id);
    else field().removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function close(to) {
    picker().open = false;
    to?.focus({ preventScroll: true });
  }

  const steps = { ArrowDown: 1, ArrowUp: -1 };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || !event.target.closest("#picker")) return;
    if (event.key === "Escape" && picker().open) {
      event.stopPropagation(); // it would close the source, or stop the answer
      close(picker().querySelector("summary"));
    } else if (event.target !== field()) {
      return;
    } else if (event.key === "Enter") {
      event.preventDefault(); // it would send the question
      options().find((one) => one.getAttribute("aria-selected") === "true")?.click();
    } else if (event.key in steps) {
      event.preventDefault();
      const all = options();
      const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
      const next = at < 0 && steps[event.key] < 0 ? all.length - 1 : at + steps[event.key];
      mark(all[(next + all.length) % all.length]);
    }
  }, true);

  document.addEventListener("toggle", (event) => {
    if (event.target !== picker() || !event.target.open) return;
    field().value = "";
    field().focus({ preventScroll: true });
  }, true);

  document.addEventListener("click", (event) => {
    if (picker()?.open && !event.target.closest("#picker")) close();
    const link = event.target.closest("a[data-ask]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !document.getElementById("asking")) return;
    event.preventDefault(); // of the conversation that is open
    const address = `/ask/of?document=${link.dataset.ask}`;
    htmx.ajax("GET", address, { source: "#asking", target: "#asking", swap: "innerHTML" });
    document.querySelector("#panel [data-close-panel]")?.click();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const swapped = event.detail.target?.id; // what streams in names no target
    if (swapped === "choices") mark(options()[0]);
    if (swapped === "asking") close(document.getElementById("question"));
  });
}
