/**
 * Score tokens to a score, as seqgen/codecs/midi_bar/decoding.py makes it of what the grammar lets through; what is cut
 * off at the end falls away. `form.codec` is told in midi_bar_grammar.js; besides {tempos, names: of parts,
 * instruments}.
 */

import { Framed } from "./framed.js";
import { ScoreGrammar } from "./midi_bar_grammar.js";
import { encoded } from "./midi_bar_encoding.js";
import { PrimedScore } from "./primed.js";
import { DRUMS, scoreOf } from "./score.js";
import { scoreIn } from "../music/read.js";

const TICKS = 20, QUARTER = 480, DRUM_STEPS = 6, DEFAULT_VELOCITY = 8;

/** What is read, token by token: rows of notes in steps, and where bars, meters and tempos stand. */
class Reader {
  constructor(codec) {
    this.codec = codec;
    this.rows = [];
    this.tempos = []; // [step, index]
    this.bars = []; // {begin, steps, meter}
    this.programs = new Map();
    this.kit = 0;
    this.now = { part: 0, velocity: DEFAULT_VELOCITY, inside: 0 };
    this.open = null; // a note whose length is still told
    this.spelt = null; // the numbers of a meter without a token of its own
  }

  get bar() {
    return this.bars[this.bars.length - 1] ?? { begin: 0, steps: 96, meter: [4, 4] };
  }

  get step() {
    return this.bar.begin + Math.min(this.now.inside, this.bar.steps - 1);
  }

  read(token, place) {
    const { v, meters, durations } = this.codec;
    if (token === v.BAR) {
      const { begin, steps, meter } = this.bar;
      this.bars.push({ begin: this.bars.length ? begin + steps : 0, steps, meter });
      this.now.inside = 0;
    } else if (token < v.TEMPO) {
      if (token - v.METER < meters.length) this.meter(meters[token - v.METER]);
      else this.spelt = [];
    } else if (token < v.POS) {
      this.tempos.push([this.step, token - v.TEMPO]);
    } else if (token < v.PART) {
      if (this.spelt) this.spell(token - v.POS);
      else this.now.inside = token - v.POS;
    } else if (token < v.INST) {
      this.now.part = token - v.PART;
    } else if (token < v.VEL) {
      if (this.bars.length) this.programs.set(this.now.part, token - v.INST);
      else if (place === 0) this.kit = token - v.INST;
    } else if (token < v.PITCH) {
      this.now.velocity = token - v.VEL;
    } else if (token < v.DUR) {
      this.note(token >= v.DRUM, token - (token >= v.DRUM ? v.DRUM : v.PITCH));
    } else if (token < v.TIE && this.open) {
      if (!this.open.length) this.rows.push(this.open);
      this.open.length = Math.min(this.open.length + durations[token - v.DUR], this.codec.longest);
    }
  }

  meter(meter) {
    Object.assign(this.bar, { meter, steps: (96 * meter[0]) / meter[1] });
  }

  spell(number) {
    this.spelt.push(number);
    if (this.spelt.length < 2) return;
    this.meter([this.spelt[0], 1 << this.spelt[1]]);
    this.spelt = null;
  }

  note(drum, pitch) {
    const { part, velocity } = this.now;
    const row = { onset: this.step, length: 0, pitch, velocity: 8 * velocity + 4, bar: this.bars.length - 1 };
    if (!drum) {
      this.open = { ...row, part, program: this.programs.get(part) ?? 0 };
      return;
    }
    this.open = null;
    this.rows.push({ ...row, length: DRUM_STEPS, part: this.codec.parts, program: DRUMS });
  }
}

/** Rows such that no key of a part sounds twice: of several that begin at once the longest, none after the next. */
function single(rows) {
  const key = ({ part, program, pitch }) => (part * 256 + program) * 128 + pitch;
  const end = ({ onset, length }) => onset + length;
  const sorted = [...rows].sort((a, b) => key(a) - key(b) || a.onset - b.onset || end(a) - end(b));
  const beside = (row, next) => next && key(next) === key(row) && next.onset === row.onset;
  const last = (row, at) => !beside(row, sorted[at + 1]);
  const kept = sorted.filter(last);
  return kept.map((row, at) => {
    const next = kept[at + 1];
    const length = next && key(next) === key(row) ? Math.min(end(row), next.onset) - row.onset : row.length;
    return { ...row, length };
  });
}

export class Codec {
  constructor({ codec: { grammar, ...tables } }) {
    Object.assign(this, { ...tables, v: tables.starts });
  }

  /** The ids of a MIDI file to go on from. */
  primer(data) {
    return encoded(this, scoreIn(data));
  }

  grammar(form, given) {
    const inner = new ScoreGrammar(form.codec);
    return new Framed(given.length ? new PrimedScore(inner, given) : inner, form);
  }

  /** The score of ids; framing falls away. */
  score(ids) {
    const reader = new Reader(this);
    ids.filter((id) => id < this.size).forEach((id, place) => reader.read(id, place));
    if (!reader.rows.length) return scoreOf(QUARTER, []);
    const onset = Math.max(...reader.rows.map((row) => row.onset));
    const last = reader.bars[Math.max(...reader.rows.map((row) => row.bar))] ?? reader.bar;
    let rows = single(reader.rows);
    const end = Math.max(...rows.map((row) => row.onset + (row.part === this.parts ? 1 : row.length)));
    const line = last.begin + last.steps * Math.max(Math.ceil((end - last.begin) / last.steps), 1);
    const cut = (row) => (row.part === this.parts ? Math.min(row.length, line - row.onset) : row.length);
    rows = rows.map(({ bar, ...row }) => ({ ...row, length: TICKS * cut(row), onset: TICKS * row.onset }));
    return scoreOf(QUARTER, rows, {
      tempos: this.tempoMap(reader.tempos.filter(([step]) => step <= onset)),
      meters: this.meterMap(reader.bars.filter(({ begin }) => begin <= last.begin)),
      kit: rows.some((row) => row.part === this.parts) ? reader.kit : 0,
      length: TICKS * line,
      names: this.titles(reader.rows),
    });
  }

  /** [[tick, microseconds]…]: of several at one step the last, and only those that change anything. */
  tempoMap(found) {
    const usual = this.tempos.findIndex((tempo) => tempo === 500000);
    const all = found.length && found[0][0] === 0 ? found : [[0, usual], ...found];
    const settled = all.filter(([step], at) => at + 1 === all.length || all[at + 1][0] !== step);
    const changing = settled.filter(([, index], at) => at === 0 || settled[at - 1][1] !== index);
    return changing.map(([step, index]) => [TICKS * step, this.tempos[index]]);
  }

  meterMap(bars) {
    const told = bars.length ? bars : [{ begin: 0, meter: [4, 4] }];
    const differs = ({ meter }, at) => at === 0 || String(told[at - 1].meter) !== String(meter);
    return told.filter(differs).map(({ begin, meter }) => [TICKS * begin, ...meter]);
  }

  /** What the parts are called; "" for the name of their program. */
  titles(rows) {
    const { instruments } = this, first = new Map();
    for (const { part, program } of rows) if (!first.has(part)) first.set(part, program);
    return Array.from({ length: this.parts }, (_, part) => {
      const name = first.has(part) ? (this.names[part] ?? "") : "";
      return instruments.includes(name) && name !== instruments[first.get(part)] ? "" : name;
    });
  }
}
