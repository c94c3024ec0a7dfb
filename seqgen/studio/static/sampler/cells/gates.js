/** What cells share: the logistic function as seqgen/cells has it, and a layer's products. */

export const sigmoid = (x) => 0.5 * Math.tanh(0.5 * x) + 0.5;
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** g of mingru and minlstm: x + ½ from 0 on, below it the logistic function. */
export const positive = (x) => (x >= 0 ? x + 0.5 : sigmoid(x));

/** A product with its bias, W x + b, into a vector of its own. */
export class Linear {
  constructor(room, weights, matrix, bias) {
    this.matrix = weights.matrix(matrix);
    this.bias = weights.vector(bias);
    this.out = room.vector(this.matrix.rows);
  }

  of(x) {
    this.out.set(this.bias);
    this.matrix.onto(x, this.out);
    return this.out;
  }
}

/** The two products of PyTorch's recurrent layers: with what a layer reads, and with its hidden state. */
export class Products {
  constructor(room, weights) {
    this.input = new Linear(room, weights, "weight_ih_l0", "bias_ih_l0");
    this.recurrent = new Linear(room, weights, "weight_hh_l0", "bias_hh_l0");
  }
}
