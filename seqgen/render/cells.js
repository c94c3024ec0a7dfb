for (const box of document.querySelectorAll(".cells")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const items = [...box.querySelectorAll(".t")], at = data.at, cells = data.cells.map(bytes);
  const select = box.querySelector("select"), told = box.querySelector(".told");
  const place = (k) => (at ? at[k] : k);
  const paint = () => items.forEach((item, k) => {
    item.setAttribute("class", "t p" + cells[select.value][place(k)]);
  });
  select.addEventListener("change", paint);
  select.addEventListener("input", paint);
  const shown = data.names && { next: bytes(data.next), chances: bytes(data.chances),
    surprise: bytes(data.surprise), entropy: bytes(data.entropy) };
  const index = new Map(items.map((item, k) => [item, k]));
  box.addEventListener("pointerover", (event) => {
    const k = index.get(event.target);
    if (k === undefined) return;
    const t = place(k), value = (cells[select.value][t] - 10) / 10;
    let text = `cell ${value.toFixed(1)}`;
    if (shown) {
      const next = [0, 1, 2, 3, 4].filter((n) => (5 * t + n) * 2 < shown.next.length).map((n) => {
        const p = 5 * t + n, name = data.names[shown.next[2 * p] + 256 * shown.next[2 * p + 1]];
        return `${name} ${shown.chances[p]} %`;
      });
      text += ` · surprise ${(shown.surprise[t] / 20).toFixed(2)} nats · next: ${next.join(", ")}`
        + ` · entropy ${(shown.entropy[t] / 20).toFixed(2)}`;
    }
    told.textContent = text;
  });
}
