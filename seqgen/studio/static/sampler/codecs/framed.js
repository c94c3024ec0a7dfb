/**
 * A grammar of a codec's tokens with what frames documents, as seqgen/framing.py has it: the document token may follow
 * where the document may end, a label only it.
 *
 * An inner grammar has `reset()`, `step(token)`, `allow(mask)`, which sets the places of a zeroed mask at which a token
 * may follow, and `mayEnd()`.
 */

const FRESH = 0, LABELLED = 1, FILLED = 2;

export class Framed {
  constructor(inner, { document, vocab }) {
    this.inner = inner;
    this.document = document;
    this.mask = new Uint8Array(vocab);
    this.reset();
  }

  reset() {
    this.held = FRESH;
    this.inner.reset();
  }

  read(token) {
    if (token === this.document) {
      this.reset();
    } else if (token > this.document) {
      this.held = Math.max(LABELLED, this.held);
    } else {
      this.held = FILLED;
      this.inner.step(token);
    }
  }

  /** (V,) what may follow; the next call overwrites it. */
  allowed() {
    this.mask.fill(0);
    this.inner.allow(this.mask);
    this.mask.fill(this.held === FRESH ? 1 : 0, this.document + 1);
    this.mask[this.document] = this.held === FILLED && this.inner.mayEnd() ? 1 : 0;
    return this.mask;
  }
}

/** The place at which `value` would be put into ascending numbers, before its equals. */
export function placeOf(ascending, value) {
  const found = ascending.findIndex((each) => each >= value);
  return found < 0 ? ascending.length : found;
}
