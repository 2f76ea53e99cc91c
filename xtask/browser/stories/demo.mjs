// What `keepstep demo` leaves to look at, found as somebody would who has never seen it: what waits, what got worse, and since when.

import { Person } from "../browser.mjs";
import { equal, holds, shows } from "../expect.mjs";
import { look } from "../look.mjs";
import { accept } from "../people.mjs";
import { World } from "../world.mjs";

export const demo = { name: "what the demo leaves to look at", run: story };

async function story(browser) {
  const world = await World.start({ tour: true });
  const problems = [];
  let checks = 0;
  const done = () => (checks += 1);
  try {
    const owner = await Person.at(browser, world.url);
    await accept(owner, world.firstLink, { name: "Noa", email: "noa@example.com" });
    const { page } = owner;

    // The front page has work of several kinds, and the colleagues who left it.
    equal("where the link leads", new URL(page.url()).pathname, "/");
    await shows(owner, "What waits for you");
    for (const kind of ["behind", "Gate", "not passed"]) await shows(owner, kind);
    problems.push(...(await look(owner, "demo-front")));
    done();

    // The list of experiments is a month of nights; the newest failed where one of last week passed.
    await page.getByRole("link", { name: "Projects" }).click();
    await page.getByRole("link", { name: "Returns" }).first().click();
    await page.getByRole("link", { name: /All \d+ experiments|Filter and sort/ }).click();
    await page.getByRole("link", { name: "Trends" }).click();
    holds("there is a chart", (await page.locator("svg").count()) > 0);
    problems.push(...(await look(owner, "demo-trends")));
    done();

    await page.getByRole("link", { name: "Experiments" }).first().click();
    await page.getByRole("link", { name: /^nightly 2[0-9]$/ }).first().click();
    await shows(owner, "Closes with the return number");
    problems.push(...(await look(owner, "demo-experiment")));
    done();

    // From there it is one step to what is new against the night before the last version.
    await page.getByRole("link", { name: /Compare/ }).first().click();
    await shows(owner, "nightly");
    problems.push(...(await look(owner, "demo-compare")));
    done();

    problems.push(...owner.problems);
    if (problems.length > 0) throw new Error([...new Set(problems)].join("\n"));
    return checks;
  } finally {
    await world.end();
  }
}
