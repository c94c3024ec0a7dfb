// The room Train: what to learn from, guidance, curves and samples while it learns, stop and resume.

import { dropped, nameOf, pathOf, post } from "../files.js";
import { button, element, labelled, showError } from "../page.js";
import "../curve.js";
import "../guidance.js";
import "../settings.js";

const PAUSE = 300; // ms after a change until guidance is asked for
const MANY = 2000; // points of the curve, as the server keeps them

class Train extends HTMLElement {
  #link = null;
  #state = null;
  #set = null; // files that were brought in: {set, name, files, bytes}
  #bringing = false;
  #asked = 0; // number of the guidance that was asked for last
  #wait = 0;
  #codec = ""; // that the guidance found

  enter({ link, hello, room }) {
    const again = this.#link !== null;
    this.#link = link;
    if (!again) {
      this.#build();
      this.#listen();
    }
    if (again) this.#forget(); // the server may be another one, which has no files of ours
    offered(this.preset, [["", "chosen for the corpus and the time"], ...room.presets.map(([name, about]) => [name, `${name}: ${about}`])]);
    offered(this.cell, [["", "lstm, or as the preset has it"], ...room.cells.map((name) => [name, name])]);
    offered(this.codec, [["", "guessed from the files"], ...room.codecs.map((name) => [name, name])]);
    this.#form();
    this.runs.replaceChildren(...room.runs.map((name) => new Option(name, name)));
    this.goOn.hidden = !room.runs.length;
    this.#told(room.state);
  }

