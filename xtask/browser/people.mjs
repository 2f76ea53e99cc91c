// What people do on the pages of accounts, as they do it: by what the labels say.

import { Person } from "./browser.mjs";

export const PASSWORD = "three words here";

// Makes an account from a link, and ends signed in.
export async function accept(person, link, { name, email }) {
  const { page } = person;
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The same password again").fill(PASSWORD);
  await page.locator("main button[type=submit]").click();
  await page.locator(".who").waitFor();
}

export async function signIn(person, email) {
  const { page } = person;
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".who").waitFor();
}

// Makes an invitation, and returns its address.
export async function invite(owner, role) {
  const { page } = owner;
  await owner.open("/members");
  await page.getByLabel("Role").selectOption(role);
  await page.getByRole("button", { name: "Create an invitation" }).click();
  return (await page.getByLabel("The address of the invitation").innerText()).trim();
}

// Makes a key, and returns it.
export async function makeKey(owner, name, role) {
  const { page } = owner;
  await owner.open("/keys");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Role").selectOption(role);
  await page.getByRole("button", { name: "Create the key" }).click();
  return (await page.getByLabel("The key").innerText()).trim();
}

// Signs in an owner, an editor and a viewer, each in a browser of their own.
export async function team(browser, world, options = {}) {
  const owner = await Person.at(browser, world.url, options);
  await accept(owner, await world.ownerLink(), { name: "Olive Owner", email: "olive@example.com" });
  const others = [
    ["editor", { name: "Edda Editor", email: "edda@example.com" }],
    ["viewer", { name: "Vera Viewer", email: "vera@example.com" }],
  ];
  const people = { owner };
  for (const [role, account] of others) {
    const link = await invite(owner, role);
    people[role] = await Person.at(browser, world.url, options);
    await accept(people[role], link, account);
  }
  return people;
}
