for (const box of document.querySelectorAll(".cells")) {
  const select = box.querySelector("select"), told = box.querySelector(".told");
  const bytes = (text) => {
    const raw = atob(text), made = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) made[k] = raw.charCodeAt(k);
    return made;
  };
  let known; // nothing is read before the reader asks for it: the page is there sooner
  const all = () => {
    if (known) return known;
    const data = JSON.parse(box.querySelector("script").textContent), cells = [];
    const items = [...box.querySelectorAll(".t")], index = new Map(items.map((item, k) => [item, k]));
    const shown = data.names && { next: bytes(data.next), chances: bytes(data.chances),
      surprise: bytes(data.surprise), entropy: bytes(data.entropy) };
    return known = { items, index, shown, names: data.names, place: (k) => (data.at ? data.at[k] : k),
      cell: () => cells[select.value] ??= bytes(data.cells[select.value]) };
  };
  const paint = () => {
    const { items, place, cell } = all(), levels = cell();
    items.forEach((item, k) => item.setAttribute("class", "t p" + levels[place(k)]));
  };
  select.addEventListener("change", paint);
  select.addEventListener("input", paint);
  box.addEventListener("pointerover", (event) => {
    if (!event.target.classList.contains("t")) return;
    const { index, place, cell, shown, names } = all(), t = place(index.get(event.target));
    let text = `cell ${((cell()[t] - 10) / 10).toFixed(1)}`;
    if (shown) {
      const next = [0, 1, 2, 3, 4].filter((n) => (5 * t + n) * 2 < shown.next.length).map((n) => {
        const p = 5 * t + n, name = names[shown.next[2 * p] + 256 * shown.next[2 * p + 1]];
        return `${name} ${shown.chances[p]} %`;
      });
      text += ` · surprise ${(shown.surprise[t] / 20).toFixed(2)} nats · next: ${next.join(", ")}`
        + ` · entropy ${(shown.entropy[t] / 20).toFixed(2)}`;
    }
    told.textContent = text;
  });
  if (select.selectedIndex > 0) paint(); // a browser that comes back to the page keeps the choice
}
