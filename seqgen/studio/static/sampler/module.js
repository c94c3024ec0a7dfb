/**
 * What an exported model.js exports: three functions.
 *
 *     const model = await load();
 *     for (const token of stream(model, { prompt: "ROMEO:", seed: 7 })) …      {id, text, surprise, likely}
 *     for (const token of stream(model, { primer })) …                         of music: the bytes of a MIDI file
 *     notes(model, tokens, primer)             {start, duration, pitch, velocity, program, part, drum} in seconds
 */

import { notesOf } from "./codecs/score.js";
import { Sample, modelOf, primerOf } from "./model.js";
import { Words } from "./told.js";

/** The three functions of a model; `parts`: {Cell, Memory, Codec}. */
export function functionsOf(form, base64, parts) {
  /** Make the model ready; once is enough. `plain`: without WebAssembly. */
  const load = async ({ plain = false } = {}) => modelOf(form, base64, parts, plain);

  /**
   * Sample, a token at a time; a model has one stream at once. Options: prompt or primer, label, seed, temperature, rules
   * ([["top_p", 0.9]]), length, grammar (false: text and code need not keep theirs), stream (which of several samples of
   * a seed).
   */
  function* stream(model, options = {}) {
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    const sample = new Sample(model, { ...options, seed }), words = new Words(model, sample.prompt);
    for (let token = sample.next(); token; token = sample.next()) yield { ...token, text: words.of(token.id) };
    const text = words.rest();
    if (text) yield { id: -1, text, surprise: 0, likely: [] };
  }

  /** The notes of a primer, if there is one, and of tokens or their ids; none where the model makes no music. */
  function notes(model, tokens, primer = null) {
    if (!form.heard) return [];
    const before = primer ? primerOf(model.codec, primer) : [];
    return notesOf(model.codec.score([...before, ...Array.from(tokens, (token) => token.id ?? token)]));
  }

  return { load, stream, notes };
}
