/**
 * Where each token of a document stands by a clock: the rule of seqgen/memories/_places.py, in the same whole numbers.
 *
 * A row of the clock is (bars, place, advance, voice, voiced, counts), a hand where a stream stands.
 */

export const PLACES = 256; // of a bar
export const DOCUMENT = 15; // bars that begin with a document
export const MOST = [DOCUMENT, PLACES, 4096, 31, 1, 1]; // of each column of a clock
const VOICES = 31;
const COUNTS = 128;
export const PLACE = (VOICES + 1) * COUNTS;
export const BAR = PLACES * PLACE;
export const NOW = DOCUMENT * BAR;
export const COLUMNS = 6;

/** The clock (V rows, one after the other) as whole numbers within their bounds. */
export function clockOf(values) {
  return Int32Array.from(values, (value, index) => Math.min(Math.max(Math.trunc(value), 0), MOST[index % COLUMNS]));
}

export class Hand {
  constructor() {
    this.reset();
  }

  reset() {
    this.place = this.furthest = this.counted = this.voice = this.voiced = 0;
  }

  /** The number of the place where the stream stands. */
  get here() {
    return this.furthest + this.counted;
  }

  /** Take in a token whose row of the clock begins at `at`; how many bars began. */
  move(clock, at) {
    const place = clock[at + 1], advance = clock[at + 2], voice = clock[at + 3], voiced = clock[at + 4];
    let bars = clock[at];
    const leads = bars > 0 || place > 0;
    let to = leads ? Math.max(place - 1, 0) : this.place + advance;
    bars += Math.floor(to / PLACES);
    to %= PLACES;
    const now = voice === 0 ? this.voice : voice - 1;
    const inside = voiced || (this.voiced && !(leads || advance || bars)) ? 1 : 0;
    const furthest = Math.max(to * PLACE + (inside ? now + 1 : 0) * COUNTS, bars ? 0 : this.furthest);
    const same = !bars && furthest === this.furthest;
    this.counted = Math.min((same ? this.counted : 0) + clock[at + 5], COUNTS - 1);
    this.place = to;
    this.furthest = furthest;
    this.voice = now;
    this.voiced = inside;
    return bars;
  }
}
