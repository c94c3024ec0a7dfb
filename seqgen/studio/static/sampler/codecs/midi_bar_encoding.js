/**
 * A score to score tokens, as seqgen/codecs/midi_bar/encoding.py, bars.py and roster.py make them of music that is to
 * go on. Times are steps of a 24th of a quarter note.
 */

import { below, nearest } from "../music/search.js";
import { DRUMS } from "./score.js";

const QUARTER = 24, WHOLE = 4 * QUARTER, MAX_NAME = 60;
const MIDDLE = 29, OCTAVE = 11, DEFAULT = 500000; // the tempo of 120, tempos in a doubling, its microseconds
const TO_COME = 16; // bars that the countdown leaves for what follows

const most = (values) => values.reduce((highest, value) => Math.max(highest, value), 0);
const differs = (values, same = (a, b) => a === b) => (value, at) => at === 0 || !same(values[at - 1], value);

/** The bars of a piece in stretches of one meter: {begin, steps: of a bar, count: bars before it, meter}. */
class Bars {
  constructor(codec, score, last) {
    this.codec = codec;
    this.stretches = [{ begin: 0, meter: codec.meters[0] }];
    for (const [tick, over, under] of score.meters) {
      const step = onGrid(tick, score.ticks);
      if (step > last) break;
      this.change(step, this.sayable(over, under));
    }
    let count = 0;
    this.stretches.forEach((stretch, at) => {
      const next = this.stretches[at + 1];
      Object.assign(stretch, { steps: this.stepsOf(stretch.meter), count });
      if (next) count += Math.floor((next.begin - stretch.begin) / stretch.steps);
    });
    this.begins = this.stretches.map(({ begin }) => begin);
    this.counts = this.stretches.map((stretch) => stretch.count);
  }

  /** The length of a bar in steps, or 0 where the vocabulary has no such meter. */
  stepsOf([over, under]) {
    const steps = (over * WHOLE) / under;
    return over <= 64 && under <= 64 && Number.isInteger(steps) && steps <= this.codec.longestBar ? steps : 0;
  }

  /** The meter, or one of shorter bars that fit into its own, or 4/4. */
  sayable(over, under) {
    if (this.stepsOf([over, under])) return [over, under];
    for (let part = over - 1; part > 0; part -= 1) {
      if (over % part === 0 && this.stepsOf([part, under])) return [part, under];
    }
    return this.codec.meters[0];
  }

  /** A meter that begins inside a bar cuts it short, or waits for the next one. */
  change(step, meter) {
    const { begin, meter: current } = this.stretches[this.stretches.length - 1];
    if (String(meter) === String(current)) return;
    const inside = Math.max(step - begin, 0) % this.stepsOf(current);
    let line = Math.max(step, begin) - inside;
    if (inside) {
      const said = (each) => (inside * each) % WHOLE === 0 && this.stepsOf([(inside * each) / WHOLE, each]);
      const under = [4, 8, 16, 32].find(said);
      if (under) {
        this.put(line, [(inside * under) / WHOLE, under]);
        line += inside;
      } else line += this.stepsOf(current);
    }
    this.put(line, meter);
  }

  put(begin, meter) {
    const { stretches } = this;
    if (stretches[stretches.length - 1].begin === begin) stretches.pop();
    const last = stretches[stretches.length - 1];
    if (!last || String(last.meter) !== String(meter)) stretches.push({ begin, meter });
  }

  /** [bar, steps from its beginning] of a step. */
  place(step) {
    const { begin, steps, count } = this.stretches[below(this.begins, step + 1) - 1];
    return [count + Math.floor((step - begin) / steps), (step - begin) % steps];
  }

  stretch(bar) {
    return this.stretches[below(this.counts, bar + 1) - 1];
  }
}

const onGrid = (ticks, quarter) => Math.floor((2 * QUARTER * ticks + quarter) / (2 * quarter));

/** From steps of a score to steps of the bars that are kept: of more than some empty ones in a row the first. */
class Clock {
  constructor(bars, onsets) {
    this.bars = bars;
    this.kept = [];
    let before = -1;
    for (const bar of [...new Set(onsets.map((onset) => bars.place(onset)[0]))].sort((a, b) => a - b)) {
      const empty = Math.min(bar - before - 1, bars.codec.mostEmpty);
      for (let at = 1; at <= empty; at += 1) this.kept.push(before + at);
      this.kept.push(bar);
      before = bar;
    }
    let begin = 0;
    this.begin = this.kept.map((bar) => (begin += bars.stretch(bar).steps) - bars.stretch(bar).steps);
  }

  step(step) {
    const { kept, begin, bars } = this, last = kept.length - 1;
    if (kept[last] === last) return step;
    const [bar, inside] = bars.place(step), place = below(kept, bar);
    if (place <= last) return begin[place] + (kept[place] === bar ? inside : 0);
    const stretch = bars.stretch(kept[last]);
    return step - (stretch.begin + (kept[last] - stretch.count) * stretch.steps) + begin[last];
  }
}

/** The PART token of each part of a score, by its number: that of its name, else the next one. */
function slotsOf(codec, { notes, names }) {
  const { parts, instruments } = codec, busy = names.map(() => 0), first = new Map();
  for (const { part, program } of notes) {
    if (!first.has(part)) first.set(part, program);
    if (program !== DRUMS) busy[part] += 1;
  }
  const called = (part) => {
    const program = first.get(part);
    if (program === undefined || program === DRUMS) return "";
    return Array.from(names[part] || instruments[program]).slice(0, MAX_NAME).join("");
  };
  const ranked = names.map((_, part) => part).sort((a, b) => busy[b] - busy[a]).filter((part) => busy[part]);
  const chosen = ranked.slice(0, ranked.length <= parts ? parts : parts - 1).sort((a, b) => a - b);
  const known = new Map(codec.names.map((name, slot) => [name, slot])), table = names.map(() => parts - 1);
  const taken = chosen.map((part) => {
    const slot = known.get(called(part));
    known.delete(called(part));
    return slot;
  });
  const every = Array.from({ length: parts }, (_, slot) => (slot + codec.names.length) % parts);
  const free = every.filter((slot) => !taken.includes(slot));
  chosen.forEach((part, at) => (table[part] = taken[at] ?? free.shift()));
  return table;
}

