/**
 * Where in source code one is, as seqgen/codecs/_code/state.py has it, in which each field and class is told. States
 * are never changed. A byte is the character of the same number.
 */

import { FLAT } from "./layout.js";

export const DEPTH = 64;
export const FRAMES = 32;
export const OPENERS = "([{";
export const CLOSERS = ")]}";
export const RECORD = "s";
export const HOLE = "$";
export const VALUE = "o";
export const HEAD = "h";
export const LIST = "l";
export const BLOCK = "{";
export const VALUED = "v";
export const TENTATIVE = "=";
export const BODIED = "b";
export const BODIES = { "": "f", [VALUED]: "b", [BLOCK]: "g", [LIST]: "i" };
export const CLOSED_BY = {
  "(": ")", "[": "]", [BLOCK]: "}", [RECORD]: "}", [HOLE]: "}", [VALUE]: "}", [HEAD]: ")", [LIST]: "}",
  ...Object.fromEntries(Object.values(BODIES).map((kind) => [kind, "}"])),
};
export const STATEMENTS = new Set(["", BLOCK, RECORD, ...Object.values(BODIES)]);
export const BLANK = " \t\r\v\f";
export const ESCAPED = "\\";
export const OPERANDS = new Set(["w", '"', ")", "]"]);
export const FRESH = "e";
export const HEADED = "h";
export const ARROW = "a";
export const DONE = "d";
export const ONE_PLUS = "p";
export const ONE_MINUS = "m";

export const isControl = (char) => (char < " " || char === "\x7f") && char !== "\n" && !BLANK.includes(char);
export const isWord = (char) => /[A-Za-z0-9_\x80-\xff]/.test(char);
export const topOf = (state) => state.stack.slice(-1);

/** Whether anything may stand here, as in directives and in prose: a literal ends with its line. */
export const isLoose = (state) => state.place === "directive" || state.prose > 0;

export const START = {
  place: "start", pending: "", inside: "", progress: "", fence: "", stack: "", frames: [], last: "", word: "",
  awaits: "", layout: FLAT, prose: 0,
};

/** The state in code, outside all that may be begun. */
export function inCode({ frames, layout, prose }, stack, last, awaits = "", word = "") {
  return {
    place: "code", pending: "", inside: "", progress: "", fence: "", stack, frames, last, word, awaits, layout, prose,
  };
}

/** The words, and what they begin with. */
export function beginnings(words) {
  return new Set([...words].flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1))));
}

/** The word with which a text begins. */
export function leadingWord(text) {
  return text.match(/^[A-Za-z0-9_\x80-\xff]*/)[0];
}
