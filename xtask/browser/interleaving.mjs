// Two people and a command line at one agent, in an order made from a seed. Each word is typed once, so a text tells whose words it has.
//
// What holds: a word that a page said to be kept or saved is found again, in what is published, in a version, or in the form of its author,
// unless somebody removed it by what they did; a page that is left without a question has kept its words; and what is saved takes nothing away
// that who saved it did not remove.

import { Tab, both, minus, words } from "./editor.mjs";
import { Random } from "./random.mjs";
import { Terminal } from "./terminal.mjs";

const FIRST = "one\ntwo\nthree\nfour\n";

const STEPS = {
  write: 12,
  remove: 3,
  save: 9,
  reload: 3,
  reopen: 2,
  leave: 2,
  back: 3,
  second: 2,
  discard: 2,
  merge: 4,
  push: 2,
  accept: 2,
  together: 3,
  restart: 1,
  signOut: 1,
};

const BUTTONS = { publish: "Publish", draft: "Save draft", preview: "Preview" };

export class Interleaving {
  // What happened, for who has to understand it.
  log = [];
  checks = 0;
  // What came up at all.
  outcomes = new Set();
  #tabs = [];
  // Words, and at which step they were confirmed or removed.
  #confirmed = new Map();
  #removed = new Map();
  // The words of all versions.
  #saved = words(FIRST);
  #count = 0;

  constructor(lane, seed, index) {
    Object.assign(this, { lane, index, random: new Random(seed, index) });
  }

  async run(steps) {
    this.terminal = await Terminal.withAgent(this.lane.world, this.lane.key, `s${this.index}`, FIRST);
    for (const member of this.lane.members) {
      member.removed = new Set();
      await this.#open(member);
    }
    for (let step = 0; step < steps; step += 1) await this[this.random.weighted(STEPS)]();
    await this.#end();
    this.lane.check();
  }

  // Tabs

