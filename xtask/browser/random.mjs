// Numbers that look random and are the same again for the same seed.

export class Random {
  #state;

  // `parts` are numbers; other ones give other sequences.
  constructor(...parts) {
    this.#state = 0x9e3779b9;
    for (const part of parts) {
      this.#state = (this.#state ^ part) >>> 0;
      this.#next();
    }
  }

  // mulberry32
  #next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  // Returns a whole number from 0 to below a limit.
  below(limit) {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  // Returns true that often, of one.
  chance(often) {
    return this.#next() / 2 ** 32 < often;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  // Returns one of the names, each as often as its number says.
  weighted(weights) {
    const rows = Object.entries(weights);
    let at = this.below(rows.reduce((sum, [, weight]) => sum + weight, 0));
    return rows.find(([, weight]) => (at -= weight) < 0)[0];
  }
}
