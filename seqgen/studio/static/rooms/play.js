// The room Play: choose a model, sample, watch and hear, steer, branch, download.

import { post } from "../files.js";
import { button, download, element, notesOf, showError } from "../page.js";
import { MOST_PROMPT } from "../asking.js";
import "../deck.js";
import "../text.js";

const SOUND = ["transpose", "velocity"]; // which the page's own player does, at once
const FLAGS = ["mutate", "reset"]; // of music that plays live
const MOST_BARS = 5000;
const MOST_TOKENS = 80000; // of a text that are kept to branch from

class Play extends HTMLElement {
  #link = null;
  #tokens = []; // what was sampled after the prompt
  #lost = 0; // tokens before them, of a text without end
  #prompt = "";
  #number = null; // of the finished sample, on the server's shelf
  #counted = 0;
  #running = false;
  #live = false;
  #run = 0; // its number: what a sample before it still sends is passed over

  enter({ link, hello, room }) {
    const again = this.#link !== null;
    this.#link = link;
    if (!again) {
      this.#build();
      this.#listen();
    }
    if (again) this.asking.primed = null; // the server may be another one, which has no piece of ours
    this.asking.rows = hello.controls;
    this.asking.offer(room.models, again ? this.asking.chosen : hello.checkpoint);
    this.#over();
    if (this.asking.chosen && !this.asking.model) this.#open();
  }

  /** Another room asks to go on from something: {checkpoint, prompt, take}; music goes on from a take. */
  asked({ checkpoint, prompt, take }) {
    if (prompt !== undefined) this.asking.prompt.value = prompt;
    this.asking.take = prompt === undefined ? take ?? null : null;
    if (checkpoint && checkpoint !== this.asking.chosen) {
      this.asking.choose(checkpoint);
      this.#open();
    }
  }

