/** Whether a slash divides or begins a regular expression, as seqgen/codecs/_code/slashes.py has it. */

import { SINGLE } from "./braces.js";
import { FRESH, HEADED, ONE_MINUS, ONE_PLUS, OPERANDS } from "./state.js";

const ONCE = { "+": ONE_PLUS, "-": ONE_MINUS };

/** What a finished word is to what follows it; behind a full stop it is but a name. */
export function classOfWord(language, word, before) {
  if (language.divides && before === ".") return "w";
  if (language.heads.has(word)) return HEADED;
  if (language.leads.has(word)) return FRESH;
  if (language.declares.has(word)) return before === ":" ? "w" : "k"; // a type, in `x as const`
  if (word === "as" && language.declares.size) return ":";
  if (!language.goes_on.has(word)) return "w";
  return before === HEADED ? HEADED : "k"; // `for await (`
}

/** What a sign is to what follows it: `x++` is a value, as `x!` is in TypeScript. */
export function classOfSign(state, char) {
  const { last } = state, operand = OPERANDS.has(last);
  if (char in ONCE) return last === ONCE[char] ? "w" : operand ? ONCE[char] : char;
  return char === "!" && operand && state.place !== "start" ? last : char;
}

/** The state behind a blank or the end of a line: one sign is not made two by another one. */
export const apart = (state) => (state.last in SINGLE ? { ...state, last: SINGLE[state.last] } : state);

/** Whether a slash begins a regular expression, `char` being the next sign; `{x} />` ends a tag. */
export const quotes = (state, char) => !OPERANDS.has(state.last) && !(state.last === "}" && char === ">");
