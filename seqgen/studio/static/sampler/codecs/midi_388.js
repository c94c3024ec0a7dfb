/**
 * The 388 events of Performance RNN: their grammar and their score, as seqgen/codecs/midi_388 has them. `form.codec`:
 * {longestRest in seconds, grammar: {together: notes at a time, known: pitches of which music is made}}.
 */

import { Framed } from "./framed.js";
import { encoded } from "./midi_388_encoding.js";
import { scoreOf } from "./score.js";
import { scoreIn } from "../music/read.js";

const ON = 0, OFF = 128, SHIFT = 256, VEL = 356, SIZE = 388, SECOND = SHIFT + 99, NONE = -1;
const [TIME, MOVED, ENDED, LOUD, BEGUN] = Array(5).keys(); // what the last token was
const TICKS = 10, QUARTER = 500, DEFAULT_VELOCITY = 16;

class EventGrammar {
  constructor({ longestRest, grammar }) {
    Object.assign(this, { longestRest, ...grammar });
    this.reset();
  }

  reset() {
    Object.assign(this, { phase: TIME, pitch: NONE, velocity: NONE, sounding: new Set(), seconds: 0, count: 0 });
  }

  mayEnd() {
    return this.phase === ENDED && this.sounding.size === 0;
  }

  step(token) {
    if (token < OFF) {
      this.sounding.add(token);
      Object.assign(this, { phase: BEGUN, pitch: token, seconds: 0, count: this.count + 1 });
    } else if (token < SHIFT) {
      this.sounding.delete(token - OFF);
      Object.assign(this, { phase: ENDED, pitch: token - OFF, seconds: 0, count: 0 });
    } else if (token < VEL) {
      const whole = token === SECOND, seconds = whole ? Math.min(this.seconds + 1, this.longestRest) : 0;
      Object.assign(this, { phase: whole ? TIME : MOVED, pitch: NONE, seconds, count: 0 });
    } else {
      const pitch = this.phase === BEGUN ? this.pitch : NONE;
      Object.assign(this, { phase: LOUD, pitch, velocity: token - VEL, seconds: 0 });
    }
  }

  allow(mask) {
    const { phase, velocity, sounding } = this;
    const above = phase === BEGUN || phase === LOUD ? this.pitch : NONE;
    const free = this.known.filter((pitch) => pitch > above && !sounding.has(pitch));
    const silent = this.count < this.together ? free : [];
    if (velocity !== NONE) for (const pitch of silent) mask[ON + pitch] = 1;
    if (phase !== LOUD && silent.length) {
      mask.fill(1, VEL, SIZE);
      if (velocity !== NONE) mask[VEL + velocity] = 0;
    }
    if (phase === TIME || phase === MOVED || phase === ENDED) {
      for (const pitch of sounding) if (phase !== ENDED || pitch > this.pitch) mask[OFF + pitch] = 1;
    }
    const moves = phase === TIME || phase === ENDED || phase === BEGUN;
    if (moves && this.seconds < this.longestRest) mask.fill(1, SHIFT, VEL);
  }
}

export class Codec {
  constructor({ codec: { longestRest } }) {
    this.longestRest = longestRest;
  }

  /** The ids of a MIDI file to go on from. */
  primer(data) {
    return encoded(scoreIn(data), this.longestRest);
  }

  grammar(form) {
    return new Framed(new EventGrammar(form.codec), form);
  }

  /** The score of ids; what still sounds at the end is closed. */
  score(ids) {
    const rows = [], sounding = new Map();
    let step = 0, velocity = DEFAULT_VELOCITY, end = 0;
    const close = (pitch, until) => {
      const note = sounding.get(pitch);
      sounding.delete(pitch);
      if (note && until > note.onset) rows.push({ ...note, length: until - note.onset });
    };
    for (const id of ids.filter((each) => each < SIZE)) {
      if (id < OFF) {
        close(id, step);
        sounding.set(id, { onset: step, pitch: id, velocity: 4 * velocity + 2, program: 0, part: 0 });
      } else if (id < SHIFT) close(id - OFF, step);
      else if (id < VEL) step += id - SHIFT + 1;
      else velocity = id - VEL;
      if (id < SHIFT) end = step;
    }
    for (const [pitch, { onset }] of [...sounding]) close(pitch, Math.max(end, onset + 1));
    return scoreOf(QUARTER, rows.map((row) => ({ ...row, onset: TICKS * row.onset, length: TICKS * row.length })));
  }
}
