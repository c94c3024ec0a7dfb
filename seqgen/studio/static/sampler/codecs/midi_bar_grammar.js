/**
 * Which score tokens may follow which: the state machine of seqgen/codecs/midi_bar/grammar.py, in which each field is
 * told.
 *
 * `form.codec` holds the vocabulary (`starts` of the kinds of tokens, METERS, DURATIONS, EDGES of the countdown,
 * SPELLED) and `grammar`: {own, every: notes at a position, pitches, drums: below which they lie, tied, played:
 * programs of each part}.
 */

import { placeOf } from "./framed.js";

const NONE = -1, ALL = 128, ENDLESS = 2 ** 40;
const [
  BEGIN, KIT, BAR, OVER, UNDER, METER, REMAIN, POS, TEMPO, NAMED, CHOSEN, LOUD, CHOSEN_LOUD, PITCH, VALUE, TIE, DRUM,
] = Array(17).keys();
const among = (phase, ...phases) => phases.includes(phase);

export class ScoreGrammar {
  constructor({ starts, meters, durations, edges, spelled, parts, longest, longestBar, mostEmpty, grammar }) {
    Object.assign(this, { v: starts, meters, durations, edges, spelled, parts, longest, longestBar, mostEmpty });
    Object.assign(this, grammar);
    this.sayable = new Set();
    for (const [over, powers] of Object.entries(spelled)) {
      for (const power of powers) this.sayable.add(`${over}/${1 << power}`);
    }
    for (const [over, under] of meters) this.sayable.add(`${over}/${under}`);
    this.reset();
  }

  reset() {
    Object.assign(this, {
      phase: BEGIN, meter: [0, 0], over: 0, inside: NONE, part: NONE, programs: Array(this.parts).fill(NONE),
      velocity: NONE, tempo: NONE, pitch: 0, tiedTo: 0, length: 0, drum: 0, low: 0, fresh: true, here: 0, together: 0,
      sounded: false, empty: 0, remain: this.edges.length + 1, least: 0, most: ENDLESS,
    });
  }

  mayEnd() {
    return this.remain === 0 && among(this.phase, VALUE, DRUM);
  }

  lower(remain) {
    return remain > 0 && remain <= this.edges.length ? this.edges[remain - 1] + 1 : 0;
  }

  upper(remain) {
    return remain < this.edges.length ? this.edges[remain] : ENDLESS;
  }

  /** The bounds of the bars to go once their class is known; those of the class alone where they contradict it. */
  narrowed(remain) {
    const least = Math.max(this.lower(remain), this.least), most = Math.min(this.upper(remain), this.most);
    return least <= most ? [least, most] : [this.lower(remain), this.upper(remain)];
  }

  barSteps() {
    const steps = (this.meter[0] * 96) / this.meter[1];
    return Number.isInteger(steps) && steps > 0 && steps <= this.longestBar ? steps : 0;
  }

  step(token) {
    const { v } = this;
    if (token === v.BAR) {
      this.nextBar();
    } else if (token < v.TEMPO) {
      const index = token - v.METER, spelt = index >= this.meters.length;
      Object.assign(this, spelt ? { phase: OVER } : { phase: METER, meter: this.meters[index] });
    } else if (token < v.POS) {
      Object.assign(this, { phase: TEMPO, tempo: token - v.TEMPO });
    } else if (token < v.PART) {
      this.position(token - v.POS);
    } else if (token < v.REMAIN) {
      this.sound(token);
    } else {
      [this.least, this.most] = this.narrowed(token - v.REMAIN);
      Object.assign(this, { phase: REMAIN, remain: token - v.REMAIN });
    }
  }

  nextBar() {
    if (!among(this.phase, BEGIN, KIT)) {
      const endless = this.most >= ENDLESS, [least, most] = this.narrowed(this.remain);
      this.empty = this.sounded ? 0 : Math.min(this.empty + 1, this.mostEmpty);
      this.least = Math.max(least - 1, 0);
      this.most = endless ? ENDLESS : Math.max(most - 1, 0);
    }
    Object.assign(this, { phase: BAR, inside: NONE, sounded: false, over: 0, tiedTo: 0, length: 0 });
  }

  position(inside) {
    if (this.phase === OVER) {
      Object.assign(this, { phase: UNDER, over: inside });
    } else if (this.phase === UNDER) {
      const under = 1 << Math.min(inside, 6), known = this.sayable.has(`${this.over}/${under}`);
      Object.assign(this, { phase: METER, meter: known ? [this.over, under] : [4, 4] });
    } else {
      Object.assign(this, { phase: POS, inside, pitch: 0, drum: 0, low: 0, fresh: true, here: 0, together: 0 });
    }
  }

  sound(token) {
    const { v, phase } = this;
    if (token < v.INST) {
      Object.assign(this, { phase: NAMED, part: token - v.PART, pitch: 0, fresh: true, here: 0 });
    } else if (token < v.VEL) {
      if (phase === BEGIN) {
        this.phase = KIT;
        return;
      }
      this.part = Math.max(this.part, 0);
      this.programs[this.part] = token - v.INST;
      Object.assign(this, { phase: CHOSEN, pitch: 0 });
    } else if (token < v.PITCH) {
      Object.assign(this, { phase: among(phase, NAMED, CHOSEN) ? CHOSEN_LOUD : LOUD, velocity: token - v.VEL });
    } else if (token < v.DRUM) {
      Object.assign(this, { phase: PITCH, pitch: token - v.PITCH + 1 });
    } else if (token < v.DUR) {
      this.here = this.drum ? this.here + 1 : 1;
      Object.assign(this, { phase: DRUM, drum: token - v.DRUM + 1, together: this.together + 1, sounded: true });
    } else if (token === v.TIE) {
      this.phase = TIE;
    } else {
      this.value(token - v.DUR);
    }
  }

