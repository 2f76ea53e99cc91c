// Tells a page that the agent it shows has changed meanwhile. The page is complete without this.

import { listen } from "./stream.js";

const banner = document.getElementById("changed");
const agent = banner?.dataset.agent;
const shown = Number(banner?.dataset.revision);

if (banner && agent && shown > 0) {
  const wanted = new URLSearchParams({ agent, seen: shown });
  listen({
    address: () => new URL(`../events?${wanted}`, import.meta.url),
    changed: (event) => {
      const change = JSON.parse(event.data);
      if (change.revision > shown) {
        banner.querySelector("[data-author]").textContent = change.changed?.author ?? "Someone";
        banner.hidden = false;
      }
    },
  });
}
