/**
 * Performance tokens to a score, as seqgen/codecs/midi/decoding.py makes it of what the grammar lets through.
 * `form.codec` is told in midi_grammar.js; besides {durations, instruments, densities}.
 */

import { Framed } from "./framed.js";
import { PerformanceGrammar } from "./midi_grammar.js";
import { encoded } from "./midi_encoding.js";
import { PrimedPerformance } from "./primed.js";
import { DRUMS, scoreOf } from "./score.js";
import { scoreIn } from "../music/read.js";

const TICKS = 10, QUARTER = 500, DRUM_STEPS = 10, DEFAULT_VELOCITY = 16;

export class Codec {
  constructor({ codec: { grammar, ...tables } }) {
    Object.assign(this, { ...tables, v: tables.starts, pedal: grammar.pedal });
  }

  /** The ids of a MIDI file to go on from. */
  primer(data) {
    return encoded(this, scoreIn(data, !this.pedal));
  }

  grammar(form, given) {
    const inner = new PerformanceGrammar(form.codec);
    return new Framed(given.length ? new PrimedPerformance(inner, given) : inner, form);
  }

  /** The score of ids; framing falls away. */
  score(ids) {
    const rows = [], pedals = [], { v } = this;
    let step = 0, program = 0, velocity = DEFAULT_VELOCITY, open = null;
    for (const id of ids.filter((each) => each < this.size)) {
      const pitched = open;
      open = null;
      if (id >= v.SHIFT && id < v.INST) step += this.steps[id - v.SHIFT];
      else if (id >= v.INST && id < v.VEL) program = id - v.INST;
      else if (id >= v.VEL && id < v.PITCH) velocity = id - v.VEL;
      else if (id >= v.PITCH && id < v.DUR) {
        open = { onset: step, pitch: id - v.PITCH, velocity: 4 * velocity + 2, program };
      }
      else if (id >= v.DUR && id < v.DRUM && pitched) rows.push({ ...pitched, length: this.durations[id - v.DUR] });
      else if (id >= v.DRUM && id < v.PEDAL) {
        rows.push({ onset: step, pitch: id - v.DRUM, velocity: 4 * velocity + 2, program: DRUMS, length: DRUM_STEPS });
      } else if (id >= v.PEDAL) pedals.push({ step, program, down: id === v.PEDAL });
    }
    const kept = this.once(rows);
    const end = Math.max(0, ...kept.map((row) => row.onset + row.length));
    const made = kept.map((row) => ({ ...row, onset: TICKS * row.onset, length: TICKS * row.length, part: 0 }));
    return scoreOf(QUARTER, made, { pedals: held(pedals, end) });
  }

  /** Rows such that no key of a program sounds twice: of those at one step the longest, then the loudest. */
  once(rows) {
    const key = ({ program, pitch }) => program * 128 + pitch;
    const order = (a, b) => key(a) - key(b) || a.onset - b.onset || b.length - a.length || b.velocity - a.velocity;
    const sorted = [...rows].sort(order);
    const same = (a, b) => a && b && key(a) === key(b);
    const kept = sorted.filter((row, at) => !(same(sorted[at - 1], row) && sorted[at - 1].onset === row.onset));
    return kept.map((row, at) => {
      const gap = same(row, kept[at + 1]) ? kept[at + 1].onset - row.onset : Infinity;
      return row.length > gap ? { ...row, length: this.durations.filter((steps) => steps <= gap).pop() } : row;
    });
  }
}

/** [[onset, length, program]…] in ticks; a pedal that is never released ends with the last note. */
function held(pedals, end) {
  const down = new Map(), rows = [];
  for (const { step, program, down: pressed } of pedals.filter((each) => each.step <= end)) {
    if (pressed && !down.has(program)) down.set(program, step);
    else if (!pressed && down.has(program)) {
      rows.push([down.get(program), step - down.get(program), program]);
      down.delete(program);
    }
  }
  for (const [program, step] of down) rows.push([step, end - step, program]);
  const order = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  const inTicks = ([onset, length, program]) => [TICKS * onset, TICKS * length, program];
  return rows.filter((row) => row[1] > 0).sort(order).map(inTicks);
}
