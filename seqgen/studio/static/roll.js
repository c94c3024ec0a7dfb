// <seq-roll>: a piano roll that scrolls, one colour a part, bars on the axis, drums in lanes of their own below.
//
//   roll.notes = [{start, duration, pitch, velocity, program, part, drum}];   // seconds
//   roll.bars = [0, 2, 4];  roll.names = ["Violin", "Bass"];                  // where bars begin; what parts are called
//   roll.add(note);  roll.playhead = 1.5;  roll.follow = true;
//   events: "seek" {seconds}; "box" {from, to, low, high, notes}, null where the box was taken away
//
// The scroll bar is the browser's own; a canvas as wide as what is in sight stays in place and is drawn once a frame, so
// that a frame costs what is in sight, whatever the piece is long.

import { AXIS, KEYS, PALETTE, clock, coloursOf, drumRoom, lower, paint } from "./roll_paint.js";

const [LEAST, MOST] = [6, 400]; // pixels a second

export class Roll extends HTMLElement {
  #notes = [];
  #longest = 0;
  #bars = [];
  #names = [];
  #parts = new Map(); // part → place in the palette
  #playhead = 0;
  #scale = 60;
  #end = 0;
  #low = 55;
  #high = 76;
  #lanes = [];
  #box = null;
  #frame = 0;
  #colours = null;
  #scroll = null;
  #room = null;
  #canvas = null;
  #list = null;
  #drag = null;
  #wide = 0;
  follow = true;
  frames = 0; // how often it was drawn, for who measures

