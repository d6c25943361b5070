// Play the story full screen: one screen after the other, each with its headline, its numbers and a link to it.

const TICK = 100; // milliseconds
const players = new WeakMap();

class Player {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.find(".play").onclick = () => this.open();
    this.actions = {
      back: () => this.go(this.at - 1),
      next: () => this.go(this.at + 1),
      pause: () => this.pause(!this.paused),
      close: () => this.close(),
    };
    for (const button of root.querySelectorAll("[data-do]")) button.onclick = this.actions[button.dataset.do];
    this.keys = (event) => this.key(event);
    this.left = () => document.fullscreenElement || this.close();
  }

  update(data) {
    this.data = data;
    this.find(".play").textContent = `▶ ${data.label}`;
  }

  open() {
    this.stage.hidden = false;
    // Full screen where the browser allows it; the stage covers the window in any case.
    this.stage.requestFullscreen?.().catch(() => {});
    addEventListener("keydown", this.keys, true);
    document.addEventListener("fullscreenchange", this.left);
    this.find(".progress").replaceChildren(...this.data.scenes.map(() => document.createElement("i")));
    this.pause(false);
    this.go(0);
    this.timer = setInterval(() => this.tick(), TICK);
    this.find("[data-do=pause]").focus();
  }

  close() {
    clearInterval(this.timer);
    removeEventListener("keydown", this.keys, true);
    document.removeEventListener("fullscreenchange", this.left);
    if (document.fullscreenElement) document.exitFullscreen();
    this.stage.hidden = true;
    this.find(".play").focus();
  }

  tick() {
    if (this.paused) return;
    this.shown += TICK / 1000;
    this.progress();
    if (this.shown >= this.each && this.at < this.data.scenes.length - 1) this.go(this.at + 1);
  }

  get each() { return this.data.seconds / this.data.scenes.length; }

  pause(paused) {
    this.paused = paused;
    this.find("[data-do=pause]").textContent = paused ? "Play" : "Pause";
  }

  progress() {
    for (const [at, bar] of [...this.find(".progress").children].entries()) {
      const done = at < this.at ? 1 : at > this.at ? 0 : Math.min(this.shown / this.each, 1);
      bar.style.setProperty("--done", `${100 * done}%`);
    }
  }

  go(at) {
    if (at < 0 || at >= this.data.scenes.length) return;
    this.at = at;
    this.shown = 0;
    const scene = this.data.scenes[at];
    this.find(".title").textContent = scene.title;
    this.find("h2").textContent = scene.headline;
    this.find(".figures").replaceChildren(...scene.figures.map(figure));
    this.find("ul").replaceChildren(...scene.lines.map((line) => element("li", line)));
    Object.assign(this.find("nav a"), { href: scene.link, textContent: "Open this screen" });
    this.progress();
  }

  key(event) {
    const keys = { ArrowLeft: "back", PageUp: "back", ArrowRight: "next", PageDown: "next", Escape: "close", " ": "pause" };
    const pressed = event.key === " " && event.composedPath()[0].matches?.("button, a") ? null : keys[event.key];
    event.stopImmediatePropagation(); // the page below has keys of its own
    if (!pressed) return;
    event.preventDefault();
    this.actions[pressed]();
  }
}

function element(name, text, style) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (style) made.className = style;
  return made;
}

function figure({ text, label, share }) {
  const [row, right, bar, filled] = [element("div", "", "figure"), element("div"), element("div", "", "bar"), element("i")];
  filled.style.width = `${100 * share}%`;
  bar.append(filled);
  right.append(bar, element("span", label));
  row.append(element("b", text), right);
  return row;
}

export default function ({ parentElement, data }) {
  const root = parentElement;
  if (!players.has(root)) players.set(root, new Player(root));
  players.get(root).update(data);
  return () => players.get(root)?.stage.hidden || players.get(root)?.close();
}
