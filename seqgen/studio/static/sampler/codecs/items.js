/**
 * What keeps the items of a list whole, as seqgen/api/items.py has it: a guard is read token by token, and says which
 * tokens must not follow. `form.items` is null, or {mark, inline}: what stands between items (null: a line end, which
 * is refused by itself; "": a blank line), and whether it parts them anywhere, not on a line of its own alone.
 */

const LINE = "\n";
const BLANKS = /^[ \t\n\r\x0b\x0c]+|[ \t\n\r\x0b\x0c]+$/g; // what bytes.strip takes away
const stripped = (text) => text.replace(BLANKS, "");
const stripLeft = (text) => text.replace(/^[ \t\n\r\x0b\x0c]+/, "");

/** Refuses the end of an item that holds nothing but spaces. */
class NotEmpty {
  constructor(pieces, document) {
    this.blank = pieces.map((piece) => stripped(piece) === "");
    this.document = document;
    this.reset();
  }

  reset() {
    this.filled = false;
  }

  read(token) {
    this.filled = (token < this.document && !this.blank[token]) || (this.filled && token !== this.document);
  }

  refused() {
    return this.filled ? [] : [this.document];
  }
}

/** Refuses a line that would part an item: a blank one, or a mark. `line` is what the present one holds of it, or null. */
class OnLines {
  constructor(mark, pieces, document) {
    Object.assign(this, { mark, pieces, document, known: new Map() });
    this.breaking = pieces.flatMap((piece, token) => (token < document && piece.includes(LINE) ? [token] : []));
    this.reset();
  }

  reset() {
    this.line = "";
  }

  read(token) {
    if (token === this.document) this.line = "";
    else if (token < this.document) this.line = this.over(this.line, this.pieces[token])[0];
  }

  refused() {
    if (!this.known.has(this.line)) {
      const parting = this.breaking.filter((token) => this.over(this.line, this.pieces[token])[1]);
      this.known.set(this.line, this.mark && this.line === this.mark ? [...parting, this.document] : parting);
    }
    return this.known.get(this.line);
  }

  /** [the line after a piece, whether a line in it parts items]. */
  over(line, piece) {
    const [first, ...more] = piece.split(LINE);
    let now = this.on(line, first), parted = false;
    for (const each of more) {
      parted ||= now === this.mark;
      now = this.on("", each);
    }
    return [now, parted];
  }

  on(line, more) {
    if (line === null || !more) return line;
    const whole = stripLeft(line + more);
    if (stripped(whole) === this.mark) return this.mark;
    return this.mark.startsWith(whole) ? whole : null;
  }
}

/** Refuses a mark wherever it stands. `text` is the end of what was said that may become one. */
class Anywhere {
  constructor(mark, pieces) {
    Object.assign(this, { mark, pieces, known: new Map() });
    this.reset();
  }

  reset() {
    this.text = "";
  }

  read(token) {
    const text = this.text + (this.pieces[token] ?? "");
    let begin = Math.max(0, text.length - this.mark.length + 1);
    while (begin < text.length && !this.mark.startsWith(text.slice(begin))) begin += 1;
    this.text = text.slice(begin);
  }

  refused() {
    if (!this.known.has(this.text)) {
      const whole = (piece) => piece !== "" && (this.text + piece).includes(this.mark);
      this.known.set(this.text, this.pieces.flatMap((piece, token) => (whole(piece) ? [token] : [])));
    }
    return this.known.get(this.text);
  }
}

/** The guards of a form. */
export function guardsOf({ items, pieces, document }) {
  if (!items) return [];
  const first = new NotEmpty(pieces, document);
  if (items.mark === null) return [first];
  return [first, items.inline ? new Anywhere(items.mark, pieces) : new OnLines(stripped(items.mark), pieces, document)];
}
