// Small helpers of the rooms: elements, labelled fields, errors as the server tells them.

export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

export function button(text, act, name = "") {
  const made = element("button", name, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

let fields = 0;

/** A field with its label. */
export function labelled(text, field, name = "field") {
  const [box, label] = [element("div", name), element("label", "", text)];
  field.id ||= `field-${fields++}`;
  label.htmlFor = field.id;
  box.append(label, field);
  return box;
}

/** An error's sentence and hint, as text. */
export function showError(place, error) {
  place.replaceChildren();
  place.hidden = !error;
  if (!error) return;
  place.append(element("span", "", `${error.message}. `));
  if (error.hint) place.append(element("span", "hint", error.hint));
}

/** Rows of a sheet, [start, duration, pitch, velocity, program, part, drum], as the notes of roll and player. */
export function notesOf(rows) {
  return rows.map(([start, duration, pitch, velocity, program, part, drum]) => ({ start, duration, pitch, velocity, program, part, drum: Boolean(drum) }));
}

/** Lets the browser save what an address of the studio gives; a refusal is thrown as {message, hint}. */
export async function download(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw await answer.json();
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "sample";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