  #build() {
    const [layout, controls, stage] = [element("div", "train"), element("div", "card controls"), element("section", "stage")];
    this.source = field("text", "~/music, or a corpus by name");
    this.files = field("file");
    this.files.multiple = true;
    this.folder = field("file");
    this.folder.webkitdirectory = true;
    for (const each of [this.files, this.folder]) each.addEventListener("change", () => { this.#bring([...each.files]); each.value = ""; });
    this.brought = element("p", "soft small");
    this.brought.setAttribute("role", "status");
    this.name = field("text", "plays");
    this.minutes = field("number", "a few");
    [this.minutes.min, this.minutes.step] = ["0", "any"];
    [this.preset, this.cell, this.codec] = ["select", "select", "select"].map((tag) => element(tag, "wide"));
    for (const each of [this.cell, this.codec]) each.addEventListener("change", () => this.#form());
    this.settings = document.createElement("seq-settings");
    this.more = element("details", "more");
    this.more.append(element("summary", "", "All settings"), this.settings);
    this.holes = field("checkbox");
    this.holes.className = "";
    this.seed = field("number", "a fresh one");
    this.go = button("Train", () => this.#begin(), "main");
    this.end = button("Stop", () => this.#link.send({ do: "train.stop" }));
    this.end.title = "After the step at hand; all is saved, and the run can go on";
    const [pair, bar] = [element("div", "pair"), element("div", "bar go")];
    pair.append(labelled("Minutes", this.minutes), labelled("Seed", this.seed));
    bar.append(this.go, this.end);
    controls.append(
      labelled("Learn from", this.source), labelled("or from files", this.files), labelled("or from a folder, which is copied", this.folder), this.brought,
      labelled("Name of the run", this.name), pair, labelled("Size", this.preset),
      labelled("Codec", this.codec), labelled("Cell", this.cell), labelled("So that it can fill holes, too", this.holes, "check"), this.more, bar,
      this.#again(),
    );
    controls.addEventListener("change", ({ target }) => { if (![this.seed, this.files, this.folder].includes(target) && !this.goOn.contains(target)) this.#guide(); });
    this.#stage(stage);
    layout.append(controls, stage);
    this.append(layout);
    for (const name of ["dragover", "drop"]) this.addEventListener(name, (event) => event.preventDefault());
    this.addEventListener("drop", async (event) => this.#bring(await dropped(event.dataTransfer)));
  }

  #again() {
    this.runs = element("select", "wide");
    this.goOn = element("details", "goon");
    const bar = button("Go on with it", () => this.#resume());
    this.total = field("number", "as before");
    [this.total.min, this.total.step] = ["0", "any"];
    this.goOn.append(element("summary", "", "Go on with a run"), labelled("Run", this.runs), labelled("Minutes in all", this.total), bar);
    return this.goOn;
  }

  #stage(stage) {
    stage.setAttribute("aria-label", "The run");
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.error.hidden = true;
    this.empty = element("p", "empty soft", "Name a folder, or drop files here: what is in them and how a run would go is said before you press Train.");
    this.guidance = document.createElement("seq-guidance");
    this.head = element("h2");
    this.bar = element("progress");
    this.bar.setAttribute("aria-label", "How far the run is");
    this.now = element("p", "soft small");
    this.now.setAttribute("role", "status");
    this.curve = document.createElement("seq-curve");
    this.key = element("p", "soft small", "Nats a token over steps: thin, training; with points, validation.");
    this.notes = element("div", "notes");
    this.samples = element("div", "samples");
    this.after = element("div", "bar");
    stage.append(this.error, this.empty, this.guidance, this.head, this.bar, this.now, this.after, this.curve, this.key, this.notes, this.samples);
  }

  #listen() {
    const link = this.#link;
    link.on("train.form", ({ model, codec, groups }) => {
      if ((model ?? "") === this.cell.value && (codec ?? "") === (this.codec.value || this.#codec)) this.settings.show(groups);
    });
    link.on("train.guide", (event) => { if (event.run === this.#asked) this.#guided(event); });
    const mine = (name, act) => link.on(`train.${name}`, (event) => { if (event.name === this.#state?.name) act(event); });
    link.on("train.state", ({ state }) => this.#told(state));
    mine("note", ({ message }) => { this.#state.notes.push(message); this.#note(message); });
    mine("reading", (event) => { this.#state.reading = event; this.#where(); });
    mine("stepped", (event) => this.#stepped(event));
    mine("checked", (event) => { this.#state.checks.push(event); this.#where(); this.curve.show(this.#state.steps, this.#state.checks); });
    mine("sampled", (event) => { this.#state.samples.push(event); this.#sample(event); });
    mine("trained", (event) => { [this.#state.ended, this.#state.running] = [event, false]; this.#where(); });
    mine("error", (event) => { [this.#state.error, this.#state.running] = [event, false]; showError(this.error, event); this.#where(); });
    link.on("error", (error) => { if (error.room === "train") { showError(this.error, error); this.#where(); } });
    link.on("down", () => this.#where());
  }

  #stepped(event) {
    const state = this.#state;
    state.reading = null;
    state.steps.push(event);
    if (state.steps.length > MANY) state.steps = state.steps.filter((_, index) => index % 2 === 0);
    this.#where();
    this.curve.show(state.steps, state.checks);
  }

  /** The story of the run, whole. */
  #told(state) {
    this.#state = state;
    if (state?.running && !this.guidance.hidden) this.#unguided();
    this.notes.replaceChildren();
    this.samples.replaceChildren();
    showError(this.error, state?.error ?? null);
    for (const message of state?.notes ?? []) this.#note(message);
    for (const sample of state?.samples ?? []) this.#sample(sample);
    this.curve.show(state?.steps ?? [], state?.checks ?? []);
    this.#where();
  }

  #note(message) { this.notes.append(element("p", "", message.trim().replace(/\s*\n\s*/g, " "))); }

  #sample({ step, text }) {
    const card = element("figure");
    card.append(element("figcaption", "soft small", `After ${step.toLocaleString("en")} steps`), element("pre", "", text.trim()));
    this.samples.prepend(card);
  }

  #where() {
    const state = this.#state;
    [this.empty.hidden, this.head.hidden, this.key.hidden] = [Boolean(state) || !this.guidance.hidden, !state, this.curve.hidden];
    this.head.textContent = state?.name ?? "";
    this.bar.hidden = !state?.running;
    const last = state?.steps.at(-1);
    const reading = state?.reading;
    if (reading) [this.bar.max, this.bar.value] = [Math.max(reading.total, 1), reading.done];
    else if (last) [this.bar.max, this.bar.value] = [1, Math.min(last.share, 1)];
    else this.bar.removeAttribute("value");
    this.now.textContent = this.#said(state, last, reading);
    this.after.replaceChildren();
    if (state?.ended && state.ended.steps) this.#done(state.ended);
    this.go.disabled = Boolean(state?.running) || !this.#link.up || this.#bringing;
    this.end.disabled = !state?.running;
  }

  #said(state, last, reading) {
    if (!state) return "";
    if (state.ended) return state.ended.stopped ? `Stopped after ${state.ended.steps.toLocaleString("en")} steps; everything is saved.` : `Done, after ${state.ended.steps.toLocaleString("en")} steps.`;
    if (state.error) return "It ended with an error.";
    if (reading) return `Reading ${reading.name}`;
    if (!last) return "It begins …";
    const nats = last.nats === null ? "" : `, ${last.nats.toFixed(3)} nats a token`;
    return `Step ${last.step.toLocaleString("en")}, ${Math.round(100 * Math.min(last.share, 1))} % of the budget, ${Math.round(last.seconds)} s${nats}`;
  }

  #done({ folder, stopped }) {
    const goTo = (name, title) => button(title, () => this.dispatchEvent(new CustomEvent("room", { bubbles: true, detail: { name, checkpoint: folder } })));
    this.after.append(goTo("play", "Play with it"), goTo("inside", "Look inside"));
    if (stopped) this.after.append(button("Go on", () => this.#link.send({ do: "train.resume", name: this.#state.name })));
  }

  // What is asked for.

  #begin() {
    showError(this.error, null);
    this.#unguided();
    this.#link.send({ do: "train.begin", ...this.#job(), ...(this.seed.value ? { seed: Number(this.seed.value) } : {}) });
  }

  /** What is trained, and how. */
  #job() {
    const asked = {
      name: this.name.value.trim() || named(this.#set?.name ?? this.source.value), preset: this.preset.value, holes: this.holes.checked,
      codec: this.codec.value, model: this.cell.value, settings: this.settings.values,
    };
    if (this.#set) asked.set = this.#set.set;
    else asked.source = this.source.value;
    if (this.minutes.value) asked.minutes = Number(this.minutes.value);
    return asked;
  }

  /** The settings that there are, for this cell, and for the codec as far as it is known. */
  #form() { this.#link.send({ do: "train.form", model: this.cell.value, codec: this.codec.value || this.#codec }); }

  /** Ask what can be said of this corpus and these settings. */
  #guide() {
    clearTimeout(this.#wait);
    if (!this.#set && !this.source.value.trim()) {
      if (!this.guidance.hidden) this.#unguided();
      return;
    }
    this.#wait = setTimeout(() => {
      if (this.#state?.running || this.#bringing || !this.#link.up) return;
      this.guidance.wait();
      this.#where();
      this.#link.send({ do: "train.guide", run: ++this.#asked, ...this.#job() });
    }, PAUSE);
  }

  #guided(event) {
    this.guidance.hear(event);
    if (event.kind !== "guided" || event.codec === this.#codec) return;
    this.#codec = event.codec;
    if (!this.codec.value) this.#form();
  }

  #unguided() {
    clearTimeout(this.#wait);
    this.#asked += 1;
    this.guidance.clear();
    this.#link.send({ do: "train.unguide" });
    this.#where();
  }

  #resume() {
    showError(this.error, null);
    this.#link.send({ do: "train.resume", name: this.runs.value, ...(this.total.value ? { minutes: Number(this.total.value) } : {}) });
  }

  #forget() {
    this.#set = null;
    this.brought.replaceChildren();
    this.source.disabled = false;
    this.#guide();
  }

  /** Files come in one after the other, each with its folders, which are labels. */
  async #bring(files) {
    if (!files.length || this.#bringing) return;
    showError(this.error, null);
    this.#bringing = true;
    this.#where();
    try {
      this.#set ??= { ...(await post("/train/set")), name: nameOf(files[0]), files: 0, bytes: 0 };
      for (const file of files) {
        const query = new URLSearchParams({ set: this.#set.set, name: pathOf(file) });
        this.#set.bytes += (await post(`/train/file?${query}`, file)).bytes;
        this.#set.files += 1;
        this.brought.textContent = `${this.#set.files.toLocaleString("en")} of ${files.length.toLocaleString("en")} files …`;
      }
    } catch (error) {
      showError(this.error, error.message === undefined || error instanceof TypeError ? { message: "the files could not be sent" } : error);
    }
    this.#bringing = false;
    const { files: count, bytes } = this.#set ?? { files: 0, bytes: 0 };
    this.brought.textContent = count ? `${count.toLocaleString("en")} files, ${(bytes / 1e6).toFixed(1)} MB. ` : "";
    if (count) this.brought.append(button("Take them away", () => this.#forget()));
    else this.#set = null;
    this.source.disabled = Boolean(count);
    this.#where();
    this.#guide();
  }
}

function field(type, placeholder = "") {
  const made = element("input", "wide");
  [made.type, made.placeholder] = [type, placeholder];
  return made;
}

/** A choice of [value, title], with what was chosen before. */
function offered(list, options) {
  const before = list.value;
  list.replaceChildren(...options.map(([value, title]) => new Option(title, value)));
  if (options.some(([value]) => value === before)) list.value = before;
}

/** A name for a run, from that of a file or a folder. */
function named(path) {
  const last = path.split(/[/\\]/).filter(Boolean).at(-1) ?? "";
  return last.split(".")[0].replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+/, "").slice(0, 60);
}

customElements.define("seq-room-train", Train);
