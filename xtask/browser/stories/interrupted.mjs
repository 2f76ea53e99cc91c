// What gets in the way of somebody who edits a persona: an end of the session, a server that restarts, a closed tab, a tab that is old.

import { Tab, words } from "../editor.mjs";
import { equal, holds } from "../expect.mjs";
import { Lane } from "../lane.mjs";
import { badGateway } from "../proxy.mjs";
import { Terminal } from "../terminal.mjs";

const FIRST = "one\ntwo\nthree\nfour\n";

// Waits until the page says in an alert what is the matter.
async function complains(tab, text) {
  await tab.page.locator("#keeping", { hasText: text }).waitFor();
}

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
  "the session ends": async (lane, { agent }) => {
    const [ada] = lane.members;
    const tab = await opened(ada, agent);
    await writes(tab, 0, "a1");
    await lane.endSessions(ada);
    await tab.write(1, true, "a2");
    await complains(tab, "Your session has ended, and what you type is only in this window.");
    // A button loses nothing, either.
    await tab.press("Publish");
    await complains(tab, "Not saved. Your session has ended");
    equal("the text in the form", [...words(await tab.text())], ["one", "a1", "a2", "two", "three", "four"]);
    await tab.signInElsewhere();
    equal("what the page says by itself", await tab.settle(["a1", "a2"], { signedIn: true }), "kept");
    await publishes(tab);
    equal("what is published", await published(lane, agent), ["one", "a1", "a2", "two", "three", "four"]);
    // A form that is loaded again asks to sign in, and then has the words.
    await tab.openForm();
    await writes(tab, 0, "a3");
    await lane.endSessions(ada);
    await tab.page.reload();
    holds("the page says that the session has ended", (await tab.shown()).text.includes("Your session has ended"));
    await tab.go(() => tab.page.reload());
    const shown = await tab.shown();
    holds("the words are in the form again", shown.isRestored && words(await tab.text()).has("a3"));
    // So does a form that answered another one, and that a button was pressed in when the session had ended.
    await tab.press("Preview");
    await writes(tab, 1, "a4");
    await lane.endSessions(ada);
    await tab.write(1, true, "a5");
    await tab.press("Save draft");
    await complains(tab, "Not saved. Your session has ended");
    await tab.signInElsewhere();
    equal("what the page says by itself", await tab.settle(["a4", "a5"], { signedIn: true }), "kept");
    await tab.go(() => tab.page.reload());
    holds("the words are in the form again", (await tab.shown()).isRestored && words(await tab.text()).has("a5"));
    // A second tab, which knows another session, goes on, too.
    const second = await opened(ada, agent);
    await lane.endSessions(ada);
    await second.go(() => second.page.reload());
    await publishes(tab);
    return [tab, second];
  },

  "the server restarts": async (lane, { agent }) => {
    const [ada, bob] = lane.members;
    const watching = await Tab.at(ada, agent);
    await watching.page.goto(`${lane.world.url}${watching.path}`);
    const tab = await opened(ada, agent);
    await writes(tab, 0, "a1");
    await lane.world.stop();
    await tab.write(1, true, "a2");
    await complains(tab, "What you type is only in this window: the server does not answer. Trying again.");
    await tab.press("Publish");
    await complains(tab, "Not saved. What you type is only in this window: the server does not answer.");
    // Leaving asks.
    tab.leaves = false;
    const asked = tab.page.waitForEvent("dialog");
    await tab.page.locator("#edit").getByRole("link", { name: "Cancel" }).click({ noWaitAfter: true });
    equal("what asks", (await asked).type(), "beforeunload");
    tab.leaves = true;
    equal("the text in the form", [...words(await tab.text())], ["one", "a1", "a2", "two", "three", "four"]);
    // A proxy says so in its way, and a browser does not ask again for a stream that was refused.
    await badGateway(lane.world.url, (path) => path.startsWith("/events"));
    await lane.world.serve();
    equal("what the page says by itself", await tab.settle(["a1", "a2"]), "kept");
    await publishes(tab);
    equal("what is published", await published(lane, agent), ["one", "a1", "a2", "two", "three", "four"]);
    // A page that shows the agent hears of changes again.
    await watching.page.locator("#changed:not([hidden])", { hasText: ada.name }).waitFor();
    await watching.page.getByRole("link", { name: "Show the new state" }).click();
    await watching.page.locator("pre", { hasText: "a2" }).waitFor();
    const other = await opened(bob, agent);
    await other.write(0, true, "b3");
    await publishes(other);
    await watching.page.locator("#changed:not([hidden])", { hasText: bob.name }).waitFor();
    return [tab, watching, other];
  },

  "a tab is closed": async (lane, { agent }) => {
    const [ada] = lane.members;
    let tab = await opened(ada, agent);
    await writes(tab, 0, "a1");
    await tab.close();
    equal("asked", tab.asked, false);
    tab = await opened(ada, agent);
    const shown = await tab.shown();
    holds("the words are in the form again", shown.isRestored && words(await tab.text()).has("a1"));
    // Words that are not kept yet: closing asks, and who closes all the same finds them, too.
    await tab.write(1, true, "a2");
    await tab.close();
    equal("asked", tab.asked, true);
    tab = await opened(ada, agent);
    await tab.page.waitForFunction(() => {
      const isThere = document.querySelector("#edit textarea").value.includes("a2");
      if (!isThere) location.reload();
      return isThere;
    });
    await publishes(tab);
    equal("what is published", await published(lane, agent), ["one", "a1", "a2", "two", "three", "four"]);
    return [tab];
  },

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
