// Music as it comes: a piano roll that sounds.

import { element } from "./exported_parts.js";
import { midiOf } from "./midi.js";
import "./roll.js";
import { Player } from "./sound.js";

const BEFORE = 2; // seconds of a primer that are heard once more

export class View {
  constructor(place, { bar, form, begins }) {
    this.begins = begins;
    this.instruments = form.codec.instruments ?? [];
    this.roll = document.createElement("seq-roll");
    place.append(this.roll);
    this.button = element("button", "", "Play");
    this.button.disabled = true;
    this.button.addEventListener("click", () => (this.player?.playing ? this.pause() : this.play(this.at)));
    bar.append(this.button);
    this.roll.addEventListener("seek", ({ detail }) => this.seek(detail.seconds));
    this.clear();
  }

  clear() {
    this.player?.stop();
    this.music = null;
    this.at = 0;
    this.roll.clear();
    this.button.disabled = true;
    this.button.textContent = "Play";
  }

  prompt() {}

  /** Show what will be gone on from. */
  primer(music) {
    this.clear();
    this.show([], music);
  }

  show(tokens, music) {
    if (!music) return;
    this.music = music;
    this.roll.notes = music.notes;
    this.roll.bars = music.bars;
    this.roll.names = this.called(music.score);
    this.button.disabled = !music.notes.length;
  }

  /** Of each part its name, or that of its instrument. */
  called({ names, notes }) {
    const programs = new Map(notes.map(({ part, program }) => [part, program]));
    return names.map((name, part) => name || (this.instruments[programs.get(part)] ?? "drums"));
  }

  /** It was asked for by a click, so that it may sound at once: from shortly before what is new. */
  end(rest, music) {
    this.show([], music);
    if (this.music?.notes.length) this.play(Math.max(this.begins() - BEFORE, 0));
  }

  play(from) {
    if (!this.player) {
      this.player = new Player(new AudioContext());
      this.player.onended = () => this.rest(0);
    }
    this.player.play(this.music.notes, from);
    this.button.textContent = "Pause";
    this.follow();
  }

  pause() {
    this.player.stop();
    this.rest(this.player.position);
  }

  rest(at) {
    this.at = at;
    this.roll.playhead = at;
    this.button.textContent = "Play";
  }

  seek(seconds) {
    if (this.player?.playing) this.play(seconds);
    else this.rest(seconds);
  }

  follow() {
    if (!this.player.playing) return;
    this.roll.playhead = this.player.position;
    requestAnimationFrame(() => this.follow());
  }

  file() {
    return { bytes: midiOf(this.music.score), type: "audio/midi" };
  }
}
