// <seq-deck>: a roll with its player: play and pause, loop of a box or of all, place and loudness, keys.
//
//   deck.show({notes, bars, names});  deck.clear();  deck.add(note);  deck.growing = true;
//   deck.live(true);  deck.strike(note);      // music that comes as it sounds
//   deck.turn("tempo", 90)                    // how it plays: tempo, transpose, velocity

import { button, element } from "./page.js";
import { clock } from "./roll_paint.js";
import { Player } from "./sound.js";
import "./roll.js";

const MOST = 30000; // notes of music without end that stay on the roll
const TEMPO = 120; // quarter notes a minute, where a piece says nothing

export class Deck extends HTMLElement {
  #roll = null;
  #play = null;
  #loop = null;
  #time = null;
  #frame = 0;
  #growing = false;
  #since = 0; // when music began that comes as it sounds
  #sound = { rate: 1, transpose: 0, volume: 1 };
  player = null; // once somebody has wanted sound
  tempo = TEMPO; // as the music is written

  connectedCallback() {
    if (this.#roll) return;
    this.#roll = document.createElement("seq-roll");
    this.#play = button("Play", () => this.toggle(), "main");
    this.#loop = button("Loop", () => this.#looped());
    this.#loop.setAttribute("aria-pressed", "false");
    this.#loop.title = "Again from the beginning; or the box that is marked on the roll";
    this.#time = element("span", "time soft", "0:00 / 0:00");
    const bar = element("div", "bar");
    bar.append(this.#play, this.#loop, button("To the start", () => this.seek(0)), this.#time);
    this.append(this.#roll, bar);
    this.#roll.addEventListener("seek", (event) => this.seek(event.detail.seconds));
    this.#roll.addEventListener("box", () => this.#ranged());
    this.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.tagName === "BUTTON") return;
      event.preventDefault();
      this.toggle();
    });
    this.#tick();
  }

  get roll() { return this.#roll; }

  get playing() { return Boolean(this.player?.playing); }

  set growing(value) {
    this.#growing = value;
    if (this.player) this.player.growing = value;
    if (this.#roll) this.#tick();
  }

  show({ notes, bars = [], names = [] }) {
    [this.#roll.notes, this.#roll.bars, this.#roll.names] = [notes, bars, names];
    if (this.playing) this.player.play(notes, this.player.position);
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
    else if (!this.#play.disabled) this.play();
  }

  play(from = this.#roll.playhead) {
    const [player, range] = [this.wake(), this.#range()];
    const ended = from >= this.#roll.end - 0.02 && !this.#growing;
    [player.growing, player.loop] = [this.#growing, range];
    const outside = range && (from < range[0] || from >= range[1]);
    player.play(this.#roll.notes, outside ? range[0] : (ended ? 0 : from));
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

  /** A control of how it sounds. */
  turn(name, value) {
    if (name === "tempo") this.#sound.rate = (value ?? this.tempo) / this.tempo;
    if (name === "transpose") this.#sound.transpose = value ?? 0;
    if (name === "velocity") this.#sound.volume = value ?? 1;
    if (this.player) Object.assign(this.player, this.#sound);
  }

  /** The player, made when somebody wants to hear something: browsers allow no sound before that. */
  wake() {
    if (!this.player) {
      this.player = new Player(new AudioContext({ latencyHint: "interactive" }));
      this.player.onended = () => { this.#roll.playhead = 0; this.#tick(); };
    }
    Object.assign(this.player, this.#sound);
    this.player.context.resume();
    return this.player;
  }

  /** Music that comes as it sounds begins, or is over: the roll goes with the time. */
  live(on) {
    if (!on && !this.#since) return;
    this.#since = on ? performance.now() : 0;
    if (on) this.wake();
    this.#tick();
  }

  /** A note of such music begins now. */
  strike(note) {
    this.wake().strike(note);
    this.#roll.add(note);
    if (this.#roll.notes.length > MOST) this.#roll.notes = this.#roll.notes.slice(-MOST / 2);
  }

  #looped() {
    this.#loop.setAttribute("aria-pressed", String(this.#loop.getAttribute("aria-pressed") !== "true"));
    this.#ranged();
  }

  #ranged() { if (this.playing) this.play(this.player.position); }

  #range() {
    if (this.#loop.getAttribute("aria-pressed") !== "true") return null;
    const box = this.#roll.box;
    return box ? [box.from, box.to] : [0, Math.max(this.#roll.end, 0.1)];
  }

  #tick() {
    cancelAnimationFrame(this.#frame);
    if (this.#since) this.#roll.playhead = (performance.now() - this.#since) / 1000;
    else if (this.playing) this.#roll.playhead = this.player.position;
    const [at, end] = [this.#roll.playhead, Math.max(this.#roll.end, this.#roll.playhead)];
    const [play, time] = [this.playing ? "Pause" : "Play", `${clock(Math.floor(at))} / ${clock(Math.floor(end))}`];
    if (this.#play.textContent !== play) this.#play.textContent = play;
    if (this.#time.textContent !== time) this.#time.textContent = time;
    this.#play.disabled = this.#since > 0 || (!this.#roll.notes.length && !this.#growing);
    if (this.playing || this.#since) this.#frame = requestAnimationFrame(() => this.#tick());
  }
}

customElements.define("seq-deck", Deck);
