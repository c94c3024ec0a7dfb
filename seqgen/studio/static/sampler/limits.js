/**
 * What a stream may hold, as seqgen/generation/limits.py has it: bans and spelling, grammar, strangers, guards. Where
 * one of them would leave nothing it gives way.
 *
 * `form`: {places: S, rows: base64 of (S, V) bytes, strange: base64 of (V,) bytes or ""}. Of a byte of `rows` the
 * highest bit says that the token must not follow in this place, the others which place is behind it.
 */

import { bytesOf } from "./weights.js";

const REFUSED = 0x80;

/** Make tokens −∞ for which `refuses` is true, unless that leaves none. */
function refuse(logits, refuses) {
  let left = false;
  for (let token = 0; token < logits.length && !left; token += 1) left = logits[token] > -Infinity && !refuses(token);
  if (!left) return;
  for (let token = 0; token < logits.length; token += 1) if (refuses(token)) logits[token] = -Infinity;
}

export class Limits {
  constructor(form, vocabSize, { grammar = null, guards = [] } = {}) {
    this.size = vocabSize;
    this.rows = bytesOf(form.rows);
    this.strange = form.strange ? bytesOf(form.strange) : null;
    this.grammar = grammar;
    this.guards = guards;
    this.reset();
  }

  reset() {
    this.place = 0;
    this.grammar?.reset();
    this.guards.forEach((guard) => guard.reset());
  }

  /** Take a token of the stream in. */
  read(token) {
    this.place = this.after(token);
    this.grammar?.read(token);
    this.guards.forEach((guard) => guard.read(token));
  }

  after(token) {
    return this.rows[this.place * this.size + token] & ~REFUSED;
  }

  /** Whether the stream may break off behind a token: not within a character. */
  whole(token) {
    return this.after(token) === 0;
  }

  /** Change (V,) logits in place. */
  apply(logits) {
    const { rows, strange, size } = this, begin = this.place * size;
    for (let token = 0; token < size; token += 1) if (rows[begin + token] & REFUSED) logits[token] = -Infinity;
    if (this.grammar) {
      const allowed = this.grammar.allowed();
      refuse(logits, (token) => !allowed[token]);
    }
    if (strange) refuse(logits, (token) => strange[token] !== 0);
    const refused = new Set(this.guards.flatMap((guard) => guard.refused()));
    if (refused.size) refuse(logits, (token) => refused.has(token));
  }
}
