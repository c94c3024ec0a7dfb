// How <seq-roll> is drawn: what is in sight, group by group of one colour. Knows no events.
//
// A view is {pen, width, height, left, scale, notes, longest, bars, parts, low, high, lanes, box, playhead}: sizes in
// pixels, `left` where the roll is scrolled to, `scale` pixels a second, `parts` a part's place among the colours.

export const PALETTE = 10;
export const AXIS = 20; // pixels of the row with bar numbers
export const KEYS = 34; // pixels of the column with names of pitches
const LANE = 9; // pixels of a drum lane
const BLACK = new Set([1, 3, 6, 8, 10]);
const SHADES = 4; // of velocity

/** Pixels that the lanes of drums take. */
export function drumRoom(lanes) { return lanes.length ? lanes.length * LANE + 6 : 0; }

export function paint(view, colours) {
  const { pen, width, height } = view;
  pen.fillStyle = colours.field;
  pen.fillRect(0, 0, width, height);
  view.drums = drumRoom(view.lanes);
  view.bottom = height - view.drums;
  view.row = (view.bottom - AXIS) / Math.max(view.high - view.low + 1, 1);
  const ticks = ticksOf(view);
  lines(view, colours, ticks);
  rectangles(view, colours);
  if (view.box) boxed(view, colours);
  labels(view, colours, ticks);
  const x = across(view, view.playhead);
  pen.fillStyle = colours.head;
  if (x >= KEYS) pen.fillRect(x - 1, 0, 2, height);
}

export function coloursOf(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(`--${name}`).trim() || "#888";
  const parts = Array.from({ length: PALETTE }, (_, place) => of(`p${place}`));
  return {
    parts: [...parts, of("drums")], field: of("field"), line: of("line"), soft: of("soft"), black: of("black-key"),
    head: of("head"), focus: of("focus"),
  };
}

function across(view, seconds) { return KEYS + seconds * view.scale - view.left; }

function down(view, pitch) { return AXIS + (view.high - pitch) * view.row; }

function lines(view, colours, ticks) {
  const { pen, width, height } = view;
  pen.fillStyle = colours.black;
  for (let pitch = view.low; pitch <= view.high; pitch += 1) {
    if (BLACK.has(((pitch % 12) + 12) % 12)) pen.fillRect(KEYS, down(view, pitch), width, view.row);
  }
  pen.fillStyle = colours.line;
  for (const [, seconds] of ticks) pen.fillRect(Math.round(across(view, seconds)), AXIS, 1, height);
  if (view.drums) pen.fillRect(KEYS, view.bottom + 2, width, 1);
}

/** [label, seconds] of bars in sight, or of seconds where no bars are known; every so many, so that they have room. */
function ticksOf(view) {
  const { bars, scale } = view;
  const [from, to] = [(view.left - KEYS) / scale, (view.left + view.width) / scale];
  const found = [];
  if (bars.length < 2) {
    const step = [0.5, 1, 2, 5, 10, 30, 60].find((each) => each * scale > 50) ?? 120;
    for (let at = Math.max(0, Math.ceil(from / step)) * step; at < to; at += step) found.push([clock(at), at]);
    return found;
  }
  const each = (bars.at(-1) - bars[0]) / (bars.length - 1);
  const step = [1, 2, 4, 8, 16, 32, 64].find((some) => some * each * scale > 36) ?? 128;
  const first = Math.max(0, Math.floor((lower(bars, from, (bar) => bar) - 1) / step) * step);
  for (let at = first; at < bars.length && bars[at] < to; at += step) found.push([String(at + 1), bars[at]]);
  return found;
}

function rectangles(view, colours) {
  const { pen, notes, scale } = view;
  const [from, to] = [(view.left - KEYS) / scale, (view.left + view.width - KEYS) / scale];
  const groups = new Map(); // colour and shade → what is drawn so: to change a colour costs more than a rectangle
  for (let at = lower(notes, from - view.longest, (note) => note.start); at < notes.length; at += 1) {
    const note = notes[at];
    if (note.start > to) break;
    if (note.start + note.duration < from && !note.drum) continue;
    const place = note.drum ? PALETTE : view.parts.get(note.part);
    const key = place * SHADES + Math.min(SHADES - 1, (note.velocity * SHADES) >> 7);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(note);
  }
  const thick = Math.max(view.row - 1, 1.5);
  for (const [key, group] of groups) {
    pen.fillStyle = colours.parts[Math.floor(key / SHADES)];
    pen.globalAlpha = 0.45 + (0.55 * (key % SHADES)) / (SHADES - 1);
    for (const note of group) {
      const x = across(view, note.start);
      if (note.drum) pen.fillRect(x, view.bottom + 5 + view.lanes.indexOf(note.pitch) * LANE, 4, LANE - 2);
      else pen.fillRect(x, down(view, note.pitch), Math.max(note.duration * scale - 1, 2), thick);
    }
  }
  pen.globalAlpha = 1;
}

function boxed(view, colours) {
  const { pen, scale, box: { from, to, low, high } } = view;
  const [x, y, wide, tall] = [across(view, from), down(view, high), (to - from) * scale, (high - low + 1) * view.row];
  pen.strokeStyle = pen.fillStyle = colours.focus;
  pen.globalAlpha = 0.14;
  pen.fillRect(x, y, wide, tall);
  pen.globalAlpha = 1;
  pen.strokeRect(x + 0.5, y + 0.5, wide, tall);
}

function labels(view, colours, ticks) {
  const { pen, width, height } = view;
  pen.fillStyle = colours.field;
  pen.fillRect(0, 0, width, AXIS);
  pen.fillRect(0, 0, KEYS, height);
  pen.fillStyle = colours.line;
  pen.fillRect(0, AXIS - 1, width, 1);
  pen.fillRect(KEYS - 1, 0, 1, height);
  pen.fillStyle = colours.soft;
  pen.font = "11px system-ui, sans-serif";
  for (const [label, seconds] of ticks) {
    const x = across(view, seconds);
    if (x >= KEYS - 1) pen.fillText(label, x + 3, AXIS - 6);
  }
  for (let octave = -1; octave < 10; octave += 1) {
    const pitch = 12 * (octave + 1);
    if (pitch >= view.low && pitch <= view.high) pen.fillText(`C${octave}`, 6, down(view, pitch) + view.row / 2 + 4);
  }
  if (view.drums) pen.fillText("drums", 2, height - view.drums / 2 + 4);
}

/** The first place in a sorted list whose value is at least so much. */
export function lower(list, wanted, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(list[middle]) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Seconds as 1:05, or 0:02.5. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const tenth = Math.round((seconds - whole) * 10);
  const rest = tenth && tenth < 10 && whole < 10 ? `.${tenth}` : "";
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}${rest}`;
}
