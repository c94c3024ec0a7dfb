// Texts whose lines end in CR LF: a textarea shows and gives line feeds alone, and the file stays as it is.

/** A text as a textarea shows it. */
export function shown(text) { return text.replace(/\r\n?/g, "\n"); }

/** Where in a text the place `at` of what is shown of it lies. */
export function placed(text, at) {
  let place = 0;
  for (let seen = 0; seen < at; seen += 1) place += text[place] === "\r" && text[place + 1] === "\n" ? 2 : 1;
  return place;
}

/** A text that was changed where it was shown: what was not touched stays, new lines end as the others do. */
export function edited(text, now) {
  const before = shown(text);
  const least = Math.min(before.length, now.length);
  let [first, last] = [0, 0];
  while (first < least && before[first] === now[first]) first += 1;
  while (last < least - first && before[before.length - 1 - last] === now[now.length - 1 - last]) last += 1;
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const made = now.slice(first, now.length - last).replaceAll("\n", end);
  return text.slice(0, placed(text, first)) + made + text.slice(placed(text, before.length - last));
}
