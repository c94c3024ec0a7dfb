/**
 * A network that is mixed with counts of the corpus and of the document: seqgen/experts/gate.py, whose docstring has
 * the equation, and seqgen/experts/mixing.py. It is run as a network is.
 *
 * `form.experts`: {size: V, the tokens that the counts know, order, gate: three rows of weights (network, corpus,
 * document), lines: (V) how many lines or bars begin with each token, tensors: [{name, shape, form, at}] of the counts}.
 */

import { Weights } from "../weights.js";
import { Corpus } from "./corpus.js";
import { Document, ORDER } from "./document.js";

const MAX_ORDER = 12;
const LENGTHS = [16, 64, 256, 1024, 4096, 16384]; // tokens of a document
const LEFT = 1 + MAX_ORDER, SURE = LEFT + MAX_ORDER, OF_CORPUS = SURE + 4; // where features stand
const FOLLOWERS = OF_CORPUS + ORDER + 2, LENGTH = FOLLOWERS + 2, BEGUN = LENGTH + LENGTHS.length;
const BEGINS = 2, FEATURES = BEGUN + 1 + BEGINS; // how many lines in a row are told apart
const TINY = Math.fround(1e-12);
const { fround } = Math;

/** The logarithm of the sum of the exponentials of the first `size` numbers; `highest` is their largest. */
function sumOf(logits, size, highest) {
  let sum = 0;
  for (let token = 0; token < size; token += 1) sum += Math.exp(logits[token] - highest);
  return Math.log(sum);
}

function highestOf(values, size) {
  let highest = -Infinity;
  for (let token = 0; token < size; token += 1) if (values[token] > highest) highest = values[token];
  return highest;
}

export class Mixed {
  /** `bytes`: those of the weights and, behind them, of the counts. */
  constructor(network, { experts: { size, order, gate, lines, tensors }, document }, bytes) {
    const arrays = new Weights(null, tensors, bytes);
    const whole = (name) => arrays.exact(name);
    const [alphabet, tokens, shares, children] = ["alphabet", "tokens", "shares", "children"].map(whole);
    this.network = network;
    this.corpus = new Corpus({ alphabet, tokens, shares, children }, size, order);
    this.own = new Document(size);
    this.begins = document; // the token with which a document begins
    this.lines = lines;
    this.gate = gate.map((row) => Float32Array.from(row));
    this.features = new Float32Array(FEATURES);
    this.logits = new Float32Array(network.vocabSize);
    this.logs = [new Float32Array(size), new Float32Array(size)]; // of corpus and document
  }

  get fast() {
    return this.network.fast;
  }

  get vocabSize() {
    return this.network.vocabSize;
  }

  reset() {
    this.network.reset();
    this.corpus.reset();
    this.own.reset();
  }

  read(token) {
    this.network.read(token);
    this.count(token);
  }

  /** Log-probabilities after a token, (V,) float32; the next step overwrites them. */
  step(token) {
    const logits = this.network.step(token);
    this.count(token);
    this.mix(logits);
    return this.logits;
  }

  /** Take a token into the counts. */
  count(token) {
    if (token < this.own.chances.length) {
      this.corpus.read(token);
      this.own.read(token);
    } else if (token === this.begins) {
      this.corpus.reset();
      this.own.reset();
    }
  }

  mix(network) {
    const { logits, corpus, own, logs } = this, all = logits.length, size = own.chances.length;
    const base = highestOf(network, all), whole = sumOf(network, all, base);
    for (let token = 0; token < all; token += 1) logits[token] = network[token] - base - whole;
    const reached = corpus.look(), found = own.look(), [of, here] = logs;
    const rest = Math.log(Math.max(fround(found.rest), TINY));
    for (let token = 0; token < size; token += 1) {
      const chance = own.chances[token];
      of[token] = Math.log(Math.max(fround(corpus.chances[token]), TINY));
      here[token] = chance === found.rest ? rest : Math.log(Math.max(fround(chance), TINY));
    }
    const mass = size < all ? Math.exp(sumOf(logits, size, 0)) : 1;
    const [a, b, c] = this.shares(reached, found);
    for (let token = 0; token < size; token += 1) logits[token] = a * logits[token] + b * of[token] + c * here[token];
    const highest = highestOf(logits, size);
    const less = highest + sumOf(logits, size, highest) - (size < all ? Math.log(Math.max(mass, TINY)) : 0);
    for (let token = 0; token < size; token += 1) logits[token] -= less;
  }

  /** How many lines or bars began just now, BEGINS at most. */
  begun() {
    const { history } = this.own, begun = this.lines[history.at(-1)];
    return Math.min(begun && this.lines[history.at(-2)] ? BEGINS : begun, BEGINS);
  }

  /** How much network, corpus and document are heard. */
  shares(reached, { reached: known, followers, different }) {
    const { features: x, corpus, logs, own } = this, size = own.chances.length;
    const place = LENGTHS.findIndex((length) => own.length <= length);
    if (place === 0) return [1, 0, 0]; // while a document begins
    const [first, second, third] = [this.logits, ...logs].map((each) => highestOf(each, size));
    x.fill(0);
    x[0] = x[1 + reached] = x[OF_CORPUS + known] = x[LENGTH + (place < 0 ? LENGTHS.length : place)] = 1;
    const begun = this.begun();
    if (begun) x[BEGUN + begun] = 1;
    x.set(corpus.left, LEFT);
    x.set([first, second, Math.exp(first), Math.exp(second)], SURE);
    x.set([third, Math.exp(third), Math.log1p(followers), different === 1 ? 1 : 0], FOLLOWERS - 2);
    return this.gate.map((row) => fround(row.reduce((sum, weight, at) => sum + fround(x[at] * weight), 0)));
  }
}
