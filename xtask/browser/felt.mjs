// How fast pages feel in a browser: `node felt.mjs BASE COOKIE LOADS PATH…` prints a line of JSON for each path, with the times of its
// largest contentful paint in milliseconds, one for each load with nothing cached, and the longest time from a key to the next picture.
//
// Both are measured by the browser itself (the APIs "largest-contentful-paint" and "event"), as INP and LCP are defined. The browser tells
// times of events in steps of 8 ms, and none below 16 ms.

import { launch } from "./browser.mjs";

const [base, cookie, loads, ...paths] = process.argv.slice(2);
const [name, ...value] = cookie.split("=");

// What somebody does on a page with the keyboard: down and up a list, the sheet of keys, the palette with a word, the search.
const WALK = [..."jjjjjkkk"];
const KEYS = ["?", "Escape", "Control+k", ..."shop", "Escape", "/", ..."order", "Escape"];

const browser = await launch();
for (const path of paths) {
  const paints = [];
  let longest = 0;
  let events = 0;
  for (let load = 0; load < Number(loads); load += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    await context.addCookies([{ name, value: value.join("="), url: base }]);
    await context.addInitScript(() => {
      window.felt = { paint: 0, longest: 0, events: 0 };
      const watch = (type, see, options) => new PerformanceObserver((list) => list.getEntries().forEach(see)).observe({ type, buffered: true, ...options });
      watch("largest-contentful-paint", (entry) => (window.felt.paint = entry.startTime));
      const seen = (entry) => {
        if (!entry.interactionId) return;
        window.felt.events += 1;
        window.felt.longest = Math.max(window.felt.longest, entry.duration);
      };
      watch("event", seen, { durationThreshold: 16 });
    });
    const page = await context.newPage();
    const answer = await page.goto(base + path, { waitUntil: "load" });
    if (!answer.ok()) throw new Error(`${path} was answered with ${answer.status()}`);
    const painted = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    // The browser tells of a picture after it is there, and there may be a larger one after it.
    await page.waitForFunction(() => window.felt.paint > 0);
    await painted();
    await painted();
    // The first key ends the measurement of the paint.
    paints.push(await page.evaluate(() => window.felt.paint));
    // On one item these keys open the next one, which is another page and no picture of this one.
    const isItem = (await page.locator('main a[rel="next"], main a[rel="prev"]').count()) > 0;
    for (const key of isItem ? KEYS : [...WALK, ...KEYS]) {
      await page.keyboard.press(key);
      await painted();
    }
    await painted();
    const felt = await page.evaluate(() => window.felt);
    longest = Math.max(longest, felt.longest);
    events += felt.events;
    await context.close();
  }
  console.log(JSON.stringify({ path, paints, longest, events }));
}
await browser.close();
