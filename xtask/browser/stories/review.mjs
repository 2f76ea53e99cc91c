// A persona is proposed, reviewed and published where an owner asks for it, while others edit it, too.

import { equal, holds, shows } from "../expect.mjs";
import { accept, invite } from "../people.mjs";
import { tell } from "../tell.mjs";
import { follow, press, row } from "../walk.mjs";

export const review = { name: "a persona is reviewed", run: (browser) => tell(browser, { script: true }, story) };
export const reviewWithoutScript = { name: "a review without JavaScript", run: (browser) => tell(browser, { script: false }, story) };

const FIRST = "You sell shoes.\n\nBe friendly.\n\nNever promise a date.\n";

async function story(tale) {
  const people = await tale.team();
  people.reviewer = await tale.arrive();
  await accept(people.reviewer, await invite(people.owner, "editor"), { name: "Rhea Reviewer", email: "rhea@example.com" });
  await askForReviews(tale, people);
  await propose(tale, people);
  await requestChanges(tale, people);
  await approve(tale, people);
  await merge(tale, people);
  await choose(tale, people);
}

const openAgent = (person) => follow(person, "Agents", person.page.locator("#all").getByRole("link", { name: "Shop", exact: true }));
const openForm = async (person) => {
  await openAgent(person);
  await follow(person, person.page.locator(".actions a.primary"));
};
const persona = (person) => person.page.getByLabel("Persona", { exact: true });

// Changes what stands in the form, where it stands.
async function reword(person, from, to) {
  const text = await persona(person).inputValue();
  holds(`the form says ${from}: ${text}`, text.includes(from));
  await persona(person).fill(text.replace(from, to));
}

// Whoever waits for something finds it on the front page.
async function openWaiting(person, what) {
  await follow(person, "Agents");
  await follow(person, row(person, what).getByRole("rowheader").getByRole("link"));
}

// What the agent says of its persona in production.
async function published(person) {
  await openAgent(person);
  return person.page.locator('pre[aria-label="Persona"]').innerText();
}

// The owner makes an agent with a persona, and asks for reviews.
async function askForReviews({ done }, { owner, editor }) {
  const { page } = owner;
  await follow(owner, "Agents", "New agent");
  await page.getByLabel("Name").fill("Shop");
  await press(owner, "Create the agent");
  await follow(owner, "Write the persona");
  await persona(owner).fill(FIRST);
  await press(owner, "Publish");
  await shows(owner, "Published. It is in production");
  await follow(owner, "Members", "Publishing");
  const rule = page.locator("section", { has: page.getByRole("heading", { name: "Agents in no project" }) });
  await rule.getByLabel("Review").selectOption("someone else has approved it");
  await press(owner, rule.getByRole("button", { name: "Save" }));
  await shows(owner, "Saved.");
  equal("what the editor reads", (await published(editor)).trim(), FIRST.trim());
  done();
}

// The editor cannot publish past it, and proposes.
async function propose({ done }, { editor, viewer }) {
  await openForm(editor);
  await reword(editor, "Be friendly.", "Be friendly, and brief.");
  await editor.page.getByLabel("Message").fill("Answers are too long");
  await press(editor, "Publish");
  await shows(editor, "reviewed before they are published");
  equal("what she typed", await editor.page.getByLabel("Message").inputValue(), "Answers are too long");
  await press(editor, "Propose");
  await shows(editor, "waits for a review");
  const buttons = await editor.page.locator("main button").allInnerTexts();
  holds(`its author neither approves nor publishes it: ${buttons}`, !buttons.some((name) => ["Approve", "Publish"].includes(name)));
  await openAgent(viewer);
  await follow(viewer, viewer.page.getByRole("link", { name: "Version 2" }).first());
  await shows(viewer, "waits for a review");
  equal("forms that a viewer has for a review", await viewer.page.locator('main form[method="post"]').count(), 0);
  done();
}

