// Brings the page of a test up to date while it goes on. The page is complete without this, and the server makes all that it shows.

import { listen } from "./stream.js";

let page = document.getElementById("experiment");
/** How long two looks at the server lie apart, in milliseconds, and how long where it did not answer. */
const REST = 1000;
const REST_AFTER_FAILURE = 5000;

let last = 0;
let timer = 0;
let asked = 0;

/** Returns true while somebody types into the page: what they typed is not taken away. */
const isBusy = () => page.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");

/** Finds what has the focus in the page that comes, so that it stays there. */
function sameIn(other) {
  const focused = document.activeElement;
  if (!page.contains(focused)) return null;
  const alike = [...other.querySelectorAll(focused.tagName)];
  return alike.find((element) => element.outerHTML === focused.outerHTML) ?? alike.find((element) => element.href && element.href === focused.href);
}

async function update() {
  timer = 0;
  if (isBusy()) {
    later();
    return;
  }
  last = Date.now();
  const mine = ++asked;
  const answer = await fetch(location.href).catch(() => null);
  // The event that said so does not come again: a server that is away for a moment is asked again.
  if (!answer || answer.status >= 500) {
    later(REST_AFTER_FAILURE);
    return;
  }
  if (!answer.ok) return;
  if (isBusy()) {
    later();
    return;
  }
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("experiment");
  // Somebody who has signed out gets another page. What was asked for later may have come before.
  if (!next || mine !== asked) return;
  const focused = sameIn(next);
  page.replaceWith(next);
  page = next;
  focused?.focus({ preventScroll: true });
}

function later(rest = REST) {
  if (timer === 0) timer = setTimeout(update, Math.max(rest - (Date.now() - last), 50));
}

if (page?.dataset.watch) {
  listen({
    address: () => {
      const { project, watch, seen } = page.dataset;
      return new URL(`../events?${new URLSearchParams({ project, experiment: watch, seen })}`, import.meta.url);
    },
    // The page of a test that has ended does not say that it is watched.
    goesOn: () => Boolean(page.dataset.watch),
    changed: () => later(),
  });
}
