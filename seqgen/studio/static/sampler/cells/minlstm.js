/** The minimal LSTM, as in seqgen/cells/minlstm: what is kept is the share f / (f + i). */

import { Linear, positive, sigmoid, softplus } from "./gates.js";

export class Cell {
  constructor(room, weights, hidden) {
    this.linear = new Linear(room, weights, "linear.weight", "linear.bias");
    this.h = room.vector(hidden);
  }

  reset() {
    this.h.fill(0);
  }

  step(x) {
    const { h } = this, size = h.length, a = this.linear.of(x);
    for (let unit = 0; unit < size; unit += 1) {
      const kept = sigmoid(softplus(-a[unit + size]) - softplus(-a[unit])), n = positive(a[unit + 2 * size]);
      h[unit] = n + kept * (h[unit] - n);
    }
    return h;
  }
}
