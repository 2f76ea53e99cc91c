// A server with two people and a command line, for one interleaving after another.

import { Person } from "./browser.mjs";
import { accept, invite, makeKey, signIn } from "./people.mjs";
import { World } from "./world.mjs";

// What browsers say where a session has ended, a server restarts, or another window was faster. The pages say it, too.
const EXPECTED = [
  /\/(draft|presence|edit) was answered with (401|403|409|502)/,
  /\/events\?\S* was answered with 502/,
  /status of (401|403|409|502) /,
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|NETWORK_IO_SUSPENDED|SOCKET_NOT_CONNECTED)/,
];

export class Lane {
  static async start(browser) {
    const lane = new Lane();
    lane.world = await World.start();
    try {
      lane.owner = await Person.at(browser, lane.world.url);
      await accept(lane.owner, await lane.world.ownerLink(), { name: "Olive Owner", email: "olive@example.com" });
      lane.key = await makeKey(lane.owner, "Terminal", "owner");
      lane.members = [];
      for (const [letter, name] of [
        ["a", "Ada"],
        ["b", "Bob"],
      ]) {
        const email = `${name.toLowerCase()}@example.com`;
        const link = await invite(lane.owner, "editor");
        const person = await Person.at(browser, lane.world.url);
        await accept(person, link, { name, email });
        await lane.owner.open("/members");
        const page = await lane.owner.page.getByRole("link", { name, exact: true }).getAttribute("href");
        lane.members.push({ letter, name, email, browser: person, page });
      }
    } catch (error) {
      await lane.end();
      throw error;
    }
    return lane;
  }

  async restart() {
    await this.world.stop();
    await this.world.serve();
  }

  // The owner signs somebody out everywhere.
  async endSessions(member) {
    const { page } = this.owner;
    await this.owner.open(member.page);
    const buttons = page.locator('form[action$="/sessions/end"] button');
    for (let left = await buttons.count(); left > 0; left -= 1) {
      await buttons.first().click();
      await page.waitForFunction((left) => document.querySelectorAll('form[action$="/sessions/end"]').length < left, left);
    }
  }

  // Signs somebody in, in a window of their own, where they are not.
  async signIn(member) {
    const answer = await member.browser.context.request.get(`${this.world.url}/account`);
    if (answer.ok()) return;
    const page = await member.browser.context.newPage();
    await page.goto(`${this.world.url}/sign-in`);
    await signIn({ page }, member.email);
    await page.close();
  }

  // Returns a page as the server sends it to somebody.
  async read(person, path) {
    const answer = await person.context.request.get(`${this.world.url}${path}`);
    if (!answer.ok()) throw new Error(`${path} was answered with ${answer.status()}`);
    return answer.text();
  }

  // Returns the text that the form of an agent has for somebody.
  async formOf(person, agent) {
    return between(await this.read(person, `/agents/${agent}/edit`), /<textarea id="persona"[^>]*>\n/, "</textarea>");
  }

  // Returns what is published, and the numbers of all versions.
  async agent(agent) {
    const page = await this.read(this.owner, `/agents/${agent}`);
    const numbers = [...page.matchAll(/\/versions\/(\d+)"/g)].map(([, number]) => Number(number));
    return { text: between(page, /<pre class="text"[^>]* aria-label="Persona">/, "</pre>"), newest: Math.max(...numbers) };
  }

  // Returns the text of a version.
  async version(agent, number) {
    return between(await this.read(this.owner, `/agents/${agent}/versions/${number}`), /<pre class="text"[^>]* aria-labelledby="text">/, "</pre>");
  }

  // Fails if a browser did what no page should.
  check() {
    const problems = [this.owner, ...this.members.map((member) => member.browser)].flatMap((person) => person.problems);
    const unexpected = problems.filter((problem) => !EXPECTED.some((expected) => expected.test(problem)));
    if (unexpected.length > 0) throw new Error([...new Set(unexpected)].join("\n"));
  }

  async end() {
    await this.world.end();
  }
}

// Returns what stands between two tags; only letters, digits and line ends do.
function between(page, start, end) {
  const found = start.exec(page);
  if (!found) throw new Error(`the page has no ${start}\n${page}`);
  const from = found.index + found[0].length;
  return page.slice(from, page.indexOf(end, from));
}
