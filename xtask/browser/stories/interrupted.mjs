// What gets in the way of somebody who edits a persona: a tab that is old.

import { Tab, words } from "../editor.mjs";
import { equal, holds } from "../expect.mjs";
import { Lane } from "../lane.mjs";
import { Terminal } from "../terminal.mjs";

const FIRST = "one\ntwo\nthree\nfour\n";

async function opened(member, agent) {
  const tab = await Tab.at(member, agent);
  await tab.openForm();
  return tab;
}

// Types a word on a line of its own, and waits until it is kept.
async function writes(tab, line, word) {
  await tab.write(line, true, word);
  equal("what the page says", await tab.settle([word]), "kept");
}

async function publishes(tab) {
  await tab.press("Publish");
  const shown = await tab.shown();
  holds(`it is published, where the page shows:\n${shown.text}`, shown.path === tab.path);
}

async function published(lane, agent) {
  return [...words((await lane.agent(agent)).text)];
}

const PARTS = {
  "a tab is old": async (lane, terminal) => {
    const { agent } = terminal;
    const [ada, bob] = lane.members;
    const old = await opened(ada, agent);
    const other = await opened(bob, agent);
    await other.write(0, true, "b1");
    await publishes(other);
    await terminal.write((await terminal.text()).replace("four", "four\nc2"));
    await terminal.run(["sync", "--merge"]);
    // Lines that only one changed are merged, and shown.
    await old.write(1, true, "a3");
    await old.press("Publish");
    let shown = await old.shown();
    holds(`the page says that it merged:\n${shown.text}`, shown.isMerged && shown.isKept);
    equal("what is published", await published(lane, agent), ["one", "b1", "two", "three", "four", "c2"]);
    await publishes(old);
    equal("what is published", await published(lane, agent), ["one", "b1", "two", "a3", "three", "four", "c2"]);
    // A line that both changed is chosen from.
    await old.openForm();
    await other.openForm();
    await other.write(0, false, "b4");
    await publishes(other);
    await old.write(0, false, "a5");
    await old.press("Publish");
    shown = await old.shown();
    equal("the overlaps", shown.overlaps, [{ mine: "one a5\n", theirs: "one b4\n", choices: ["mine", "theirs", "both"] }]);
    await old.choose(["both"]);
    await publishes(old);
    equal("what is published", await published(lane, agent), ["one", "a5", "b4", "b1", "two", "a3", "three", "four", "c2"]);
    // Going back to a form is no way around it, whatever the browser brings back into it.
    await old.openForm();
    await writes(old, 3, "a6");
    await publishes(old);
    await other.openForm();
    await other.write(1, true, "b7");
    await publishes(other);
    await old.go(() => old.page.goBack());
    equal("the form that comes back", [...words(await old.text())], ["one", "a5", "b4", "b7", "b1", "two", "a6", "a3", "three", "four", "c2"]);
    await old.write(0, true, "a8");
    await old.press("Publish");
    if (old.isForm) await publishes(old);
    const found = await published(lane, agent);
    holds(`both are published: ${found}`, found.includes("b7") && found.includes("a8"));
    return [old, other];
  },
};

export const interrupted = {
  name: "an editor is interrupted",
  run: async (browser) => {
    const lane = await Lane.start(browser);
    try {
      for (const [index, [name, part]] of Object.entries(PARTS).entries()) {
        const terminal = await Terminal.withAgent(lane.world, lane.key, `part${index}`, FIRST);
        try {
          for (const tab of await part(lane, terminal)) await tab.page.close();
        } catch (error) {
          throw new Error(`${name}: ${error.stack ?? error}`);
        }
      }
      lane.check();
      return Object.keys(PARTS).length;
    } finally {
      await lane.end();
    }
  },
};
