// The page of an exported model: controls, a worker that samples, and a view of what comes.
//
// A view is a class: new View(place, api) with show(tokens, music), clear(kept), end(rest, music), file() → {bytes,
// suffix}, prompt(text) or primer(music); where api.checked() it calls api.again(ids) to go on from other tokens.

import "./slider.js";
import { element, field } from "./exported_parts.js";
import { Primer } from "./exported_primer.js";
import { bytesOf } from "./sampler/weights.js";

const TURNED = [
  { name: "temperature", kind: "number", least: 0, most: 2, help: "Bolder above 1, always the likeliest at 0." },
  { name: "top_p", kind: "number", least: 0, most: 1, help: "Keep the likeliest with this share together; 1: all." },
  { name: "min_p", kind: "number", least: 0, most: 1, help: "Keep what is so likely beside the likeliest; 0: all." },
  { name: "top_k", kind: "whole", least: 0, most: 100, help: "Keep so many of the likeliest; 0: all." },
  { name: "repetition", kind: "number", least: 1, most: 3, help: "Make what came lately less likely; 1: as it is." },
  { name: "dry", kind: "number", least: 0, most: 2, help: "Make what goes on with a long repetition less likely; 0: off." },
];
const NEUTRAL = { dry: 0, repetition: 1, top_p: 1, min_p: 0, top_k: 0 };
const ANY = "any, by the seed";
const NARROW = 700; // pixels of a page below which what is made lies under what is asked
const MOST_SEED = 2n ** 64n;
const MOST_LENGTH = 1e7; // tokens
const REASONS = { end: "It ended by itself.", length: "It has its full length.", stopped: "Stopped." };

/** Make the page work. `View`: the class of what is made; `worker`: the text of the worker's script. */
export function show(View, worker) {
  const page = new Page(View, worker);
  page.load();
}

class Page {
  constructor(View, worker) {
    this.form = JSON.parse(document.getElementById("form").textContent);
    const { temperature, rules } = this.form.defaults;
    this.values = { ...NEUTRAL, temperature, ...Object.fromEntries(rules) };
    this.run = 0;
    this.stream = 0; // which sample of the seed is next
    this.busy = false;
    this.place = document.getElementById("app");
    this.place.replaceChildren(this.asking());
    this.making(View);
    const address = URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => this.fail(event.message || "this browser does not run the page's worker");
  }

  /** What is asked of the model. */
  asking() {
    const card = element("section", "card ask"), { labels, defaults, heard } = this.form;
    card.setAttribute("aria-label", "What to make");
    if (!heard) {
      this.prompt = element("textarea");
      this.prompt.rows = 2;
      this.prompt.placeholder = "Nothing: a new document";
      card.append(field("prompt", "Go on from", this.prompt));
    } else {
      this.primer = new Primer(card, this.form.primer, {
        read: (message) => this.worker.postMessage({ do: "primer", ...message }, [message.bytes]),
        fail: (text) => this.fail(text), changed: () => this.say(""),
        left: () => !this.busy && this.keep.disabled && this.view.clear(),
      });
    }
    const row = element("div", "bar");
    if (labels.length) {
      this.label = element("select");
      this.label.append(new Option(ANY, ""), ...labels.map((label) => new Option(label, label)));
      row.append(field("label", "Label", this.label, "small"));
    }
    this.seed = element("input");
    Object.assign(this.seed, { type: "text", inputMode: "numeric", value: String(defaults.seed), autocomplete: "off" });
    this.length = element("input");
    Object.assign(this.length, { type: "number", min: 1, max: MOST_LENGTH, value: String(defaults.length) });
    row.append(field("seed", "Seed", this.seed, "small"), field("length", "Tokens at most", this.length, "small"));
    const turn = element("div", "turn"), first = element("div", "field small");
    for (const known of TURNED) {
      const slider = document.createElement("seq-slider");
      slider.row = { ...known, default: this.values[known.name] };
      slider.addEventListener("turn", ({ detail }) => (this.values[detail.name] = detail.value));
      (known.name === "temperature" ? first : turn).append(slider);
    }
    row.append(first);
    const more = element("details");
    more.append(element("summary", "", "More ways to draw"), turn);
    card.append(row, more);
    if (this.form.codec.language) {
      this.grammar = element("input");
      Object.assign(this.grammar, { type: "checkbox", checked: true });
      more.append(field("grammar", "Keep brackets, strings and comments whole", this.grammar, "check"));
    }
    return card;
  }

  /** What is made. */
  making(View) {
    const card = element("section", "card made");
    card.setAttribute("aria-label", "What is made");
    this.begin = element("button", "main", "Generate");
    this.begin.disabled = true;
    this.begin.addEventListener("click", () => (this.busy ? this.stop() : this.generate()));
    this.keep = element("button", "", `Download ${this.form.suffix}`);
    this.keep.disabled = true;
    this.keep.addEventListener("click", () => this.download());
    const bar = element("div", "bar"), place = element("div");
    this.status = element("p", "status soft", "Loading the model…");
    this.status.setAttribute("role", "status");
    bar.append(this.begin);
    card.append(bar, place, this.status);
    this.place.append(card);
    this.view = new View(place, {
      bar, form: this.form, checked: () => this.checked(), again: (kept) => this.again(kept),
      begins: () => this.begins,
    });
    bar.append(this.keep);
  }

