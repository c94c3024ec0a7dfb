/**
 * From events to notes, as seqgen/music/notes.py and pedals.py pair them: in playing order, since a channel's state is
 * one for all tracks. The rank of an event is its place in that order.
 */

import { META } from "./events.js";
import { drumsOf } from "./percussion.js";
import { below } from "./search.js";

const OFF = 8, ON = 9, CONTROL = 11, PROGRAM = 12, PORT = 0x21, PEDAL = 64;
const ALL_SOUND_OFF = 120, ALL_NOTES_OFF = 123;
const DRUMS = 128, FAR = Infinity;

export class Notes {
  /** `last`: the last tick of each track. */
  constructor(data, { events, last }) {
    this.last = last;
    const ports = portsOf(data, events);
    const channels = events.filter(({ status }) => status < 0xf0).map((event) => this.plain(event, ports.get(event) ?? 0));
    this.playing = channels.sort((a, b) => a.tick - b.tick);
    this.playing.forEach((event, rank) => (event.rank = rank));
    const latest = (wanted) => this.latest(wanted);
    this.drums = drumsOf(this.playing, events, data, (event) => ports.get(event) ?? 0, latest);
    this.silences = this.byChannel(({ control, first }) => {
      return control && (first >= ALL_NOTES_OFF || first === ALL_SOUND_OFF);
    });
    this.pair();
  }

  plain({ tick, track, status, first, second }, port) {
    const kind = status >> 4, on = kind === ON && second > 0;
    const more = { on, off: kind === OFF || (kind === ON && !on), control: kind === CONTROL, program: kind === PROGRAM };
    return { tick, track, channel: 16 * port + (status & 15), first, second, ...more };
  }

  /** Channel → ranks of the events that are wanted. */
  byChannel(wanted) {
    const found = new Map();
    for (const event of this.playing) {
      if (!wanted(event)) continue;
      if (!found.has(event.channel)) found.set(event.channel, []);
      found.get(event.channel).push(event.rank);
    }
    return found;
  }

  /** A function (channel, rank) → the rank of the latest of some events of a channel before a rank, or −1. */
  latest(wanted) {
    const found = this.byChannel(wanted);
    return (channel, rank) => {
      const ranks = found.get(channel) ?? [];
      return ranks[below(ranks, rank) - 1] ?? -1;
    };
  }

  /** The first event behind another in its channel's list of ranks. */
  next(lists, { channel, rank }) {
    const ranks = lists.get(channel) ?? [];
    return this.playing[ranks[below(ranks, rank)]];
  }

  /** Put notes, {on, end, endRank}, together: first in, first out; by track, channel and pitch. */
  pair() {
    const stretch = ({ channel, rank }) => below(this.silences.get(channel) ?? [], rank);
    const own = (event) => [event.channel, event.first, stretch(event)].join(" ");
    const struck = this.playing.filter(({ on, off }) => on || off);
    const [notes, orphans] = matched(struck.map((event) => ({ event })), ({ event }) => `${event.track} ${own(event)}`);
    const left = [...notes.filter(({ end }) => !end), ...orphans].sort((a, b) => a.event.rank - b.event.rank);
    if (orphans.length) matched(left, ({ event }) => own(event));
    this.notes = notes.map(({ event, end }) => {
      const closing = end ?? this.next(this.silences, event);
      return {
        on: event, stretch: stretch(event), endRank: closing ? closing.rank : FAR,
        end: closing ? closing.tick : this.last[event.track],
      };
    });
    const order = [(note) => note.on.track, (note) => note.on.channel, (note) => note.on.first, (note) => note.stretch,
      (note) => note.on.rank];
    this.notes.sort((a, b) => order.map((of) => of(a) - of(b)).find((less) => less) ?? 0);
  }

