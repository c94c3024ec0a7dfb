/** Indentation that matters, as seqgen/codecs/_code/layout.py has it. A layout is never changed. */

const TAB = 8, DEEPER = 8;

export const FLAT = { width: 0, levels: [0], wants: false, blank: 0, decorated: false };
const deepest = ({ levels }) => levels[levels.length - 1];

/** [behind one more space at the start of a line, whether it may stand there]. */
export function indented(layout, char) {
  if (char !== " " && char !== "\t") return [layout, true];
  const width = char === " " ? layout.width + 1 : (Math.floor(layout.width / TAB) + 1) * TAB;
  return [{ ...layout, width }, width <= deepest(layout) + (layout.wants ? DEEPER : 0)];
}

/** [where code begins on a line, whether it may]. */
export function begun(layout, char) {
  const { width, levels } = layout;
  const fine = layout.wants ? width > deepest(layout) : levels.includes(width);
  const outer = levels.filter((level) => level < width);
  return [{ width, levels: [...outer, width], wants: false, blank: 0, decorated: char === "@" }, fine];
}

/** Where a comment has begun: its line is not empty. */
export const commented = (layout) => ({ ...layout, blank: -1 });

/** At the start of the next line, behind an empty one, or behind one that opens a block. */
export function ended(layout, empty, opens) {
  if (empty) return { ...layout, width: 0, blank: layout.blank + 1 };
  return { width: 0, levels: layout.levels, wants: opens, blank: 0, decorated: layout.decorated };
}
