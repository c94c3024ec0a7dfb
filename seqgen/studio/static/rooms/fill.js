// The room Fill: a span of a text or a box on the roll made anew, parts added, all varied; results side by side.

import { button, download, element, labelled, notesOf, showError } from "../page.js";
import { edited, placed, shown } from "../lines.js";
import "../choice.js";
import "../fill_form.js";
import "../variation.js";

const EXAMPLE = "Bring in a file, or write here. Then mark what is to be made anew, and press Make.";

class Fill extends HTMLElement {
  #link = null;
  #model = null;
  // Versions {piece, name, heard, formats, text, sheet}; piece: its number at the server, null: not there yet.
  #histories = { text: { list: [], at: -1 }, music: { list: [], at: -1 } };
  #run = 0;
  #running = false;
  #around = {}; // of what is made now, see variation.js

  enter({ link, hello, room }) {
    const again = this.#link !== null;
    this.#link = link;
    if (!again) {
      this.#build(hello.controls);
      this.#listen();
    }
    this.choice.offer(room.models, again ? this.choice.chosen : hello.checkpoint);
    for (const { list } of Object.values(this.#histories)) for (const version of list) version.piece = null; // of another server
    this.#over();
    if (!this.#model) this.#open();
  }

  /** Another room brings a take: {checkpoint, take}. */
  asked({ checkpoint, take }) {
    if (checkpoint && checkpoint !== this.choice.chosen) {
      this.choice.choose(checkpoint);
      this.#open();
    }
    if (take) this.#link.send({ do: "fill.take", take });
  }

  #build(rows) {
    const [layout, controls, stage] = [element("div", "fill"), element("div", "card controls"), element("section", "stage")];
    this.choice = document.createElement("seq-choice");
    this.choice.addEventListener("open", () => this.#open());
    this.form = document.createElement("seq-fill-form");
    this.form.rows = rows;
    this.form.addEventListener("bars", () => this.#marked());
    this.file = element("input");
    this.file.type = "file";
    this.file.addEventListener("change", () => { this.#bring(this.file.files[0]); this.file.value = ""; });
    this.missing = element("p", "error");
    this.go = button("Make", () => this.#start(), "main");
    this.end = button("Stop", () => this.#link.send({ do: "fill.stop" }));
    const bar = element("div", "bar go");
    bar.append(this.go, this.end);
    controls.append(this.choice, labelled("Bring in a file", this.file), this.missing, this.form, bar);
    this.#stage(stage);
    layout.append(controls, stage);
    this.append(layout);
    this.#shown();
  }

  #stage(stage) {
    stage.setAttribute("aria-label", "What is worked on");
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.error.hidden = true;
    this.undo = button("Undo", () => this.#go(-1));
    this.redo = button("Redo", () => this.#go(1));
    this.name = element("span", "soft small");
    this.files = element("span", "bar");
    const bar = element("div", "bar");
    bar.append(this.undo, this.redo, this.name, this.files);
    this.page = element("textarea");
    [this.page.rows, this.page.placeholder] = [16, EXAMPLE];
    this.page.setAttribute("aria-label", "The text; what is marked in it is made anew");
    for (const name of ["select", "keyup", "pointerup", "input"]) this.page.addEventListener(name, () => this.#told());
    this.deck = document.createElement("seq-deck");
    this.deck.addEventListener("box", ({ detail }) => { this.form.box(detail, this.deck.roll.bars); this.#told(); });
    for (const name of ["click", "keydown"]) this.deck.addEventListener(name, () => this.#hush(null), true);
    this.where = element("p", "soft small");
    this.where.setAttribute("role", "status");
    this.results = element("div", "results");
    stage.append(this.error, bar, this.page, this.deck, this.where, this.results);
    for (const name of ["dragover", "drop"]) this.addEventListener(name, (event) => event.preventDefault());
    this.addEventListener("drop", (event) => this.#bring(event.dataTransfer.files[0]));
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  #listen() {
    const link = this.#link;
    const mine = (name, act) => link.on(`fill.${name}`, (event) => { if ((event.run ?? this.#run) === this.#run) act(event); });
    mine("model", (model) => this.#opened(model));
    mine("piece", (piece) => this.#came(piece));
    mine("begun", () => { this.#running = true; this.#buttons(); });
    mine("progress", ({ tokens }) => { this.where.textContent = `${tokens} tokens …`; });
    mine("note", ({ message }) => { this.where.textContent = message; });
    mine("made", (made) => this.#made(made));
    mine("over", () => this.#over());
    link.on("error", (error) => { if (error.room === "fill" && (error.run ?? this.#run) === this.#run) this.#failed(error); });
    link.on("down", () => this.#over());
  }

  // The model, and what is worked on.

  #open() {
    showError(this.error, null);
    this.#keep();
    this.#model = null;
    this.#buttons();
    if (this.choice.chosen) this.#link.send({ do: "fill.open", checkpoint: this.choice.chosen });
  }

  #opened(model) {
    if (model.name !== this.choice.chosen) return;
    this.#model = model;
    showError(this.missing, model.missing);
    this.form.model = model;
    this.file.accept = model.heard ? ".mid,.midi,.abc,.musicxml,.xml,.mxl" : "";
    this.#shown();
  }

  async #bring(file) {
    if (!file || !this.#model) return;
    showError(this.error, null);
    try {
      this.#came(await this.#sent(file, file.name));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** A file at the server, which tells what it is. */
  async #sent(body, name) {
    const query = new URLSearchParams({ name, heard: this.#model.heard ? "1" : "0" });
    let answer;
    try {
      answer = await fetch(`/fill/piece?${query}`, { method: "POST", body });
    } catch {
      throw { message: `${name} could not be sent`, hint: "it is too large, or the studio does not run any more" };
    }
    if (!answer.ok) throw await answer.json();
    return answer.json();
  }

  #came(piece) {
    if (this.#model && piece.heard !== this.#model.heard) {
      this.#failed({ message: `${piece.name} is ${piece.heard ? "music" : "a text"}, which this model does not make`, hint: "choose another model" });
      return;
    }
    this.results.replaceChildren();
    this.#push(piece);
  }

  // Versions.

  /** Of texts or of music, as the model makes: the other one waits. */
  get #history() { return this.#histories[this.#model?.heard ? "music" : "text"]; }

  get #now() { return this.#history.list[this.#history.at]; }

  #push(version) {
    this.#keep();
    const own = { ...version, piece: version.exact ? version.piece : null }; // else what is shown counts
    this.#add(this.#histories[version.heard ? "music" : "text"], own);
    this.#shown();
  }

  #add(history, version) {
    history.list = [...history.list.slice(0, history.at + 1), version];
    history.at = history.list.length - 1;
  }

  /** What was typed since is a version, too. */
  #keep() {
    const heard = this.#model?.heard ?? false;
    const before = this.#now?.text ?? "";
    if (heard || this.page.value === shown(before)) return;
    const { name = "text.txt", formats = [".txt"] } = this.#now ?? {};
    this.#add(this.#history, { piece: null, name, formats, heard, text: edited(before, this.page.value), sheet: null });
  }

  #go(turn) {
    this.#keep();
    const history = this.#history;
    history.at = Math.min(Math.max(history.at + turn, 0), history.list.length - 1);
    this.#shown();
  }

  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target === this.page || event.target.tagName === "INPUT") return;
    const turn = { z: event.shiftKey ? 1 : -1, y: 1 }[event.key.toLowerCase()];
    if (!turn) return;
    event.preventDefault();
    this.#go(turn);
  }

  #shown() {
    const [heard, now] = [this.#model?.heard ?? false, this.#now];
    [this.page.hidden, this.deck.hidden] = [heard, !heard];
    if (!heard) this.page.value = now?.text ?? "";
    else if (now) {
      this.deck.stop();
      this.deck.show({ notes: notesOf(now.sheet.notes), bars: now.sheet.bars, names: now.sheet.names });
    } else this.deck.clear();
    this.form.piece = now?.sheet ?? null;
    this.name.textContent = now ? `${now.name}, version ${this.#history.at + 1} of ${this.#history.list.length}` : (heard ? "Bring in a piece: a file, or a take from the room Takes." : "");
    this.files.replaceChildren();
    if (now) for (const suffix of now.formats) this.files.append(button(suffix, () => this.#download(suffix)));
    this.#told();
    this.#buttons();
  }

  async #download(suffix) {
    showError(this.error, null);
    try {
      await this.#there();
      await download(`/fill/file/${this.#now.piece}${suffix}`);
    } catch (error) {
      this.#failed(error.hint === undefined ? { message: "the file cannot be had" } : error);
    }
  }

  /** The version that is shown is at the server, whatever was typed. */
  async #there() {
    this.#keep();
    const version = this.#now;
    if (!version) throw { message: "there is nothing to work on yet", hint: "bring in a file, or write something" };
    if (version.piece !== null) return version;
    if (version.heard) throw { message: "the studio was started anew and has no version of this piece", hint: "bring the file in again" };
    version.piece = (await this.#sent(new Blob([version.text]), version.name)).piece;
    return version;
  }

  // What is made.

  #marked() { this.deck.roll.box = this.form.boxOf(this.deck.roll); this.#told(); }

  #told() {
    if (this.#running) return;
    const [from, to] = [this.page.selectionStart, this.page.selectionEnd];
    const text = from === to ? "Nothing is marked: something is put in at the caret." : `${(to - from).toLocaleString("en")} characters are marked.`;
    const box = this.deck.roll?.box;
    const music = box ? `${(box.to - box.from).toFixed(1)} seconds are marked.` : "Mark a box on the roll, or say from which bar to which.";
    this.where.textContent = { vary: "", accompany: "" }[this.form.how] ?? (this.#model?.heard ? music : text);
  }

  async #start() {
    showError(this.error, null);
    const asked = this.form.asked();
    try {
      const marked = [this.page.selectionStart, this.page.selectionEnd];
      const version = await this.#there();
      const [from, to] = version.heard ? [] : marked.map((at) => placed(version.text, at));
      this.#around = version.heard ? { box: this.deck.roll.box } : { before: from, after: version.text.length - to };
      if (asked.how === "vary") this.#around = { lines: version.text ?? "" };
      else if (!version.heard) asked.at = [bytes(version.text.slice(0, from)), bytes(version.text.slice(0, to))];
      else Object.assign(asked, this.form.place(this.deck.roll));
      this.results.replaceChildren();
      this.#link.send({ do: "fill.start", run: ++this.#run, checkpoint: this.choice.chosen, piece: version.piece, ...asked });
    } catch (error) {
      this.#failed(error.message === undefined ? { message: String(error) } : error);
    }
  }

  #made(made) {
    const card = document.createElement("seq-variation");
    this.results.append(card);
    card.show(made, this.#around);
    card.addEventListener("use", () => { this.#hush(null); this.#push(made); });
    card.addEventListener("sound", () => this.#hush(card));
  }

  #hush(but) {
    if (but) this.deck.stop();
    for (const card of this.results.children) if (card !== but) card.hush();
  }

  #failed(error) {
    showError(this.error, error);
    this.error.scrollIntoView({ block: "nearest" });
    this.#buttons();
  }

  #over() {
    this.#running = false;
    this.#told();
    this.#buttons();
  }

  #buttons() {
    this.go.disabled = this.#running || !this.#model || !this.#link.up || (this.#model.heard && !this.#now);
    this.end.disabled = !this.#running;
    const { list, at } = this.#history;
    [this.undo.disabled, this.redo.disabled] = [at <= 0, at >= list.length - 1];
  }
}

function bytes(text) { return new TextEncoder().encode(text).length; }

customElements.define("seq-room-fill", Fill);
