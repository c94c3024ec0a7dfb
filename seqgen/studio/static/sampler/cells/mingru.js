/** The minimal GRU, as in seqgen/cells/mingru: z = σ(W_z x), n = g(W_n x), h ← h + z (n − h). */

import { Linear, positive, sigmoid } from "./gates.js";

export class Cell {
  constructor(room, weights, hidden) {
    this.linear = new Linear(room, weights, "linear.weight", "linear.bias");
    this.h = room.vector(hidden);
  }

  reset() {
    this.h.fill(0);
  }

  step(x) {
    const { h } = this, a = this.linear.of(x);
    for (let unit = 0; unit < h.length; unit += 1) {
      h[unit] += sigmoid(a[unit]) * (positive(a[unit + h.length]) - h[unit]);
    }
    return h;
  }
}
