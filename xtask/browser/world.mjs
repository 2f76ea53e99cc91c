// A server of its own for one story, on a free port and with data that is thrown away, and the command line beside it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createServer } from "node:net";
import path from "node:path";

const PROGRAM = process.env.KEEPSTEP_PROGRAM;

// How long one command may take before it counts as hung.
const LIMIT = 120_000;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

export class World {
  #server;
  #folder;
  #proxy;
  #provider;
  #listen;

  // Starts a server. `demo` fills it with what `keepstep demo` shows, and `tour` is that command itself, which serves on; `proxy`
  // stands before it; people sign in with `provider`.
  static async start({ demo = false, tour = false, proxy = null, provider = null } = {}) {
    const world = new World();
    world.#folder = await mkdtemp(path.join(tmpdir(), "keepstep-browser-"));
    await mkdir(world.path("home"), { recursive: true });
    try {
      if (demo) {
        await world.run(["demo", "--once", "--fast", "--data", world.path("data")]);
      }
      world.#proxy = proxy;
      world.#provider = provider;
      await (tour ? world.#begin(["demo", "--fast"]) : world.serve());
    } catch (error) {
      await world.end();
      throw error;
    }
    return world;
  }

  // Returns a path of this world.
  path(name) {
    return path.join(this.#folder, name);
  }

  // Starts the server, at the same address where it was stopped: pages are open there.
  async serve() {
    // With a public address the server prints that one, so the port has to be known before.
    const listen = this.#listen ?? `127.0.0.1:${this.#proxy ? await freePort() : 0}`;
    const options = this.#proxy ? ["--public-url", this.#proxy.url] : [];
    const secrets = {};
    if (this.#provider) {
      options.push("--oidc-issuer", this.#provider.issuer, "--oidc-client-id", "keepstep");
      secrets.KEEPSTEP_OIDC_CLIENT_SECRET = this.#provider.secret;
    }
    await this.#begin(["serve", "--listen", listen, ...options], secrets);
    this.#listen = this.#proxy ? listen : new URL(this.url).host;
    this.#proxy?.to(`http://${listen}`);
  }

  // Starts a command that serves, and waits until it says where.
  async #begin(args, secrets = {}) {
    const server = spawn(PROGRAM, [...args, "--json", "--data", this.path("data")], {
      env: { ...this.#environment(), ...secrets, KEEPSTEP_LOG: "warn" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#server = server;
    let printed = "";
    // What it logs is shown where a story fails.
    this.log = "";
    server.stderr.on("data", (text) => (this.log += text));
    const announced = new Promise((resolve, reject) => {
      const complain = () => reject(new Error(`\`keepstep ${args[0]}\` printed no address\n${printed}${this.log}`));
      const timer = setTimeout(complain, LIMIT);
      server.once("exit", complain);
      server.stdout.on("data", (text) => {
        printed += text;
        if (!printed.includes("\n")) return;
        clearTimeout(timer);
        server.off("exit", complain);
        resolve(JSON.parse(printed));
      });
    });
    const { url, link } = await announced;
    this.url = url;
    this.firstLink = link;
  }

  // Stops the server and keeps its data.
  async stop() {
    const server = this.#server;
    if (server && server.exitCode === null && server.signalCode === null) {
      const exit = once(server, "exit");
      server.kill("SIGTERM");
      // What hangs with open streams is not waited for.
      const timer = setTimeout(() => server.kill("SIGKILL"), 5_000);
      await exit;
      clearTimeout(timer);
    }
  }

  async end() {
    await this.stop();
    this.#proxy?.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  // Returns a link by which an owner signs in: that of the first start, or a new one.
  async ownerLink() {
    return this.firstLink ?? (await this.run(["admin", "owner-link", "--data", this.path("data")])).stdout.trim();
  }

  // Runs our own program, and returns what it printed. An exit code other than `code` is an error.
  async run(args, { code = 0, cwd = this.#folder, key = null, input = "" } = {}) {
    const { child, ended } = this.start(args, { cwd, key });
    child.stdin.end(input);
    const output = await ended;
    if (output.code !== code) {
      throw new Error(`\`keepstep ${args.join(" ")}\` exited with ${output.code}, not with ${code}\n${output.stdout}${output.stderr}`);
    }
    return output;
  }

  // Starts our own program. What it has printed so far is in `output`.
  start(args, { cwd = this.#folder, key = null } = {}) {
    const env = { ...this.#environment() };
    if (this.url) env.KEEPSTEP_URL = this.url;
    if (key) env.KEEPSTEP_API_KEY = key;
    const child = spawn(PROGRAM, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"], timeout: LIMIT, killSignal: "SIGKILL" });
    const output = { stdout: "", stderr: "", code: null };
    child.stdin.on("error", () => {});
    child.stdout.on("data", (text) => (output.stdout += text));
    child.stderr.on("data", (text) => (output.stderr += text));
    const ended = once(child, "close").then(([code]) => ({ ...output, code }));
    return { child, output, ended };
  }

  // Writes a file of this world.
  async write(name, text) {
    await mkdir(path.dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), text);
  }

  // Returns what a file of this world says.
  async read(name) {
    return readFile(this.path(name), "utf8");
  }

  #environment() {
    return { PATH: process.env.PATH, HOME: this.path("home"), LANG: "C.UTF-8", NO_COLOR: "1" };
  }
}
