// <seq-fill-form>: how a text or a piece is filled: what is made, of which bars and parts, how many variations.
//
//   form.rows = hello.controls;  form.model = facts;  form.piece = sheet;
//   form.asked();                 // {how, count, values, seed, alone, parts, amount} of a message fill.start
//   form.place(roll);             // {seconds} or {bars} of what is marked on the roll
//   form.box(box, bars);          // the box was drawn: the bars follow; event "bars" where these were changed
//   form.boxOf(roll);             // the box of the bars

import { element, labelled } from "./page.js";
import "./slider.js";

const AMOUNT = { name: "amount", kind: "number", default: 0.3, least: 0.05, most: 1, unit: "", help: "The share that is made anew" };
const COUNT = { name: "variations", kind: "whole", default: 3, least: 1, most: 8, unit: "", help: "How many, side by side" };
const HOWS = [["fill", "What is marked"], ["accompany", "Parts to it"], ["vary", "A share of all"]];

export class FillForm extends HTMLElement {
  #model = null;
  #sheet = null;
  #values = { amount: AMOUNT.default, variations: COUNT.default };

  set rows(rows) { this.temperature = rows.find((row) => row.name === "temperature"); }

  connectedCallback() {
    if (this.choice) return;
    this.choice = element("select", "wide");
    this.choice.addEventListener("change", () => this.#shown());
    this.bars = element("div", "pair");
    [this.first, this.last] = ["First bar", "Last bar"].map((name) => {
      const field = element("input", "wide");
      [field.type, field.min] = ["number", "1"];
      field.addEventListener("change", () => this.dispatchEvent(new CustomEvent("bars")));
      this.bars.append(labelled(name, field));
      return field;
    });
    this.parts = element("fieldset", "parts");
    this.amount = this.#slider(AMOUNT);
    this.alone = element("input");
    this.alone.type = "checkbox";
    this.aloneField = labelled("Read what stands before it alone", this.alone, "check");
    this.seed = element("input", "wide");
    [this.seed.type, this.seed.min, this.seed.placeholder] = ["number", "0", "a fresh one"];
    this.append(
      labelled("What is made anew", this.choice), this.bars, this.parts, this.amount, this.#slider(COUNT),
      this.#slider(this.temperature), this.aloneField, labelled("Seed", this.seed),
    );
    this.addEventListener("turn", ({ detail: { name, value } }) => { this.#values[name] = value; });
  }

  #slider(row) {
    const slider = document.createElement("seq-slider");
    slider.row = row;
    return slider;
  }

  get how() { return this.choice.value; }

  set model(model) {
    this.#model = model;
    const before = this.how;
    const hows = HOWS.filter(([how]) => how !== "accompany" || (model.parts.length && !model.missing));
    this.choice.replaceChildren(...hows.map(([how, title]) => new Option(title, how)));
    if (hows.some(([how]) => how === before)) this.choice.value = before;
    this.alone.checked = Boolean(model.missing);
    this.alone.disabled = Boolean(model.missing);
    this.#shown();
  }

  set piece(sheet) {
    this.#sheet = sheet;
    this.#shown();
  }

  #shown() {
    if (!this.#model) return;
    const [heard, how] = [this.#model.heard, this.how];
    this.aloneField.hidden = how === "accompany";
    this.amount.hidden = how !== "vary";
    this.bars.hidden = !heard || how !== "fill";
    const names = how === "accompany" ? this.#model.parts : (this.#sheet?.names ?? []).filter(Boolean);
    this.parts.hidden = !heard || how === "vary" || !names.length || !this.#model.parts.length || Boolean(this.#model.missing);
    const ticked = this.#ticked();
    this.parts.replaceChildren(element("legend", "", how === "accompany" ? "Parts that are written" : "Only these parts; none: all"));
    for (const name of names) {
      const box = element("input");
      [box.type, box.value, box.checked] = ["checkbox", name, ticked.includes(name)];
      this.parts.append(labelled(name, box, "check"));
    }
  }

  #ticked() { return [...this.parts.querySelectorAll("input:checked")].map((box) => box.value); }

  box(box, bars) {
    const found = box && barsOf(box, bars);
    [this.first.value, this.last.value] = found ?? ["", ""];
  }

  boxOf(roll) {
    const [first, last] = [Number(this.first.value), Number(this.last.value || this.first.value)];
    const bars = roll.bars;
    if (!(first >= 1 && last >= first && first < bars.length)) return null;
    return { from: bars[first - 1], to: bars[Math.min(last, bars.length - 1)], low: 0, high: 127 };
  }

  place(roll) {
    const box = roll.box;
    if (this.how !== "fill" || !box) return {};
    if (!this.#ticked().length || this.parts.hidden) return { seconds: [box.from, box.to] };
    return { bars: barsOf(box, roll.bars) };
  }

  asked() {
    const found = { how: this.how, count: this.#values.variations };
    if (this.#values.temperature !== undefined) found.values = { temperature: this.#values.temperature };
    if (this.seed.value) found.seed = this.seed.value; // as text: a number would lose digits beyond 2^53
    if (this.#model.heard && !this.#model.missing && this.how !== "vary" && (this.how === "accompany" || this.#ticked().length)) found.parts = this.#ticked();
    if (this.how === "vary") found.amount = this.#values.amount;
    if (!this.aloneField.hidden) found.alone = this.alone.checked;
    return found;
  }
}

/** The first and the last bar of a box, from 1. */
function barsOf(box, bars) {
  const first = bars.findLastIndex((bar) => bar <= box.from + 1e-3) + 1;
  const last = bars.findIndex((bar) => bar >= box.to - 1e-3);
  return [Math.max(first, 1), last < 1 ? Math.max(bars.length - 1, 1) : last];
}

customElements.define("seq-fill-form", FillForm);
