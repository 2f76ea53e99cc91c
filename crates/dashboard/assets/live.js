// Tells a page that the agent it shows has changed meanwhile. The page is complete without this.

const banner = document.getElementById("changed");
const agent = banner?.dataset.agent;
const shown = Number(banner?.dataset.revision);

if (banner && agent && shown > 0) {
  const events = new EventSource(new URL(`../events?agent=${encodeURIComponent(agent)}`, import.meta.url));
  events.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    if (change.revision > shown) {
      banner.querySelector("[data-author]").textContent = change.changed?.author ?? "Someone";
      banner.hidden = false;
    }
  });
  addEventListener("pagehide", () => events.close());
}
