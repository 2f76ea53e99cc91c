// What a module of a project finds around it: the few parts of Node that a definition needs, stand-ins for everything
// else, and the constructors of `lua-cli` that remember what they were given. It is evaluated once before the modules.
//
// `host` holds the functions of `sandbox.rs`; they alone reach the file system, and only inside the project.
(function (host, node) {
  'use strict';

  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const ownKeys = Reflect.ownKeys;

  // ---------------------------------------------------------------------------------------------------- Errors

  // A proxy of these files is none of the code.
  const { marked, Proxy } = node;
  const { URL, Buffer, TextEncoder, TextDecoder } = globalThis;

  const refused = (what) => marked('refused', `${what} is not possible while keepstep reads the definition`, 'EACCES');

  // ----------------------------------------------------------------------------------------------------- Stubs

  // A stub stands for any value of a package that is not run. It can be called, constructed, extended and asked for
  // any property. What it cannot do is become a text, a number or a list: nobody knows which.
  const stubs = new WeakMap();
  let hasStubs = false;

  const REVEALING = new Set(['toString', 'valueOf', 'toLocaleString', 'toJSON', Symbol.toPrimitive, Symbol.iterator,
    Symbol.asyncIterator]);

  // What reveals it already when it is only looked at.
  const REVEALING_AT_ONCE = new Set([Symbol.toStringTag, Symbol.isConcatSpreadable]);

  // The packages on which something depended.
  const deciding = new Set();
  // Why those are not run that are imported, if not because nothing depended on them yet.
  const reasons = new Map();

  function dependence(name) {
    deciding.add(name);
    const reason = reasons.get(name) ?? 'which keepstep does not run';
    return marked('package', `the value depends on package '${name}', ${reason}`);
  }

  function stub(name) {
    const target = function () {};
    const members = new Map();
    const reveal = () => { throw dependence(name); };
    const member = (key) => {
      if (!members.has(key)) members.set(key, stub(name));
      return members.get(key);
    };
    // What a class of the project inherits from a class of the package.
    target.prototype = new Proxy({}, {
      get(_, key) {
        if (key === 'then') return undefined;
        if (typeof key === 'symbol') return key === Symbol.iterator || key === Symbol.asyncIterator ? reveal : undefined;
        return REVEALING.has(key) ? reveal : member(key);
      },
    });
    const proxy = new Proxy(target, {
      get(_, key) {
        if (key === 'prototype') return target.prototype;
        // A stub is not a promise; otherwise `await` of one would never end.
        if (key === 'then') return undefined;
        if (REVEALING.has(key)) return reveal;
        if (REVEALING_AT_ONCE.has(key)) return reveal();
        if (typeof key === 'symbol') return undefined;
        return member(key);
      },
      set: () => true,
      has: () => true,
      ownKeys: reveal,
      getOwnPropertyDescriptor: reveal,
      getPrototypeOf: reveal,
      apply: () => stub(name),
      construct(_, args, derived) {
        if (derived === proxy) return stub(name);
        // Nobody knows what the constructor of the package put into it.
        return new Proxy(Reflect.construct(target, args, derived), { ownKeys: reveal });
      },
    });
    stubs.set(proxy, name);
    hasStubs = true;
    return proxy;
  }

  const isStub = (value) => (typeof value === 'function' || typeof value === 'object') && stubs.has(value);

  // Which questions are answered otherwise in the other worlds: all, every other one, the first, all but the first.
  const OTHERWISE = [() => false, () => true, (number) => number % 2 === 0, (number) => number % 2 === 1, (number) => number === 0,
    (number) => number > 0];
  const KINDS = ['function', 'undefined', 'string', 'object', 'number', 'boolean'];
  let asked = 0;

  // Notes that the code asks what a stub says. Returns the number of the world.
  function worldOf(value) {
    const name = stubs.get(value);
    if (node.variant.runsDeciding) deciding.add(name);
    return node.touch('package', name);
  }

  // Notes that the code asks what a stub says. Returns whether it is to say the opposite of what it says.
  function isAsked(value) {
    const isOtherwise = OTHERWISE[worldOf(value)](asked);
    asked += 1;
    return isOtherwise;
  }

  // Where what a stub is changes more than one answer, it has to be known.
  function known(value) {
    if (isStub(value)) throw dependence(stubs.get(value));
    return value;
  }

  // What a condition depends on. A stub is taken for something that is there.
  const decides = (value) => (isStub(value) && isAsked(value) ? undefined : value);

  const COMPARISONS = {
    '===': (left, right) => left === right,
    '!==': (left, right) => left !== right,
    '==': (left, right) => left == right,
    '!=': (left, right) => left != right,
    in: (left, right) => left in right,
    instanceof: (left, right) => !isStub(left) && left instanceof right,
  };

  // Gives a function of the engine another one in its place, with its look.
  function replace(object, name, make) {
    const native = object[name];
    const value = make(native);
    for (const key of ['name', 'length']) defineProperty(value, key, { value: native[key], configurable: true });
    defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  }

  // What functions of the engine ask of a value in silence: whether it counts as true, and what it is equal to.
  for (const object of [Array.prototype, getPrototypeOf(Uint8Array.prototype)]) {
    for (const name of ['every', 'filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'some']) {
      replace(object, name, (native) => ({
        method(call, ...rest) {
          const asking = typeof call === 'function' ? function (...args) { return decides(Reflect.apply(call, this, args)); } : call;
          return Reflect.apply(native, this, [asking, ...rest]);
        },
      }.method));
    }
  }
  const stubAmong = (list) => {
    if (!hasStubs) return undefined;
    for (let at = 0; at < list.length; at += 1) if (isStub(list[at])) return list[at];
    return undefined;
  };
  for (const [name, otherwise] of [['includes', (found) => !found], ['indexOf', (found) => (found < 0 ? 0 : -1)],
    ['lastIndexOf', (found) => (found < 0 ? 0 : -1)]]) {
    replace(Array.prototype, name, (native) => ({
      method(...args) {
        const found = Reflect.apply(native, this, args);
        const one = isStub(args[0]) ? args[0] : stubAmong(this);
        return one !== undefined && isAsked(one) ? otherwise(found) : found;
      },
    }.method));
  }
  for (const [object, names] of [[Array, ['isArray']], [Object, ['is']], [Number, ['isFinite', 'isInteger', 'isNaN', 'isSafeInteger']], [ArrayBuffer, ['isView']]]) {
    for (const name of names) {
      replace(object, name, (native) => ({
        method(...args) {
          const found = Reflect.apply(native, this, args);
          const one = args.find(isStub);
          return one !== undefined && isAsked(one) ? !found : found;
        },
      }.method));
    }
  }
  // The collections that hold a stub as a key.
  const holders = new WeakMap();
  for (const [Collection, add] of [[Set, 'add'], [Map, 'set']]) {
    replace(Collection.prototype, add, (native) => ({
      method(key, value) {
        if (isStub(key)) {
          holders.set(this, key);
          if (isAsked(key)) return this;
        }
        return Reflect.apply(native, this, [key, value]);
      },
    }.method));
    for (const name of ['has', 'delete', 'get'].filter((name) => name in Collection.prototype)) {
      replace(Collection.prototype, name, (native) => ({
        method(key) {
          const found = Reflect.apply(native, this, [key]);
          const one = isStub(key) ? key : holders.get(this);
          if (one === undefined || !isAsked(one)) return found;
          return name !== 'get' ? !found : found === undefined ? [...this.values()][0] : undefined;
        },
      }.method));
    }
  }
  replace(Array.prototype, 'flatMap', (native) => ({
    method(call, ...rest) {
      const asking = typeof call === 'function' ? function (...args) { return known(Reflect.apply(call, this, args)); } : call;
      return Reflect.apply(native, this, [asking, ...rest]);
    },
  }.method));
  replace(Array.prototype, 'flat', (native) => ({
    method(...args) {
      known(stubAmong(this));
      return Reflect.apply(native, this, args);
    },
  }.method));
  replace(JSON, 'stringify', (native) => ({
    method(value, replacer, ...rest) {
      const asking = typeof replacer === 'function' ? function (...args) { return known(Reflect.apply(replacer, this, args)); } : replacer;
      return Reflect.apply(native, JSON, [value, asking, ...rest]);
    },
  }.method));
  const NativeBoolean = Boolean;
  const AskingBoolean = new Proxy(NativeBoolean, {
    apply: (_, self, [value]) => NativeBoolean(decides(value)),
    construct: (_, [value], derived) => Reflect.construct(NativeBoolean, [decides(value)], derived),
  });
  for (const [object, name] of [[globalThis, 'Boolean'], [NativeBoolean.prototype, 'constructor']]) {
    defineProperty(object, name, { value: AskingBoolean, writable: true, enumerable: false, configurable: true });
  }

  // --------------------------------------------------------------------------------------------------- lua-cli

  const agents = [];
  // How much was found missing until the agents were complete.
  let settled = 0;
  let isCalledFor = false;

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
      const record = { instance: this, direct: new.target === LuaAgent, stack: node.stackOf(new Error()), lacked: node.lacks.length, isCalledFor };
      agents.push(record);
      adopt(this, config);
      record.first = Object.getOwnPropertyDescriptors(this);
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
  const LUA_NAMES = [...Object.keys(lua), 'defineWorkflow', 'env'];
  lua.env = Object.assign((key) => node.env[key], { template: (key) => ({ __envRef: key }) });

  // ------------------------------------------------------------------------------------------------ Parts of Node

  // A part of Node as its modules give it: what it does not have here is a stub of the part.
  const parts = new Map();
  const lacking = (name) => {
    if (!parts.has(name)) parts.set(name, stub(`node:${name}`));
    return parts.get(name);
  };
  const membersOf = new WeakMap();
  function part(name, members) {
    const isKnown = (target, key) => Object.hasOwn(target, key) || typeof key === 'symbol';
    for (const [key, member] of Object.entries(members)) {
      if (typeof member === 'function' && globalThis[key] !== member) node.opaque(member, `${name}.${key}`);
    }
    const whole = new Proxy(members, {
      get: (target, key) => (isKnown(target, key) || key === 'then' || key in Object.prototype ? target[key] : lacking(name)[key]),
      has: (target, key) => isKnown(target, key) || node.lack(`what ${name} of Node has`),
      getOwnPropertyDescriptor: (target, key) => (isKnown(target, key) ? getOwnPropertyDescriptor(target, key) : node.lack(`what ${name} of Node has`)),
      ownKeys: () => node.lack(`what ${name} of Node has`),
    });
    membersOf.set(whole, members);
    return whole;
  }
  // Node says in its own words which arguments it does not take.
  const textArgument = (value, what) => (typeof value === 'string' ? value : node.lack(`the error of ${what} about its arguments`));

  // ------------------------------------------------------------------------------------------------- node:path

  function normalize(text) {
    const absolute = text.startsWith('/');
    const kept = [];
    for (const piece of text.split('/')) {
      if (piece === '' || piece === '.') continue;
      if (piece !== '..') kept.push(piece);
      else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
      else if (!absolute) kept.push(piece);
    }
    const joined = kept.join('/') + (text.endsWith('/') && kept.length > 0 ? '/' : '');
    return absolute ? `/${joined}` : joined || (text.endsWith('/') ? './' : '.');
  }

  // Without the slashes at its end.
  const withoutEnd = (text) => text.replace(/(?<=[^])\/+$/, '');
  // What `path.format` puts in, with what it makes of a name and an ending.
  const endingOf = (ext) => (ext === '' || ext === undefined || ext === null ? '' : `${ext[0] === '.' ? '' : '.'}${ext}`);

  const pathParts = {
    sep: '/',
    delimiter: ':',
    normalize: (text) => (text === '' ? '.' : normalize(text)),
    isAbsolute: (text) => text.startsWith('/'),
    join: (...pieces) => (pieces.every((piece) => piece === '') ? '.' : normalize(pieces.filter((piece) => piece !== '').join('/'))),
    resolve(...pieces) {
      let found = '';
      for (const piece of [host.cwd, ...pieces]) {
        if (piece !== '') found = piece.startsWith('/') ? piece : `${found}/${piece}`;
      }
      return withoutEnd(normalize(found));
    },
    dirname(text) {
      if (text === '') return '.';
      const name = withoutEnd(text);
      const at = name.lastIndexOf('/');
      if (at < 0) return text.startsWith('/') ? '/' : '.';
      return at === 0 ? '/' : at === 1 && name.startsWith('//') ? '//' : name.slice(0, at);
    },
    basename(text, end = '') {
      const name = text.replace(/\/+$/, '');
      const base = name.slice(name.lastIndexOf('/') + 1);
      if (end !== '' && end.includes('/')) node.lack('path.basename with this ending');
      return end !== '' && end !== base && end !== text && base.endsWith(end) ? base.slice(0, -end.length) : end === text && end !== '' ? '' : base;
    },
    extname(text) {
      const name = pathParts.basename(text);
      const at = name.lastIndexOf('.');
      return at <= 0 || name === '..' ? '' : name.slice(at);
    },
    relative(from, to) {
      const [start, goal] = [from, to].map((text) => pathParts.resolve(text).split('/').filter((piece) => piece !== ''));
      let same = 0;
      while (same < start.length && same < goal.length && start[same] === goal[same]) same += 1;
      return [...start.slice(same).map(() => '..'), ...goal.slice(same)].join('/');
    },
    parse(text) {
      const bare = text.replace(/\/+$/, '');
      const base = bare.slice(bare.lastIndexOf('/') + 1);
      const at = base.lastIndexOf('.');
      const root = text.startsWith('/') ? '/' : '';
      const slash = bare.lastIndexOf('/');
      // Behind the root alone, Node takes `..` for a name with an ending.
      const ext = at <= 0 || (base === '..' && slash !== 0) ? '' : base.slice(at);
      return { root, dir: slash > 0 ? bare.slice(0, slash) : root, base, ext, name: base.slice(0, base.length - ext.length) };
    },
    format(object) {
      if (typeof object !== 'object' || object === null) node.lack('the error of path.format() about its arguments');
      const { dir, root, base, name, ext } = object;
      const folder = dir || root;
      const file = base || `${name || ''}${endingOf(ext)}`;
      return !folder ? file : folder === root ? `${folder}${file}` : `${folder}/${file}`;
    },
    toNamespacedPath: (text) => text,
  };
  // How many of the arguments of each are texts.
  const TEXTS = { normalize: 1, isAbsolute: 1, join: Infinity, resolve: Infinity, dirname: 1, extname: 1, relative: 2, parse: 1 };
  const pathNames = {};
  for (const [name, member] of Object.entries(pathParts)) {
    pathNames[name] = typeof member !== 'function' ? member : { [name](...args) {
      const count = Math.min(TEXTS[name] ?? 0, name === 'join' || name === 'resolve' ? args.length : Infinity);
      for (let index = 0; index < count; index += 1) textArgument(args[index], `path.${name}()`);
      if (name === 'basename') {
        textArgument(args[0], 'path.basename()');
        if (args[1] !== undefined) textArgument(args[1], 'path.basename()');
      }
      return member(...args);
    } }[name];
  }
  const path = part('path', pathNames);
  pathNames.posix = path;

  // -------------------------------------------------------------------------------------------------- node:url

  const decodePath = (text) => decodeURIComponent(text);
  const encodePath = (text) => (/[^\w/.\-~ ()@:+,=&;!$'*%?#\u0080-\uffff]/.test(text) ? node.lack('pathToFileURL() of this path')
    : text.replace(/[%?#]/g, encodeURIComponent));

  function fileURLToPath(url) {
    if (typeof url !== 'string' && !(url instanceof URL)) node.lack('the error of fileURLToPath() about its arguments');
    const parsed = new URL(url);
    if (parsed.protocol !== 'file:') {
      throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
    }
    if (parsed.hostname !== '' || /%2f/i.test(parsed.pathname)) node.lack('the error of fileURLToPath() about this address');
    return decodePath(parsed.pathname);
  }

  function pathToFileURL(text) {
    textArgument(text, 'pathToFileURL()');
    return new URL(`file://${encodePath(path.resolve(text) + (text.endsWith('/') && path.resolve(text) !== '/' ? '/' : ''))}`);
  }
  const url = part('url', { URL, URLSearchParams: globalThis.URLSearchParams, fileURLToPath, pathToFileURL });

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
  const only = (name, members) => {
    const others = part(name, members);
    const whole = new Proxy(members, {
      get(target, key) {
        if (!(key in target) && FS_FUNCTIONS.has(key)) return node.opaque(() => { throw refused(`${name}.${key}()`); }, `${name}.${key}`);
        return others[key];
      },
      has: (target, key) => FS_FUNCTIONS.has(key) || key in others,
      ownKeys: () => Reflect.ownKeys(others),
    });
    membersOf.set(whole, members);
    return whole;
  };
  const FS_FUNCTIONS = new Set([
    'access', 'appendFile', 'chmod', 'chown', 'close', 'copyFile', 'cp', 'exists', 'fchmod', 'fchown', 'fdatasync', 'fstat', 'fsync', 'ftruncate',
    'futimes', 'lchown', 'link', 'lstat', 'lutimes', 'mkdir', 'mkdtemp', 'open', 'opendir', 'read', 'readFile', 'readdir', 'readlink', 'readv', 'realpath',
    'rename', 'rm', 'rmdir', 'stat', 'statfs', 'symlink', 'truncate', 'unlink', 'utimes', 'write', 'writeFile', 'writev',
  ].flatMap((name) => [name, `${name}Sync`]).concat('createReadStream', 'createWriteStream', 'watch', 'watchFile', 'unwatchFile'));

  const promised = {};
  for (const name of ['readFile', 'access', 'stat', 'lstat', 'readdir', 'realpath']) {
    promised[name] = async (...args) => reading[`${name}Sync`](...args);
  }
  const promises = only('fs.promises', promised);
  const fs = only('fs', { ...reading, promises, constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 } });

  // --------------------------------------------------------------------------------------------------- Modules

  const builtins = {
    fs, 'fs/promises': promises, path, 'path/posix': path, url, buffer: part('buffer', { Buffer, atob, btoa }),
    os: part('os', { EOL: '\n', platform: () => process.platform }),
    ...host.node(host, { ...node, Buffer, TextEncoder, TextDecoder, refused, part }),
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

  // What the code of packages sees of the process: they ask for such variables to be quicker or more colorful, and there is
  // nothing wrong with not having them. For every other one they are told what the project is told.
  const QUIET = new Set(['NODE_ENV', 'NODE_DEBUG', 'DEBUG', 'NO_COLOR', 'FORCE_COLOR', 'COLORTERM', 'TERM', 'CI']);
  const environment = new Proxy({}, {
    get: (_, key) => (QUIET.has(key) && !Object.hasOwn(host.environment, key) ? undefined : globalThis.process.env[key]),
    has: (_, key) => (QUIET.has(key) ? Object.hasOwn(host.environment, key) : key in globalThis.process.env),
  });
  const quietProcess = new Proxy({}, {
    get: (_, key) => (key === 'env' ? environment : globalThis.process[key]),
    has: (_, key) => key in globalThis.process,
  });

  // The modules that were loaded through `require`, by their paths.
  const records = new Map();

  function requireFile(file, isOfPackage) {
    let record = records.get(file);
    if (record !== undefined) return record;
    if (file.endsWith('.json')) {
      record = { exports: JSON.parse(reading.readFileSync(file, 'utf8').replace(/^\ufeff/, '')) };
      records.set(file, record);
      return record;
    }
    const [call, isEcmascript] = host.compile(file);
    record = { exports: {}, isEcmascript, id: file, filename: file, loaded: false, children: [], paths: [] };
    record.require = requireFrom(file);
    records.set(file, record);
    const importing = (specifier) => view(file, specifier)[1];
    importing.exports = (target, getters) => {
      defineProperty(target, '__esModule', { value: true });
      for (const [name, get] of Object.entries(getters)) defineProperty(target, name, { get, enumerable: true });
    };
    importing.star = (target, source) => {
      for (const name of Object.keys(source)) {
        if (name !== 'default' && !Object.hasOwn(target, name)) defineProperty(target, name, { get: () => source[name], enumerable: true });
      }
    };
    const folder = path.dirname(file);
    const meta = { url: url.pathToFileURL(file).href, filename: file, dirname: folder };
    const around = isOfPackage ? quietProcess : globalThis.process;
    try {
      call.call(record.exports, record.exports, record.require, record, folder, file, around, importing,
        async (specifier) => importing(String(specifier)), meta);
    } catch (error) {
      records.delete(file);
      throw error;
    }
    record.loaded = true;
    return record;
  }

  // Returns the file's exports, or a stub where a package of the project fails: most of them are beside the agent.
  function requirePackage(specifier, file) {
    if (!reasons.has(specifier)) {
      // What the package lacked matters only to what uses it, and that meets the stub.
      const lacked = node.lacks.length;
      try {
        return requireFile(file, true);
      } catch (error) {
        node.lacks.length = lacked;
        reasons.set(specifier, `which cannot be run here: ${isStub(error) ? 'it needs another package' : String(error?.message ?? error)}`);
      }
    }
    return undefined;
  }

  const WHY = { absent: 'which is not installed; install the packages of the project', outside: 'which is outside of the repository' };

  function standIn(specifier, why) {
    if (why in WHY) reasons.set(specifier, WHY[why]);
    return load(specifier);
  }

  function missing(message) {
    return Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
  }

  const withDefault = new WeakMap();

  // Returns what a default import and an import of everything give.
  function view(importer, specifier) {
    const [kind, found, mode] = host.find(importer, specifier, false);
    let record;
    switch (kind) {
      case 'builtin': case 'stub': {
        const whole = kind === 'stub' ? standIn(specifier, found) : load(found);
        if (isStub(whole)) return [whole, whole];
        if (!withDefault.has(whole)) {
          // A part is not asked what it has, as the engine would ask the target.
          const isPart = membersOf.has(whole);
          withDefault.set(whole, new Proxy(isPart ? {} : whole, {
            get: (_, key) => (key === 'default' ? whole : whole[key]),
            ...(isPart && { has: (_, key) => key === 'default' || key in whole, ownKeys: () => ownKeys(whole), getOwnPropertyDescriptor: (_, key) => getOwnPropertyDescriptor(whole, key) }),
          }));
        }
        return [whole, withDefault.get(whole)];
      }
      case 'missing': throw missing(found);
      case 'package': record = requirePackage(specifier, found); break;
      default: record = requireFile(found, false);
    }
    if (record === undefined) {
      const whole = load(specifier);
      return [whole, whole];
    }
    const { exports, isEcmascript } = record;
    if (isEcmascript) return [exports.default, exports];
    const isObject = (typeof exports === 'object' && exports !== null) || typeof exports === 'function';
    const isMarked = mode !== 'node' && isObject && exports.__esModule && 'default' in exports;
    const whole = isMarked ? exports.default : exports;
    record.namespaces ??= new Map();
    if (!record.namespaces.has(isMarked) || !record.loaded) {
      const namespace = {};
      if (isObject) {
        for (const name of ownKeys(exports)) {
          if (typeof name !== 'string' || name === 'default' || getOwnPropertyDescriptor(exports, name)?.enumerable !== true) continue;
          defineProperty(namespace, name, { get: () => exports[name], enumerable: true });
        }
      }
      defineProperty(namespace, 'default', { get: () => (isMarked ? exports.default : exports), enumerable: true });
      record.namespaces.set(isMarked, namespace);
    }
    return [whole, record.namespaces.get(isMarked)];
  }

  function requireFrom(importer) {
    function require(specifier) {
      const [kind, found] = host.find(importer, String(specifier), true);
      switch (kind) {
        case 'builtin': return load(found);
        case 'stub': return standIn(specifier, found);
        case 'missing': throw missing(found);
        case 'package': {
          // Inside of a package this is an error that it may be prepared for.
          const record = importer.includes('/node_modules/') ? requireFile(found, true) : requirePackage(specifier, found);
          return record === undefined ? load(specifier) : record.exports;
        }
        default: return requireFile(found, false).exports;
      }
    }
    require.resolve = (specifier) => {
      const [kind, found] = host.find(importer, String(specifier), true);
      if (kind === 'file' || kind === 'package') return found;
      if (kind === 'builtin') return specifier;
      throw missing(`Cannot find module '${specifier}'`);
    };
    require.cache = {};
    require.extensions = {};
    return require;
  }

  builtins.module = {
    createRequire: (from) => requireFrom(/^file:/.test(String(from)) ? fileURLToPath(String(from)) : place(from)),
    builtinModules: Object.keys(builtins),
    isBuiltin: (name) => Object.hasOwn(builtins, name.replace(/^node:/, '')),
  };
  builtins.module.Module = builtins.module;

  const runtime = {
    view,
    requireFrom,
    caught: node.caught,
    spread: node.spread,
    power: node.power,
    pattern: node.pattern,
    listed: node.listed,
    named: node.named,
    decides,
    // What `typeof` gives.
    kind: (value) => (isStub(value) ? KINDS[worldOf(value)] : typeof value),
    // What a comparison gives.
    compared(operator, left, right) {
      const result = COMPARISONS[operator](left, right);
      const found = isStub(left) ? left : right;
      return isStub(found) && isAsked(found) ? !result : result;
    },
    // What `export * from` passes on, which has to be known before anything runs.
    names(importer, specifier) {
      const [kind, found] = host.find(importer, specifier, false);
      if (kind === 'builtin') {
        const whole = load(found);
        return found.startsWith('lua-cli') ? [...LUA_NAMES] : Object.keys(membersOf.get(whole) ?? whole);
      }
      const [, namespace] = view(importer, specifier);
      if (!isStub(namespace)) return Object.keys(namespace).filter((name) => name !== 'default');
      deciding.add(specifier);
      return [];
    },
  };

  // --------------------------------------------------------------------------------------------------- Globals

  const nothing = () => undefined;
  const { process } = globalThis;
  process.exit = () => { throw refused('process.exit()'); };

  // Time does not pass while a definition is read: a timer fires when nothing else is left to do. What `process.nextTick` was given
  // comes before, and all of it before the jobs that it made.
  const timers = [];
  const LONGEST_DELAY = 2 ** 31 - 1;
  let made = 0;
  class Timeout {
    #timer;
    constructor(timer) {
      this.#timer = timer;
      for (const name of ['_idleTimeout', '_idlePrev', '_idleNext', '_idleStart', '_onTimeout', '_timerArgs', '_repeat', '_destroyed']) {
        node.pose(this, name, () => node.lack('what a timer of Node is made of'), true);
      }
    }
    ref() { return this; }
    unref() { return this; }
    [Symbol.toPrimitive]() { return this.#timer.id; }
    static timerOf(handle) { return typeof handle === 'object' && handle !== null && #timer in handle ? handle.#timer : undefined; }
  }
  const { timerOf } = Timeout;
  delete Timeout.timerOf;
  node.absent(Timeout.prototype, (name) => `Timeout.${name}`, ['refresh', 'hasRef', 'close']);
  function start(call, delay, args, isImmediate) {
    if (typeof call !== 'function') node.lack('the error of a timer about its arguments');
    const wait = Number(delay);
    const timer = { id: (made += 1), due: isImmediate ? 0 : wait >= 1 && wait <= LONGEST_DELAY ? Math.trunc(wait) : 1, call: () => call(...args) };
    const at = timers.findIndex((other) => other.due > timer.due);
    timers.splice(at < 0 ? timers.length : at, 0, timer);
    return new Timeout(timer);
  }
  function setTimeout(call, delay, ...args) { return start(call, delay, args, false); }
  defineProperty(setTimeout, Symbol.for('nodejs.util.promisify.custom'), {
    value: (delay, value) => new Promise((resolve) => { setTimeout(() => resolve(value), delay); }), configurable: true,
  });
  function clearTimeout(handle) {
    const wanted = timerOf(handle);
    const at = timers.findIndex((timer) => timer === wanted || timer.id === Number(wanted === undefined ? handle : NaN));
    if (at >= 0) timers.splice(at, 1);
  }
  function runTimer() {
    if (host.ticks.length > 0) {
      while (host.ticks.length > 0) host.ticks.shift()();
      return true;
    }
    const timer = timers.shift();
    if (timer === undefined) return false;
    for (const other of timers) other.due -= timer.due;
    timer.call();
    return true;
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

  // Nobody sees what is printed.
  const console = {};
  const say = (name) => defineProperty(nothing.bind(undefined), 'name', { value: name, configurable: true });
  for (const name of ['log', 'warn', 'dir', 'time', 'timeEnd', 'timeLog', 'trace', 'assert', 'clear', 'count', 'countReset', 'group', 'groupEnd', 'table',
    'debug', 'info', 'dirxml', 'error', 'groupCollapsed']) console[name] = say(name);
  for (const name of ['_stdoutErrorHandler', '_stderrErrorHandler', '_ignoreErrors', '_times']) node.pose(console, name, () => node.lack(`console.${name}`));
  node.pose(console, 'Console', () => node.lack('console.Console'), true);
  for (const name of ['profile', 'profileEnd', 'timeStamp']) console[name] = say(name);
  for (const name of ['context', 'createTask']) node.pose(console, name, () => node.lack(`console.${name}`), true);
  for (const name of ['_stdout', '_stderr']) node.pose(console, name, () => node.lack(`console.${name}`));
  defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });

  const define = (values) => {
    for (const [name, value] of Object.entries(values)) {
      defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };
  define({
    console, require: requireFrom(host.entry), babelHelpers, setTimeout, clearTimeout,
    global: globalThis,
    // What comes again and again says nothing before the end.
    setInterval(call) { return new Timeout({ id: (made += 1), call }); },
    clearInterval(handle) { clearTimeout(handle); },
    setImmediate(call, ...args) { return start(call, 0, args, true); },
    clearImmediate(handle) { clearTimeout(handle); },
    fetch: async (_) => { throw marked('refused', 'fetch() is not possible while keepstep reads the definition: it has no network', 'EACCES'); },
  });
  for (const name of ['global', 'clearImmediate', 'setImmediate', 'clearInterval', 'clearTimeout', 'setInterval', 'setTimeout', 'queueMicrotask', 'structuredClone',
    'atob', 'btoa', 'performance', 'fetch', 'crypto']) {
    const described = getOwnPropertyDescriptor(globalThis, name);
    delete globalThis[name];
    defineProperty(globalThis, name, { ...described, enumerable: true });
  }
  for (const [name, length] of [['setTimeout', 5], ['setInterval', 5], ['setImmediate', 4]]) {
    defineProperty(globalThis[name], 'length', { value: length, configurable: true });
  }
  // Node has functions that give them.
  for (const name of ['process', 'Buffer', 'performance', 'crypto', 'DOMException']) {
    const { value, enumerable } = getOwnPropertyDescriptor(globalThis, name);
    defineProperty(globalThis, name, {
      get: () => value,
      set: name === 'crypto' ? undefined : (other) => { defineProperty(globalThis, name, { value: other, writable: true, enumerable, configurable: true }); },
      enumerable, configurable: true,
    });
  }
  defineProperty(globalThis, '__keepstep', { value: Object.freeze(runtime) });

  // ----------------------------------------------------------------------------------------------- For the host

  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

  return {
    agents: () => agents,
    settle() { settled = node.lacks.length; },
    deciding: () => [...deciding],
    runTimer,

    // Returns what the code asked of the machine, the moment and chance, each as [kind, name, stack] of the first time.
    touches: () => Array.from(node.touched, ([kind, { name, stack }]) => [kind, name, stack]),

    // Returns why the value of a property is not that of Node though nothing was thrown: the code caught that something is
    // missing here. It is asked after the value was read, which may have run a getter.
    taint(index, name) {
      const { instance, first, lacked } = agents[index];
      const all = node.lacks.splice(0);
      node.lacks.push(...all.slice(0, settled));
      const [before] = all;
      if (lacked > 0) return before.message;
      if (all.length > settled) return all[settled].message;
      const now = getOwnPropertyDescriptor(instance, name);
      const isAsMade = now !== undefined && 'value' in now && typeof now.value !== 'object' && first?.[name]?.value === now.value;
      return settled > 0 && !isAsMade ? before.message : undefined;
    },

    // Returns the names of the properties that are there without a value.
    empty: (index) => ownKeys(agents[index].instance).filter((name) => {
      const described = typeof name === 'string' ? getOwnPropertyDescriptor(agents[index].instance, name) : undefined;
      return described !== undefined && 'value' in described && described.value === undefined;
    }),

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
      return [kind, text, node.stackOf(thrown)];
    },

    isExported(namespace, agent) {
      if (namespace === undefined) return false;
      return Object.keys(namespace).some((name) => {
        try { return namespace[name] === agent; } catch { return false; }
      });
    },

    // Calls the functions without parameters that the module exports, and constructs the agents' classes, until one of
    // them makes an agent: that of `export function createAgent() { return new LuaAgent(…) }` exists only once somebody
    // calls it.
    callExports(namespace) {
      isCalledFor = true;
      const names = Object.keys(namespace).sort((a, b) => (b === 'default') - (a === 'default'));
      for (const name of names) {
        const value = namespace[name];
        if (agents.length > 0) return;
        if (typeof value !== 'function' || isStub(value) || value.length > 0) continue;
        const isClass = /^class\b/.test(node.functionText(value));
        if (isClass && !(value.prototype instanceof LuaAgent)) continue;
        const lacked = node.lacks.length;
        // What needs more than we have makes no agent.
        try { isClass ? new value() : value(); } catch { node.lacks.length = lacked; }
      }
    },
  };
})
