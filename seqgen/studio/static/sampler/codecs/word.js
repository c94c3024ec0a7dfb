/**
 * Text, one token a word, number, space or mark, as seqgen/codecs/word.py cuts it; other words go by characters, other
 * characters by bytes. `form.codec`: {first: the first word's id, joined: whether a word takes the space before it
 * along, alone, marks: letters that are no part of words, and those besides letters that are, as ranges}.
 */

import { Codec as Text } from "./text.js";

export class Codec extends Text {
  constructor(form) {
    super(form);
    const { first, joined, alone, marks } = form.codec;
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true }), words = this.pieces.slice(first, form.document);
    this.words = new Map(words.map((piece, at) => [decoder.decode(piece), first + at]));
    const letter = `[[\\p{L}\\p{N}]--[\\p{Nd}${alone}]]`;
    const word = `${letter}(?:${letter}|[${marks}]|['\\u2019](?=${letter}))*`;
    this.parts = new RegExp(`${joined ? " ?" : ""}(?:${word}|\\p{Nd}+)|[ \\t]+|[\\s\\S]`, "gv");
  }

  encode(text) {
    return (text.match(this.parts) ?? []).flatMap((part) => {
      const own = this.words.get(part);
      return own === undefined ? super.encode(part) : [own];
    });
  }
}
