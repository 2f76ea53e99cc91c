// Every page, as each role: whatever a link leads to is opened, and everything that a page may not do is looked for.

import { Person } from "../browser.mjs";
import { fill } from "../fill.mjs";
import { contactSheet, look } from "../look.mjs";
import { team } from "../people.mjs";
import { proxy } from "../proxy.mjs";
import { ROLES, nameOf, pageOf, pages as table } from "../routes.mjs";
import { World } from "../world.mjs";

// How many addresses of one page are opened: those of its states, or of the things that it shows.
const OF_EACH = 3;

// The most that a browser transfers for the first page with everything that it needs, and for a later one, in bytes.
const FIRST = 100 * 1024;
const LATER = 30 * 1024;

// The pages that no link leads to, and why.
const WITHOUT_LINK = new Map([
  ["/events", "a stream for scripts"],
  ["/assets/{file}", "files of the pages"],
  ["/sign-in/link/{token}", "shown to whoever was sent it; the stories of people open it"],
  ["/shared/{token}", "shown to whoever was sent it; opened as nobody"],
  ["/sign-in/link/{token}/oidc", "leads to the identity provider; the story of it follows it"],
  ["/sign-in/oidc", "leads to the identity provider; the story of it follows it"],
  ["/sign-in/oidc/callback", "where the identity provider leads back"],
  ["/account/identities/{identity}/unlink", "of who signs in with an identity provider; the story of it opens it"],
  ["/sign-in", "shown to whoever is not signed in"],
  ["/healthz", "for programs"],
  ["/api/openapi.json", "for programs"],
  ["/projects/{project}/experiments/{experiment}/runs/{case}", "an old address, which leads on"],
]);

export const crawl = { name: "crawl as each role", run: (browser) => run(browser, { looks: true }) };

// The same below a path of a site, behind a proxy that hands the path on, and behind one that takes it away.
export const prefixed = {
  name: "crawl below a path",
  run: async (browser) => {
    let checks = 0;
    for (const strips of [false, true]) {
      checks += await run(browser, { looks: false, proxy: await proxy("/tools/steps", { strips }), roles: ["owner"], ofEach: 1 });
    }
    return checks;
  },
};

async function run(browser, { looks, proxy = null, roles = ROLES, ofEach = OF_EACH }) {
  const world = await World.start({ demo: true, proxy });
  try {
    const people = await team(browser, world);
    const { shared } = await fill(world, people);
    const pages = await table();
    const walks = await Promise.all(roles.map((role) => walk(browser, people[role], role, { pages, ofEach, looks: looks && role === "owner" })));
    const all = walks.find((walk) => walk.role === "owner");
    const problems = walks.flatMap((walk) => walk.problems);
    // Of one address of each page not every state is seen.
    if (ofEach === OF_EACH) problems.push(...unreached(pages, all));
    for (const role of roles) problems.push(...(await refusals(people[role], role, pages, all)));
    problems.push(...(await asNobody(browser, world.url, pages, all, { looks, shared })));
    for (const person of Object.values(people)) problems.push(...person.problems);
    if (looks) await contactSheet();
    if (/ (ERROR|WARN) /.test(world.log)) problems.push(`the server logged:\n${world.log}`);
    if (problems.length > 0) throw new Error(`${problems.length} problems of pages\n\n${grouped(problems)}`);
    const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
    const { first, later, path } = all.heaviest;
    console.log(`            transferred: the first page ${kilobytes(first)}, a later one at most ${kilobytes(later)} (${path})`);
    return walks.reduce((sum, walk) => sum + walk.visited.size, 0);
  } finally {
    await world.end();
  }
}

