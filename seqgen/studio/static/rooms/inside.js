// The room Inside: what goes on in a model over a text or a take, as `seqgen look` draws it, in a frame of its own.

import { button, download, element, labelled, showError } from "../page.js";
import "../choice.js";

class Inside extends HTMLElement {
  #link = null;
  #run = 0;
  #running = false;
  #take = null;
  #number = null;

  enter({ link, hello, room }) {
    const again = this.#link !== null;
    this.#link = link;
    if (!again) {
      this.#build();
      this.#listen();
    }
    this.choice.offer(room.models, again ? this.choice.chosen : hello.checkpoint);
    this.#over();
  }

  /** Another room shows a model, or a take: {checkpoint, take}. */
  asked({ checkpoint, take }) {
    if (checkpoint) this.choice.choose(checkpoint);
    this.#takes(take ?? null);
    if (take) this.#look();
  }

  #build() {
    const [layout, controls, stage] = [element("div", "inside"), element("div", "card controls"), element("section", "stage")];
    this.choice = document.createElement("seq-choice");
    this.text = element("textarea");
    [this.text.rows, this.text.placeholder] = [6, "What the model reads; of music choose a take in the room Takes."];
    this.of = element("div", "bar");
    this.whole = element("input");
    this.whole.type = "checkbox";
    this.go = button("Look", () => this.#look(), "main");
    this.end = button("Stop", () => this.#link.send({ do: "inside.stop" }));
    const bar = element("div", "bar go");
    bar.append(this.go, this.end);
    controls.append(
      this.choice, labelled("Over this text", this.text), this.of,
      labelled("Gradients, saliency and errors, too (takes longer)", this.whole, "check"), bar,
    );
    stage.setAttribute("aria-label", "The pictures");
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.error.hidden = true;
    this.empty = element("p", "empty soft", "Choose a model and a text, and press Look: what its cells follow, what it expects, its gates.");
    this.told = element("p", "soft small");
    this.told.setAttribute("role", "status");
    this.save = button("Save the page", () => this.#save());
    this.frame = element("iframe");
    this.frame.setAttribute("sandbox", "allow-scripts");
    this.frame.title = "Inside the model";
    [this.frame.hidden, this.save.hidden] = [true, true];
    stage.append(this.error, this.empty, this.told, this.frame, this.save);
    layout.append(controls, stage);
    this.append(layout);
  }

  #listen() {
    const mine = (name, act) => this.#link.on(name, (event) => { if ((event.run ?? this.#run) === this.#run) act(event); });
    mine("inside.note", ({ message }) => { this.told.textContent = message; });
    mine("inside.stopped", () => { this.told.textContent = "Stopped."; this.#over(); });
    mine("inside.page", ({ number }) => this.#shown(number));
    mine("error", (error) => { if (error.room === "inside") { showError(this.error, error); this.told.textContent = ""; this.#over(); } });
    this.#link.on("down", () => this.#over());
  }

  #takes(take) {
    this.#take = take;
    this.of.replaceChildren();
    this.text.disabled = Boolean(take);
    if (take) this.of.append(element("span", "soft small", `Over the take ${take}`), button("Over a text", () => this.#takes(null)));
  }

  #look() {
    showError(this.error, null);
    const what = this.#take ? { take: this.#take } : { text: this.text.value };
    if (!this.#link.send({ do: "inside.look", run: ++this.#run, checkpoint: this.choice.chosen, whole: this.whole.checked, ...what })) return;
    this.#running = true;
    this.told.textContent = "Looking …";
    this.#over(true);
  }

  #shown(number) {
    this.#number = number;
    this.told.textContent = "";
    this.frame.src = `/inside/page/${number}`;
    [this.frame.hidden, this.save.hidden, this.empty.hidden] = [false, false, true];
    this.#over();
  }

  async #save() {
    try {
      await download(`/inside/file/${this.#number}`);
    } catch (error) {
      showError(this.error, error.hint === undefined ? { message: "the page cannot be had" } : error);
    }
  }

  #over(running = false) {
    this.#running = running;
    this.go.disabled = this.#running || !this.#link.up;
    this.end.disabled = !this.#running;
  }
}

customElements.define("seq-room-inside", Inside);
