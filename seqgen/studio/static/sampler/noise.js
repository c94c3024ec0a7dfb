/**
 * Gumbel noise that can be made again, as seqgen/generation/sampling.py specifies it to the bit: Philox4x64-10 (Salmon
 * et al. 2011) with the key (seed, stream). Position p of a vocabulary of V tokens uses the counters pR + 1 … pR + R,
 * R = ⌈V/8⌉, each of which gives four words of 64 bits, the low half first: numbers u of 32 bits.
 *
 *     E = −ln((u + ½) / 2³²),   noise = −ln E in float32
 *
 * A word of 64 bits is two numbers of 32 bits here, the low one first.
 */

const ROUNDS = 10;
const HALVES = 2 ** 32;
const FIRST = [0xe14c6c93, 0xd2e7470e]; // the multipliers of the paper
const SECOND = [0x95121157, 0xca5a8263];
const WEYL = [0x7f4a7c15, 0x9e3779b9, 0x84caa73b, 0xbb67ae85]; // what is added to the key in each round

/** The upper 32 bits of the product of two numbers of 32 bits. */
function upper(a, b) {
  const low = a & 0xffff, high = a >>> 16, other = b & 0xffff, otherHigh = b >>> 16;
  const middle = high * other + ((low * other) >>> 16);
  const rest = low * otherHigh + (middle & 0xffff);
  return high * otherHigh + (middle >>> 16) + (rest >>> 16);
}

const product = new Uint32Array(4);

/** The 128 bits of a multiplier times a word, into `product`. */
function multiply(factor, low, high) {
  const f = factor[0], g = factor[1];
  const second = upper(f, low) + (Math.imul(f, high) >>> 0) + (Math.imul(g, low) >>> 0);
  const third = upper(f, high) + upper(g, low) + (Math.imul(g, high) >>> 0) + Math.floor(second / HALVES);
  product[0] = Math.imul(f, low);
  product[1] = second % HALVES;
  product[2] = third % HALVES;
  product[3] = upper(g, high) + Math.floor(third / HALVES);
}

/** The four words of a counter, into `out` (8 numbers of 32 bits). */
function philox(counter, key, out) {
  const keys = Uint32Array.from(key);
  out.fill(0);
  out[0] = counter % HALVES;
  out[1] = Math.floor(counter / HALVES);
  for (let round = 0; round < ROUNDS; round += 1) {
    const a = out[2], b = out[3], c = out[6], d = out[7];
    multiply(FIRST, out[0], out[1]);
    const p = product[0], q = product[1], r = product[2], s = product[3];
    multiply(SECOND, out[4], out[5]);
    out[0] = product[2] ^ a ^ keys[0];
    out[1] = product[3] ^ b ^ keys[1];
    out[2] = product[0];
    out[3] = product[1];
    out[4] = r ^ c ^ keys[2];
    out[5] = s ^ d ^ keys[3];
    out[6] = p;
    out[7] = q;
    for (let word = 0; word < 4; word += 2) {
      const low = keys[word] + WEYL[word];
      keys[word + 1] += WEYL[word + 1] + (low >= HALVES ? 1 : 0);
      keys[word] = low;
    }
  }
}

/** The noise of one stream. `seed` and `stream` are whole numbers, or texts of digits, from 0 to 2⁶⁴ − 1. */
export class Noise {
  constructor(seed, stream, vocabSize) {
    const words = [BigInt(seed), BigInt(stream)];
    if (words.some((word) => word < 0n || word >> 64n)) throw new RangeError(`seed is ${seed}, expected 0 to 2^64 - 1`);
    this.key = words.flatMap((word) => [Number(word & 0xffffffffn), Number(word >> 32n)]);
    this.counters = Math.ceil(vocabSize / 8);
    this.words = new Uint32Array(8);
  }

  /** The noise of all tokens at a position, into `out` (V numbers, float32). */
  fill(position, out) {
    for (let counter = 0; counter < this.counters; counter += 1) {
      philox(position * this.counters + counter + 1, this.key, this.words);
      const begin = 8 * counter;
      for (let place = 0; place < 8 && begin + place < out.length; place += 1) {
        const race = Math.fround(-Math.log((this.words[place] + 0.5) / HALVES));
        out[begin + place] = -Math.log(race);
      }
    }
  }
}
