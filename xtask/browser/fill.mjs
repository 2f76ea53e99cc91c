// What a world has besides the demo: an agent whose code has drifted, a key, a device, an invitation that is open.

import { invite, makeKey } from "./people.mjs";

const agent = (persona) => `import { LuaAgent } from 'lua-cli';

export const agent = new LuaAgent({
  name: 'Shop',
  persona: \`${persona}\`,
});
`;

// Makes an agent from the command line, whose code then differs from what is published. Returns its folder.
export async function driftingAgent(world, key) {
  const cwd = world.path("shop");
  await world.write("shop/.gitignore", "node_modules\n");
  await world.run(["init", "agent", ".", "--name", "Shop"], { cwd, key });
  await world.write("shop/src/index.ts", agent("You sell shoes.\n\nBe friendly."));
  await world.run(["push", "persona", "--force"], { cwd, key });
  await world.write("shop/src/index.ts", agent("You sell shoes and socks.\n\nBe friendly."));
  await world.run(["sync", "--check"], { cwd, key, code: 1 });
  return cwd;
}

// Lets a command line in that shows a code, as its person does it on the pages. Returns the page that says so.
export async function approveDevice(world, person) {
  const started = await world.run(["login", "--no-browser", "--no-wait", world.url]);
  const code = /CODE:\s*(\S+)/.exec(started.stderr + started.stdout)?.[1];
  if (!code) throw new Error(`the command line shows no code\n${started.stdout}${started.stderr}`);
  const { page } = person;
  await person.open("/connect");
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
  return {
    approve: async () => {
      await page.getByRole("button", { name: "Approve" }).click();
      await page.waitForURL(/\/connect/);
      await world.run(["login", "--resume"]);
    },
  };
}

// Leaves words in the editor that are not saved; the server keeps them. They are typed before the script of the page is there.
async function unsavedWords(owner, agent) {
  const { page } = owner;
  await owner.open("/");
  await page.getByRole("link", { name: agent, exact: true }).first().click();
  // The page before has such a button, too.
  await page.waitForURL(/\/agents\/[^/]+$/);
  let typed;
  const areTyped = new Promise((resolve) => (typed = resolve));
  await page.route(/\/assets\/editor/, (route) => areTyped.then(() => route.continue()), { times: 1 });
  await page.locator(".actions a.primary").click({ noWaitAfter: true });
  await page.waitForURL(/\/edit$/, { waitUntil: "commit" });
  const isDraft = (response) => response.request().method() === "PUT" && new URL(response.url()).pathname.endsWith("/draft");
  const kept = page.waitForResponse(isDraft);
  await page.locator("#edit textarea").first().fill("You sell shoes.\n\nBe friendly, and do not hurry anybody.");
  typed();
  await kept;
}

const QUESTIONS = `scenario: {name: returns, description: Questions about shoes that come back}
personas: [{name: hurried, description: Wants an answer now}]
inputs:
  - {text: Can I return shoes that I wore once?, persona: hurried}
  - {text: Who pays for the parcel?}
  - {text: How long do I have?}
criteria:
  - {name: House rules, items: [{contains: thank you}]}
`;

const ANSWERING = `while read -r line; do
  case "$line" in
    *parcel*) text='We do, thank you for asking.' ;;
    *) text='Sorry, **no idea**.' ;;
  esac
  printf '{"type":"final","output":"%s"}\n' "$text"
done
`;

export const RUNNER = `name: returns
runner:
  process:
    command: [sh, answer.sh]
    protocol: jsonl
    reuse: true
`;

// Makes a project, the first one by its name, with test data and an experiment in which most cases fail.
export async function failingExperiment(world, key) {
  const cwd = world.path("returns");
  await world.write("returns/questions.yaml", QUESTIONS);
  await world.run(["projects", "create", "--name", "A shoe shop"], { cwd, key });
  await world.run(["bundles", "import", "questions.yaml"], { cwd, key });
  await world.run(["sync", "pull", "--scenario", "returns"], { cwd, key });
  await world.write("returns/.fluxloop/scenarios/returns/configs/simulation.yaml", RUNNER);
  await world.write("returns/.fluxloop/scenarios/returns/answer.sh", ANSWERING);
  await world.run(["test"], { cwd, key, code: 1 });
}

// Edits one input of the scenario that `failingExperiment` makes, and deletes another; neither is published.
async function editedInputs(owner) {
  const { page } = owner;
  await owner.open("/search?q=returns");
  await page.locator("tr", { hasText: "Scenario" }).getByRole("link").first().click();
  const input = (text) => page.locator("tr", { hasText: text });
  await input("parcel").getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Message 1", { exact: true }).fill("Who pays for the parcel back to you?");
  await page.getByRole("button", { name: "Save input" }).click();
  await input("How long").getByRole("link", { name: "Delete" }).click();
  await page.locator("main button.danger").click();
  await input("back to you").waitFor();
}

// Edits a criterion of that scenario, which is not published.
async function editedCriteria(owner) {
  const { page } = owner;
  await owner.open("/search?q=returns");
  await page.locator("tr", { hasText: "Scenario" }).getByRole("link").first().click();
  await page.getByRole("link", { name: "Criteria", exact: true }).click();
  await page.locator("tbody").getByRole("link", { name: "Edit" }).first().click();
  await page.getByLabel("Text", { exact: true }).fill("Thank you");
  await page.getByRole("button", { name: "Save criterion" }).click();
  await page.getByText("The criterion is saved in the draft.").waitFor();
}

// Pastes inputs and leaves them in their preview.
async function pastedInputs(owner) {
  const { page } = owner;
  await owner.open("/search?q=returns");
  await page.locator("tr", { hasText: "Scenario" }).getByRole("link").first().click();
  await page.getByRole("link", { name: "Add from a file or text" }).click();
  await page.getByLabel("Or paste").fill("text,persona,zip\nWhere is the label?,,08989\nWhere is my label?,nobody,1\n\"not closed,,\n");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "What will change" }).waitFor();
}

// Makes a webhook, to an address that nobody listens on.
async function webhook(owner) {
  const { page } = owner;
  await owner.open("/webhooks");
  await page.getByLabel("Address").fill("https://hooks.example.invalid/keepstep");
  await page.locator('main form input[type="checkbox"]').first().check();
  await page.getByRole("button", { name: "Create the webhook" }).click();
  await page.getByLabel("The secret").waitFor();
}

// Makes a link that shows an experiment, and returns it.
async function sharedExperiment(owner) {
  const { page } = owner;
  await owner.open("/projects");
  await page.locator('main a[href*="/experiments/"]').first().click();
  await page.getByRole("link", { name: "Share", exact: true }).click();
  await page.getByRole("button", { name: "Create a link" }).click();
  return (await page.getByLabel("Link", { exact: true }).innerText()).trim();
}

export async function fill(world, { owner }) {
  const key = await makeKey(owner, "CI", "owner");
  await driftingAgent(world, key);
  await failingExperiment(world, key);
  await editedInputs(owner);
  await editedCriteria(owner);
  await pastedInputs(owner);
  await webhook(owner);
  await unsavedWords(owner, "Shop");
  const shared = await sharedExperiment(owner);
  await (await approveDevice(world, owner)).approve();
  await invite(owner, "viewer");
  return { shared };
}
