// <seq-curve>: the loss of a run over its steps, that of training thin, that of validation with points.
//
//   curve.show(steps, checks);     // [{step, nats}], [{step, validation_nats}]

const [USUAL, HEIGHT] = [640, 260];
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 10, 10, 28];
const SPACE = "http://www.w3.org/2000/svg";
const LINES = 5; // of each grid at most, about

export class Curve extends HTMLElement {
  #picture = null;
  #given = [[], []];

  connectedCallback() {
    if (this.#picture) return;
    this.#picture = made("svg", { role: "img" });
    this.append(this.#picture);
    let width = 0; // a room that is shown, a phone that is turned
    new ResizeObserver(() => {
      if (this.clientWidth !== width && this.clientWidth) this.show(...this.#given);
      width = this.clientWidth;
    }).observe(this);
  }

  show(steps, checks) {
    this.#given = [steps, checks];
    const train = steps.filter(({ nats }) => nats !== null).map(({ step, nats }) => [step, nats]);
    const valid = checks.filter(({ validation_nats }) => validation_nats !== null).map(({ step, validation_nats }) => [step, validation_nats]);
    const all = [...train, ...valid];
    this.#picture.replaceChildren();
    this.hidden = !all.length;
    if (!all.length) return;
    const width = this.clientWidth || USUAL; // so that words have their size on a phone, too
    this.#picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const last = Math.max(1, ...all.map(([step]) => step));
    const [low, high] = [Math.min(...all.map(([, nats]) => nats)), Math.max(...all.map(([, nats]) => nats))];
    const [least, most] = [Math.max(0, low - 0.05 * (high - low)), Math.max(high, low + 0.1)];
    const x = (step) => LEFT + (step / last) * (width - LEFT - RIGHT);
    const y = (nats) => TOP + ((most - nats) / (most - least)) * (HEIGHT - TOP - BOTTOM);
    for (const nats of ticks(least, most)) {
      this.#picture.append(made("line", { x1: LEFT, x2: width - RIGHT, y1: y(nats), y2: y(nats), class: "grid" }));
      this.#write(LEFT - 6, y(nats) + 4, String(nats), "end");
    }
    for (const step of ticks(0, last, 1)) this.#write(x(step), HEIGHT - 10, step.toLocaleString("en"), "middle");
    for (const [name, points] of [["train", train], ["valid", valid]]) {
      this.#picture.append(made("polyline", { points: points.map(([step, nats]) => `${x(step)},${y(nats)}`).join(" "), class: name }));
    }
    for (const [step, nats] of valid) this.#picture.append(made("circle", { cx: x(step), cy: y(nats), r: 3, class: "valid" }));
    const best = valid.length ? `, validation ${Math.min(...valid.map(([, nats]) => nats)).toFixed(3)} at best` : "";
    const now = train.length ? `training ${train.at(-1)[1].toFixed(3)} nats a token after ${train.at(-1)[0].toLocaleString("en")} steps` : "the loss";
    this.#picture.setAttribute("aria-label", `Curve of the loss: ${now}${best}`);
  }

  #write(x, y, text, anchor) {
    const word = made("text", { x, y, "text-anchor": anchor });
    word.textContent = text;
    this.#picture.append(word);
  }
}

/** Round numbers between two, no closer than `close`. */
function ticks(least, most, close = 0) {
  const rough = Math.max((most - least) / LINES, close);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(least / step); at * step <= most; at += 1) found.push(Number((at * step).toPrecision(6)));
  return found;
}

function made(tag, values) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
  return element;
}

customElements.define("seq-curve", Curve);
