// <seq-choice>: the choice of a model: runs, published ones, or any other by its folder, file or name.
//
//   choice.offer(models, wanted);  choice.choose(name);  choice.chosen
//   choice.addEventListener("open", (event) => event.detail)      // the name of a model that was chosen

import { element, labelled } from "./page.js";

const OTHER = "other";

export class Choice extends HTMLElement {
  #list = null;
  #other = null;
  #field = null;

  connectedCallback() {
    if (this.#list) return;
    this.#list = element("select", "wide");
    this.#other = element("input", "wide");
    [this.#other.type, this.#other.placeholder] = ["text", "runs/mine or hf://user/repo"];
    for (const each of [this.#list, this.#other]) each.addEventListener("change", () => this.#chose());
    this.#field = labelled("Its folder, file or name", this.#other);
    this.append(labelled(this.getAttribute("label") ?? "Model", this.#list), this.#field);
  }

  get chosen() { return this.#list.value === OTHER ? this.#other.value.trim() : this.#list.value; }

  offer(models, wanted) {
    this.#list.replaceChildren();
    for (const [kind, title] of [["run", "Runs"], ["published", "Published"]]) {
      const group = element("optgroup");
      group.label = title;
      for (const { name } of models.filter((model) => model.kind === kind)) group.append(new Option(name, name));
      if (group.children.length) this.#list.append(group);
    }
    this.#list.append(new Option("another …", OTHER));
    this.choose(wanted || models[0]?.name || OTHER);
  }

  choose(name) {
    const known = [...this.#list.options].some((option) => option.value === name);
    this.#list.value = known ? name : OTHER;
    if (!known) this.#other.value = name;
    this.#field.hidden = this.#list.value !== OTHER;
  }

  #chose() {
    this.#field.hidden = this.#list.value !== OTHER;
    if (this.chosen) this.dispatchEvent(new CustomEvent("open", { detail: this.chosen }));
  }
}

customElements.define("seq-choice", Choice);