  async #open(member) {
    const tab = await Tab.at(member, this.terminal.agent);
    this.#tabs.push(tab);
    await tab.openForm();
    await this.#arrive(tab);
    return tab;
  }

  // Takes a form as it is shown.
  async #arrive(tab) {
    const shown = await tab.shown();
    // What is not there any more in a text that was kept is what they removed themselves; a fresh form has everything.
    if (!shown.isRestored && this.#of(tab.member).length === 1) tab.member.removed.clear();
    tab.removed = new Set(shown.isRestored ? tab.member.removed : []);
    tab.fresh = new Set();
    await this.#note(tab, "has", shown);
  }

  async #note(tab, what, shown) {
    const text = await tab.text();
    if (shown.isKept) this.#confirm(tab, text);
    this.#say(`${tab.member.name}'s tab ${this.#tabs.indexOf(tab)} ${what} ${JSON.stringify(text)}${shown.isRestored ? " again" : ""}`);
  }

  #of(member) {
    return this.#tabs.filter((tab) => tab.member === member);
  }

  // Returns a tab with the form.
  async #form() {
    const tab = this.random.pick(this.#tabs);
    if (!tab.isForm) {
      await tab.openForm();
      await this.#arrive(tab);
    }
    return tab;
  }

  #say(what, outcome = null) {
    this.log.push(what);
    if (outcome) this.outcomes.add(outcome);
  }

  // Words

  #confirm({ member, fresh }, text, since = this.log.length) {
    const found = words(text);
    for (const word of found) {
      if (word.startsWith(member.letter)) this.#confirmed.set(word, Math.max(since, this.#confirmed.get(word) ?? 0));
    }
    for (const word of found) fresh.delete(word);
  }

  #remove(tab, list) {
    for (const word of list) {
      tab.removed.add(word);
      tab.member.removed.add(word);
      this.#removed.set(word, this.log.length);
    }
  }

  // What somebody wrote and nobody has saved is gone, knowingly. It may have been kept without a look at what the page says.
  #drop(member, but = new Set()) {
    const fresh = this.#of(member).flatMap((tab) => [...tab.fresh]);
    for (const word of [...this.#confirmed.keys(), ...fresh]) {
      if (word.startsWith(member.letter) && !this.#saved.has(word) && !but.has(word)) this.#removed.set(word, this.log.length);
    }
  }

  // A page that was left without a question has kept what stood in it, some time since it was typed.
  #left(tab, text) {
    if (tab.asked) this.#say("the page asked first", "asked");
    else if (tab.fresh.size > 0) this.#confirm(tab, text, tab.typedAt);
  }

  // Returns the text that a form starts from for who has typed nothing.
  #newest() {
    return this.lane.formOf(this.lane.owner, this.terminal.agent);
  }

  #fail(what) {
    throw new Error(what);
  }

  #holds(what, lost, ...texts) {
    this.checks += 1;
    if (lost.length > 0) this.#fail(`${what}: ${lost.join(" ")}\n${texts.map((text) => JSON.stringify(text)).join("\n")}`);
  }

  // Steps

  async write() {
    const tab = await this.#form();
    const line = this.random.below((await tab.text()).split("\n").length);
    const word = `${tab.member.letter}${(this.#count += 1)}`;
    await tab.write(line, this.random.chance(0.5), word);
    const text = await tab.text();
    if (!words(text).has(word)) this.#fail(`${word} was typed and is not in ${JSON.stringify(text)}`);
    tab.fresh.add(word);
    tab.typedAt = this.log.length;
    this.#say(`${tab.member.name} types ${word} into tab ${this.#tabs.indexOf(tab)}: ${JSON.stringify(text)}`);
    if (this.random.chance(0.6)) await this.#settle(tab);
  }

  async remove() {
    const tab = await this.#form();
    const before = await tab.text();
    const lines = before.split("\n");
    if (lines.length < 4) return;
    await tab.removeLine(this.random.below(lines.length - 1));
    const text = await tab.text();
    // Where the line had a copy of a word, the other one is still there.
    const kept = text.split(/\s+/);
    const gone = before.split(/\s+/).filter((word) => word && !take(kept, word));
    this.#remove(tab, gone);
    for (const word of gone) tab.fresh.delete(word);
    this.#say(`${tab.member.name} removes ${gone.join(" ")} in tab ${this.#tabs.indexOf(tab)}: ${JSON.stringify(text)}`);
    if (this.random.chance(0.6)) await this.#settle(tab);
  }

  // Waits until the page says that the words are kept, and does what it asks for.
  async #settle(tab) {
    let found = await tab.settle([...tab.fresh]);
    if (found === "ended") {
      this.#say(`${tab.member.name} is told that the session has ended, and signs in in another window`, "ended");
      await tab.signInElsewhere();
      found = await tab.settle([...tab.fresh], { signedIn: true });
    }
    this.#say(`the page says: ${found}`, found);
    if (found === "kept") this.#confirm(tab, await tab.text());
    if (found === "elsewhere") await this.#elsewhere(tab);
  }

  // Another window of the same person has kept other words.
  async #elsewhere(tab) {
    const text = await tab.text();
    switch (this.random.pick(["replace", "open", "nothing"])) {
      case "replace":
        this.#drop(tab.member, words(text));
        this.#say(`${tab.member.name} replaces that text`);
        await tab.press("Replace that text");
        await this.#afterPress(tab, "preview", text, await this.#newest());
        break;
      case "open":
        await tab.go(() => tab.page.getByRole("link", { name: "Open that text" }).click());
        this.#say(`${tab.member.name} opens that text`);
        this.#left(tab, text);
        await this.#arrive(tab);
        break;
      default:
    }
  }

  async save() {
    const tab = await this.#form();
    await this.#press(tab, this.random.weighted({ publish: 6, draft: 3, preview: 1 }));
  }

  async #press(tab, action) {
    const before = await this.#newest();
    const text = await tab.text();
    this.#say(`${tab.member.name} presses ${BUTTONS[action]} in tab ${this.#tabs.indexOf(tab)}`);
    await tab.press(BUTTONS[action]);
    return this.#afterPress(tab, action, text, before);
  }

  // What was saved, or what the page asks. `before` is the newest text before; others may have saved since it.
  async #afterPress(tab, action, text, before) {
    const shown = await tab.shown();
    const after = await this.#newest();
    // Whatever a merge was made with, it has what stayed.
    const stayed = [...words(before)].filter((word) => words(after).has(word)).join(" ");
    const [mine, newest] = [words(text), words(before)];
    if (shown.path === tab.path) {
      this.#say(`it is saved: ${JSON.stringify(after)}`, "saved");
      this.#holds("what was typed is not what was saved", minus(mine, words(after)), text, after);
      this.#holds("removed by a save that was not told of them", this.#unseen(tab, newest, mine), before, text);
      this.#save(text);
      this.#confirm(tab, text);
      tab.fresh.clear();
      return "saved";
    }
    if (shown.trouble.includes("session has ended")) {
      this.#say("nothing is saved: the session has ended", "ended");
      await this.#settle(tab);
      return "ended";
    }
    if (shown.typed !== null) {
      this.#say(`what was typed stands on the page: ${shown.text.split("\n")[0]}`);
      this.#holds("not on the page", minus(mine, words(shown.typed)), text, shown.typed);
      if (shown.text.includes("This form was not accepted")) {
        await tab.openForm();
        await this.#arrive(tab);
        return "refused";
      }
      const opened = tab.page.context().waitForEvent("page");
      await tab.page.getByLabel("E-mail address").fill(tab.member.email);
      await tab.page.getByLabel("Password").fill("three words here");
      await tab.page.getByRole("button", { name: "Sign in, in a new tab" }).click();
      const page = await opened;
      await page.locator("#edit").waitFor();
      await page.close();
      await tab.openForm();
      await this.#arrive(tab);
      return "ended";
    }
    if (action === "publish" || action === "draft") {
      this.checks += 1;
      if (before !== after && action !== "together") this.#fail(`nothing is said to be saved, and something is: ${JSON.stringify([before, after])}`);
      if (!shown.isNothing && !shown.isMerged && shown.overlaps.length === 0) this.#fail(`the page does not say what became of it:\n${shown.text}`);
    }
    await this.#note(tab, "comes back with", shown);
    if (shown.isMerged) this.outcomes.add("merged");
    if (shown.isMerged) this.#merged(tab, text, stayed, await tab.text());
    if (shown.overlaps.length > 0 && this.random.chance(0.8)) await this.#choose(tab, text, stayed, shown.overlaps);
    return "asked";
  }

  #save(text) {
    for (const word of words(text)) this.#saved.add(word);
  }

  // Returns the words of a text that are not in what took its place, and that somebody did not remove.
  #unseen(tab, before, after) {
    return minus(before, after).filter((word) => !tab.removed.has(word));
  }

  // Of what they typed and of what others wrote, only what one of them removed is gone.
  #merged(tab, text, before, merged, chosen = new Set()) {
    const [mine, newest] = [words(text), words(before)];
    const isRemoved = (word) => tab.removed.has(word) || chosen.has(word) || (this.#saved.has(word) && !newest.has(word));
    const lost = minus(both(mine, newest), words(merged)).filter((word) => !isRemoved(word));
    this.#holds("lost by a merge", lost, text, before, merged);
  }

  async #choose(tab, text, before, overlaps) {
    const chosen = new Set();
    const choices = overlaps.map(({ mine, theirs, choices }) => {
      const choice = this.random.pick(choices);
      const [own, other] = [words(mine), words(theirs)];
      const gone = choice === "mine" ? minus(other, own) : choice === "theirs" ? minus(own, other) : [];
      this.#say(`of ${JSON.stringify(mine)} and ${JSON.stringify(theirs)} they choose ${choice}`, choice);
      this.#remove(tab, gone);
      for (const word of gone) chosen.add(word);
      return choice;
    });
    await tab.choose(choices);
    const shown = await tab.shown();
    if (!shown.text.includes("The form has what you chose")) this.#fail(`the page does not say that it has what was chosen:\n${shown.text}`);
    await this.#note(tab, "has what was chosen,", shown);
    this.#merged(tab, text, before, await tab.text(), chosen);
  }

  async reload() {
    const tab = await this.#form();
    const text = await tab.text();
    await tab.go(() => tab.page.reload());
    this.#say(`${tab.member.name} reloads tab ${this.#tabs.indexOf(tab)}`);
    this.#left(tab, text);
    await this.#arrive(tab);
  }

  async reopen() {
    const tab = await this.#form();
    const text = await tab.text();
    await tab.close();
    this.#say(`${tab.member.name} closes tab ${this.#tabs.indexOf(tab)} and opens another one`);
    this.#left(tab, text);
    this.#tabs.splice(this.#tabs.indexOf(tab), 1);
    await this.#open(tab.member);
  }

  async leave() {
    const tab = await this.#form();
    const text = await tab.text();
    await tab.go(() => tab.page.locator("#edit").getByRole("link", { name: "Cancel" }).click());
    this.#say(`${tab.member.name} leaves the form in tab ${this.#tabs.indexOf(tab)}`);
    this.#left(tab, text);
  }

  // Goes back to the form that was saved or left.
  async back() {
    const tab = this.#tabs.find((tab) => !tab.isForm);
    if (!tab) return this.save();
    this.#say(`${tab.member.name} goes back in tab ${this.#tabs.indexOf(tab)}`, "back");
    // A page that answered a form is not shown again.
    await tab.go(() => tab.page.goBack().catch(() => {}));
    if (!tab.isForm || (await tab.area.count()) === 0) await tab.openForm();
    await this.#arrive(tab);
  }

  // A second tab of the same person, or one less.
  async second() {
    const member = this.random.pick(this.lane.members);
    const tabs = this.#of(member);
    if (tabs.length < 2) {
      this.#say(`${member.name} opens a second tab`);
      await this.#open(member);
    } else {
      const [tab] = tabs;
      const text = tab.isForm ? await tab.text() : "";
      await tab.close();
      this.#say(`${member.name} closes tab ${this.#tabs.indexOf(tab)}`);
      this.#left(tab, text);
      this.#tabs.splice(this.#tabs.indexOf(tab), 1);
    }
  }

  async discard() {
    const tab = await this.#form();
    const link = tab.page.locator("#live-status").getByRole("link", { name: "Discard" });
    if ((await link.count()) === 0) return;
    await tab.go(() => link.click());
    const button = tab.page.getByRole("button", { name: "Discard my text" });
    // What was typed may have been taken back meanwhile.
    if ((await button.count()) > 0) {
      this.#drop(tab.member);
      this.#say(`${tab.member.name} discards what they typed, from tab ${this.#tabs.indexOf(tab)}`, "discarded");
      await tab.go(() => button.click());
    }
    if (!tab.isForm) await tab.openForm();
    await this.#arrive(tab);
  }

  // The command line

  async #edit() {
    const lines = (await this.terminal.text()).split("\n");
    const word = `c${(this.#count += 1)}`;
    lines.splice(this.random.below(lines.length), 0, word);
    await this.terminal.write(lines.join("\n"));
    return word;
  }

  async #pushed(word, output, before) {
    const { text } = await this.lane.agent(this.terminal.agent);
    this.#say(`published from code: ${JSON.stringify(text)}`);
    this.#holds("pushed and not published", minus([word], words(text)), text);
    const gone = minus(words(before), words(text));
    this.#holds("replaced by a push that does not show it", gone.filter((word) => !output.includes(word)), before, output);
    this.#save(text);
    this.#confirmed.set(word, this.log.length);
  }

  async merge() {
    const word = await this.#edit();
    const before = (await this.lane.agent(this.terminal.agent)).text;
    const local = await this.terminal.text();
    this.#say(`the code gets ${word}, and is merged`);
    let output = await this.terminal.tries(["sync", "--merge"]);
    if (output.code === 4) {
      this.#say("the code has marks, and keeps both", "marked");
      await this.terminal.decide();
      output = await this.terminal.run(["sync", "--push"]);
    }
    const after = (await this.lane.agent(this.terminal.agent)).text;
    const [mine, theirs] = [words(local), words(before)];
    const lost = minus(both(mine, theirs), words(after));
    const isRemoved = (word) => this.#saved.has(word) && !(mine.has(word) && theirs.has(word));
    this.#holds("lost by the merge of the command line", lost.filter((word) => !isRemoved(word)), local, before, after);
    await this.#pushed(word, output.stdout, before);
  }

  async push() {
    const word = await this.#edit();
    const before = (await this.lane.agent(this.terminal.agent)).text;
    const command = this.random.pick([
      ["push", "persona", "--force"],
      ["sync", "--push"],
    ]);
    this.#say(`the code gets ${word}, and goes up: ${command.join(" ")}`);
    await this.#pushed(word, (await this.terminal.run(command)).stdout, before);
  }

  async accept() {
    await this.terminal.run(["sync", this.random.pick(["--accept", "--pull"])]);
    const { text } = await this.lane.agent(this.terminal.agent);
    this.#say(`the code takes ${JSON.stringify(text)}`);
    this.#holds("not accepted", unequal(words(text), words(await this.terminal.text())), text);
  }

  // Everything at once

  // Two tabs publish at the same time, or a tab and a command line: one is first, and the other one is told.
  async together() {
    const [first, second] = [await this.#form(), await this.#form()];
    if (first === second) return this.save();
    const before = await this.#newest();
    const tabs = [first, second];
    const texts = await Promise.all(tabs.map((tab) => tab.text()));
    this.#say(`${first.member.name} and ${second.member.name} publish at once`);
    await Promise.all(tabs.map((tab) => tab.press("Publish")));
    const shown = await Promise.all(tabs.map((tab) => tab.shown()));
    const winners = tabs.filter((tab, at) => shown[at].path === tab.path);
    const differ = unequal(words(texts[0]), words(texts[1])).length > 0;
    if (winners.length === 2 && differ) this.#fail(`both were saved: ${JSON.stringify(texts)}`);
    // The one that was first is looked at first.
    for (const at of winners[0] === second ? [1, 0] : [0, 1]) await this.#afterPress(tabs[at], "together", texts[at], before);
  }

  async restart() {
    this.#say("the server restarts", "restarted");
    await this.lane.restart();
  }

  async signOut() {
    const member = this.random.pick(this.lane.members);
    this.#say(`the owner signs ${member.name} out`);
    await this.lane.endSessions(member);
  }

  // The end

  async #end() {
    for (const tab of this.#tabs) {
      const text = tab.isForm ? await tab.text() : "";
      await tab.close();
      this.#say(`tab ${this.#tabs.indexOf(tab)} is closed`);
      this.#left(tab, text);
    }
    const { agent } = this.terminal;
    const { text, newest } = await this.lane.agent(agent);
    const found = words(text);
    for (let number = 1; number <= newest; number += 1) {
      for (const word of words(await this.lane.version(agent, number))) found.add(word);
    }
    for (const member of this.lane.members) {
      await this.lane.signIn(member);
      const form = await this.lane.formOf(member.browser, agent);
      this.#say(`at the end ${member.name} has ${JSON.stringify(form)}`);
      for (const word of words(form)) if (word.startsWith(member.letter)) found.add(word);
    }
    const isRemoved = (word) => this.#removed.get(word) >= this.#confirmed.get(word);
    const lost = [...this.#confirmed.keys()].filter((word) => !found.has(word) && !isRemoved(word));
    this.#holds("lost", lost);
  }

  async close() {
    for (const tab of this.#tabs) await tab.page.close().catch(() => {});
  }
}

// Returns the words that only one of two sets has.
const unequal = (one, other) => [...minus(one, other), ...minus(other, one)];

// Takes one copy of a word out of a list. Returns whether there was one.
function take(list, word) {
  const at = list.indexOf(word);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
