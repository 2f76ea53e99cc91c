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

// Leaves words in the editor that are not saved; the server keeps them.
async function unsavedWords(owner, agent) {
  const { page } = owner;
  await owner.open("/");
  await page.getByRole("link", { name: agent, exact: true }).first().click();
  await page.locator(".actions a.primary").click();
  const kept = page.waitForResponse((response) => response.request().method() === "PUT");
  await page.locator("#edit textarea").first().fill("You sell shoes.\n\nBe friendly, and do not hurry anybody.");
  await kept;
}

export async function fill(world, { owner }) {
  const key = await makeKey(owner, "CI", "owner");
  await driftingAgent(world, key);
  await unsavedWords(owner, "Shop");
  await (await approveDevice(world, owner)).approve();
  await invite(owner, "viewer");
}
