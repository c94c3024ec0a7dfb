/** The container of a MIDI file, as seqgen/music/chunks.py reads it: RIFF wrapper, header, track chunks. */

const MAX_BYTES = 64 << 20, MAX_TRACKS = 256, SEARCHED = 1024, MACBINARY = 128;
const HEADER = "MThd\0\0\0\x06";
const RATES = [24, 25, 29, 30]; // frames a second; 29 stands for 30 drop frame

/** A file that cannot be read; the message is a sentence for people. */
export class MidiError extends Error {}

export function refuse(sentence) {
  throw new MidiError(sentence);
}

/** The bytes in [begin, end) as text, a letter a byte. */
export function lettersOf(data, begin = 0, end = data.length) {
  let text = "";
  for (let at = begin; at < end; at += 4096) text += String.fromCharCode(...data.subarray(at, Math.min(at + 4096, end)));
  return text;
}

/** A whole number of `size` bytes, the highest first; of bytes that are not there what is there. */
export function numberOf(data, at, size) {
  let value = 0;
  for (let place = at; place < Math.min(at + size, data.length); place += 1) value = value * 256 + data[place];
  return value;
}

/** {format, ticks, tempo: microseconds a quarter note under SMPTE time or null, tracks: [[begin, end]…]} of a file. */
export function chunksOf(data) {
  const opening = lettersOf(data, 0, Math.min(SEARCHED, data.length));
  const wrapped = opening.startsWith("RIFF") && opening.slice(8, 12) === "RMID";
  if (!opening.startsWith("MThd") && !wrapped && !opening.includes(HEADER)) {
    refuse("This is no MIDI file: it does not begin with MThd.");
  }
  if (data.length > MAX_BYTES) refuse(`The file has ${data.length} bytes, expected at most ${MAX_BYTES}.`);
  const [start, end] = unwrapped(data, opening);
  if (end - start < 14 || lettersOf(data, start, start + 4) !== "MThd") refuse("The file has no MIDI header.");
  const size = numberOf(data, start + 4, 4);
  if (size < 6) refuse(`The header of the file has ${size} bytes, expected 6.`);
  const format = Math.min(numberOf(data, start + 8, 2), 3);
  const tracks = tracksOf(data, start + 8 + size, end);
  return { format: format > 2 ? 1 : format, ...division(data[start + 12], data[start + 13]), tracks };
}

/** [begin, end] of the MIDI file inside a RIFF wrapper, behind other bytes, or of all of it. */
function unwrapped(data, opening) {
  if (opening.startsWith("MThd")) return [0, data.length];
  if (!opening.startsWith("RIFF")) {
    const start = opening.indexOf(HEADER);
    const size = start === MACBINARY && data[0] === 0 ? numberOf(data, 83, 4) : 0;
    return [Math.max(start, 0), start > 0 && size >= 14 ? Math.min(start + size, data.length) : data.length];
  }
  for (let at = 12; at + 8 <= data.length; ) {
    const size = data[at + 4] + data[at + 5] * 0x100 + data[at + 6] * 0x10000 + data[at + 7] * 0x1000000;
    if (lettersOf(data, at, at + 4) === "data") return [at + 8, Math.min(at + 8 + size, data.length)];
    at += 8 + size + (size % 2);
  }
  return refuse("The RIFF file holds no MIDI data.");
}

function division(high, low) {
  const value = high * 256 + low;
  if (!value) refuse("The time division of the file is 0 ticks a quarter note.");
  if (value < 0x8000) return { ticks: value, tempo: null };
  const rate = 256 - high;
  if (!RATES.includes(rate) || !low) refuse(`The time division of the file is ${rate} frames of ${low} ticks.`);
  return rate === 29 ? { ticks: 30 * low, tempo: 1001000 } : { ticks: rate * low, tempo: 1000000 };
}

/** The track chunks; other chunks are passed over, junk is searched for the next track. */
function tracksOf(data, at, end) {
  const tracks = [];
  const next = (from) => {
    for (let place = from; place + 4 <= end; place += 1) {
      if (data[place] === 0x4d && lettersOf(data, place, place + 4) === "MTrk") return place;
    }
    return end;
  };
  while (at < end) {
    const name = lettersOf(data, at, Math.min(at + 4, data.length)), stop = at + 8 + numberOf(data, at + 4, 4);
    if (at + 8 > end || !/^[ -~]*$/.test(name)) at = next(at + 1);
    else if (name !== "MTrk") at = stop <= end ? stop : next(at + 1);
    else {
      if (tracks.length === MAX_TRACKS) refuse(`The file has too many tracks, expected at most ${MAX_TRACKS}.`);
      tracks.push([at + 8, Math.min(stop, end)]);
      at = stop;
    }
  }
  return tracks;
}
