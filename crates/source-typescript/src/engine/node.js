// The parts of Node.js that compute and do nothing else, for definitions and the packages that they use. What a part does not
// have is a function that refuses: another value than that of Node.js would be worse than none.
(function (host, base) {
  'use strict';

  const { Buffer, TextEncoder, TextDecoder, refused, part, toLetters, lack, absent, pose, isProxy, randomBytes, randomNumber, opaque } = base;
  // Node says in its own words what it does not take.
  const invalid = (what) => lack(`the error of ${what} about its arguments`);

  // --------------------------------------------------------------------------------------------------- node:util

  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

  const KEY = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

  function quote(text) {
    const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') && !text.includes('${') ? '`' : "'";
    const escaped = text.replace(/[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, (letter) => {
      const known = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\' }[letter];
      if (known !== undefined) return known;
      if (letter === "'") return mark === "'" ? "\\'" : "'";
      const code = letter.charCodeAt(0).toString(16);
      return letter.charCodeAt(0) > 255 ? `\\u${code}` : `\\x${code.padStart(2, '0').toUpperCase()}`;
    });
    return mark + escaped + mark;
  }

  // Values that fit into one line the way Node.js shows them; what it would break into lines or columns is refused.
  function inspect(value, options) {
    if (options !== undefined && (typeof options !== 'object' || Object.keys(options ?? {}).length > 0)) throw refused('util.inspect() with options');
    const shown = show(value, 0);
    if (shown === undefined) throw refused('util.inspect() of this value');
    return shown;
  }

  function show(value, depth) {
    switch (typeof value) {
      case 'string': return value.length > 16 && value.includes('\n') && depth > 0 ? undefined : quote(value);
      case 'number': return Object.is(value, -0) ? '-0' : String(value);
      case 'bigint': return `${value}n`;
      case 'boolean': case 'undefined': return String(value);
      case 'symbol': return value.toString();
      case 'function': return undefined;
      default:
    }
    if (value === null) return 'null';
    const isArray = Array.isArray(value);
    const proto = Object.getPrototypeOf(value);
    if (!isArray && proto !== Object.prototype && proto !== null) return undefined;
    if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
    const keys = Object.keys(value);
    if (isArray && keys.length !== value.length) return undefined;
    if (depth > 2) return keys.length === 0 ? (isArray ? '[]' : '{}') : isArray ? '[Array]' : '[Object]';
    if (isArray && value.length > 6) return undefined;
    const entries = keys.map((key) => {
      const described = Object.getOwnPropertyDescriptor(value, key);
      const inner = 'value' in described ? show(described.value, depth + 1) : undefined;
      if (inner === undefined) return undefined;
      return isArray ? inner : `${KEY.test(key) ? key : quote(key)}: ${inner}`;
    });
    if (entries.includes(undefined) || entries.some((entry) => entry.includes('\n'))) return undefined;
    const prefix = proto === null ? '[Object: null prototype] ' : '';
    if (entries.length === 0) return prefix + (isArray ? '[]' : '{}');
    const line = `${prefix}${isArray ? '[' : '{'} ${entries.join(', ')} ${isArray ? ']' : '}'}`;
    // Three levels of nesting are broken at once, and so is what is longer than a line.
    const levels = (inner) => (typeof inner === 'object' && inner !== null ? 1 + Math.max(0, ...Object.values(inner).map(levels)) : 0);
    if (levels(value) > 3) return undefined;
    return line.length + entries.length > 72 ? undefined : line;
  }

  // Whether a text is made of a value by a function of its own, and not by one that JavaScript has for all.
  function hasOwnWords(value) {
    if (isProxy(value) || typeof value.toString !== 'function') return false;
    if (Object.hasOwn(value, 'toString')) return true;
    let holder = value;
    do holder = Object.getPrototypeOf(holder); while (!Object.hasOwn(holder, 'toString'));
    const maker = Object.getOwnPropertyDescriptor(holder, 'constructor')?.value;
    return typeof maker !== 'function' || !(maker.name in globalThis);
  }

  function format(...all) {
    const [first, ...rest] = all;
    if (all.length === 0) return '';
    if (typeof first !== 'string') return [first, ...rest].map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ');
    if (rest.length === 0) return first;
    let next = 0;
    const number = (value, convert) => {
      if (typeof value === 'bigint') return `${value}n`;
      if (typeof value === 'symbol') return 'NaN';
      const found = convert(value);
      return Object.is(found, -0) ? '-0' : String(found);
    };
    const text = first.replace(/%[sdifjoOc%]/g, (directive) => {
      if (directive === '%%') return '%';
      if (next >= rest.length) return directive;
      const value = rest[next];
      next += 1;
      switch (directive) {
        case '%s':
          if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
          if (typeof value === 'bigint') return `${value}n`;
          if (typeof value !== 'object' || value === null || hasOwnWords(value)) return String(value);
          throw refused("util.format() of an object as '%s'");
        case '%d': return number(value, Number);
        case '%i': return number(value, parseInt);
        case '%f': return typeof value === 'bigint' ? String(parseFloat(value)) : number(value, parseFloat);
        case '%j': {
          try {
            return JSON.stringify(value) ?? 'undefined';
          } catch {
            return lack("util.format() of this as '%j'");
          }
        }
        case '%c': return '';
        case '%o': throw refused("util.format() of a value as '%o'");
        default: return inspect(value);
      }
    });
    const left = rest.slice(next).map((value) => (typeof value === 'string' ? value : inspect(value)));
    return [text, ...left].join(' ');
  }

  function isDeepStrictEqual(one, other) {
    if (Object.is(one, other)) return true;
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
    if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
    const isPlain = (value) => ['Object', 'Array'].includes(tag(value)) && !isProxy(value) && Object.getOwnPropertySymbols(value).length === 0
      && (Array.isArray(value) || value[Symbol.toStringTag] === undefined) && !('buffer' in value);
    if (!isPlain(one) || !isPlain(other) || tag(one) !== tag(other)) throw refused('util.isDeepStrictEqual() of such objects');
    if (Array.isArray(one) && one.length !== other.length) return false;
    const [ours, theirs] = [Object.keys(one), Object.keys(other)];
    return ours.length === theirs.length && ours.every((key) => Object.hasOwn(other, key) && isDeepStrictEqual(one[key], other[key]));
  }

  const CUSTOM = Symbol.for('nodejs.util.promisify.custom');

  function promisify(call) {
    if (typeof call !== 'function') invalid('util.promisify()');
    if (call[CUSTOM] !== undefined) return typeof call[CUSTOM] === 'function' ? call[CUSTOM] : invalid('util.promisify()');
    function promised(...args) {
      return new Promise((resolve, reject) => {
        Reflect.apply(call, this, [...args, (error, value) => (error ? reject(error) : resolve(value))]);
      });
    }
    Object.setPrototypeOf(promised, Object.getPrototypeOf(call));
    Object.defineProperty(promised, CUSTOM, { value: promised, configurable: true });
    const own = Object.getOwnPropertyDescriptors(call);
    for (const name of Reflect.ownKeys(own)) if (name !== 'prototype') Object.defineProperty(promised, name, own[name]);
    return promised;
  }

  // What is of a class, and looks like it. What is only one of the two is refused.
  const is = (...classes) => (value) => {
    if (typeof value !== 'object' || value === null || isProxy(value)) return false;
    const isOne = classes.some((kind) => value instanceof globalThis[kind]);
    const isTagged = classes.includes(tag(value));
    return isOne === isTagged ? isOne : lack('util.types of this value');
  };
  inspect.custom = Symbol.for('nodejs.util.inspect.custom');
  absent(inspect, (name) => `util.inspect.${name}`, ['colors', 'defaultOptions', 'replDefaults', 'styles']);
  promisify.custom = CUSTOM;

  const util = part('util', {
    format,
    inspect,
    promisify,
    isDeepStrictEqual,
    inherits(constructor, parent) {
      if (typeof constructor !== 'function' || typeof parent?.prototype !== 'object') invalid('util.inherits()');
      Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
      Object.setPrototypeOf(constructor.prototype, parent.prototype);
    },
    deprecate: (call) => call,
    debuglog: () => Object.assign(() => undefined, { enabled: false }),
    debug: () => Object.assign(() => undefined, { enabled: false }),
    stripVTControlCharacters: (text) => (typeof text === 'string' ? text : invalid('util.stripVTControlCharacters()')).replace(/[\u001b\u009b][[\]()#;?]*(?:(?:(?:(?:;[-a-zA-Z\d/#&.:=?%@~_]+)*|[a-zA-Z\d]+(?:;[-a-zA-Z\d/#&.:=?%@~_]*)*)?(?:\u0007|\u001b\u005c|\u009c))|(?:(?:\d{1,4}(?:[;:]\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]))/g, ''),
    toUSVString: (text) => String(text).toWellFormed(),
    TextEncoder, TextDecoder,
    isArray: Array.isArray,
    types: part('util.types', {
      isDate: is('Date'), isRegExp: is('RegExp'), isMap: is('Map'), isSet: is('Set'), isPromise: is('Promise'),
      isNativeError: is('Error'),
      isProxy,
      isBoxedPrimitive: is('String', 'Number', 'Boolean', 'Symbol', 'BigInt'),
      isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
      isUint8Array: (value) => ArrayBuffer.isView(value) && value instanceof Uint8Array,
    }),
  });

  // ------------------------------------------------------------------------------------------------- node:crypto

  const isEncoding = (name) => name === undefined || name === null || Buffer.isEncoding(name);
  const bytesOf = (value, encoding) => {
    if (typeof value === 'string' && isEncoding(encoding)) return Buffer.from(value, encoding ?? 'utf8');
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return invalid('node:crypto');
  };

  function joined(parts) {
    const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  const DIGESTS = new Set(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']);
  function digestOf(name, parts) {
    const found = DIGESTS.has(String(name).toLowerCase()) ? host.digest(String(name), toLetters(joined(parts))) : undefined;
    if (found === undefined || found === null) throw refused(`createHash('${String(name)}')`);
    return found;
  }

  const encoded = (bytes, encoding) => {
    const buffer = Buffer.from(bytes);
    if (encoding === undefined || encoding === null || encoding === 'buffer') return buffer;
    return Buffer.isEncoding(encoding) ? buffer.toString(encoding) : invalid('digest()');
  };
  // In Node they are streams too.
  const STREAM = ['_events', '_flush', '_transform', '_read', '_write', 'addListener', 'destroy', 'emit', 'end', 'eventNames', 'listenerCount', 'listeners',
    'off', 'on', 'once', 'pause', 'pipe', 'push', 'read', 'removeAllListeners', 'removeListener', 'resume', 'setEncoding', 'write'];
  const asStream = (Class) => absent(Class.prototype, (name) => `${Class.name}.${name}`, STREAM);
  const poseOptions = (object) => pose(object, '_options', () => lack('what a hash of node:crypto is made of'), true);

  class Hash {
    #name;
    #parts = [];
    #isDone = false;
    constructor(name, options) {
      if (options !== undefined) lack('createHash() with options');
      this.#name = name;
      digestOf(name, []);
      poseOptions(this);
    }
    update(data, encoding) {
      if (this.#isDone) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
      this.#parts.push(Uint8Array.from(bytesOf(data, encoding)));
      return this;
    }
    digest(encoding) {
      if (this.#isDone) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
      this.#isDone = true;
      return encoded(digestOf(this.#name, this.#parts), encoding);
    }
    copy() {
      const other = new Hash(this.#name);
      other.#parts = [...this.#parts];
      return other;
    }
  }

  class Hmac {
    #name;
    #outer;
    #parts;
    #isDone = false;
    constructor(name, key, options) {
      if (options !== undefined) lack('createHmac() with options');
      poseOptions(this);
      this.#name = name;
      const size = /384|512/.test(String(name)) ? 128 : 64;
      let secret = bytesOf(key);
      if (secret.length > size) secret = digestOf(name, [secret]);
      const padded = new Uint8Array(size);
      padded.set(secret);
      this.#outer = padded.map((byte) => byte ^ 0x5c);
      this.#parts = [padded.map((byte) => byte ^ 0x36)];
    }
    update(data, encoding) {
      if (this.#isDone) throw Object.assign(new Error('Digest already called'), { code: 'ERR_CRYPTO_HASH_FINALIZED' });
      this.#parts.push(Uint8Array.from(bytesOf(data, encoding)));
      return this;
    }
    digest(encoding) {
      if (this.#isDone) return encoded([], encoding);
      this.#isDone = true;
      return encoded(digestOf(this.#name, [this.#outer, digestOf(this.#name, this.#parts)]), encoding);
    }
  }
  asStream(Hash);
  asStream(Hmac);

  const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
  const crypto = {
    createHash: (name, options) => new Hash(name, options),
    createHmac: (name, key, options) => new Hmac(name, key, options),
    hash: (name, data, encoding = 'hex') => new Hash(name).update(data).digest(encoding),
    webcrypto: globalThis.crypto,
    timingSafeEqual(one, other) {
      if (!ArrayBuffer.isView(one) || !ArrayBuffer.isView(other) || one.byteLength !== other.byteLength) invalid('timingSafeEqual()');
      return Buffer.from(bytesOf(one)).equals(Buffer.from(bytesOf(other)));
    },
    // What chance gives is another value each time.
    randomUUID: () => globalThis.crypto.randomUUID(),
    getRandomValues: (array) => globalThis.crypto.getRandomValues(array),
    randomBytes(size, done) {
      if (!isCount(size) || done !== undefined) lack('randomBytes() with these arguments');
      return Buffer.from(randomBytes(size, 'crypto.randomBytes'));
    },
    randomFillSync(array, offset = 0, size = undefined) {
      if (!ArrayBuffer.isView(array) || offset !== 0 || size !== undefined) lack('randomFillSync() with these arguments');
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength, 'crypto.randomFillSync'));
      return array;
    },
    randomInt(...range) {
      const [least, end] = range.length > 1 ? range : [0, ...range];
      if (!Number.isSafeInteger(least) || !Number.isSafeInteger(end) || end <= least || range.length > 2) lack('randomInt() with these arguments');
      return least + Math.floor(randomNumber('crypto.randomInt') * (end - least));
    },
  };

  // ------------------------------------------------------------------------------------------------- node:events

  // Node keeps the functions in properties that can be seen; what is in them is not.
  class EventEmitter {
    #calls = new Map();
    constructor() {
      for (const name of ['_events', '_eventsCount']) pose(this, name, () => lack('what an EventEmitter of Node is made of'), true);
      this._maxListeners = undefined;
    }
    static #added = 'newListener';
    on(name, call) { return this.#add(name, call, call, false); }
    prependListener(name, call) { return this.#add(name, call, call, true); }
    once(name, call) { return this.#add(name, call, this.#onceOf(name, call), false); }
    prependOnceListener(name, call) { return this.#add(name, call, this.#onceOf(name, call), true); }
    #onceOf(name, call) {
      const once = (...args) => {
        this.#remove(name, once);
        return Reflect.apply(call, this, args);
      };
      once.listener = call;
      return once;
    }
    #add(name, call, kept, isFirst) {
      if (typeof call !== 'function') invalid('EventEmitter');
      if (this.#calls.get(EventEmitter.#added)?.length > 0) this.emit(EventEmitter.#added, name, call);
      const calls = this.#calls.get(name) ?? [];
      this.#calls.set(name, isFirst ? [kept, ...calls] : [...calls, kept]);
      return this;
    }
    #remove(name, kept) {
      const calls = this.#calls.get(name) ?? [];
      const at = calls.lastIndexOf(kept);
      if (at < 0) return;
      if (calls.length === 1) this.#calls.delete(name);
      else this.#calls.set(name, calls.toSpliced(at, 1));
      if (this.#calls.has('removeListener')) this.emit('removeListener', name, kept.listener ?? kept);
    }
    off(name, call) {
      if (typeof call !== 'function') invalid('EventEmitter');
      const kept = (this.#calls.get(name) ?? []).findLast((one) => one === call || one.listener === call);
      if (kept !== undefined) this.#remove(name, kept);
      return this;
    }
    removeAllListeners(name) {
      if (this.#calls.has('removeListener')) lack('removeAllListeners() with a listener for it');
      if (name === undefined) this.#calls.clear();
      else this.#calls.delete(name);
      return this;
    }
    emit(name, ...args) {
      const calls = this.#calls.get(name) ?? [];
      if (name === 'error' && calls.length === 0) {
        if (args[0] instanceof Error) throw args[0];
        lack('the error of an event that is none');
      }
      for (const call of [...calls]) Reflect.apply(call, this, args);
      return calls.length > 0;
    }
    listenerCount(name, call) {
      if (call !== undefined) lack('listenerCount() of a function');
      return (this.#calls.get(name) ?? []).length;
    }
    listeners(name) { return (this.#calls.get(name) ?? []).map((call) => call.listener ?? call); }
    eventNames() { return [...this.#calls.keys()]; }
    setMaxListeners(count) { this._maxListeners = count; return this; }
    getMaxListeners() { return this._maxListeners ?? 10; }
  }
  absent(EventEmitter.prototype, (name) => `EventEmitter.${name}`, ['_events', '_eventsCount', '_maxListeners', 'rawListeners']);
  EventEmitter.prototype.addListener = EventEmitter.prototype.on;
  EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
  EventEmitter.EventEmitter = opaque(EventEmitter, 'EventEmitter');
  EventEmitter.defaultMaxListeners = 10;
  absent(EventEmitter, (name) => `events.${name}`, ['addAbortListener', 'captureRejectionSymbol', 'captureRejections', 'errorMonitor',
    'EventEmitterAsyncResource', 'getEventListeners', 'getMaxListeners', 'init', 'kMaxEventTargetListeners', 'kMaxEventTargetListenersWarned', 'listenerCount', 'on', 'once',
    'setMaxListeners', 'usingDomains']);

  // ------------------------------------------------------------------------------------------- node:querystring

  function escape(value) {
    const text = typeof value === 'string' ? value : typeof value === 'object' ? String(value) : `${value}`;
    return text.isWellFormed() ? encodeURIComponent(text) : invalid('querystring.escape()');
  }
  const plain = (value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : '';
    return typeof value === 'bigint' || typeof value === 'boolean' ? `${value}` : '';
  };
  const querystring = {
    escape,
    unescape(text) {
      try {
        return decodeURIComponent(text);
      } catch {
        return lack('querystring.unescape() of this');
      }
    },
    stringify(object, between, equals, options) {
      if (options !== undefined) lack('querystring.stringify() with options');
      if (typeof object !== 'object' || object === null) return '';
      const [separator, sign] = [between || '&', equals || '='];
      return Object.keys(object).flatMap((key) => (Array.isArray(object[key]) ? object[key] : [object[key]])
        .map((one) => escape(key) + sign + escape(plain(one)))).join(separator);
    },
  };
  querystring.encode = querystring.stringify;

  // What does not hold is told in the words of Node, unless the code brought an error of its own.
  function assertions(isStrict) {
    const failed = (message) => {
      if (message instanceof Error) throw message;
      return lack('an AssertionError');
    };
    const holds = (value, message) => { if (!value) failed(message); };
    const assert = function (...all) {
      if (all.length === 0) lack('an AssertionError');
      holds(...all);
    };
    const same = (one, other, message) => holds(Object.is(one, other), message);
    const loosely = (one, other) => one == other || (one !== one && other !== other);
    const deeply = (one, other, message) => holds(isDeepStrictEqual(one, other), message);
    Object.assign(assert, {
      ok: assert,
      strictEqual: same,
      notStrictEqual: (one, other, message) => holds(!Object.is(one, other), message),
      deepStrictEqual: deeply,
      notDeepStrictEqual: (one, other, message) => holds(!isDeepStrictEqual(one, other), message),
      equal: isStrict ? same : (one, other, message) => holds(loosely(one, other), message),
      notEqual: (one, other, message) => holds(isStrict ? !Object.is(one, other) : !loosely(one, other), message),
    });
    if (isStrict) Object.assign(assert, { deepEqual: deeply, notDeepEqual: assert.notDeepStrictEqual });
    absent(assert, (name) => `assert.${name}`, ['AssertionError', 'CallTracker', 'deepEqual', 'doesNotMatch', 'doesNotReject', 'doesNotThrow', 'fail',
      'ifError', 'match', 'notDeepEqual', 'rejects', 'throws', 'strict']);
    for (const name of ['ok', 'strictEqual', 'notStrictEqual', 'deepStrictEqual', 'notDeepStrictEqual', 'equal', 'notEqual']) opaque(assert[name], `assert.${name}`);
    return assert;
  }
  const [assert, strict] = [assertions(false), assertions(true)];
  for (const one of [assert, strict]) Object.defineProperty(one, 'strict', { value: strict, enumerable: true, configurable: true });

  return { util, crypto: part('crypto', crypto), events: EventEmitter, querystring: part('querystring', querystring), assert, 'assert/strict': strict };
})
