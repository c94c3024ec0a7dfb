/**
 * Source code as a lexical state machine over bytes, as seqgen/codecs/_code/lexer.py has it but for tidy files, driven
 * by the table of a language: `Language` of seqgen/codecs/_code/language.py tells each field. `advance` takes any byte
 * and gives [the state after it, whether it was allowed].
 */

import { afterLine, afterSign, afterWord, closing, opening } from "./braces.js";
import { Directives } from "./directives.js";
import { begun, ended, indented } from "./layout.js";
import { Literals } from "./literals.js";
import { apart, classOfSign, classOfWord, quotes } from "./slashes.js";
import { ARROW, BLANK, CLOSED_BY, CLOSERS, DEPTH, ESCAPED, HOLE, ONE_MINUS, OPENERS, beginnings } from "./state.js";
import { inCode, isControl, isLoose, leadingWord } from "./state.js";

const NAME = "?", NUMBER = "0"; // what a word is that is no beginning of one that matters
const REGEX = { opens: "/", closes: "/", escape: ESCAPED, classes: true };
const LEADING = ["goes_on", "heads", "leads", "functions", "declares"]; // sets of words
const SETS = [...LEADING, "letters", "foreign", "directives", "values", "bodied"];

/** The table of a language from that in a form: lists are sets, pairs are maps. */
function languageOf(form) {
  const sets = Object.fromEntries(SETS.map((name) => [name, new Set(form[name])]));
  return { ...form, ...sets, blocks: new Map(form.blocks), braces: new Map(form.braces) };
}

export class Lexer {
  constructor(form) {
    const language = languageOf(form), { regions, blocks, declares, values } = language;
    this.language = language;
    this.regions = new Map(regions.map((region) => [region.opens, region]));
    if (language.divides) this.regions.set("regex", REGEX);
    this.begun = beginnings(regions.map(({ opens }) => opens.slice(0, -1)));
    this.shutBy = new Map([...blocks.values()].map((word) => [word[0], word]));
    const words = [...blocks.keys(), ...blocks.values(), ...language.braces.keys(), ...values];
    for (const set of LEADING) words.push(...language[set]);
    words.push(...[...this.begun].map(leadingWord), declares.size ? "as" : "", language.layout ? "pass" : "");
    this.words = beginnings(words.filter((word) => word !== "=>"));
    this.holed = regions.find((region) => region.holes);
    this.literals = new Literals(this.regions);
    this.directives = new Directives(language.directives, language.letters);
  }

  advance(state, char) {
    let found;
    if (state.inside) {
      found = this.literals.inside(state, char);
    } else if (state.pending) {
      return this.pending(state, char);
    } else if (state.word && !this.language.letters.has(char)) {
      found = this.wordEnds(state, char);
    } else if (state.place[0] === "#") {
      found = this.directives.named(state, char);
      if (!found[2] && found[0].place[0] === "#") return this.plain(found[0], char);
    } else {
      return this.plain(state, char);
    }
    const [after, fine, taken] = found;
    if (taken) return [after, fine];
    const [further, follows] = this.advance(after, char);
    return [further, fine && follows];
  }

  /** Outside comments and literals, in code or in the rest of a directive. */
  plain(given, char) {
    const { language } = this, { place } = given;
    let state = given, fine = true;
    if (char === "\n") return [this.lineEnds(state), true];
    if (BLANK.includes(char)) {
      if (language.divides) state = apart(state);
      if (place !== "start" || !language.layout || state.stack) return [state, true];
      const [layout, fits] = indented(state.layout, char);
      return [{ ...state, layout }, fits];
    }
    const region = this.regions.get(char);
    if (place === "start" && !region?.comment) {
      if (char === "#" && language.directives.size) return [{ ...state, place: "#" }, true];
      if (language.layout) {
        const [layout, fits] = begun(state.layout, char);
        state = { ...state, place: "code", layout };
        fine = fits;
      }
    }
    if (this.begun.has(char) && !language.letters.has(char)) return [{ ...state, pending: char }, fine];
    if (region) return [this.literals.entered(state, char), fine];
    if (place === "directive") return [state, !isControl(char)];
    if (state.prose > 0) return [{ ...state, place: "code" }, !isControl(char)];
    const [after, fits] = language.letters.has(char) ? [this.grown(state, char), true] : this.sign(state, char);
    return [after, fine && fits];
  }

  /** In a word with one more character. */
  grown(state, char) {
    let { word } = state;
    if (!word && char >= "0" && char <= "9") word = NUMBER;
    else if (this.words.has(word + char)) word += char;
    else if (word !== NUMBER) word = NAME;
    if (word === state.word && state.place === "code") return state;
    return inCode(state, state.stack, state.last, state.awaits, word);
  }

