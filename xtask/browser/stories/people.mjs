// A team comes together: first run, invitations, rights, sessions, keys, devices, a persona, and a check whose result is waiting.

import { equal, holds, shows } from "../expect.mjs";
import { approveDevice, driftingAgent } from "../fill.mjs";
import { accept, invite, makeKey, signIn } from "../people.mjs";
import { tell } from "../tell.mjs";

export const people = { name: "a team comes together", run: (browser) => tell(browser, { script: true }, story) };
export const withoutScript = { name: "a team without JavaScript", run: (browser) => tell(browser, { script: false }, story) };

async function story({ world, arrive, glance, done }) {
  // The first link makes the owner, once.
  const owner = await arrive();
  await owner.page.goto(world.firstLink);
  await glance(owner, "sign-in-link");
  await accept(owner, world.firstLink, { name: "Olive Owner", email: "olive@example.com" });
  await shows(owner, "No agents yet");
  await glance(owner, "front-empty");
  const late = await arrive();
  equal("a link that was used", (await late.page.goto(world.firstLink)).status(), 410);
  await shows(late, "was already used");
  done();

  // An editor is invited and accepts in a browser of their own.
  const link = await invite(owner, "editor");
  await glance(owner, "members-invited");
  const editor = await arrive();
  await editor.page.goto(link);
  await editor.page.getByLabel("Your name").fill("Edda Editor");
  await editor.page.getByLabel("E-mail address").fill("edda@example.com");
  await editor.page.getByLabel("Password", { exact: true }).fill("short");
  await editor.page.locator("form").evaluate((form) => (form.noValidate = true));
  await editor.page.locator("main button[type=submit]").click();
  await shows(editor, "At least");
  equal("the name that was typed", await editor.page.getByLabel("Your name").inputValue(), "Edda Editor");
  await glance(editor, "sign-in-link-invalid");
  await accept(editor, link, { name: "Edda Editor", email: "edda@example.com" });
  await shows(editor, "editor");
  done();

  // The page that somebody wanted is opened after they sign in, in a second browser.
  const second = await arrive();
  await second.open("/projects");
  await signIn(second, "edda@example.com");
  equal("where the sign-in led", new URL(second.page.url()).pathname, "/projects");
  done();

  // Her role changes; what she may no longer do, she is told.
  await owner.open("/members");
  await owner.page.getByRole("link", { name: "Edda Editor" }).click();
  await owner.page.locator('form[action$="/role"]').getByLabel("Role").selectOption("viewer");
  await owner.page.getByRole("button", { name: "Change the role" }).click();
  await editor.open("/");
  await shows(editor, "viewer");
  await owner.page.locator('form[action$="/role"]').getByLabel("Role").selectOption("editor");
  await owner.page.getByRole("button", { name: "Change the role" }).click();
  await editor.open("/");
  await shows(editor, "editor");
  done();

  // The owner ends her second session; the first one goes on.
  const sessions = owner.page.locator('form[action$="/sessions/end"] button');
  equal("sessions of the editor", await sessions.count(), 2);
  const last = await second.page.context().cookies();
  holds("the second browser has a session", last.some((cookie) => cookie.name.endsWith("keepstep_session")));
  await sessions.first().click();
  await owner.page.waitForLoadState();
  await editor.open("/projects");
  await second.open("/projects");
  const signedIn = await Promise.all([editor, second].map((person) => person.page.locator(".who").count()));
  equal("browsers that are still signed in", signedIn.reduce((sum, count) => sum + count, 0), 1);
  for (const person of [editor, second]) {
    if ((await person.page.locator(".who").count()) === 0) await signIn(person, "edda@example.com");
  }
  done();

  // A key is made, shown once, used by a check, and its result waits on the front page.
  const key = await makeKey(owner, "CI", "owner");
  await glance(owner, "keys-created");
  await driftingAgent(world, key);
  await editor.open("/");
  await shows(editor, "What waits for you");
  await shows(editor, "sync --push");
  await glance(editor, "front-waiting");
  await owner.open("/keys");
  holds("the key is not shown again", !(await owner.page.content()).includes(key));
  done();

  // The editor publishes a new persona; the command line sees it.
  await editor.page.getByRole("link", { name: "Shop" }).first().click();
  await editor.page.locator(".actions a", { hasText: /Edit|Write|draft/ }).first().click();
  await editor.page.locator('textarea[name="persona"], textarea').first().fill("You sell shoes.\n\nBe friendly and brief.");
  await editor.page.getByRole("button", { name: "Publish", exact: true }).click();
  await editor.page.waitForURL(/\/agents\/[^/]+(\?.*)?$/);
  await shows(editor, "Be friendly and brief.");
  const checked = await world.run(["sync", "--check"], { cwd: world.path("shop"), key, code: 1 });
  holds("the check shows the new words", checked.stdout.includes("brief"));
  done();

  // A device asks, is named, and let in; then it is signed out.
  const device = await approveDevice(world, editor);
  await shows(editor, "Let this device in?");
  await glance(editor, "connect-device");
  await device.approve();
  await world.run(["projects", "list"]);
  await editor.open("/connect");
  await editor.page.getByRole("link", { name: "Sign out" }).click();
  await glance(editor, "device-sign-out");
  await editor.page.locator("main button.danger").click();
  await world.run(["projects", "list"], { code: 9 });
  done();

  // The key is revoked, after a question that names it.
  await owner.open("/keys");
  await owner.page.getByRole("link", { name: "Revoke" }).click();
  await shows(owner, "CI");
  await owner.page.locator("main button.danger").click();
  await world.run(["sync", "--check"], { cwd: world.path("shop"), key, code: 9 });
  done();

  // A forgotten password: the owner makes a link, and the old sessions are over.
  await owner.open("/members");
  await owner.page.getByRole("link", { name: "Edda Editor" }).click();
  await owner.page.getByRole("button", { name: "Create a link for a new password" }).click();
  const reset = (await owner.page.getByLabel("The address of the link").innerText()).trim();
  const third = await arrive();
  await third.page.goto(reset);
  await third.page.getByLabel("Password", { exact: true }).fill("four other words here");
  await third.page.getByLabel("The same password again").fill("four other words here");
  await third.page.locator("main button[type=submit]").click();
  await third.page.locator(".who").waitFor();
  await editor.open("/projects");
  equal("the old session", await editor.page.locator(".who").count(), 0);
  done();

  // She is removed, after a question that says what stays.
  await owner.open("/members");
  await owner.page.getByRole("link", { name: "Edda Editor" }).click();
  await owner.page.getByRole("link", { name: "Remove Edda Editor" }).click();
  await glance(owner, "member-remove");
  await owner.page.locator("main button.danger").click();
  await third.open("/projects");
  equal("the session of somebody who was removed", await third.page.locator(".who").count(), 0);
  done();
}
