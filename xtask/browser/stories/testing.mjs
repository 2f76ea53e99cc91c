// Test data travels to an agent and its results travel back: a project, inputs, a bundle version, a pull, edits at both ends, tests that
// are watched, and what a team does with what came of them.

import { readFile } from "node:fs/promises";
import { equal, holds, shows } from "../expect.mjs";
import { RUNNER, approveDevice } from "../fill.mjs";
import { tell } from "../tell.mjs";
import { facts, follow, opens, press, reloadUntil, row } from "../walk.mjs";

export const testing = { name: "a team tests an agent", run: (browser) => tell(browser, { script: true }, story) };
export const testingWithoutScript = { name: "tests without JavaScript", run: (browser) => tell(browser, { script: false }, story) };

const SCENARIO = "workspace/.fluxloop/scenarios/returns";
const INPUTS = `${SCENARIO}/inputs/generated.yaml`;

// What the editor has in a table elsewhere.
const SHEET = `question,who,topic,internal
Can I return shoes that I wore once?,Hurried,returns,7
Who pays for the parcel?,,cost,8
How long do I have?,Hurried,time,9
"Do you exchange them, too?",,exchange,10
`;

// An agent that answers by what it is asked. Before it says how many days there are it waits for a file, and for another before it says
// what it exchanges.
const agent = ({ worn, parcel }) => `until_there() {
  until [ -e "$1" ]; do sleep 0.05; done
}
while read -r line; do
  case "$line" in
    *wore*) text='${worn}' ;;
    *parcel*) text='${parcel}' ;;
    *days*) until_there asked-for-days; text='You have 30 days, thank you.' ;;
    *) until_there asked-for-exchange; text='Sorry, **no**.' ;;
  esac
  printf '{"type":"final","output":"%s"}\\n' "$text"
done
`;

const FIRST_AGENT = agent({ worn: "I do not know.", parcel: "We do, thank you for asking." });
const SECOND_AGENT = agent({ worn: "Yes, thank you for asking.", parcel: "We do." });

async function story(tale) {
  const people = await tale.team();
  await makeProject(tale, people);
  await writeTestData(tale, people);
  await travel(tale, people);
  await watch(tale, people);
  await judge(tale, people);
  await compare(tale, people);
  await share(tale, people);
  await exportFiles(tale, people);
  await deleteAndRestore(tale, people);
}

// Opens the project from the top of whatever page is open.
const openProject = (person) => follow(person, "Projects", "A shoe shop");
const openScenario = async (person) => {
  await openProject(person);
  await follow(person, "returns");
};
// Opens an experiment from the list of the project.
const openExperiment = async (person, name) => {
  await openProject(person);
  await follow(person, /experiments →/, name);
};

// The owner makes an agent, and a project that tests it.
async function makeProject({ done }, { owner }) {
  const { page } = owner;
  await follow(owner, "Agents", "New agent");
  await page.getByLabel("Name").fill("Shop");
  await press(owner, "Create the agent");
  await follow(owner, "Projects", "New project");
  await page.getByLabel("Name").fill("A shoe shop");
  await page.getByLabel("Agent under test").selectOption("Shop");
  await press(owner, "Create the project");
  await shows(owner, "Tests Shop");
  await follow(owner, page.locator("main").getByRole("link", { name: "Shop", exact: true }));
  equal("the agent that the project tests", await page.locator("h1").innerText(), "Shop");
  done();
}

