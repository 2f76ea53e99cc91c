// Runs one function of a module on many inputs. keepstep talks to it in JSON lines over the descriptors 3 and 4; what the
// module prints goes to standard error. The requests come over a socket and not a file stream, whose blocking read would keep
// the process alive when the module ends it.
import { existsSync, readdirSync, realpathSync, writeSync } from "node:fs";
import { register } from "node:module";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MessageChannel } from "node:worker_threads";

const LIMIT = 60 * 1024 * 1024;

function send(message) {
  let text;
  try {
    text = JSON.stringify(message);
  } catch {
    text = JSON.stringify({ type: "error", id: message.id, error: "the answer cannot be written as JSON" });
  }
  // Half of a character is valid in JavaScript and nowhere else.
  if (/\\ud[89a-f]/.test(text)) {
    text = JSON.stringify(JSON.parse(text), (_, value) => (typeof value === "string" ? Buffer.from(value).toString() : value));
  }
  let data = Buffer.from(text + "\n");
  if (data.length > LIMIT) {
    const error = `the answer has ${data.length} bytes; the most is ${LIMIT}`;
    data = Buffer.from(JSON.stringify({ type: "error", id: message.id, error }) + "\n");
  }
  for (let sent = 0; sent < data.length; ) {
    try {
      sent += writeSync(4, data, sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function said(error) {
  return error instanceof Error ? error.message || error.name : String(error);
}

// As the interpreter itself prints it: type and message.
function exception(error) {
  if (!(error instanceof Error)) return String(error);
  const name = error.name || error.constructor?.name || "Error";
  return error.message ? `${name}: ${error.message}` : name;
}

// Returns the innermost line of the project's own code.
function place(error, search) {
  const lines = error instanceof Error && typeof error.stack === "string" ? error.stack.split("\n") : [];
  for (const line of lines) {
    const found = /^\s+at (?:(?:async )?(.*?) \()?(?:file:\/\/)?(\/[^()]*?):(\d+)(?::\d+)?\)?$/.exec(line);
    if (found === null || found[2].includes("/node_modules/")) continue;
    const path = decodeURI(found[2]);
    const folder = search.map((folder) => join(real(folder), "/")).find((folder) => path.startsWith(folder));
    const name = found[1]?.replace(/^(?:Module|Object)\./, "");
    return {
      file: folder === undefined ? path : path.slice(folder.length),
      line: Number(found[3]),
      function: name === undefined || name.includes("<anonymous>") ? null : name,
    };
  }
  return null;
}

function real(folder) {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

function trace(error) {
  const lines = error instanceof Error && typeof error.stack === "string" ? error.stack.split("\n") : [];
  return lines.filter((line) => !line.includes("[eval") && !line.includes("node:internal")).slice(0, 13).join("\n");
}

function textIn(value, depth = 0) {
  if (typeof value === "string") return value;
  if (depth > 6 || value === null || typeof value !== "object") return undefined;
  if (Array.isArray(value)) {
    const parts = value.map((item) => textIn(item, depth + 1)).filter(Boolean);
    return parts.length > 0 ? parts.join("") : undefined;
  }
  for (const name of ["delta", "text", "content", "update", "message", "item", "data"]) {
    const text = value[name] === undefined ? undefined : textIn(value[name], depth + 1);
    if (text !== undefined) return text;
  }
  return undefined;
}

function asText(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  const text = Array.isArray(value) && value.some((item) => typeof item === "string") ? undefined : textIn(value);
  if (text !== undefined) return text;
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Error(`the agent returned what cannot be written as JSON: ${value}`);
  }
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    throw new Error(`the agent returned what cannot be written as JSON: ${said(error).split("\n")[0]}`);
  }
}

function usageOf(value) {
  const usage = value?.token_usage ?? value?.usage;
  if (usage === null || typeof usage !== "object") return null;
  const counts = Object.entries(usage).filter(([, count]) => Number.isFinite(count));
  return counts.length > 0 ? Object.fromEntries(counts) : null;
}

// Returns the names that are most like one, the nearest first.
function near(name, names) {
  const distance = (a, b) => {
    let row = Array.from({ length: b.length + 1 }, (_, index) => index);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      row = next;
    }
    return row[b.length];
  };
  const far = Math.max(2, name.length / 2);
  const found = names.map((other) => [distance(name, other), other]).filter(([steps]) => steps <= far);
  return found.sort(([a], [b]) => a - b).slice(0, 3).map(([, other]) => other);
}

function filesNear(file, folders) {
  const names = new Set();
  for (const folder of folders) {
    try {
      const beside = dirname(resolve(folder, file));
      for (const name of readdirSync(beside)) if (/\.[cm]?[jt]sx?$/.test(name)) names.add(join(dirname(file), name));
    } catch {}
  }
  return near(file, [...names]);
}

function atPath(value, path) {
  for (const part of path.replaceAll("[", ".").replaceAll("]", "").split(".")) value = value?.[part];
  return typeof value === "string" ? value : undefined;
}

async function answer(run, request, path) {
  let result = await run(request.input, request.context);
  const events = result?.[Symbol.asyncIterator] ?? (typeof result === "string" || Array.isArray(result) ? undefined : result?.[Symbol.iterator]);
  let usage = null;
  if (events !== undefined) {
    let text = "";
    for await (const event of result) {
      text += atPath(event, path) ?? textIn(event) ?? "";
      usage = usageOf(event) ?? usage;
    }
    result = text;
  }
  usage = usageOf(result) ?? usage;
  const tools = Array.isArray(result?.tool_calls) ? result.tool_calls : null;
  return { type: "final", id: request.id, output: asText(result), token_usage: usage, tool_calls: tools };
}

// Runs beside the module, in a thread of Node's for loading: finds modules as TypeScript names them, and has keepstep take their
// types away.
const HOOKS = `
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

let port;
let last = 0;
const waiting = new Map();

export async function initialize(data) {
  port = data.port;
  port.on("message", (answer) => {
    const { resolve, reject } = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) port.unref();
    if (answer.error === undefined) resolve(answer);
    else reject(new SyntaxError(answer.error));
  });
  port.unref();
}

const isFile = (path) => existsSync(path) && statSync(path).isFile();

function candidates(path) {
  const typed = path.replace(/\\.([cm]?)js(x?)$/, ".$1ts$2");
  const endings = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", "/index.ts", "/index.tsx", "/index.mts", "/index.js"];
  return [path, ...(typed === path ? [] : [typed]), ...endings.map((ending) => path + ending)];
}

export async function resolve(specifier, context, next) {
  if (/^(\\.{1,2}\\/|\\/|file:)/.test(specifier) && context.parentURL?.startsWith("file:")) {
    const path = fileURLToPath(new URL(specifier, context.parentURL));
    const found = candidates(path).find(isFile);
    if (found !== undefined && /\\.[cm]?tsx?$/.test(found)) {
      return { url: pathToFileURL(found).href, format: "module", shortCircuit: true };
    }
    if (found !== undefined && found !== path) return next(pathToFileURL(found).href, context);
  }
  if (/\\.[cm]?tsx?$/.test(specifier) && specifier.startsWith("file:")) return { url: specifier, format: "module", shortCircuit: true };
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith("file:") || !/\\.[cm]?tsx?$/.test(url)) return next(url, context);
  const path = fileURLToPath(url);
  const text = await readFile(path, "utf8");
  const id = ++last;
  const { code, map } = await new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    port.ref();
    port.postMessage({ id, path, text });
  });
  const encoded = Buffer.from(map).toString("base64");
  const source = code + "\\n//# sourceMappingURL=data:application/json;base64," + encoded + "\\n";
  return { format: "module", source, shortCircuit: true };
}
`;

let transformed = () => {};

function understandTypeScript() {
  const { port1, port2 } = new MessageChannel();
  port1.on("message", (wanted) => send({ type: "transform", ...wanted }));
  port1.unref();
  transformed = (answer) => port1.postMessage(answer);
  const hooks = "data:text/javascript;base64," + Buffer.from(HOOKS).toString("base64");
  register(hooks, { data: { port: port2 }, transferList: [port2] });
}

async function load(settings) {
  const [file, path] = settings.target.split("#");
  const found = settings.search.map((folder) => resolve(folder, file)).find((candidate) => existsSync(candidate));
  if (found !== undefined && /\.[cm]?tsx?$/.test(file)) understandTypeScript();
  if (found === undefined) return { error: `file ${file} not found`, candidates: filesNear(file, settings.search), is_missing: true };
  const module = await import(pathToFileURL(found).href);
  let owner = module;
  let value = module;
  for (const part of path.split(".")) {
    owner = value;
    value = value?.[part];
  }
  if (typeof value === "function") return { run: value.bind(owner) };
  const names = Object.keys(module).filter((name) => typeof module[name] === "function");
  const nearest = near(path, names);
  const candidates = nearest.length > 0 ? nearest : names.slice(0, 3);
  return { error: `${file} has no function ${path}`, candidates };
}

process.on("unhandledRejection", (error) => console.error("unhandled rejection:", error));
let settings;
let run;
let last = Promise.resolve();
const lines = createInterface({ input: new Socket({ fd: 3, readable: true, writable: false }), crlfDelay: Infinity });
lines.on("close", () => process.exit(0));
lines.on("line", (line) => {
  const message = JSON.parse(line);
  if (message.type === "transformed") return transformed(message);
  last = last.then(async () => {
    if (settings === undefined) {
      settings = message;
      try {
        const loaded = await load(settings);
        if (loaded.run === undefined) return send({ type: "failed", candidates: [], ...loaded });
        run = loaded.run;
        return send({ type: "ready" });
      } catch (error) {
        return send({ type: "failed", error: said(error), traceback: trace(error) });
      }
    }
    try {
      send(await answer(run, message, settings.stream_output_path));
    } catch (error) {
      const location = place(error, settings.search);
      send({ type: "error", id: message.id, error: exception(error), kind: error?.name ?? null, location, traceback: trace(error) });
    }
  });
});
