// What makes every page quicker: times in the reader's zone, keys, and the palette. A page is complete without this.

import { KEYS, isMac, isTyping, letters, onKey } from "./keys.js";

// The pages are where the folder with this file is, whatever a proxy puts before it.
const ROOT = new URL("..", import.meta.url);

// Times

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

function localTime(element) {
  const time = new Date(element.dateTime);
  if (Number.isNaN(time.getTime()) || element.title) return;
  element.textContent = day.format(time);
  element.title = `${exact.format(time)} · ${element.dateTime}`;
}

function localTimes(root) {
  if (root.matches?.("time[datetime]")) localTime(root);
  root.querySelectorAll?.("time[datetime]").forEach(localTime);
}

localTimes(document);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) addedNodes.forEach(localTimes);
}).observe(document.body, { childList: true, subtree: true });

// Elements

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Shows a window over the page, which is gone when it is closed.
function showWindow(dialog) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.showModal();
}

// The sheet

function keyNames(keys) {
  const names = keys.split("+").map((name) => (name === "Mod" ? (isMac ? "⌘" : "Ctrl") : name));
  return names.flatMap((name, index) => (index > 0 ? [" ", make("kbd", {}, name)] : [make("kbd", {}, name)]));
}

function showSheet() {
  const rows = KEYS.map(({ keys, does }) => make("tr", {}, make("th", { scope: "row" }, ...keyNames(keys)), make("td", {}, does)));
  const choice = make("input", { type: "checkbox" });
  choice.checked = letters.areOn;
  choice.addEventListener("change", () => (letters.areOn = choice.checked));
  const close = make("button", { type: "button" }, "Close");
  const dialog = make(
    "dialog",
    { class: "window", "aria-labelledby": "sheet-title" },
    make("h2", { id: "sheet-title" }, "Keyboard"),
    make("table", { class: "key-table" }, make("tbody", {}, ...rows)),
    make("label", { class: "check" }, choice, " Keys of a single letter work"),
    make("p", {}, close),
  );
  close.addEventListener("click", () => dialog.close());
  showWindow(dialog);
  close.focus();
}

// The palette

