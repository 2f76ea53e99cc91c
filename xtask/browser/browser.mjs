// Chromium, and what happens in it: whatever a page does that it should not is remembered with the page that did it.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.KEEPSTEP_PACKAGES, "index.js"));
const { chromium } = require("playwright-core");

// How long one step of a story may take, in milliseconds. Machines of CI are slow, and share their cores.
const LIMIT = 60_000;

export async function launch() {
  return chromium.launch({
    executablePath: process.env.KEEPSTEP_CHROMIUM,
    // Root has no sandbox; what is shown here is our own.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
}

// A browser of one person: its own cookies, its own memory.
export class Person {
  // What went wrong, each with the page on which it did.
  problems = [];

  static async at(browser, base, { script = true, ...options } = {}) {
    const person = new Person();
    person.base = base;
    person.context = await browser.newContext({
      javaScriptEnabled: script,
      viewport: { width: 1280, height: 900 },
      colorScheme: "light",
      reducedMotion: "reduce",
      locale: "en-US",
      timezoneId: "UTC",
      ...options,
    });
    person.context.setDefaultTimeout(LIMIT);
    await person.context.exposeBinding("reportViolation", (source, what) => {
      person.#report(source.page, `the policy of the page forbids it ${what}`);
    });
    await person.context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI} (${event.sourceFile}:${event.lineNumber})`);
      });
    });
    person.context.on("page", (page) => person.#watch(page));
    person.page = await person.context.newPage();
    return person;
  }

  #watch(page) {
    const host = new URL(this.base).host;
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      // A page that says what went wrong has such a status itself; the stories look at it.
      if (/the server responded with a status of (4\d\d)/.test(message.text()) && message.location().url === page.url()) return;
      // A file has no icon, so the browser asks for one that nobody offered.
      if (message.location().url.endsWith("/favicon.ico")) return;
      this.#report(page, `the console says: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.#report(page, `a script failed: ${error.stack ?? error}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (["http:", "https:", "ws:", "wss:"].includes(url.protocol) && url.host !== host) {
        this.#report(page, `it asks another host: ${request.url()}`);
      }
    });
    page.on("response", (response) => {
      const isPage = response.request().isNavigationRequest() || response.url().endsWith("/favicon.ico");
      if (response.status() >= 500 || (response.status() >= 400 && !isPage)) {
        this.#report(page, `${response.request().method()} ${response.url()} was answered with ${response.status()}`);
      }
    });
  }

  #report(page, what) {
    this.problems.push(`${page ? page.url() : "a page"}: ${what}`);
  }

  // Opens a page of the server, by its path below the address of the server.
  async open(path) {
    return this.page.goto(`${this.base}${path}`, { waitUntil: "load" });
  }

  // Fails if anything went wrong in this browser.
  check() {
    if (this.problems.length > 0) {
      throw new Error([...new Set(this.problems)].join("\n"));
    }
  }

  async close() {
    await this.context.close();
  }
}
