// How a story of several people is told: in a world of its own, until something in any of their browsers is not as it should be.

import { Person } from "./browser.mjs";
import { look } from "./look.mjs";
import { team } from "./people.mjs";
import { World } from "./world.mjs";

// Tells a story and returns how many checks it made. It is given
// - `world`, and `script`: whether its pages run scripts;
// - `team()`, which signs in an owner, an editor and a viewer, and `arrive()`, which returns the browser of somebody else;
// - `glance(person, name)`, which looks at a page that the crawl does not come by, because a form made it or it is there for a moment only;
// - `done()`, which counts a check.
export async function tell(browser, { script }, story) {
  const world = await World.start();
  const everybody = [];
  const problems = [];
  let checks = 0;
  const arrive = async (options = {}) => {
    const person = await Person.at(browser, world.url, { script, ...options });
    everybody.push(person);
    return person;
  };
  const together = async () => {
    const people = await team(browser, world, { script });
    everybody.push(...Object.values(people));
    return people;
  };
  const glance = async (person, name) => {
    if (script) problems.push(...(await look(person, name)));
  };
  const found = () => {
    const logged = / (ERROR|WARN) /.test(world.log) ? [`the server logged:\n${world.log}`] : [];
    return [...new Set([...problems, ...everybody.flatMap((person) => person.problems), ...logged])];
  };
  try {
    await story({ world, script, team: together, arrive, glance, done: () => (checks += 1) });
    if (found().length > 0) throw new Error("the story came to its end");
    return checks;
  } catch (error) {
    throw new Error([error.stack, ...found()].join("\n"));
  } finally {
    await world.end();
  }
}