  #build() {
    const [layout, controls, stage] = [element("div", "play"), element("div", "card controls"), element("section", "stage")];
    this.asking = document.createElement("seq-asking");
    this.asking.addEventListener("open", () => this.#open());
    this.asking.addEventListener("bring", ({ detail }) => this.#bring(detail));
    for (const name of ["dragover", "drop"]) this.addEventListener(name, (event) => event.preventDefault());
    this.addEventListener("drop", ({ dataTransfer: { files } }) => { if (files.length && this.asking.model?.heard) this.#bring(files[0]); });
    this.addEventListener("turn", (event) => this.#turned(event.detail));
    controls.append(this.asking, this.#buttons());
    stage.setAttribute("aria-label", "The sample");
    this.#stage(stage);
    layout.append(controls, stage);
    this.append(this.error, layout);
  }

  #buttons() {
    const bar = element("div", "bar go");
    this.go = button("Generate", () => this.#start(), "main");
    this.live = button("Live", () => this.#play());
    this.live.title = "It plays on and on, and every slider works at once";
    this.live.hidden = true;
    this.pause = button("Pause", () => this.#pause());
    this.end = button("Stop", () => this.#link.send({ do: "play.stop" }));
    bar.append(this.go, this.live, this.pause, this.end);
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
    this.flags = element("div", "bar");
    this.told = element("p", "told soft");
    this.told.setAttribute("role", "status");
    this.files = element("div", "bar");
    this.key = element("div", "heatkey");
    this.key.append("likely");
    for (let shade = 0; shade < 8; shade += 1) this.key.append(element("b", `u${shade}`));
    this.key.append("surprising", element("span", "", "Point at a token, or tap it, for what else was likely; click, or tap again, to branch there"));
    stage.append(this.empty, this.key, this.surprise, this.deck, this.flags, this.told, this.files);
    this.#clear();
  }

  // What the server tells.

  #listen() {
    const link = this.#link;
    const mine = (name, act) => link.on(name, (event) => { if ((event.run ?? this.#run) === this.#run) act(event); });
    link.on("model", (model) => this.#opened(model));
    mine("start", (event) => this.#started(event));
    mine("tokens", ({ tokens }) => this.#came(tokens));
    mine("notes", ({ notes }) => { for (const note of notesOf(notes)) this.deck.add(note); this.#count(notes.length); });
    mine("progress", ({ tokens }) => { this.told.textContent = `${tokens} tokens …`; });
    mine("live", () => this.#lives());
    mine("note", (note) => this.#sounds(note));
    mine("bar", ({ at }) => { this.deck.roll.bars = [...this.deck.roll.bars.slice(-MOST_BARS), at]; });
    mine("sample", (event) => this.#made(event));
    mine("over", () => this.#over());
    mine("error", (error) => { if ((error.room ?? "play") === "play") this.#failed(error); });
    link.on("takes.starred", (event) => this.#starred(event));
    link.on("remark", ({ message }) => { this.told.textContent = message; });
    link.on("down", () => this.#over());
  }

  #open() {
    showError(this.error, null);
    if (this.#running) this.#link.send({ do: "play.stop" });
    this.#run += 1;
    this.asking.model = null;
    this.#over();
    this.#clear();
    this.asking.facts.textContent = "loading …";
    this.#link.send({ do: "play.open", checkpoint: this.asking.chosen });
  }

  #opened(model) {
    if (model.asked !== this.asking.chosen) return;
    this.asking.model = model;
    this.live.hidden = !model.live;
    this.flags.replaceChildren(...FLAGS.map((name) => this.asking.slider(name)));
    this.#clear();
    this.#over();
  }

  #failed(error) {
    showError(this.error, error);
    if (!this.asking.model) this.asking.facts.textContent = "";
    if (!this.#running) this.#over();
  }

  #turned({ name, value }) {
    if (SOUND.includes(name) || (name === "tempo" && !this.#live)) this.deck.turn(name, value);
    else if (this.#running) this.#link.send({ [name]: value });
  }

  // A sample.

  #start(prompt = null) {
    showError(this.error, null);
    const asked = this.asking.asked();
    if (prompt !== null) asked.prompt = prompt;
    this.#link.send({ do: "play.start", run: ++this.#run, ...asked });
  }

  /** A piece comes in that music is to go on from. */
  async #bring(file) {
    showError(this.error, null);
    try {
      this.asking.primed = await post(`/play/primer?${new URLSearchParams({ name: file.name })}`, file);
    } catch (error) {
      showError(this.error, error.hint === undefined ? { message: `${file.name} could not be sent`, hint: "it is too large, or the studio does not run any more" } : error);
    }
  }

  #play() {
    showError(this.error, null);
    const { checkpoint, values, seed } = this.asking.asked();
    for (const name of SOUND) delete values[name];
    this.deck.wake();
    this.#link.send({ do: "play.live", run: ++this.#run, checkpoint, values, ...(seed === undefined ? {} : { seed }) });
  }

  #lives() {
    this.#started({ prompt: "", notes: [] });
    this.#live = true;
    this.deck.turn("tempo", null);
    this.deck.live(true);
    this.#buttonsAre();
  }

  #started({ prompt, notes }) {
    this.#clear();
    [this.#running, this.#live, this.#prompt] = [true, false, prompt];
    this.empty.hidden = true;
    const { heard } = this.asking.model;
    [this.surprise.hidden, this.key.hidden, this.deck.hidden] = [heard, heard, !heard];
    if (prompt) this.surprise.add({ text: prompt, prompt: true });
    this.deck.growing = true;
    for (const note of notesOf(notes)) this.deck.add(note);
    this.#buttonsAre();
  }

  #sounds(note) {
    this.deck.strike({ ...note, start: note.at, duration: note.seconds });
    if (!note.drum) this.deck.roll.name(note.part, note.name);
    this.#count(1);
  }

  #came(tokens) {
    if (this.#tokens.length > MOST_TOKENS) this.#lost += this.#tokens.splice(0, MOST_TOKENS / 2).length;
    for (const [text, surprise, likely] of tokens) {
      this.#tokens.push(text);
      this.surprise.add({ text, surprise: surprise ?? NaN, likely });
    }
    this.#count(tokens.length);
  }

  #count(more) {
    this.#counted += more;
    this.told.textContent = `${this.#counted} ${this.asking.model.text ? "tokens" : "notes"} …`;
  }

  #made({ number, take, tokens, seconds, finished, seed, sheet }) {
    this.#number = number;
    if (sheet) {
      this.deck.show({ notes: notesOf(sheet.notes), bars: sheet.bars, names: sheet.names });
      this.deck.tempo = sheet.tempo;
      this.deck.turn("tempo", this.asking.values().tempo);
    }
    const rate = seconds > 0 ? ` (${Math.round(tokens / seconds)}/s)` : "";
    const made = this.#live ? `${tokens} notes in ${Math.round(seconds)} s` : `${tokens} tokens${rate}, ended by ${finished}`;
    this.told.textContent = `${made}, seed ${seed}${take ? `, take ${take}` : ""}`;
    if (number === null) return;
    this.files.replaceChildren(...(take ? this.#kept(take) : []), element("span", "soft", "Download"));
    for (const suffix of this.asking.model.formats) this.files.append(button(suffix, () => this.#download(suffix)));
  }

  /** What is done with a sample that is a take. */
  #kept(take) {
    this.star = button("☆ Star", () => {
      const starred = this.star.getAttribute("aria-pressed") !== "true";
      this.#link.send({ do: "takes.star", take, starred });
    });
    this.star.setAttribute("aria-pressed", "false");
    this.star.dataset.take = take;
    if (this.asking.model.text) return [this.star];
    return [this.star, button("Go on from it", () => { this.asking.take = take; })];
  }

  #starred({ take, starred }) {
    if (this.star?.dataset.take !== take) return;
    this.star.setAttribute("aria-pressed", String(starred));
    this.star.textContent = starred ? "★ Starred" : "☆ Star";
  }

  async #download(suffix) {
    showError(this.error, null);
    try {
      await download(`/play/sample/${this.#number}${suffix}`);
    } catch (error) {
      showError(this.error, error.hint === undefined ? { message: "the file cannot be had" } : error);
    }
  }

  #over() {
    [this.#running, this.#live] = [false, false];
    this.deck.growing = false;
    this.deck.live(false);
    this.#buttonsAre();
  }

  #buttonsAre() {
    this.go.disabled = this.live.disabled = !this.#link.up || !this.asking.model;
    this.go.textContent = this.#running ? "Anew" : "Generate";
    [this.pause.disabled, this.end.disabled] = [!this.#running, !this.#running];
    this.pause.textContent = "Pause";
    this.flags.hidden = !this.#live;
  }

  #pause() {
    const paused = this.pause.textContent === "Go on";
    this.#link.send(paused ? { resume: true } : { pause: true });
    this.pause.textContent = paused ? "Pause" : "Go on";
  }

  #clear() {
    [this.#tokens, this.#lost, this.#number, this.#counted] = [[], 0, null, 0];
    if (this.surprise.isConnected) {
      this.surprise.clear();
      this.deck.clear();
    }
    this.files.replaceChildren();
    this.told.textContent = "";
    [this.surprise.hidden, this.key.hidden, this.deck.hidden, this.empty.hidden] = [true, true, true, false];
  }

  /** Sample again from a place in the text: what stands before it, and the token that was chosen, are the prompt. */
  #branch({ index, choice }) {
    const before = index - (this.#prompt ? 1 : 0) - this.#lost; // the prompt counts as one token
    if (before < 0) return;
    const prompt = (this.#lost ? "" : this.#prompt) + this.#tokens.slice(0, before).join("") + (choice ?? "");
    this.#start(prompt.slice(-MOST_PROMPT));
  }
}

customElements.define("seq-room-play", Play);
