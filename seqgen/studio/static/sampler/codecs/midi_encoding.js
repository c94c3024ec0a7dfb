/** A score to performance tokens, as seqgen/codecs/midi/encoding.py makes them of music that is to go on. */

import { below, nearest } from "../music/search.js";
import { DRUMS, clockOf } from "./score.js";

const SECOND = 100, TO_COME = 30 * SECOND; // steps; what the countdown leaves for what follows
const UP = 0, DOWN = 1, NOTE = 2; // kinds of rows, in the order in which one step has them
const FIELDS = ["step", "program", "kind", "pitch", "duration", "velocity"];

/** The index of the nearest duration by ratio. */
const durationOf = ({ durations }, steps) => {
  const kept = Math.min(Math.max(steps, 1), durations[durations.length - 1]);
  const above = below(durations, kept), under = Math.max(above - 1, 0);
  return kept >= Math.sqrt(durations[under] * durations[above]) ? above : under;
};

function notesOf(codec, score, seconds) {
  const rows = score.notes.map(({ onset, length, pitch, velocity, program }) => {
    const begin = seconds(onset), drum = program === DRUMS;
    const steps = drum ? 1 : nearest((seconds(onset + length) - begin) * SECOND);
    const level = Math.floor((velocity - 1) / 4), lasting = codec.durations[durationOf(codec, steps)];
    return { onset: nearest(begin * SECOND), length: lasting, pitch, velocity: level, program };
  });
  return codec.once(rows).map(({ onset, length, ...row }) => {
    return { ...row, step: onset, kind: NOTE, duration: durationOf(codec, length) };
  });
}

/** Rows of the pedal, as far as the last onset; overlapping ones of one program are joined. */
function pedalsOf(score, seconds, last) {
  const rows = [], open = new Map();
  const times = score.pedals.map(([onset, length, program]) => {
    return { program, down: nearest(seconds(onset) * SECOND), up: nearest(seconds(onset + length) * SECOND) };
  });
  times.sort((a, b) => a.program - b.program || a.down - b.down || a.up - b.up);
  const blank = { pitch: 0, duration: 0, velocity: 0 };
  for (const { program, down, up } of times) {
    const latest = open.get(program);
    if (latest && down < latest.step) latest.step = Math.max(up, latest.step);
    else if (up > down) {
      const released = { step: up, program, kind: UP, ...blank };
      rows.push({ step: down, program, kind: DOWN, ...blank }, released);
      open.set(program, released);
    }
  }
  return rows.filter(({ step }) => step <= last);
}

/** The ids of a rest of some steps: tens of seconds, seconds, hundredths. */
function shifts({ SHIFT }, steps) {
  const ids = new Array(Math.floor(steps / (10 * SECOND))).fill(SHIFT + 108), rest = steps % (10 * SECOND);
  const seconds = Math.floor(rest / SECOND), hundredths = rest % SECOND;
  if (seconds) ids.push(seconds === 1 ? SHIFT + 99 : SHIFT + 98 + seconds);
  if (hundredths) ids.push(SHIFT + hundredths - 1);
  return ids;
}

/** The ids of a score that is to go on. */
export function encoded(codec, score) {
  if (!score.notes.length) return [];
  const seconds = clockOf(score), notes = notesOf(codec, score, seconds), { v, edges } = codec;
  const last = nearest(seconds(score.notes[score.notes.length - 1].onset) * SECOND);
  const rows = [...notes, ...pedalsOf(score, seconds, last)];
  rows.sort((a, b) => FIELDS.map((field) => a[field] - b[field]).find((less) => less) ?? 0);
  const longest = codec.mostTens * 10 * SECOND;
  let step = 0;
  const rests = rows.map((row, at) => Math.min(row.step - (at ? rows[at - 1].step : 0), longest));
  const steps = rests.map((rest) => (step += rest)), whole = step + TO_COME;
  const start = below(edges, whole), first = steps[rows.findIndex(({ kind }) => kind === NOTE)];
  const often = (edge) => edge * (step - first + SECOND) <= notes.length * SECOND;
  const ids = [v.DENSITY + codec.densities.filter(often).length, v.REMAIN + start];
  let remain = start, program = -1, velocity = -1;
  rows.forEach((row, at) => {
    const left = below(edges, whole - steps[at]), drum = row.program === DRUMS;
    ids.push(...shifts(v, rests[at]));
    if (left !== remain) ids.push(v.REMAIN + left);
    remain = left;
    if (!drum && row.program !== program) ids.push(v.INST + (program = row.program));
    if (row.kind === NOTE && row.velocity !== velocity) ids.push(v.VEL + (velocity = row.velocity));
    if (row.kind !== NOTE) ids.push(row.kind === DOWN ? v.PEDAL : v.PEDAL + 1);
    else if (drum) ids.push(v.DRUM + row.pitch);
    else ids.push(v.PITCH + row.pitch, v.DUR + row.duration);
  });
  return ids;
}
