// What a module of a project finds around it: the few parts of Node that a definition needs, stand-ins for everything
// else, and the constructors of `lua-cli` that remember what they were given. It is evaluated once before the modules.
//
// `host` holds the functions of `sandbox.rs`; they alone reach the file system, and only inside the project.
(function (host) {
  'use strict';

  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const ownKeys = Reflect.ownKeys;

  // ---------------------------------------------------------------------------------------------------- Errors

  function marked(kind, message, code) {
    const error = new Error(message);
    defineProperty(error, 'keepstep', { value: kind });
    if (code !== undefined) error.code = code;
    return error;
  }

  const refused = (what) => marked('refused', `${what} is not possible while keepstep reads the definition`, 'EACCES');

  // ----------------------------------------------------------------------------------------------------- Stubs

  // A stub stands for any value of a package that is not run. It can be called, constructed, extended and asked for
  // any property. What it cannot do is become a text, a number or a list: nobody knows which.
  const stubs = new WeakMap();

  const REVEALING = new Set(['toString', 'valueOf', 'toLocaleString', 'toJSON', Symbol.toPrimitive, Symbol.iterator,
    Symbol.asyncIterator]);

  const dependence = (name) =>
    marked('package', `the value depends on package '${name}', which keepstep does not run`);

  function stub(name) {
    const target = function () {};
    const members = new Map();
    const reveal = () => { throw dependence(name); };
    const proxy = new Proxy(target, {
      get(_, key) {
        if (key === 'prototype') return target.prototype;
        // A stub is not a promise; otherwise `await` of one would never end.
        if (key === 'then') return undefined;
        if (REVEALING.has(key)) return reveal;
        if (typeof key === 'symbol') return undefined;
        if (!members.has(key)) members.set(key, stub(name));
        return members.get(key);
      },
      set: () => true,
      has: () => true,
      ownKeys: reveal,
      apply: () => stub(name),
      construct: (_, args, derived) => (derived === proxy ? stub(name) : Reflect.construct(target, args, derived)),
    });
    stubs.set(proxy, name);
    return proxy;
  }

  const isStub = (value) => (typeof value === 'function' || typeof value === 'object') && stubs.has(value);

  // --------------------------------------------------------------------------------------------------- lua-cli

  const agents = [];

  // Copies a configuration without running its getters: each is run when its value is asked for, so that a getter that
  // throws spoils one property and not the whole agent.
  function adopt(instance, config) {
    if (config === null || (typeof config !== 'object' && typeof config !== 'function')) return;
    for (let holder = config; holder !== null && holder !== Object.prototype; holder = getPrototypeOf(holder)) {
      for (const key of ownKeys(holder)) {
        if (key === 'constructor' || getOwnPropertyDescriptor(instance, key) !== undefined) continue;
        const described = getOwnPropertyDescriptor(holder, key);
        if ('value' in described) {
          defineProperty(instance, key, { value: described.value, writable: true, enumerable: true, configurable: true });
        } else {
          defineProperty(instance, key, { get: () => config[key], enumerable: true, configurable: true });
        }
      }
    }
  }

  class LuaAgent {
    constructor(config) {
      agents.push({ instance: this, direct: new.target === LuaAgent, stack: new Error().stack });
      adopt(this, config);
    }
    getName() { return this.name; }
    getDescription() { return this.description; }
    getPersona() { return this.persona; }
    getModel() { return this.model; }
    getModelSettings() { return this.modelSettings; }
    getSkills() { return this.skills ?? []; }
  }

  const lua = { LuaAgent };
  for (const name of ['LuaSkill', 'LuaTool', 'LuaWebhook', 'LuaJob', 'LuaTrigger', 'LuaMCPServer', 'LuaDevice', 'LuaDeviceTrigger',
    'LuaVoice', 'LuaVoiceTool', 'LuaWorkflow', 'PreProcessor', 'PostProcessor']) {
    lua[name] = { [name]: class { constructor(config) { adopt(this, config); } } }[name];
  }
  for (const [name, kind] of [['defineSkill', 'LuaSkill'], ['defineTool', 'LuaTool'], ['defineWebhook', 'LuaWebhook'],
    ['defineJob', 'LuaJob'], ['defineTrigger', 'LuaTrigger'], ['defineMCPServer', 'LuaMCPServer'], ['defineDevice', 'LuaDevice'],
    ['defineDeviceTrigger', 'LuaDeviceTrigger'], ['defineVoice', 'LuaVoice']]) {
    lua[name] = (config) => new lua[kind](config);
  }
  lua.defineAgent = (config) => new LuaAgent(config);
  lua.env = Object.assign((key) => host.environment[key], { template: (key) => ({ __envRef: key }) });

  // ------------------------------------------------------------------------------------------------- node:path

  function normalize(text) {
    const absolute = text.startsWith('/');
    const kept = [];
    for (const part of text.split('/')) {
      if (part === '' || part === '.') continue;
      if (part !== '..') kept.push(part);
      else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
      else if (!absolute) kept.push(part);
    }
    const joined = kept.join('/') + (text.endsWith('/') && kept.length > 0 ? '/' : '');
    return absolute ? `/${joined}` : joined || (text.endsWith('/') ? './' : '.');
  }

  const withoutEnd = (text) => (text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text);

  const path = {
    sep: '/',
    delimiter: ':',
    normalize: (text) => normalize(text) || '.',
    isAbsolute: (text) => text.startsWith('/'),
    join: (...parts) => normalize(parts.filter((part) => part !== '').join('/')) || '.',
    resolve(...parts) {
      let found = '';
      for (const part of [host.cwd, ...parts]) {
        if (part !== '') found = part.startsWith('/') ? part : `${found}/${part}`;
      }
      return withoutEnd(normalize(found));
    },
    dirname(text) {
      const at = withoutEnd(text).lastIndexOf('/');
      return at < 0 ? '.' : at === 0 ? '/' : text.slice(0, at);
    },
    basename(text, end = '') {
      const name = withoutEnd(text).slice(withoutEnd(text).lastIndexOf('/') + 1);
      return end !== '' && end !== name && name.endsWith(end) ? name.slice(0, -end.length) : name;
    },
    extname(text) {
      const name = path.basename(text);
      const at = name.lastIndexOf('.');
      return at <= 0 ? '' : name.slice(at);
    },
    relative(from, to) {
      const [start, goal] = [from, to].map((text) => path.resolve(text).split('/').filter((part) => part !== ''));
      let same = 0;
      while (same < start.length && same < goal.length && start[same] === goal[same]) same += 1;
      return [...start.slice(same).map(() => '..'), ...goal.slice(same)].join('/');
    },
    parse(text) {
      const base = path.basename(text);
      const ext = path.extname(text);
      const dir = text.includes('/') ? path.dirname(text) : '';
      return { root: text.startsWith('/') ? '/' : '', dir, base, ext, name: ext === '' ? base : base.slice(0, -ext.length) };
    },
    format({ dir, root = '', base, name = '', ext = '' }) {
      const file = base ?? name + ext;
      return dir === undefined ? root + file : dir === root ? dir + file : `${dir}/${file}`;
    },
    toNamespacedPath: (text) => text,
  };
  path.posix = path;

  // -------------------------------------------------------------------------------------------------- node:url

  const decodePath = (text) => decodeURIComponent(text);
  const encodePath = (text) => encodeURI(text).replace(/[?#]/g, encodeURIComponent);

  class URL {
    constructor(text, base) {
      text = String(text);
      let match = /^([a-z][a-z0-9+.-]*:)(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(text);
      if (match === null) {
        if (base === undefined) throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: text });
        const from = new URL(base);
        const [, place, search, hash] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text);
        const folder = from.pathname.slice(0, from.pathname.lastIndexOf('/') + 1);
        const target = place === '' ? from.pathname : place.startsWith('/') ? place : folder + place;
        match = [, from.protocol, from.host, target, search, hash];
      }
      const [, protocol, host = '', pathname, search = '', hash = ''] = match;
      this.protocol = protocol.toLowerCase();
      this.host = host;
      this.pathname = pathname.startsWith('/') ? encodePath(decodePath(normalize(pathname))) : pathname || '/';
      this.search = search === '?' ? '' : search;
      this.hash = hash === '#' ? '' : hash;
    }
    get hostname() { return this.host.replace(/:\d+$/, ''); }
    get port() { return /:(\d+)$/.exec(this.host)?.[1] ?? ''; }
    get origin() { return this.protocol === 'file:' ? 'null' : `${this.protocol}//${this.host}`; }
    get href() { return `${this.protocol}//${this.host}${this.pathname}${this.search}${this.hash}`; }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }

  function fileURLToPath(url) {
    const parsed = new URL(url);
    if (parsed.protocol !== 'file:') {
      throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
    }
    return decodePath(parsed.pathname);
  }

  const url = { URL, fileURLToPath, pathToFileURL: (text) => new URL(`file://${encodePath(path.resolve(text))}`) };

  // ----------------------------------------------------------------------------------------------------- Bytes

  // Returns the letters with the numbers of the bytes.
  function toLetters(bytes) {
    const parts = [];
    for (let at = 0; at < bytes.length; at += 4096) parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
    return parts.join('');
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return host.encode(String(text)); }
  }

  class TextDecoder {
    get encoding() { return 'utf-8'; }
    decode(bytes = new Uint8Array()) { return host.decode(toLetters(bytes)); }
  }

  const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

  function toBase64(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; at += 3) {
      const [a, b = 0, c = 0] = bytes.slice(at, at + 3);
      const bits = (a << 16) | (b << 8) | c;
      const left = bytes.length - at;
      text += BASE64[bits >> 18] + BASE64[(bits >> 12) & 63] + (left > 1 ? BASE64[(bits >> 6) & 63] : '=') + (left > 2 ? BASE64[bits & 63] : '=');
    }
    return text;
  }

  function fromBase64(text) {
    const bytes = [];
    let bits = 0;
    let held = 0;
    for (const letter of text.replace(/-/g, '+').replace(/_/g, '/')) {
      const value = BASE64.indexOf(letter);
      if (value < 0) continue;
      bits = ((bits << 6) | value) & 0xffffff;
      held += 6;
      if (held >= 8) {
        held -= 8;
        bytes.push((bits >> held) & 255);
      }
    }
    return bytes;
  }

  class Buffer extends Uint8Array {
    static from(value, encoding = 'utf8') {
      if (typeof value !== 'string') return new Buffer(value);
      switch (encoding.toLowerCase()) {
        case 'utf8': case 'utf-8': return new Buffer(host.encode(value));
        case 'base64': case 'base64url': return new Buffer(fromBase64(value));
        case 'hex': return new Buffer((value.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => parseInt(pair, 16)));
        case 'latin1': case 'binary': case 'ascii': return new Buffer(Array.from(value, (letter) => letter.charCodeAt(0) & 255));
        default: throw new TypeError(`Unknown encoding: ${encoding}`);
      }
    }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(text) { return host.encode(String(text)).length; }
    static concat(list) { return new Buffer(list.flatMap((bytes) => Array.from(bytes))); }
    static alloc(size) { return new Buffer(size); }
    toString(encoding = 'utf8') {
      switch (encoding.toLowerCase()) {
        case 'utf8': case 'utf-8': return host.decode(toLetters(this));
        case 'base64': return toBase64(Array.from(this));
        case 'base64url': return toBase64(Array.from(this)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
        case 'hex': return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
        case 'latin1': case 'binary': case 'ascii': return toLetters(this);
        default: throw new TypeError(`Unknown encoding: ${encoding}`);
      }
    }
  }

  // --------------------------------------------------------------------------------------------------- node:fs

  const place = (value) => (value instanceof URL || /^file:/.test(value?.href ?? '') ? fileURLToPath(value.href) : String(value));

  // The functions of the host answer a list: a code, and then what was found or why nothing was.
  function ask(call, value) {
    const [code, ...answer] = host[call](place(value));
    if (code === 'ok') return answer;
    throw code === 'REFUSED' ? marked('refused', answer[0], 'EACCES') : Object.assign(new Error(answer[0]), { code });
  }

  class Stats {
    #kind;
    constructor(kind, size) {
      this.#kind = kind;
      this.size = size;
    }
    isFile() { return this.#kind === 'file'; }
    isDirectory() { return this.#kind === 'folder'; }
    isSymbolicLink() { return false; }
  }

  const reading = {
    readFileSync(file, options) {
      const [text] = ask('read', file);
      const encoding = typeof options === 'string' ? options : options?.encoding;
      if (encoding === undefined || encoding === null) return Buffer.from(text);
      return /^utf-?8$/i.test(encoding) ? text : Buffer.from(text).toString(encoding);
    },
    existsSync: (file) => ask('exists', file)[0] === 'true',
    accessSync(file) { ask('stat', file); },
    statSync(file, options) {
      try {
        const [kind, size] = ask('stat', file);
        return new Stats(kind, Number(size));
      } catch (error) {
        if (options?.throwIfNoEntry === false && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    realpathSync: (file) => ask('real', file)[0],
    readdirSync(folder, options) {
      const entries = ask('list', folder).map((entry) => ({ kind: entry.slice(0, 1), name: entry.slice(1) }));
      if (options?.recursive) throw refused('readdirSync with recursive');
      if (!options?.withFileTypes) return entries.map((entry) => entry.name);
      return entries.map(({ kind, name }) => ({
        name, parentPath: place(folder), isFile: () => kind === 'f', isDirectory: () => kind === 'd', isSymbolicLink: () => false,
      }));
    },
  };
  reading.lstatSync = reading.statSync;

  // Whatever else is asked of the file system would change it, or is too rare to be worth its weight.
  const only = (name, members) => new Proxy(members, {
    get(target, key) {
      if (key in target || typeof key === 'symbol' || key === 'then') return target[key];
      return () => { throw refused(`${name}.${key}()`); };
    },
  });

  const promised = {};
  for (const name of ['readFile', 'access', 'stat', 'lstat', 'readdir', 'realpath']) {
    promised[name] = async (...args) => reading[`${name}Sync`](...args);
  }
  const promises = only('fs.promises', promised);
  const fs = only('fs', { ...reading, promises, constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 } });

  // --------------------------------------------------------------------------------------------------- Modules

  const builtins = {
    fs, 'fs/promises': promises, path, 'path/posix': path, url, buffer: { Buffer },
    os: { EOL: '\n', platform: () => host.platform },
  };
  const packages = new Map();

  function load(specifier) {
    const name = specifier.replace(/^node:/, '');
    if (!packages.has(name)) {
      const fallback = stub(name);
      let found = fallback;
      if (Object.hasOwn(builtins, name)) found = builtins[name];
      else if (name === 'process') found = globalThis.process;
      else if (name === 'lua-cli' || name.startsWith('lua-cli/')) {
        found = new Proxy(lua, { get: (target, key) => (Object.hasOwn(target, key) || key === 'then' ? target[key] : fallback[key]) });
      }
      packages.set(name, found);
    }
    return packages.get(name);
  }

  const runtime = {
    member: (specifier, name) => (name === 'default' ? load(specifier) : load(specifier)[name]),
    namespace: load,
    // What `import('zod')` becomes: a module's namespace cannot have members that are not known beforehand.
    import: async (specifier) => load(specifier),
  };

  function require(specifier) {
    if (/^[./]/.test(specifier)) throw refused(`require('${specifier}') of a project file; write import`);
    return load(specifier);
  }

  // --------------------------------------------------------------------------------------------------- Globals

  const nothing = () => undefined;
  const process = {
    env: { ...host.environment },
    argv: ['node', host.entry],
    execArgv: [],
    platform: host.platform,
    version: 'v22.0.0',
    versions: { node: '22.0.0' },
    pid: 1,
    cwd: () => host.cwd,
    nextTick: (call, ...args) => queueMicrotask(() => call(...args)),
    uptime: () => 0,
    hrtime: Object.assign(() => [0, 0], { bigint: () => 0n }),
    emitWarning: nothing,
    exit() { throw refused('process.exit()'); },
  };
  for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']) process[name] = () => process;
  for (const name of ['stdout', 'stderr']) process[name] = { write: () => true, isTTY: false };

  // Time does not pass while a definition is read: a timer fires when nothing else is left to do.
  const timers = [];
  let made = 0;
  function setTimeout(call, delay, ...args) {
    const timer = { id: (made += 1), due: Math.max(Number(delay) || 0, 0), call: () => call(...args) };
    const at = timers.findIndex((other) => other.due > timer.due);
    timers.splice(at < 0 ? timers.length : at, 0, timer);
    return { id: timer.id, ref() { return this; }, unref() { return this; }, [Symbol.toPrimitive]: () => timer.id };
  }
  function clearTimeout(handle) {
    const at = timers.findIndex((timer) => timer.id === (handle?.id ?? handle));
    if (at >= 0) timers.splice(at, 1);
  }
  function runTimer() {
    const timer = timers.shift();
    if (timer === undefined) return false;
    for (const other of timers) other.due -= timer.due;
    timer.call();
    return true;
  }

  function structuredClone(value) {
    if (typeof value === 'function') throw new TypeError('a function cannot be cloned');
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(structuredClone);
    if (value instanceof Date) return new Date(value.getTime());
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, structuredClone(member)]));
  }

  // What decorators are compiled to. A decorator of a package that is not run leaves its target as it was.
  const babelHelpers = {
    decorate(decorators, target, key, described) {
      const onMember = arguments.length > 2;
      let result = !onMember ? target : described === null ? getOwnPropertyDescriptor(target, key) : described;
      for (const decorator of decorators.toReversed()) {
        const answer = onMember ? decorator(target, key, result) : decorator(result);
        if (answer !== undefined && answer !== null && !isStub(answer)) result = answer;
      }
      if (onMember && result) defineProperty(target, key, result);
      return result;
    },
    decorateParam: (index, decorator) => (target, key) => decorator(target, key, index),
    decorateMetadata: () => nothing,
  };

  const define = (values) => {
    for (const [name, value] of Object.entries(values)) {
      defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };
  define({
    console: new Proxy({}, { get: (_, key) => (typeof key === 'symbol' ? undefined : nothing) }),
    process, Buffer, URL, TextEncoder, TextDecoder, require, structuredClone, babelHelpers, setTimeout, clearTimeout,
    global: globalThis,
    setInterval: () => ({ ref() { return this; }, unref() { return this; } }),
    clearInterval: nothing,
    setImmediate: (call, ...args) => setTimeout(call, 0, ...args),
    clearImmediate: clearTimeout,
    fetch: async () => { throw marked('refused', 'fetch() is not possible while keepstep reads the definition: it has no network', 'EACCES'); },
    atob: (text) => Buffer.from(String(text), 'base64').toString('latin1'),
    btoa: (text) => Buffer.from(String(text), 'latin1').toString('base64'),
  });
  defineProperty(globalThis, '__keepstep', { value: Object.freeze(runtime) });

  // ----------------------------------------------------------------------------------------------- For the host

  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

  return {
    agents: () => agents,
    runTimer,

    // Returns why a value of the kind "object" cannot be shown as JSON, or undefined.
    obstacle(value) {
      if (isStub(value)) return dependence(stubs.get(value)).message;
      if (typeof value === 'function') return undefined;
      switch (tag(value)) {
        case 'Object': case 'Array': case 'String': case 'Number': case 'Boolean': return undefined;
        case 'Promise': return 'it is a Promise; write await before it';
        default: return `it is a ${tag(value)}, which is not text`;
      }
    },

    // Returns the primitive in a `new String("…")`, and everything else as it is.
    unwrap: (value) => (['String', 'Number', 'Boolean'].includes(tag(value)) ? value.valueOf() : value),

    // Returns what was thrown as [kind, text, stack].
    explain(thrown) {
      if (isStub(thrown)) return ['package', dependence(stubs.get(thrown)).message, ''];
      if (!(thrown instanceof Error)) {
        return ['threw', typeof thrown === 'string' ? JSON.stringify(thrown) : `a value of type ${tag(thrown)}`, ''];
      }
      const kind = typeof thrown.keepstep === 'string' ? thrown.keepstep : 'threw';
      const text = kind === 'threw' ? `${thrown.name}: ${thrown.message}` : String(thrown.message);
      return [kind, text, String(thrown.stack ?? '')];
    },

    // Calls the functions without parameters that the module exports, and constructs the agents' classes, until one of
    // them makes an agent: that of `export function createAgent() { return new LuaAgent(…) }` exists only once somebody
    // calls it.
    callExports(namespace) {
      const names = Object.keys(namespace).sort((a, b) => (b === 'default') - (a === 'default'));
      for (const name of names) {
        const value = namespace[name];
        if (agents.length > 0) return;
        if (typeof value !== 'function' || isStub(value) || value.length > 0) continue;
        const isClass = /^class\b/.test(Function.prototype.toString.call(value));
        if (isClass && !(value.prototype instanceof LuaAgent)) continue;
        try { isClass ? new value() : value(); } catch { /* What needs more than we have makes no agent. */ }
      }
    },
  };
})
