/** Source code, one token a character or byte, whose grammar is kept: `form.codec.language` is the language's table. */

import { CodeGrammar, CodeRules } from "../code/grammar.js";
import { Framed } from "./framed.js";
import { Codec as Text } from "./text.js";

export class Codec extends Text {
  constructor(form) {
    super(form);
    this.rules = new CodeRules(form.pieces.slice(0, form.document), form.codec.language);
  }

  grammar(form) {
    return new Framed(new CodeGrammar(this.rules), form);
  }
}
