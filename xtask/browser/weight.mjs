// What the first page of a dashboard transfers: `node weight.mjs ADDRESS COOKIE LOADS` opens it with nothing cached and prints a line of JSON
// for each load, with the bytes as the browser receives them, headers and all, how many requests that were, and the hosts that it asked
// besides its own. A cookie is `NAME=VALUE`, or empty.

import { launch } from "./browser.mjs";

// A page is complete when it shows something and nothing is on its way for so long, in milliseconds; one that is never complete is taken as it
// is after the limit. Between its files and its first picture a page may work for seconds.
const QUIET = 1_000;
const LIMIT = 30_000;

const [address, cookie, loads] = process.argv.slice(2);
const { host } = new URL(address);

const browser = await launch();
for (let load = 0; load < Number(loads); load += 1) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  if (cookie) {
    const [name, ...value] = cookie.split("=");
    await context.addCookies([{ name, value: value.join("="), url: address }]);
  }
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  let requests = 0;
  let last = Date.now();
  const open = new Set();
  const hosts = new Set();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    const url = new URL(request.url);
    if (!url.protocol.startsWith("http")) return;
    if (url.host !== host) hosts.add(url.host);
    requests += 1;
    open.add(requestId);
    last = Date.now();
  });
  const ended = ({ requestId, encodedDataLength }) => {
    if (!open.delete(requestId)) return;
    bytes += encodedDataLength ?? 0;
    last = Date.now();
  };
  session.on("Network.loadingFinished", ended);
  session.on("Network.loadingFailed", ended);
  const answer = await page.goto(address, { waitUntil: "load", timeout: LIMIT });
  if (!answer.ok()) throw new Error(`${address} was answered with ${answer.status()}`);
  const started = Date.now();
  const showsText = async () => (await page.locator("body").innerText()).trim() !== "";
  while ((open.size > 0 || Date.now() - last < QUIET || !(await showsText())) && Date.now() - started < LIMIT) {
    await page.waitForTimeout(50);
  }
  const title = await page.title();
  if (!(await showsText())) throw new Error(`${address} shows nothing`);
  console.log(JSON.stringify({ bytes, requests, hosts: [...hosts], title }));
  await context.close();
}
await browser.close();
