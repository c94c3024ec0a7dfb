/**
 * One attention head over the hidden states of the document so far: seqgen/memories/attention.py, whose docstring has
 * the equations. Changes hidden states. Keys and values lie in rings: the pair of token n at n modulo `length`.
 */

import { COLUMNS, Hand, PLACE, clockOf } from "./places.js";

const FAR = 17, SAME = 3; // bars from which on they are not told apart; kinds of sameness of two places

export class Memory {
  constructor(room, weights, length) {
    const bias = weights.vector("products.bias"), head = bias.length;
    this.length = length;
    this.head = head;
    this.clock = clockOf(weights.exact("clock"));
    this.products = weights.matrix("products.weight");
    this.bias = bias;
    this.output = weights.matrix("output.weight");
    this.distance = weights.vector("distance"); // the nearest first
    this.bars = weights.vector("bars"); // a row for each number of bars
    this.made = room.vector(3 * head); // query, key, value
    this.read = room.vector(head);
    this.out = room.vector(this.output.rows);
    this.keys = new Float32Array(length * head);
    this.values = new Float32Array(length * head);
    this.waiting = new Float32Array(head);
    this.scores = new Float64Array(length);
    [this.ago, this.spots, this.heres] = [1, 2, 3].map(() => new Int32Array(length));
    this.hand = new Hand();
    this.count = 0;
  }

  reset() {
    for (const part of [this.keys, this.values, this.waiting, this.ago, this.spots, this.heres]) part.fill(0);
    this.hand.reset();
    this.count = 0;
  }

  /** What the output layer takes for the hidden state h of a token. */
  change(h, token) {
    const { head, made, read, out } = this;
    made.fill(0);
    this.products.onto(h, made);
    const slot = this.count % this.length, size = Math.min(this.count + 1, this.length);
    this.keys.set(this.waiting, slot * head);
    this.values.set(made.subarray(2 * head, 3 * head), slot * head);
    this.waiting.set(made.subarray(head, 2 * head));
    this.count += 1;
    this.move(slot, token);
    for (let at = 0; at < head; at += 1) made[at] = (made[at] + this.bias[at]) / Math.sqrt(head);
    this.reading(slot, size);
    out.set(h);
    this.output.onto(read, out);
    return out;
  }

  /** Where the state that waited stands, and all others in relation to the token. */
  move(slot, token) {
    const { ago, hand } = this, spot = Math.floor(hand.furthest / PLACE), { here } = hand;
    const bars = hand.move(this.clock, token * COLUMNS);
    if (bars) ago.forEach((value, at) => (ago[at] = Math.min(value + bars, FAR)));
    ago[slot] = Math.min(bars, FAR);
    this.spots[slot] = spot;
    this.heres[slot] = here;
  }

  /** What the query, the first part of `made`, reads: the softmax of the scores and of a place with nothing, at 0. */
  reading(slot, size) {
    const { head, made, read, scores, keys, values, length, hand } = this;
    const spot = Math.floor(hand.furthest / PLACE), { here } = hand;
    let highest = 0;
    for (let place = 0; place < size; place += 1) {
      let score = this.distance[(slot - place + length) % length];
      for (let at = 0, key = place * head; at < head; at += 1) score += keys[key + at] * made[at];
      const same = Number(this.spots[place] === spot) + Number(this.heres[place] === here);
      score += this.bars[this.ago[place] * SAME + same];
      scores[place] = score;
      if (score > highest) highest = score;
    }
    let sum = Math.exp(-highest);
    read.fill(0);
    for (let place = 0; place < size; place += 1) sum += scores[place] = Math.exp(scores[place] - highest);
    for (let place = 0; place < size; place += 1) {
      const share = scores[place] / sum;
      for (let at = 0, value = place * head; at < head; at += 1) read[at] += share * values[value + at];
    }
  }
}

Memory.side = "output";
