// Keeps what somebody types at every pause, and shows what it changes. The form works without this.

const form = document.getElementById("edit");
const PAUSE = 700;
const HERE = 20000;

let timer = 0;
let busy = null;
/** True for words that the server does not have yet. */
let unkept = false;
/** True where words of another window are kept, which only a button of the form replaces. */
let isElsewhere = false;

function say(text) {
  const line = document.getElementById("keeping");
  line.textContent = text;
  line.hidden = text === "";
}

/** Puts the parts of an answer in the place of those with the same ids. */
function show(html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  for (const part of answer.querySelectorAll("[data-live]")) {
    document.getElementById(part.id)?.replaceWith(part);
  }
  const status = document.getElementById("live-status");
  // A button that replaces what another window kept has the same name.
  if (!status) return;
  form.querySelector("input[name=draft]").value = status.dataset.tag;
  // What the browser brings back is what is kept under this tag, and what was typed since.
  const shown = document.getElementById("shown");
  shown.name = `${shown.dataset.text}-${status.dataset.tag}`;
}

/** Somebody who signed in again has another token. */
async function renew() {
  const answer = await fetch(form.getAttribute("action"));
  if (!answer.ok) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("edit");
  if (!fresh || fresh.dataset.user !== form.dataset.user) return false;
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = fresh.elements.csrf.value;
  return true;
}

/** The most bytes that a browser still sends for a page that is closed. */
const MOST_OF_CLOSED = 60000;

const send = (body) => fetch(form.dataset.draft, { method: "PUT", body, keepalive: body.toString().length < MOST_OF_CLOSED });

/** Returns what stands in the form. */
function fields() {
  const found = new URLSearchParams(new FormData(form));
  found.delete(document.getElementById("shown").name);
  return found;
}

/** Keeps the words, and returns whether the server has an answer to a button of the form. */
async function keep({ isPressed = false } = {}) {
  const body = fields();
  const complain = (text) => say(isPressed ? `Not saved. ${text}` : text);
  try {
    let answer = await send(body);
    if ((answer.status === 401 || answer.status === 403) && (await renew())) {
      body.set("csrf", form.elements.csrf.value);
      answer = await send(body);
    }
    if (answer.ok || answer.status === 409) {
      show(await answer.text());
      isElsewhere = answer.status === 409;
      unkept = isElsewhere;
      say("");
      body.set("draft", form.querySelector("input[name=draft]").value);
      // What was typed while the answer came is kept at the next pause.
      if (fields().toString() !== body.toString()) later();
    } else if (answer.status === 401) {
      complain("Your session has ended, and what you type is only in this window. Sign in in another window; this one goes on by itself.");
      later(5000);
      return false;
    } else {
      complain(`What you type is only in this window: the server answered ${answer.status}.`);
      if (answer.status >= 500 || answer.status === 429) later(5000);
      return answer.status < 500;
    }
    return true;
  } catch {
    complain("What you type is only in this window: the server does not answer. Trying again.");
    later(5000);
    return false;
  }
}

function later(pause = PAUSE) {
  unkept = true;
  clearTimeout(timer);
  if (isElsewhere) return;
  timer = setTimeout(now, pause);
}

async function now(how) {
  clearTimeout(timer);
  while (busy) await busy;
  busy = keep(how).finally(() => (busy = null));
  return busy;
}

/** True while a button waits for the words to be kept, and true for the press that comes of it. */
let isPressed = false;
let isGoing = false;

/** Presses a button once the words are kept: a page that does not come, or a sign-in in its place, would take them away. */
async function press(button) {
  isPressed = true;
  const hasAnswer = await now({ isPressed: true }).finally(() => (isPressed = false));
  // The answer brings the button that replaces other words anew: another one where they are other words by now.
  const isSame = (other) => other.type === "submit" && other.name === button.name && other.value === button.value;
  const pressed = button?.isConnected === false ? [...form.elements].find(isSame) : button;
  if (!hasAnswer || pressed === undefined) return;
  isGoing = true;
  form.requestSubmit(pressed);
  isGoing = false;
}

/** Tells that the page is here, and shows who else is. */
async function beHere() {
  if (document.visibilityState === "hidden") return;
  try {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value });
    const answer = await fetch(form.dataset.presence, { method: "PUT", body });
    if (answer.ok) show(await answer.text());
  } catch {
    // The next one tells it.
  }
}

/** True for a field that says something else than the page did: typed before this ran, or brought back by the browser. */
const isTyped = ({ type, value, defaultValue }) =>
  (type === "text" || type === "textarea") && value !== defaultValue.replace(/\r\n?/g, "\n");

if (form) {
  // Where this page answered a form, loading it again would send that form again: with an old text, and perhaps with the token of a
  // session that has ended. Loaded by its address it has what is kept.
  history.replaceState(history.state, "", location.href);
  beHere();
  if ([...form.elements].some(isTyped)) later();
  setInterval(beHere, HERE);
  form.addEventListener("input", () => later());
  form.addEventListener("submit", (event) => {
    if (isGoing) {
      clearTimeout(timer);
      unkept = false;
      return;
    }
    event.preventDefault();
    if (!isPressed) press(event.submitter);
  });
  document.addEventListener("visibilitychange", () => {
    // Who comes back may have signed in in another window.
    if (unkept && !isElsewhere) now();
  });
  addEventListener("beforeunload", (event) => {
    if (unkept) event.preventDefault();
  });
}
