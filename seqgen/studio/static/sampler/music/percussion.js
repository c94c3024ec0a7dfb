/** Which channels are percussion, and when: seqgen/music/percussion.py, which names its sources. */

import { SYSEX } from "./events.js";
import { below } from "./search.js";

const PERCUSSION = 9, LEAST = 5, MOST = 12; // the channel; bytes of messages that matter
const begins = (payload, at, ...bytes) => bytes.every((byte, place) => payload[at + place] === byte);
const isGs = (payload) => payload.length >= 9 && payload[0] === 0x41 && begins(payload, 2, 0x42, 0x12);
const isXg = (payload) => {
  return payload.length >= 7 && payload[0] === 0x43 && (payload[1] & 0xf0) === 0x10 && payload[2] === 0x4c;
};

function resets(payload) {
  const gm = payload[0] === 0x7e && payload[2] === 9;
  return gm || (isGs(payload) && begins(payload, 4, 0x40, 0, 0x7f)) || (isXg(payload) && begins(payload, 3, 0, 0, 0x7e));
}

/** What a message says: [[channel, whether it is percussion from here on]…]. */
function spoken(payload) {
  if (resets(payload)) return Array.from({ length: 16 }, (_, channel) => [channel, channel === PERCUSSION]);
  if (isGs(payload) && payload[4] === 0x40 && (payload[5] & 0xf0) === 0x10 && payload[6] === 0x15) {
    const block = payload[5] & 15, lower = block <= PERCUSSION ? block - 1 : block;
    return [[block === 0 ? PERCUSSION : lower, payload[7] > 0]];
  }
  if (isXg(payload) && payload[3] === 8 && payload[4] < 16 && payload[5] === 7) return [[payload[4], payload[6] > 0]];
  return [];
}

/**
 * A function (channel, rank) → whether it is percussion then. `playing`: the channel events in their order; `events`:
 * all of the file; `portOf`: of one of these; `latest`: see notes.js.
 */
export function drumsOf(playing, events, data, portOf, latest) {
  const changes = new Map(); // channel → [[rank, drums]…]
  const put = (channel, rank, drums) => (changes.get(channel) ?? changes.set(channel, []).get(channel)).push([rank, drums]);
  const wanted = ({ status, size }) => status === SYSEX && size >= LEAST && size <= MOST;
  const said = events.filter(wanted).map((event) => [event, data.subarray(event.start, event.start + event.size)]);
  const ticks = said.length ? playing.map(({ tick }) => tick) : [];
  for (const [event, payload] of said) {
    const rank = below(ticks, event.tick);
    for (const [channel, drums] of spoken(payload)) put(16 * portOf(event) + channel, rank, drums);
  }
  const xg = said.some(([, payload]) => isXg(payload)), gs = said.some(([, payload]) => isGs(payload));
  const isKit = (bank) => (xg && (bank === 126 || bank === 127)) || (!gs && bank === 120);
  const bankOf = latest((event) => event.control && event.first === 0), before = new Map();
  playing.forEach((event, rank) => {
    if (!event.program) return;
    const bank = bankOf(event.channel, rank), kit = bank >= 0 && isKit(playing[bank].second);
    if (kit !== (before.get(event.channel) ?? false)) put(event.channel, rank, kit);
    before.set(event.channel, kit);
  });
  for (const [channel, each] of changes) {
    each.sort((a, b) => a[0] - b[0]);
    changes.set(channel, { ranks: each.map(([rank]) => rank), drums: each.map(([, drums]) => drums) });
  }
  return (channel, rank) => {
    const known = changes.get(channel), place = known ? below(known.ranks, rank + 1) : 0;
    return place ? known.drums[place - 1] : channel % 16 === PERCUSSION;
  };
}
