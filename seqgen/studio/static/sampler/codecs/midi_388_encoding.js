/** A score to the 388 events of Performance RNN, as seqgen/codecs/midi_388/codec.py makes them of music that is to go on. */

import { nearest } from "../music/search.js";
import { DRUMS, clockOf } from "./score.js";

const OFF = 128, SHIFT = 256, VEL = 356, SECOND = SHIFT + 99, STEPS = 100; // steps of a second

/** Notes of which a key sounds one at a time: of those that begin at once the longest, none after the next. */
function apart(score) {
  const seconds = clockOf(score);
  const notes = score.notes.filter(({ program }) => program !== DRUMS).map(({ onset, length, pitch, velocity }) => {
    const start = nearest(seconds(onset) * STEPS), stop = nearest(seconds(onset + length) * STEPS);
    return { pitch, start, stop: Math.max(stop, start + 1), velocity: Math.floor((velocity - 1) / 4) };
  });
  notes.sort((a, b) => a.pitch - b.pitch || a.start - b.start || b.stop - a.stop);
  const follows = (note, next) => next && next.pitch === note.pitch;
  const kept = notes.filter((note, at) => !(follows(note, notes[at - 1]) && notes[at - 1].start === note.start));
  return kept.map((note, at) => {
    const next = kept[at + 1];
    return { ...note, stop: follows(note, next) ? Math.min(note.stop, next.start) : note.stop };
  });
}

/** The ids of a score, up to the last note that begins. */
export function encoded(score, longestRest) {
  const rows = apart(score).flatMap(({ pitch, start, stop, velocity }) => [
    { step: stop, on: 0, pitch }, { step: start, on: 1, pitch, velocity },
  ]);
  rows.sort((a, b) => a.step - b.step || a.on - b.on || a.pitch - b.pitch);
  const ids = [];
  let before = 0, loud = -1, end = 0;
  for (const { step, on, pitch, velocity } of rows) {
    const rest = Math.min(step - before, longestRest * STEPS), hundredths = rest % STEPS;
    ids.push(...new Array(Math.floor(rest / STEPS)).fill(SECOND));
    if (hundredths) ids.push(SHIFT + hundredths - 1);
    if (on && velocity !== loud) ids.push(VEL + velocity);
    if (on) loud = velocity;
    ids.push(on ? pitch : OFF + pitch);
    if (on) end = ids.length;
    before = step;
  }
  return ids.slice(0, end);
}
