/**
 * Which tokens may follow in source code, as seqgen/codecs/_code/grammar.py has it: the lexer of a language run over
 * tokens. Of a state that came before the mask is known.
 */

import { Lexer } from "./lexer.js";
import { START } from "./state.js";

const MASKS = 4096; // masks kept, V bytes each

/** What all samples of a model share. */
export class CodeRules {
  /** `pieces`: of each token its bytes, a character a byte; `language`: its table. */
  constructor(pieces, language) {
    this.lexer = new Lexer(language);
    this.unfinished = language.unfinished;
    this.pieces = pieces;
    this.kinds = new Map(); // all bytes from 80 on are one kind, and the tokens of a large character set few kinds
    pieces.forEach((piece, token) => {
      const kind = piece.replace(/[\x80-\xff]/g, "\x80");
      if (kind) this.kinds.set(kind, [...(this.kinds.get(kind) ?? []), token]);
    });
    this.masks = new Map();
  }

  /** [the state after a piece, whether each byte of it was allowed in its turn]. */
  over(given, piece) {
    let state = given, fine = true;
    for (let at = 0; at < piece.length; at += 1) {
      const [next, fits] = this.lexer.advance(state, piece[at]);
      state = next;
      fine &&= fits;
    }
    return [state, fine];
  }

  /** (V,) 1 where a token may follow; not to be written to. */
  allowed(state) {
    const view = JSON.stringify(Object.values(state));
    let mask = this.masks.get(view);
    if (!mask) {
      mask = new Uint8Array(this.pieces.length);
      for (const [kind, tokens] of this.kinds) {
        if (this.over(state, kind)[1]) for (const token of tokens) mask[token] = 1;
      }
      if (this.masks.size >= MASKS) this.masks.clear();
      this.masks.set(view, mask);
    }
    return mask;
  }
}

/** The grammar of one sample, for `Framed`. */
export class CodeGrammar {
  constructor(rules) {
    this.rules = rules;
    this.reset();
  }

  reset() {
    this.state = START;
  }

  step(token) {
    [this.state] = this.rules.over(this.state, this.rules.pieces[token]);
  }

  allow(mask) {
    mask.set(this.rules.allowed(this.state));
  }

  /** In code, nothing open once the line ends; in a directive, too, where the language lets a file end in one. */
  mayEnd() {
    const { state, rules: { lexer, unfinished } } = this, { place } = state;
    const directing = unfinished && (place === "directive" || place[0] === "#");
    const coding = (place === "start" || place === "code") && !state.prose;
    if (state.inside || state.pending || !(directing || coding)) return false;
    const [after, fine] = lexer.advance(state, "\n");
    return fine && !(after.stack || after.frames.length || after.prose || after.layout.wants);
  }
}
