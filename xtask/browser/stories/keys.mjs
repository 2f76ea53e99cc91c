// Every key of the table, pressed; and what a reader's browser makes of times and themes.

import { readFile } from "node:fs/promises";
import { Person } from "../browser.mjs";
import { equal, holds, shows } from "../expect.mjs";
import { fill } from "../fill.mjs";
import { look } from "../look.mjs";
import { team } from "../people.mjs";
import { World } from "../world.mjs";

// Its name says to Node that it is no module; browsers do not ask.
const TABLE = await readFile(new URL("../../../crates/dashboard/assets/keys.js", import.meta.url), "utf8");
const { KEYS } = await import(`data:text/javascript,${encodeURIComponent(TABLE)}`);

const REFERENCE = new URL("../../../docs/reference/keys.md", import.meta.url);

const sheet = (page) => page.getByRole("dialog", { name: "Keyboard" });
const palette = (page) => page.getByRole("dialog", { name: "Go to" });
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id);
const path = (page) => new URL(page.url()).pathname;

// Opens the first case that failed of the experiment that `fill` makes.
async function openFailure(person) {
  const { page } = person;
  await person.open("/search?q=shoe");
  await page.locator("tr", { hasText: "Experiment" }).getByRole("link").first().click();
  await page.locator(".cases tr", { hasText: "failed" }).first().getByRole("link").first().click();
  await page.waitForURL(/\/cases\//);
}

// What each key of the table does, by its id.
const TESTS = {
  sheet: async (person) => {
    const { page } = person;
    await person.open("/");
    await page.keyboard.press("?");
    await sheet(page).waitFor();
    equal("the rows of the sheet", await sheet(page).locator("tr").count(), KEYS.length);
    const problems = await look(person, "keyboard");
    holds(problems.join("\n"), problems.length === 0);
    // A letter is no key any more once that is turned off.
    await sheet(page).getByLabel("Keys of a single letter work").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    equal("sheets", await sheet(page).count(), 0);
    await page.getByRole("button", { name: "Keyboard" }).click();
    await sheet(page).getByLabel("Keys of a single letter work").check();
    await sheet(page).getByRole("button", { name: "Close" }).click();
    equal("sheets", await sheet(page).count(), 0);
  },
  palette: async (person) => {
    const { page } = person;
    await person.open("/");
    await page.keyboard.press("Control+k");
    await palette(page).getByRole("option").first().waitFor();
    const problems = await look(person, "palette");
    holds(problems.join("\n"), problems.length === 0);
    // The arrows choose among what was found, and come round.
    const options = palette(page).getByRole("option");
    await page.keyboard.press("ArrowDown");
    equal("the second result", await options.nth(1).getAttribute("aria-selected"), "true");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    equal("the last result", await options.last().getAttribute("aria-selected"), "true");
    // Enter opens what was found for the text that was typed, however quickly.
    await page.keyboard.type("shop");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/agents\//);
    equal("the page", await page.locator("h1").innerText(), "Shop");
    // It is found without it, too.
    await person.open("/search?q=shop");
    await page.getByRole("link", { name: "Shop", exact: true }).waitFor();
    await person.open("/");
    await page.locator("nav").getByRole("link", { name: "Search" }).click();
    await palette(page).waitFor();
    await page.keyboard.type("no such thing");
    await shows(person, "Nothing has that in its name.");
    // A search that fails says so.
    for (const [status, said] of [
      [401, "Your session has ended: sign in again."],
      [429, "The search failed: the server answered 429."],
      [0, "The server does not answer."],
    ]) {
      await page.route(/\/search\?q=shoe$/, (route) => (status ? route.fulfill({ status }) : route.abort()), { times: 1 });
      await palette(page).getByRole("combobox").fill("shoe");
      await shows(person, said);
      equal("results of a search that failed", await options.count(), 0);
      await palette(page).getByRole("combobox").fill("shop");
      await options.first().waitFor();
    }
    person.problems = person.problems.filter((problem) => !problem.includes("/search?q=shoe"));
    // Shift and the key makes another one, and so does Ctrl on a Mac.
    await person.open("/");
    await page.keyboard.press("Control+Shift+k");
    await page.keyboard.press("Shift+J");
    equal("windows", await page.getByRole("dialog").count(), 0);
    equal("the row with the focus", await page.evaluate(() => document.activeElement.tagName), "BODY");
    await page.addInitScript(() => {
      if (sessionStorage.getItem("is-mac")) Object.defineProperty(navigator, "platform", { value: "MacIntel" });
    });
    await page.evaluate(() => sessionStorage.setItem("is-mac", "yes"));
    await person.open("/");
    await page.keyboard.press("Control+k");
    equal("windows on a Mac", await page.getByRole("dialog").count(), 0);
    await page.keyboard.press("Meta+k");
    await palette(page).waitFor();
    await page.evaluate(() => sessionStorage.removeItem("is-mac"));
  },
  search: async (person) => {
    const { page } = person;
    await person.open("/search");
    await page.locator("h1").click();
    await page.keyboard.press("/");
    equal("what has the focus", await focused(page), "q");
    await person.open("/account");
    await page.keyboard.press("/");
    await palette(page).waitFor();
  },
  next: async (person) => {
    const { page } = person;
    await person.open("/search?q=");
    const names = await page.locator("main .list th a").allInnerTexts();
    holds("a list with rows", names.length > 2);
    await page.locator("h1").click();
    await page.keyboard.press("j");
    equal("the first row", await focused(page), names[0]);
    await page.keyboard.press("j");
    equal("the second row", await focused(page), names[1]);
    // Inside of a case that failed, it is the next one that did.
    await openFailure(person);
    const [first] = await Promise.all([page.locator("h1").innerText(), page.locator('a[rel="next"]').waitFor()]);
    await page.keyboard.press("j");
    await page.locator('a[rel="prev"]').waitFor();
    holds("another case is open", (await page.locator("h1").innerText()) !== first);
    await page.keyboard.press("k");
    await page.locator('a[rel="next"]').waitFor();
    equal("the case before it", await page.locator("h1").innerText(), first);
    // In a field it is a letter.
    await person.open("/search?q=");
    await page.getByLabel(/Agents, projects/).fill("");
    await page.keyboard.press("j");
    equal("what was typed", await page.getByLabel(/Agents, projects/).inputValue(), "j");
  },
  previous: async (person) => {
    const { page } = person;
    await person.open("/search?q=");
    const names = await page.locator("main .list th a").allInnerTexts();
    await page.locator("h1").click();
    await page.keyboard.press("k");
    equal("the last row", await focused(page), names.at(-1));
    await page.keyboard.press("k");
    equal("the one before it", await focused(page), names.at(-2));
  },
  open: async (person) => {
    const { page } = person;
    await person.open("/projects");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/projects\/./);
  },
  verdict: async (person) => {
    const { page } = person;
    await openFailure(person);
    const pressed = (name) => page.locator(".said > li .badge", { hasText: name }).first();
    await page.keyboard.press("1");
    await pressed("right").waitFor();
    await page.keyboard.press("2");
    await pressed("wrong").waitFor();
    // The third is the first criterion's.
    const third = page.locator("button[data-verdict]").nth(2);
    equal("its key", await third.getAttribute("aria-keyshortcuts"), "3");
    await page.keyboard.press("3");
    await page.locator('button[data-verdict][aria-pressed="true"]').nth(1).waitFor();
    // In the comment it is a digit.
    await page.getByLabel("Comment").fill("");
    await page.keyboard.press("1");
    equal("what was typed", await page.getByLabel("Comment").inputValue(), "1");
    await page.getByLabel("Comment").fill("");
  },
  add: async (person) => {
    const { page } = person;
    await openFailure(person);
    await page.keyboard.press("i");
    await page.waitForURL(/\/scenarios\/.*edit=/);
    holds("the new input has what was asked", (await page.locator("main textarea").first().inputValue()).length > 0);
  },
  changes: async (person) => {
    const { page } = person;
    await person.open("/");
    await page.keyboard.press("d");
    await page.waitForURL(/\/changes$/);
    // The rows of this page are agents.
    const names = await page.locator("article h2").allInnerTexts();
    await page.keyboard.press("j");
    equal("the first agent", await focused(page), names[0]);
    // Of the row that has the focus, it is the diff of that one.
    await person.open("/");
    await page.getByRole("link", { name: "Shop", exact: true }).first().focus();
    await page.keyboard.press("d");
    await page.waitForURL(/\/changes#/);
    const id = decodeURIComponent(new URL(page.url()).hash.slice(1));
    equal("the agent of the row", await page.locator(`article[id="${id}"] h2`).innerText(), "Shop");
  },
  save: async (person) => {
    const { page } = person;
    await person.open("/account");
    await page.getByLabel("Name", { exact: true }).fill("Olive the Owner");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/done=saved/);
    equal("the name", await page.getByLabel("Name", { exact: true }).inputValue(), "Olive the Owner");
  },
  leave: async (person) => {
    const { page } = person;
    await person.open("/search");
    await page.getByLabel(/Agents, projects/).focus();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await sheet(page).waitFor();
    await page.keyboard.press("Escape");
    await sheet(page).waitFor({ state: "detached" });
  },
};

