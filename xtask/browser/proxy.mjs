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
