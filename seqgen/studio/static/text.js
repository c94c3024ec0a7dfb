// <seq-text>: text that streams in, each token coloured by its surprise; the likeliest tokens at a place on hover and
// focus; a click, or Enter, branches from there.
//
//   text.add({text: "a", surprise: 0.4, likely: [["a", 0.67], ["b", 0.1]]})   // surprise in nats; likely may be missing
//   text.add({text: "ROMEO:", prompt: true})                                 // what it goes on from
//   text.clear();
//   text.addEventListener("branch", (event) => event.detail)                 // {index, choice}: choice is text, or null
//
// Tokens are put in once a frame, into chunks of lines that the browser lays out when they are in sight. The oldest
// chunks go where there are more than `text.most` tokens, so that an endless text takes bounded memory; indices go on.

const CHUNK = 240; // tokens after which the next line begins a new chunk
const LONGEST = 2400; // tokens of a chunk without a line end
const STEP = 0.75; // nats from one colour to the next
const COLOURS = 7;
const LINGER = 250; // ms until a card without a pointer goes

export class SurpriseText extends HTMLElement {
  #page = null;
  #card = null;
  #chunk = null;
  #chunks = [];
  #tokens = [];
  #first = 0; // index of the oldest token that is kept
  #waiting = [];
  #frame = 0;
  #here = null;
  #timer = 0;
  #stuck = true;
  most = 60000; // tokens that are kept

