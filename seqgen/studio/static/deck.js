// <seq-deck>: a roll with its player: play and pause, loop of a box or of all, place and loudness, keys.
//
//   deck.show({notes, bars, names});  deck.clear();  deck.add(note);  deck.growing = true;
//   deck.player is the Player once somebody has wanted sound; deck.turn("tempo", 90) and so on change how it plays

import { clock } from "./roll_paint.js";
import { button, element } from "./page.js";
import { Player } from "./sound.js";
import "./roll.js";

const TEMPO = 120; // quarter notes a minute, where a piece says nothing

export class Deck extends HTMLElement {
  #roll = null;
  #play = null;
  #loop = null;
  #time = null;
  #frame = 0;
  #sound = { rate: 1, transpose: 0, volume: 1 };
  player = null;
  tempo = TEMPO; // as the music is written

  connectedCallback() {
    if (this.#roll) return;
    this.#roll = document.createElement("seq-roll");
    this.#play = button("Play", () => this.toggle(), "main");
    this.#loop = button("Loop", () => this.#looped());
    this.#loop.setAttribute("aria-pressed", "false");
    this.#loop.title = "Again from the beginning; or the box that is marked on the roll";
    this.#time = element("span", "time soft", "0:00 / 0:00");
    const start = button("To the start", () => this.seek(0));
    const bar = element("div", "bar");
    bar.append(this.#play, this.#loop, start, this.#time);
    this.append(this.#roll, bar);
    this.bar = bar;
    this.#roll.addEventListener("seek", (event) => this.seek(event.detail.seconds));
    this.#roll.addEventListener("box", () => this.#again());
    this.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.tagName === "BUTTON") return;
      event.preventDefault();
      this.toggle();
    });
    this.#tick();
  }

  get roll() { return this.#roll; }

  get playing() { return Boolean(this.player?.playing); }

  get position() { return this.player ? this.player.position : this.#roll.playhead; }

  set growing(value) { if (this.player) this.player.growing = value; this.#growing = value; }

  #growing = false;

  show({ notes, bars = [], names = [] }) {
    this.#roll.notes = notes;
    this.#roll.bars = bars;
    this.#roll.names = names;
    if (this.playing) this.player.play(notes, this.position);
    this.#tick();
  }

  clear() {
    this.stop();
    this.#roll.clear();
    this.#loop.setAttribute("aria-pressed", "false");
    this.#tick();
  }

  add(note) {
    this.#roll.add(note);
    if (this.playing) this.player.add(note);
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  play(from = this.#roll.playhead) {
    const player = this.#ready();
    player.growing = this.#growing;
    const ended = from >= this.#roll.end - 0.02 && !this.#growing;
    player.loop = this.#range();
    player.play(this.#roll.notes, player.loop ? player.loop[0] : (ended ? 0 : from));
    this.#roll.follow = true;
    this.#tick();
  }

  stop() {
    this.player?.stop();
    this.#tick();
  }

  seek(seconds) {
    this.#roll.playhead = seconds;
    if (this.playing) this.play(seconds);
    else this.#tick();
  }

  /** A control of how it sounds: tempo, transpose or velocity. */
  turn(name, value) {
    if (name === "tempo") this.#sound.rate = (value ?? this.tempo) / this.tempo;
    if (name === "transpose") this.#sound.transpose = value ?? 0;
    if (name === "velocity") this.#sound.volume = value ?? 1;
    if (this.player) Object.assign(this.player, this.#sound);
  }

  #ready() { // made when somebody wants to hear something: browsers allow no sound before that
    this.player ??= new Player(new AudioContext({ latencyHint: "interactive" }));
    Object.assign(this.player, this.#sound);
    this.player.onended = () => { this.#roll.playhead = 0; this.#tick(); };
    return this.player;
  }

  #looped() {
    this.#loop.setAttribute("aria-pressed", String(this.#loop.getAttribute("aria-pressed") !== "true"));
    this.#again();
  }

  #again() { if (this.playing) { this.player.loop = this.#range(); if (this.player.loop && this.position > this.player.loop[1]) this.play(); } }

  #range() {
    if (this.#loop.getAttribute("aria-pressed") !== "true") return null;
    const box = this.#roll.box;
    return box ? [box.from, box.to] : [0, Math.max(this.#roll.end, 0.1)];
  }

  #tick() {
    cancelAnimationFrame(this.#frame);
    if (this.playing) this.#roll.playhead = this.player.position;
    const [play, time] = [this.playing ? "Pause" : "Play", `${clock(Math.floor(this.#roll.playhead))} / ${clock(Math.floor(this.#roll.end))}`];
    if (this.#play.textContent !== play) this.#play.textContent = play;
    if (this.#time.textContent !== time) this.#time.textContent = time;
    this.#play.disabled = !this.#roll.notes.length && !this.#growing;
    if (this.playing) this.#frame = requestAnimationFrame(() => this.#tick());
  }
}

customElements.define("seq-deck", Deck);
