// <seq-asking>: what is sampled and how: the model, what it goes on from, its sliders by the control schema.
//
//   asking.rows = hello.controls;  asking.offer(models, wanted);
//   asking.addEventListener("open", (event) => event.detail)      // the name of a model that was chosen
//   asking.model = facts;                                         // as the server tells it: the sliders follow
//   asking.addEventListener("turn", (event) => event.detail)      // {name, value}
//   asking.take = "0123456789ab";                                 // music goes on from this take
//   asking.addEventListener("bring", (event) => event.detail)     // a file that music is to go on from
//   asking.primed = {primer, name};                               // and as the server has it; null: from nothing
//   asking.asked();                             // {checkpoint, prompt, take or primer, values, length, seed}

import { button, element, labelled } from "./page.js";
import "./slider.js";

const TEXT = ["temperature", "label"];
const MUSIC = ["temperature", "density", "tempo", "transpose", "velocity"];
const MORE_MUSIC = [
  "temperature_pitch", "temperature_time", "temperature_velocity", "key", "scale", "instruments", "meter", "label",
];
const OTHER = "other";
export const MOST_PROMPT = 10000; // characters: more than any model remembers

export class Asking extends HTMLElement {
  #rows = new Map();
  #model = null;
  #values = {};
  #choice = null;
  #take = null;
  #primed = null;

