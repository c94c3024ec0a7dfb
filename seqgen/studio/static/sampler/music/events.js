/**
 * The events of MIDI tracks, as seqgen/music/events.py reads them: what is damaged is passed over or mended as there.
 *
 * An event is {tick, track, status, first, second, start, size}: running status is resolved, and of a meta event (whose
 * type stands in `first`) or a system exclusive message `start` and `size` are the place of what it holds.
 */

import { lettersOf, refuse } from "./chunks.js";

export const META = 0xff;
export const SYSEX = 0xf0;
const ESCAPE = 0xf7, STRAY = 0xf4, REAL_TIME = 0xf8, END_OF_TRACK = 0x2f;
const MAX_EVENTS = 2000000;
const DATA_BYTES = { 0xf1: 1, 0xf2: 2, 0xf3: 1 }; // of system common messages
const LONG_NUMBER = /[\x80-\xff]{4,64}[\x00-\x7f]/y;
const PLAIN = "[\\x80-\\xbf\\xe0-\\xef][\\x00-\\x7f]{2}|[\\xc0-\\xdf][\\x00-\\x7f]";
const USUAL = "\\xff[\\x01-\\x09\\x20\\x21\\x2f\\x51\\x54\\x58\\x59\\x7f]";
const NEXT_EVENT = new RegExp(`[\\x80-\\xff]{0,3}[\\x00-\\x7f](?:${PLAIN}|${USUAL})`, "g"); // looked for behind damage

class Track {
  constructor(data, number, [begin, end], events) {
    Object.assign(this, { data, number, begin, end, events, at: begin });
    this.tick = 0;
    this.status = 0; // the latest of a channel
    this.running = 0; // data bytes of the running status
    this.lapsed = 0; // those of the one that a system message ended
    this.ended = false;
    while (this.at < end && !this.ended) this.event();
  }

  /** The letters of the track, for patterns. */
  get text() {
    this.letters ??= lettersOf(this.data, this.begin, this.end);
    return this.letters;
  }

  put(delta, status, first, second = 0, start = 0, size = 0) {
    if (this.events.length === MAX_EVENTS) refuse(`The file has too many events, expected at most ${MAX_EVENTS}.`);
    this.tick += delta;
    this.events.push({ tick: this.tick, track: this.number, status, first, second, start, size });
  }

  /** A number of variable length behind which `at` then stands; null: the track ends before. */
  number7() {
    let value = 0;
    for (let here = this.at; here < Math.min(this.at + 4, this.end); here += 1) {
      const byte = this.data[here];
      value = value * 128 + (byte & 127);
      if (byte < 128) {
        this.at = here + 1;
        return value;
      }
    }
    LONG_NUMBER.lastIndex = this.at - this.begin;
    if (this.at + 4 > this.end || !LONG_NUMBER.test(this.text)) {
      this.ended = true;
      return null;
    }
    this.at = this.begin + LONG_NUMBER.lastIndex;
    return 0;
  }

  /** Go on with the next event that can be made out, from a place on; else the track ends. */
  pass(from) {
    NEXT_EVENT.lastIndex = from - this.begin;
    const found = NEXT_EVENT.exec(this.text);
    if (found) this.at = this.begin + found.index;
    else this.ended = true;
  }

  event() {
    const delta = this.number7();
    if (delta === null) return;
    if (this.at >= this.end) {
      this.ended = true;
      return;
    }
    const status = this.data[this.at];
    if (status === META || status === SYSEX || status === ESCAPE) this.long(delta, status);
    else if (status >= 0xf0) this.system(delta, status);
    else this.channel(delta, status);
  }

  channel(delta, byte) {
    if (byte >= 0x80) {
      this.running = byte >= 0xc0 && byte < 0xe0 ? 1 : 2;
      this.at += 1;
    } else if (!this.running && !this.lapsed) {
      this.pass(this.at + 1);
      return;
    } else if (!this.running) this.running = this.lapsed;
    if (this.at + this.running > this.end) {
      this.ended = true;
      return;
    }
    if (byte >= 0x80) this.status = byte;
    const first = Math.min(this.data[this.at], 127), second = Math.min(this.data[this.at + this.running - 1], 127);
    this.at += this.running;
    this.put(delta, this.status, first, second);
  }

  /** A message of live playing: it and its data bytes are passed over. */
  system(delta, status) {
    this.put(delta, STRAY, 0);
    if (status < REAL_TIME) this.lapse();
    this.at += 1;
    for (let more = DATA_BYTES[status] ?? 0; more > 0; more -= 1) {
      if (this.at < this.end && this.data[this.at] < 0x80) this.at += 1;
    }
  }

  lapse() {
    this.lapsed = this.running || this.lapsed;
    this.running = 0;
  }

  /** A meta event or a system exclusive message: a length, and that many bytes. */
  long(delta, status) {
    let kind = 0;
    this.at += 1;
    if (status === META) {
      if (this.at >= this.end) {
        this.ended = true;
        return;
      }
      kind = this.data[this.at];
      this.at += 1;
    } else this.lapse();
    const length = this.number7();
    if (length === null) return;
    if (this.at + length > this.end) {
      this.pass(this.at);
      return;
    }
    this.ended = status === META && kind === END_OF_TRACK;
    this.put(delta, status === META ? META : SYSEX, kind, 0, this.at, length);
    this.at += length;
  }
}

/** {events, last: the last tick of each track} of the tracks of a file, one after the other. */
export function eventsOf(data, tracks) {
  const events = [];
  return { events, last: tracks.map((span, number) => new Track(data, number, span, events).tick) };
}