// Returns problems as one text: one that many pages have is told once, with the pages.
function grouped(problems) {
  const pages = new Map();
  for (const problem of new Set(problems)) {
    const [, page, what] = /^(\S+(?: \([^)]*\)| as \w+)?): (.*)$/s.exec(problem) ?? [null, "", problem];
    pages.set(what, [...(pages.get(what) ?? []), page]);
  }
  const places = (all) => all.slice(0, 12).join(", ") + (all.length > 12 ? ` and ${all.length - 12} more` : "");
  return [...pages].map(([what, all]) => `- ${places(all)}: ${what}`).join("\n");
}

// Opens whatever the pages link to, from the front page on.
async function walk(browser, person, role, { pages, ofEach, looks }) {
  const { page } = person;
  const problems = [];
  const visited = new Map();
  const counts = new Map();
  const looked = new Set();
  const files = new Set();
  const waiting = ["/"];
  const prefix = new URL(person.base).pathname.replace(/\/$/, "");
  const weight = await Weight.of(person);
  const heaviest = { first: await firstWeight(browser, person), later: 0, path: "" };
  if (heaviest.first > FIRST) problems.push(`/ as ${role}: transfers ${heaviest.first} bytes at the first visit, more than ${FIRST}`);
  while (waiting.length > 0) {
    const path = waiting.shift();
    const route = pageOf(pages, new URL(path, "http://x").pathname);
    const key = route?.path ?? path;
    if (visited.has(path) || (counts.get(key) ?? 0) >= ofEach) continue;
    visited.set(path, route);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const say = (what) => problems.push(`${path} as ${role}: ${what}`);
    const response = await weight.during(() => person.open(path).catch(downloaded(person, path)));
    const isPage = (response.headers?.()["content-type"] ?? "").startsWith("text/html");
    if (!isPage) {
      // A file, which has no more to it than that it comes.
      if (response.status() !== 200) say(`is answered with ${response.status()}`);
      continue;
    }
    if (response.status() !== 200) say(`is answered with ${response.status()}`);
    if (weight.bytes > heaviest.later) Object.assign(heaviest, { later: weight.bytes, path: key });
    if (weight.bytes > LATER) say(`transfers ${weight.bytes} bytes, more than ${LATER}`);
    if ((await page.locator("h1").count()) !== 1) say("has not exactly one heading of the first rank");
    if ((await page.title()).replace("· keepstep", "").trim() === "") say("has no title");
    const links = await page.evaluate(linksOf);
    const states = [...new Set(new URL(path, "http://x").searchParams.keys())].sort().map((name) => `-by-${name}`);
    const shape = nameOf(key) + states.join("");
    if (looks && !looked.has(shape)) problems.push(...(await look(person, shape)));
    looked.add(shape);
    for (const link of links.downloads) {
      const path = new URL(link).pathname.slice(prefix.length);
      const route = pageOf(pages, path);
      if (files.has(route?.path)) continue;
      files.add(route?.path);
      visited.set(path, route);
      const answer = await person.context.request.get(link);
      if (!answer.ok()) say(`offers ${link}, which is answered with ${answer.status()}`);
    }
    for (const link of links.pages) {
      const url = new URL(link);
      if (url.host !== new URL(person.base).host) {
        // Whoever follows such a link does not say where they come from.
        if (!links.leaving.includes(link)) say(`links to another host without rel="noreferrer": ${link}`);
      } else if (!url.pathname.startsWith(`${prefix}/`)) {
        say(`links out of the server: ${link}`);
      } else {
        waiting.push(url.pathname.slice(prefix.length) + url.search);
      }
    }
  }
  return { role, problems, visited, heaviest };
}

// What is downloaded is not shown by the browser, so it is asked for once more.
const downloaded = (person, path) => async (error) => {
  if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error;
  const answer = await person.context.request.get(person.base + path);
  return { status: () => answer.status(), headers: () => answer.headers() };
};

