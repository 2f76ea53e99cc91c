// A real OpenID Connect provider on a free port of this machine, with a page that asks who somebody is, and no password.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.join(process.env.KEEPSTEP_PROVIDER, "index.js"));

// Starts a provider with one client and some people: what they are, by the name that they sign in with.
export async function identityProvider({ redirectUri, people }) {
  const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const secret = randomBytes(24).toString("base64url");
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const provider = new Provider(issuer, {
    clients: [{ client_id: "keepstep", client_secret: secret, redirect_uris: [redirectUri] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: [randomBytes(24).toString("base64url")] },
    jwks: { keys: [{ ...key, kid: "story", use: "sig", alg: "RS256" }] },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    // Whoever signs in lets the client know who they are.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.on("request", async (request, response) => {
    const url = new URL(request.url, issuer);
    if (!url.pathname.startsWith("/interaction/")) return answer(request, response);
    if (request.method === "GET") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      return response.end(`<!doctype html><html lang="en"><title>Who are you?</title>
<form method="post"><label>Account <input name="account"></label> <button>Continue</button></form>`);
    }
    let body = "";
    for await (const piece of request) body += piece;
    await provider.interactionFinished(request, response, { login: { accountId: new URLSearchParams(body).get("account") } });
  });
  return {
    issuer,
    name: new URL(issuer).host,
    secret,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