  connectedCallback() {
    if (this.#scroll) return;
    this.#scroll = element("div", "scroll");
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("role", "application");
    this.#room = element("div", "room");
    this.#canvas = element("canvas");
    this.#room.append(this.#canvas);
    this.#scroll.append(this.#room);
    this.#list = element("ul", "parts");
    this.append(this.#scroll, this.#list);
    this.#listen();
    new ResizeObserver(() => this.#measure()).observe(this.#scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.#colours = null; this.draw(); this.#legend(); });
    this.#measure();
    this.#legend();
  }

  get notes() { return this.#notes; }

  set notes(notes) {
    this.#notes = [...notes].sort((one, other) => one.start - other.start);
    [this.#longest, this.#end, this.#low, this.#high] = [0, 0, 128, -1];
    this.#parts = new Map();
    this.#lanes = [];
    this.#box = null;
    for (const note of this.#notes) this.#know(note);
    if (this.#high < 0) [this.#low, this.#high] = [55, 76];
    this.#legend();
    this.#measure();
  }

  get bars() { return this.#bars; }

  set bars(bars) { this.#bars = [...bars]; this.#measure(); }

  set names(names) { this.#names = [...names]; this.#legend(); }

  name(part, name) {
    if (this.#names[part] === name) return;
    this.#names[part] = name;
    this.#legend();
  }

  get playhead() { return this.#playhead; }

  set playhead(seconds) {
    this.#playhead = seconds;
    if (this.follow && !this.#drag) {
      const [x, width] = [KEYS + seconds * this.#scale, this.#scroll.clientWidth];
      const left = this.#scroll.scrollLeft;
      if (x < left + KEYS || x > left + width * 0.75) this.#scroll.scrollLeft = x - Math.max(KEYS, width * 0.3);
    }
    this.draw();
  }

  get end() { return this.#end; }

  get scale() { return this.#scale; }

  set scale(pixels) {
    const middle = (this.#scroll.scrollLeft + this.#scroll.clientWidth / 2 - KEYS) / this.#scale;
    this.#scale = Math.min(Math.max(pixels, LEAST), MOST);
    this.#measure();
    this.#scroll.scrollLeft = KEYS + middle * this.#scale - this.#scroll.clientWidth / 2;
  }

  get box() { return this.#box; }

  set box(box) { this.#box = box; this.draw(); }

  add(note) {
    const notes = this.#notes;
    let at = notes.length;
    while (at > 0 && notes[at - 1].start > note.start) at -= 1;
    notes.splice(at, 0, note);
    const parts = this.#parts.size;
    if (notes.length === 1) [this.#low, this.#high] = [128, -1];
    this.#know(note);
    if (this.#parts.size !== parts) this.#legend();
    this.#grow();
    this.draw();
  }

  clear() { [this.#bars, this.#names, this.#playhead] = [[], [], 0]; this.notes = []; }

  draw() { if (!this.#frame && this.#canvas) this.#frame = requestAnimationFrame(() => this.#paint()); }

  #know(note) {
    this.#longest = Math.max(this.#longest, note.duration);
    this.#end = Math.max(this.#end, note.start + note.duration);
    if (note.drum) {
      if (!this.#lanes.includes(note.pitch)) this.#lanes = [...this.#lanes, note.pitch].sort((a, b) => a - b);
      return;
    }
    this.#low = Math.min(this.#low, note.pitch - 2);
    this.#high = Math.max(this.#high, note.pitch + 2);
    if (!this.#parts.has(note.part)) this.#parts.set(note.part, note.part % PALETTE); // the same in every roll
  }

  #measure() {
    if (!this.#canvas) return;
    const [width, height] = [this.#scroll.clientWidth, this.#scroll.clientHeight];
    const density = devicePixelRatio || 1;
    [this.#canvas.width, this.#canvas.height] = [Math.max(width * density, 1), Math.max(height * density, 1)];
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    this.#grow();
    this.draw();
  }

  #grow() { // in steps, as each change of the width is a layout of the page
    const wanted = KEYS + Math.max(this.#end, this.#bars.at(-1) ?? 0) * this.#scale + 40;
    if (wanted > this.#wide || wanted < this.#wide - 4000) this.#room.style.width = `${this.#wide = Math.ceil(wanted / 400) * 400}px`;
  }

  #paint() {
    this.#frame = 0;
    this.frames += 1;
    const [density, pen] = [devicePixelRatio || 1, this.#canvas.getContext("2d", { alpha: false })];
    pen.setTransform(density, 0, 0, density, 0, 0);
    paint({
      pen, width: this.#canvas.width / density, height: this.#canvas.height / density, left: this.#scroll.scrollLeft,
      scale: this.#scale, notes: this.#notes, longest: this.#longest, bars: this.#bars, parts: this.#parts,
      low: this.#low, high: this.#high, lanes: this.#lanes, box: this.#box, playhead: this.#playhead,
    }, this.#colours ??= coloursOf(this));
    this.#tell();
  }

  #legend() {
    if (!this.#list) return;
    const colours = this.#colours ??= coloursOf(this);
    this.#list.replaceChildren();
    for (const [part, place] of [...this.#parts].sort(([one], [other]) => one - other)) {
      const [item, spot] = [element("li"), element("i")];
      spot.style.background = colours.parts[place];
      item.append(spot, this.#names[part] || `part ${part + 1}`);
      this.#list.append(item);
    }
  }

  #tell() {
    const said = `Piano roll: ${this.#notes.length} notes, ${this.#parts.size} parts, ${clock(this.#end)}. `
      + "Arrow keys move by bars, with Shift they select, plus and minus zoom.";
    if (this.#scroll.getAttribute("aria-label") !== said) this.#scroll.setAttribute("aria-label", said);
  }

  // What a person does.

  #listen() {
    const scroll = this.#scroll;
    scroll.addEventListener("scroll", () => this.draw(), { passive: true });
    scroll.addEventListener("wheel", (event) => {
      if (event.ctrlKey) { this.scale = this.#scale * Math.exp(-event.deltaY / 300); event.preventDefault(); return; }
      if (Math.abs(event.deltaY) <= Math.abs(event.deltaX) || event.shiftKey) return;
      const before = scroll.scrollLeft;
      scroll.scrollLeft += event.deltaY;
      if (scroll.scrollLeft !== before) event.preventDefault(); // at its end the page itself scrolls
    }, { passive: false });
    scroll.addEventListener("keydown", (event) => this.#key(event));
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#drag = { ...this.#place(event), boxed: false };
      if (event.pointerType !== "touch") canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => this.#dragged(event));
    canvas.addEventListener("pointerup", () => this.#dropped());
    canvas.addEventListener("pointercancel", () => { this.#drag = null; });
  }

  #place(event) {
    const own = this.#canvas.getBoundingClientRect();
    const row = (own.height - drumRoom(this.#lanes) - AXIS) / Math.max(this.#high - this.#low + 1, 1);
    const pitch = this.#high - Math.floor((event.clientY - own.top - AXIS) / row);
    const seconds = Math.max((event.clientX - own.left - KEYS + this.#scroll.scrollLeft) / this.#scale, 0);
    return { seconds, pitch: Math.min(Math.max(pitch, this.#low), this.#high), x: event.clientX, y: event.clientY };
  }

  #dragged(event) {
    if (!this.#drag || event.pointerType === "touch") return;
    const [from, to] = [this.#drag, this.#place(event)];
    from.boxed ||= Math.hypot(to.x - from.x, to.y - from.y) > 5;
    if (!from.boxed) return;
    this.box = {
      from: Math.min(from.seconds, to.seconds), to: Math.max(from.seconds, to.seconds),
      low: Math.min(from.pitch, to.pitch), high: Math.max(from.pitch, to.pitch),
    };
  }

  #dropped() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (drag.boxed) { this.#told(); return; }
    if (this.#box) { this.box = null; this.#told(); }
    this.#seek(drag.seconds);
  }

  #key(event) {
    const zoom = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (zoom) this.scale = this.#scale * zoom;
    else if (turn && event.shiftKey) this.#select(turn);
    else if (turn) this.#seek(this.#beside(this.#playhead, turn));
    else if (event.key === "Home") this.#seek(0);
    else if (event.key === "End") this.#seek(this.#end);
    else if (event.key === "Escape" && this.#box) { this.box = null; this.#told(); }
    else return;
    event.preventDefault();
  }

  /** Where the bar before or behind a place begins; seconds where there are no bars. */
  #beside(seconds, turn) {
    const bars = this.#bars;
    if (bars.length < 2) return Math.max(0, Math.min(seconds + turn, this.#end));
    const at = lower(bars, seconds + 1e-6, (bar) => bar); // the first bar that begins later
    if (turn > 0) return bars[Math.min(at, bars.length - 1)];
    return bars[Math.max(at - (seconds - bars[Math.max(at - 1, 0)] > 1e-3 ? 1 : 2), 0)];
  }

  #select(turn) {
    const box = this.#box ?? { from: this.#playhead, to: this.#playhead, low: this.#low, high: this.#high };
    const to = this.#beside(box.to, turn);
    this.box = to > box.from ? { ...box, to } : null;
    this.#told();
  }

  #seek(seconds) { this.dispatchEvent(new CustomEvent("seek", { bubbles: true, detail: { seconds } })); }

  #told() {
    const box = this.#box;
    const inside = (note) => note.start >= box.from && note.start < box.to && (note.drum || (note.pitch >= box.low && note.pitch <= box.high));
    const detail = box && { ...box, notes: this.#notes.filter(inside) };
    this.dispatchEvent(new CustomEvent("box", { bubbles: true, detail }));
  }
}

function element(tag, name = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  return made;
}

customElements.define("seq-roll", Roll);
