// Draw the scores of both classes as histograms with a point for every X-ray, and the threshold as a line to drag.
// The counts follow the line in the browser; the server hears of the threshold when the line is let go, and of the
// X-ray that was clicked.

const BINS = 50;
const MOST = 1500; // points of one class that are drawn; the columns count every X-ray
const NEAR = 9; // pixels: how close the pointer must be to a point
const STEP = 0.01; // of the threshold
const PAUSE = 350; // milliseconds after a key until the server hears of it
const TICKS = [1, 10, 100, 1000, 10000];
const SVG = "http://www.w3.org/2000/svg";

const charts = new WeakMap();

class Distribution {
  constructor(root) {
    this.root = root;
    this.svg = root.querySelector("svg");
    this.canvas = root.querySelector("canvas");
    this.line = root.querySelector(".line");
    this.handle = root.querySelector(".handle");
    this.tip = root.querySelector(".tip");
    this.listen();
    this.observer = new ResizeObserver(() => this.layout());
  }

  update(data, report) {
    this.data = data;
    this.report = report;
    this.root.setAttribute("aria-label", data.alt);
    this.threshold = data.threshold;
    this.classes = data.classes.map((part) => {
      const counts = new Array(BINS).fill(0);
      for (const score of part.scores) counts[bin(score)] += 1;
      return { ...part, counts, shown: part.scores.length > MOST ? every(part.scores, MOST) : null };
    });
    this.fullest = Math.log1p(Math.max(1, ...this.classes.flatMap((part) => part.counts)));
    this.layout();
    this.observer.observe(this.root);
  }

  // --- Geometry, in pixels ---

