/**
 * One sample, token by token: what seqgen.generation.loop does for one stream, with the same noise.
 *
 * A model is {form, network, codec}; `form` is what seqgen/export/form.py wrote.
 */

import { anyLabel } from "./labels.js";
import { Limits } from "./limits.js";
import { Noise } from "./noise.js";
import { Chain, WINDOW, effective } from "./rules.js";

const LIKELY = 5;

/** The base of (V,) logits for probabilities: [the highest, the logarithm of the sum]. */
function normaliser(logits) {
  let highest = -Infinity, sum = 0;
  for (const logit of logits) if (logit > highest) highest = logit;
  for (const logit of logits) sum += Math.exp(logit - highest);
  return highest + Math.log(sum);
}

/** The likeliest tokens, [[id, probability]…], the likeliest first. */
function likeliest(logits, base) {
  const found = [];
  for (let token = 0; token < logits.length; token += 1) {
    if (found.length === LIKELY && logits[token] <= logits[found[LIKELY - 1]]) continue;
    let place = found.length;
    while (place > 0 && logits[token] > logits[found[place - 1]]) place -= 1;
    found.splice(place, 0, token);
    if (found.length > LIKELY) found.pop();
  }
  return found.map((token) => [token, Math.exp(logits[token] - base)]);
}

/** The ids of what a sample goes on from. */
function openingOf(codec, { primer, prompt }) {
  return primer ? primerOf(codec, primer) : (codec.encode?.(prompt ?? "") ?? []);
}

/** The ids of a MIDI file; an error is a sentence. */
export function primerOf(codec, data) {
  if (!codec.primer) throw new RangeError("This model does not go on from a file.");
  const ids = codec.primer(data instanceof Uint8Array ? data : new Uint8Array(data));
  if (!ids.length) throw new RangeError("The file holds no note to go on from.");
  return ids;
}

export class Sample {
  /**
   * `prompt`: text to go on from (of text); `primer`: the bytes of a MIDI file to go on from (of music); `ids`: tokens
   * instead of them, without what frames a document; `label`: the document's, else any of the model's, drawn from the
   * seed; `seed`: 0 to 2⁶⁴ − 1, a number or digits; `temperature`; `rules`: [[name, value]…], beside those that are usual;
   * `length`: tokens at most; `grammar`: false where text need not keep its own; `stream`: which of several samples of
   * one seed it is.
   */
  constructor({ form, network, codec }, options = {}) {
    const given = { ...form.defaults, ...options };
    this.form = form;
    this.network = network;
    this.codec = codec;
    this.chain = new Chain(given.temperature, effective(form.defaults.rules, given.rules));
    this.noise = new Noise(given.seed, given.stream ?? 0, network.vocabSize);
    this.length = given.length;
    this.gumbel = new Float32Array(network.vocabSize);
    this.work = new Float32Array(network.vocabSize);
    this.at = 0; // in the prompt
    this.count = 0;
    this.finished = "";
    this.given = given.ids ?? openingOf(codec, given); // the prompt without what frames it
    this.limits = this.limited(given.grammar ?? true);
    this.label = this.labelled(given);
    this.prompt = [...this.frame(), ...this.given];
    this.past = this.prompt.slice(-WINDOW);
  }

  /** What it may hold. */
  limited(kept) {
    const { form, codec, network } = this, guards = codec.guards?.(form);
    if (!kept && !form.free) throw new RangeError("Music keeps its grammar in a page.");
    if (!kept) return new Limits(form.free, network.vocabSize, { guards });
    return new Limits(form.limits, network.vocabSize, { grammar: codec.grammar?.(form, this.given), guards });
  }

  /** The label of the document; null where the model has none. */
  labelled({ label, seed, stream }) {
    const { labels } = this.form;
    if (label == null || label === "") return labels.length ? anyLabel(labels, seed, stream ?? 0) : null;
    if (labels.includes(label)) return label;
    const known = labels.length ? `expected one of ${labels.join(", ")}` : "the model has none";
    throw new RangeError(`no label is called ${label}, ${known}`);
  }

  frame() {
    const { labels, document } = this.form;
    return this.label === null ? [document] : [document, document + 1 + labels.indexOf(this.label)];
  }

  /** Read a token of the prompt; once it is read to its end there are `logits`. */
  take() {
    const { network, limits, prompt, at } = this;
    if (at === 0) {
      network.reset();
      limits.reset();
    }
    this.at += 1;
    limits.read(prompt[at]);
    if (this.at < prompt.length) network.read(prompt[at]);
    else this.logits = network.step(prompt[at]);
  }

  /** The next token, {id, surprise in nats, likely: [[id, probability]…]}; null: `finished` says why there is none. */
  next() {
    if (this.finished) return null;
    if (this.length <= 0) {
      this.finished = "length";
      return null;
    }
    while (!this.logits) this.take();
    const { logits } = this, id = this.draw();
    if (id === this.form.document) {
      this.finished = "end";
      return null;
    }
    const base = normaliser(logits);
    const token = { id, surprise: base - logits[id], likely: likeliest(logits, base) };
    this.count += 1;
    if (this.count >= this.length && this.limits.whole(id)) {
      this.finished = "length";
      return token;
    }
    this.past.push(id);
    if (this.past.length > WINDOW) this.past.shift();
    this.limits.read(id);
    this.logits = this.network.step(id);
    return token;
  }

  draw() {
    const { logits, work, gumbel } = this;
    work.set(logits);
    this.limits.apply(work);
    this.chain.apply(work, this.past);
    this.noise.fill(this.count, gumbel);
    let best = 0, most = -Infinity;
    for (let token = 0; token < work.length; token += 1) {
      const raced = Math.fround(work[token] + gumbel[token]);
      if (raced > most) {
        most = raced;
        best = token;
      }
    }
    return best;
  }
}
