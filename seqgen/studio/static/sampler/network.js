/**
 * A recurrent network that is run a token at a time, one stream: embedding → memory → layers → memory → logits.
 *
 * What a cell and a memory are is given from outside, so that a page holds those of its model alone.
 */

import { Room, needed } from "./room.js";
import { Weights } from "./weights.js";

const SPARE = 48; // vectors of the largest size that cells and memories may ask for, a layer each

export class Network {
  /**
   * `form`: what seqgen/export/form.py wrote; `bytes`: of the weights; `Cell`, `Memory`: the classes of these names;
   * `plain`: without WebAssembly.
   */
  constructor({ cell, shape, tensors }, bytes, { Cell, Memory }, plain = false) {
    const shapes = tensors.map((tensor) => tensor.shape);
    const largest = Math.max(...shapes.flat());
    const room = new Room(needed(shapes) + SPARE * (shape.layers + 1) * (largest + 4), plain);
    const weights = new Weights(room, tensors, bytes);
    this.fast = room.fast;
    this.embedding = weights.matrix("embedding.weight");
    this.input = room.vector(shape.embedding);
    this.layers = [];
    for (let layer = 0; layer < shape.layers; layer += 1) {
      this.layers.push(new Cell(room, weights.under(`layers.${layer}.`), shape.hidden, cell));
    }
    this.memory = new Memory(room, weights.under("memory."), shape.length);
    this.side = Memory.side;
    this.projection = shape.projected ? weights.matrix("projection.weight") : null;
    this.projected = room.vector(shape.embedding);
    this.output = shape.tied ? this.embedding : weights.matrix("output.weight");
    this.bias = weights.vector("output.bias");
    this.logits = room.vector(this.output.rows);
    this.reset();
  }

  get vocabSize() {
    return this.logits.length;
  }

  /** The state before a document: zeros. */
  reset() {
    this.memory.reset();
    this.layers.forEach((layer) => layer.reset());
  }

  /** Take a token in; what the output layer would take. */
  read(token) {
    let x = this.input;
    x.set(this.embedding.row(token).subarray(0, x.length));
    if (this.side === "input") this.memory.change(x, token);
    for (const layer of this.layers) x = layer.step(x);
    return this.side === "output" ? this.memory.change(x, token) : x;
  }

  /** The logits after a token, (V,) float32; the next step overwrites them. */
  step(token) {
    let x = this.read(token);
    if (this.projection) {
      this.projected.fill(0);
      this.projection.onto(x, this.projected);
      x = this.projected;
    }
    this.logits.set(this.bias);
    this.output.onto(x, this.logits);
    return this.logits;
  }
}