export const keys = {
  name: "the keys",
  run: async (browser) => {
    equal("keys with a test", Object.keys(TESTS).sort(), KEYS.map((key) => key.id).sort());
    const rows = KEYS.map(({ keys, does }) => `| \`${keys}\` | ${does} |`);
    const written = (await readFile(REFERENCE, "utf8")).split("\n").filter((line) => line.startsWith("| `"));
    equal("the rows of docs/reference/keys.md", written, rows);
    const world = await World.start({ demo: true });
    try {
      const { owner } = await team(browser, world);
      await fill(world, { owner });
      for (const { id } of KEYS) await TESTS[id](owner);
      owner.check();
      return KEYS.length;
    } finally {
      await world.end();
    }
  },
};

export const reader = {
  name: "times and themes",
  run: async (browser) => {
    const world = await World.start();
    try {
      const { owner, viewer } = await team(browser, world);
      const { page } = owner;

      // Times are in the zone of the reader; without a script they say UTC.
      const cookies = await owner.context.cookies();
      const shown = async (options) => {
        const person = await Person.at(browser, world.url, options);
        await person.context.addCookies(cookies);
        await person.open("/account");
        const time = person.page.locator("time").first();
        const found = { text: await time.innerText(), title: await time.getAttribute("title"), at: await time.getAttribute("datetime") };
        person.check();
        await person.close();
        return found;
      };
      const plain = await shown({ script: false });
      holds("without a script the zone is said", plain.text.endsWith("UTC"));
      const there = await shown({ timezoneId: "Asia/Kolkata" });
      const local = new Date(Date.parse(there.at) + 5.5 * 3600_000).toISOString();
      holds(`${there.text} is ${local} in Kolkata`, there.text.endsWith(local.slice(11, 16)));
      holds("the exact time is told", there.title.includes(there.at));

      // A theme is chosen by a form, and kept, whatever the system says.
      const ground = async () => {
        await owner.open("/");
        return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      };
      const choose = async (name) => {
        await owner.open("/account");
        await page.getByRole("button", { name, exact: true }).click();
        await shows(owner, "The theme is set.");
      };
      const light = await ground();
      await page.emulateMedia({ colorScheme: "dark" });
      const dark = await ground();
      holds("the system's colors are taken", light !== dark);
      await choose("Light");
      equal("light on a dark system", await ground(), light);
      await choose("Dark");
      await page.emulateMedia({ colorScheme: "light" });
      equal("dark on a light system", await ground(), dark);
      equal("a page that is not there", await owner.open("/not-there").then((answer) => answer.status()), 404);
      equal("its colors", await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
      await choose("Like the system");
      equal("light on a light system", await ground(), light);

      // Leaving words that are not saved asks.
      await owner.open("/account");
      await page.getByLabel("Name", { exact: true }).pressSequentially(" the First");
      const asked = page.waitForEvent("dialog");
      page.once("dialog", (dialog) => dialog.accept());
      const [dialog] = await Promise.all([asked, page.locator("nav").getByRole("link", { name: "Projects" }).click()]);
      equal("what asks", dialog.type(), "beforeunload");
      await page.waitForURL(/\/projects$/);
      owner.check();
      viewer.check();
      return 8;
    } finally {
      await world.end();
    }
  },
};
