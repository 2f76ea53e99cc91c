// The form of an agent in one tab of a browser: used by keys and buttons, and read by what it shows.

import { signIn } from "./people.mjs";

// Returns the words of a text.
export const words = (text) => new Set(text.split(/\s+/).filter(Boolean));

// Returns the words of one list that are not in a set.
export const minus = (list, set) => [...list].filter((word) => !set.has(word));

// Returns the words of both.
export const both = (one, other) => new Set([...one, ...other]);

export class Tab {
  // True where the browser asked before it left the page, and whether the person then leaves it.
  asked = false;
  leaves = true;

  // Opens a tab of somebody, who has `browser` and `email`, with nothing in it.
  static async at(member, agent) {
    const tab = new Tab();
    tab.member = member;
    tab.path = `/agents/${agent}`;
    tab.page = await member.browser.context.newPage();
    tab.page.on("dialog", (dialog) => {
      tab.asked = true;
      return tab.leaves ? dialog.accept() : dialog.dismiss();
    });
    return tab;
  }

  get area() {
    return this.page.locator('textarea[name="persona"]');
  }

  get isForm() {
    return new URL(this.page.url()).pathname === `${this.path}/edit`;
  }

  // Does what loads another page, and waits for it, or for the page to say why it stays. Who is asked to sign in does, unless the page
  // holds what they typed.
  async go(what) {
    this.asked = false;
    await this.page.evaluate(() => (window.isLeft = true));
    await what();
    await this.#loaded();
    if ((await this.page.locator('input[name="password"]').count()) > 0 && (await this.page.locator("textarea[readonly]").count()) === 0) {
      await this.page.evaluate(() => (window.isLeft = true));
      await signIn(this, this.member.email);
      await this.#loaded();
    }
  }

  async #loaded() {
    await this.page.waitForFunction(() => {
      if (!window.isLeft) return document.readyState === "complete";
      const trouble = document.getElementById("keeping");
      return trouble && !trouble.hidden && trouble.innerText.startsWith("Not saved.");
    });
  }

  async openForm() {
    await this.go(() => this.page.goto(`${this.member.browser.base}${this.path}/edit`, { waitUntil: "load" }));
  }

  // Closes the tab as a person does.
  async close() {
    this.asked = false;
    const closed = this.page.waitForEvent("close");
    await this.page.close({ runBeforeUnload: true });
    await closed;
  }

  // Writes a word by keys, on a line of its own after the given one or at its end.
  async write(line, isOwnLine, word) {
    await this.#toLine(line);
    await this.page.keyboard.press("End");
    await this.page.keyboard.press(isOwnLine ? "Enter" : "Space");
    await this.page.keyboard.type(word);
  }

  // Removes a line by keys.
  async removeLine(line) {
    await this.#toLine(line);
    await this.page.keyboard.press("Home");
    await this.page.keyboard.press("Shift+End");
    await this.page.keyboard.press("Delete");
    await this.page.keyboard.press(line > 0 ? "Backspace" : "Delete");
  }

  async #toLine(line) {
    await this.area.focus();
    await this.page.keyboard.press("Control+Home");
    for (let step = 0; step < line; step += 1) await this.page.keyboard.press("ArrowDown");
  }

  text() {
    return this.area.inputValue();
  }

  // Waits until the page says what became of the text that stands in it, which has some words that were not published.
  // Returns "kept", "nothing" (there is nothing to keep), "elsewhere" or "ended".
  async settle(typed, { signedIn = false } = {}) {
    const text = await this.text();
    const wanted = { length: [...text].length, typed, signedIn };
    const found = await this.page.waitForFunction(
      ({ length, typed, signedIn }) => {
        const trouble = document.getElementById("keeping");
        if (!trouble.hidden) return !signedIn && trouble.innerText.includes("session has ended") && "ended";
        const status = document.getElementById("live-status").innerText.trim();
        if (status.startsWith("Not kept")) return "elsewhere";
        const changes = document.getElementById("live-changes").textContent;
        const isThere = status.startsWith(`${length} character`) && typed.every((word) => changes.includes(word));
        if (!isThere) return false;
        return status.includes("Kept for you") ? "kept" : typed.length === 0 && "nothing";
      },
      wanted,
    );
    return found.jsonValue();
  }

  // Returns what the page shows.
  shown() {
    return this.page.evaluate(() => {
      const find = (selector) => document.querySelector(selector);
      const text = find("main")?.innerText ?? document.body.innerText;
      const overlap = (field) => {
        const side = (name) => field.querySelector(`pre[aria-label="${name}"]`).textContent;
        const choices = [...field.querySelectorAll("input[type=radio]")].map((input) => input.value);
        return { mine: side("Mine"), theirs: side("Theirs"), choices };
      };
      return {
        path: location.pathname,
        text,
        isRestored: text.includes("is in the form again"),
        isKept: find("#live-status")?.innerText.includes("Kept for you") ?? false,
        isElsewhere: find("#live-status")?.innerText.includes("Not kept") ?? false,
        isMerged: text.includes("The form has both changes now"),
        trouble: find("#keeping:not([hidden])")?.innerText ?? "",
        isNothing: text.includes("Nothing to save"),
        typed: find("textarea[readonly]")?.value ?? null,
        overlaps: [...document.querySelectorAll("#edit fieldset")].map(overlap),
      };
    });
  }

  // Presses a button of the form.
  async press(name) {
    await this.go(() => this.page.locator("#edit").getByRole("button", { name, exact: true }).click());
  }

  // Chooses one side of each overlap, and presses the button for it.
  async choose(choices) {
    const fields = this.page.locator("#edit fieldset");
    for (const [index, choice] of choices.entries()) await fields.nth(index).locator(`input[value="${choice}"]`).check();
    await this.press("Merge as chosen");
  }

  // Signs in in another window, as the page says.
  async signInElsewhere() {
    const page = await this.member.browser.context.newPage();
    await page.goto(`${this.member.browser.base}/sign-in`);
    if ((await page.locator('input[name="password"]').count()) > 0) await signIn({ page }, this.member.email);
    await page.close();
  }
}
