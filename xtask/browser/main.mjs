// Runs the stories: `node main.mjs [part of a name]`. `cargo xtask browser` builds, installs and starts this.

import { writeFile } from "node:fs/promises";
import { launch } from "./browser.mjs";
import { stories } from "./stories.mjs";

// How many stories run at the same time. Each waits for its own server and its own Chromium in turn.
const AT_ONCE = 2;

const only = process.argv[2] ?? "";
const chosen = stories.filter((story) => story.name.includes(only));
if (chosen.length === 0) {
  console.error(`error: no story has that in its name; there are: ${stories.map((story) => story.name).join(", ")}`);
  process.exit(1);
}

const waiting = [...chosen];
const failures = [];
let checks = 0;

// Runs stories, one after the other, in a browser of its own, until none waits.
async function run() {
  const browser = await launch();
  for (let story = waiting.shift(); story; story = waiting.shift()) {
    const started = performance.now();
    const took = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
    try {
      const count = await story.run(browser);
      checks += count;
      console.log(`    ok      ${story.name} (${count} checks, ${took()})`);
    } catch (error) {
      console.log(`    FAILED  ${story.name} (${took()})`);
      failures.push(`${story.name}: ${error.stack ?? error}\n\nrun it alone with: cargo xtask browser --only "${story.name}"`);
    }
    // What a story left open must not disturb the next one.
    for (const context of browser.contexts()) await context.close();
  }
  await browser.close();
}

await Promise.all(Array.from({ length: Math.min(AT_ONCE, chosen.length) }, run));
if (failures.length > 0) {
  console.log(`\n${failures.length} of ${chosen.length} stories failed\n\n${failures.join("\n\n")}`);
  process.exit(1);
}
await writeFile(process.env.KEEPSTEP_COUNT, String(checks));
