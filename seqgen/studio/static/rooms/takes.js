// The room Takes: the list of what was ever sampled, one take whole or two side by side, stars, files, going on.

import { button, download, element, labelled, showError } from "../page.js";
import "../take.js";

const [FEW, MORE, MOST] = [60, 240, 2000]; // takes of the list
const SIDES = ["left", "right"];

class Takes extends HTMLElement {
  #link = null;
  #limit = FEW;
  #old = true; // whether there may be takes that the list does not show

  enter({ link }) {
    this.#link = link;
    if (!this.list) {
      this.#build();
      this.#listen();
    }
    this.#ask();
  }

  /** Another room shows a take: {take}. */
  asked({ take }) { if (take) this.#open(take, "left"); }

  #build() {
    const [layout, choice, stage] = [element("div", "takes"), element("div", "card choice"), element("section", "stage")];
    this.starred = element("input");
    this.starred.type = "checkbox";
    this.starred.addEventListener("change", () => this.#ask());
    this.list = element("ul", "list");
    this.list.setAttribute("aria-label", "Takes, the latest first");
    this.more = button("Show more", () => { this.#limit = Math.min(this.#limit + MORE, MOST); this.#ask(); });
    this.missing = element("p", "soft small");
    const bar = element("div", "bar");
    bar.append(labelled("Starred only", this.starred, "check"), button("Export starred", () => this.#fetch("/takes/export")));
    choice.append(bar, this.list, this.more, this.missing);
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.error.hidden = true;
    this.empty = element("p", "empty soft", "Choose a take to see and hear it; with Compare a second one comes beside it.");
    this.parted = element("p", "soft small");
    this.parted.setAttribute("role", "status");
    this.pair = element("div", "pair");
    this.views = Object.fromEntries(SIDES.map((side) => [side, this.#view(side)]));
    this.pair.append(...Object.values(this.views));
    stage.setAttribute("aria-label", "The takes that are open");
    stage.append(this.error, this.empty, this.parted, this.pair);
    layout.append(choice, stage);
    this.append(layout);
    this.#shown();
  }

  #view(side) {
    const view = document.createElement("seq-take");
    view.addEventListener("star", ({ detail }) => this.#star(detail));
    view.addEventListener("close", () => { this.views[side].take = null; this.#shown(); });
    view.addEventListener("file", ({ detail }) => this.#fetch(detail));
    view.addEventListener("sound", () => { for (const other of Object.values(this.views)) if (other !== view) other.hush(); });
    return view;
  }

  #listen() {
    const link = this.#link;
    link.on("takes.list", (event) => this.#listed(event));
    link.on("takes.open", ({ side, take }) => { this.views[side].take = take; this.#shown(); });
    link.on("takes.starred", ({ take, starred }) => this.#marked(take, starred));
    link.on("error", (error) => { if (error.room === "takes") showError(this.error, error); });
    for (const made of ["sample", "fill.made"]) link.on(made, () => { this.#old = true; this.#freshen(); });
    addEventListener("hashchange", () => this.#freshen());
  }

  #freshen() { if (this.#old && !this.hidden) this.#ask(); }

  #ask() {
    this.#old = location.hash !== "#takes"; // when somebody comes in, others may have made some meanwhile
    this.#link.send({ do: "takes.list", starred: this.starred.checked, limit: this.#limit });
  }

  #listed({ takes, more, missing }) {
    showError(this.error, null);
    this.list.replaceChildren(...takes.map((take) => this.#row(take)));
    this.more.hidden = !more || this.#limit >= MOST;
    this.missing.textContent = missing.length ? `Left out: ${missing.join("; ")}` : "";
    if (!takes.length) this.list.append(element("li", "soft", this.starred.checked ? "No take has a star." : "No takes yet: whatever is generated becomes one."));
    this.#current();
  }

  #row(take) {
    const item = element("li");
    item.dataset.take = take.take;
    const star = button("", () => this.#star({ take: take.take, starred: star.getAttribute("aria-pressed") !== "true" }), "star");
    star.setAttribute("aria-label", `Star of ${take.take}`);
    star.setAttribute("aria-pressed", String(take.starred));
    const open = button("", () => this.#open(take.take, "left"), "open");
    const begins = take.fault ?? (take.heard ? "music" : take.begins);
    open.append(element("b", "", `${take.model}${take.label ? `, ${take.label}` : ""}`), element("span", "soft", when(take)));
    if (begins) open.append(element("span", take.fault ? "begins fault" : "begins", begins));
    const beside = button("Compare", () => this.#open(take.take, "right"), "beside");
    beside.setAttribute("aria-label", `Compare with ${take.take}`);
    item.append(star, open, beside);
    return item;
  }

  #open(take, side) {
    showError(this.error, null);
    const where = side === "right" && !this.views.left.take ? "left" : side;
    this.#link.send({ do: "takes.open", take, side: where });
  }

  #star({ take, starred }) { this.#link.send({ do: "takes.star", take, starred }); }

  #marked(take, starred) {
    for (const item of this.list.children) {
      if (item.dataset.take === take) item.querySelector(".star").setAttribute("aria-pressed", String(starred));
    }
    for (const view of Object.values(this.views)) if (view.take?.take === take) view.starred = starred;
  }

  async #fetch(address) {
    showError(this.error, null);
    try {
      await download(address);
    } catch (error) {
      showError(this.error, error.hint === undefined ? { message: "the file cannot be had" } : error);
    }
  }

  /** What is open side by side: where two texts part, which settings differ. */
  #shown() {
    const [left, right] = SIDES.map((side) => this.views[side].take);
    this.empty.hidden = Boolean(left || right);
    this.pair.classList.toggle("two", Boolean(left && right));
    const others = new Set();
    let same = 0;
    if (left && right) {
      const [one, other] = [left, right].map((take) => new Map([...take.settings, ["seed", take.seed], ["checkpoint", take.checkpoint]]));
      for (const name of new Set([...one.keys(), ...other.keys()])) if (one.get(name) !== other.get(name)) others.add(name);
      const [first, second] = [left.text ?? "", right.text ?? ""];
      while (same < Math.min(first.length, second.length) && first[same] === second[same]) same += 1;
    }
    for (const side of SIDES) this.views[side].compare(others, same);
    this.parted.hidden = !(left && right);
    const differ = others.size ? `They differ in ${[...others].join(", ")}` : "They were sampled alike";
    this.parted.textContent = same ? `${differ}; the first ${same.toLocaleString("en")} characters are the same.` : `${differ}.`;
    this.#current();
  }

  #current() {
    const open = SIDES.map((side) => this.views[side].take?.take);
    for (const item of this.list.children) item.classList.toggle("shown", open.includes(item.dataset.take));
  }
}

function when({ created, tokens, whole, imported }) {
  const time = created.slice(5, 16).replace("T", " ");
  return [time, `${tokens.toLocaleString("en")} tokens`, ...(whole ? [] : ["unfinished"]), ...(imported ? ["imported"] : [])].join(" · ");
}

customElements.define("seq-room-takes", Takes);
