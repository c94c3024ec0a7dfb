/** A MIDI file to a score, as seqgen/music/read.py reads one that may be damaged. What a score is: codecs/score.js. */

import { clockOf, scoreOf } from "../codecs/score.js";
import { chunksOf, lettersOf, numberOf, refuse } from "./chunks.js";
import { META, eventsOf } from "./events.js";
import { Notes } from "./notes.js";

const TRACK_NAME = 0x03, TEMPO = 0x51, METER = 0x58;
const MAX_METER = [64, 6], TITLE_BYTES = 200, DEFAULT_TEMPO = 500000;
const DAY = 24 * 3600; // seconds
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu; // what no line shows

/** `fold`: lengthen notes by the sustain pedal, rather than keep it apart. */
export function scoreIn(data, fold = true) {
  const { format, ticks, tempo, tracks } = chunksOf(data);
  if (!tracks.length) refuse("The file has no track.");
  const found = eventsOf(data, format === 2 ? tracks.slice(0, 1) : tracks), notes = new Notes(data, found);
  const pedals = fold ? [] : notes.intervals();
  if (fold) notes.fold();
  const { rows, kit } = notes.rows();
  const owners = [...new Set(rows.map(ownerOf))].sort((a, b) => a - b);
  const number = new Map(owners.map((each, at) => [each, at]));
  const parts = rows.map((row) => ({ ...row, part: number.get(ownerOf(row)) }));
  const score = scoreOf(ticks, parts.map(({ track, channel, ...row }) => row), {
    names: namesOf(data, found.events, owners.map((owner) => Math.floor(owner / WIDTH))),
    tempos: tempo === null ? temposOf(data, found.events) : [[0, tempo]],
    meters: metersOf(data, found.events), kit, pedals,
    length: Math.max(0, ...found.last),
  });
  score.notes.forEach((note) => (note.length = Math.max(note.length, 1)));
  const end = score.notes.reduce((latest, { onset, length }) => Math.max(latest, onset + length), 0);
  score.length = Math.max(score.length, end);
  if (clockOf(score)(end) > DAY) refuse("The music is too long, expected at most 24 hours.");
  return score;
}

const WIDTH = 16 * 256; // channels of all ports
const ownerOf = ({ track, channel }) => track * WIDTH + channel;

const metaOf = (events, kind) => {
  return events.filter(({ status, first }) => status === META && first === kind).sort((a, b) => a.tick - b.tick);
};

/** Of several at one tick the last, with one at the beginning. */
function settled(rows, usual) {
  const kept = rows.filter(([tick], at) => at + 1 === rows.length || rows[at + 1][0] !== tick);
  return kept.length && kept[0][0] === 0 ? kept : [[0, ...usual], ...kept];
}

function temposOf(data, events) {
  const found = metaOf(events, TEMPO).filter(({ size }) => size === 3);
  const rows = found.map(({ tick, start }) => [tick, numberOf(data, start, 3)]);
  return settled(rows.filter(([, tempo]) => tempo), [DEFAULT_TEMPO]);
}

function metersOf(data, events) {
  const found = metaOf(events, METER).filter(({ size }) => size >= 2);
  const rows = found.map(({ tick, start }) => [tick, data[start], data[start + 1]]);
  const sane = rows.filter(([, over, power]) => over >= 1 && over <= MAX_METER[0] && power <= MAX_METER[1]);
  return settled(sane.map(([tick, over, power]) => [tick, over, 1 << power]), [4, 4]);
}

/** The names of parts, given their tracks; where a track holds several its name is no part's. */
function namesOf(data, events, tracks) {
  const named = new Map();
  for (const event of events) {
    if (event.status === META && event.first === TRACK_NAME && !named.has(event.track)) named.set(event.track, event);
  }
  const alone = (track) => tracks.filter((each) => each === track).length === 1;
  return tracks.map((track) => (named.has(track) && alone(track) ? textOf(data, named.get(track)) : ""));
}

/** What a text event says, on one line. */
function textOf(data, { start, size }) {
  const end = start + Math.min(size, TITLE_BYTES);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data.subarray(start, end));
  } catch {
    text = lettersOf(data, start, end);
  }
  return text.replace(UNSEEN, "").trim();
}
