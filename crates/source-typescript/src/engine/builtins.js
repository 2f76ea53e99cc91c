// What Node 20 has built in and the engine has not, has otherwise, or has too much of. It is evaluated before `prelude.js`.
//
// A value that is read is the one that Node 20 gives, or it is unreadable. So whatever is missing throws here (`lack`), and
// what was thrown once is not forgotten when the code catches it: the value would be another one than Node's. What the
// code learns of the machine and the moment (`touch`) is noted, and the code is run again in another world (`host.variant`)
// to see whether it matters.
//
// `host` holds the functions of `sandbox.rs`, `text.rs` and `intl.rs`.
(function (host) {
  'use strict';

  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, setPrototypeOf } = Object;
  const NativeError = Error;
  const NativeInternalError = globalThis.InternalError;
  const variant = host.variant;
  // What `process.nextTick` was given.
  host.ticks = [];

  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
  const hidden = (object, name, value) =>
    defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  // Gives functions the look of methods: not enumerable, and with the number of parameters that Node has.
  const methods = (object, functions) => {
    for (const name of Reflect.ownKeys(functions)) hidden(object, name, functions[name]);
  };

  // The name of the file that a function stands in, and that of this one.
  const fileOf = getOwnPropertyDescriptor(Function.prototype, 'fileName').get;
  const OWN_FILE = Reflect.apply(fileOf, hidden, []);

  const readStack = getOwnPropertyDescriptor(NativeError.prototype, 'stack').get;
  const stackOf = (error) => String(Reflect.apply(readStack, error, []) ?? '');

  // ------------------------------------------------------------------------------------------------ What is missing

  const lacks = [];

  function marked(kind, message, code) {
    const error = new NativeError(message);
    hidden(error, 'keepstep', kind);
    if (code !== undefined) error.code = code;
    lacks.push({ kind, message });
    return error;
  }

  // Throws: only Node could tell.
  const lack = (what) => { throw marked('node', `${what} is Node's own, and keepstep does not have it`); };
  const lackLocale = (what) => { throw marked('node', `${what} needs the internationalization data of Node`); };

  // --------------------------------------------------------------------------------- What the machine and the moment give

  // kind: { name, stack } of the first use.
  const touched = new Map();

  function touch(kind, name) {
    if (!touched.has(kind)) touched.set(kind, { name, stack: stackOf(new NativeError()) });
    return variant.kind === kind ? variant.number : 0;
  }

  // ------------------------------------------------------------------------------------------------------------ Errors

  // Accessors that stand where Node has a value.
  const posing = new WeakSet();
  function pose(object, name, get, isEnumerable = false) {
    posing.add(get);
    defineProperty(object, name, {
      get,
      set(value) { defineProperty(this, name, { value, writable: true, enumerable: this === object ? isEnumerable : true, configurable: true }); },
      enumerable: isEnumerable, configurable: true,
    });
  }
  const asValue = (object, described) => (described?.get !== undefined && posing.has(described.get)
    ? { value: Reflect.apply(described.get, object, []), writable: true, enumerable: described.enumerable, configurable: described.configurable }
    : described);
  const { getOwnPropertyDescriptors, getOwnPropertyNames, isFrozen, isSealed } = Object;
  const { ownKeys } = Reflect;
  const proxies = new WeakSet();
  const describe = { getOwnPropertyDescriptor(object, name) { return asValue(object, getOwnPropertyDescriptor(object, name)); } };
  methods(Reflect, { getOwnPropertyDescriptor: (({ getOwnPropertyDescriptor: native }) => ({
    getOwnPropertyDescriptor(object, name) { return asValue(object, native(object, name)); },
  }).getOwnPropertyDescriptor)(Reflect) });
  methods(Object, {
    ...describe,
    getOwnPropertyDescriptors(object) {
      const all = getOwnPropertyDescriptors(object);
      const copy = {};
      for (const name of inSomeOrder(object, ownKeys(all))) copy[name] = asValue(object, all[name]);
      return copy;
    },
    getOwnPropertyNames(object) { return inSomeOrder(object, getOwnPropertyNames(object)); },
    // A proxy is asked first for what is quickly answered.
    isFrozen(object) { return (!proxies.has(object) || !Object.isExtensible(object)) && isFrozen(object); },
    isSealed(object) { return (!proxies.has(object) || !Object.isExtensible(object)) && isSealed(object); },
  });
  methods(Reflect, { ownKeys(object) { return inSomeOrder(object, ownKeys(object)); } });
  // In which order the names of a built-in object come, each engine decides.
  const native = new WeakSet();
  const inSomeOrder = (object, names) =>
    (isObject(object) && native.has(object) && touch('words', 'the order of the names of a built-in object') !== 0 ? names.reverse() : names);

  // Leaves open how a function of Node is called there and how many parameters it has.
  function opaque(call, what) {
    for (const [key, other] of [['name', (value) => `${value}Other`], ['length', (value) => value + 1]]) {
      const own = getOwnPropertyDescriptor(call, key);
      if (own?.configurable && 'value' in own) pose(call, key, () => (touch('words', `the ${key} of ${what}`) === 0 ? own.value : other(own.value)));
    }
    return call;
  }

  // Every error has a stack of its own, before everything else that it has. Only its first words could be told without Node.
  const stackWords = () => touch('words', 'the stack of an error') === 0;
  function giveStack(error) {
    const own = getOwnPropertyDescriptors(error);
    const names = Reflect.ownKeys(own).filter((name) => own[name].configurable);
    for (const name of names) delete error[name];
    pose(error, 'stack', function () {
      if (typeof Error.stackTraceLimit !== 'number' || isPrepared) lack('the stack of an error with settings of its own');
      return stackWords() ? stackOf(error) : 'somewhere else';
    });
    for (const name of names) if (name !== 'stack') defineProperty(error, name, own[name]);
    return error;
  }
  // Errors that the code made itself. All others come from the engine, whose words are not those of Node.
  const made = new WeakSet();
  for (const name of ['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']) {
    const Native = globalThis[name];
    const record = (error) => { made.add(error); return giveStack(error); };
    const Wrapped = new Proxy(Native, {
      apply: (target, self, args) => record(Reflect.apply(target, self, args)),
      construct: (target, args, derived) => record(Reflect.construct(target, args, derived)),
    });
    hidden(Native.prototype, 'constructor', Wrapped);
    hidden(globalThis, name, Wrapped);
  }

  // Every `catch` hands over what it caught before the code sees it.
  function caught(error) {
    if (typeof error !== 'object' || error === null || !(error instanceof NativeError)) return error;
    if (typeof error.keepstep === 'string') return error;
    if (error instanceof NativeInternalError || (!made.has(error) && /call stack|stack overflow/.test(error.message))) {
      throw marked('node', 'what the code does at the limits of memory and depth is known only to Node');
    }
    if (!made.has(error)) {
      made.add(error);
      const { message } = error;
      giveStack(error);
      pose(error, 'message', () => (touch('words', 'the text of an error that JavaScript throws') === 0 ? message : 'something else'));
    }
    return error;
  }
  delete NativeError.prototype.stack;
  let isPrepared = false;
  const { captureStackTrace } = NativeError;
  methods(NativeError, {
    captureStackTrace(object, constructor) {
      captureStackTrace(object, constructor);
      delete object.stack;
      pose(object, 'stack', () => (stackWords() ? 'Error' : 'somewhere else'));
    },
  });
  defineProperty(NativeError, 'stackTraceLimit', { value: 10, writable: true, enumerable: true, configurable: true });
  // The releases of Node 20 differ in whether they have it.
  const prepare = { prepareStackTrace() { return touch('process', 'Error.prepareStackTrace') === 0 ? undefined : () => undefined; } }.prepareStackTrace;
  posing.add(prepare);
  delete NativeError.prepareStackTrace;
  defineProperty(NativeError, 'prepareStackTrace', {
    get: prepare,
    set(value) { isPrepared = true; hidden(NativeError, 'prepareStackTrace', value); }, enumerable: false, configurable: true,
  });
  const { then } = Promise.prototype;
  hidden(Promise.prototype, 'then', {
    then(done, failed) {
      return Reflect.apply(then, this, [done, typeof failed === 'function' ? (error) => failed(caught(error)) : failed]);
    },
  }.then);

  // ----------------------------------------------------------------------------------------- Names that are not in Node 20

  const remove = (object, ...names) => { for (const name of names) delete object[name]; };
  remove(Object, 'groupBy');
  remove(Function.prototype, 'columnNumber', 'fileName', 'lineNumber');
  remove(Array, 'fromAsync');
  remove(RegExp, 'escape');
  remove(Map, 'groupBy');
  remove(Map.prototype, 'getOrInsert', 'getOrInsertComputed');
  remove(WeakMap.prototype, 'getOrInsert', 'getOrInsertComputed');
  remove(Set.prototype, 'difference', 'intersection', 'isDisjointFrom', 'isSubsetOf', 'isSupersetOf', 'symmetricDifference', 'union');
  remove(Promise, 'try', 'withResolvers');
  remove(NativeError, 'isError');
  remove(ArrayBuffer.prototype, 'detached', 'immutable', 'sliceToImmutable', 'transfer', 'transferToFixedLength', 'transferToImmutable');
  remove(DataView.prototype, 'getFloat16', 'setFloat16');
  remove(Uint8Array, 'fromBase64', 'fromHex');
  remove(Uint8Array.prototype, 'setFromBase64', 'setFromHex', 'toBase64', 'toHex');
  remove(Math, 'f16round', 'sumPrecise');
  remove(JSON, 'isRawJSON', 'rawJSON');
  remove(Atomics, 'pause');
  remove(getPrototypeOf(getPrototypeOf([].values())), 'chunks', 'constructor', 'drop', 'every', 'filter', 'find', 'flatMap', 'forEach',
    'includes', 'join', 'map', 'reduce', 'some', 'take', 'toArray', 'windows', Symbol.toStringTag);
  remove(globalThis, 'AsyncDisposableStack', 'DisposableStack', 'Float16Array', 'InternalError', 'Iterator', 'SuppressedError', 'navigator');

  // ------------------------------------------------------------------------------------- Names that only Node could fill

  const absent = (object, what, names) => {
    for (const name of names) {
      if (getOwnPropertyDescriptor(object, name) !== undefined) continue;
      pose(object, name, () => lack(what(name)));
    }
  };
  absent(RegExp, (name) => `RegExp.${name}`, ['$&', "$'", '$+', '$1', '$2', '$3', '$4', '$5', '$6', '$7', '$8', '$9', '$_', '$`', 'input',
    'lastMatch', 'lastParen', 'leftContext', 'rightContext']);
  absent(Atomics, (name) => `Atomics.${name}`, ['waitAsync']);
  absent(globalThis, (name) => `\`${name}\``, ['AbortController', 'AbortSignal', 'Blob', 'BroadcastChannel', 'ByteLengthQueuingStrategy',
    'CompressionStream', 'CountQueuingStrategy', 'Crypto', 'CryptoKey', 'CustomEvent', 'DecompressionStream', 'Event', 'EventTarget',
    'File', 'FormData', 'Headers', 'MessageChannel', 'MessageEvent', 'MessagePort', 'Performance', 'PerformanceEntry',
    'PerformanceMark', 'PerformanceMeasure', 'PerformanceObserver', 'PerformanceObserverEntryList', 'PerformanceResourceTiming',
    'ReadableByteStreamController', 'ReadableStream', 'ReadableStreamBYOBReader', 'ReadableStreamBYOBRequest',
    'ReadableStreamDefaultController', 'ReadableStreamDefaultReader', 'Request', 'Response', 'SubtleCrypto', 'TextDecoderStream',
    'TextEncoderStream', 'TransformStream', 'TransformStreamDefaultController', 'WebAssembly', 'WritableStream',
    'WritableStreamDefaultController', 'WritableStreamDefaultWriter']);

  // The same names in the order that Node has.
  const unscopables = Object.create(null);
  for (const name of ['at', 'copyWithin', 'entries', 'fill', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flat', 'flatMap', 'includes', 'keys',
    'values', 'toReversed', 'toSorted', 'toSpliced']) unscopables[name] = true;
  defineProperty(Array.prototype, Symbol.unscopables, { value: unscopables, configurable: true });

  // The text of a function is what the compiler left of it; only that of a very short one is the same with every compiler. Those that
  // stand here are native functions in Node, or its own.
  const functionText = Function.prototype.toString;
  const bound = new WeakSet();
  const { bind } = Function.prototype;
  methods(Function.prototype, {
    bind(self, ...args) {
      const made = Reflect.apply(bind, this, [self, ...args]);
      bound.add(made);
      return made;
    },
  });
  defineProperty(Function.prototype.bind, 'length', { value: 1, configurable: true });
  const LONGEST_FUNCTION_TEXT = 40;
  hidden(Function.prototype, 'toString', {
    toString() {
      if (proxies.has(this)) return 'function () { [native code] }';
      const text = Reflect.apply(functionText, this, []);
      if (text.includes('[native code]')) return `function ${bound.has(this) ? '' : this.name}() { [native code] }`;
      if (Reflect.apply(fileOf, this, []) === OWN_FILE) {
        return touch('words', 'the text of a function') === 0 ? `function ${this.name}() { [native code] }` : 'function other() {}';
      }
      const isSame = text.length <= LONGEST_FUNCTION_TEXT && !/[\n'"`{]/.test(text);
      return isSame || touch('words', 'the text of a function') === 0 ? text : 'function other() {}';
    },
  }.toString);

  // Where a proxy is asked more often than in Node, the code can see it.
  const NativeProxy = globalThis.Proxy;
  const noted = (proxy) => { proxies.add(proxy); return proxy; };
  const { revocable } = NativeProxy;
  methods(NativeProxy, {
    revocable(target, handler) {
      const found = revocable(target, handler);
      proxies.add(found.proxy);
      return found;
    },
  });
  hidden(globalThis, 'Proxy', new NativeProxy(NativeProxy, {
    construct(target, args, derived) {
      // Which of its functions are looked for, and when, is decided by each engine.
      if (proxies.has(args[1])) lack('a Proxy whose handler is a Proxy');
      return noted(Reflect.construct(target, args, derived));
    },
  }));

  // What is gone through in a list or in arguments: a proxy is asked once for how.
  function listed(value) {
    if (!isObject(value) || !proxies.has(value)) return value;
    const go = value[Symbol.iterator];
    if (typeof go !== 'function') throw new TypeError('it is not iterable');
    const iterator = Reflect.apply(go, value, []);
    return { [Symbol.iterator]: () => iterator };
  }
  const { from: nativeFrom } = Array;
  methods(Array, {
    from(items, ...rest) {
      if (!isObject(items) || !proxies.has(items)) return Reflect.apply(nativeFrom, this, [items, ...rest]);
      const go = items[Symbol.iterator];
      if (typeof go !== 'function') lack('Array.from of such a Proxy');
      const iterator = Reflect.apply(go, items, []);
      return Reflect.apply(nativeFrom, this, [{ [Symbol.iterator]: () => iterator }, ...rest]);
    },
  });
  defineProperty(Array.from, 'length', { value: 1, configurable: true });

  // ---------------------------------------------------------------------------------------------------------- Sorting

  // With a comparison that contradicts itself (`(a, b) => a > b`) the order is that of the algorithm, and one that counts can see it
  // at work. So it is that of V8: runs that are there already, short ones made longer by binary insertion, merged two by two in a
  // fixed order, by leaps where one of the two is ahead again and again.
  const LEAP = 7;

  // Returns how many items from `low` on are in order; those in strictly falling order are turned around.
  function runFrom(items, low, high, order) {
    let end = low + 1;
    if (end === high) return 1;
    const isFalling = order(items[end], items[end - 1]) < 0;
    for (end += 1; end < high; end += 1) if ((order(items[end], items[end - 1]) < 0) !== isFalling) break;
    if (isFalling) for (let a = low, b = end - 1; a < b; a += 1, b -= 1) [items[a], items[b]] = [items[b], items[a]];
    return end - low;
  }

  // Sorts from `low` to `high`, of which those before `start` are in order.
  function insertInto(items, low, high, start, order) {
    for (let at = start; at < high; at += 1) {
      const item = items[at];
      let [left, right] = [low, at];
      while (left < right) {
        const middle = left + ((right - left) >> 1);
        if (order(item, items[middle]) < 0) right = middle;
        else left = middle + 1;
      }
      for (let place = at; place > left; place -= 1) items[place] = items[place - 1];
      items[left] = item;
    }
  }

  // Returns in front of which of `length` items from `base` on something belongs, by leaps from a hint: in front of those that are equal to
  // it, or behind them.
  function leap(items, item, base, length, hint, isBehind, order) {
    const isAfter = isBehind ? (other) => order(item, other) >= 0 : (other) => order(other, item) < 0;
    let last = 0;
    let offset = 1;
    if (isAfter(items[base + hint])) {
      const most = length - hint;
      while (offset < most && isAfter(items[base + hint + offset])) [last, offset] = [offset, offset * 2 + 1];
      offset = Math.min(offset, most);
      [last, offset] = [last + hint, offset + hint];
    } else {
      const most = hint + 1;
      while (offset < most && !isAfter(items[base + hint - offset])) [last, offset] = [offset, offset * 2 + 1];
      offset = Math.min(offset, most);
      [last, offset] = [hint - offset, hint - last];
    }
    for (last += 1; last < offset;) {
      const middle = last + ((offset - last) >> 1);
      if (isAfter(items[base + middle])) last = middle + 1;
      else offset = middle;
    }
    return offset;
  }

  function sortLike(items, order) {
    const { length } = items;
    if (length < 2) return;
    let least = length;
    let odd = 0;
    for (; least >= 64; least >>= 1) odd |= least & 1;
    least += odd;
    const runs = [];
    // How often one side has to be ahead before the merge leaps.
    let patience = LEAP;

    // Merges two neighbors, the shorter of which is laid aside. `up` goes from the front, with the left one aside; otherwise all of it is
    // mirrored.
    function merge(at) {
      const { base: left, length: leftAll } = runs[at];
      const { base: right, length: rightAll } = runs[at + 1];
      runs.splice(at, 2, { base: left, length: leftAll + rightAll });
      const skipped = leap(items, items[right], left, leftAll, 0, true, order);
      const base = left + skipped;
      const leftLength = leftAll - skipped;
      if (leftLength === 0) return;
      const rightLength = leap(items, items[base + leftLength - 1], right, rightAll, rightAll - 1, false, order);
      if (rightLength === 0) return;
      if (leftLength <= rightLength) mergeUp(base, leftLength, right, rightLength);
      else mergeDown(base, leftLength, right, rightLength);
    }

    function mergeUp(base, leftLength, right, rightLength) {
      const aside = items.slice(base, base + leftLength);
      let [to, a, b, left, rest] = [base, 0, right, leftLength, rightLength];
      const put = (list, from, count) => { for (let index = 0; index < count; index += 1) items[to + index] = list[from + index]; to += count; };
      const finishLeft = () => put(aside, a, left);
      const finishRight = () => { put(items, b, rest); items[to] = aside[a]; };
      put(items, b, 1); b += 1; rest -= 1;
      if (rest === 0) return finishLeft();
      if (left === 1) return finishRight();
      for (;;) {
        let [wonLeft, wonRight] = [0, 0];
        for (;;) {
          if (order(items[b], aside[a]) < 0) {
            put(items, b, 1); b += 1; rest -= 1; wonRight += 1; wonLeft = 0;
            if (rest === 0) return finishLeft();
            if (wonRight >= patience) break;
          } else {
            put(aside, a, 1); a += 1; left -= 1; wonLeft += 1; wonRight = 0;
            if (left === 1) return finishRight();
            if (wonLeft >= patience) break;
          }
        }
        patience += 1;
        do {
          patience = Math.max(1, patience - 1);
          wonLeft = leap(aside, items[b], a, left, 0, true, order);
          if (wonLeft > 0) {
            put(aside, a, wonLeft); a += wonLeft; left -= wonLeft;
            if (left === 1) return finishRight();
            if (left === 0) return undefined;
          }
          put(items, b, 1); b += 1; rest -= 1;
          if (rest === 0) return finishLeft();
          wonRight = leap(items, aside[a], b, rest, 0, false, order);
          if (wonRight > 0) {
            put(items, b, wonRight); b += wonRight; rest -= wonRight;
            if (rest === 0) return finishLeft();
          }
          put(aside, a, 1); a += 1; left -= 1;
          if (left === 1) return finishRight();
        } while (wonLeft >= LEAP || wonRight >= LEAP);
        patience += 1;
      }
    }

    function mergeDown(base, leftLength, right, rightLength) {
      const aside = items.slice(right, right + rightLength);
      let [to, a, b, left, rest] = [right + rightLength - 1, base + leftLength - 1, rightLength - 1, leftLength, rightLength];
      // From the end to the front.
      const put = (list, from, count) => { for (let index = 0; index < count; index += 1) items[to - index] = list[from - index]; to -= count; };
      const finishLeft = () => { put(items, a, left); items[to] = aside[0]; };
      const finishRight = () => put(aside, b, rest);
      put(items, a, 1); a -= 1; left -= 1;
      if (left === 0) return finishRight();
      if (rest === 1) return finishLeft();
      for (;;) {
        let [wonLeft, wonRight] = [0, 0];
        for (;;) {
          if (order(aside[b], items[a]) < 0) {
            put(items, a, 1); a -= 1; left -= 1; wonLeft += 1; wonRight = 0;
            if (left === 0) return finishRight();
            if (wonLeft >= patience) break;
          } else {
            put(aside, b, 1); b -= 1; rest -= 1; wonRight += 1; wonLeft = 0;
            if (rest === 1) return finishLeft();
            if (wonRight >= patience) break;
          }
        }
        patience += 1;
        do {
          patience = Math.max(1, patience - 1);
          wonLeft = left - leap(items, aside[b], base, left, left - 1, true, order);
          if (wonLeft > 0) {
            put(items, a, wonLeft); a -= wonLeft; left -= wonLeft;
            if (left === 0) return finishRight();
          }
          put(aside, b, 1); b -= 1; rest -= 1;
          if (rest === 1) return finishLeft();
          wonRight = rest - leap(aside, items[a], 0, rest, rest - 1, false, order);
          if (wonRight > 0) {
            put(aside, b, wonRight); b -= wonRight; rest -= wonRight;
            if (rest === 1) return finishLeft();
            if (rest === 0) return undefined;
          }
          put(items, a, 1); a -= 1; left -= 1;
          if (left === 0) return finishRight();
        } while (wonLeft >= LEAP || wonRight >= LEAP);
        patience += 1;
      }
    }

    const sum = (at) => runs[at - 1].length <= runs[at].length + runs[at + 1].length;
    for (let low = 0; low < length;) {
      let found = runFrom(items, low, length, order);
      if (found < least) {
        const forced = Math.min(least, length - low);
        insertInto(items, low, low + forced, low + found, order);
        found = forced;
      }
      runs.push({ base: low, length: found });
      while (runs.length > 1) {
        const at = runs.length - 2;
        if ((at > 0 && sum(at)) || (at > 1 && sum(at - 1))) merge(runs[at - 1].length < runs[at + 1].length ? at - 1 : at);
        else if (runs[at].length <= runs[at + 1].length) merge(at);
        else break;
      }
      low += found;
    }
    while (runs.length > 1) {
      const at = runs.length - 2;
      merge(at > 0 && runs[at - 1].length < runs[at + 1].length ? at - 1 : at);
    }
  }

  const orderOf = (compare) => (a, b) => {
    const answer = Number(Reflect.apply(compare, undefined, [a, b]));
    return Number.isNaN(answer) ? 0 : answer;
  };
  const nativeSort = Array.prototype.sort;
  const { toSorted: nativeToSorted } = Array.prototype;
  const inOrder = (list, compare) => {
    const items = list.filter((item) => item !== undefined);
    const empty = list.length - items.length;
    sortLike(items, orderOf(compare));
    for (let count = 0; count < empty; count += 1) items.push(undefined);
    return items;
  };
  methods(Array.prototype, {
    sort(compare) {
      if (typeof compare !== 'function') return Reflect.apply(nativeSort, this, [compare]);
      const object = Object(this);
      const length = Math.min(Math.max(Math.trunc(Number(object.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
      const items = [];
      for (let index = 0; index < length; index += 1) if (index in object) items.push(object[index]);
      const sorted = inOrder(items, compare);
      for (let index = 0; index < sorted.length; index += 1) object[index] = sorted[index];
      for (let index = sorted.length; index < length; index += 1) if (index in object) delete object[index];
      return object;
    },
    toSorted(compare) {
      if (typeof compare !== 'function') return Reflect.apply(nativeToSorted, this, [compare]);
      return inOrder(Array.from({ length: this.length }, (_, index) => this[index]), compare);
    },
  });
  // Lists of numbers of one type are merged from the top.
  const typedPrototype = getPrototypeOf(Uint8Array.prototype);
  const { sort: nativeTypedSort, toSorted: nativeTypedToSorted, set: setItems } = typedPrototype;
  function sortHalves(source, from, to, target, order) {
    const middle = from + ((to - from) >> 1);
    if (middle - from > 1) sortHalves(target, from, middle, source, order);
    if (to - middle > 1) sortHalves(target, middle, to, source, order);
    let [left, right] = [from, middle];
    for (let at = from; at < to; at += 1) {
      const isLeft = left < middle && (right >= to || order(source[left], source[right]) <= 0);
      target[at] = isLeft ? source[left++] : source[right++];
    }
  }
  methods(typedPrototype, {
    sort(compare) {
      if (typeof compare !== 'function') return Reflect.apply(nativeTypedSort, this, [compare]);
      const items = Array.from(this);
      if (items.length > 1) sortHalves([...items], 0, items.length, items, orderOf(compare));
      Reflect.apply(setItems, this, [items]);
      return this;
    },
    toSorted(compare) {
      const copy = Reflect.apply(nativeTypedToSorted, this, []);
      if (typeof compare !== 'function') return compare === undefined ? copy : Reflect.apply(nativeTypedToSorted, this, [compare]);
      Reflect.apply(setItems, copy, [this]);
      return copy.sort(compare);
    },
  });

  // With both `v` and `i`, Node 20 takes what is excluded for another set of characters.
  function pattern(expression) {
    const { source, flags } = expression;
    if (flags.includes('v') && flags.includes('i') && /\\[PWDSp]|\[\^/.test(source)) lack('a regular expression with the flags v and i');
    return expression;
  }
  const NativeRegExp = globalThis.RegExp;
  const CheckedRegExp = new NativeProxy(NativeRegExp, {
    apply: (target, self, args) => pattern(Reflect.apply(target, self, args)),
    construct: (target, args, derived) => pattern(Reflect.construct(target, args, derived)),
  });
  hidden(globalThis, 'RegExp', CheckedRegExp);
  hidden(NativeRegExp.prototype, 'constructor', CheckedRegExp);

  // A function that is made of a text has two members of its own that the engine leaves out, unless the text is strict.
  const NativeFunction = globalThis.Function;
  const ofText = (made, texts) => {
    const body = texts.at(-1);
    const isStrict = typeof body === 'string' && /^\s*(['"])use strict\1/.test(body);
    for (const name of isStrict ? [] : ['arguments', 'caller']) defineProperty(made, name, { value: null });
    return made;
  };
  const CheckedFunction = new NativeProxy(NativeFunction, {
    apply: (target, self, args) => ofText(Reflect.apply(target, self, args), args),
    construct: (target, args, derived) => ofText(Reflect.construct(target, args, derived), args),
  });
  hidden(globalThis, 'Function', CheckedFunction);
  hidden(NativeFunction.prototype, 'constructor', CheckedFunction);

  // --------------------------------------------------------------------------------------------------------- Randomness

  // splitmix32 from a seed that is another one in each variant; some variants give the ends of the range again and again.
  const SEEDS = [0x2f6b1c3d, 0x7e57ab1e, 0x1337c0de, 0x5eed5eed];
  const ENDS = [0, 0.5, 1 - 2 ** -53];
  let random = SEEDS[0];
  let isSeeded = false;
  const bits = (number) => {
    if (!isSeeded) { isSeeded = true; random = SEEDS[number % SEEDS.length]; }
    random = (random + 0x9e3779b9) | 0;
    let mixed = random ^ (random >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  function randomNumber(name) {
    const number = touch('random', name);
    return number >= SEEDS.length ? ENDS[number - SEEDS.length] : bits(number) / 2 ** 32;
  }
  function randomBytes(count, name) {
    const number = touch('random', name);
    return Uint8Array.from({ length: count }, () => bits(number) & 255);
  }
  function randomUUID() {
    const bytes = randomBytes(16, 'crypto.randomUUID');
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
  hidden(Math, 'random', { random() { return randomNumber('Math.random'); } }.random);
  const crypto = {
    randomUUID,
    getRandomValues(array) {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength, 'crypto.getRandomValues'));
      return array;
    },
  };
  // What stands for an object of a class of Node has the name of the class; nothing else of it is there.
  function instance(members, name, names) {
    const prototype = {};
    absent(prototype, (member) => `${name}.${member}`, ['constructor', ...names]);
    defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
    const made = Object.create(prototype);
    for (const [key, member] of Object.entries(getOwnPropertyDescriptors(members))) defineProperty(prototype, key, { ...member, enumerable: true });
    return made;
  }
  const cryptoObject = instance(crypto, 'Crypto', ['subtle']);
  hidden(globalThis, 'crypto', cryptoObject);

  // ------------------------------------------------------------------------------------------------------------ Numbers

  const doubles = new Float64Array(1);
  const words = new BigUint64Array(doubles.buffer);
  function nextDouble(value) {
    doubles[0] = value;
    words[0] += 1n;
    return doubles[0];
  }
  // The standard leaves the last digit of these to the engine. A small whole number is what it is.
  const nearly = (value, name) =>
    Number.isSafeInteger(value) || !Number.isFinite(value) || touch('words', name) === 0 ? value : value * (1 + 2 ** -50);
  // What a double holds exactly, every engine gives exactly: whole numbers whose power has at most 53 digits but for its factors of two.
  const isExactPower = (base, exponent) => {
    if (!Number.isSafeInteger(base) || !Number.isSafeInteger(exponent) || base === 0) return false;
    let odd = Math.abs(base);
    while (odd % 2 === 0) odd /= 2;
    return odd === 1 || (exponent >= 0 && exponent <= 33 && BigInt(odd) ** BigInt(exponent) <= 2n ** 53n);
  };
  for (const name of ['acos', 'acosh', 'asin', 'asinh', 'atan', 'atan2', 'atanh', 'cbrt', 'cos', 'cosh', 'exp', 'expm1', 'log', 'log10', 'log1p',
    'log2', 'pow', 'sin', 'sinh', 'tan', 'tanh']) {
    const native = Math[name];
    hidden(Math, name, { [name](...args) {
      const value = Reflect.apply(native, Math, args);
      return name === 'pow' && isExactPower(...args) ? value : nearly(value, `the last digit of Math.${name}`);
    } }[name]);
    defineProperty(Math[name], 'length', { value: native.length, configurable: true });
  }
  // Sums with a correction, as V8 does.
  methods(Math, {
    hypot(...args) {
      const sizes = args.map((value) => Math.abs(Number(value)));
      if (sizes.includes(Infinity)) return Infinity;
      const largest = Math.max(0, ...sizes);
      if (Number.isNaN(largest) || largest === 0) return largest;
      let sum = 0;
      let correction = 0;
      for (const size of sizes) {
        const summand = (size / largest) ** 2 - correction;
        const next = sum + summand;
        correction = next - sum - summand;
        sum = next;
      }
      return Math.sqrt(sum) * largest;
    },
  });
  defineProperty(Math.hypot, 'length', { value: 2, configurable: true });

  // Writes a number with another radix than ten, with as many digits as V8 gives.
  const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
  function withRadix(value, radix) {
    let integer = Math.floor(value);
    let fraction = value - integer;
    let delta = Math.max(5e-324, 0.5 * (nextDouble(value) - value));
    const digits = [];
    if (fraction >= delta) {
      do {
        fraction *= radix;
        delta *= radix;
        const digit = Math.trunc(fraction);
        digits.push(digit);
        fraction -= digit;
        if ((fraction > 0.5 || (fraction === 0.5 && (digit & 1) === 1)) && fraction + delta > 1) {
          while (digits.length > 0 && digits.at(-1) + 1 >= radix) digits.pop();
          if (digits.length > 0) digits[digits.length - 1] += 1;
          else integer += 1;
          break;
        }
      } while (fraction >= delta);
    }
    let text = '';
    while (integer / radix >= 2 ** 53) {
      integer /= radix;
      text = `0${text}`;
    }
    do {
      const remainder = integer % radix;
      text = DIGITS[Math.trunc(remainder)] + text;
      integer = (integer - remainder) / radix;
    } while (integer > 0);
    return digits.length === 0 ? text : `${text}.${digits.map((digit) => DIGITS[digit]).join('')}`;
  }
  const numberToString = Number.prototype.toString;
  methods(Number.prototype, {
    toString(radix = 10) {
      const plain = Reflect.apply(numberToString, this, []);
      const value = Number.prototype.valueOf.call(this);
      const base = Math.trunc(Number(radix) || 0);
      if (base === 10 || !Number.isFinite(value) || Number.isInteger(value) && Math.abs(value) < 2 ** 53) return Reflect.apply(numberToString, this, [radix]);
      if (base < 2 || base > 36) throw new RangeError('toString() radix must be between 2 and 36');
      return plain.startsWith('-') ? `-${withRadix(-value, base)}` : withRadix(value, base);
    },
  });
  defineProperty(Number.prototype.toString, 'length', { value: 1, configurable: true });

  // --------------------------------------------------------------------------------------------------------------- Time

  const NativeDate = globalThis.Date;
  const nativeNow = NativeDate.now;
  const HOUR = 3_600_000;
  // How far the other clocks are off: enough for another hour, day, month, season, year and decade.
  const CLOCKS = [0, 13 * HOUR + 1_234_567, 200 * 24 * HOUR + 7_654_321, -1_100 * 24 * HOUR, 12 * 366 * 24 * HOUR, 61_234];
  const now = (name) => nativeNow() + CLOCKS[touch('clock', name)];
  hidden(globalThis, 'performance', instance({
    now: () => now('performance.now') - started, get timeOrigin() { return now('performance.timeOrigin'); },
  }, 'Performance', ['clearMarks', 'clearMeasures', 'clearResourceTimings', 'getEntries', 'getEntriesByName', 'getEntriesByType', 'mark', 'measure',
    'setResourceTimingBufferSize', 'toJSON', 'eventLoopUtilization', 'nodeTiming', 'markResourceTiming', 'timerify',
    'onresourcetimingbufferfull', 'addEventListener', 'removeEventListener', 'dispatchEvent']));
  const started = nativeNow();

  // Zones that no machine has, with a summer time: what comes out of the code in all of them does not depend on the zone.
  const ZONES = [
    { offset: 0, summer: 0, name: 'Coordinated Universal Time' },
    { offset: 345, summer: 60, name: 'Elsewhere Time' },
    { offset: -570, summer: 45, name: 'Nowhere Time' },
  ];
  const SUMMER = [2, 25, 9, 28];
  function zoneOffset(time) {
    const zone = ZONES[touch('zone', 'the local time zone')];
    if (zone.summer === 0 || Number.isNaN(time)) return zone.offset * 60_000;
    const year = new NativeDate(time).getUTCFullYear();
    const start = NativeDate.UTC(year, SUMMER[0], SUMMER[1], 1);
    const end = NativeDate.UTC(year, SUMMER[2], SUMMER[3], 1);
    return (zone.offset + (time >= start && time < end ? zone.summer : 0)) * 60_000;
  }
  const toLocal = (time) => time + zoneOffset(time);
  function fromLocal(local) {
    const guess = local - zoneOffset(local);
    return local - zoneOffset(guess);
  }

  const pad = (number, length = 2) => String(number).padStart(length, '0');
  const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const { getTime, setTime, toUTCString } = NativeDate.prototype;
  const timeOf = (date) => Reflect.apply(getTime, date, []);
  function dateWords(local) {
    const date = new NativeDate(local);
    const year = date.getUTCFullYear();
    return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${pad(date.getUTCDate())} ${year < 0 ? '-' : ''}${pad(Math.abs(year), 4)}`;
  }
  function timeWords(time) {
    const offset = zoneOffset(time) / 60_000;
    const date = new NativeDate(time + offset * 60_000);
    const [sign, away] = [offset < 0 ? '-' : '+', Math.abs(offset)];
    const zone = ZONES[touch('zone', 'the local time zone')].name;
    return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())} GMT${sign}${pad(Math.floor(away / 60))}${pad(away % 60)} (${zone})`;
  }

  // Reads a date as V8 does: the format of the standard, and whatever else people have written to browsers.
  const KEYWORDS = { am: ['ampm', 0], pm: ['ampm', 12], ut: ['zone', 0], utc: ['zone', 0], z: ['zone', 0], gmt: ['zone', 0], cdt: ['zone', -5],
    cst: ['zone', -6], edt: ['zone', -4], est: ['zone', -5], mdt: ['zone', -6], mst: ['zone', -7], pdt: ['zone', -7], pst: ['zone', -8], t: ['t', 0] };
  MONTHS.forEach((name, index) => { KEYWORDS[name.toLowerCase()] = ['month', index + 1]; });
  const SPACE = /^[\s\ufeff]$/;
  function tokens(text) {
    const found = [];
    let at = 0;
    // Brackets nest; without a closing one they reach to the end.
    const skipBrackets = () => {
      let depth = 0;
      do {
        if (text[at] === ')') depth -= 1;
        else if (text[at] === '(') depth += 1;
        at += 1;
      } while (depth > 0 && at < text.length);
    };
    while (at < text.length) {
      const character = text[at];
      const start = at;
      if (/[0-9]/.test(character)) {
        while (at < text.length && /[0-9]/.test(text[at])) at += 1;
        const digits = text.slice(start, at);
        found.push({ type: 'number', number: Number(digits.replace(/^0+/, '').slice(0, 9) || '0'), length: at - start });
      } else if (':-+.)'.includes(character)) {
        at += 1;
        found.push({ type: 'symbol', symbol: character });
      } else if (character >= 'A' && !SPACE.test(character)) {
        while (at < text.length && text[at] >= 'A' && !SPACE.test(text[at])) at += 1;
        const word = text.slice(start, at).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
        const [kind, value] = Object.hasOwn(KEYWORDS, word.slice(0, 3)) ? KEYWORDS[word.slice(0, 3)] : ['other', 0];
        found.push({ type: 'keyword', kind: word.length <= 3 || kind === 'month' ? kind : 'other', value, word });
      } else if (SPACE.test(character)) {
        at += 1;
        found.push({ type: 'space' });
      } else if (character === '(') {
        skipBrackets();
        found.push({ type: 'unknown' });
      } else {
        at += 1;
        found.push({ type: 'unknown' });
      }
    }
    return found;
  }
  const END = { type: 'end' };
  const between = (number, least, most) => number >= least && number <= most;
  const isSymbol = (token, symbol) => token.type === 'symbol' && token.symbol === symbol;
  const isSign = (token) => isSymbol(token, '+') || isSymbol(token, '-');
  const isFixed = (token, length) => token.type === 'number' && token.length === length;
  const milliseconds = ({ number, length }) =>
    length <= 3 ? number * 10 ** (3 - length) : Math.trunc(number / 10 ** (Math.min(length, 9) - 3));

  // Returns the time, or NaN.
  function parseDate(text) {
    const list = tokens(text);
    let index = 0;
    const peek = () => list[index] ?? END;
    const next = () => list[index++] ?? END;
    const skip = (symbol) => isSymbol(peek(), symbol) && (index += 1) > 0;
    const day = [];
    let month = 0;
    let isStandard = false;
    let time = [];
    let halfDay = -1;
    const zone = { sign: 0, hour: -1, minute: -1 };
    const addTime = (number) => time.length < 4 && time.push(number) > 0;
    const endTime = (number) => { addTime(number); while (time.length < 4) time.push(0); };
    const expectsTime = (number) => (time.length === 1 && between(number, 0, 59)) || (time.length === 2 && between(number, 0, 59))
      || (time.length === 3 && between(number, 0, 999));
    const setZone = (hours) => { zone.sign = hours < 0 ? -1 : 1; zone.hour = Math.abs(hours); zone.minute = 0; };

    // The format of the standard. Returns the token that the other format begins with, or null if nothing is left to try.
    function standard() {
      if (isSign(peek())) {
        const sign = next();
        if (!isFixed(peek(), 6)) return sign;
        const year = next().number;
        if (sign.symbol === '-' && year === 0) return sign;
        day.push(sign.symbol === '-' ? -year : year);
      } else if (isFixed(peek(), 4)) day.push(next().number);
      else return next();
      if (skip('-')) {
        if (!isFixed(peek(), 2) || !between(peek().number, 1, 12)) return next();
        day.push(next().number);
        if (skip('-')) {
          if (!isFixed(peek(), 2) || !between(peek().number, 1, 31)) return next();
          day.push(next().number);
        }
      }
      if (peek().type !== 'keyword' || peek().kind !== 't') {
        if (peek() !== END) return next();
      } else {
        next();
        if (!isFixed(peek(), 2) || !between(peek().number, 0, 24)) return null;
        const is24 = peek().number === 24;
        addTime(next().number);
        const fits = () => isFixed(peek(), 2) && between(peek().number, 0, is24 ? 0 : 59);
        if (!skip(':') || !fits()) return null;
        addTime(next().number);
        if (skip(':')) {
          if (!fits()) return null;
          addTime(next().number);
          if (skip('.')) {
            if (peek().type !== 'number' || (is24 && peek().number > 0)) return null;
            addTime(milliseconds(next()));
          }
        }
        if (peek().type === 'keyword' && peek().word === 'z') {
          next();
          setZone(0);
        } else if (isSign(peek())) {
          zone.sign = next().symbol === '+' ? 1 : -1;
          if (isFixed(peek(), 4)) {
            const both = next().number;
            [zone.hour, zone.minute] = [Math.trunc(both / 100), both % 100];
            if (zone.hour > 23 || zone.minute > 59) return null;
          } else {
            if (!isFixed(peek(), 2) || peek().number > 23) return null;
            zone.hour = next().number;
            if (!skip(':') || !isFixed(peek(), 2) || peek().number > 59) return null;
            zone.minute = next().number;
          }
        }
        if (peek() !== END) return null;
      }
      if (zone.hour < 0 && zone.sign === 0 && time.length === 0) setZone(0);
      isStandard = true;
      return END;
    }

    const first = standard();
    if (first === null) return NaN;
    let hasNumber = day.length > 0;
    for (let token = first; token !== END; token = next()) {
      if (token.type === 'number') {
        hasNumber = true;
        const { number } = token;
        if (skip(':')) {
          if (skip(':')) {
            if (time.length > 0) return NaN;
            time.push(number, 0);
          } else {
            if (!addTime(number)) return NaN;
            skip('.');
          }
        } else if (isSymbol(peek(), '.') && expectsTime(number)) {
          next();
          addTime(number);
          if (peek().type !== 'number') return NaN;
          endTime(milliseconds(next()));
        } else {
          skip('.');
          if (zone.hour >= 0 && zone.minute < 0 && between(number, 0, 59)) zone.minute = number;
          else if (expectsTime(number)) {
            endTime(number);
            const after = peek();
            if (after !== END && after.type !== 'space' && !(after.type === 'keyword' && after.word === 'z') && !isSign(after)) return NaN;
          } else {
            if (day.length >= 3) return NaN;
            day.push(number);
            skip('-');
          }
        }
      } else if (token.type === 'keyword') {
        if (token.kind === 'ampm' && time.length > 0) halfDay = token.value;
        else if (token.kind === 'month') {
          month = token.value;
          skip('-');
        } else if (token.kind === 'zone' && hasNumber) setZone(token.value);
        else if (hasNumber || peek().type === 'number') return NaN;
      } else if (isSign(token) && ((zone.hour === 0 && zone.minute === 0) || time.length > 0)) {
        zone.sign = token.symbol === '+' ? 1 : -1;
        let [number, length] = [0, 0];
        if (peek().type === 'number') ({ number, length } = next());
        hasNumber = true;
        if (isSymbol(peek(), ':')) [zone.hour, zone.minute] = [number, -1];
        else if (length === 1 || length === 2) [zone.hour, zone.minute] = [number, 0];
        else if (length === 3 || length === 4) [zone.hour, zone.minute] = [Math.trunc(number / 100), number % 100];
        else return NaN;
      } else if ((isSign(token) || isSymbol(token, ')')) && hasNumber) return NaN;
    }

    if (day.length === 0) return NaN;
    while (day.length < 3) day.push(1);
    let year;
    let date;
    if (month === 0) {
      if (isStandard || !between(day[0], 1, 31)) [year, month, date] = day;
      else [month, date, year] = day;
    } else if (!between(day[0], 1, 31)) [year, date] = day;
    else [date, year] = day;
    if (!isStandard) year += between(year, 0, 49) ? 2000 : between(year, 50, 99) ? 1900 : 0;
    if (!between(month, 1, 12) || !between(date, 1, 31)) return NaN;
    while (time.length < 4) time.push(0);
    let [hour, minute, second, millisecond] = time;
    if (halfDay >= 0) {
      if (!between(hour, 0, 12)) return NaN;
      hour = (hour % 12) + halfDay;
    }
    const isTime = between(hour, 0, 23) && between(minute, 0, 59) && between(second, 0, 59) && between(millisecond, 0, 999);
    if (!isTime && !(hour === 24 && minute === 0 && second === 0 && millisecond === 0)) return NaN;
    const whole = new NativeDate(0);
    whole.setUTCFullYear(year, month - 1, date);
    whole.setUTCHours(hour, minute, second, millisecond);
    const local = timeOf(whole);
    if (zone.sign === 0) return fromLocal(local);
    return local - zone.sign * (Math.max(zone.hour, 0) * 60 + Math.max(zone.minute, 0)) * 60_000;
  }

  const timeClip = (time) => timeOf(new NativeDate(time));
  function timeOfArguments(args) {
    if (args.length === 0) return now('new Date()');
    if (args.length > 1) return fromLocal(Reflect.apply(NativeDate.UTC, NativeDate, args));
    let [value] = args;
    if (value instanceof NativeDate) return timeOf(value);
    if (typeof value === 'object' && value !== null) value = toPrimitive(value);
    return typeof value === 'string' ? parseDate(value) : Number(value);
  }
  function toPrimitive(value) {
    const convert = value[Symbol.toPrimitive];
    if (convert !== undefined && convert !== null) return Reflect.apply(convert, value, ['default']);
    for (const name of ['valueOf', 'toString']) {
      const found = typeof value[name] === 'function' ? value[name]() : value;
      if (typeof found !== 'object' || found === null) return found;
    }
    throw new TypeError('Cannot convert object to primitive value');
  }

  const Date = new NativeProxy(NativeDate, {
    apply: () => new Date().toString(),
    construct: (target, args, derived) => Reflect.construct(target, [timeOfArguments(args)], derived),
  });
  hidden(globalThis, 'Date', Date);
  hidden(NativeDate.prototype, 'constructor', Date);
  methods(NativeDate, {
    now() { return now('Date.now'); },
    parse(text) { return timeClip(parseDate(String(text))); },
  });
  const local = {};
  for (const part of ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds']) {
    const get = NativeDate.prototype[`getUTC${part}`];
    local[`get${part}`] = { get() { return Reflect.apply(get, new NativeDate(toLocal(timeOf(this))), []); } }.get;
    if (part === 'Day') continue;
    const set = NativeDate.prototype[`setUTC${part}`];
    // What a function of the engine returns is right; a NaN it does not store.
    local[`set${part}`] = {
      set(...args) {
        const copy = new NativeDate(toLocal(timeOf(this)));
        return Reflect.apply(setTime, this, [fromLocal(Reflect.apply(set, copy, args))]);
      },
    }.set;
    local[`setUTC${part}`] = { set(...args) { return Reflect.apply(setTime, this, [Reflect.apply(set, this, args)]); } }.set;
    for (const name of [`set${part}`, `setUTC${part}`]) defineProperty(local[name], 'length', { value: set.length, configurable: true });
  }
  for (const [name, value] of Object.entries(local)) defineProperty(value, 'name', { value: name, configurable: true });
  methods(NativeDate.prototype, {
    ...local,
    getYear() { return this.getFullYear() - 1900; },
    getTimezoneOffset() { const time = timeOf(this); return Number.isNaN(time) ? NaN : 0 - zoneOffset(time) / 60_000; },
    toString() { const time = timeOf(this); return Number.isNaN(time) ? 'Invalid Date' : `${dateWords(toLocal(time))} ${timeWords(time)}`; },
    toDateString() { const time = timeOf(this); return Number.isNaN(time) ? 'Invalid Date' : dateWords(toLocal(time)); },
    toTimeString() { const time = timeOf(this); return Number.isNaN(time) ? 'Invalid Date' : timeWords(time); },
    toLocaleString() { return lackLocale('Date.prototype.toLocaleString'); },
    toLocaleDateString() { return lackLocale('Date.prototype.toLocaleDateString'); },
    toLocaleTimeString() { return lackLocale('Date.prototype.toLocaleTimeString'); },
    toUTCString() { return Reflect.apply(toUTCString, this, []); },
  });
  hidden(NativeDate.prototype, 'toGMTString', NativeDate.prototype.toUTCString);

  // ----------------------------------------------------------------------------------------------------------- Languages

  // The languages whose formats were compared with those of Node; see `xtask/src/peers/javascript/values.cjs`.
  const KNOWN = new Set(host.languages);
  // The language of the machine, and what it may be elsewhere.
  const LANGUAGES = ['en-US', 'de', 'sv', 'tr', 'lt', 'da', 'cs', 'fr'];
  function languageOf(locales, what) {
    if (locales === undefined) return LANGUAGES[touch('language', what)];
    const first = Array.isArray(locales) ? locales[0] ?? undefined : locales;
    if (Array.isArray(locales) && first === undefined) return LANGUAGES[touch('language', what)];
    if (typeof first !== 'string' || !KNOWN.has(first)) return lackLocale(`${what} for ${typeof first === 'string' ? first : 'this'}`);
    return first;
  }
  // Returns the options as a plain object, or throws if one of them is not among those that are known.
  function optionsOf(options, known, what) {
    if (options === undefined) return {};
    if (typeof options !== 'object' || options === null) return lackLocale(what);
    const found = {};
    for (const name in options) {
      const value = options[name];
      if (value === undefined) continue;
      if (!Object.hasOwn(known, name) || (known[name] !== null && !known[name].includes(value))) lackLocale(`${what} with ${name}`);
      found[name] = value;
    }
    return found;
  }

  // Rounds half away from zero, as it is written: the digits are the shortest that are this number.
  function decimalDigits(text, least, most) {
    const [, whole, fraction = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text);
    let digits = whole + fraction;
    let point = whole.length + Number(exponent);
    if (point <= 0) [digits, point] = ['0'.repeat(1 - point) + digits, 1];
    if (digits.length < point) digits = digits.padEnd(point, '0');
    const kept = point + most;
    if (digits.length > kept) {
      const isUp = digits[kept] >= '5';
      digits = digits.slice(0, kept);
      if (isUp) {
        const rounded = String(BigInt(digits || '0') + 1n).padStart(digits.length, '0');
        point += rounded.length - digits.length;
        digits = rounded;
      }
    }
    const integer = digits.slice(0, point).replace(/^0+(?=\d)/, '');
    const rest = digits.slice(point).replace(/0+$/, '').padEnd(least, '0');
    return rest === '' ? integer : `${integer}.${rest}`;
  }

  const NUMBER_OPTIONS = {
    style: ['decimal', 'percent', 'currency'], minimumFractionDigits: [0, 1, 2, 3, 4, 5, 6], maximumFractionDigits: [0, 1, 2, 3, 4, 5, 6],
    useGrouping: [true, false], currency: null, notation: ['standard'], currencyDisplay: ['symbol'],
  };
  // What the formats of money and percents of the commonest languages look like around the number.
  const SYMBOLS = { USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹' };
  const BEFORE = new Set(['en', 'en-US']);
  const BEHIND = new Set(['de', 'de-DE', 'es', 'es-ES', 'fr', 'fr-FR', 'fi', 'sv']);
  const BEHIND_KNOWN = { de: ['EUR', 'USD'], 'de-DE': ['EUR', 'USD'] };

  function numberFormat(locales, options, what) {
    const language = languageOf(locales, what);
    const asked = optionsOf(options, NUMBER_OPTIONS, what);
    const style = asked.style ?? 'decimal';
    let [least, most] = style === 'decimal' ? [0, 3] : [0, 0];
    if (style === 'currency') {
      const { currency } = asked;
      if (typeof currency !== 'string' || !Object.hasOwn(SYMBOLS, currency)) lackLocale(`${what} of this currency`);
      if (!BEFORE.has(language) && !BEHIND_KNOWN[language]?.includes(currency)) lackLocale(`${what} of money in ${language}`);
      least = most = currency === 'JPY' ? 0 : 2;
    } else if (asked.currency !== undefined) lackLocale(`${what} with a currency`);
    if (style === 'percent' && !BEFORE.has(language) && !BEHIND.has(language)) lackLocale(`${what} of percents in ${language}`);
    const { minimumFractionDigits: minimum, maximumFractionDigits: maximum } = asked;
    if (minimum !== undefined && maximum !== undefined && minimum > maximum) lackLocale(`${what} with these digits`);
    if (minimum !== undefined) [least, most] = [minimum, maximum ?? Math.max(most, minimum)];
    else if (maximum !== undefined) [least, most] = [Math.min(least, maximum), maximum];

    return (value) => {
      if (typeof value === 'object' && value !== null) value = toPrimitive(value);
      if (typeof value === 'string') lackLocale(`${what} of a text`);
      if (typeof value !== 'bigint') value = Number(value);
      if (Number.isNaN(value)) return BEFORE.has(language) && style === 'decimal' ? 'NaN' : lackLocale(`${what} of NaN`);
      const isNegative = value < 0 || Object.is(value, -0);
      let text = String(value).replace(/^-/, '');
      if (text === 'Infinity') return BEFORE.has(language) && style === 'decimal' ? (isNegative ? '-∞' : '∞') : lackLocale(`${what} of Infinity`);
      if (style === 'percent') {
        const [number, exponent = '0'] = text.split('e');
        text = `${number}e${exponent.startsWith('-') || Number(exponent) + 2 < 0 ? '' : '+'}${Number(exponent) + 2}`;
      }
      const digits = decimalDigits(text, least, most);
      const formatted = host.decimal(language, (isNegative ? '-' : '') + digits, asked.useGrouping !== false);
      if (formatted === undefined) return lackLocale(`${what} for ${language}`);
      if (style === 'decimal') return formatted;
      const sign = isNegative ? formatted.slice(0, formatted.search(/\d/)) : '';
      const bare = formatted.slice(sign.length);
      if (style === 'percent') return BEFORE.has(language) ? `${formatted}%` : `${formatted}\u00a0%`;
      const symbol = SYMBOLS[asked.currency];
      return BEFORE.has(language) ? `${sign}${symbol}${bare}` : `${formatted}\u00a0${symbol}`;
    };
  }

  const PLURAL_OPTIONS = { type: ['cardinal', 'ordinal'], minimumFractionDigits: [0, 1, 2, 3], maximumFractionDigits: [0, 1, 2, 3] };
  const LIST_OPTIONS = { type: ['conjunction', 'disjunction', 'unit'], style: ['long', 'short', 'narrow'] };
  const COLLATION_OPTIONS = { sensitivity: ['base', 'accent', 'case', 'variant'], numeric: [true, false], caseFirst: ['upper', 'lower', 'false'],
    usage: ['sort'], ignorePunctuation: [false] };
  function collator(locales, options, what) {
    const language = languageOf(locales, what);
    const { sensitivity = 'variant', numeric = false, caseFirst = 'false' } = optionsOf(options, COLLATION_OPTIONS, what);
    const settings = `${sensitivity} ${numeric} ${caseFirst}`;
    return (a, b) => {
      const [left, right] = [String(a), String(b)];
      if (!left.isWellFormed() || !right.isWellFormed()) lackLocale(`${what} of half a character`);
      const order = host.compare(language, settings, left, right);
      return order === undefined ? lackLocale(`${what} for ${language}`) : order;
    };
  }

  // A class of `Intl` with one function; the rest of it is missing. That of some is bound to its object, and given by a getter.
  const MISSING = ['resolvedOptions', 'formatToParts', 'formatRange', 'formatRangeToParts', 'selectRange'];
  const BOUND = new Set(['NumberFormat', 'Collator']);
  const REST = { NumberFormat: MISSING.slice(0, 4), Collator: MISSING.slice(0, 1), PluralRules: ['resolvedOptions', 'selectRange'],
    ListFormat: MISSING.slice(0, 2), Segmenter: MISSING.slice(0, 1) };
  function intlClass(name, member, make) {
    const held = new WeakMap();
    const heldBy = (object) => held.get(object) ?? lack(`the error of Intl.${name} about its object`);
    const constructor = { [name]: function (locales, options) {
      if (new.target === undefined && !BOUND.has(name)) lack(`the error of Intl.${name} without new`);
      const self = new.target === undefined ? Object.create(constructor.prototype) : this;
      held.set(self, make(locales, options));
      return self;
    } }[name];
    const { prototype } = constructor;
    defineProperty(constructor, 'prototype', { writable: false });
    defineProperty(prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
    if (BOUND.has(name)) {
      const bound = new WeakMap();
      const get = Object.getOwnPropertyDescriptor({ get [member]() {
        const call = heldBy(this);
        if (!bound.has(this)) bound.set(this, defineProperty((...args) => call(...args), 'name', { value: '' }));
        return bound.get(this);
      } }, member).get;
      defineProperty(prototype, member, { get, enumerable: false, configurable: true });
    } else {
      hidden(prototype, member, { [member](value) { return heldBy(this)(value); } }[member]);
    }
    absent(constructor, (rest) => `Intl.${name}.${rest}`, ['supportedLocalesOf']);
    absent(prototype, (rest) => `Intl.${name}.${rest}`, REST[name]);
    defineProperty(constructor, 'length', { value: 0, configurable: true });
    return constructor;
  }
  const Intl = {};
  defineProperty(Intl, Symbol.toStringTag, { value: 'Intl', configurable: true });
  methods(Intl, {
    NumberFormat: intlClass('NumberFormat', 'format', (locales, options) => numberFormat(locales, options, 'Intl.NumberFormat')),
    PluralRules: intlClass('PluralRules', 'select', (locales, options) => {
      const what = 'Intl.PluralRules';
      const language = languageOf(locales, what);
      const isOrdinal = options?.type === 'ordinal';
      // Newer data than that of Node 20 has other rules for them.
      if (language === 'vi' ? !isOrdinal : isOrdinal && /^(es|bg)(-|$)/.test(language)) lackLocale(`${what} for ${language}`);
      const { type = 'cardinal', minimumFractionDigits: least = 0, maximumFractionDigits: most = Math.max(3, least) } = optionsOf(options, PLURAL_OPTIONS, what);
      return (value) => {
        const number = Number(value);
        if (!Number.isFinite(number) || Math.abs(number) >= 1e15) return lackLocale(`${what} of ${number}`);
        const digits = decimalDigits(String(Math.abs(number)), least, Math.max(most, least));
        return host.plural(language, type === 'ordinal', digits) ?? lackLocale(`${what} for ${language}`);
      };
    }),
    ListFormat: intlClass('ListFormat', 'format', (locales, options) => {
      const what = 'Intl.ListFormat';
      const language = languageOf(locales, what);
      const { type = 'conjunction', style = 'long' } = optionsOf(options, LIST_OPTIONS, what);
      const isOther = { he: type !== 'disjunction', hi: type !== 'disjunction', 'en-IN': type === 'conjunction' }[language];
      if (isOther) lackLocale(`${what} for ${language}`);
      return (list) => {
        const items = list === undefined ? [] : [...list];
        if (!items.every((item) => typeof item === 'string' && item.isWellFormed())) lackLocale(`${what} of this`);
        return host.formatList(language, `${type} ${style}`, items) ?? lackLocale(`${what} for ${language}`);
      };
    }),
    Collator: intlClass('Collator', 'compare', (locales, options) => collator(locales, options, 'Intl.Collator')),
    Segmenter: intlClass('Segmenter', 'segment', (locales, options) => {
      languageOf(locales, 'Intl.Segmenter');
      optionsOf(options, { granularity: ['grapheme'] }, 'Intl.Segmenter');
      return (value) => {
        const input = String(value);
        if (!input.isWellFormed()) lackLocale('Intl.Segmenter of half a character');
        return {
          containing: () => lackLocale('Intl.Segmenter.containing'),
          * [Symbol.iterator]() {
            let index = 0;
            for (const segment of host.graphemes(input)) {
              yield { segment, index, input };
              index += segment.length;
            }
          },
        };
      };
    }),
    getCanonicalLocales(locales) {
      const list = locales === undefined ? [] : typeof locales === 'string' ? [locales] : [...locales];
      if (!list.every((one) => KNOWN.has(one))) lackLocale('Intl.getCanonicalLocales of this');
      return [...new Set(list)];
    },
  });
  absent(Intl, (name) => `Intl.${name}`, ['DateTimeFormat', 'DisplayNames', 'Locale', 'RelativeTimeFormat', 'supportedValuesOf']);
  hidden(globalThis, 'Intl', Intl);

  // Languages that change case otherwise, and the characters that they do it with.
  const CASES = { tr: /[iIıİ\u0307]/, az: /[iIıİ\u0307]/, lt: /[ijIJ\u00cc\u00cd\u00ec\u00ed\u0128\u0129\u012e\u012f\u0300\u0301\u0303\u0307]/, el: /[\u0370-\u03ff\u1f00-\u1fff]/ };
  function withCase(text, locales, what, change) {
    const language = languageOf(locales, what).split('-')[0];
    if (CASES[language]?.test(text.normalize('NFD')) || CASES[language]?.test(text)) lackLocale(`${what} of this text in ${language}`);
    return change(text);
  }
  methods(String.prototype, {
    localeCompare(other, locales, options) { return collator(locales, options, 'localeCompare')(textOf(this), other); },
    toLocaleUpperCase(locales) { return withCase(textOf(this), locales, 'toLocaleUpperCase', (text) => text.toUpperCase()); },
    toLocaleLowerCase(locales) { return withCase(textOf(this), locales, 'toLocaleLowerCase', (text) => text.toLowerCase()); },
  });
  function textOf(value) {
    if (value === undefined || value === null) throw new TypeError('String.prototype function called on null or undefined');
    return String(value);
  }
  for (const name of ['localeCompare']) defineProperty(String.prototype[name], 'length', { value: 1, configurable: true });
  for (const name of ['toLocaleUpperCase', 'toLocaleLowerCase']) defineProperty(String.prototype[name], 'length', { value: 0, configurable: true });
  methods(Number.prototype, { toLocaleString(locales, options) { return numberFormat(locales, options, 'toLocaleString')(Number.prototype.valueOf.call(this)); } });
  methods(BigInt.prototype, { toLocaleString(locales, options) { return numberFormat(locales, options, 'toLocaleString')(BigInt.prototype.valueOf.call(this)); } });
  const arrayToLocale = { toLocaleString(locales, options) {
    const parts = Array.from(this, (item) => (item === undefined || item === null ? '' : item.toLocaleString(locales, options)));
    return parts.join(',');
  } };
  methods(Array.prototype, arrayToLocale);
  for (const object of [Number.prototype, BigInt.prototype, Array.prototype]) defineProperty(object.toLocaleString, 'length', { value: 0, configurable: true });

  // --------------------------------------------------------------------------------------------------------------- URLs

  const SPECIAL = new Set(['http:', 'https:', 'ws:', 'wss:', 'ftp:', 'file:']);
  const PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
  const coded = (error, code) => Object.assign(error, { code });

  const formEncode = (text) =>
    encodeURIComponent(String(text).toWellFormed()).replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, '+');
  function formDecode(text) {
    const spaced = text.replace(/\+/g, ' ').toWellFormed();
    if (!spaced.includes('%')) return spaced;
    const bytes = [];
    const encoded = host.encode(spaced);
    for (let at = 0; at < encoded.length; at += 1) {
      const pair = encoded[at] === 37 ? String.fromCharCode(encoded[at + 1] ?? 0, encoded[at + 2] ?? 0) : '';
      if (/^[0-9a-f]{2}$/i.test(pair)) {
        bytes.push(parseInt(pair, 16));
        at += 2;
      } else bytes.push(encoded[at]);
    }
    return host.decode(toLetters(Uint8Array.from(bytes)));
  }

  const PARAMETERS = Object.create(getPrototypeOf(getPrototypeOf([].values())));
  defineProperty(PARAMETERS, Symbol.toStringTag, { value: 'URLSearchParams Iterator', configurable: true });
  class URLSearchParams {
    #pairs = [];
    #changed = undefined;
    static #watch(params, changed) { params.#changed = changed; }
    static #fill(params, text) { params.#pairs = URLSearchParams.#parse(text); }
    static {
      this.watch = (params, changed) => URLSearchParams.#watch(params, changed);
      this.fill = (params, text) => URLSearchParams.#fill(params, text);
    }
    static #parse(text) {
      return text.split('&').filter((pair) => pair !== '').map((pair) => {
        const at = pair.indexOf('=');
        return at < 0 ? [formDecode(pair), ''] : [formDecode(pair.slice(0, at)), formDecode(pair.slice(at + 1))];
      });
    }
    constructor(init = undefined) {
      if (init === undefined || init === null) return;
      const known = (value) => String(value).toWellFormed();
      if (typeof init === 'object' || typeof init === 'function') {
        if (typeof init[Symbol.iterator] === 'function') {
          for (const pair of init) {
            const [...both] = pair;
            if (both.length !== 2) throw coded(new TypeError('Each query pair must be an iterable [name, value] tuple'), 'ERR_INVALID_TUPLE');
            this.#pairs.push(both.map(known));
          }
        } else for (const key of Reflect.ownKeys(init)) {
          if (getOwnPropertyDescriptor(init, key)?.enumerable) this.append(key, init[key]);
        }
      } else this.#pairs = URLSearchParams.#parse(known(init).replace(/^\?/, ''));
    }
    #done() { this.#changed?.(this.toString()); }
    get size() { return this.#pairs.length; }
    append(name, value) { this.#pairs.push([String(name).toWellFormed(), String(value).toWellFormed()]); this.#done(); }
    delete(name, value) {
      this.#pairs = this.#pairs.filter(([key, held]) => key !== String(name) || (value !== undefined && held !== String(value)));
      this.#done();
    }
    get(name) { return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value); }
    has(name, value) { return this.#pairs.some(([key, held]) => key === String(name) && (value === undefined || held === String(value))); }
    set(name, value) {
      const [key, text] = [String(name).toWellFormed(), String(value).toWellFormed()];
      const at = this.#pairs.findIndex(([held]) => held === key);
      if (at < 0) this.#pairs.push([key, text]);
      else {
        this.#pairs[at] = [key, text];
        this.#pairs = this.#pairs.filter(([held], index) => index <= at || held !== key);
      }
      this.#done();
    }
    sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#done(); }
    forEach(call, self = undefined) { for (const [key, value] of this.#pairs) Reflect.apply(call, self, [value, key, this]); }
    #go(pick) {
      let at = 0;
      return setPrototypeOf({ next: () => {
        const pair = this.#pairs[at];
        at += 1;
        return pair === undefined ? { value: undefined, done: true } : { value: pick(pair), done: false };
      } }, PARAMETERS);
    }
    entries() { return this.#go((pair) => [...pair]); }
    keys() { return this.#go(([key]) => key); }
    values() { return this.#go(([, value]) => value); }
    toString() { return this.#pairs.map((pair) => pair.map(formEncode).join('=')).join('&'); }
    get [Symbol.toStringTag]() { return 'URLSearchParams'; }
  }
  hidden(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);
  const { watch, fill } = URLSearchParams;
  delete URLSearchParams.watch;
  delete URLSearchParams.fill;
  const shown = (object, ...names) => { for (const name of names) defineProperty(object, name, { enumerable: true }); };
  shown(URLSearchParams.prototype, 'append', 'delete', 'get', 'getAll', 'has', 'set', 'size', 'sort', 'entries', 'forEach', 'keys', 'values', 'toString');

  class URL {
    #parts;
    #params;
    static canParse(text, base = undefined) { return parsedUrl(text, base) !== undefined; }
    static parse(text, base = undefined) { return URL.canParse(text, base) ? new URL(text, base) : null; }
    constructor(text, base = undefined) {
      const input = String(text).toWellFormed();
      this.#parts = parsedUrl(input, base);
      if (this.#parts === undefined) {
        const error = coded(new TypeError('Invalid URL'), 'ERR_INVALID_URL');
        error.input = input;
        if (base !== undefined) error.base = String(base);
        throw error;
      }
    }
    get searchParams() {
      if (this.#params === undefined) {
        this.#params = new URLSearchParams(this.#parts[9]);
        watch(this.#params, (text) => { this.#parts = host.changeUrl(this.#parts[0], 'search', text) ?? this.#parts; });
      }
      return this.#params;
    }
    static {
      PARTS.forEach((name, index) => {
        defineProperty(URL.prototype, name, {
          get() { return this.#parts[index]; },
          set: name === 'origin' ? undefined : function (value) {
            const text = String(value).toWellFormed();
            const changed = name === 'href' ? parsedUrl(text) : host.changeUrl(this.#parts[0], name, text);
            if (changed === undefined && name === 'href') throw coded(new TypeError('Invalid URL'), 'ERR_INVALID_URL');
            this.#parts = changed ?? this.#parts;
            if (this.#params !== undefined && (name === 'search' || name === 'href')) fill(this.#params, this.#parts[9].slice(1));
          },
          enumerable: true, configurable: true,
        });
      });
    }
    toString() { return this.#parts[0]; }
    toJSON() { return this.#parts[0]; }
    get [Symbol.toStringTag]() { return 'URL'; }
  }
  absent(URL, (name) => `URL.${name}`, ['createObjectURL', 'revokeObjectURL']);
  for (const name of ['searchParams', 'toString', 'toJSON']) defineProperty(URL.prototype, name, { enumerable: true });
  function parsedUrl(text, base = undefined) {
    const found = host.parseUrl(String(text).toWellFormed(), base === undefined ? undefined : String(base).toWellFormed());
    // Such addresses are resolved otherwise.
    if (base !== undefined && ((found && !SPECIAL.has(found[2])) || /^[/\\\\]{3}/.test(text))) lack('such an address below another');
    return found ?? undefined;
  }

  // -------------------------------------------------------------------------------------------------------------- Bytes

  // Returns the letters with the numbers of the bytes.
  function toLetters(bytes) {
    const parts = [];
    for (let at = 0; at < bytes.length; at += 4096) parts.push(String.fromCharCode(...bytes.subarray(at, at + 4096)));
    return parts.join('');
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return host.encode(String(text).toWellFormed()); }
    get [Symbol.toStringTag]() { return 'TextEncoder'; }
  }

  absent(TextEncoder.prototype, (name) => `TextEncoder.${name}`, ['encodeInto']);

  class TextDecoder {
    #encoding;
    #options;
    constructor(encoding = 'utf-8', options = {}) {
      const name = String(encoding).trim().toLowerCase();
      const known = { 'utf-8': 'utf-8', utf8: 'utf-8', 'unicode-1-1-utf-8': 'utf-8', 'utf-16le': 'utf-16le', 'utf-16': 'utf-16le' };
      if (!Object.hasOwn(known, name)) lack(`TextDecoder for ${name}`);
      this.#encoding = known[name];
      this.#options = { fatal: Boolean(options?.fatal), ignoreBOM: Boolean(options?.ignoreBOM) };
    }
    get [Symbol.toStringTag]() { return 'TextDecoder'; }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#options.fatal; }
    get ignoreBOM() { return this.#options.ignoreBOM; }
    decode(input = new Uint8Array(), options = undefined) {
      if (options?.stream) lack('TextDecoder with stream');
      const bytes = ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
      let text;
      if (this.#encoding === 'utf-8') {
        text = host.decode(toLetters(bytes));
        if (this.#options.fatal && !host.isText(toLetters(bytes))) {
          throw coded(new TypeError('The encoded data was not valid for encoding utf-8'), 'ERR_ENCODING_INVALID_ENCODED_DATA');
        }
      } else {
        text = fromUtf16(bytes).toWellFormed() + (bytes.length % 2 === 1 ? '\ufffd' : '');
        if (this.#options.fatal) lack('TextDecoder of utf-16le with fatal');
      }
      return !this.#options.ignoreBOM && text.startsWith('\ufeff') ? text.slice(1) : text;
    }
  }
  const fromUtf16 = (bytes) => {
    let text = '';
    for (let at = 0; at + 1 < bytes.length; at += 2) text += String.fromCharCode(bytes[at] | (bytes[at + 1] << 8));
    return text;
  };

  const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  function toBase64(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; at += 3) {
      const [a, b = 0, c = 0] = bytes.slice(at, at + 3);
      const all = (a << 16) | (b << 8) | c;
      const left = bytes.length - at;
      text += BASE64[all >> 18] + BASE64[(all >> 12) & 63] + (left > 1 ? BASE64[(all >> 6) & 63] : '=') + (left > 2 ? BASE64[all & 63] : '=');
    }
    return text;
  }
  function fromBase64(text) {
    if (/[^\u0000-\u007f]/.test(text)) lack('base64 of a text that is none');
    const bytes = [];
    let held = 0;
    let count = 0;
    for (const letter of text.replace(/-/g, '+').replace(/_/g, '/')) {
      if (letter === '=') break;
      const number = BASE64.indexOf(letter);
      if (number < 0) continue;
      held = ((held << 6) | number) & 0xffffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        bytes.push((held >> count) & 255);
      }
    }
    return bytes;
  }
  const utf16 = (text) => Array.from({ length: text.length * 2 }, (_, at) => (text.charCodeAt(at >> 1) >> ((at & 1) * 8)) & 255);
  const latin1 = (text) => Array.from({ length: text.length }, (_, at) => text.charCodeAt(at) & 255);
  function fromHex(text) {
    const bytes = [];
    for (let at = 0; at + 1 < text.length; at += 2) {
      const pair = text.slice(at, at + 2);
      if (!/^[0-9a-f]{2}$/i.test(pair)) break;
      bytes.push(parseInt(pair, 16));
    }
    return bytes;
  }
  const ENCODINGS = { utf8: 'utf8', 'utf-8': 'utf8', base64: 'base64', base64url: 'base64url', hex: 'hex', latin1: 'latin1', binary: 'latin1',
    ascii: 'ascii', ucs2: 'utf16', 'ucs-2': 'utf16', utf16le: 'utf16', 'utf-16le': 'utf16' };
  function encodingOf(name) {
    if (name === undefined || name === null || name === '') return 'utf8';
    const found = typeof name === 'string' && Object.hasOwn(ENCODINGS, name.toLowerCase()) ? ENCODINGS[name.toLowerCase()] : undefined;
    if (found === undefined) throw coded(new TypeError(`Unknown encoding: ${String(name)}`), 'ERR_UNKNOWN_ENCODING');
    return found;
  }
  const encoders = {
    utf8: (text) => host.encode(text.toWellFormed()), base64: fromBase64, base64url: fromBase64, hex: fromHex, latin1, ascii: latin1, utf16,
  };
  const decoders = {
    utf8: (bytes) => host.decode(toLetters(bytes)),
    base64: (bytes) => toBase64(bytes),
    base64url: (bytes) => toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, ''),
    hex: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    latin1: (bytes) => toLetters(bytes),
    ascii: (bytes) => toLetters(bytes.map((byte) => byte & 127)),
    utf16: (bytes) => fromUtf16(bytes),
  };

  function sizeOf(size) {
    if (typeof size !== 'number' || !(size >= 0 && size <= 2 ** 32)) lack('the error of Buffer about its size');
    return size;
  }
  class Buffer extends Uint8Array {
    static from(value, encoding = undefined, length = undefined) {
      if (typeof value === 'string') return adoptBytes(Uint8Array.from(encoders[encodingOf(encoding)](value)));
      if (value instanceof ArrayBuffer) return new Buffer(value, encoding, length);
      if (typeof value === 'object' && value !== null && (Array.isArray(value) || ArrayBuffer.isView(value))) {
        return adoptBytes(Uint8Array.from(value, (item) => item));
      }
      return lack('Buffer.from of this');
    }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(text, encoding = undefined) {
      return typeof text === 'string' ? Buffer.from(text, encoding).length : text.byteLength;
    }
    static concat(list, total = undefined) {
      if (total !== undefined) lack('Buffer.concat with a length');
      return Buffer.from(list.flatMap((bytes) => Array.from(bytes)));
    }
    static alloc(size, filling = 0, encoding = undefined) {
      const bytes = new Buffer(sizeOf(size));
      const isKnown = typeof filling === 'number' || typeof filling === 'string' || filling instanceof Uint8Array;
      const pattern = typeof filling === 'number' ? [filling] : isKnown ? Buffer.from(filling, encoding) : [];
      if (!isKnown || (pattern.length === 0 && filling.length > 0)) lack('Buffer.alloc filled with this');
      if (pattern.length > 0) for (let at = 0; at < size; at += 1) bytes[at] = pattern[at % pattern.length];
      return bytes;
    }
    static compare(a, b) {
      for (let at = 0; at < Math.min(a.length, b.length); at += 1) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
      return Math.sign(a.length - b.length);
    }
    static isEncoding(name) { return typeof name === 'string' && Object.hasOwn(ENCODINGS, name.toLowerCase()); }
    toString(encoding = undefined, start = 0, end = this.length) {
      const kind = encodingOf(encoding);
      const bytes = new Uint8Array(this.buffer, this.byteOffset, this.length);
      const [from, to] = [start, end].map((at) => Math.min(Math.max(Math.trunc(Number(at) || 0), 0), this.length));
      return from >= to ? '' : decoders[kind](bytes.subarray(from, to));
    }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    equals(other) { return Buffer.compare(this, other) === 0; }
    slice(start, end) { return this.subarray(start, end); }
    indexOf(value, ...rest) {
      if (rest.length > 0) lack('Buffer.indexOf with an offset');
      if (typeof value === 'number') return Uint8Array.prototype.indexOf.call(this, value & 255);
      return toLetters(this).indexOf(toLetters(typeof value === 'string' ? Buffer.from(value) : value));
    }
    includes(value, ...rest) { return this.indexOf(value, ...rest) >= 0; }
  }
  defineProperty(Buffer, 'length', { value: 3, configurable: true });
  const adoptBytes = (bytes) => setPrototypeOf(bytes, Buffer.prototype);
  methods(Buffer, { from: Buffer.from });
  // They hold whatever was in the memory before.
  for (const name of ['allocUnsafe', 'allocUnsafeSlow']) {
    hidden(Buffer, name, { [name](size) { return adoptBytes(randomBytes(sizeOf(size), `Buffer.${name}`)); } }[name]);
  }
  absent(Buffer, (name) => `Buffer.${name}`, ['copyBytesFrom', 'of', 'poolSize']);
  const wide = ['BigInt64', 'BigUInt64', 'BigUint64', 'Double', 'Float', 'Int16', 'Int32', 'Int', 'UInt16', 'UInt32', 'UInt', 'Uint16', 'Uint32', 'Uint'];
  absent(Buffer.prototype, (name) => `Buffer.${name}`, ['asciiSlice', 'asciiWrite', 'base64Slice', 'base64Write', 'base64urlSlice', 'base64urlWrite',
    'compare', 'copy', 'fill', 'hexSlice', 'hexWrite', 'inspect', 'lastIndexOf', 'latin1Slice', 'latin1Write', 'offset', 'parent', 'readInt8',
    'readUInt8', 'readUint8', 'swap16', 'swap32', 'swap64', 'toLocaleString', 'ucs2Slice', 'ucs2Write', 'utf8Slice', 'utf8Write', 'write',
    'writeInt8', 'writeUInt8', 'writeUint8', ...wide.flatMap((type) => ['read', 'write'].flatMap((verb) => [`${verb}${type}BE`, `${verb}${type}LE`]))]);
  for (const name of ['subarray', 'map', 'filter']) {
    const native = getPrototypeOf(Uint8Array.prototype)[name];
    hidden(Buffer.prototype, name, { [name](...args) { return adoptBytes(Reflect.apply(native, new Uint8Array(this.buffer, this.byteOffset, this.length), args)); } }[name]);
  }
  delete Buffer.prototype.map;
  delete Buffer.prototype.filter;

  // It can be called and constructed as its functions `alloc` and `from`; no class can be called.
  const CallableBuffer = { Buffer: function (value, encoding, length) {
    if (typeof value === 'number') return typeof encoding === 'string' ? lack('the error of Buffer about its arguments') : Buffer.alloc(value);
    return Buffer.from(value, encoding, length);
  } }.Buffer;

  const invalid = (message) => { throw marked('node', `an error of the kind DOMException ("${message}")`); };
  function atob(text) {
    const packed = String(text).replace(/[\t\n\f\r ]/g, '');
    const bare = packed.length % 4 === 0 ? packed.replace(/={1,2}$/, '') : packed;
    if (bare.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(bare)) invalid('the string to be decoded is not correctly encoded');
    return toLetters(Uint8Array.from(fromBase64(bare)));
  }
  function btoa(value) {
    const text = String(value);
    if (/[^\u0000-\u00ff]/.test(text)) invalid('invalid character');
    return toBase64(latin1(text));
  }

  // ------------------------------------------------------------------------------------------------------------ Cloning

  const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const ERRORS = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  function structuredClone(value, options = undefined) {
    if (options?.transfer?.length) lack('structuredClone with transfer');
    const known = new Map();
    const clone = (item) => {
      if (typeof item === 'function' || typeof item === 'symbol') return invalid('could not be cloned');
      if (typeof item !== 'object' || item === null) return item;
      if (proxies.has(item) || tagOf(item) === 'Arguments') return invalid('could not be cloned');
      if (known.has(item)) return known.get(item);
      const keep = (copy) => { known.set(item, copy); return copy; };
      const fillOwn = (copy) => {
        for (const key of Object.keys(item)) defineProperty(copy, key, { value: clone(item[key]), writable: true, enumerable: true, configurable: true });
        return copy;
      };
      if (Array.isArray(item)) return fillOwn(keep(new Array(item.length)));
      if (item instanceof NativeDate) return keep(new Date(timeOf(item)));
      if (item instanceof RegExp) return keep(new RegExp(item.source, item.flags));
      if (item instanceof Map) {
        const copy = keep(new Map());
        for (const [key, held] of [...item]) copy.set(clone(key), clone(held));
        return copy;
      }
      if (item instanceof Set) {
        const copy = keep(new Set());
        for (const held of [...item]) copy.add(clone(held));
        return copy;
      }
      if (item instanceof NativeError) {
        const copy = keep(new (Object.hasOwn(ERRORS, item.name) ? ERRORS[item.name] : Error)());
        const message = getOwnPropertyDescriptor(item, 'message');
        if (message !== undefined) hidden(copy, 'message', String(item.message));
        if (Object.hasOwn(item, 'cause')) hidden(copy, 'cause', clone(item.cause));
        return copy;
      }
      if (['Boolean', 'Number', 'String', 'BigInt'].includes(tagOf(item))) return keep(Object(item.valueOf()));
      if (item instanceof ArrayBuffer) return keep(item.slice(0));
      if (ArrayBuffer.isView(item)) {
        const Kind = item instanceof Buffer ? Uint8Array : item.constructor;
        return keep(new Kind(clone(item.buffer), item.byteOffset, item.length ?? item.byteLength));
      }
      if (['WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'Generator'].includes(tagOf(item))) return invalid('could not be cloned');
      if (tagOf(item) !== 'Object') return invalid('could not be cloned');
      return fillOwn(keep({}));
    };
    return clone(value);
  }

  // -------------------------------------------------------------------------------------------------------- Environment

  // What the project's own files say and what is allowed by name can be read. That other variables are there can be seen,
  // and what they hold cannot: the value would be published.
  const withheld = new Set(host.withheld);
  const variables = new Map(Object.entries(host.environment));
  const asText = (value) => (typeof value === 'symbol' ? lack('a symbol in process.env') : String(value));
  const set = new Set();
  function variableOf(name) {
    if (withheld.has(name)) {
      throw marked('environment', `\`process.env.${name}\` is set on this machine, and not by the project`);
    }
    const value = variables.get(name);
    if (value === undefined || set.has(name)) return value;
    return touch('environment', name) === 0 ? value : `${value}${variant.number === 1 ? '0' : 'x'}`;
  }
  const env = new NativeProxy({}, {
    get(target, name) { return typeof name === 'symbol' ? undefined : variableOf(name) ?? target[name]; },
    set(target, name, value) {
      variables.set(name, asText(value));
      set.add(name);
      withheld.delete(name);
      return true;
    },
    has: (target, name) => (typeof name === 'string' && (variables.has(name) || withheld.has(name))) || name in target,
    deleteProperty(target, name) { variables.delete(name); withheld.delete(name); return true; },
    ownKeys() {
      const other = touch('names', 'the names in process.env') === 0 ? [] : ['ELSEWHERE'];
      return [...new Set([...variables.keys(), ...withheld, ...other])];
    },
    getOwnPropertyDescriptor(target, name) {
      if (typeof name !== 'string') return undefined;
      const isThere = variables.has(name) || withheld.has(name) || (name === 'ELSEWHERE' && variant.kind === 'names');
      if (!isThere) return undefined;
      const get = () => (name === 'ELSEWHERE' ? '' : variableOf(name));
      return { get, set: (value) => { variables.set(name, asText(value)); }, enumerable: true, configurable: true };
    },
    defineProperty(target, name, described) {
      variables.set(name, asText(described.value));
      set.add(name);
      withheld.delete(name);
      return true;
    },
  });

  // ------------------------------------------------------------------------------------------------------------- Process

  const PLATFORMS = [host.platform, 'win32', 'darwin'];
  const platform = () => PLATFORMS.filter((name, index) => index === 0 || name !== host.platform)[touch('platform', 'process.platform')] ?? 'aix';
  // Only this machine's Node knows them.
  const unknown = (name, values) => () => values[touch('process', name)];
  const nothing = () => undefined;
  const process = {
    env,
    get argv() { return [...unknown('process.argv', [['node', host.entry], ['/elsewhere/node', '/elsewhere/main.js', 'more']])()]; },
    execArgv: [],
    get platform() { return platform(); },
    get arch() { return unknown('process.arch', ['x64', 'arm64'])(); },
    get version() { return unknown('process.version', ['v20.0.0', 'v21.9.8'])(); },
    versions: new NativeProxy({ get node() { return unknown('process.versions', ['20.0.0', '21.9.8'])(); } }, {
      get: (target, key) => (key in target || typeof key === 'symbol' ? target[key] : lack(`process.versions.${key}`)),
      has: (target, key) => key in target || lack(`process.versions.${String(key)}`),
      ownKeys: () => lack('process.versions'),
    }),
    get pid() { return unknown('process.pid', [1, 4242])(); },
    get title() { return unknown('process.title', ['node', 'other'])(); },
    cwd: () => host.cwd,
    nextTick(call, ...args) { host.ticks.push(() => call(...args)); },
    uptime: () => (now('process.uptime') - started) / 1000,
    hrtime: Object.assign(() => [Math.floor(now('process.hrtime') / 1000), 0], { bigint: () => BigInt(now('process.hrtime')) * 1_000_000n }),
    emitWarning() {},
    exitCode: undefined,
  };
  for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']) process[name] = () => process;
  for (const name of ['stdout', 'stderr']) {
    process[name] = new NativeProxy({ write: () => true }, {
      get: (target, key) => (key in target ? target[key] : key === 'isTTY' ? unknown(`process.${name}.isTTY`, [undefined, true])() : lack(`process.${name}.${String(key)}`)),
      has: (target, key) => key in target || lack(`process.${name}`),
      ownKeys: () => lack(`process.${name}`),
    });
  }
  absent(process, (name) => `process.${name}`, ['_debugEnd', '_debugProcess', '_events', '_eventsCount', '_exiting', '_fatalException',
    '_getActiveHandles', '_getActiveRequests', '_kill', '_linkedBinding', '_preload_modules', '_rawDebug', '_startProfilerIdleNotifier',
    '_stopProfilerIdleNotifier', '_tickCallback', 'abort', 'allowedNodeEnvironmentFlags', 'argv0', 'assert', 'availableMemory', 'binding',
    'chdir', 'config', 'constrainedMemory', 'cpuUsage', 'debugPort', 'dlopen', 'domain', 'emit', 'eventNames', 'execPath', 'features',
    'getActiveResourcesInfo', 'getBuiltinModule', 'getMaxListeners', 'getegid', 'geteuid', 'getgid', 'getgroups', 'getuid',
    'hasUncaughtExceptionCaptureCallback', 'initgroups', 'kill', 'listenerCount', 'listeners', 'loadEnvFile', 'mainModule', 'memoryUsage',
    'moduleLoadList', 'openStdin', 'permission', 'ppid', 'prependListener', 'prependOnceListener', 'rawListeners', 'reallyExit', 'release',
    'report', 'resourceUsage', 'send', 'connected', 'channel', 'disconnect', 'setMaxListeners', 'setSourceMapsEnabled',
    'setUncaughtExceptionCaptureCallback', 'setegid', 'seteuid', 'setgid', 'setgroups', 'setuid', 'sourceMapsEnabled', 'stdin', 'umask']);
  defineProperty(process, Symbol.toStringTag, { value: 'process', configurable: true });

  // What is seen of functions without calling them.
  const looks = (object, lengths, isEnumerable = true) => {
    for (const [name, length] of Object.entries(lengths)) {
      const described = getOwnPropertyDescriptor(object, name);
      if (length !== null) defineProperty(described.value, 'length', { value: length, configurable: true });
      defineProperty(object, name, { ...described, enumerable: isEnumerable });
    }
  };
  looks(URL, { canParse: 1, parse: 1 });
  looks(URLSearchParams.prototype, { delete: 1, has: 1 });
  looks(TextEncoder.prototype, { encoding: null, encode: 0, encodeInto: null });
  looks(TextDecoder.prototype, { encoding: null, fatal: null, ignoreBOM: null, decode: 0 });
  looks(Buffer, { from: 3, alloc: 3, allocUnsafe: 1, allocUnsafeSlow: 1, isBuffer: 1, compare: 2, isEncoding: 1, concat: 2, byteLength: 2 });
  looks(Buffer.prototype, { toString: 3, equals: 1, indexOf: 3, includes: 3, toJSON: 0, subarray: 2, slice: 2 });
  defineProperty(structuredClone, 'length', { value: 0, configurable: true });
  defineProperty(String.prototype, 'length', { configurable: false });
  for (const name of ownKeys(Buffer)) {
    if (!['length', 'name', 'prototype'].includes(name)) defineProperty(CallableBuffer, name, getOwnPropertyDescriptor(Buffer, name));
  }
  setPrototypeOf(CallableBuffer, Uint8Array);
  CallableBuffer.prototype = Buffer.prototype;
  hidden(Buffer.prototype, 'constructor', CallableBuffer);

  for (const [name, value] of Object.entries({ URL, URLSearchParams, TextEncoder, TextDecoder, Buffer: CallableBuffer, process, structuredClone, atob, btoa })) {
    hidden(globalThis, name, value);
  }

  for (const name of getOwnPropertyNames(globalThis)) {
    const value = getOwnPropertyDescriptor(globalThis, name)?.value;
    for (const object of [value, isObject(value) ? getOwnPropertyDescriptor(value, 'prototype')?.value : undefined]) if (isObject(object)) native.add(object);
  }

  return {
    pattern,
    functionText: (value) => Reflect.apply(functionText, value, []),
    marked, lack, lackLocale, lacks, touch, touched, caught, crypto, randomBytes, randomNumber, absent, pose, opaque, isProxy: (value) => proxies.has(value), Proxy: NativeProxy, now, env, toLetters, variant,
    // What `**` gives.
    power(base, exponent) {
      const value = base ** exponent;
      return typeof value === 'bigint' || isExactPower(base, exponent) ? value : nearly(value, 'the last digit of a power');
    },
    listed,
    // What `for (… in …)` goes through: in which order a proxy is asked is seen by its code.
    named(value) {
      return proxies.has(Object(value)) ? lack('`for (… in …)` of a Proxy') : value;
    },
    // Spreads into an object what an object literal spreads, a text by its characters.
    spread: (value) => (value === null || value === undefined ? value : Object(value)),
    stackOf,
  };
})
