// <seq-settings>: settings of a run by name, as `-P KEY VALUE` takes them; all that is said of them comes from the server.
//
//   settings.show(groups);      // [{title, fields: [{name, help, default, expected, choices}]}]; what was typed stays
//   settings.values             // {name: text} of those that were given; event "change" where one was

import { element, labelled } from "./page.js";

let made = 0;

export class Settings extends HTMLElement {
  #typed = new Map();
  #open = new Set();

  connectedCallback() {
    if (this.groups) return;
    this.groups = element("div", "groups");
    this.append(this.groups);
  }

  get values() {
    const given = this.#fields.map((field) => [field.name, field.value.trim()]);
    return Object.fromEntries(given.filter(([, value]) => value));
  }

  get #fields() { return [...this.groups.querySelectorAll("[name]")]; }

  show(groups) {
    for (const { name, value } of this.#fields) this.#typed.set(name, value); // what is being typed, too
    const focused = this.contains(document.activeElement) ? document.activeElement.name : null;
    this.groups.replaceChildren(...groups.map((group) => this.#group(group)));
    if (focused) this.#fields.find((field) => field.name === focused)?.focus();
  }

  #group({ title, fields }) {
    const part = element("details");
    const kind = title.split(" ")[0]; // of another cell or codec the part stays open, too
    part.open = this.#open.has(kind);
    part.addEventListener("toggle", () => { if (part.open) this.#open.add(kind); else this.#open.delete(kind); });
    part.append(element("summary", "", title), ...fields.map((row) => this.#field(row)));
    return part;
  }

  #field({ name, help, default: usual, expected, choices }) {
    const field = element(choices.length ? "select" : "input", "wide");
    if (choices.length) field.append(new Option(usual, ""), ...choices.map((each) => new Option(each, each)));
    else [field.type, field.placeholder, field.autocomplete, field.spellcheck] = ["text", usual, "off", false];
    field.name = name;
    field.value = this.#typed.get(name) ?? "";
    const [box, told] = [labelled(name, field), element("p", "help soft", [help, expected].filter(Boolean).join("; "))];
    told.id = `setting-${made++}`;
    field.setAttribute("aria-describedby", told.id);
    box.append(told);
    return box;
  }
}

customElements.define("seq-settings", Settings);