  /** [{onset, length, pitch, velocity, program, track, channel}…] in ticks, and the kit. */
  rows() {
    const programOf = this.latest(({ program }) => program), kits = this.kits();
    const rows = this.notes.map(({ on, end }) => {
      const found = programOf(on.channel, on.rank), program = found < 0 ? 0 : this.playing[found].first;
      const { tick: onset, first: pitch, second: velocity, track, channel } = on;
      const drum = this.drums(channel, on.rank);
      return { onset, length: end - onset, pitch, velocity, program: drum ? DRUMS : program, track, channel };
    });
    return { rows, kit: kits.length ? kits[0].first : 0 };
  }

  /** The program changes of percussion; of several channels of one that has notes. */
  kits() {
    const found = this.playing.filter(({ program, channel, rank }) => program && this.drums(channel, rank));
    const sounding = new Set(this.notes.filter(({ on }) => this.drums(on.channel, on.rank)).map(({ on }) => on.channel));
    const heard = found.filter(({ channel }) => sounding.has(channel));
    return heard.length ? heard : found;
  }

  /** Times at which the sustain pedal is down: {channel, down and up: ranks, onset and end: ticks}. */
  pedals() {
    const ranks = this.byChannel(({ control, first, channel, rank }) => {
      return control && first === PEDAL && !this.drums(channel, rank);
    });
    return [...ranks].flatMap(([channel, each]) => {
      const found = [];
      let held = null;
      for (const rank of each) {
        const { second, tick, track } = this.playing[rank];
        if (second >= PEDAL && !held) {
          held = { channel, down: rank, up: FAR, onset: tick, end: this.last[track] };
          found.push(held);
        } else if (second < PEDAL && held) {
          Object.assign(held, { up: rank, end: tick });
          held = null;
        }
      }
      return found;
    });
  }

  /** Lengthen notes by the pedal: until it rises, or their key is struck again. */
  fold() {
    const pedals = this.pedals();
    if (!pedals.length) return;
    const byRank = new Map(pedals.map((pedal) => [pedal.down, pedal]));
    const pressed = this.latest(({ rank }) => byRank.has(rank)), strikes = new Map();
    const key = ({ channel, first }) => channel * 128 + first;
    for (const event of this.playing.filter(({ on }) => on)) {
      if (!strikes.has(key(event))) strikes.set(key(event), []);
      strikes.get(key(event)).push(event.rank);
    }
    const off = this.byChannel(({ control, first }) => control && first === ALL_SOUND_OFF);
    for (const note of this.notes) {
      const pedal = byRank.get(pressed(note.on.channel, note.endRank));
      if (pedal && pedal.up > note.endRank) {
        const ranks = strikes.get(key(note.on)), again = this.playing[ranks[below(ranks, note.endRank)]];
        note.end = Math.max(Math.min(pedal.end, again ? again.tick : FAR), note.end);
      }
      const silence = this.next(off, note.on);
      if (silence) note.end = Math.min(note.end, silence.tick);
    }
  }

  /** [[onset, length, program]…] of the pedal where it is kept apart. */
  intervals() {
    const programOf = this.latest(({ program }) => program);
    return this.pedals().filter(({ onset, end }) => end > onset).map(({ channel, down, onset, end }) => {
      const found = programOf(channel, down);
      return [onset, end - onset, found < 0 ? 0 : this.playing[found].first];
    });
  }
}

/** [notes, ends that no note has] of note-ons and -offs; each note that finds its end then has it as `end`. */
function matched(struck, keyOf) {
  const waiting = new Map(), notes = [], orphans = [];
  for (const one of struck) {
    const key = keyOf(one), queue = waiting.get(key) ?? waiting.set(key, []).get(key);
    if (one.event.on) {
      notes.push(one);
      queue.push(one);
    } else if (queue.length) queue.shift().end = one.event;
    else orphans.push(one);
  }
  return [notes, orphans];
}

/** Event → its port, as far as its track told one before it. */
function portsOf(data, events) {
  const found = new Map();
  let port = 0, track = -1;
  for (const event of events) {
    if (event.track !== track) [port, track] = [0, event.track];
    if (event.status === META && event.first === PORT && event.size >= 1) port = data[event.start];
    if (port) found.set(event, port);
  }
  return found;
}
