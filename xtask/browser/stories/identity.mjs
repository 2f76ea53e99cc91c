// People sign in with an account of their identity provider, which is a real one: at an invitation, once it is linked, and not at all.

import { Person } from "../browser.mjs";
import { equal, holds, shows } from "../expect.mjs";
import { look } from "../look.mjs";
import { PASSWORD, accept, invite, signIn } from "../people.mjs";
import { identityProvider } from "../provider.mjs";
import { proxy } from "../proxy.mjs";
import { World } from "../world.mjs";

export const identity = { name: "an identity provider", run: story };

const PEOPLE = {
  olive: { email: "Olive@example.com", email_verified: true, name: "Olive Owner" },
  edda: { email: "edda@example.com", email_verified: true, name: "Edda Editor" },
  sam: { email: "sam@example.com", email_verified: true, name: "Sam Stranger" },
  una: { email: "olive@example.com", email_verified: false, name: "Una Unverified" },
};

async function story(browser) {
  // Below a path of a proxy, so that the way back is tested there, too.
  const before = await proxy("/tools/steps", { strips: true });
  const provider = await identityProvider({ redirectUri: `${before.url}/sign-in/oidc/callback`, people: PEOPLE });
  const world = await World.start({ proxy: before, provider });
  const everybody = [];
  const problems = [];
  const arrive = async (options = {}) => {
    const person = await Person.at(browser, world.url, options);
    everybody.push(person);
    return person;
  };
  let checks = 0;
  const done = () => (checks += 1);
  try {
    const owner = await arrive();
    await accept(owner, await world.ownerLink(), { name: "Olive Owner", email: "olive@example.com" });

    // Whoever is invited comes in with their account elsewhere, and needs no password.
    const link = await invite(owner, "editor");
    const editor = await arrive();
    await editor.page.goto(link);
    problems.push(...(await look(editor, "sign-in-link-provider")));
    await editor.page.getByRole("link", { name: `Continue with ${provider.name}` }).click();
    await as(editor, "edda");
    await shows(editor, "Edda Editor");
    equal("where an invitation leads", new URL(editor.page.url()).pathname, "/tools/steps/");
    await owner.open("/members");
    await shows(owner, "the identity provider");
    done();

    // In another browser, without a script, the page that was wanted opens afterwards.
    const second = await arrive({ script: false });
    await second.open("/projects?x=1");
    await second.page.getByRole("link", { name: `Sign in with ${provider.name}` }).click();
    await as(second, "edda");
    await second.page.locator(".who").waitFor();
    const reached = new URL(second.page.url());
    equal("where the sign-in led", reached.pathname + reached.search, "/tools/steps/projects?x=1");
    done();

    // A stranger is told what they need, and from whom; an address that is not verified is nobody's.
    const stranger = await arrive();
    await stranger.open("/sign-in");
    problems.push(...(await look(stranger, "sign-in-provider")));
    await begin(stranger, provider);
    await as(stranger, "sam");
    await shows(stranger, "You need an invitation: ask Olive Owner.");
    const unverified = await arrive();
    await unverified.open("/sign-in");
    await begin(unverified, provider);
    await as(unverified, "una");
    await shows(unverified, "has not verified the address olive@example.com");
    for (const person of [stranger, unverified]) {
      await person.open("/projects");
      equal("who is signed in", await person.page.locator(".who").count(), 0);
    }
    done();

    // Then he is invited to one project, and sees that one.
    for (const name of ["Orders", "Secret"]) {
      await world.run(["admin", "project", "create", "--data", world.path("data"), "--name", name]);
    }
    await owner.open("/members");
    await owner.page.getByRole("link", { name: "Invite to some projects only" }).click();
    await owner.page.getByLabel("Role in Orders").selectOption("editor");
    await owner.page.getByRole("button", { name: "Create an invitation" }).click();
    await shows(owner, "editor in Orders");
    const address = (await owner.page.getByLabel("The address of the invitation").innerText()).trim();
    await stranger.page.goto(address);
    await stranger.page.getByRole("link", { name: `Continue with ${provider.name}` }).click();
    await stranger.page.locator(".who").waitFor();
    await stranger.open("/projects");
    equal("what he sees", await stranger.page.locator("tbody th a").allInnerTexts(), ["Orders"]);
    done();

    // A verified address alone opens no account: it is linked once, by whoever knows the password.
    const unlinked = await arrive();
    await unlinked.open("/sign-in?next=/account");
    await begin(unlinked, provider);
    await as(unlinked, "olive");
    await shows(unlinked, "does not sign in with");
    await signIn(unlinked, "olive@example.com");
    await unlinked.page.getByLabel("Your password", { exact: true }).fill(PASSWORD);
    await unlinked.page.getByRole("button", { name: `Link ${provider.name}` }).click();
    problems.push(...(await look(unlinked, "identity-link")));
    await unlinked.page.getByRole("link", { name: `Continue with ${provider.name}` }).click();
    await shows(unlinked, "Linked. From now on it signs you in, too.");
    done();

    // Then it signs in. The code of that sign-in works once, also where the cookie is kept.
    const again = await arrive();
    await again.open("/sign-in");
    await begin(again, provider);
    const kept = (await again.context.cookies()).filter((cookie) => cookie.name === "keepstep_oidc");
    equal("cookies of a sign-in that has begun", kept.length, 1);
    let back = null;
    again.page.on("request", (request) => {
      if (request.url().includes("/sign-in/oidc/callback")) back = request.url();
    });
    await as(again, "olive");
    await shows(again, "owner");
    const thief = await arrive();
    await thief.page.goto(back);
    await shows(thief, "was begun in another browser");
    await thief.context.addCookies(kept);
    await thief.page.goto(back);
    await shows(thief, "its code was used already, or is too old");
    equal("who is signed in", await thief.page.locator(".who").count(), 0);
    done();

    // The account shows it, and lets go of it after a question; the password stays.
    await again.open("/account");
    await shows(again, provider.issuer);
    problems.push(...(await look(again, "account-identity")));
    await again.page.getByRole("link", { name: "Unlink" }).click();
    await shows(again, "Unlink this identity?");
    problems.push(...(await look(again, "identity-unlink")));
    await again.page.locator("main button.danger").click();
    await shows(again, "Not linked yet.");
    await again.page.locator('form[action$="/sign-out"] button').click();
    await again.open("/");
    await signIn(again, "olive@example.com");
    await editor.open("/account");
    await editor.page.getByRole("link", { name: "Unlink" }).click();
    await editor.page.locator("main button.danger").click();
    await shows(editor, "Set an e-mail address and a password first");
    done();

    // A provider that is gone leaves the password.
    provider.close();
    const late = await arrive();
    await late.open("/projects");
    await signIn(late, "olive@example.com");
    holds("the log has no secret", !world.log.includes(provider.secret));
    done();

    for (const person of everybody) {
      problems.push(...person.problems.filter((problem) => !problem.includes(`it asks another host: ${provider.issuer}/`)));
    }
    if (problems.length > 0) throw new Error([...new Set(problems)].join("\n"));
    return checks;
  } finally {
    await world.end();
    provider.close();
  }
}

async function begin(person, provider) {
  await person.page.getByRole("link", { name: `Sign in with ${provider.name}` }).click();
  await person.page.getByLabel("Account").waitFor();
}

// Tells the provider who somebody is.
async function as(person, account) {
  await person.page.getByLabel("Account").fill(account);
  await person.page.getByRole("button", { name: "Continue" }).click();
}
