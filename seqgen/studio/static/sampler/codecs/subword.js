/**
 * Text in subwords, cut as sentencepiece cuts it for seqgen/codecs/subword.py: `form.codec` is {algorithm: "unigram" or
 * "bpe", first: the first learned piece's id, scores: of each of them}. The ids before `first` are the 256 bytes, a line
 * end and a tab, which are never part of a longer piece; a character without a piece goes by its bytes.
 *
 * Sources: Kudo 2018 (unigram), Sennrich, Haddow & Birch 2016 (byte pairs); sums are those of 32 bits that the library
 * makes, so that of two ways to cut a text the same one wins.
 */

import { bytesOfPiece } from "./text.js";

const BYTES = 256;
const OWN = new Map([["\n", 256], ["\t", 257]]);
const OWN_SCORE = -0.1, UNKNOWN = 10; // what the library gives a line end or tab; by how much no piece is worse
const LINE = 4096; // characters of a line that are cut together
const SEGMENT = new RegExp(`[\\0\\u2581]+|[^\\n\\0\\u2581]{1,${LINE}}\\n?|\\n`, "gu");
const AWKWARD = /^[\0\u2581]/; // what the library would lose
const { fround } = Math;
const encoder = new TextEncoder();

export class Codec {
  constructor(form) {
    const { first, scores, algorithm } = form.codec, decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.pieces = form.pieces.map(bytesOfPiece);
    const texts = this.pieces.slice(first, form.document).map((piece) => decoder.decode(piece));
    this.ids = new Map(texts.map((text, at) => [text, first + at]));
    this.scores = new Map(texts.map((text, at) => [text, scores[at]]));
    this.longest = texts.reduce((most, text) => Math.max(most, Array.from(text).length), 1);
    this.unknown = fround(scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN);
    this.cut = algorithm === "bpe" ? merged : likeliest;
    this.bare = first === BYTES; // nothing was learned
  }

  /** The ids of a text. */
  encode(text) {
    if (this.bare) return Array.from(encoder.encode(text));
    const whole = text.isWellFormed?.() === false ? text.toWellFormed() : text;
    return (whole.match(SEGMENT) ?? []).flatMap((segment) => {
      if (AWKWARD.test(segment)) return Array.from(encoder.encode(segment));
      return this.cut(Array.from(segment), this).flatMap((part) => this.spelled(part));
    });
  }

  spelled(part) {
    const own = this.ids.get(part) ?? OWN.get(part);
    return own === undefined ? Array.from(encoder.encode(part)) : [own];
  }
}

/** The cut of letters into pieces whose scores have the largest sum. */
function likeliest(letters, { scores, longest, unknown }) {
  const best = new Float32Array(letters.length + 1), begins = new Int32Array(letters.length + 1).fill(-1);
  const offer = (begin, end, sum) => {
    if (begins[end] >= 0 && !(sum > best[end])) return;
    best[end] = sum;
    begins[end] = begin;
  };
  for (let begin = 0; begin < letters.length; begin += 1) {
    let text = "", single = false;
    for (let end = begin + 1; end <= Math.min(begin + longest, letters.length); end += 1) {
      text += letters[end - 1];
      const score = OWN.has(text) ? OWN_SCORE : scores.get(text);
      if (score === undefined) continue;
      offer(begin, end, score + best[begin]);
      single ||= end === begin + 1;
    }
    if (!single) offer(begin, begin + 1, fround(unknown + best[begin]));
  }
  const found = [];
  for (let end = letters.length; end > 0; end = begins[end]) found.push(letters.slice(begins[end], end).join(""));
  return found.reverse();
}

/** The cut that comes of joining two neighbours after the other, those of the highest score first, then the foremost. */
function merged(letters, { scores }) {
  const parts = [...letters], next = letters.map((_, at) => at + 1), before = letters.map((_, at) => at - 1);
  const waiting = new Heap((a, b) => a.score > b.score || (a.score === b.score && a.left < b.left));
  const propose = (left, right) => {
    if (left < 0 || right >= parts.length || OWN.has(parts[left]) || OWN.has(parts[right])) return;
    const text = parts[left] + parts[right], score = scores.get(text);
    if (score !== undefined) waiting.push({ left, right, score, text });
  };
  for (let at = 1; at < parts.length; at += 1) propose(at - 1, at);
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    const { left, right, text } = one;
    if (!parts[left] || !parts[right] || parts[left] + parts[right] !== text) continue;
    parts[left] = text;
    parts[right] = "";
    next[left] = next[right];
    if (next[right] < parts.length) before[next[right]] = left;
    propose(before[left], left);
    propose(left, next[left]);
  }
  return parts.filter((part) => part);
}

/** Things in an order: `pop` gives the first one. */
class Heap {
  constructor(sooner) {
    this.sooner = sooner;
    this.kept = [];
  }

  push(thing) {
    const { kept, sooner } = this;
    let at = kept.length;
    kept.push(thing);
    for (let above = (at - 1) >> 1; at > 0 && sooner(thing, kept[above]); above = (at - 1) >> 1) {
      kept[at] = kept[above];
      at = above;
    }
    kept[at] = thing;
  }

  pop() {
    const { kept, sooner } = this, [first] = kept, last = kept.pop();
    if (!kept.length) return first;
    let at = 0;
    for (let below = 1; below < kept.length; below = 2 * at + 1) {
      if (below + 1 < kept.length && sooner(kept[below + 1], kept[below])) below += 1;
      if (!sooner(kept[below], last)) break;
      kept[at] = kept[below];
      at = below;
    }
    kept[at] = last;
    return first;
  }
}
