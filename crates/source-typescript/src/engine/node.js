// The parts of Node.js that compute and do nothing else, for definitions and the packages that they use. What a part does not
// have is a function that refuses: another value than that of Node.js would be worse than none.
(function (host, base) {
  'use strict';

  const { Buffer, TextEncoder, TextDecoder, marked, refused, only, toLetters } = base;

  // --------------------------------------------------------------------------------------------------- node:util

  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);

  const KEY = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

  function quote(text) {
    const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') && !text.includes('${') ? '`' : "'";
    const escaped = text.replace(/[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, (letter) => {
      const known = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\' }[letter];
      if (known !== undefined) return known;
      if (letter === "'") return mark === "'" ? "\\'" : "'";
      const code = letter.charCodeAt(0).toString(16).toUpperCase();
      return letter.charCodeAt(0) > 255 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
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

  function format(first, ...rest) {
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
          if (typeof value !== 'object' || value === null) return String(value);
          if (value instanceof Error || (tag(value) !== 'Array' && typeof value.toString === 'function' && value.toString !== Object.prototype.toString)) return String(value);
          throw refused("util.format() of an object as '%s'");
        case '%d': return typeof value === 'object' && value !== null ? number(value, Number) : number(value, Number);
        case '%i': return typeof value === 'object' && value !== null ? 'NaN' : number(value, parseInt);
        case '%f': return number(value, parseFloat);
        case '%j': {
          const json = JSON.stringify(value);
          return json === undefined ? 'undefined' : json;
        }
        case '%c': return '';
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
    if (!['Object', 'Array'].includes(tag(one)) || tag(one) !== tag(other)) throw refused('util.isDeepStrictEqual() of such objects');
    const [ours, theirs] = [Object.keys(one), Object.keys(other)];
    return ours.length === theirs.length && ours.every((key) => Object.hasOwn(other, key) && isDeepStrictEqual(one[key], other[key]));
  }

  const CUSTOM = Symbol.for('nodejs.util.promisify.custom');

  function promisify(call) {
    if (typeof call[CUSTOM] === 'function') return call[CUSTOM];
    return function (...args) {
      return new Promise((resolve, reject) => {
        call.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
      });
    };
  }

  const is = (...names) => (value) => names.includes(tag(value)) && typeof value === 'object';
  inspect.custom = Symbol.for('nodejs.util.inspect.custom');
  promisify.custom = CUSTOM;

  const util = only('util', {
    format,
    formatWithOptions: (_, ...args) => format(...args),
    inspect,
    promisify,
    isDeepStrictEqual,
    callbackify: (call) => (...args) => {
      const done = args.pop();
      call(...args).then((value) => done(null, value), (error) => done(error));
    },
    inherits(constructor, parent) {
      Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
      Object.setPrototypeOf(constructor.prototype, parent.prototype);
    },
    deprecate: (call) => call,
    debuglog: () => Object.assign(() => undefined, { enabled: false }),
    debug: () => Object.assign(() => undefined, { enabled: false }),
    stripVTControlCharacters: (text) => String(text).replace(/[\u001b\u009b][[\]()#;?]*(?:(?:(?:(?:;[-a-zA-Z\d/#&.:=?%@~_]+)*|[a-zA-Z\d]+(?:;[-a-zA-Z\d/#&.:=?%@~_]*)*)?(?:\u0007|\u001b\u005c|\u009c))|(?:(?:\d{1,4}(?:[;:]\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]))/g, ''),
    toUSVString: (text) => String(text).toWellFormed(),
    TextEncoder, TextDecoder,
    isArray: Array.isArray,
    types: only('util.types', {
      isDate: is('Date'), isRegExp: is('RegExp'), isMap: is('Map'), isSet: is('Set'), isPromise: is('Promise'),
      isNativeError: (value) => value instanceof Error,
      isAsyncFunction: (value) => tag(value) === 'AsyncFunction',
      isGeneratorFunction: (value) => ['GeneratorFunction', 'AsyncGeneratorFunction'].includes(tag(value)),
      isProxy: () => false,
      isBoxedPrimitive: is('String', 'Number', 'Boolean', 'Symbol', 'BigInt'),
      isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
      isUint8Array: (value) => value instanceof Uint8Array,
    }),
  });

  // ------------------------------------------------------------------------------------------------- node:crypto

  const bytesOf = (value, encoding) => {
    if (typeof value === 'string') return Buffer.from(value, encoding ?? 'utf8');
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    throw Object.assign(new TypeError('The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'),
      { code: 'ERR_INVALID_ARG_TYPE' });
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

  function digestOf(name, parts) {
    const found = host.digest(String(name), toLetters(joined(parts)));
    if (found === undefined || found === null) throw refused(`createHash('${name}')`);
    return found;
  }

  const encoded = (bytes, encoding) => {
    const buffer = Buffer.from(bytes);
    return encoding === undefined || encoding === null || encoding === 'buffer' ? buffer : buffer.toString(encoding);
  };

  class Hash {
    #name;
    #parts = [];
    #isDone = false;
    constructor(name) {
      this.#name = name;
      digestOf(name, []);
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
    constructor(name, key) {
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
      this.#parts.push(Uint8Array.from(bytesOf(data, encoding)));
      return this;
    }
    digest(encoding) { return encoded(digestOf(this.#name, [this.#outer, digestOf(this.#name, this.#parts)]), encoding); }
  }

  // What is another value each time that it is asked for can be no part of a definition.
  const changing = (name) => () => {
    throw marked('refused', `${name}() gives another value each time, so what depends on it cannot be read`, 'EACCES');
  };

  const crypto = {
    createHash: (name) => new Hash(name),
    createHmac: (name, key) => new Hmac(name, key),
    hash: (name, data, encoding = 'hex') => new Hash(name).update(data).digest(encoding),
    webcrypto: globalThis.crypto,
    getHashes: () => ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'],
    timingSafeEqual: (one, other) => Buffer.from(one).toString('hex') === Buffer.from(other).toString('hex'),
  };
  for (const name of ['randomUUID', 'randomBytes', 'randomInt', 'randomFillSync', 'getRandomValues']) crypto[name] = changing(`crypto.${name}`);

  // ------------------------------------------------------------------------------------------------- node:events

  class EventEmitter {
    #listeners = new Map();
    on(name, call) { return this.#add(name, call, false); }
    prependListener(name, call) { return this.#add(name, call, true); }
    once(name, call) {
      const once = (...args) => {
        this.off(name, once);
        call.apply(this, args);
      };
      once.listener = call;
      return this.on(name, once);
    }
    #add(name, call, isFirst) {
      const calls = this.#listeners.get(name) ?? [];
      this.#listeners.set(name, isFirst ? [call, ...calls] : [...calls, call]);
      return this;
    }
    off(name, call) {
      const calls = (this.#listeners.get(name) ?? []).filter((other) => other !== call && other.listener !== call);
      this.#listeners.set(name, calls);
      return this;
    }
    removeAllListeners(name) {
      if (name === undefined) this.#listeners.clear();
      else this.#listeners.delete(name);
      return this;
    }
    emit(name, ...args) {
      const calls = this.#listeners.get(name) ?? [];
      if (name === 'error' && calls.length === 0) throw args[0];
      for (const call of calls) call.apply(this, args);
      return calls.length > 0;
    }
    listenerCount(name) { return (this.#listeners.get(name) ?? []).length; }
    listeners(name) { return (this.#listeners.get(name) ?? []).map((call) => call.listener ?? call); }
    eventNames() { return [...this.#listeners.keys()]; }
    setMaxListeners() { return this; }
    getMaxListeners() { return 10; }
  }
  EventEmitter.prototype.addListener = EventEmitter.prototype.on;
  EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
  EventEmitter.EventEmitter = EventEmitter;
  EventEmitter.defaultMaxListeners = 10;

  // ------------------------------------------------------------------------------------------- node:querystring

  const escape = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (letter) => letter);
  const plain = (value) => (typeof value === 'string' ? value : ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : '');
  const querystring = {
    escape,
    unescape: decodeURIComponent,
    stringify: (object = {}, between = '&', equals = '=') => Object.entries(object).flatMap(([key, value]) => (Array.isArray(value) ? value : [value])
      .map((one) => escape(key) + equals + escape(plain(one)))).join(between),
  };

  const assert = Object.assign((value, message) => assert.ok(value, message), {
    ok(value, message) {
      if (!value) throw message instanceof Error ? message : new Error(message ?? 'The expression evaluated to a falsy value');
    },
    strictEqual(one, other, message) {
      if (!Object.is(one, other)) throw message instanceof Error ? message : new Error(message ?? 'Expected values to be strictly equal');
    },
    notStrictEqual(one, other, message) {
      if (Object.is(one, other)) throw message instanceof Error ? message : new Error(message ?? 'Expected values to be strictly unequal');
    },
    deepStrictEqual(one, other, message) {
      if (!isDeepStrictEqual(one, other)) throw message instanceof Error ? message : new Error(message ?? 'Expected values to be strictly deep-equal');
    },
  });
  assert.equal = (one, other, message) => assert.ok(one == other, message);
  assert.strict = assert;

  return { util, crypto: only('crypto', crypto), events: EventEmitter, querystring: only('querystring', querystring), assert: assert, 'assert/strict': assert };
})
