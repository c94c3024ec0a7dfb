// The room Play: choose a model, sample, watch and hear, steer, branch, download.

import { button, download, element, labelled, notesOf, showError } from "../page.js";
import "../deck.js";
import "../slider.js";
import "../text.js";

const TEXT = ["temperature", "label"];
const MUSIC = ["temperature", "density", "tempo", "transpose", "velocity"];
const MORE_MUSIC = ["temperature_pitch", "temperature_time", "temperature_velocity", "key", "scale", "instruments", "meter", "label"];
const SOUND = ["tempo", "transpose", "velocity"]; // how it is played, not what is drawn
const OTHER = "other";

class Play extends HTMLElement {
  #link = null;
  #rows = new Map();
  #model = null;
  #values = {};
  #text = ""; // what was sampled after the prompt, token by token
  #tokens = [];
  #prompt = "";
  #number = null;
  #running = false;
  #run = 0; // its number: what a sample before it still sends is passed over

  enter({ link, hello, room }) {
    const again = this.#link !== null;
    this.#link = link;
    this.#rows = new Map(hello.controls.map((row) => [row.name, row]));
    if (!again) {
      this.#build();
      this.#listen();
    }
    this.#offer(room.models, hello.checkpoint);
    this.#over();
    if (this.#model && again) return;
    if (this.#chosen()) this.#open();
  }

  /** Another room asks to go on from something: {prompt, checkpoint}. */
  asked({ prompt, checkpoint }) {
    if (checkpoint) this.#choose(checkpoint);
    if (prompt !== undefined) this.prompt.value = prompt;
  }

  // What it is made of.

  #build() {
    const [layout, controls, stage] = [element("div", "play"), element("form", "card controls"), element("section", "stage")];
    controls.setAttribute("aria-label", "What is sampled");
    controls.addEventListener("submit", (event) => event.preventDefault());
    this.choice = element("select", "wide");
    this.choice.addEventListener("change", () => this.#open());
    this.other = element("input", "wide");
    [this.other.type, this.other.placeholder] = ["text", "runs/mine or hf://user/repo"];
    this.other.addEventListener("change", () => this.#open());
    this.otherField = labelled("Its folder, file or name", this.other);
    this.facts = element("p", "facts soft");
    this.prompt = element("textarea");
    this.prompt.rows = 3;
    this.promptField = labelled("Go on from", this.prompt);
    this.sliders = element("div", "sliders");
    this.more = element("details");
    this.moreSliders = element("div", "sliders");
    this.more.append(element("summary", "", "More controls"), this.moreSliders);
    this.rules = element("details");
    this.ruleSliders = element("div", "sliders");
    this.rules.append(element("summary", "", "Rules of sampling"), this.ruleSliders);
    controls.append(
      labelled("Model", this.choice), this.otherField, this.facts, this.promptField, this.#lengths(), this.sliders, this.more,
      this.rules, this.#buttons(),
    );
    controls.addEventListener("turn", (event) => this.#turned(event.detail));
    this.#stage(stage);
    layout.append(controls, stage);
    this.append(layout);
  }

  #lengths() {
    const pair = element("div", "pair");
    [this.length, this.seed] = [element("input", "wide"), element("input", "wide")];
    for (const field of [this.length, this.seed]) [field.type, field.min] = ["number", "0"];
    this.seed.placeholder = "a fresh one";
    pair.append(labelled("Tokens at most", this.length), labelled("Seed", this.seed));
    return pair;
  }

  #buttons() {
    const bar = element("div", "bar go");
    this.go = button("Generate", () => this.start(), "main");
    this.pause = button("Pause", () => this.#pause());
    this.end = button("Stop", () => this.#link.send({ do: "play.stop" }));
    bar.append(this.go, this.pause, this.end);
    return bar;
  }

  #stage(stage) {
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.error.hidden = true;
    this.empty = element("p", "empty soft", "Choose a model and press Generate.");
    this.surprise = document.createElement("seq-text");
    this.surprise.addEventListener("branch", (event) => this.#branch(event.detail));
    this.deck = document.createElement("seq-deck");
    this.told = element("p", "told soft");
    this.told.setAttribute("role", "status");
    this.files = element("div", "bar");
    this.key = element("div", "heatkey");
    this.key.append("likely");
    for (let shade = 0; shade < 8; shade += 1) this.key.append(element("b", `u${shade}`));
    this.key.append("surprising · point at a token for what else was likely, click to branch there");
    stage.append(this.error, this.empty, this.key, this.surprise, this.deck, this.told, this.files);
  }

  // What the server tells.

  #listen() {
    const link = this.#link;
    link.on("model", (model) => this.#opened(model));
    link.on("models", ({ models }) => this.#offer(models, this.#chosen()));
    const mine = (name, act) => link.on(name, (event) => { if (event.run === this.#run) act(event); });
    mine("start", (event) => this.#started(event));
    mine("tokens", ({ tokens }) => this.#came(tokens));
    mine("notes", ({ notes }) => { for (const note of notesOf(notes)) this.deck.add(note); this.#count(notes.length); });
    mine("progress", ({ tokens }) => { this.told.textContent = `${tokens} tokens …`; });
    mine("sample", (event) => this.#made(event));
    mine("over", () => this.#over());
    link.on("note", ({ message }) => { this.told.textContent = message; });
    link.on("error", (error) => {
      if ((error.run ?? this.#run) !== this.#run) return;
      showError(this.error, error);
      if (!this.#running) this.#over();
    });
    link.on("down", () => this.#over());
  }

  #offer(models, wanted) {
    this.choice.replaceChildren();
    for (const [kind, title] of [["run", "Runs"], ["published", "Published"]]) {
      const group = element("optgroup");
      group.label = title;
      for (const { name } of models.filter((model) => model.kind === kind)) group.append(new Option(name, name));
      if (group.children.length) this.choice.append(group);
    }
    this.choice.append(new Option("another …", OTHER));
    this.#choose(wanted ?? models[0]?.name ?? OTHER);
  }

  #choose(name) {
    const known = [...this.choice.options].some((option) => option.value === name);
    this.choice.value = known ? name : OTHER;
    if (!known && name !== OTHER) this.other.value = name;
    this.otherField.hidden = this.choice.value !== OTHER;
  }

  #chosen() { return this.choice.value === OTHER ? this.other.value.trim() : this.choice.value; }

  #open() {
    this.otherField.hidden = this.choice.value !== OTHER;
    const name = this.#chosen();
    if (!name) return;
    showError(this.error, null);
    if (this.#running) this.#link.send({ do: "play.stop" });
    this.#run += 1;
    this.#over();
    this.facts.textContent = "loading …";
    this.#link.send({ do: "play.open", checkpoint: name });
  }

  #opened(model) {
    this.#model = model;
    this.facts.textContent = `${model.cell}, ${model.parameters.toLocaleString("en")} numbers, codec ${model.codec}`;
    this.promptField.hidden = !model.text;
    this.length.placeholder = String(model.usual);
    this.#controls();
    this.#clear();
  }

  #controls() {
    const { heard, labels } = this.#model;
    const skip = (name) => name === "label" && !labels.length;
    const fill = (place, names) => {
      place.replaceChildren();
      for (const name of names.filter((each) => this.#rows.has(each) && !skip(each))) place.append(this.#slider(name));
    };
    fill(this.sliders, heard ? MUSIC : TEXT);
    fill(this.moreSliders, heard ? MORE_MUSIC : []);
    fill(this.ruleSliders, [...this.#rows.keys()].filter((name) => name.startsWith("rule.") && name !== "rule.temperature"));
    this.more.hidden = !this.moreSliders.children.length;
  }

  #slider(name) {
    const [slider, row] = [document.createElement("seq-slider"), this.#rows.get(name)];
    slider.row = name === "label" ? { ...row, kind: "choice", choices: ["", ...this.#model.labels] } : row;
    if (name in this.#values) slider.value = this.#values[name];
    else if (row.default !== null) this.#values[name] = row.default;
    return slider;
  }

  #turned({ name, value }) {
    this.#values[name] = value === "" ? null : value;
    if (SOUND.includes(name)) this.deck.turn(name, value);
    else if (this.#running) this.#link.send({ [name]: value === "" ? null : value });
  }

  // A sample.

  start(prompt = this.prompt.value) {
    if (!this.#chosen()) return;
    showError(this.error, null);
    const asked = { do: "play.start", run: ++this.#run, checkpoint: this.#chosen(), values: this.#asked() };
    if (this.#model?.text) asked.prompt = prompt;
    if (this.length.value) asked.length = Number(this.length.value);
    if (this.seed.value) asked.seed = Number(this.seed.value);
    this.#link.send(asked);
  }

  #asked() {
    const known = [...this.querySelectorAll("seq-slider")].map((slider) => slider.row.name);
    return Object.fromEntries(known.filter((name) => (this.#values[name] ?? null) !== null).map((name) => [name, this.#values[name]]));
  }

  #started({ prompt, notes }) {
    this.#clear();
    this.#running = true;
    this.#prompt = prompt;
    this.empty.hidden = true;
    const { heard } = this.#model;
    [this.surprise.hidden, this.key.hidden, this.deck.hidden] = [heard, heard, !heard];
    if (prompt) this.surprise.add({ text: prompt, prompt: true });
    this.deck.growing = true;
    for (const note of notesOf(notes)) this.deck.add(note);
    this.#buttonsAre(true);
  }

  #came(tokens) {
    for (const [text, surprise, likely] of tokens) {
      this.#tokens.push(text);
      this.surprise.add({ text, surprise: surprise ?? NaN, likely });
    }
    this.#count(tokens.length);
  }

  #counted = 0;

  #count(more) {
    this.#counted += more;
    this.told.textContent = `${this.#counted} ${this.#model.text ? "tokens" : "notes"} …`;
  }

  #made({ number, take, tokens, seconds, finished, seed, sheet }) {
    this.#number = number;
    this.deck.growing = false;
    if (sheet) this.deck.show({ notes: notesOf(sheet.notes), bars: sheet.bars, names: sheet.names });
    const rate = seconds > 0 ? `, ${Math.round(tokens / seconds)} tokens/s` : "";
    this.told.textContent = `${tokens} tokens${rate}, seed ${seed}, ended by ${finished}${take ? `, take ${take}` : ""}`;
    this.files.replaceChildren(element("span", "soft", "Download"));
    for (const suffix of this.#model.formats) this.files.append(button(suffix, () => this.#download(suffix)));
  }

  async #download(suffix) {
    showError(this.error, null);
    try {
      await download(`/play/sample/${this.#number}${suffix}`);
    } catch (error) {
      showError(this.error, error.message ? error : { message: "the file cannot be had" });
    }
  }

  #over() {
    this.#running = false;
    this.deck.growing = false;
    this.#buttonsAre(false);
  }

  #buttonsAre(running) {
    this.go.disabled = !this.#link.up;
    this.go.textContent = running ? "Anew" : "Generate";
    [this.pause.disabled, this.end.disabled] = [!running, !running];
    this.pause.textContent = "Pause";
  }

  #pause() {
    const paused = this.pause.textContent === "Go on";
    this.#link.send(paused ? { resume: true } : { pause: true });
    this.pause.textContent = paused ? "Pause" : "Go on";
  }

  #clear() {
    [this.#tokens, this.#number, this.#counted] = [[], null, 0];
    this.surprise.clear();
    this.deck.clear();
    this.files.replaceChildren();
    this.told.textContent = "";
    [this.surprise.hidden, this.key.hidden, this.deck.hidden, this.empty.hidden] = [true, true, true, false];
  }

  /** Sample again from a place in the text: what stands before it, and the token that was chosen, are the prompt. */
  #branch({ index, choice }) {
    const before = index - (this.#prompt ? 1 : 0); // the prompt counts as one token
    if (before < 0) return;
    this.start(this.#prompt + this.#tokens.slice(0, before).join("") + (choice ?? ""));
  }
}

customElements.define("seq-room-play", Play);
