/** What a brace is, and what a statement awaits, as seqgen/codecs/_code/braces.py has it. */

import { BLOCK, BODIED, BODIES, DONE, FRESH, HEAD, HEADED, LIST, ONE_MINUS, ONE_PLUS, OPERANDS } from "./state.js";
import { RECORD, STATEMENTS, TENTATIVE, VALUE, VALUED, topOf } from "./state.js";

export const SINGLE = { [ONE_PLUS]: "+", [ONE_MINUS]: "-" }; // what they are if anything else follows
const BEFORE_VALUES = new Set("=([,?:&|!+-*%^~<.k"); // the classes behind which a value begins, where slashes divide
const WITH_VALUE = new Set([VALUED, TENTATIVE, BODIED]);
const OPENED = new Set([BLOCK, RECORD, LIST, ...Object.values(BODIES)]); // braces within which a statement begins
const CLOSING = {
  [RECORD]: "w", [VALUE]: "w", [HEAD]: FRESH, ...Object.fromEntries(Object.values(BODIES).map((kind) => [kind, DONE])),
};
const RESTORED = Object.fromEntries(Object.entries(BODIES).map(([awaits, kind]) => [kind, awaits]));

/** What a statement awaits behind a finished word. */
export function afterWord(language, state, word) {
  const { last } = state;
  let { awaits } = state;
  if (last === "." || !STATEMENTS.has(topOf(state))) return awaits;
  if (last === DONE && !language.leads.has(word)) awaits = "";
  if (awaits === TENTATIVE) awaits = VALUED;
  const kind = language.braces.get(word) ?? "";
  if (awaits === VALUED) return kind === BLOCK ? BODIED : awaits;
  if (awaits) return awaits;
  const anonymous = language.functions.has(word) && BEFORE_VALUES.has(last) && last !== "k";
  return kind || (anonymous || language.values.has(word) ? VALUED : "");
}

/** What a statement awaits behind a sign that is no bracket. */
export function afterSign(language, state, char) {
  const { awaits, last } = state;
  if (!STATEMENTS.has(topOf(state))) return awaits;
  if (char === ";") return "";
  if (char === ">" && last === "=" && awaits === TENTATIVE) return language.values.has("=>") ? VALUED : "";
  if (char !== "=" || last === "<" || last === "!") return awaits;
  if (last === "=") return awaits === TENTATIVE ? "" : awaits;
  if (awaits === TENTATIVE) return VALUED;
  return language.values.size && ["", RECORD, VALUE].includes(awaits) ? TENTATIVE : awaits;
}

/** What a statement awaits on the next line, where the end of a line may end it. */
export function afterLine(state) {
  const ended = OPERANDS.has(state.last) || state.last === DONE;
  return ended && WITH_VALUE.has(state.awaits) && STATEMENTS.has(topOf(state)) ? "" : state.awaits;
}

/** [the kind of a bracket that opens, what is awaited inside]. */
export function opening(language, state, char) {
  const { awaits } = state, last = SINGLE[state.last] ?? state.last, top = topOf(state);
  const valued = awaits === TENTATIVE ? VALUED : awaits;
  if (char !== "{") return [char === "(" && last === HEADED ? HEAD : char, valued];
  if (top === LIST) return [language.bodied.has(last) ? BLOCK : LIST, ""];
  const within = !STATEMENTS.has(top);
  if (!within && [BLOCK, RECORD, LIST, VALUE].includes(awaits)) return [awaits, awaits === VALUE ? awaits : ""];
  if (language.bodied.size && (within || WITH_VALUE.has(awaits))) {
    if (language.bodied.has(last) || (awaits === BODIED && !within)) {
      return [BODIES[WITH_VALUE.has(awaits) ? VALUED : awaits] ?? BODIES[""], ""];
    }
    return [VALUE, valued];
  }
  const labelled = last === ":" && !within; // behind a label, or a case
  if (language.divides && BEFORE_VALUES.has(last) && !labelled) return [VALUE, awaits];
  return [BLOCK, ""];
}

/** [what stood last, what is awaited] behind a bracket of some kind that closed. */
export function closing(state, kind, char) {
  return [CLOSING[kind] ?? char, OPENED.has(kind) ? (RESTORED[kind] ?? "") : state.awaits];
}