// The editor writes what the agent is asked, and what a good answer is, and publishes it.
async function writeTestData({ done, glance }, { editor }) {
  const { page } = editor;
  await openProject(editor);
  await follow(editor, "New scenario");
  await page.getByLabel("Name").fill("returns");
  await page.getByLabel("Description").fill("Questions about shoes that come back");
  await press(editor, "Create the scenario");
  await shows(editor, "The scenario is created.");
  done();

  // Somebody to play.
  await follow(editor, "A shoe shop", "Personas", "New persona");
  await page.getByLabel("Name").fill("Hurried");
  await page.getByLabel("Difficulty").fill("hard");
  await page.getByLabel("Description").fill("Wants an answer now, and reads only the first sentence.");
  await press(editor, "Add the persona");
  await shows(editor, "Wants an answer now");
  done();

  // A table is pasted, and its columns are named.
  await openScenario(editor);
  await follow(editor, "Add from a file or text");
  await page.getByLabel("Or paste").fill(SHEET);
  await press(editor, "Preview");
  const columns = { 1: "What the user says", 2: "Persona", 3: "Tags", 4: "Leave out" };
  for (const [number, meaning] of Object.entries(columns)) await page.getByLabel(`What column ${number} is`).selectOption(meaning);
  await press(editor, "Update the preview");
  equal("what would change", await facts(editor), { New: "4", Changed: "0", "The same": "0", Problems: "0", "Nearly the same": "0" });
  await press(editor, "Add to the draft");
  equal("the page after it", await page.locator("h1").innerText(), "Added to the draft");
  await follow(editor, "Show the changed inputs");
  equal("the inputs", await page.locator(".inputs tbody tr").count(), 4);
  holds("an input has its persona and its tag", (await row(editor, "wore once").innerText()).match(/returns[^]*Hurried/));
  done();

  // One of them is worded better, where it stands.
  await follow(editor, row(editor, "parcel").getByRole("link", { name: "Edit" }));
  await page.getByLabel("Message 1", { exact: true }).fill("Who pays for the parcel back to you?");
  await press(editor, "Save input");
  await shows(editor, "The input is saved in the draft.");
  await row(editor, "back to you").waitFor();
  done();

  // What is nearly said already is pointed out. The columns are what they were the last time.
  await follow(editor, "Add from a file or text");
  await page.getByLabel("Or paste").fill("question,who,topic,internal\nWho pays for the PARCEL back to you,Hurried,cost,11\n");
  await press(editor, "Preview");
  equal("the new inputs that are nearly there", (await facts(editor))["Nearly the same"], "1");
  const chosen = await page.getByLabel(/What column \d is/).evaluateAll((all) => all.map((select) => select.selectedOptions[0].text));
  equal("the columns", chosen, Object.values(columns));
  await shows(editor, "These new rows say nearly what another input or row says.");
  await glance(editor, "sheet-nearly-the-same");
  await press(editor, "Add to the draft");
  await follow(editor, "Show the changed inputs", row(editor, /PARCEL/).getByRole("link", { name: "Delete" }));
  await shows(editor, "Delete this input?");
  await shows(editor, "Who pays for the PARCEL back to you");
  await press(editor, "Delete the input");
  equal("the inputs that say it", await row(editor, /parcel/i).count(), 1);
  done();

  // A criterion is tried before it is saved.
  await follow(editor, "Criteria", "New criterion");
  await page.getByLabel("Kind", { exact: true }).selectOption("Contains");
  await press(editor, "Use this kind");
  await page.getByLabel("Name of a new pack").fill("House rules");
  await page.getByLabel("Text", { exact: true }).fill("thank you");
  await page.getByLabel("Ignore case").check();
  const tried = page.locator(".notice", { hasText: "Nothing is saved yet." });
  for (const [answer, verdict] of [
    ["No.", "failed"],
    ["We do. Thank you for asking.", "passed"],
  ]) {
    await page.getByLabel("An answer").fill(answer);
    await press(editor, "Try without saving");
    equal(`what is said of ${answer}`, await tried.locator(".badge").innerText(), verdict);
  }
  equal("what was found in it", await tried.locator("mark").innerText(), "Thank you");
  await glance(editor, "criterion-tried");
  await press(editor, "Save criterion");
  await shows(editor, "The criterion is added to the draft.");
  done();

  await follow(editor, "returns", "Publish…");
  await shows(editor, "4 new, 0 changed and 0 deleted inputs; 4 in all.");
  await page.getByLabel("Message").fill("The first questions");
  await press(editor, "Publish version 1");
  await shows(editor, "The first questions");
  await shows(editor, "Not pulled yet.");
  done();
}

