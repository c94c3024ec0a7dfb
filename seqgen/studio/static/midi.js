/**
 * A Standard MIDI File of type 1 from a score (sampler/codecs/score.js tells its form). Each
 * part has a track and a channel of its own, channel 10 being the drums'; more than fifteen go to further ports (meta
 * event 0x21).
 *
 * Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001), p. 3–12.
 */

const DRUMS = 128, PERCUSSION = 9, PITCHED = 15; // channels of a port that are not the drums'
const NOTE_OFF = 0x80, NOTE_ON = 0x90, CONTROL = 0xb0, PROGRAM = 0xc0, SUSTAIN = 64;
const NAME = 0x03, PORT = 0x21, END = 0x2f, TEMPO = 0x51, METER = 0x58;
const encoder = new TextEncoder();

/** A variable-length number. */
function number(value) {
  const bytes = [value & 127];
  for (let rest = value >>> 7; rest; rest >>>= 7) bytes.unshift((rest & 127) | 128);
  return bytes;
}

const big = (value, size) => Array.from({ length: size }, (_, at) => (value >>> (8 * (size - 1 - at))) & 255);
const meta = (kind, bytes) => [0xff, kind, ...number(bytes.length), ...bytes];

/** A track of events {tick, order, bytes}; events of one tick go by `order`, then as they stand. */
function track(events, end = 0) {
  const sorted = [...events].sort((a, b) => a.tick - b.tick || a.order - b.order);
  const bytes = [];
  let now = 0;
  const last = { tick: Math.max(end, sorted.at(-1)?.tick ?? 0), bytes: meta(END, []) };
  for (const { tick, bytes: own } of [...sorted, last]) {
    for (const byte of number(tick - now)) bytes.push(byte);
    for (const byte of own) bytes.push(byte);
    now = tick;
  }
  return [...encoder.encode("MTrk"), ...big(bytes.length, 4)].concat(bytes);
}

function conductor({ tempos, meters, length }) {
  const told = (tempo) => meta(TEMPO, big(Math.min(tempo, 0xffffff), 3));
  const events = tempos.map(([tick, tempo]) => ({ tick, order: 0, bytes: told(tempo) }));
  for (const [tick, over, under] of meters) {
    const power = Math.log2(under);
    if (!Number.isInteger(power) || over > 255) continue;
    events.push({ tick, order: 1, bytes: meta(METER, [over, power, 24, 8]) });
  }
  return track(events, length);
}

/** The track of a part; what ends at a tick stands before what begins there. */
function played(notes, { channel, port }, name, kit, pedals) {
  const [{ program }] = notes, text = Array.from(encoder.encode(name));
  const events = [{ tick: 0, order: 1, bytes: [PROGRAM | channel, program === DRUMS ? kit : program] }];
  if (port) events.unshift({ tick: 0, order: 0, bytes: meta(PORT, [port]) });
  if (name) events.unshift({ tick: 0, order: 0, bytes: meta(NAME, text) });
  for (const { onset, length, pitch, velocity } of notes) {
    events.push({ tick: onset, order: 2, bytes: [NOTE_ON | channel, pitch, velocity] });
    events.push({ tick: onset + length, order: 0, bytes: [NOTE_OFF | channel, pitch, 0] });
  }
  for (const [onset, length] of pedals.filter((row) => row[2] === program)) {
    events.push({ tick: onset, order: 2, bytes: [CONTROL | channel, SUSTAIN, 127] });
    events.push({ tick: onset + length, order: 0, bytes: [CONTROL | channel, SUSTAIN, 0] });
  }
  return track(events);
}

/** The file of a score, a Uint8Array. */
export function midiOf(score) {
  const parts = [...new Set(score.notes.map((note) => note.part))].sort((a, b) => a - b);
  let pitched = 0;
  const tracks = parts.map((part) => {
    const notes = score.notes.filter((note) => note.part === part), drums = notes[0].program === DRUMS;
    const number = pitched % PITCHED, port = drums ? 0 : Math.floor(pitched / PITCHED);
    const channel = drums ? PERCUSSION : number + (number >= PERCUSSION ? 1 : 0);
    if (!drums) pitched += 1;
    return played(notes, { channel, port }, score.names[part] ?? "", score.kit, score.pedals);
  });
  const head = [...encoder.encode("MThd"), ...big(6, 4), ...big(1, 2)];
  head.push(...big(tracks.length + 1, 2), ...big(score.ticks, 2));
  return Uint8Array.from([head, conductor(score), ...tracks].flat());
}