  connectedCallback() {
    if (this.#page) return;
    this.#page = element("div", "page");
    this.#page.tabIndex = 0;
    this.#page.setAttribute("role", "group");
    this.#page.setAttribute("aria-label", this.getAttribute("label") ?? "Text, coloured by surprise. Arrow keys go from token to token, Enter branches.");
    this.#card = element("div", "likely");
    this.#card.hidden = true;
    this.#card.setAttribute("role", "status");
    this.append(this.#page, this.#card);
    this.#listen();
  }

  get length() { return this.#first + this.#tokens.length + this.#waiting.length; }

  add(token) {
    this.#waiting.push(token);
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.flush());
  }

  clear() {
    cancelAnimationFrame(this.#frame);
    [this.#frame, this.#first, this.#waiting, this.#tokens, this.#chunks, this.#chunk] = [0, 0, [], [], [], null];
    this.#page.replaceChildren();
    this.#hide();
    this.#stuck = true;
  }

  /** Puts what waits into the page now. */
  flush() {
    this.#frame = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    const apart = document.createDocumentFragment();
    for (const token of waiting) {
      if (!this.#chunk) this.#begin(apart);
      const span = element("span", token.prompt ? "prompt" : shade(token.surprise));
      span.textContent = token.text;
      span.dataset.index = this.#first + this.#tokens.length;
      this.#tokens.push(token);
      this.#chunk.append(span);
      this.#chunk.count += 1;
      if ((token.text.endsWith("\n") && this.#chunk.count >= CHUNK) || this.#chunk.count >= LONGEST) this.#chunk = null;
    }
    this.#page.append(apart);
    this.#trim();
    if (this.#stuck) this.#page.scrollTop = this.#page.scrollHeight;
  }

  #begin(apart) {
    this.#chunk = element("div", "chunk");
    this.#chunk.count = 0;
    this.#chunks.push(this.#chunk);
    apart.append(this.#chunk);
  }

  #trim() {
    while (this.#tokens.length > this.most && this.#chunks.length > 1) {
      const oldest = this.#chunks.shift();
      oldest.remove();
      this.#tokens.splice(0, oldest.count);
      this.#first += oldest.count;
    }
  }

  #listen() {
    const page = this.#page;
    page.addEventListener("scroll", () => {
      this.#stuck = page.scrollHeight - page.scrollTop - page.clientHeight < 40;
    }, { passive: true });
    page.addEventListener("pointerover", (event) => {
      const span = event.target.closest("span[data-index]");
      if (span && event.pointerType === "mouse") this.#show(span);
    });
    for (const each of [page, this.#card]) {
      each.addEventListener("pointerleave", () => { this.#timer = setTimeout(() => this.#hide(), LINGER); });
      each.addEventListener("pointerenter", () => clearTimeout(this.#timer));
    }
    page.addEventListener("click", (event) => {
      const span = event.target.closest("span[data-index]");
      if (!span || !document.getSelection().isCollapsed) return;
      if (event.pointerType === "touch" && span !== this.#here) this.#show(span); // the first tap shows, the next branches
      else this.#branch(span, null);
    });
    page.addEventListener("keydown", (event) => this.#key(event));
    page.addEventListener("blur", () => { this.#timer = setTimeout(() => this.#hide(), LINGER); });
    this.#card.addEventListener("focusin", () => clearTimeout(this.#timer));
    this.#card.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { this.#hide(); page.focus(); }
    });
  }

  #key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in moves && !event.ctrlKey && !event.metaKey) {
      const at = this.#here ? Number(this.#here.dataset.index) + moves[event.key] : this.#first;
      const span = page_span(this.#page, at);
      if (span) { span.scrollIntoView({ block: "nearest" }); this.#show(span); }
      event.preventDefault();
    } else if (event.key === "Enter" && this.#here) {
      this.#branch(this.#here, null);
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.#hide();
    }
  }

  #branch(span, choice) {
    const index = Number(span.dataset.index);
    if (this.#tokens[index - this.#first]?.prompt) return;
    this.#hide();
    this.dispatchEvent(new CustomEvent("branch", { bubbles: true, detail: { index, choice } }));
  }

  #show(span) {
    clearTimeout(this.#timer);
    const token = this.#tokens[Number(span.dataset.index) - this.#first];
    this.#here?.classList.remove("here");
    this.#here = span;
    span.classList.add("here");
    if (!token || token.prompt) { this.#card.hidden = true; return; }
    const nats = token.surprise;
    const said = Number.isFinite(nats) ? `${visible(token.text)} had a chance of ${percent(Math.exp(-nats))} (${nats.toFixed(2)} nats)` : visible(token.text);
    this.#card.replaceChildren(element("p", "told", said));
    for (const [text, chance] of token.likely ?? []) this.#card.append(this.#likely(span, token, text, chance));
    this.#card.hidden = false;
    this.#place(span);
  }

  #likely(span, token, text, chance) {
    const button = element("button", text === token.text ? "drawn" : "");
    button.type = "button";
    const [name, number, bar] = [element("span", "", visible(text)), element("span", "", percent(chance)), element("i")];
    bar.style.width = `${100 * chance}%`;
    button.append(name, number, bar);
    button.setAttribute("aria-label", `Branch with ${visible(text)}, chance ${percent(chance)}`);
    button.addEventListener("click", () => this.#branch(span, text));
    return button;
  }

  /** The card stands at the token; on a narrow page under the text (theme.css), where it must not cover the token. */
  #place(span) {
    const [own, at] = [this.getBoundingClientRect(), span.getClientRects()[0] ?? span.getBoundingClientRect()];
    const [width, height] = [this.#card.offsetWidth, this.#card.offsetHeight];
    const left = Math.max(0, Math.min(at.left - own.left, own.width - width));
    const below = at.bottom + 4 + height < innerHeight || at.top < height;
    this.#card.style.setProperty("--left", `${left}px`);
    this.#card.style.setProperty("--top", `${below ? at.bottom - own.top + 2 : at.top - own.top - height - 2}px`);
    if (getComputedStyle(this.#card).position !== "sticky") return;
    const covered = span.getBoundingClientRect().bottom + 4 - this.#card.getBoundingClientRect().top;
    if (covered > 0) scrollBy(0, covered);
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#here?.classList.remove("here");
    this.#here = null;
    this.#card.hidden = true;
  }
}

function page_span(page, index) { return page.querySelector(`span[data-index="${index}"]`); }

function shade(surprise) {
  return Number.isFinite(surprise) ? `u${Math.max(0, Math.min(COLOURS, Math.floor(surprise / STEP)))}` : "u0";
}

function percent(chance) { return chance >= 0.0995 ? `${Math.round(100 * chance)} %` : `${(100 * chance).toPrecision(2)} %`; }

function visible(text) {
  return text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll(" ", "␣") || "∅";
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

customElements.define("seq-text", SurpriseText);
