/** Long short-term memory, as in seqgen/cells/lstm: gates i, f, g, o; c ← f c + i g, h ← o tanh(c). */

import { Products, sigmoid } from "./gates.js";

export class Cell {
  constructor(room, weights, hidden) {
    this.products = new Products(room, weights);
    this.h = room.vector(hidden);
    this.c = new Float32Array(hidden);
  }

  reset() {
    this.h.fill(0);
    this.c.fill(0);
  }

  step(x) {
    const { h, c } = this, size = c.length, z = this.products.input.of(x), r = this.products.recurrent.of(h);
    for (let unit = 0; unit < size; unit += 1) {
      const i = sigmoid(z[unit] + r[unit]), f = sigmoid(z[unit + size] + r[unit + size]);
      const g = Math.tanh(z[unit + 2 * size] + r[unit + 2 * size]);
      const o = sigmoid(z[unit + 3 * size] + r[unit + 3 * size]);
      c[unit] = f * c[unit] + i * g;
      h[unit] = o * Math.tanh(c[unit]);
    }
    return h;
  }
}
