/**
 * Text, one token a character or byte: codecs char, byte and those of programming languages. Ids 0 to 255 are the
 * bytes; characters of several bytes that have an id of their own follow.
 */

import { guardsOf } from "./items.js";

const BYTES = 256;
const encoder = new TextEncoder();

/** The bytes of a piece, which a form holds as text with a letter for each byte. */
export const bytesOfPiece = (piece) => Uint8Array.from(piece, (letter) => letter.charCodeAt(0));

export class Codec {
  constructor(form) {
    this.pieces = form.pieces.map(bytesOfPiece);
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.own = new Map(this.pieces.slice(BYTES, form.document).map((piece, at) => [decoder.decode(piece), BYTES + at]));
  }

  /** The ids of a text. */
  encode(text) {
    return Array.from(text).flatMap((letter) => this.spelled(letter));
  }

  /** The ids of a character. */
  spelled(letter) {
    const bytes = encoder.encode(letter);
    const own = bytes.length > 1 ? this.own.get(letter) : undefined;
    return own === undefined ? Array.from(bytes) : [own];
  }

  guards(form) {
    return guardsOf(form);
  }
}