/** What stands at positions: {step, part: below 0 for a tempo, program, pitch, length, velocity}, in order. */
function rowsOf(codec, score, onsets, clock) {
  const slots = slotsOf(codec, score), last = most(onsets), sounding = new Map();
  score.notes.forEach((note, at) => {
    const drum = note.program === DRUMS, { pitch, program } = note, begin = clock.step(onsets[at]);
    const end = clock.step(Math.max(onGrid(note.onset + note.length, score.ticks), onsets[at] + 1));
    const row = { step: begin, part: drum ? codec.parts : slots[note.part], program, pitch, velocity: note.velocity >> 3 };
    const key = `${row.part} ${program} ${pitch}`;
    if (!sounding.has(key)) sounding.set(key, []);
    sounding.get(key).push({ ...row, end: drum ? begin + 1 : Math.max(end, begin + 1) });
  });
  const notes = [...sounding.values()].flatMap((rows) => single(rows)).map(({ end, ...row }) => {
    return { ...row, length: row.program === DRUMS ? 0 : Math.min(end - row.step, codec.longest) };
  });
  const index = (tempo) => {
    const found = nearest(MIDDLE + OCTAVE * Math.log2(DEFAULT / Math.max(tempo, 1)));
    return Math.min(Math.max(found, 0), codec.tempos.length - 1);
  };
  const tempos = score.tempos.map(([tick, tempo]) => [onGrid(tick, score.ticks), index(tempo)]);
  const steps = tempos.filter(([step]) => step <= last).map(([step, tempo]) => [clock.step(step), tempo]);
  const settled = steps.filter(([step], at) => at + 1 === steps.length || steps[at + 1][0] !== step);
  const changing = settled.filter(differs(settled, (a, b) => a[1] === b[1]));
  const rows = [...notes, ...changing.map(([step, pitch]) => ({ step, part: -1, program: 0, pitch, length: 0 }))];
  return rows.sort((a, b) => a.step - b.step || a.part - b.part || a.program - b.program || a.pitch - b.pitch);
}

/** Rows of one key such that none sounds twice: of those that begin at once the longest, none after the next. */
function single(rows) {
  const sorted = rows.sort((a, b) => a.step - b.step || a.end - b.end);
  const kept = sorted.filter((row, at) => sorted[at + 1]?.step !== row.step);
  return kept.map((row, at) => ({ ...row, end: Math.min(row.end, kept[at + 1]?.step ?? Infinity) }));
}

/** The ids of what is said at positions, row by row. */
class Said {
  constructor(codec) {
    this.codec = codec;
    this.programs = new Map();
    this.step = this.part = this.velocity = -1;
  }

  row({ step, part, program, pitch, length, velocity }, begin) {
    const { codec: { v, parts } } = this, ids = [], pitched = part >= 0 && part < parts;
    if (step !== this.step) ids.push(v.POS + step - begin);
    this.step = step;
    if (part < 0) return [...ids, v.TEMPO + pitch];
    if (pitched && part !== this.part) ids.push(v.PART + part);
    if (pitched && this.programs.get(part) !== program) ids.push(v.INST + program);
    if (pitched) {
      this.part = part;
      this.programs.set(part, program);
    }
    if (velocity !== this.velocity) ids.push(v.VEL + velocity);
    this.velocity = velocity;
    return [...ids, (pitched ? v.PITCH : v.DRUM) + pitch, ...this.durations(length)];
  }

  /** The longest value that fits, and the rest tied to it. */
  durations(length) {
    const { durations, v } = this.codec, ids = [];
    for (let left = length; left > 0; ) {
      const index = below(durations, left + 1) - 1;
      ids.push(...(ids.length ? [v.TIE] : []), v.DUR + index);
      left -= durations[index];
    }
    return ids;
  }

  meter([over, under]) {
    const { meters, v } = this.codec, index = meters.findIndex((each) => each[0] === over && each[1] === under);
    return index < 0 ? [v.METER + meters.length, v.POS + over, v.POS + Math.log2(under)] : [v.METER + index];
  }
}

/** The ids of a score that is to go on. */
export function encoded(codec, score) {
  if (!score.notes.length) return [];
  const onsets = score.notes.map(({ onset }) => onGrid(onset, score.ticks));
  const bars = new Bars(codec, score, most(onsets));
  const clock = new Clock(bars, onsets), rows = rowsOf(codec, score, onsets, clock), said = new Said(codec);
  const ids = score.kit && rows.some(({ program }) => program === DRUMS) ? [codec.v.INST + score.kit] : [];
  let meter = null, remain = -1, at = 0;
  clock.kept.forEach((bar, place) => {
    const found = bars.stretch(bar).meter, left = below(codec.edges, clock.kept.length - 1 - place + TO_COME);
    ids.push(codec.v.BAR, ...(String(found) === String(meter) ? [] : said.meter(found)));
    if (left !== remain) ids.push(codec.v.REMAIN + left);
    [meter, remain] = [found, left];
    const end = clock.begin[place + 1] ?? Infinity;
    for (; at < rows.length && rows[at].step < end; at += 1) ids.push(...said.row(rows[at], clock.begin[place]));
  });
  return ids;
}