function showPalette() {
  const list = make("ul", { id: "palette-list", class: "palette-list", role: "listbox", "aria-label": "Results" });
  const status = make("p", { class: "visually-hidden", role: "status" });
  const field = make("input", {
    type: "text",
    role: "combobox",
    "aria-label": "Go to",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "200",
    placeholder: "Agents, projects, experiments, actions",
  });
  const dialog = make("dialog", { class: "window palette", "aria-label": "Go to" }, field, list, status);
  let asking = null;
  let answered = null;
  let chosen = -1;

  const choose = (index) => {
    const options = [...list.children];
    chosen = options.length === 0 ? -1 : (index + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) {
      field.removeAttribute("aria-activedescendant");
    } else {
      field.setAttribute("aria-activedescendant", options[chosen].id);
      options[chosen].scrollIntoView({ block: "nearest" });
    }
  };
  const open = (option) => {
    dialog.close();
    location.href = option.dataset.href;
  };
  // What is opened is what was found for the text that stands there.
  const enter = async () => {
    const text = field.value;
    await answered;
    if (field.value === text && chosen >= 0) open(list.children[chosen]);
  };
  const fail = (text) => {
    list.replaceChildren();
    choose(0);
    status.textContent = text;
    status.classList.remove("visually-hidden");
  };
  const ask = async (wait) => {
    asking?.abort();
    const mine = (asking = new AbortController());
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (mine.signal.aborted) return;
    const url = new URL("search", ROOT);
    url.searchParams.set("q", field.value);
    try {
      const answer = await fetch(url, { headers: { accept: "application/json" }, signal: mine.signal });
      if (!answer.ok) {
        fail(answer.status === 401 ? "Your session has ended: sign in again." : `The search failed: the server answered ${answer.status}.`);
        return;
      }
      const { results } = await answer.json();
      const options = results.map(({ kind, title, about, path }, index) => {
        const name = make("span", { class: "palette-name" }, title, ...(about ? [" ", make("span", { class: "muted small" }, about)] : []));
        const option = make("li", { id: `palette-${index}`, role: "option" }, name, make("span", { class: "muted small" }, kind));
        option.dataset.href = new URL(path.replace(/^\//, ""), ROOT).href;
        option.addEventListener("click", () => open(option));
        return option;
      });
      list.replaceChildren(...options);
      status.textContent = options.length === 0 ? "Nothing has that in its name." : `${options.length} results`;
      status.classList.toggle("visually-hidden", options.length > 0);
      choose(0);
    } catch (error) {
      if (error.name === "AbortError") return;
      fail("The server does not answer.");
    }
  };
  // Whoever still types is not answered at each letter.
  field.addEventListener("input", () => (answered = ask(100)));
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) choose(chosen + steps[event.key]);
    else if (event.key === "Enter") enter();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("close", () => asking?.abort());
  showWindow(dialog);
  field.focus();
  answered = ask(0);
}

// Rows and items

// Returns the links that the rows of the lists on this page are opened by.
function rowLinks() {
  const rows = [...document.querySelectorAll("main .list tbody tr, main [data-row]")];
  const links = rows.map((row) => row.querySelector("th > a[href], td a[href], h2 > a[href]"));
  return links.filter((link) => link && link.getClientRects().length > 0);
}

function step(by) {
  const item = document.querySelector(by > 0 ? 'main a[rel="next"]' : 'main a[rel="prev"]');
  if (document.querySelector('main a[rel="next"], main a[rel="prev"]')) {
    item?.click();
    return;
  }
  const links = rowLinks();
  if (links.length === 0) return;
  const row = document.activeElement?.closest(".list tbody tr, [data-row]");
  const at = links.findIndex((link) => row?.contains(link));
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
  links[next].focus({ preventScroll: true });
  // What is longer than the window begins at its top.
  const article = links[next].closest("article");
  (article ?? links[next]).scrollIntoView({ block: article ? "start" : "nearest" });
}

const isSignedIn = document.querySelector(".who") !== null;
const opened = () => document.querySelector("dialog[open]");

onKey("sheet", showSheet);
onKey("palette", () => {
  if (!isSignedIn || opened()) return false;
  showPalette();
});
onKey("search", () => {
  const field = document.querySelector('main form[role="search"] input:not([type="hidden"])');
  if (field) {
    field.focus();
    field.select();
  } else if (isSignedIn) {
    showPalette();
  }
});
onKey("next", () => step(1));
onKey("previous", () => step(-1));
// A row is focused by its link, which opens it.
onKey("open", () => false);
const verdicts = [...document.querySelectorAll("button[data-verdict]")].slice(0, 9);
verdicts.forEach((button, at) => {
  button.title = `Key ${at + 1}`;
  button.setAttribute("aria-keyshortcuts", String(at + 1));
});
onKey("verdict", ({ key }) => {
  const button = verdicts[Number(key) - 1];
  if (!button || opened()) return false;
  button.click();
});
onKey("add", () => {
  const button = document.querySelector("button[data-add-input]");
  if (!button || opened()) return false;
  button.click();
});
onKey("changes", () => {
  const row = document.activeElement?.closest("main tr");
  const link = row?.querySelector("a[data-changes]") ?? document.querySelector("main a[data-changes]");
  if (!link || opened()) return false;
  link.click();
});
onKey("save", () => {
  const form = document.activeElement?.closest("form");
  if (form?.getAttribute("method") !== "post" || opened()) return false;
  // The first button is the one that does least; a form where that saves nothing says which one does.
  form.requestSubmit(form.querySelector("button[data-save]") ?? form.querySelector('button[type="submit"]'));
});
onKey("leave", () => {
  if (opened() || !isTyping(document.activeElement)) return false;
  document.activeElement.blur();
});

// Words that are not saved: leaving asks. A form whose words the server keeps (`data-draft`) asks by itself.

const unsaved = new Set();
addEventListener("input", ({ target }) => {
  const { form } = target;
  const isWords = target.matches('textarea, input[type="text"]') && form?.getAttribute("method") === "post";
  if (isWords && isSignedIn && !form.hasAttribute("data-draft")) unsaved.add(form);
});
addEventListener("submit", ({ target }) => unsaved.delete(target));
addEventListener("beforeunload", (event) => {
  if ([...unsaved].some((form) => form.isConnected)) event.preventDefault();
});

// A link that opens the palette, and one that shows the keys.

document.querySelector("[data-palette]")?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  showPalette();
});

const foot = document.querySelector(".foot");
if (foot) {
  const button = make("button", { type: "button", class: "link" }, "Keyboard ");
  button.append(make("kbd", {}, "?"));
  button.addEventListener("click", showSheet);
  foot.append(" · ", button);
}
