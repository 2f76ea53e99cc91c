// The keys of the pages: one table, from which the sheet is drawn, and one listener, which asks it. `Mod` is Ctrl, and ⌘ on a Mac.

export const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

export const KEYS = [
  { id: "sheet", keys: "?", does: "Show the keys" },
  { id: "palette", keys: "Mod+K", does: "Go to an agent, a project, a scenario, an experiment or an action" },
  { id: "search", keys: "/", does: "Search on the page; where it has no search, everywhere" },
  { id: "next", keys: "j", does: "The next row of a list; inside of an item that stands in a row of others, the next one" },
  { id: "previous", keys: "k", does: "The previous row, or the previous item" },
  { id: "open", keys: "Enter", does: "Open the row" },
  { id: "verdict", keys: "1–9", does: "On a case, say what you think: 1 the answer is right, 2 it is wrong, then right and wrong for each criterion" },
  { id: "add", keys: "i", does: "On a case, add what was asked to the inputs" },
  { id: "changes", keys: "d", does: "On the front page, show what differs: of the row that has the focus, or of all that waits" },
  { id: "save", keys: "Mod+Enter", does: "Save the form that you are in" },
  { id: "leave", keys: "Escape", does: "Close a window, leave a field" },
];

const handlers = new Map();

// Has a function called when a key of the table is pressed. One that returns false leaves the key to the browser.
export function onKey(id, handler) {
  if (!KEYS.some((key) => key.id === id)) throw new Error(`no key is called ${id}`);
  if (handlers.size === 0) document.addEventListener("keydown", pressed);
  handlers.set(id, handler);
}

// Returns true where somebody types, so that a letter is a letter.
export function isTyping(element) {
  return element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
}

// Keys of a single letter can be turned off: they get in the way of whoever speaks to the computer.
export const letters = {
  get areOn() {
    return localStorage.getItem("keepstep-letters") !== "off";
  },
  set areOn(on) {
    localStorage.setItem("keepstep-letters", on ? "on" : "off");
  },
};

// Returns true if a key of the table is the one that was pressed.
function isKey(keys, pressed) {
  return keys === "1–9" ? /^[1-9]$/.test(pressed) : keys.toLowerCase() === pressed;
}

function pressed(event) {
  const [hasMod, hasOther] = isMac ? [event.metaKey, event.ctrlKey] : [event.ctrlKey, event.metaKey];
  if (event.isComposing || event.defaultPrevented || event.altKey || hasOther) return;
  // Shift is part of a character such as the question mark, and of no key of the table.
  if (event.shiftKey && (hasMod || event.key.length > 1 || /[a-z]/i.test(event.key))) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = KEYS.find(({ keys }) => isKey(keys, `${hasMod ? "mod+" : ""}${name.toLowerCase()}`));
  const handler = found && handlers.get(found.id);
  if (!handler) return;
  const isLetter = !hasMod && name.length === 1;
  if (isLetter && (isTyping(event.target) || document.querySelector("dialog[open]") || !letters.areOn)) return;
  if (handler(event) !== false) event.preventDefault();
}
