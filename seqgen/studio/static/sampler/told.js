/** Tokens as people read them: text in whole characters, or for music the names of events. */

const END = "(end)";

/** What a model's tokens are called, one by one: for lists of what is likely. */
export class Names {
  constructor({ form, codec }) {
    this.form = form;
    this.codec = codec;
    this.decoder = new TextDecoder();
  }

  of(id) {
    const { document, labels, names } = this.form;
    if (id === document) return END;
    if (id > document) return labels[id - document - 1] ?? "";
    return names ? names[id] : this.decoder.decode(this.codec.pieces[id]);
  }
}

/** Tokens of one sample, as they come: bytes are kept back until they make whole characters. */
export class Words {
  /** `before`: ids that were read, whose last character may be unfinished. */
  constructor(model, before = []) {
    this.names = model.form.names;
    this.pieces = model.codec.pieces;
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    if (!this.names) before.slice(-4).forEach((id) => this.of(id));
  }

  of(id) {
    if (this.names) return this.names[id] ?? "";
    return this.decoder.decode(this.pieces[id] ?? new Uint8Array(), { stream: true });
  }

  /** What is left at the end: a character that was never finished. */
  rest() {
    return this.names ? "" : this.decoder.decode();
  }
}
