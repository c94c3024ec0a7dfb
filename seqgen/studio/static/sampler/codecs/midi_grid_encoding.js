/** A score to four voices on a grid of sixteenths, as seqgen/codecs/midi_grid makes them. */

import { refuse } from "../music/chunks.js";
import { DRUMS } from "./score.js";

const VOICES = 4, STEPS = 4, LONGEST = 64, MAX_STEPS = 2000000, REST = 128, HOLD = 129;

/** The voice of each part, by program or by the mean of its pitches; null where neither tells it. */
function voicesOf(notes, programs) {
  const parts = new Map();
  for (const { part, program, pitch } of notes) {
    if (!parts.has(part)) parts.set(part, { program, sum: 0, count: 0 });
    const found = parts.get(part);
    found.sum += pitch;
    found.count += 1;
  }
  const rows = [...parts].sort((a, b) => a[0] - b[0]), played = new Set(rows.map(([, { program }]) => program));
  if (rows.every(([, { program }]) => programs.includes(program)) && played.size === rows.length) {
    return new Map(rows.map(([part, { program }]) => [part, programs.indexOf(program)]));
  }
  if (rows.length !== VOICES) return null;
  const ranked = rows.sort((a, b) => b[1].sum / b[1].count - a[1].sum / a[1].count);
  return new Map(ranked.map(([part], voice) => [part, voice]));
}

/** One note a voice at a time: the highest of those that begin together, until the next one. */
function single(notes) {
  notes.sort((a, b) => a.voice - b.voice || a.begin - b.begin || b.pitch - a.pitch);
  const same = (a, b) => a && b && a.voice === b.voice;
  const kept = notes.filter((note, at) => !(same(notes[at - 1], note) && notes[at - 1].begin === note.begin));
  const ends = kept.map((note, at) => (same(note, kept[at + 1]) ? Math.min(note.end, kept[at + 1].begin) : note.end));
  return kept.map((note, at) => ({ ...note, end: ends[at] })).sort((a, b) => a.begin - b.begin || a.voice - b.voice);
}

/** Voices by pitch at each step: one note is the soprano's, the lowest of several the bass's. */
function byPitch(notes) {
  if (notes.reduce((sum, { begin, end }) => sum + end - begin, 0) > MAX_STEPS) refuse("The notes last too long together.");
  const steps = new Map();
  notes.forEach((note, owner) => {
    for (let step = note.begin; step < note.end; step += 1) {
      if (!steps.has(step)) steps.set(step, []);
      steps.get(step).push({ owner, pitch: note.pitch });
    }
  });
  const latest = new Map(), found = [];
  for (const [step, heard] of [...steps].sort((a, b) => a[0] - b[0])) {
    heard.sort((a, b) => b.pitch - a.pitch || a.owner - b.owner);
    heard.forEach(({ owner, pitch }, rank) => {
      const lowest = rank > 0 && rank === heard.length - 1;
      if (!lowest && rank >= VOICES - 1) return;
      const voice = lowest ? VOICES - 1 : rank, key = owner * VOICES + voice;
      if (latest.get(key)?.end === step) latest.get(key).end = step + 1;
      else {
        latest.set(key, { begin: step, end: step + 1, pitch, voice });
        found.push(latest.get(key));
      }
    });
  }
  return found;
}

/** Notes and silences of LONGEST steps at most. */
function tightened(notes) {
  let heard = 0, shift = 0;
  return [...notes].sort((a, b) => a.begin - b.begin).map((note) => {
    const end = Math.min(note.end, note.begin + LONGEST);
    shift += Math.max(note.begin - heard - LONGEST, 0);
    heard = Math.max(heard, end);
    return { ...note, begin: note.begin - shift, end: end - shift };
  });
}

/** The ids of a score. */
export function encoded(score, { programs, hold }) {
  const onGrid = (ticks) => Math.floor((2 * STEPS * ticks + score.ticks) / (2 * score.ticks));
  const pitched = score.notes.filter(({ program }) => program !== DRUMS), voices = voicesOf(pitched, programs);
  const rows = pitched.map(({ onset, length, pitch, part }) => {
    const begin = onGrid(onset);
    return { begin, end: Math.max(onGrid(onset + length), begin + 1), pitch, voice: voices?.get(part) };
  });
  const notes = voices ? tightened(single(rows)) : byPitch(tightened(rows));
  const steps = notes.reduce((latest, { end }) => Math.max(latest, end), 0);
  if (steps > MAX_STEPS) refuse("The music is too long for a grid of sixteenths.");
  const grid = new Array(steps * VOICES).fill(REST), struck = new Set();
  for (const { begin, end, pitch, voice } of notes) {
    struck.add(begin * VOICES + voice);
    for (let step = begin; step < end; step += 1) grid[step * VOICES + voice] = pitch;
  }
  if (!hold) return grid;
  const lasts = (cell) => grid[cell] !== REST && grid[cell] === grid[cell - VOICES] && !struck.has(cell);
  return grid.map((pitch, cell) => (lasts(cell) ? HOLD : pitch));
}
