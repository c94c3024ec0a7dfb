/**
 * The one loop that takes time, as WebAssembly with SIMD: y += W x for a matrix whose rows are read four at a time.
 *
 * `assembled` writes the module byte by byte (WebAssembly Core Specification 2.0, chapter 5). As text it would be
 *
 *     (func (export "product") (param $w $x $y $end $bytes i32)
 *       until $w = $end, four rows after the other:
 *         a = b = c = d = 0
 *         for $j from 0 to $bytes, by 16:
 *           v = x[$j];  a += w[$j] v;  b += w[$j + $bytes] v;  c, d likewise
 *         y[0] += the sum of a's lanes;  y[1] that of b's; y[2], y[3] likewise;  $y += 16)
 */

const I32 = 0x7f, V128 = 0x7b, EMPTY = 0x40;
const LOOP = 0x03, END = 0x0b, BR_IF = 0x0d, GET = 0x20, SET = 0x21, TEE = 0x22, CONST = 0x41;
const ADD = 0x6a, MULTIPLY = 0x6c, LESS = 0x49; // of i32
const F32_LOAD = 0x2a, F32_STORE = 0x38, F32_ADD = 0x92;
const SIMD = 0xfd, LOAD = 0x00, LANE = 0x1f, F32X4_ADD = [0xe4, 0x01], F32X4_MULTIPLY = [0xe6, 0x01], ZERO = 0x0c;
const W = 0, X = 1, Y = 2, LAST = 3, BYTES = 4, J = 5, AT = 6, A = 7, B = 8, C = 9, D = 10, V = 11;
const ROWS = [A, B, C, D];

/** A number in LEB128. */
function leb(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

const section = (id, ...body) => [id, ...leb(body.length), ...body];
const name = (text) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
const load = [SIMD, LOAD, 4, 0]; // of 16 bytes, aligned
const zero = [SIMD, ZERO, ...new Array(16).fill(0)];

/** acc += w[at] · v, and at moves to the next row. */
const row = (acc) => [
  GET, acc, GET, AT, ...load, GET, V, SIMD, ...F32X4_MULTIPLY, SIMD, ...F32X4_ADD, SET, acc,
  GET, AT, GET, BYTES, ADD, SET, AT,
];

/** y[place] += the sum of the four lanes of acc. */
const sum = (acc, place) => [
  GET, Y, GET, Y, F32_LOAD, 2, 4 * place,
  ...[0, 1, 2, 3].flatMap((lane) => [GET, acc, SIMD, LANE, lane]), F32_ADD, F32_ADD, F32_ADD,
  F32_ADD, F32_STORE, 2, 4 * place,
];

const body = [
  LOOP, EMPTY,
  ...ROWS.flatMap((acc) => [...zero, SET, acc]),
  CONST, 0, SET, J,
  LOOP, EMPTY,
  GET, X, GET, J, ADD, ...load, SET, V,
  GET, W, GET, J, ADD, SET, AT,
  ...ROWS.flatMap(row),
  GET, J, CONST, 16, ADD, TEE, J, GET, BYTES, LESS, BR_IF, 0,
  END,
  ...ROWS.flatMap(sum),
  GET, Y, CONST, 16, ADD, SET, Y,
  GET, W, GET, BYTES, CONST, 4, MULTIPLY, ADD, TEE, W, GET, LAST, LESS, BR_IF, 0,
  END,
  END,
];

/** The bytes of the module; it imports its memory as `room.memory`. */
export function assembled() {
  const locals = [2, 2, I32, 5, V128];
  const code = [...locals, ...body];
  return new Uint8Array([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 1, 0x60, 5, I32, I32, I32, I32, I32, 0), // a type
    ...section(2, 1, ...name("room"), ...name("memory"), 2, 0, 1), // a memory of a page at least
    ...section(3, 1, 0), // a function
    ...section(7, 1, ...name("product"), 0, 0), // its export
    ...section(10, 1, ...leb(code.length), ...code),
  ]);
}