  value(index) {
    const steps = this.durations[index], goesOn = this.phase === TIE;
    const length = goesOn ? Math.min(this.length + steps, this.longest) : steps;
    Object.assign(this, { phase: VALUE, tiedTo: index, length });
    if (goesOn) return;
    const more = { here: this.here + 1, together: this.together + 1 };
    Object.assign(this, { low: this.part + 1, fresh: false, sounded: true, ...more });
  }

  allow(mask) {
    const { v, phase } = this, last = this.durations.length - 1;
    if (phase === BEGIN) {
      mask[v.BAR] = 1;
      mask.fill(1, v.INST + 1, v.VEL);
    } else if (phase === KIT) {
      mask[v.BAR] = 1;
    } else if (phase === PITCH) {
      mask.fill(1, v.DUR, v.TIE);
    } else if (phase === TIE) {
      mask.fill(1, v.DUR, v.DUR + this.tiedTo);
      mask[v.DUR + last] = this.tiedTo === last && this.length + this.durations[last] <= this.longest ? 1 : 0;
    } else if (among(phase, OVER, UNDER)) {
      this.allowSpelling(mask);
    } else if (this.meter[0] === 0) {
      mask.fill(1, v.METER, v.TEMPO);
    } else {
      this.allowMoves(mask);
      if (!among(phase, BAR, METER, REMAIN)) this.allowSounds(mask);
      this.allowLearned(mask);
    }
  }

  /** No tie after a value up to the shortest that was learned; of each part the programs that it had. */
  allowLearned(mask) {
    const { v, played, programs } = this;
    if (this.phase === VALUE && this.tiedTo <= this.tied) mask[v.TIE] = 0;
    if (!played) return;
    for (let part = 0; part < this.parts; part += 1) {
      if (!played[part].length && programs[part] === NONE) mask[v.PART + part] = 0;
    }
    const own = played[Math.max(this.part, 0)];
    for (let program = 0; program < ALL; program += 1) if (!own.includes(program)) mask[v.INST + program] = 0;
  }

  allowSpelling(mask) {
    const { v, spelled, over } = this, [now, below] = this.meter;
    const differs = (above) => (power) => above !== now || 1 << power !== below;
    if (this.phase === UNDER) {
      for (const power of spelled[over] ?? [2]) mask[v.POS + power] = differs(over)(power) ? 1 : 0;
      return;
    }
    for (const [above, powers] of Object.entries(spelled)) {
      mask[v.POS + Number(above)] = powers.some(differs(Number(above))) ? 1 : 0;
    }
  }

  allowMoves(mask) {
    const { v, phase, edges, remain } = this, first = this.tempo === NONE;
    if (phase === BAR) {
      mask.fill(1, v.METER, v.TEMPO);
      const index = this.meters.findIndex(([over, under]) => over === this.meter[0] && under === this.meter[1]);
      if (index >= 0) mask[v.METER + index] = 0;
    }
    if (among(phase, BAR, METER)) {
      const least = v.REMAIN + placeOf(edges, this.least);
      const end = v.REMAIN + Math.min(placeOf(edges, this.most) + 1, remain);
      if (least < end) mask.fill(1, least, end);
      if (this.most < this.lower(remain) || remain > edges.length) return; // the countdown is due
    }
    if (phase === POS) {
      mask.fill(1, v.TEMPO, v.POS);
      if (!first) mask[v.TEMPO + this.tempo] = 0;
    }
    if (among(phase, BAR, METER, REMAIN, TEMPO, VALUE, DRUM)) {
      const begin = v.POS + this.inside + 1, end = v.POS + (first ? 1 : this.barSteps());
      if (begin < end) mask.fill(1, begin, end);
      const full = this.empty >= this.mostEmpty && !this.sounded;
      mask[v.BAR] = remain !== 0 && !full && !first ? 1 : 0;
    }
    if (phase === VALUE) mask[v.TIE] = this.length < this.longest && this.tiedTo > 0 ? 1 : 0;
  }

  allowSounds(mask) {
    const { v, phase, part, velocity } = this, full = this.here >= this.own;
    if (this.tempo === NONE || this.together >= this.every) return;
    const program = this.programs[Math.max(part, 0)], loud = velocity !== NONE, drummed = this.drum > 0;
    const playing = part !== NONE && !full && !drummed && this.pitches > 0;
    const pitched = playing && program !== NONE && this.pitch < this.pitches;
    const drums = !among(phase, NAMED, CHOSEN, CHOSEN_LOUD) && this.drum < this.drums && !(drummed && full);
    if (!among(phase, NAMED, CHOSEN, LOUD, CHOSEN_LOUD) && !drummed && this.pitches) {
      mask.fill(1, v.PART + this.low, v.INST);
      if (part !== NONE) mask[v.PART + part] = 0;
    }
    if (!among(phase, CHOSEN, LOUD, CHOSEN_LOUD) && playing) {
      mask.fill(1, v.INST + (this.fresh ? 0 : program + 1), v.VEL);
      if (program !== NONE) mask[v.INST + program] = 0;
    }
    if (!among(phase, LOUD, CHOSEN_LOUD) && (pitched || drums)) {
      mask.fill(1, v.VEL, v.PITCH);
      if (loud) mask[v.VEL + velocity] = 0;
    }
    if (pitched && loud) mask.fill(1, v.PITCH + Math.min(this.pitch, ALL - 1), v.DRUM);
    if (drums && loud) mask.fill(1, v.DRUM + Math.min(this.drum, ALL - 1), v.DUR);
  }
}