  connectedCallback() {
    if (this.#choice) return;
    this.setAttribute("role", "form");
    this.setAttribute("aria-label", "What is sampled");
    this.#choice = element("select", "wide");
    this.#choice.addEventListener("change", () => this.#chose());
    this.other = element("input", "wide");
    [this.other.type, this.other.placeholder] = ["text", "runs/mine or hf://user/repo"];
    this.other.addEventListener("change", () => this.#chose());
    this.otherField = labelled("Its folder, file or name", this.other);
    this.facts = element("p", "facts soft");
    this.prompt = element("textarea");
    [this.prompt.rows, this.prompt.maxLength, this.prompt.placeholder] = [3, MOST_PROMPT, "nothing: it begins by itself"];
    this.promptField = labelled("Go on from", this.prompt);
    this.sliders = element("div", "sliders");
    [this.more, this.moreSliders] = folded("More controls");
    [this.rules, this.ruleSliders] = folded("Rules of sampling");
    this.append(
      labelled("Model", this.#choice), this.otherField, this.facts, this.promptField, this.#primer(), this.#numbers(),
      this.sliders, this.more, this.rules,
    );
    this.addEventListener("turn", ({ detail: { name, value } }) => { this.#values[name] = value; });
  }

  #numbers() {
    const pair = element("div", "pair");
    [this.length, this.seed] = [element("input", "wide"), element("input", "wide")];
    for (const field of [this.length, this.seed]) [field.type, field.min] = ["number", "0"];
    this.seed.placeholder = "a fresh one";
    this.endless = element("input");
    this.endless.type = "checkbox";
    this.endless.addEventListener("change", () => { this.length.disabled = this.endless.checked; });
    this.endlessField = labelled("without end", this.endless, "check");
    pair.append(labelled("Tokens at most", this.length), labelled("Seed", this.seed), this.endlessField);
    return pair;
  }

  #primer() {
    this.primer = element("p", "bar facts");
    this.primerName = element("span");
    this.primer.append(this.primerName, button("begin anew", () => { this.take = null; }));
    this.primer.hidden = true;
    this.file = element("input");
    [this.file.type, this.file.accept] = ["file", ".mid,.midi,.kar,.rmi"];
    this.file.addEventListener("change", () => {
      const [file] = this.file.files;
      if (file) this.dispatchEvent(new CustomEvent("bring", { detail: file }));
      this.file.value = "";
    });
    this.fileField = labelled("Go on from a piece (a MIDI file)", this.file);
    this.fileField.hidden = true;
    this.fileField.append(this.primer);
    return this.fileField;
  }

  get take() { return this.#take; }

  set take(take) {
    [this.#take, this.#primed] = [take, null];
    this.primerName.textContent = `goes on from take ${take}`;
    this.primer.hidden = !take;
  }

  set primed(primed) {
    [this.#take, this.#primed] = [null, primed];
    this.primerName.textContent = `goes on from ${primed?.name}`;
    this.primer.hidden = !primed;
  }

  set rows(rows) { this.#rows = new Map(rows.map((row) => [row.name, row])); }

  /** The models that there are, and the one that is chosen at first. */
  offer(models, wanted) {
    this.#choice.replaceChildren();
    for (const [kind, title] of [["run", "Runs"], ["published", "Published"]]) {
      const group = element("optgroup");
      group.label = title;
      for (const { name } of models.filter((model) => model.kind === kind)) group.append(new Option(name, name));
      if (group.children.length) this.#choice.append(group);
    }
    this.#choice.append(new Option("another …", OTHER));
    this.choose(wanted ?? models[0]?.name ?? OTHER);
  }

  choose(name) {
    const known = [...this.#choice.options].some((option) => option.value === name);
    this.#choice.value = known ? name : OTHER;
    if (!known && name !== OTHER) this.other.value = name;
    this.otherField.hidden = this.#choice.value !== OTHER;
  }

  get chosen() { return this.#choice.value === OTHER ? this.other.value.trim() : this.#choice.value; }

  #chose() {
    this.otherField.hidden = this.#choice.value !== OTHER;
    if (this.chosen) this.dispatchEvent(new CustomEvent("open", { detail: this.chosen }));
  }

  get model() { return this.#model; }

  set model(model) {
    this.#model = model;
    this.facts.textContent = model ? `${model.cell}, ${model.parameters.toLocaleString("en")} numbers, codec ${model.codec}` : "";
    if (!model) return;
    [this.promptField.hidden, this.endlessField.hidden] = [!model.text, !model.text];
    this.fileField.hidden = model.text;
    if (model.text) this.take = null;
    this.length.placeholder = String(model.usual);
    this.#fill(this.sliders, model.heard ? MUSIC : TEXT);
    this.#fill(this.moreSliders, model.heard ? MORE_MUSIC : []);
    this.#fill(this.ruleSliders, [...this.#rows.keys()].filter((name) => name.startsWith("rule.") && name !== "rule.temperature"));
    this.more.hidden = !this.moreSliders.children.length;
  }

  #fill(place, names) {
    place.replaceChildren();
    for (const name of names) {
      if (this.#rows.has(name) && (name !== "label" || this.#model.labels.length)) place.append(this.slider(name));
    }
  }

  /** A slider of the schema, with the value that it had. */
  slider(name) {
    const [slider, row] = [document.createElement("seq-slider"), this.#rows.get(name)];
    slider.row = name === "label" ? { ...row, kind: "choice", choices: this.#model.labels } : row;
    if (name in this.#values) slider.value = this.#values[name];
    else if (row.kind !== "flag") this.#values[name] = row.default;
    return slider;
  }

  /** The values that are set, of the controls that this model has. */
  values() {
    const known = [...this.querySelectorAll("seq-slider")].map((slider) => slider.row.name);
    return Object.fromEntries(known.filter((name) => (this.#values[name] ?? null) !== null).map((name) => [name, this.#values[name]]));
  }

  asked() {
    const found = { checkpoint: this.chosen, values: this.values() };
    if (this.#model?.text) found.prompt = this.prompt.value;
    else if (this.take) found.take = this.take;
    else if (this.#primed) found.primer = this.#primed.primer;
    if (this.#model?.text && this.endless.checked) found.length = "inf";
    else if (this.length.value) found.length = Number(this.length.value);
    if (this.seed.value) found.seed = this.seed.value; // as text: a number would lose digits beyond 2^53
    return found;
  }
}

/** A part that is folded in, and where its sliders go. */
function folded(title) {
  const [part, sliders] = [element("details"), element("div", "sliders")];
  part.append(element("summary", "", title), sliders);
  return [part, sliders];
}

customElements.define("seq-asking", Asking);
