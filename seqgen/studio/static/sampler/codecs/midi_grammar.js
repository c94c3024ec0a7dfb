/**
 * Which performance tokens may follow which: the state machine of seqgen/codecs/midi/grammar.py, in which each field is
 * told.
 *
 * `form.codec` holds the vocabulary (`starts` of the kinds of tokens, STEPS of the shifts, EDGES of the countdown) and
 * `grammar`: {pedal, together, part: notes at an instant, pitches, drums: below which they lie, seen: the pitches of
 * which music is to be made, shortest: steps of the shortest shift}.
 */

import { placeOf } from "./framed.js";

const NONE = -1, ALL = 129, ENDLESS = 2 ** 40, SECOND = 100, LATE = SECOND / 2;
const [
  BEGIN, HEAD, TICK, TENS, SECONDS, SHIFTED, READY, CHOSEN, LOUD, CHOSEN_LOUD, PITCH, NOTE, DRUM, PEDAL,
] = Array(14).keys();
const among = (phase, ...phases) => phases.includes(phase);
const SOUNDED = [NOTE, DRUM, PEDAL];
const OPENING = [TICK, TENS, SECONDS, SHIFTED, READY];
const OPENED = { pitch: 0, drum: 0, count: 0, own: 0, fresh: true, quiet: 0 };

export class PerformanceGrammar {
  constructor({ starts, steps, edges, mostTens, grammar }) {
    Object.assign(this, { v: starts, steps, edges, mostTens, ...grammar });
    this.reset();
  }

  reset() {
    const time = { remain: this.edges.length, least: 0, most: ENDLESS, tens: 0 };
    Object.assign(this, { phase: BEGIN, program: NONE, velocity: NONE, ...OPENED, ...time });
  }

  mayEnd() {
    return this.remain === 0 && SOUNDED.includes(this.phase);
  }

  step(token) {
    const { v } = this;
    if (token < v.REMAIN) {
      this.phase = HEAD;
    } else if (token < v.SHIFT) {
      this.countdown(token - v.REMAIN);
    } else if (token < v.INST) {
      this.shift(token);
    } else {
      this.sound(token);
    }
  }

  countdown(remain) {
    const { edges } = this;
    const least = remain ? edges[remain - 1] + 1 : 0, most = remain < edges.length ? edges[remain] : ENDLESS;
    const both = [Math.max(least, this.least), Math.min(most, this.most)];
    [this.least, this.most] = both[0] <= both[1] ? both : [least, most];
    Object.assign(this, { phase: this.phase === HEAD ? TICK : READY, remain, tens: 0 });
  }

  shift(token) {
    const steps = this.steps[token - this.v.SHIFT];
    const phase = steps === 10 * SECOND ? TENS : steps >= SECOND ? SECONDS : SHIFTED;
    const tens = Math.min(this.tens + (phase === TENS ? 1 : 0), this.mostTens);
    const most = this.most === ENDLESS ? ENDLESS : Math.max(this.most - steps, 0);
    Object.assign(this, { ...OPENED, phase, tens, least: Math.max(this.least - steps, 0), most });
  }

  sound(token) {
    const { v } = this;
    if (token < v.VEL) {
      Object.assign(this, { phase: CHOSEN, program: token - v.INST, pitch: 0, own: 0, quiet: 0, tens: 0 });
    } else if (token < v.PITCH) {
      Object.assign(this, { phase: this.phase === CHOSEN ? CHOSEN_LOUD : LOUD, velocity: token - v.VEL, tens: 0 });
    } else if (token < v.DUR) {
      const more = { own: this.own + 1, count: this.count + 1 };
      Object.assign(this, { phase: PITCH, pitch: token - v.PITCH + 1, tens: 0, ...more });
    } else if (token < v.DRUM) {
      Object.assign(this, { phase: NOTE, fresh: false });
    } else if (token < v.PEDAL) {
      const more = { own: this.pitch === ALL ? this.own + 1 : 1, count: this.count + 1 };
      Object.assign(this, { phase: DRUM, drum: token - v.DRUM + 1, pitch: ALL, fresh: false, tens: 0, ...more });
    } else {
      Object.assign(this, { phase: PEDAL, quiet: token === v.PEDAL ? 2 : 1, fresh: false, tens: 0 });
    }
  }

  /** Whether another note of the program, another drum, and another program may begin in this step. */
  room() {
    const another = this.count < this.together && this.pitches > 0;
    if (this.count >= this.together) return [false, false, another];
    const full = this.own >= this.part, drumming = this.pitch === ALL;
    const pitched = this.program !== NONE && this.pitch < this.pitches && !full;
    return [pitched, this.drum < this.drums && !(drumming && full), another];
  }

  allow(mask) {
    const { v, phase } = this;
    if (phase === BEGIN) mask.fill(1, 0, v.REMAIN);
    else if (phase === HEAD) mask.fill(1, v.REMAIN, v.SHIFT);
    else if (phase === PITCH) mask.fill(1, v.DUR, v.DRUM);
    else {
      const most = placeOf(this.edges, this.most);
      this.allowShifts(mask, most);
      if (!(OPENING.includes(phase) && most < this.remain)) this.allowSounds(mask);
    }
  }

  allowShifts(mask, most) {
    const { v, phase, remain } = this;
    if (remain === 0) return;
    const furthest = Math.max(this.most + (remain === 1 ? LATE : 0), this.shortest);
    const reach = this.steps.filter((steps) => steps <= furthest).length;
    if (among(phase, TICK, ...SOUNDED) || (phase === TENS && this.tens < this.mostTens)) {
      mask.fill(1, v.SHIFT, v.SHIFT + reach);
    } else if (phase === SECONDS) {
      mask.fill(1, v.SHIFT, v.SHIFT + Math.min(reach, SECOND - 1));
    }
    const least = v.REMAIN + placeOf(this.edges, Math.max(this.least, 0)), end = v.REMAIN + Math.min(most + 1, remain);
    if (among(phase, TENS, SECONDS, SHIFTED) && least < end) mask.fill(1, least, end);
  }

  allowSounds(mask) {
    const { v, phase, program, velocity } = this, [pitched, fits, another] = this.room();
    const drums = fits && !among(phase, CHOSEN, CHOSEN_LOUD), loud = velocity !== NONE;
    if (another && !among(phase, CHOSEN, LOUD, CHOSEN_LOUD) && this.pitch < ALL) {
      mask.fill(1, v.INST + (this.fresh ? 0 : program + 1), v.VEL);
      if (program !== NONE) mask[v.INST + program] = 0;
    }
    if (!among(phase, LOUD, CHOSEN_LOUD) && (pitched || drums)) {
      mask.fill(1, v.VEL, v.PITCH);
      if (loud) mask[v.VEL + velocity] = 0;
    }
    if (pitched && loud) mask.fill(1, v.PITCH + this.pitch, v.DUR);
    if (drums && loud) mask.fill(1, v.DRUM + this.drum, v.PEDAL);
    if (this.pedal && program !== NONE && among(phase, ...OPENING, CHOSEN, PEDAL)) {
      mask[v.PEDAL] = this.quiet < 2 ? 1 : 0;
      mask[v.PEDAL + 1] = this.quiet === 0 ? 1 : 0;
    }
  }
}
