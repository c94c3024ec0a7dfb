// What the page of an exported model is made of: elements, and fields with their labels.

export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

export function field(id, label, input, more = "") {
  const made = element("div", `field ${more}`.trim()), told = element("label", "", label);
  told.htmlFor = input.id = `ask-${id}`;
  made.append(told, input);
  return made;
}
