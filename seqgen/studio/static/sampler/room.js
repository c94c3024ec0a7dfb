/**
 * Where a network lives: one stretch of memory for its matrices and vectors, and the product of the two.
 *
 * Rows and columns are filled up with zeros to multiples of four, so that the loop has no ends to look after. Where
 * WebAssembly or its SIMD is missing, or a page does not let it run, the same sums are made in plain JavaScript.
 */

import { assembled } from "./simd.js";

const PAGE = 65536; // bytes of a page of WebAssembly's memory
const padded = (size) => (size + 3) & ~3;

/** The numbers that tensors of these shapes take as matrices: an upper bound for a `Room`. */
export function needed(shapes) {
  return shapes.reduce((sum, [rows, columns = 1]) => sum + padded(rows) * padded(columns) + 8, 0);
}

/** A matrix in a room. */
class Matrix {
  constructor(room, rows, columns) {
    this.room = room;
    this.rows = rows;
    this.width = padded(columns);
    this.values = room.vector(padded(rows) * this.width);
  }

  /** y += W x, for vectors of the same room. */
  onto(x, y) {
    this.room.product(this, x, y);
  }

  /** Row `index` as a view. */
  row(index) {
    return this.values.subarray(index * this.width, (index + 1) * this.width);
  }
}

export class Room {
  /** `size`: numbers there is to be room for. `plain`: without WebAssembly. */
  constructor(size, plain = false) {
    const bytes = 4 * size;
    this.used = 0;
    this.product = plainProduct;
    if (!plain && typeof WebAssembly === "object") {
      try {
        this.instantiate(bytes);
        return;
      } catch {
        // no SIMD, or a page whose policy forbids it
      }
    }
    this.buffer = new ArrayBuffer(Math.ceil(bytes / 16) * 16);
  }

  get fast() {
    return this.product !== plainProduct;
  }

  instantiate(bytes) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) + 1 });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assembled()), { room: { memory } });
    this.buffer = memory.buffer;
    this.product = ({ values, width }, x, y) => {
      exports.product(values.byteOffset, x.byteOffset, y.byteOffset, values.byteOffset + values.byteLength, 4 * width);
    };
  }

  /** `size` zeros, and further ones up to a multiple of four behind them. */
  vector(size) {
    const made = new Float32Array(this.buffer, this.used, size);
    this.used += 4 * padded(size);
    return made;
  }

  /** A matrix with these values, row by row. */
  matrix(values, [rows, columns]) {
    const made = new Matrix(this, rows, columns);
    for (let row = 0; row < rows; row += 1) {
      made.values.set(values.subarray(row * columns, (row + 1) * columns), row * made.width);
    }
    return made;
  }
}

/** The product in plain JavaScript, with the same four sums a row as the other has. */
function plainProduct({ values, rows, width }, x, y) {
  const source = new Float32Array(x.buffer, x.byteOffset, width);
  for (let row = 0, at = 0; row < rows; row += 1) {
    let a = 0, b = 0, c = 0, d = 0;
    for (let column = 0; column < width; column += 4, at += 4) {
      a += values[at] * source[column];
      b += values[at + 1] * source[column + 1];
      c += values[at + 2] * source[column + 2];
      d += values[at + 3] * source[column + 3];
    }
    y[row] += a + b + c + d;
  }
}
