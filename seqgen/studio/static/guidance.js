// <seq-guidance>: what can be said of a run before it begins: the corpus, the model, how often it is read, what to change.
//
//   guidance.wait();  guidance.hear(event);  guidance.clear();      // event: train.guide, as the server tells it

import { element, showError } from "./page.js";

export class Guidance extends HTMLElement {
  connectedCallback() {
    if (this.now) return;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", "Before it trains");
    this.now = element("p", "soft small");
    this.now.setAttribute("role", "status");
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.rows = element("dl");
    this.said = element("div", "notes");
    this.said.setAttribute("aria-live", "polite");
    this.append(element("h2", "", "Before it trains"), this.now, this.error, this.said, this.rows);
    this.clear();
  }

  clear() {
    this.hidden = true;
    this.now.textContent = "";
    showError(this.error, null);
    for (const part of [this.rows, this.said]) part.replaceChildren();
  }

  /** It was asked for: what stands here stays until something new comes. */
  wait() {
    this.hidden = false;
    this.now.textContent = "Looking at the corpus …";
  }

  hear(event) {
    const { kind } = event;
    if (kind === "note") this.now.textContent = event.message.trim();
    if (kind === "reading") this.now.textContent = `Reading ${event.name}, ${Math.round((100 * event.done) / Math.max(event.total, 1))} %`;
    if (kind === "described") this.#described(event.rows);
    if (kind === "guided") this.#guided(event.said);
    if (kind === "error") {
      this.clear();
      this.hidden = false;
      showError(this.error, event);
    }
  }

  #described(rows) {
    showError(this.error, null);
    this.said.replaceChildren();
    this.rows.replaceChildren(...rows.flatMap(([key, value]) => [element("dt", "", key), element("dd", "", value)]));
    this.now.textContent = "Trying how quickly this machine learns …";
  }

  #guided(said) {
    this.now.textContent = "";
    this.said.replaceChildren(...said.map((each) => element("p", "", each)));
  }
}

customElements.define("seq-guidance", Guidance);
