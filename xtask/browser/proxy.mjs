// A proxy as it stands before a server in a company: the server is below a path of its address. It hands the path on, or takes it away.

import { createServer, request } from "node:http";
import { once } from "node:events";

export async function proxy(prefix, { strips }) {
  let target = null;
  const server = createServer((incoming, outgoing) => {
    if (incoming.url !== prefix && !incoming.url.startsWith(`${prefix}/`)) {
      outgoing.writeHead(404).end("no such site");
      return;
    }
    const path = strips ? incoming.url.slice(prefix.length) || "/" : incoming.url;
    const { hostname, port } = new URL(target);
    const headers = { ...incoming.headers, "x-forwarded-for": "203.0.113.7" };
    const sent = request({ hostname, port, path, method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    sent.on("error", () => outgoing.destroy());
    outgoing.on("close", () => sent.destroy());
    incoming.pipe(sent);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}${prefix}`,
    to: (url) => (target = url),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// Answers as a proxy does whose server is away, at the address of the server, until what is waited for has been asked for.
export async function badGateway(url, isWaitedFor) {
  const { hostname, port } = new URL(url);
  const server = createServer();
  const asked = new Promise((resolve) => {
    server.on("request", (incoming, outgoing) => {
      outgoing.writeHead(502).end("Bad Gateway");
      if (isWaitedFor(incoming.url)) outgoing.on("close", resolve);
    });
  });
  server.listen(Number(port), hostname);
  await once(server, "listening");
  await asked;
  server.closeAllConnections();
  server.close();
}
