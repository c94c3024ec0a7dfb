/** Lines for a preprocessor, as seqgen/codecs/_code/directives.py has them: conditionals, and prose in `#if 0`. */

import { BLANK, FRAMES, beginnings } from "./state.js";

const OPENS_FRAME = ["#if", "#ifdef", "#ifndef"];
const NEXT_BRANCH = ["#else", "#elif", "#elifdef", "#elifndef"];
const CONDITIONALS = [...OPENS_FRAME, ...NEXT_BRANCH, "#endif"];
const PREFIXES = beginnings(CONDITIONALS);

export class Directives {
  /** `others`: the names of those that are no conditionals; `letters`: what names are made of, as a set. */
  constructor(others, letters) {
    this.letters = letters;
    const begun = beginnings([...others].map((name) => `#${name}`));
    const prefixes = (name) => Array.from(name, (_, at) => name.slice(0, at + 1)).slice(1);
    const decisive = [...NEXT_BRANCH, "#endif"].map((name) => prefixes(name).find((part) => !begun.has(part)));
    this.decisive = new Set(decisive); // from here on a name can be no other's
  }

  /** [state, whether it was allowed, whether it was taken]: in the name of a directive, or behind `#if`. */
  named(state, char) {
    const { place } = state;
    if (place === "#if " || place === "#if 0") {
      if (char === "0" && place === "#if ") return [{ ...state, place: "#if 0" }, true, true];
      return [" \t\r\n/\\".includes(char) ? state : { ...state, place: "directive" }, true, false];
    }
    if (PREFIXES.has(place + char)) return [{ ...state, place: place + char }, this.mayBe(place + char, state), true];
    if (place === "#" && BLANK.includes(char)) return [state, true, true];
    if (!CONDITIONALS.includes(place) || this.letters.has(char)) return [{ ...state, place: "directive" }, true, false];
    const after = branch(place, state);
    if (place === "#if" && BLANK.includes(char) && !state.prose) return [{ ...after, place: "#if " }, true, true];
    return [after, true, false];
  }

  /** Whether a directive may begin so: none for a conditional that is not open, and not too many. */
  mayBe(name, { prose, frames }) {
    if (name === "#if") return prose + frames.length < FRAMES;
    return !this.decisive.has(name) || frames.length > 0;
  }
}

/** The state in the rest of the line after the conditional `name`. */
function branch(name, state) {
  const { stack, frames, prose } = state, place = "directive";
  if (OPENS_FRAME.includes(name)) {
    if (prose) return { ...state, place, prose: Math.min(prose + 1, FRAMES) };
    return { ...state, place, frames: [...frames, stack].slice(-FRAMES) };
  }
  if (prose > 1) return { ...state, place, prose: prose - (name === "#endif" ? 1 : 0) };
  if (NEXT_BRANCH.includes(name)) return { ...state, place, stack: frames.at(-1) ?? stack, prose: 0 };
  return { ...state, place, frames: frames.slice(0, -1), prose: 0 };
}
