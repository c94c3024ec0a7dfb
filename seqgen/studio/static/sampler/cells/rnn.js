/** The simple recurrent network, as in seqgen/cells/rnn: h ← φ(W x + U h + b), φ = tanh or the positive part. */

import { Products } from "./gates.js";

export class Cell {
  constructor(room, weights, hidden, { nonlinearity }) {
    this.products = new Products(room, weights);
    this.h = room.vector(hidden);
    this.squash = nonlinearity === "relu" ? (x) => Math.max(x, 0) : Math.tanh;
  }

  reset() {
    this.h.fill(0);
  }

  step(x) {
    const { h, squash } = this, a = this.products.input.of(x), b = this.products.recurrent.of(h);
    for (let unit = 0; unit < h.length; unit += 1) h[unit] = squash(a[unit] + b[unit]);
    return h;
  }
}
