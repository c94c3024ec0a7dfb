/**
 * A model in a worker: it samples while the page stays alive. Messages are objects.
 *
 * To it:   {do: "load", form, bytes}   {do: "start", run, options}   {do: "stop"}
 *          {do: "primer", name, bytes: of a MIDI file}
 * From it: {say: "ready", fast, milliseconds}
 *          {say: "begun", run, before: the ids of the prompt, label}
 *          {say: "reading", run, read, of: tokens of the prompt, while there are some to read}
 *          {say: "tokens", run, tokens: [{id, text, surprise, likely: [[text, probability, id]…]}…], music}
 *          {say: "end", run, reason, rest: text of a character that was not finished, ids, music}
 *          {say: "primer", name, ids, music: what they stand for}
 *          {say: "error", run, message}
 *
 * `run` is the page's number of a sample: what it no longer wants it knows by it. `music`, where the model makes any,
 * is {score, notes, bars} of all tokens so far.
 */

import { barsOf, notesOf } from "./codecs/score.js";
import { Sample, modelOf, primerOf } from "./model.js";
import { Names, Words } from "./told.js";

const SLICE = 25; // milliseconds of work between two looks at the messages
const MUSIC = 200; // milliseconds between two looks at what the music is so far

export class Session {
  /** `parts`: {Cell, Memory, Codec}; `tell`: takes what is said; `later`: calls a function once messages were read. */
  constructor(parts, tell, later) {
    Object.assign(this, { parts, tell, later, run: null });
  }

  hear(message) {
    try {
      if (message.do === "load") this.load(message);
      else if (message.do === "start") this.start(message);
      else if (message.do === "primer") this.primer(message);
      else this.run = null;
    } catch (error) {
      this.run = null;
      this.tell({ say: "error", run: message.run, message: error.message });
    }
  }

  load({ form, bytes }) {
    const begin = performance.now();
    this.model = modelOf(form, new Uint8Array(bytes), this.parts);
    this.names = new Names(this.model);
    this.tell({ say: "ready", fast: this.model.network.fast, milliseconds: performance.now() - begin });
  }

  start({ run, options }) {
    const sample = new Sample(this.model, options);
    this.run = { run, sample, words: new Words(this.model, sample.prompt), ids: [], shown: 0 };
    this.tell({ say: "begun", run, before: sample.given, label: sample.label });
    this.go(this.run);
  }

  primer({ name, bytes }) {
    try {
      const ids = primerOf(this.model.codec, bytes);
      this.tell({ say: "primer", name, ids, music: this.music(ids) });
    } catch (error) {
      this.tell({ say: "error", message: `${name}: ${error.message}` }); // what plays goes on
    }
  }

  go(current) {
    if (this.run !== current) return; // stopped, or another one has begun
    const { run, sample, words, ids } = current, tokens = [], begin = performance.now();
    while (!sample.logits && performance.now() - begin < SLICE) sample.take();
    if (!sample.logits) this.tell({ say: "reading", run, read: sample.at, of: sample.prompt.length });
    while (sample.logits && !sample.finished && performance.now() - begin < SLICE) {
      const token = sample.next();
      if (!token) break;
      ids.push(token.id);
      const likely = token.likely.map(([id, chance]) => [this.names.of(id), chance, id]);
      tokens.push({ ...token, text: words.of(token.id), likely });
    }
    const ended = sample.finished, due = ended || performance.now() - current.shown > MUSIC;
    if (due) current.shown = performance.now();
    const music = due && this.model.form.heard ? this.music([...sample.prompt, ...ids]) : null;
    if (tokens.length) this.tell({ say: "tokens", run, tokens, music });
    if (!ended) {
      this.later(() => this.go(current));
      return;
    }
    this.run = null;
    this.tell({ say: "end", run, reason: ended, rest: words.rest(), ids, music });
  }

  music(ids) {
    const score = this.model.codec.score(ids);
    return { score, notes: notesOf(score), bars: barsOf(score) };
  }
}

/** Serve the page whose worker this is. */
export function serve(parts) {
  const { port1, port2 } = new MessageChannel(); // a timer would wait four milliseconds
  const waiting = [];
  port1.onmessage = () => waiting.shift()();
  const session = new Session(parts, (message) => postMessage(message), (work) => {
    waiting.push(work);
    port2.postMessage(0);
  });
  onmessage = ({ data }) => session.hear(data);
}