  layout() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const { width, height } = this.root.getBoundingClientRect();
    if (!width || !this.data) return;
    this.rem = rem;
    this.left = 3.2 * rem;
    this.right = width - 0.8 * rem;
    const row = (height - 1.9 * rem - 2.6 * rem) / 2;
    this.rows = [0, 1].map((number) => ({ head: 1.9 * rem + number * row, foot: 1.9 * rem + (number + 1) * row }));
    this.tall = row - 2 * rem;
    const ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    this.brush = this.canvas.getContext("2d");
    this.brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.points = this.classes.flatMap((part, number) => this.place(part, number));
    this.frame(height);
    this.draw();
  }

  x(score) { return this.left + score * (this.right - this.left); }
  up(count) { return (Math.log1p(count) / this.fullest) * this.tall; }

  place(part, number) {
    let seed = 1; // the same heights at every threshold: no point jumps when the line moves
    return part.scores.map((score, at) => {
      seed = (seed * 16807) % 2147483647;
      const y = this.rows[number].foot - (0.08 + 0.84 * (seed / 2147483647)) * this.up(part.counts[bin(score)]);
      return { at, part, score, x: this.x(score), y, shown: !part.shown || part.shown.has(at) };
    });
  }

  // What no threshold moves: columns and axes.
  frame(height) {
    const parts = [];
    for (const [number, part] of this.classes.entries()) {
      const { foot } = this.rows[number];
      for (const tick of TICKS.filter((tick) => Math.log1p(tick) <= this.fullest)) {
        const y = foot - this.up(tick);
        parts.push(make("line", { x1: this.left, x2: this.right, y1: y, y2: y, class: "grid" }));
        const free = tick === 1 || this.up(tick) - this.up(tick / 10) > 0.9 * this.rem;
        if (free) parts.push(label(this.left - 6, y + 4, tick.toLocaleString("en"), "end"));
      }
      parts.push(make("line", { x1: this.left, x2: this.right, y1: foot, y2: foot, class: "grid" }));
      for (const [column, count] of part.counts.entries())
        if (count) {
          const [x, tall] = [this.x(column / BINS), this.up(count)];
          const size = { x, y: foot - tall, width: this.x((column + 1) / BINS) - x, height: tall };
          parts.push(make("rect", { ...size, fill: part.color, "fill-opacity": 0.28 }));
        }
    }
    for (let score = 0; score <= 10; score += 2)
      parts.push(label(this.x(score / 10), height - 1.5 * this.rem, (score / 10).toFixed(1), "middle"));
    const center = this.data.mark == null ? 0.5 : this.data.mark < 0.5 ? 0.9 : 0.1; // beside the mark's label
    parts.push(label(this.x(center), height - 0.25 * this.rem, "score", "middle"));
    this.texts = this.classes.flatMap((_, number) => {
      const y = this.rows[number].head + 1.3 * this.rem;
      return [label(this.left, y, "", "start"), label(this.right, y, "", "end")];
    });
    for (const text of this.texts) text.classList.add("count");
    this.svg.replaceChildren(...parts, ...this.texts);
    if (this.data.mark != null) this.svg.append(...this.marked(height));
  }

  marked(height) {
    const x = this.x(this.data.mark);
    const anchor = this.data.mark < 0.2 ? "start" : this.data.mark > 0.8 ? "end" : "middle";
    const text = label(x, height - 0.25 * this.rem, `▲ ${this.data.mark_label}`, anchor);
    text.classList.add("count");
    const line = { x1: x, x2: x, y1: this.rows[0].head + 2 * this.rem, y2: this.rows[1].foot };
    return [make("line", { ...line, stroke: "currentColor", "stroke-width": 2 }), text];
  }

  // What the threshold moves: the line, the counts, and which points are wrong.
  draw() {
    const { brush, threshold } = this;
    this.line.style.left = `${this.x(threshold)}px`;
    const shown = threshold.toFixed(2);
    this.handle.textContent = `threshold ${shown}`;
    this.handle.setAttribute("aria-valuenow", shown);
    const ends = [this.x(threshold) < 4 * this.rem, this.x(threshold) > this.right - 4 * this.rem];
    this.handle.style.transform = `translateX(${ends[0] ? "-10%" : ends[1] ? "-90%" : "-50%"})`;
    for (const [number, part] of this.classes.entries()) {
      const above = part.scores.reduce((count, score) => count + (score > threshold), 0);
      const total = part.scores.length;
      const share = total ? ` (${((100 * above) / total).toFixed(1)} %)` : "";
      const wide = this.right - this.left > 26 * this.rem;
      this.texts[2 * number].textContent = wide ? `${part.label}: ${total.toLocaleString("en")} X-rays` : part.label;
      this.texts[2 * number + 1].textContent = `${above.toLocaleString("en")} ${wide ? `called positive${share}` : "positive"}`;
    }
    brush.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const wrong of [false, true])
      for (const point of this.points)
        if ((point.score > threshold !== point.part.covid) === wrong && (wrong || point.shown)) this.dot(point, wrong);
  }

  dot({ x, y, part }, wrong) {
    const { brush } = this;
    const size = wrong ? 5 : 3;
    brush.beginPath();
    if (part.covid) {
      brush.moveTo(x, y - 1.25 * size);
      brush.lineTo(x + 1.25 * size, y);
      brush.lineTo(x, y + 1.25 * size);
      brush.lineTo(x - 1.25 * size, y);
      brush.closePath();
    } else brush.arc(x, y, size, 0, 7);
    brush.globalAlpha = wrong ? 1 : 0.6;
    brush.fillStyle = part.color;
    brush.fill();
    if (wrong) {
      brush.strokeStyle = "#fff";
      brush.stroke();
    }
    brush.globalAlpha = 1;
  }

  // --- Pointer and keys ---

  listen() {
    this.handle.onpointerdown = (event) => {
      this.handle.setPointerCapture(event.pointerId);
      this.handle.focus();
      this.dragging = true;
      event.preventDefault();
    };
    this.handle.onpointermove = (event) => {
      if (!this.dragging) return;
      const { left } = this.root.getBoundingClientRect();
      this.move((event.clientX - left - this.left) / (this.right - this.left));
    };
    this.handle.onpointerup = this.handle.onpointercancel = () => {
      if (this.dragging) this.tell();
      this.dragging = false;
    };
    this.handle.onkeydown = (event) => {
      const steps = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, Home: -1, End: 1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.move(this.threshold + steps[event.key]);
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.tell(), PAUSE);
    };
    this.root.onpointermove = (event) => this.hover(event);
    this.root.onpointerleave = () => (this.tip.hidden = true);
    this.root.onclick = (event) => {
      const point = event.target === this.handle ? null : this.nearest(event);
      if (point && this.data.opens) this.report("opened", point.part.ids[point.at]);
    };
  }

  move(threshold) {
    this.threshold = Math.round(Math.min(Math.max(threshold, 0), 1) / STEP) * STEP;
    this.draw();
  }

  tell() {
    if (this.threshold !== this.data.threshold) this.report("moved", Number(this.threshold.toFixed(2)));
  }

  nearest(event) {
    if (!this.points || this.dragging) return null;
    const { left, top } = this.root.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    let [best, closest] = [null, NEAR];
    for (const point of this.points) {
      const distance = Math.hypot(point.x - x, point.y - y);
      const drawn = point.shown || point.score > this.threshold !== point.part.covid;
      if (drawn && distance < closest) [best, closest] = [point, distance];
    }
    return best;
  }

  hover(event) {
    const point = this.nearest(event);
    this.root.style.cursor = point && this.data.opens ? "pointer" : "";
    this.tip.hidden = !point;
    if (!point) return;
    this.tip.textContent = `${point.part.ids[point.at]}: ${point.score.toFixed(3)}`;
    this.tip.style.top = `${point.y + 12}px`;
    const over = point.x > (this.left + this.right) / 2;
    Object.assign(this.tip.style, over ? { left: "", right: `${this.root.clientWidth - point.x}px` } : { left: `${point.x}px`, right: "" });
  }
}

const bin = (score) => Math.min(Math.floor(score * BINS), BINS - 1);

// The positions of `most` of the scores, spread evenly over their order.
const every = (scores, most) => new Set(Array.from({ length: most }, (_, at) => Math.floor((at * scores.length) / most)));

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function label(x, y, text, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".distribution");
  if (!charts.has(root)) charts.set(root, new Distribution(root));
  charts.get(root).update(data, setTriggerValue);
  return () => charts.get(root).observer.disconnect();
}