  load() {
    const node = document.getElementById("weights"), bytes = bytesOf(node.textContent);
    node.remove();
    this.worker.postMessage({ do: "load", form: this.form, bytes: bytes.buffer }, [bytes.buffer]);
  }

  /** Seed and length as they are asked for from here on, if they make sense; what does not is told. */
  checked() {
    const seed = this.seed.value.trim(), length = Number(this.length.value);
    if (!/^\d{1,20}$/.test(seed) || BigInt(seed) >= MOST_SEED) {
      this.fail(`The seed is ${seed || "empty"}, expected a whole number from 0 to 2^64 - 1.`);
      return false;
    }
    if (!Number.isInteger(length) || length < 1 || length > MOST_LENGTH) {
      this.fail(`Tokens at most: expected a whole number from 1 to ${MOST_LENGTH}.`);
      return false;
    }
    this.made = { seed, length };
    return true;
  }

  /** A new sample: the first of a seed when that was changed, else the next one. */
  generate() {
    if (!this.checked()) return;
    const { seed } = this.made, from = [this.prompt?.value, this.primer?.ids, this.label?.value, this.grammar?.checked];
    const asked = JSON.stringify([seed, from, this.length.value, this.values]);
    this.stream = asked === this.asked ? this.stream + 1 : 0;
    this.asked = asked;
    this.view.clear();
    if (innerWidth < NARROW) this.begin.scrollIntoView({ block: "start" });
    const ids = this.primer?.ids;
    this.begins = ids ? this.primer.begins : 0; // seconds at which the last note of what was given begins
    const what = this.prompt ? { prompt: this.prompt.value } : ids ? { ids } : {};
    this.start({ ...what, label: this.label?.value });
  }

  /** Go on from the tokens that the view still shows; `checked` has been asked. */
  again(kept) {
    this.stream += 1;
    this.start({ ids: [...this.before, ...kept], label: this.labelled, kept: kept.length });
  }

  start({ kept, ...from }) {
    const rules = Object.keys(NEUTRAL).map((name) => [name, this.values[name]]);
    const how = { temperature: this.values.temperature, rules, grammar: this.grammar?.checked };
    const length = Math.max(this.made.length - (kept ?? 0), 1);
    this.fresh = kept === undefined;
    this.labelled = from.label;
    this.run += 1;
    this.count = 0;
    this.began = performance.now();
    if ("prompt" in from) this.view.prompt(from.prompt);
    const options = { ...from, ...how, length, seed: this.made.seed, stream: this.stream };
    this.worker.postMessage({ do: "start", run: this.run, options });
    this.working(true);
    this.say("");
  }

  stop() {
    this.worker.postMessage({ do: "stop" });
    this.finish("stopped");
  }

  hear(message) {
    if (message.say === "ready") {
      this.begin.disabled = false;
      this.before = [];
      this.say("Ready.");
      document.documentElement.dataset.ready = String(message.fast);
      return;
    }
    if (message.say === "error" && message.run === undefined) this.fail(message.message);
    if (message.say === "primer") {
      this.primer.put(message);
      if (!this.busy) {
        this.view.primer(message.music);
        this.keep.disabled = true; // nothing of the model is in it
      }
    }
    if (message.run !== this.run || !this.busy) return;
    if (message.say === "error") {
      this.fail(message.message);
      this.working(false);
      return;
    }
    if (message.say === "begun") {
      if (this.fresh) this.before = message.before;
      this.labelled = message.label;
    }
    if (message.say === "reading") this.say(`Reading what it goes on from: ${message.read} of ${message.of} tokens.`);
    if (message.say === "tokens") {
      if (!this.count) {
        document.documentElement.dataset.first = String(performance.now() - this.began);
        this.say("");
      }
      this.count += message.tokens.length;
      this.view.show(message.tokens, message.music);
    }
    if (message.say === "end") {
      this.view.end(message.rest, message.music);
      this.finish(message.reason);
    }
  }

  finish(reason) {
    const seconds = (performance.now() - this.began) / 1000;
    this.working(false);
    this.keep.disabled = !this.count;
    const speed = Math.round(this.count / Math.max(seconds, 1e-3));
    const which = this.stream ? `, sample ${this.stream + 1} of it` : "", label = this.labelled ? `, ${this.labelled}` : "";
    const tokens = `${this.count} token${this.count === 1 ? "" : "s"}`;
    this.say(`${REASONS[reason]} ${tokens}, ${speed} a second, seed ${this.made.seed}${which}${label}.`);
    document.documentElement.dataset.done = String(this.run);
  }

  working(busy) {
    this.busy = busy;
    this.begin.textContent = busy ? "Stop" : "Generate";
    if (busy) this.keep.disabled = true;
  }

  say(text) {
    this.status.className = "status soft";
    this.status.textContent = text;
  }

  fail(text) {
    this.status.className = "error";
    this.status.textContent = text;
  }

  download() {
    const { bytes, type } = this.view.file(), link = element("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type }));
    link.download = `seqgen-${this.made.seed}-${this.stream}${this.form.suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
}
