/**
 * The n-gram of the document so far: seqgen/experts/document.py, whose docstring has the equation.
 *
 * Contexts and what followed them are texts whose letters are token ids.
 */

const ORDER = 7, FOLLOWERS = 128, HISTORY = 1 << 15;

export class Document {
  constructor(size) {
    this.chances = new Float64Array(size);
    this.stamps = new Int32Array(size); // in which count each token was met last
    this.stamp = 0;
    this.reset();
  }

  /** Before its first token. */
  reset() {
    this.length = 0;
    this.forget();
  }

  forget() {
    this.followers = new Map();
    this.history = []; // the tokens that are remembered
    this.contexts = []; // the latest ones, from the shortest on
  }

  /** Take a token in. */
  read(token) {
    this.learn(token);
    this.length += 1;
    if (this.history.length < HISTORY) return;
    const kept = this.history.slice(HISTORY / 2);
    this.forget();
    kept.forEach((each) => this.learn(each));
  }

  learn(token) {
    const { followers, history } = this, letter = String.fromCharCode(token);
    for (const context of this.contexts) {
      followers.set(context, ((followers.get(context) ?? "") + letter).slice(-FOLLOWERS));
    }
    history.push(token);
    const tail = String.fromCharCode(...history.slice(1 - ORDER));
    this.contexts = Array.from(tail, (_, at) => tail.slice(tail.length - 1 - at));
  }

  /**
   * Fill `chances` (V,) of the next token. What is known of it: {reached: the longest context that occurred before, in
   * tokens; followers: how many followed it; different: how many of them are different; rest: of what never followed}.
   */
  look() {
    const { chances } = this, found = [];
    for (const context of this.contexts) {
      const followers = this.followers.get(context);
      if (followers === undefined) break;
      found.push(followers);
    }
    chances.fill(0);
    let left = 1, followers = 0, different = 0;
    for (let at = found.length - 1; at >= 0; at -= 1) {
      const text = found[at], n = text.length, u = this.different(text), weight = left / (n + u);
      for (let place = 0; place < n; place += 1) chances[text.charCodeAt(place)] += weight;
      if (at === found.length - 1) [followers, different] = [n, u];
      left *= u / (n + u);
    }
    const rest = left / chances.length;
    for (let token = 0; token < chances.length; token += 1) chances[token] += rest;
    return { reached: found.length, followers, different, rest };
  }

  different(text) {
    this.stamp += 1;
    let count = 0;
    for (let place = 0; place < text.length; place += 1) {
      const token = text.charCodeAt(place);
      if (this.stamps[token] === this.stamp) continue;
      this.stamps[token] = this.stamp;
      count += 1;
    }
    return count;
  }
}

export { ORDER };
