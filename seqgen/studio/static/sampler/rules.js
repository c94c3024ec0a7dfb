/**
 * Rules change logits before a draw: those of seqgen/rules that a page has. A rule is made of its value, and is then a
 * function (logits, sorter, past) that changes (V,) float32 logits in place; a token at −∞ is never drawn.
 */

const COLD = 0.01; // a temperature below it goes by the distance to the highest, so that nothing overflows
const LATEST = 64; // tokens that `repetition` looks at
const FREE = 15, LONGEST = 256; // tokens of a passage that come again for nothing, from which on it costs no more
const { fround } = Math;

export const WINDOW = 1024; // of the latest tokens, which `past` holds

const highestOf = (logits) => {
  let highest = -Infinity;
  for (let token = 0; token < logits.length; token += 1) if (logits[token] > highest) highest = logits[token];
  return highest;
};

function keepAtLeast(logits, threshold) {
  for (let token = 0; token < logits.length; token += 1) if (!(logits[token] >= threshold)) logits[token] = -Infinity;
}

/** Ascending, as a view that the next call overwrites. */
class Sorter {
  ascending(logits) {
    if (!this.kept || this.kept.length !== logits.length) this.kept = new Float32Array(logits.length);
    this.kept.set(logits);
    return this.kept.sort();
  }
}

const temperature = (value) => (logits) => {
  if (value === 1) return;
  if (value >= COLD) {
    const factor = fround(1 / value);
    for (let token = 0; token < logits.length; token += 1) logits[token] *= factor;
    return;
  }
  const highest = highestOf(logits);
  if (value === 0) keepAtLeast(logits, highest);
  else for (let token = 0; token < logits.length; token += 1) logits[token] = fround(logits[token] - highest) / value;
};

const topK = (value) => (logits, sorter) => {
  if (value > 0 && value < logits.length) keepAtLeast(logits, sorter.ascending(logits)[logits.length - value]);
};

/** A token goes where it and all below it hold no more than 1 − p together; the highest never does. */
const topP = (value) => (logits, sorter) => {
  if (value === 1) return;
  const ascending = sorter.ascending(logits), last = ascending.length - 1, highest = ascending[last];
  const mass = new Float32Array(ascending.length);
  let sum = 0;
  for (let place = 0; place <= last; place += 1) {
    sum = fround(sum + fround(Math.exp(fround(ascending[place] - highest))));
    mass[place] = sum;
  }
  const gone = fround(sum * fround(1 - value));
  let first = 0;
  while (first < last && mass[first] <= gone) first += 1;
  keepAtLeast(logits, ascending[first]);
};

const minP = (value) => (logits) => {
  if (value > 0) keepAtLeast(logits, fround(highestOf(logits) + fround(Math.log(value))));
};

const repetition = (value) => (logits, sorter, past) => {
  if (value === 1) return;
  const penalty = fround(Math.log(value));
  for (const token of new Set(past.slice(-LATEST))) logits[token] -= penalty;
};

/** What goes on with a repeated passage costs by its length, the less the surer it is: seqgen/rules/dry.py. */
const dry = (value) => (logits, sorter, past) => {
  const costs = value === 0 ? new Map() : continuing(past);
  if (!costs.size) return;
  const highest = highestOf(logits);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  const chances = new Map([...costs.keys()].map((token) => [token, Math.exp(logits[token] - highest) / sum]));
  for (const [token, length] of costs) logits[token] -= fround(value * (length - FREE) * (1 - chances.get(token)));
};

/** Token → tokens of the longest passage that it would continue, where that is longer than what is free. */
function continuing(past) {
  const found = new Map(), { length } = past, most = Math.min(LONGEST, length - 1);
  let after = [];
  for (let place = FREE + 1; place < length; place += 1) after.push(place);
  for (let back = 1; back <= most && after.length; back += 1) {
    after = after.filter((place) => place >= back && past[place - back] === past[length - back]);
    if (back > FREE) for (const place of after) found.set(past[place], back);
  }
  return found;
}

/** Each with the least and the largest value that it takes, and the one that changes nothing. */
export const RULES = {
  dry: { make: dry, least: 0, most: 10, neutral: 0, early: true },
  repetition: { make: repetition, least: 1, most: 100, neutral: 1, early: true },
  temperature: { make: temperature, least: 0, most: 100, neutral: 1 },
  top_k: { make: topK, least: 0, most: 1e9, neutral: 0, whole: true },
  top_p: { make: topP, least: 0, most: 1, neutral: 1 },
  min_p: { make: minP, least: 0, most: 1, neutral: 0 },
};

/** The rules given, behind those that are usual and are not among them. */
export function effective(usual, given) {
  const named = new Set(given.map(([name]) => name.replace("-", "_")));
  return [...usual.filter(([name]) => !named.has(name)), ...given];
}

/** The rules in the order in which seqgen has them: early ones, the temperature, the others as they are given. */
export class Chain {
  constructor(warmth, given) {
    const named = given.some(([name]) => name === "temperature") ? given : [["temperature", warmth], ...given];
    const checked = named.map(([name, value]) => [RULES[name.replace("-", "_")], Number(value), name]);
    for (const [rule, value, name] of checked) {
      if (!rule) throw new RangeError(`no rule is called ${name}, expected one of ${Object.keys(RULES).join(", ")}`);
      if (!(value >= rule.least && value <= rule.most) || (rule.whole && !Number.isInteger(value))) {
        throw new RangeError(`${name} is ${value}, expected ${rule.least} to ${rule.most}`);
      }
    }
    const ordered = [...checked.filter(([rule]) => rule.early), ...checked.filter(([rule]) => !rule.early)];
    this.rules = ordered.map(([rule, value]) => rule.make(value));
    this.sorter = new Sorter();
  }

  apply(logits, past) {
    for (const rule of this.rules) rule(logits, this.sorter, past);
  }
}
