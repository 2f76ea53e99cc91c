// What a story expects, told with what was found.

export function equal(what, found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
  }
}

export function holds(what, condition) {
  if (!condition) throw new Error(`${what}: this does not hold`);
}

// Fails unless the page shows a text.
export async function shows(person, text) {
  const main = person.page.locator("body");
  try {
    await person.page.waitForFunction((text) => document.body.innerText.includes(text), text);
  } catch {
    throw new Error(`${person.page.url()} does not show ${JSON.stringify(text)}; it shows:\n${await main.innerText()}`);
  }
}
