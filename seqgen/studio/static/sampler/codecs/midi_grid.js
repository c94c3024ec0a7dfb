/**
 * Four voices on a grid of sixteenths: their grammar and their score, as seqgen/codecs/midi_grid has them.
 * `form.codec`: {hold: whether a token tells that a note goes on, longest: steps of a note and of silence, programs: of
 * the voices}.
 */

import { Framed } from "./framed.js";
import { encoded } from "./midi_grid_encoding.js";
import { scoreOf } from "./score.js";
import { scoreIn } from "../music/read.js";

const VOICES = 4, REST = 128, HOLD = 129, TICKS = 120, QUARTER = 480, VELOCITY = 80;

class GridGrammar {
  constructor({ hold, longest }) {
    Object.assign(this, { hold, longest });
    this.reset();
  }

  reset() {
    Object.assign(this, { voice: 0, lasting: Array(VOICES).fill(0), silent: 0, heard: false });
  }

  mayEnd() {
    return this.voice === 0 && this.lasting.some((steps) => steps > 0);
  }

  step(token) {
    const before = this.lasting[this.voice];
    const now = token === REST ? 0 : token < REST ? 1 : before && Math.min(before + 1, this.longest);
    this.lasting[this.voice] = now;
    this.heard ||= now > 0;
    this.voice = (this.voice + 1) % VOICES;
    if (this.voice > 0) return;
    this.silent = this.heard ? 0 : Math.min(this.silent + 1, this.longest);
    this.heard = false;
  }

  allow(mask) {
    const { voice, longest } = this, lasting = this.lasting[voice];
    mask.fill(1, 0, this.hold ? HOLD + 1 : HOLD);
    mask[REST] = voice < VOICES - 1 || this.heard || this.silent < longest ? 1 : 0;
    if (this.hold) mask[HOLD] = lasting > 0 && lasting < longest ? 1 : 0;
  }
}

export class Codec {
  constructor({ codec }) {
    Object.assign(this, codec);
  }

  /** The ids of a MIDI file to go on from. */
  primer(data) {
    return encoded(scoreIn(data), this);
  }

  grammar(form) {
    return new Framed(new GridGrammar(form.codec), form);
  }

  /** The score of ids; of a step that is cut short the other voices rest. */
  score(ids) {
    const own = ids.filter((each) => each <= HOLD), steps = Math.ceil(own.length / VOICES);
    const rows = this.programs.flatMap((program, voice) => {
      const cells = Array.from({ length: steps }, (_, step) => own[step * VOICES + voice] ?? REST);
      return this.notes(cells, own.includes(HOLD)).map((note) => ({ ...note, program, part: 0, velocity: VELOCITY }));
    });
    const made = this.tightened(rows);
    return scoreOf(QUARTER, made.map((row) => ({ ...row, onset: TICKS * row.onset, length: TICKS * row.length })));
  }

  /** The notes of a voice, none longer than `longest`: with HOLD a longer one ends, without it is several. */
  notes(cells, holds) {
    const found = [];
    let open = null;
    cells.forEach((cell, step) => {
      const goesOn = open && (cell === HOLD || (!holds && cell === open.pitch && open.length < this.longest));
      if (!goesOn) {
        open = cell < REST ? { onset: step, pitch: cell, length: 0 } : null;
        if (open) found.push(open);
      }
      if (open) open.length = Math.min(open.length + 1, this.longest);
    });
    return found;
  }

  /** The same without what is too long of silences. */
  tightened(rows) {
    const sorted = [...rows].sort((a, b) => a.onset - b.onset);
    let heard = 0, cut = 0;
    return sorted.map((row) => {
      cut += Math.max(row.onset - heard - this.longest, 0);
      heard = Math.max(heard, row.onset + row.length);
      return { ...row, onset: row.onset - cut };
    });
  }
}
