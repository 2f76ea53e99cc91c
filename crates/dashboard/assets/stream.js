// Hears of what changes at the server, for as long as a page is open and whatever stands in between.

/** How long it rests before a stream that was refused is asked for again, in milliseconds, and how long at most. */
const REST = 2000;
const LONGEST_REST = 60000;

/** Calls `changed` with each event. `address` and `goesOn` are asked again whenever a stream begins, because a page may show more by then. */
export function listen({ address, goesOn = () => true, changed }) {
  let events = null;
  let timer = 0;
  let rest = REST;

  const open = () => {
    if (!goesOn()) return;
    events = new EventSource(address());
    events.addEventListener("open", () => (rest = REST));
    events.addEventListener("change", changed);
    events.addEventListener("error", () => {
      // A browser connects again by itself where the connection broke, and never again where an answer was refused: a proxy
      // whose server starts again does that for a moment.
      if (events.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, rest);
      rest = Math.min(rest * 2, LONGEST_REST);
    });
  };
  open();
  addEventListener("pagehide", () => {
    clearTimeout(timer);
    events?.close();
  });
}
