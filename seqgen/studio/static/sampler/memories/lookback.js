/**
 * What stood some bars ago at this place, and what followed the last time when all was as now:
 * seqgen/memories/lookback.py, whose docstring has the equations. Changes token embeddings.
 */

import { BAR, COLUMNS, DOCUMENT, Hand, NOW, PLACE, clockOf } from "./places.js";

const LAGS = [1, 2, 4, 8]; // bars
const WAYS = LAGS.length + 1; // the lags and the match
const LONGEST = 31, WIDTH = 64;
const BEGINS = LAGS.map((lag) => NOW - lag * BAR);

/** How many of ascending numbers are at most `value`. */
export function upTo(ascending, value) {
  let low = 0, high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Memory {
  constructor(room, weights, length) {
    this.clock = clockOf(weights.exact("clock"));
    this.ids = weights.matrix("ids.weight");
    this.ways = weights.matrix("ways.weight");
    this.said = weights.matrix("said.weight");
    this.match = weights.matrix("match.weight");
    this.trust = weights.vector("trust.weight");
    this.place = weights.matrix("place.weight");
    this.found = room.vector(WAYS * WIDTH);
    this.latest = new Int32Array(length); // 1 + ids, the latest last
    this.keys = new Int32Array(length); // their places as numbers
    this.runs = new Int32Array(length); // how many tokens up to each were those up to the last one
    this.follow = new Int32Array(WAYS); // 1 + the id that each way said would follow, or 0
    this.hand = new Hand();
  }

  reset() {
    for (const part of [this.latest, this.keys, this.runs, this.follow]) part.fill(0);
    this.hand.reset();
  }

  /** Change the embedding x of a token, in place. */
  change(x, token) {
    const { follow, found } = this, right = this.look(token), matched = right.matched;
    for (let way = 0; way < WAYS; way += 1) {
      const target = found.subarray(way * WIDTH, (way + 1) * WIDTH);
      if (follow[way]) target.set(this.ids.row(follow[way] - 1).subarray(0, WIDTH));
      else target.fill(0);
      if (right.said[way]) added(x, this.said.row(2 * way + right.said[way] - 1));
    }
    const trust = matched ? this.trust[matched - 1] : 0;
    for (let at = LAGS.length * WIDTH; at < found.length; at += 1) found[at] *= trust;
    this.ways.onto(found, x);
    if (matched) added(x, this.match.row(matched - 1));
    added(x, this.place.row(this.hand.place));
  }

  /** Take a token in: how many tokens match, and of each way whether it was wrong (1) or right (2) of this one. */
  look(token) {
    const { latest, keys, runs, hand, follow } = this, last = latest.length - 1, now = token + 1;
    const bars = hand.move(this.clock, token * COLUMNS);
    if (bars >= DOCUMENT) {
      latest.fill(0);
      keys.fill(0);
    } else if (bars) {
      for (let at = 0; at <= last; at += 1) keys[at] = keys[at] < (bars + 1) * BAR ? 0 : keys[at] - bars * BAR;
    }
    latest.copyWithin(0, 1);
    keys.copyWithin(0, 1);
    latest[last] = now;
    keys[last] = NOW + hand.here;
    const said = Array.from(follow, (one) => (one === 0 ? 0 : one === now ? 2 : 1));
    BEGINS.forEach((begin, way) => {
      const at = upTo(keys, begin + hand.here);
      follow[way] = at && keys[at - 1] >= begin ? latest[at] : 0;
    });
    let longest = 0, place = last;
    for (let at = last - 1; at >= 0; at -= 1) {
      runs[at] = latest[at] === now ? runs[at] + 1 : 0;
      if (runs[at] > longest) {
        longest = runs[at];
        place = at;
      }
    }
    follow[WAYS - 1] = longest ? latest[place + 1] : 0;
    return { matched: Math.min(longest, LONGEST), said };
  }

  /** 1 + the tokens around the last one that stood some bars before at this place; 0: none. */
  around(lag, back, forth) {
    const begin = NOW - lag * BAR, here = Math.floor(this.hand.furthest / PLACE) * PLACE;
    const at = upTo(this.keys, begin + here + PLACE - 1);
    if (!at || this.keys[at - 1] < begin) return [];
    const row = Array.from(this.latest.subarray(Math.max(at - back, 0), at + forth));
    return [...new Array(Math.max(back - at, 0)).fill(0), ...row];
  }
}

/** x += row. */
export function added(x, row) {
  for (let at = 0; at < x.length; at += 1) x[at] += row[at];
}

Memory.side = "input";
export { WIDTH };
