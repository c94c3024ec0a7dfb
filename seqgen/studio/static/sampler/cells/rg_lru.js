/** The real-gated linear recurrent unit, as in seqgen/cells/rg_lru, whose docstring has the equations. */

import { Linear, sigmoid, softplus } from "./gates.js";

const SCALE = 8, LEAST = 1e-6;
const GELU = Math.sqrt(2 / Math.PI), CUBIC = 0.044715;

export class Cell {
  constructor(room, weights, hidden) {
    this.input = new Linear(room, weights, "input.weight", "input.bias");
    this.gates = new Linear(room, weights, "gates.weight", "gates.bias");
    this.rates = weights.vector("decay").map((decay) => -SCALE * softplus(decay));
    this.h = new Float32Array(hidden);
    this.u = room.vector(hidden);
    this.y = room.vector(hidden);
  }

  reset() {
    this.h.fill(0);
  }

  step(x) {
    const { h, u, y, rates } = this, size = h.length, a = this.input.of(x);
    u.set(a.subarray(0, size));
    const gates = this.gates.of(u);
    for (let unit = 0; unit < size; unit += 1) {
      const decay = rates[unit] * sigmoid(gates[unit]), v = a[unit + size];
      const root = Math.sqrt(Math.max(-Math.expm1(2 * decay), LEAST));
      h[unit] = Math.exp(decay) * h[unit] + root * sigmoid(gates[unit + size]) * u[unit];
      y[unit] = 0.5 * v * (1 + Math.tanh(GELU * (v + CUBIC * v ** 3))) * h[unit];
    }
    return y;
  }
}
