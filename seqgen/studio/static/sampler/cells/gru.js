/** The gated recurrent unit, as in seqgen/cells/gru: gates r, z; n = tanh(x + r h), h ← n + z (h − n). */

import { Products, sigmoid } from "./gates.js";

export class Cell {
  constructor(room, weights, hidden) {
    this.products = new Products(room, weights);
    this.h = room.vector(hidden);
  }

  reset() {
    this.h.fill(0);
  }

  step(x) {
    const { h } = this, size = h.length, a = this.products.input.of(x), b = this.products.recurrent.of(h);
    for (let unit = 0; unit < size; unit += 1) {
      const r = sigmoid(a[unit] + b[unit]), z = sigmoid(a[unit + size] + b[unit + size]);
      const n = Math.tanh(a[unit + 2 * size] + r * b[unit + 2 * size]);
      h[unit] = n + z * (h[unit] - n);
    }
    return h;
  }
}
