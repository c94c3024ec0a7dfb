// <seq-variation>: one result beside others: what is new of a text within what is around it, or a roll that sounds.
//
//   card.show(made, {before, after, lines, box});   // made: as the server tells it; before, after: lengths that stay;
//                                                   // lines: a text whose lines are not new; box: where music is new
//   events: "use", "sound" before it sounds; "room" {name: "takes", take} where somebody wants to see its take

import { button, element, notesOf } from "./page.js";
import { shown } from "./lines.js";
import "./deck.js";

const AROUND = 240; // characters that are shown on each side
const LEAD = 1; // seconds of a piece before what is new

export class Variation extends HTMLElement {
  #deck = null;
  made = null;

  show(made, around) {
    this.made = made;
    this.replaceChildren();
    const head = element("div", "bar");
    const use = button("Use this one", () => this.dispatchEvent(new CustomEvent("use")), "main");
    head.append(element("h3", "", `Variation ${made.index + 1}`), element("span", "soft small", `${made.tokens} tokens`));
    this.append(head, made.heard ? this.#music(made, around) : written(made.text, around));
    const foot = element("div", "bar");
    foot.append(use);
    if (made.take) foot.append(button("Its take", () => this.#take()));
    this.append(foot);
    if (!this.#deck || !around.box) return;
    this.#deck.seek(Math.max(around.box.from - LEAD, 0));
    this.#deck.roll.box = around.box;
  }

  hush() { this.#deck?.stop(); }

  #take() { this.dispatchEvent(new CustomEvent("room", { bubbles: true, detail: { name: "takes", take: this.made.take } })); }

  #music({ sheet }) {
    this.#deck = document.createElement("seq-deck");
    for (const name of ["click", "keydown"]) {
      this.#deck.addEventListener(name, () => this.dispatchEvent(new CustomEvent("sound")), true);
    }
    this.append(this.#deck);
    this.#deck.show({ notes: notesOf(sheet.notes), bars: sheet.bars, names: sheet.names });
    return this.#deck;
  }
}

function written(text, { before, after, lines }) {
  const page = element("div", "written");
  page.tabIndex = 0;
  page.setAttribute("role", "group");
  if (lines !== undefined) {
    const known = new Set(shown(lines).split("\n"));
    for (const line of shown(text).split("\n")) page.append(element(known.has(line) ? "span" : "mark", "", `${line}\n`));
    return page;
  }
  const end = text.length - after;
  page.append(`${before > AROUND ? "…" : ""}${shown(text.slice(Math.max(0, before - AROUND), before))}`, element("mark", "", shown(text.slice(before, end))));
  page.append(`${shown(text.slice(end, end + AROUND))}${after > AROUND ? "…" : ""}`);
  return page;
}

customElements.define("seq-variation", Variation);
