/**
 * Weights as an exported model holds them: one stretch of bytes, and for each tensor its name, shape, form and place.
 *
 * Forms: "f4" float32; "f2" float16; "i1" whole numbers from −127 to 127 with a float32 for each row, by which they are
 * multiplied: (rows of int8), padded to four bytes, then the scales; "u1", "u2", "u4" whole numbers as they are.
 * Everything is little-endian.
 */

/** The bytes of text in base64. */
export function bytesOf(text) {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

const WHOLE = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
let halves; // float16 → float32, all of them; made when it is first needed

function table() {
  if (halves) return halves;
  halves = new Float32Array(1 << 16);
  for (let bits = 0; bits < 1 << 16; bits += 1) {
    const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
    const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
    halves[bits] = bits >> 15 ? -size : size;
  }
  return halves;
}

export class Weights {
  /** `tensors`: [{name, shape, form, at}]; `bytes`: a Uint8Array that begins at a multiple of four of its buffer. */
  constructor(room, tensors, bytes, prefix = "") {
    this.room = room;
    this.tensors = tensors;
    this.bytes = bytes;
    this.prefix = prefix;
  }

  /** Those whose names begin so, without it. */
  under(prefix) {
    return new Weights(this.room, this.tensors, this.bytes, this.prefix + prefix);
  }

  matrix(name) {
    return this.room.matrix(this.exact(name), this.entry(name).shape);
  }

  vector(name) {
    return this.exact(name);
  }

  entry(name) {
    const found = this.tensors.find((tensor) => tensor.name === this.prefix + name);
    if (!found) throw new Error(`the model has no weight ${this.prefix + name}`);
    return found;
  }

  /** All numbers of a tensor, row by row, as float32; those of whole numbers as such. */
  exact(name) {
    const { shape, form, at } = this.entry(name);
    const size = shape.reduce((product, length) => product * length, 1);
    const { buffer } = this.bytes, begin = this.bytes.byteOffset + at;
    if (WHOLE[form]) return new WHOLE[form](buffer, begin, size);
    if (form === "f4") return new Float32Array(buffer, begin, size);
    if (form === "f2") {
      const known = table();
      return Float32Array.from(new Uint16Array(buffer, begin, size), (bits) => known[bits]);
    }
    const [rows] = shape, columns = size / rows;
    const whole = new Int8Array(buffer, begin, size);
    const scales = new Float32Array(buffer, begin + Math.ceil(size / 4) * 4, rows);
    return Float32Array.from(whole, (value, index) => value * scales[Math.floor(index / columns)]);
  }
}
