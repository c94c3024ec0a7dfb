// <seq-take>: one take: its text or its roll with sound, how it was sampled, a star, its files, going on from it.
//
//   view.take = take;                    // as the server tells it (seqgen/studio/taken.py); null: nothing
//   view.starred = true;  view.compare(new Set(["seed"]), 120);   // settings that differ, characters that do not
//   events: "star" {take, starred}, "file" the address of one, "close", "sound" before it sounds;
//   "room" {name: "play", checkpoint, prompt, take} where somebody wants to go on from it

import { button, element, notesOf } from "./page.js";
import "./deck.js";

const PROMPT = 20000; // characters at the end of a text that are gone on from; a model has forgotten what is before

export class TakeView extends HTMLElement {
  #take = null;
  #deck = null;
  #same = 0;

  connectedCallback() {
    this.hidden = !this.#take;
    this.addEventListener("click", (event) => { if (event.target.closest("seq-deck")) this.#sounds(); }, true);
    this.addEventListener("keydown", (event) => { if (event.key === " " && event.target.closest("seq-deck")) this.#sounds(); }, true);
  }

  get take() { return this.#take; }

  set take(take) {
    this.hush();
    this.#take = take;
    this.#deck = null;
    this.#same = 0;
    this.hidden = !take;
    this.replaceChildren();
    if (take) this.#build(take);
  }

  set starred(starred) {
    this.#take.starred = starred;
    this.star.setAttribute("aria-pressed", String(starred));
  }

  /** Ends the sound. */
  hush() { this.#deck?.stop(); }

  compare(others, same) {
    if (!this.#take) return;
    for (const row of this.rows) row.classList.toggle("other", others.has(row.dataset.name));
    this.#same = same;
    if (!this.#take.heard) this.#write();
  }

  #sounds() { this.dispatchEvent(new CustomEvent("sound")); }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail, bubbles: name === "room" })); }

  #build(take) {
    const head = element("div", "bar");
    this.star = button("", () => this.#tell("star", { take: take.take, starred: !this.#take.starred }), "star");
    this.star.setAttribute("aria-label", `Star of ${take.take}`);
    this.star.setAttribute("aria-pressed", String(take.starred));
    const close = button("Close", () => this.#tell("close"), "close");
    head.append(this.star, element("h2", "", take.take), close);
    const facts = [take.model, ...(take.label ? [take.label] : []), `${take.tokens.toLocaleString("en")} tokens in ${take.seconds} s`, `ended by ${take.finished}`];
    this.append(head, element("p", "soft small", facts.join(" · ")));
    if (take.heard) this.#music(take.sheet);
    else {
      this.page = element("div", "written");
      this.page.tabIndex = 0;
      this.page.setAttribute("role", "group");
      this.page.setAttribute("aria-label", `The text of ${take.take}`);
      this.append(this.page);
      this.#write();
    }
    if (take.cut) this.append(element("p", "soft small", "There is more: the file has all of it."));
    this.append(this.#files(take), this.#settings(take));
  }

  #music(sheet) {
    this.#deck = document.createElement("seq-deck");
    this.append(this.#deck);
    this.#deck.show({ notes: notesOf(sheet.notes), bars: sheet.bars, names: sheet.names });
  }

  /** The text: its prompt, what another one begins with, too, and the rest. */
  #write() {
    const { text, prompt } = this.#take;
    const marks = [...new Set([0, prompt.length, this.#same, text.length])].sort((one, other) => one - other);
    this.page.replaceChildren();
    for (const [index, from] of marks.slice(0, -1).entries()) {
      const names = [...(from < prompt.length ? ["prompt"] : []), ...(from < this.#same ? ["same"] : [])];
      this.page.append(element("span", names.join(" "), text.slice(from, marks[index + 1])));
    }
  }

  #files(take) {
    const [parts, bar, files] = [element("div", "ways"), element("div", "bar"), element("div", "bar")];
    const on = button("Go on in Play", () => this.#goOn(take));
    const fill = button("Work on it in Fill", () => this.#tell("room", { name: "fill", checkpoint: take.checkpoint, take: take.take }));
    const inside = button("Look inside", () => this.#tell("room", { name: "inside", checkpoint: take.checkpoint, take: take.take }));
    inside.hidden = !customElements.get("seq-room-inside");
    bar.append(on, fill, inside);
    files.append(element("span", "soft", "Download"));
    for (const suffix of take.formats) files.append(button(suffix, () => this.#tell("file", `/takes/file/${encodeURIComponent(take.take + suffix)}`)));
    const bundle = button("for another machine", () => this.#tell("file", `/takes/export?take=${encodeURIComponent(take.take)}`));
    bundle.title = "A file that `seqgen takes import` reads";
    files.append(bundle);
    parts.append(bar, files);
    return parts;
  }

  #goOn(take) {
    const prompt = take.heard ? undefined : take.text.slice(-PROMPT);
    this.#tell("room", { name: "play", checkpoint: take.checkpoint, prompt, take: take.take });
  }

  #settings(take) {
    const [part, table] = [element("details"), element("table")];
    part.append(element("summary", "", "How it was sampled"), table);
    this.rows = [["checkpoint", take.checkpoint], ["seed", take.seed], ...take.settings].map(([name, value]) => {
      const row = element("tr");
      row.dataset.name = name;
      row.append(element("th", "", name), element("td", "", value));
      return row;
    });
    table.append(...this.rows);
    return part;
  }
}

customElements.define("seq-take", TakeView);
