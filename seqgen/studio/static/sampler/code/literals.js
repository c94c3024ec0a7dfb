/** Comments and literals from within, as seqgen/codecs/_code/literals.py has them. */

import { commented } from "./layout.js";
import { BLANK, DEPTH, ESCAPED, HOLE, isControl, isLoose, isWord } from "./state.js";

const OTHER = '"'; // the class of a literal

export class Literals {
  /** `regions`: a map from what begins them. */
  constructor(regions) {
    this.regions = regions;
  }

  /** The state where a comment or literal has begun. */
  entered(state, opens) {
    const region = this.regions.get(opens);
    if (!region.closes) return state;
    if (region.comment) return { ...state, inside: opens, layout: commented(state.layout) };
    const place = state.place === "directive" ? "directive" : "code";
    return { ...state, inside: opens, place, progress: region.filled ? opens : "" };
  }

  /** [state, whether it was allowed, whether it was taken]: in a comment or a literal. */
  inside(given, char) {
    const region = this.regions.get(given.inside), { progress } = given;
    let state = given;
    if (region.delimited && !state.fence) return delimiter(state, char);
    if (progress === ESCAPED) {
      const again = char === "\r" || (region.comment && char === ESCAPED);
      return [again ? state : { ...state, progress: "" }, !isControl(char), true];
    }
    if (region.named && !state.fence) {
      if (char !== region.escape || progress) return this.perhapsNamed(state, char);
      state = { ...state, fence: ESCAPED };
    }
    if (state.fence === "'" && char !== "'") return [state, false, true]; // one sign is all that it holds
    if (region.doubled && progress) {
      if (char === region.closes) return [{ ...state, progress: "" }, true, true];
      return [left({ ...state, progress: "" }, region), true, false];
    }
    if (region.escape && char === region.escape) return [{ ...state, progress: ESCAPED }, true, true];
    if (char === "\n" && !region.lines) return [left(state, region), Boolean(region.comment) || isLoose(state), false];
    if (region.filled && progress) {
      if (char === region.closes) return [left(state, region), isLoose(state), true];
      state = { ...state, progress: "" };
    }
    if (region.classes && (char === "[" || char === "]" || state.fence)) {
      const fence = char === "[" ? "[" : char === "]" ? "" : state.fence;
      return [{ ...state, fence }, !isControl(char), true];
    }
    return ending(state, region, char);
  }

  /** Behind a quote that may begin a character or a name, and behind the first letter of either. */
  perhapsNamed(state, char) {
    if (!state.progress) {
      if (isWord(char)) return [{ ...state, progress: "w" }, true, true];
      return [{ ...state, fence: "'" }, !isControl(char) && char !== "'" && char !== "\n", true];
    }
    if (char === "'") return [left(state, this.regions.get(state.inside)), true, true];
    if (isWord(char)) return [state, true, true];
    return [{ ...state, inside: "", progress: "", last: "w" }, true, false];
  }
}

/** In a comment or literal that may end, or hold another or code. */
function ending(state, region, char) {
  const read = state.progress + char;
  const closes = region.delimited ? `)${state.fence.slice(1)}${region.closes}` : region.closes;
  if (read.endsWith(closes)) {
    if (region.doubled) return [{ ...state, progress: closes }, true, true];
    if (region.nests && state.fence) return [{ ...state, progress: "", fence: state.fence.slice(1) }, true, true];
    return [left(state, region), true, true];
  }
  if (region.nests && read.endsWith(region.opens)) {
    const full = state.fence.length >= DEPTH;
    return [{ ...state, progress: "", fence: full ? state.fence : `${state.fence}*` }, !full, true];
  }
  if (region.holes && read.endsWith(region.holes)) {
    if (state.stack.length >= DEPTH) return [{ ...state, progress: "" }, false, true];
    return [{ ...state, inside: "", progress: "", stack: state.stack + HOLE, last: "{" }, true, true];
  }
  const goals = [closes, region.nests ? region.opens : "", region.holes ?? ""];
  let kept = read;
  while (kept && !goals.some((goal) => goal.startsWith(kept))) kept = kept.slice(1);
  const fine = Boolean(region.lines || region.comment) || char !== "\r" || isLoose(state);
  return [kept === state.progress ? state : { ...state, progress: kept }, fine && !isControl(char), true];
}

/** Behind a comment or literal. */
function left(state, region) {
  const last = region.comment || isLoose(state) ? state.last : OTHER;
  return { ...state, inside: "", progress: "", fence: "", last };
}

/** In the delimiter of a raw literal, up to its bracket. */
function delimiter(state, char) {
  if (char === "(") return [{ ...state, fence: `(${state.progress}`, progress: "" }, true, true];
  const fine = !(isControl(char) || BLANK.includes(char) || ")\\\n".includes(char)) && state.progress.length < 16;
  return [{ ...state, progress: fine ? state.progress + char : state.progress }, fine, true];
}