// The command line pulls it with the commands of the page, and both ends change something.
async function travel({ world, done, glance }, { editor }) {
  const { page } = editor;
  const cwd = world.path("workspace");
  const device = await approveDevice(world, editor);
  await device.approve();
  await openProject(editor);
  const [select, pull, test] = (await page.getByLabel("Commands").innerText()).trim().split("\n");
  equal("the command that tests", test, "keepstep test");
  await world.write("workspace/.gitignore", "");
  for (const command of [select, pull]) await world.run(command.split(" ").slice(1), { cwd });
  holds("the question is in the file", (await world.read(INPUTS)).includes("Who pays for the parcel back to you?"));
  await openScenario(editor);
  await follow(editor, "Versions", "Version 1");
  const pulls = page.locator("section", { has: page.locator("#pulls") });
  equal("where it was pulled", await pulls.locator("tbody tr").count(), 1);
  done();

  // She publishes another wording, and leaves a third one in the draft.
  await follow(editor, "returns");
  const reword = async (from, to) => {
    await follow(editor, row(editor, from).getByRole("link", { name: "Edit" }));
    await page.getByLabel("Message 1", { exact: true }).fill(to);
    await press(editor, "Save input");
    await shows(editor, "The input is saved in the draft.");
  };
  await reword("exchange", "Do you exchange shoes, too?");
  await follow(editor, "Publish…");
  await page.getByLabel("Message").fill("Shoes, not them");
  await press(editor, "Publish version 2");
  await follow(editor, "returns");
  await reword("wore once", "Can I return shoes that I wore twice?");
  done();

  // From the workspace comes a fourth one, made from the first version.
  await world.write(INPUTS, (await world.read(INPUTS)).replace("How long do I have?", "How many days do I have?"));
  const published = await world.run(["bundles", "publish", "--from-workspace", "--message", "Days are what counts"], { cwd });
  holds(`it says what went up: ${published.stdout}`, published.stdout.includes("1 input changed"));
  holds("what she published is in the file now", (await world.read(INPUTS)).includes("Do you exchange shoes, too?"));
  await openScenario(editor);
  await row(editor, "How many days do I have?").waitFor();
  await row(editor, "Do you exchange shoes, too?").waitFor();
  equal("the state of what she did not publish", await row(editor, "wore twice").locator(".badge.draft").innerText(), "changed");
  await follow(editor, "Versions");
  const versions = await page.locator("tbody tr th").allInnerTexts();
  equal(
    "the versions",
    versions.map((text) => text.split("\n").pop().trim()),
    ["Days are what counts", "Shoes, not them", "The first questions"],
  );
  await follow(editor, "Version 3");
  equal("what the third one changed", await page.locator(".diff .added .content").allInnerTexts(), ["user: How many days do I have?"]);
  await glance(editor, "bundle-from-workspace");
  done();
}

// The command line tests the agent, and the editor looks on.
async function watch({ world, script, done, glance }, { editor, viewer }) {
  const { page } = editor;
  const cwd = world.path("workspace");
  await world.write(`${SCENARIO}/configs/simulation.yaml`, RUNNER);
  await world.write(`${SCENARIO}/answer.sh`, FIRST_AGENT);
  const test = world.start(["test", "--parallel", "1"], { cwd });
  await openProject(editor);
  const running = row(editor, "running");
  await reloadUntil(editor, running);
  await follow(editor, running.getByRole("link"));
  const hasEnded = (count) => page.getByText(`This test is running: ${count} of 4 cases have ended`);
  const until = (element) => (script ? element.waitFor() : reloadUntil(editor, element));
  await until(hasEnded(2));
  await row(editor, "We do, thank you for asking.").waitFor();
  equal("the cases that are told", await page.locator(".cases tbody tr").count(), 2);
  await glance(editor, "experiment-running");
  const mark = () => page.evaluate(() => (window.isThisPage ??= crypto.randomUUID()));
  const same = script && (await mark());
  await world.write(`${SCENARIO}/asked-for-days`, "");
  await until(hasEnded(3));
  await row(editor, "You have 30 days, thank you.").waitFor();
  await world.write(`${SCENARIO}/asked-for-exchange`, "");
  const ended = await test.ended;
  equal(`the exit code of the test\n${ended.stdout}${ended.stderr}`, ended.code, 1);
  await until(page.locator("h1 .badge", { hasText: "with failures" }));
  if (script) equal("the page that showed it", await mark(), same);
  const found = await facts(editor);
  equal("its figures", [found.Cases, found.Passed, found["Not passed"]], ["4", "2", "2"]);
  equal("the cases, failed first", await page.locator(".cases .badge").allInnerTexts(), ["failed", "failed", "passed", "passed"]);
  done();

  // It is given a name.
  await follow(editor, "Edit");
  await page.getByLabel("Name").fill("First try");
  await page.getByLabel("Tags").fill("nightly");
  await page.getByLabel("Note").fill("Before it was told to be polite.");
  await press(editor, "Save");
  await openProject(viewer);
  await follow(viewer, "First try");
  await shows(viewer, "Before it was told to be polite.");
  done();
}

