/**
 * The n-gram of a corpus, read where it lies: seqgen/experts/corpus.py, whose docstring has the equation and the tree.
 *
 * A node is an n-gram: 0 the root, 1 + its place in `tokens` each other; −1 is none.
 */

const CODES = 256, STEP = Math.LN2 / 16;
const SEEN = Float64Array.from({ length: CODES }, (_, code) => (code < CODES - 1 ? Math.exp(-code * STEP) : 0));

export class Corpus {
  /** `arrays`: {alphabet, tokens, shares, children} as whole numbers; `order`: the most tokens of an n-gram. */
  constructor({ alphabet, tokens, shares, children }, size, order) {
    Object.assign(this, { alphabet, tokens, shares, children, size });
    this.first = new Int32Array(children.length); // where the children of each node begin
    for (let node = 1; node < children.length; node += 1) this.first[node] = this.first[node - 1] + children[node - 1];
    this.places = new Int32Array(size).fill(-1); // of each token in the alphabet
    alphabet.forEach((token, place) => (this.places[token] = place));
    this.nodes = new Int32Array(Math.max(order, 1)); // the context of k tokens at k
    this.left = new Float64Array(this.nodes.length); // what each leaves to the shorter one
    this.chances = new Float64Array(size);
    this.unigrams = new Float64Array(size).fill(1 / size);
    this.onto(0, this.unigrams, this.share(0));
    this.reset();
  }

  /** Before the first token of a document. */
  reset() {
    this.nodes.fill(-1);
    this.nodes[0] = 0;
  }

  /** Take a token in. */
  read(token) {
    const { nodes } = this, place = this.places[token];
    for (let length = nodes.length - 1; length > 0; length -= 1) nodes[length] = this.below(nodes[length - 1], place);
  }

  below(node, place) {
    if (node < 0 || node >= this.children.length || place < 0) return -1;
    const { tokens } = this, end = this.first[node] + this.children[node];
    let low = this.first[node], high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tokens[middle] < place) low = middle + 1;
      else high = middle;
    }
    return low < end && tokens[low] === place ? low + 1 : -1;
  }

  /** Fill `chances` (V,) of the next token and `left`; the longest context from which anything goes on, in tokens. */
  look() {
    const { nodes, left, chances, children } = this;
    chances.set(this.unigrams);
    left[0] = this.share(0);
    let reached = 0;
    for (let length = 1; length < nodes.length; length += 1) {
      const node = nodes[length];
      left[length] = 1;
      if (node < 0 || node >= children.length || !children[node]) continue;
      left[length] = this.share(node);
      this.onto(node, chances, left[length]);
      reached = length;
    }
    return reached;
  }

  /** γ of a node. */
  share(node) {
    const end = this.first[node] + this.children[node];
    let sum = 0;
    for (let at = this.first[node]; at < end; at += 1) sum += SEEN[this.shares[at]];
    return 1 - sum;
  }

  /** found ← γ · found + seen. */
  onto(node, found, share) {
    const { tokens, shares, alphabet } = this, end = this.first[node] + this.children[node];
    for (let token = 0; token < found.length; token += 1) found[token] *= share;
    for (let at = this.first[node]; at < end; at += 1) found[alphabet[tokens[at]]] += SEEN[shares[at]];
  }
}
