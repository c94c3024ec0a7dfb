// <seq-slider>: one control, made of its row in the control schema: {name, kind, default, least, most, unit, help, choices}.
//
//   slider.row = row; slider.value = 0.9;
//   slider.addEventListener("turn", (event) => event.detail)   // {name, value}; null: as the model likes

let made = 0;

export class Slider extends HTMLElement {
  #row = null;
  #value = null;
  #field = null;
  #output = null;
  #auto = null; // takes the value back, where there need be none
  #waiting = false;

  get row() { return this.#row; }

  set row(row) {
    this.#row = row;
    this.#value = row.default ?? null;
    this.#build();
  }

  get value() { return this.#value; }

  set value(value) {
    this.#value = value;
    this.#show();
  }

  set disabled(off) { if (this.#field) this.#field.disabled = off; }

  #build() {
    const { name, kind, help, unit } = this.#row;
    const id = `control-${made++}`;
    this.replaceChildren();
    const head = element("div", "row");
    if (kind === "flag") {
      this.#field = element("button", "", words(name));
      this.#field.type = "button";
      this.#field.title = help;
      this.#field.addEventListener("click", () => this.#tell(true));
      this.append(this.#field);
      return;
    }
    const label = element("label", "", words(name));
    label.htmlFor = id;
    this.#output = element("output");
    this.#output.htmlFor = id;
    head.append(label, this.#output);
    this.#field = this.#made(kind);
    this.#field.id = id;
    this.#field.setAttribute("aria-describedby", `${id}-help`);
    const told = element("p", "help", unit ? `${help} (${unit})` : help);
    told.id = `${id}-help`;
    this.append(head, this.#field, told);
    if (this.#row.default === null && (kind === "number" || kind === "whole")) {
      const auto = element("button", "auto", "as it likes");
      auto.type = "button";
      auto.setAttribute("aria-label", `${words(name)}: as the model likes`);
      auto.addEventListener("click", () => this.#take(null));
      head.append(auto);
      this.#auto = auto;
    }
    this.#show();
  }

  #made(kind) {
    const { least, most, choices } = this.#row;
    if (kind === "choice") {
      const field = element("select");
      if (this.#row.default === null) field.append(new Option("as it likes", ""));
      for (const each of choices) field.append(new Option(each, each));
      field.addEventListener("change", () => this.#take(field.value || null));
      return field;
    }
    const field = element("input");
    if (kind === "text") {
      field.type = "text";
      field.autocomplete = "off";
      field.addEventListener("change", () => this.#take(field.value.trim() || null));
      return field;
    }
    field.type = "range";
    [field.min, field.max] = [least, most];
    field.step = kind === "whole" ? 1 : (most - least > 20 ? 1 : (most - least > 4 ? 0.25 : 0.01));
    field.addEventListener("input", () => this.#take(Number(field.value)));
    return field;
  }

  #take(value) {
    this.#value = value;
    this.#show();
    if (this.#waiting) return;  // a drag makes many values a frame, of which the last counts
    this.#waiting = true;
    queueMicrotask(() => { this.#waiting = false; this.#tell(this.#value); });
  }

  #tell(value) {
    this.dispatchEvent(new CustomEvent("turn", { bubbles: true, detail: { name: this.#row.name, value } }));
  }

  #show() {
    if (!this.#output) return;
    const { kind, least, most } = this.#row;
    const none = this.#value === null || this.#value === undefined;
    if (this.#auto) this.#auto.hidden = none;
    if (kind === "number" || kind === "whole") {
      this.#field.value = none ? (least + most) / 2 : this.#value;
      this.#output.textContent = none ? "as it likes" : rounded(this.#value);
      this.#field.setAttribute("aria-valuetext", this.#output.textContent);
    } else {
      this.#field.value = none ? "" : this.#value;
    }
  }
}

function words(name) { return name.replace(/^rule\./, "").replaceAll("_", " "); }

function rounded(value) { return String(Math.round(value * 100) / 100); }

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

customElements.define("seq-slider", Slider);
