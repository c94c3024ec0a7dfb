// Text as it comes, coloured by surprise; a click goes on from there otherwise.

import { element } from "./exported_parts.js";
import "./text.js";

export class View {
  constructor(place, api) {
    this.api = api;
    this.text = document.createElement("seq-text");
    const told = "Coloured by surprise. Point at a token to see what was likely; click it to go on otherwise from there.";
    const key = element("p", "soft", told);
    place.append(key, this.text);
    this.text.addEventListener("branch", ({ detail }) => this.branch(detail));
    this.clear();
  }

  clear() {
    this.tokens = [];
    this.given = "";
    this.text.clear();
  }

  prompt(text) {
    this.given = text;
    if (text) this.text.add({ text, prompt: true });
  }

  show(tokens) {
    for (const token of tokens) {
      this.tokens.push(token);
      this.text.add(token);
    }
  }

  end(rest) {
    if (rest) this.show([{ id: -1, text: rest, surprise: 0, likely: [] }]);
  }

  /** Keep what stands before a token, with another one in its place if one was chosen, and go on from there. */
  branch({ index, choice }) {
    if (!this.api.checked()) return; // nothing is taken away for a seed that makes no sense
    const at = index - (this.given ? 1 : 0), old = this.tokens[at];
    const other = choice === null ? null : old.likely.find(([text]) => text === choice);
    const kept = this.tokens.slice(0, at), { given } = this;
    if (other) kept.push({ ...old, id: other[2], text: other[0], surprise: -Math.log(other[1]) });
    this.clear();
    this.prompt(given);
    this.show(kept);
    this.api.again(kept.map((token) => token.id).filter((id) => id >= 0));
  }

  file() {
    return { bytes: this.given + this.tokens.map((token) => token.text).join(""), type: "text/plain;charset=utf-8" };
  }
}
