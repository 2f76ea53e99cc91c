// How people get about: they follow links and press buttons by what these say, and wait for the page that comes.

// How long somebody looks at a page again and again for what is to come.
const PATIENCE = 60_000;

// Does something that opens a page, and waits for it.
export async function opens(person, act) {
  await Promise.all([person.page.waitForEvent("load"), act()]);
}

// Follows links from page to page: each is named by its text, or is an element.
export async function follow(person, ...links) {
  for (const link of links) await opens(person, () => named(person, "link", link).click());
}

// Presses a button that sends a form.
export async function press(person, button) {
  await opens(person, () => named(person, "button", button).click());
}

// Returns the row of a table that has a text.
export function row(person, text) {
  return person.page.locator("main tbody tr", { hasText: text });
}

// Returns what stands under the names of a list of facts.
export async function facts(person) {
  const pairs = await person.page.locator("main .facts > div").all();
  const read = pairs.map(async (pair) => [(await pair.locator("dt").innerText()).trim(), (await pair.locator("dd").innerText()).trim()]);
  return Object.fromEntries(await Promise.all(read));
}

// Opens the page anew until an element is there, as somebody does who has no script.
export async function reloadUntil(person, element) {
  const end = Date.now() + PATIENCE;
  while ((await element.count()) === 0) {
    if (Date.now() > end) {
      throw new Error(`${person.page.url()} never showed ${element}; it shows:\n${await person.page.locator("body").innerText()}`);
    }
    await person.page.reload();
  }
}

function named({ page }, role, name) {
  if (typeof name === "string") return page.getByRole(role, { name, exact: true }).first();
  return name instanceof RegExp ? page.getByRole(role, { name }).first() : name;
}
