/**
 * What goes on from a file of music keeps to its instruments and loudness, as seqgen/codecs/midi_bar/steering.py and
 * seqgen/codecs/midi/steering.py have it where nothing else is asked for. Each is a grammar around another, for `Framed`.
 */

const NONE = -1, ALL = 128;
const [REMAIN, POS, TEMPO, NAMED, CHOSEN, LOUD, CHOSEN_LOUD, VALUE, DRUM] = [6, 7, 8, 9, 10, 11, 12, 14, 16];
const CHOOSING = [REMAIN, POS, TEMPO, NAMED, CHOSEN, LOUD, CHOSEN_LOUD, VALUE, DRUM]; // phases of midi_bar_grammar.js
const UNSOUNDED = [0, 1, 10]; // those of midi_grammar.js behind which no instrument is chosen: BEGIN, HEAD, PITCH

class Primed {
  /** `given`: the ids of the file; `afterDrums`: which token follows those of drums. */
  constructor(inner, given, afterDrums) {
    const { v } = inner, within = (low, high) => given.filter((id) => id >= low && id < high).map((id) => id - low);
    const levels = within(v.VEL, v.PITCH);
    Object.assign(this, { inner, v, afterDrums });
    this.programs = new Set(within(v.INST, v.VEL));
    this.drums = within(v.DRUM, afterDrums).length > 0;
    this.any = !this.programs.size && !this.drums;
    this.levels = levels.length ? [Math.min(...levels), Math.max(...levels)] : [0, v.PITCH - v.VEL - 1];
  }

  reset() {
    this.inner.reset();
  }

  step(token) {
    this.inner.step(token);
  }

  mayEnd() {
    return this.inner.mayEnd();
  }

  plays(program) {
    return this.any || this.programs.has(program);
  }

  /** Leave the instruments and the velocities of the file. */
  narrow(mask) {
    const { v, levels: [least, most] } = this;
    for (let at = v.INST; at < v.VEL; at += 1) if (!this.plays(at - v.INST)) mask[at] = 0;
    if (!this.any && !this.drums) mask.fill(0, v.DRUM, this.afterDrums);
    mask.fill(0, v.VEL, v.VEL + least);
    mask.fill(0, v.VEL + most + 1, v.PITCH);
  }
}

export class PrimedScore extends Primed {
  constructor(inner, given) {
    super(inner, given, inner.v.DUR);
    const { played } = inner;
    if (played?.some((own) => own.length)) inner.played = played.map((own) => [...own, ...this.programs]);
  }

  allow(mask) {
    const { inner, v, any } = this, { phase, part, programs } = inner;
    inner.allow(mask);
    if (!CHOOSING.includes(phase) || inner.tempo === NONE) return;
    this.narrow(mask);
    const program = programs[Math.max(part, 0)], known = part !== NONE && program !== NONE && this.plays(program);
    const pitched = known && inner.pitch < ALL && inner.here < inner.own && !inner.drum, drums = any || this.drums;
    if (!pitched) mask.fill(0, v.PITCH, v.DRUM);
    if (!pitched && !(drums && inner.drum < ALL && phase !== NAMED && phase !== CHOSEN && phase !== CHOSEN_LOUD)) {
      mask.fill(0, v.VEL, v.PITCH);
    }
    if (any) return;
    if (!this.programs.size) mask.fill(0, v.PART, v.VEL);
    else programs.forEach((each, at) => (mask[v.PART + at] &= this.programs.has(each) ? 1 : 0));
  }
}

export class PrimedPerformance extends Primed {
  constructor(inner, given) {
    super(inner, given, inner.v.PEDAL);
  }

  allow(mask) {
    const { inner, v, any } = this, { phase, program, seen } = inner;
    inner.allow(mask);
    if (UNSOUNDED.includes(phase)) return;
    this.narrow(mask);
    const [another, drums] = inner.room(), heard = seen.some((pitch) => pitch >= inner.pitch);
    const pitched = another && this.plays(program) && heard;
    for (let pitch = 0; pitch < ALL; pitch += 1) if (!(pitched && seen.includes(pitch))) mask[v.PITCH + pitch] = 0;
    if (pitched) return;
    mask.fill(0, v.PEDAL);
    if (!((any || this.drums) && drums)) mask.fill(0, v.VEL, v.PITCH);
  }
}