// People say what they think of the answers; a viewer reads them.
async function judge({ script, done }, { editor, viewer }) {
  const { page } = editor;
  const experiment = new URL(viewer.page.url()).pathname;
  const links = await viewer.page.locator("main a").allInnerTexts();
  holds(`a viewer is offered nothing that changes it: ${links}`, !links.some((name) => ["Edit", "Share", "Delete"].includes(name)));
  await follow(viewer, viewer.page.locator(".cases th a").first());
  equal("forms that a viewer has for a case", await viewer.page.locator("main form").count(), 0);
  const csrf = await viewer.page.locator("input[name=csrf]").first().inputValue();
  for (const [path, form] of [
    [`${new URL(viewer.page.url()).pathname}/verdict`, { csrf, verdict: "right" }],
    [`${experiment}/delete`, { csrf }],
  ]) {
    const answer = await viewer.context.request.post(viewer.base + path, { form, maxRedirects: 0, headers: { origin: viewer.base } });
    equal(`a viewer's ${path}`, answer.status(), 403);
  }
  done();

  await openExperiment(editor, "First try");
  await follow(editor, page.locator(".cases tr", { hasText: "failed" }).first().getByRole("link"));
  const first = await page.locator("h1").innerText();
  const said = page.locator(".said .badge");
  if (script) {
    await opens(editor, () => page.keyboard.press("2"));
    equal("what she said", await said.allInnerTexts(), ["wrong"]);
    await opens(editor, () => page.keyboard.press("j"));
    await opens(editor, () => page.keyboard.press("1"));
  } else {
    await page.getByLabel("Comment").fill("It has to know that.");
    await press(editor, page.locator("#people ~ form").getByRole("button", { name: "Wrong" }));
    equal("what she said", await said.allInnerTexts(), ["wrong"]);
    await shows(editor, "It has to know that.");
    await follow(editor, "Next failure →");
    await press(editor, page.locator("#people ~ form").getByRole("button", { name: "Right" }));
  }
  holds("another case is open", (await page.locator("h1").innerText()) !== first);
  equal("what she said of it", await said.allInnerTexts(), ["right"]);
  await follow(viewer, "First try", viewer.page.locator(".cases th a").first());
  equal("what the viewer reads", await viewer.page.locator(".said .badge").allInnerTexts(), ["wrong"]);
  done();

  // What the draft words otherwise by now becomes an input again.
  await follow(editor, "First try", page.locator(".cases th a", { hasText: "wore once" }));
  await opens(editor, () => (script ? page.keyboard.press("i") : page.getByRole("button", { name: "Add to the inputs" }).click()));
  equal("what is asked", await page.getByLabel("Message 1", { exact: true }).inputValue(), "Can I return shoes that I wore once?");
  await page.getByLabel("Tags", { exact: true }).fill("seen to fail");
  await press(editor, "Save input");
  await row(editor, "seen to fail").waitFor();
  equal("the inputs of the draft", await page.locator(".inputs tbody tr").count(), 5);
  done();
}