// The reviewer finds it, and suggests something on a line.
async function requestChanges({ done, glance }, { editor, reviewer }) {
  const { page } = reviewer;
  await openWaiting(reviewer, "waits for a review");
  equal("what it changes", await page.locator(".diff .added .content").allInnerTexts(), ["Be friendly, and brief."]);
  await page.getByLabel("Comment").fill("Brief is not enough: say how brief.");
  await page.getByRole("spinbutton", { name: "Line" }).fill("3");
  await page.getByLabel("Suggest instead of that line").fill("Be friendly. Answer in two sentences.");
  await press(reviewer, "Request changes");
  await glance(reviewer, "version-changes-requested");
  await openWaiting(editor, "changes requested");
  await shows(editor, "Brief is not enough");
  await follow(editor, "Apply");
  await shows(editor, "The suggestion is in the form. Nothing is saved yet.");
  equal("the form", await persona(editor).inputValue(), FIRST.replace("Be friendly.", "Be friendly. Answer in two sentences."));
  await press(editor, "Propose");
  done();
}

// The reviewer approves, and the editor publishes; the owner has been writing in the meantime.
async function approve({ script, done }, { owner, editor, reviewer }) {
  await openForm(owner);
  await reword(owner, "You sell shoes.", "You sell shoes and socks.");
  // The server keeps what is typed: at a pause, or where somebody without a script looks at the preview.
  if (script) await owner.page.getByText("not saved yet").waitFor();
  else await press(owner, "Preview");
  await openWaiting(reviewer, "waits for a review");
  await shows(reviewer, "Version 3");
  await press(reviewer, "Approve");
  await shows(reviewer, "approved");
  await openWaiting(editor, "approved");
  await press(editor, "Publish");
  equal("what is in production", (await published(editor)).split("\n")[2], "Be friendly. Answer in two sentences.");
  await shows(editor, script ? "Olive Owner has this form open" : "Olive Owner typed here");
  done();
}

// The second to save gets both changes.
async function merge({ done, glance }, { owner, reviewer }) {
  await press(owner, "Propose");
  await shows(owner, "Edda Editor changed it");
  await shows(owner, "The form has both changes now.");
  const both = FIRST.replace("shoes.", "shoes and socks.").replace("Be friendly.", "Be friendly. Answer in two sentences.");
  equal("the form", await persona(owner).inputValue(), both);
  await glance(owner, "edit-merged");
  await press(owner, "Propose");
  await shows(owner, "waits for a review");
  await openWaiting(reviewer, "waits for a review");
  await press(reviewer, "Approve");
  done();
}

// Where both changed the same line, the second one chooses; nothing that was typed is lost.
async function choose({ done, glance }, { owner, editor, reviewer }) {
  const { page } = editor;
  await openForm(editor);
  await reword(editor, "Never promise a date.", "Never promise a date or a price.");
  await openForm(reviewer);
  await reword(reviewer, "Never promise a date.", "Promise no date.");
  await press(reviewer, "Propose");
  await press(editor, "Propose");
  await shows(editor, "Both of you changed the same lines.");
  const sides = (await page.locator("fieldset pre").allInnerTexts()).map((text) => text.trim());
  equal("mine and theirs", sides, ["Never promise a date or a price.", "Promise no date."]);
  await glance(editor, "edit-overlap");
  equal("what she typed", (await persona(editor).inputValue()).trim().split("\n").pop(), "Never promise a date or a price.");
  await page.getByLabel("Keep both, mine first").check();
  await press(editor, "Merge as chosen");
  await shows(editor, "The form has what you chose.");
  await press(editor, "Propose");
  await openWaiting(reviewer, "waits for a review");
  await press(reviewer, "Approve");
  await press(reviewer, "Publish");
  const text = FIRST.replace("shoes.", "shoes and socks.").replace("Be friendly.", "Be friendly. Answer in two sentences.");
  const wanted = text.replace("Never promise a date.", "Never promise a date or a price.\nPromise no date.");
  equal("what is in production", (await published(owner)).trim(), wanted.trim());
  done();
}
