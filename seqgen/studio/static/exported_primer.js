// What music goes on from: a MIDI file that is chosen, or dropped anywhere on the page.

import { element } from "./exported_parts.js";

const TYPES = ".mid,.midi,.kar,.rmi";
const MOST = 64 << 20; // bytes
const UNABLE = "A model with this codec does not go on from a file in a page.";

export class Primer {
  /**
   * `place`: where it is asked for; `able`: whether the model can; `read` takes {name, bytes}, `fail` a sentence;
   * `changed` and `left` are called when there is another file, and when there is none any more.
   */
  constructor(place, able, { read, fail, changed, left }) {
    Object.assign(this, { read, fail, changed, left, ids: null });
    if (!able) {
      place.append(element("p", "soft", UNABLE));
      return;
    }
    const bar = element("div", "bar primer");
    this.input = element("input");
    Object.assign(this.input, { type: "file", accept: TYPES, hidden: true, id: "ask-primer" });
    this.choose = element("button", "", "Go on from a MIDI file…");
    this.choose.addEventListener("click", () => this.input.click());
    this.said = element("span", "soft", "Nothing: a new piece. A file can be dropped on the page.");
    this.said.setAttribute("role", "status");
    this.leave = element("button", "", "Leave it out");
    this.leave.hidden = true;
    this.leave.addEventListener("click", () => this.forget());
    this.input.addEventListener("change", () => this.take(this.input.files));
    bar.append(this.choose, this.input, this.said, this.leave);
    place.append(bar);
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take(event.dataTransfer.files);
    });
  }

  async take([file]) {
    this.input.value = "";
    if (!file) return;
    if (file.size > MOST) {
      this.fail(`${file.name} has ${file.size} bytes, expected a MIDI file of at most ${MOST}.`);
      return;
    }
    this.read({ name: file.name, bytes: await file.arrayBuffer() });
  }

  /** The ids of a file have come. */
  put({ name, ids, music }) {
    this.ids = ids;
    this.begins = music.notes.reduce((latest, { start }) => Math.max(latest, start), 0);
    this.said.textContent = `${name}: ${music.notes.length} note${music.notes.length === 1 ? "" : "s"}.`;
    this.leave.hidden = false;
    this.changed();
  }

  forget() {
    this.ids = null;
    this.said.textContent = "Nothing: a new piece.";
    this.leave.hidden = true;
    this.choose.focus();
    this.changed();
    this.left();
  }
}
