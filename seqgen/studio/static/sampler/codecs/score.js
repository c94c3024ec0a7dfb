/**
 * A piece of music, as seqgen/music/score.py has it:
 *
 *     {ticks: in a quarter note, notes: [{onset, length, pitch, velocity, program, part}] in ticks, in order,
 *      tempos: [[tick, microseconds a quarter]…], meters: [[tick, over, under]…], names: of parts, kit, length,
 *      pedals: [[onset, length, program]…]}
 */

import { below } from "../music/search.js";

export const DRUMS = 128; // the program that stands for the percussion channel
const DEFAULT_TEMPO = 500000;

/** A score of rows, whose `part` is any number; parts become one program each, numbered in order. */
export function scoreOf(ticks, rows, { names = [], length = 0, ...more } = {}) {
  const key = (row) => row.part * 256 + row.program;
  const keys = [...new Set(rows.map(key))].sort((a, b) => a - b), number = new Map(keys.map((each, at) => [each, at]));
  const notes = rows.map((row) => ({ ...row, part: number.get(key(row)) }));
  notes.sort((a, b) => a.onset - b.onset || a.program - b.program || a.pitch - b.pitch || a.length - b.length);
  const end = notes.reduce((latest, note) => Math.max(latest, note.onset + note.length), 0);
  return {
    ticks, notes, tempos: [[0, DEFAULT_TEMPO]], meters: [[0, 4, 4]], kit: 0, pedals: [], ...more,
    names: keys.map((each) => names[Math.floor(each / 256)] ?? ""), length: Math.max(length, end),
  };
}

/** A function from ticks to seconds, by the tempo map. */
export function clockOf({ ticks, tempos }) {
  let before = 0;
  const parts = tempos.map(([tick, tempo], at) => {
    if (at) before += (tick - tempos[at - 1][0]) * (tempos[at - 1][1] / (1e6 * ticks));
    return { tick, before, rate: tempo / (1e6 * ticks) };
  });
  const begins = tempos.map(([tick]) => tick);
  return (tick) => {
    const at = Math.max(below(begins, tick + 1) - 1, 0);
    return parts[at].before + (tick - parts[at].tick) * parts[at].rate;
  };
}

/** The notes as players and rolls take them: [{start, duration, pitch, velocity, program, part, drum}], in seconds. */
export function notesOf(score) {
  const seconds = clockOf(score);
  return score.notes.map(({ onset, length, pitch, velocity, program, part }) => {
    const start = seconds(onset), duration = seconds(onset + length) - start, drum = program === DRUMS;
    return { start, duration, pitch, velocity, program: drum ? score.kit : program, part, drum };
  });
}

/** The seconds at which bars begin; a change of meter begins a new one. */
export function barsOf(score) {
  const seconds = clockOf(score), found = [];
  score.meters.forEach(([begin, over, under], at) => {
    const end = at + 1 < score.meters.length ? score.meters[at + 1][0] : score.length + 1;
    const bar = (4 * score.ticks * over) / under;
    for (let tick = begin; tick < end && bar >= 1; tick += bar) found.push(seconds(tick));
  });
  return found;
}