// Runs in the page: returns where its links and its forms that only read lead.
function linksOf() {
  const links = { pages: [], downloads: [], leaving: [] };
  for (const link of document.querySelectorAll("a[href]")) {
    if (!/^https?:/.test(link.href)) continue;
    if (link.relList.contains("noreferrer")) links.leaving.push(link.href.split("#")[0]);
    (link.hasAttribute("download") ? links.downloads : links.pages).push(link.href.split("#")[0]);
  }
  for (const form of document.querySelectorAll('form[method="get"], form:not([method])')) {
    // A field may be called `action`, and is what `form.action` is then.
    const url = new URL(form.getAttribute("action") ?? "", location.href);
    url.search = new URLSearchParams(new FormData(form)).toString();
    links.pages.push(url.href);
  }
  return links;
}

// Returns the pages of the table that no link led to.
function unreached(pages, walk) {
  const reached = new Set([...walk.visited.values()].map((route) => route?.path));
  const missing = pages.filter((page) => page.who !== "KeyOrPerson" && !reached.has(page.path) && !WITHOUT_LINK.has(page.path));
  return missing.map(({ path }) => `${path}: no link leads to this page with the data that the crawl has; give it some in xtask/browser/fill.mjs, or say in stories/crawl.mjs why it has no link`);
}

// Opens what the owner saw as somebody of another role, and what nobody has: who may not see it is told so, by a page of ours.
async function refusals(person, role, pages, { visited }) {
  const problems = [];
  const ask = async (path, wanted) => {
    const answer = await person.context.request.get(person.base + path);
    const text = await answer.text();
    if (answer.status() !== wanted) problems.push(`${path} as ${role}: is answered with ${answer.status()}, not with ${wanted}`);
    if (!text.includes("<h1")) problems.push(`${path} as ${role}: is answered with something that is no page of ours`);
  };
  for (const [path, route] of visited) {
    if (route?.who === "KeyOrPerson") continue;
    const isAllowed = ROLES.indexOf(role) >= ROLES.indexOf(route?.role ?? "viewer");
    if (!isAllowed) await ask(path, 403);
  }
  for (const { path, role: needed, who } of pages) {
    if (role !== "owner" && ROLES.indexOf(role) < ROLES.indexOf(needed ?? "viewer")) continue;
    if (path.includes("{") && who.startsWith("Person")) await ask(path.replace(/\{[^}]+\}/g, "of-nobody"), 404);
  }
  return problems;
}

// Opens everything as somebody who is not signed in: nothing is shown but the form that signs in.
async function asNobody(browser, base, pages, { visited }, { looks, shared }) {
  const person = await Person.at(browser, base);
  const problems = [];
  for (const [path, route] of visited) {
    if (route?.who === "KeyOrPerson") continue;
    const answer = await person.context.request.get(base + path);
    const text = await answer.text();
    const isOpen = route?.who === "Anybody";
    if (answer.status() !== (isOpen ? 200 : 401)) problems.push(`${path} as nobody: is answered with ${answer.status()}`);
    if (!isOpen && !text.includes('name="password"')) problems.push(`${path} as nobody: shows no form that signs in`);
  }
  await person.open("/sign-in");
  if (looks) problems.push(...(await look(person, "sign-in")));
  if (shared) {
    await person.page.goto(shared);
    if (looks) problems.push(...(await look(person, "shared")));
  }
  await person.open("/not-a-page");
  if (looks) problems.push(...(await look(person, "not-found")));
  problems.push(...person.problems);
  await person.close();
  return problems;
}

// Returns what the first page transfers in a browser that has nothing of this server yet.
async function firstWeight(browser, { base, context }) {
  const person = await Person.at(browser, base);
  await person.context.addCookies(await context.cookies());
  const weight = await Weight.of(person);
  await weight.during(() => person.open("/"));
  person.check();
  await person.close();
  return weight.bytes;
}

// What a page transfers, with everything that it asks for.
class Weight {
  bytes = 0;

  static async of(person) {
    const weight = new Weight();
    const session = await person.context.newCDPSession(person.page);
    await session.send("Network.enable");
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (weight.bytes += encodedDataLength));
    return weight;
  }

  async during(open) {
    this.bytes = 0;
    return open();
  }
}
