/**
 * The label of a sample for which none was asked, as `Model.label` in seqgen/api/model.py draws it:
 * numpy.random.default_rng([seed, stream]).integers(labels). That is PCG64 (XSL-RR 128/64, O'Neill 2014), seeded by
 * numpy's SeedSequence, and a whole number below a bound by the method of Lemire 2019.
 */

const POOL = 4, MASK = (1n << 64n) - 1n, WIDE = (1n << 128n) - 1n, HALF = 0xffffffffn;
const MULTIPLIER = (2549297995355413924n << 64n) + 4865540595714422341n;
const { imul } = Math;

/** A hash whose constant moves on with each value. */
function hashing(start, factor) {
  let constant = start;
  return (value) => {
    const mixed = value ^ constant;
    constant = imul(constant, factor);
    const product = imul(mixed, constant);
    return product ^ (product >>> 16);
  };
}

function mixed(x, y) {
  const found = imul(0xca01f9dd, x) - imul(0x4973f715, y);
  return found ^ ((found | 0) >>> 16);
}

/** The words of 32 bits of a whole number, the low one first. */
function wordsOf(value) {
  const words = [];
  for (let rest = BigInt(value); rest || !words.length; rest >>= 32n) words.push(Number(rest & HALF));
  return words;
}

/** Four words of 64 bits from which a generator begins. */
function seeded(entropy) {
  const hash = hashing(0x43b0d7e5, 0x931e8875), last = hashing(0x8b51f9dd, 0x58f38ded);
  const pool = Array.from({ length: POOL }, (_, at) => hash(entropy[at] ?? 0));
  for (let from = 0; from < POOL; from += 1) {
    for (let to = 0; to < POOL; to += 1) if (from !== to) pool[to] = mixed(pool[to], hash(pool[from]));
  }
  for (const word of entropy.slice(POOL)) {
    for (let to = 0; to < POOL; to += 1) pool[to] = mixed(pool[to], hash(word));
  }
  const words = Array.from({ length: 2 * POOL }, (_, at) => BigInt(last(pool[at % POOL]) >>> 0));
  return Array.from({ length: POOL }, (_, at) => words[2 * at] | (words[2 * at + 1] << 32n));
}

/** Words of 32 bits, one after the other. */
function* drawn(entropy) {
  const [high, low, sequenceHigh, sequenceLow] = seeded(entropy);
  const increment = ((((sequenceHigh << 64n) | sequenceLow) << 1n) | 1n) & WIDE;
  const step = (state) => (state * MULTIPLIER + increment) & WIDE;
  let state = step((increment + ((high << 64n) | low)) & WIDE);
  for (;;) {
    state = step(state);
    const value = ((state >> 64n) ^ state) & MASK, turn = state >> 122n;
    const word = ((value >> turn) | (value << (64n - turn))) & MASK;
    yield word & HALF;
    yield word >> 32n;
  }
}

/** One of the labels. */
export function anyLabel(labels, seed, stream) {
  if (labels.length === 1) return labels[0];
  const many = BigInt(labels.length), least = (1n << 32n) % many;
  for (const word of drawn([...wordsOf(seed), ...wordsOf(stream)])) {
    const product = word * many;
    if ((product & HALF) >= least) return labels[Number(product >> 32n)];
  }
}