// Another version of the agent is compared with the first one.
async function compare({ world, done, glance }, { editor }) {
  const { page } = editor;
  await openExperiment(editor, "First try");
  await press(editor, "Make it the baseline");
  await page.locator("#experiment .head .badge", { hasText: "baseline" }).waitFor();
  await world.write(`${SCENARIO}/answer.sh`, SECOND_AGENT);
  await world.run(["test", "--parallel", "1"], { cwd: world.path("workspace"), code: 1 });
  await openProject(editor);
  await follow(editor, page.locator(".list tbody th a").first());
  await follow(editor, "Edit");
  await page.getByLabel("Name").fill("Second try");
  await press(editor, "Save");
  await follow(editor, "Compare with First try");
  const inputs = page.locator("article.compared h3");
  equal("what changed, regressions first", await inputs.locator(".badge").allInnerTexts(), ["worse", "better"]);
  holds("the regression is the parcel", (await inputs.first().innerText()).includes("Who pays for the parcel back to you?"));
  const lost = page.locator("article.compared").first().locator(".diff .removed .content");
  equal("the words that it lost", await lost.allInnerTexts(), ["We do, thank you for asking."]);
  holds("the first one is the baseline", (await page.locator(".facts").first().innerText()).includes("baseline"));
  await glance(editor, "compare-regression");
  // The same is found by ticking both.
  const path = new URL(page.url()).pathname;
  await follow(editor, "Experiments");
  await page.getByLabel("Compare First try").check();
  await page.getByLabel("Compare Second try").check();
  await press(editor, "Compare what is ticked");
  equal("where it led", new URL(page.url()).pathname, path);
  equal("what changed", await inputs.locator(".badge").allInnerTexts(), ["worse", "better"]);
  done();
}

// A link shows an experiment to somebody who has no account, until it is revoked.
async function share({ arrive, done, glance }, { editor }) {
  const { page } = editor;
  await openExperiment(editor, "Second try");
  await follow(editor, "Share");
  await press(editor, "Create a link");
  const link = (await page.getByLabel("Link", { exact: true }).innerText()).trim();
  await glance(editor, "share-created");
  const stranger = await arrive();
  equal("what a link is answered with", (await stranger.page.goto(link)).status(), 200);
  await shows(stranger, "Second try");
  await shows(stranger, "Who pays for the parcel back to you?");
  equal("forms of somebody without an account", await stranger.page.locator("form").count(), 0);
  await follow(editor, /^Revoke the link/);
  await shows(editor, "It shows Second try");
  await press(editor, "Revoke the link");
  await shows(editor, "Revoked. The link no longer works.");
  equal("what a link that was revoked is answered with", (await stranger.page.goto(link)).status(), 404);
  holds("nothing of it is shown", !(await stranger.page.content()).includes("parcel"));
  done();
}

// What goes into other programs is a file.
async function exportFiles({ arrive, world, done }, { viewer }) {
  const { page } = viewer;
  await openExperiment(viewer, "Second try");
  const save = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
  };
  const csv = (await save("CSV")).text.trim().split(/\r?\n/);
  equal("the lines of the CSV", csv.length, 5);
  const [parcel] = csv.filter((line) => line.includes("Who pays for the parcel back to you?"));
  holds(`its line has the answer: ${parcel}`, parcel.includes("We do."));
  const json = JSON.parse((await save("JSON")).text);
  equal("the cases in the JSON", json.cases.map((one) => one.status).sort(), ["completed", "completed", "failed", "failed"]);
  const junit = (await save("JUnit")).text;
  equal("the tests in the JUnit file", [junit.match(/<testcase /g).length, junit.match(/<failure/g).length], [4, 2]);
  const html = await save("HTML, one file");
  await world.write(html.name, html.text);
  const reader = await arrive();
  await reader.page.goto(`file://${world.path(html.name)}`);
  await shows(reader, "Second try");
  await shows(reader, "Who pays for the parcel back to you?");
  done();
}

// An experiment is deleted by somebody who was asked about it by its name, and comes back.
async function deleteAndRestore({ done }, { owner, editor, viewer }) {
  const { page } = editor;
  await openExperiment(editor, "Second try");
  await follow(editor, "Delete");
  equal("the question", await page.locator("h1").innerText(), "Delete the experiment Second try?");
  await press(editor, "Delete the experiment");
  await shows(editor, "Deleted. The experiment can be restored for a day.");
  await openProject(viewer);
  equal("what a viewer sees of it", await viewer.page.getByRole("link", { name: "Second try" }).count(), 0);
  await press(editor, "Restore");
  await shows(editor, "Second try");
  equal("its cases", (await facts(editor)).Cases, "4");
  await openExperiment(viewer, "Second try");
  done();

  // The owner can read who did it.
  await follow(owner, "Activity");
  for (const what of ["Restore an experiment", "Delete an experiment"]) {
    const entry = await owner.page.locator("main tbody tr", { hasText: what }).first().innerText();
    holds(`the activity says who did it and about what: ${entry}`, entry.includes("Edda Editor") && entry.includes("Second try"));
  }
  done();
}