  /** Behind a word. */
  wordEnds(state, char) {
    const { word } = state, { language } = this;
    if (word === NUMBER && ((char === "'" && language.apart) || (char === "." && language.divides))) {
      return [state, true, true];
    }
    if (this.begun.has(word + char)) return [{ ...state, word: "", pending: word + char }, true, true];
    if (this.regions.has(word + char)) return [this.literals.entered({ ...state, word: "" }, word + char), true, true];
    return [...this.finished(state, word), false];
  }

  /** The state behind a finished word. */
  finished(state, word) {
    const { language } = this, { stack } = state;
    const last = classOfWord(language, word, state.last);
    if (language.blocks.has(word)) {
      const full = stack.length >= DEPTH, opened = full ? stack : stack + language.blocks.get(word)[0];
      return [inCode(state, opened, last === "k" ? last : "", state.awaits), !full];
    }
    if (this.shutBy.get(word[0]) === word) {
      const at = stack.lastIndexOf(word[0]), rest = at >= 0 ? stack.slice(0, at) : stack;
      return [inCode(state, rest, last, state.awaits), at >= 0 && at === stack.length - 1];
    }
    const told = language.values.size || language.braces.size;
    return [inCode(state, stack, last, told ? afterWord(language, state, word) : ""), true];
  }

  /** Where a comment or literal may have begun. */
  pending(given, char) {
    const { language, regions, literals } = this, read = given.pending, both = read + char;
    if (read === ESCAPED && BLANK.includes(char) && language.directives.size) return [given, true];
    if (this.begun.has(both)) return [{ ...given, pending: both }, true];
    let state = { ...given, pending: "" };
    if (regions.has(both)) return [literals.entered(state, both), true];
    for (let end = read.length; end > 0; end -= 1) {
      const opened = read.slice(0, end);
      if (regions.has(opened)) return this.fed(literals.entered(state, opened), both.slice(end));
    }
    if (state.place[0] === "#") state = { ...state, place: "directive" };
    if (read[0] === "/" && language.divides && quotes(state, char) && state.place !== "directive") {
      return this.fed(literals.entered(state, "regex"), both.slice(1));
    }
    const word = leadingWord(read);
    if (word) state = { ...state, place: "code", last: "w" };
    let fine = true;
    for (const sign of read.slice(word.length)) {
      const [next, fits] = this.sign(state, sign);
      state = next;
      fine &&= fits;
    }
    const [after, fits] = this.advance(state, char);
    return [after, fine && fits];
  }

  fed(given, chars) {
    let state = given, fine = true;
    for (const char of chars) {
      const [next, fits] = this.advance(state, char);
      state = next;
      fine &&= fits;
    }
    return [state, fine];
  }

  /** A sign that begins neither comment nor literal. */
  sign(state, char) {
    const { language } = this, { stack, last } = state;
    if (isLoose(state)) return [state.place === "directive" ? state : { ...state, place: "code" }, !isControl(char)];
    if (OPENERS.includes(char)) {
      const full = stack.length >= DEPTH, [kind, awaits] = opening(language, state, char);
      return [inCode(state, full ? stack : stack + kind, char, awaits), !full];
    }
    if (CLOSERS.includes(char)) return this.close(state, char);
    const arrow = char === ">" && language.bodied.size && (last === "=" || last === "-" || last === ONE_MINUS);
    const now = arrow ? ARROW : language.divides ? classOfSign(state, char) : char;
    const fine = !isControl(char) && !language.foreign.has(char);
    return [inCode(state, stack, now, afterSign(language, state, char)), fine];
  }

  /** A closing bracket; one that does not match closes what stands between, or nothing. */
  close(state, char) {
    const { stack } = state;
    let at = stack.length - 1;
    while (at >= 0 && CLOSED_BY[stack[at]] !== char) at -= 1;
    if (at < 0) return [inCode(state, stack, char, state.awaits), false];
    const fine = at === stack.length - 1, [last, awaits] = closing(state, stack[at], char);
    const after = inCode(state, stack.slice(0, at), last, awaits);
    return [stack[at] === HOLE && this.holed ? { ...after, inside: this.holed.opens } : after, fine];
  }

  /** At the start of the next line; within brackets that is nothing to a language of indentation. */
  lineEnds(given) {
    const { language } = this;
    let state = given;
    if (language.divides) state = { ...apart(state), awaits: afterLine(state) };
    if (!language.layout) {
      const prose = state.place === "#if 0" && !state.prose ? 1 : state.prose;
      return { ...state, place: "start", prose };
    }
    if (state.stack) return state;
    const layout = ended(state.layout, state.place === "start", state.last === ":");
    return { ...state, place: "start", layout };
  }
}
