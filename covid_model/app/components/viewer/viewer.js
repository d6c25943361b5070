// Show an X-ray and its Grad-CAM heatmap in one view: compare, zoom, pan, window and level, all in the browser.
// The only thing that the server hears of is a click, and only if it asked for one (`data.place`).

const MAX_ZOOM = 12;
const ZOOM_STEP = 1.3; // of a button or a key
const WHEEL = 0.0016; // zoom for each pixel that the wheel turns
const PAN_STEP = 0.1; // of what is visible, for each press of an arrow key
const NUDGE = 0.02; // of the X-ray: a step of the crosshair
const CLICK = 5; // pixels: a pointer that moved farther was dragging
const TONES_DRAG = 0.2; // percent of window or level for each pixel dragged
const SCROLLING = 250; // milliseconds in which the wheel belongs to the page that it is scrolling
const PRESETS = { "Full range": [100, 50], Lungs: [60, 32], "Bones and heart": [60, 68], "High contrast": [45, 50] };
const START = { view: "wipe", wipe: 50, direction: "for", window: 100, level: 50, drag: "pan", zoom: 1, x: 0.5, y: 0.5 };

// Settings outlive the component, so that the next X-ray is seen with the same ones. They end with the browser's page.
const settings = (globalThis[Symbol.for("covid-model.viewer")] ??= new Map());
const viewers = new WeakMap();

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class Viewer {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".stage");
    this.panes = [...root.querySelectorAll(".pane")];
    this.divider = root.querySelector(".divider");
    this.cross = root.querySelector(".cross");
    this.inputs = [...root.querySelectorAll("input")];
    this.pointers = new Map();
    this.scrolled = 0;
    const presets = root.querySelector("[name=preset]");
    for (const name of [...Object.keys(PRESETS), "Custom"]) presets.append(new Option(name, name));
    this.listen();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.stage);
  }

  update(data, report) {
    this.data = data;
    this.report = report;
    this.see = settings.get(data.key) ?? { ...START, opacity: data.opacity };
    settings.set(data.key, this.see);
    const last = data.pictures.length - 1;
    if (this.see.newest !== data.pictures[last].src) this.see.shown = last; // a new picture shows itself
    this.see.newest = data.pictures[last].src;
    this.see.shown = clamp(this.see.shown ?? last, 0, last);
    const names = this.root.querySelector("[data-choice=shown]");
    names.replaceChildren(...(last ? data.pictures.map((picture, number) => choice(picture.name, number)) : []));
    this.stage.setAttribute("aria-label", "Chest X-ray and Grad-CAM");
    this.root.querySelector("#keys").textContent =
      "Plus and minus zoom, arrow keys move, 0 resets the view." +
      (data.place ? " Arrow keys move the crosshair, Enter places it." : "");
    this.cross.hidden = true;
    this.draw();
  }

  get picture() { return this.data.pictures[this.see.shown]; }

  // --- Geometry: in pixels of a pane, and in fractions of the X-ray ---

  fit(pane) {
    const { width, height } = this.picture;
    const scale = Math.min(pane.clientWidth / width, pane.clientHeight / height);
    return { width: width * scale, height: height * scale };
  }

  placed(pane) {
    const { width, height } = this.fit(pane);
    const { zoom, x, y } = this.see;
    return { left: pane.clientWidth / 2 - x * width * zoom, top: pane.clientHeight / 2 - y * height * zoom, width, height };
  }

  paneAt(event) {
    const inside = this.panes.filter((pane) => !pane.hidden);
    if (this.see.view !== "both") return inside[inside.length - 1];
    const over = (pane) => event.clientX <= pane.getBoundingClientRect().right;
    return inside.find(over) ?? inside[inside.length - 1];
  }

  spot(event) {
    const pane = this.paneAt(event);
    const box = pane.getBoundingClientRect();
    const { left, top, width, height } = this.placed(pane);
    return {
      x: (event.clientX - box.left - left) / (width * this.see.zoom),
      y: (event.clientY - box.top - top) / (height * this.see.zoom),
    };
  }

  limit() {
    const pane = this.panes.find((pane) => !pane.hidden);
    const { width, height } = this.fit(pane);
    const half = (side, length) => side / (2 * length * this.see.zoom);
    const keep = (value, reach) => (reach >= 0.5 ? 0.5 : clamp(value, reach, 1 - reach));
    this.see.x = keep(this.see.x, half(pane.clientWidth, width));
    this.see.y = keep(this.see.y, half(pane.clientHeight, height));
  }

  zoomTo(zoom, at) {
    const before = this.see.zoom;
    this.see.zoom = clamp(zoom, 1, MAX_ZOOM);
    if (at) {
      const share = 1 - before / this.see.zoom; // the point under the pointer stays there
      this.see.x += (at.x - this.see.x) * share;
      this.see.y += (at.y - this.see.y) * share;
    }
    this.draw();
    this.say(`Zoom ${this.see.zoom.toFixed(1)}`);
  }

  panBy(x, y) { // pixels
    const { width, height } = this.fit(this.panes.find((pane) => !pane.hidden));
    this.see.x -= x / (width * this.see.zoom);
    this.see.y -= y / (height * this.see.zoom);
    this.draw();
  }

  tonesBy(x, y) { // pixels: to the right widens the window, up brightens
    this.see.window = clamp(this.see.window + TONES_DRAG * x, 5, 100);
    this.see.level = clamp(this.see.level + TONES_DRAG * y, 0, 100);
    this.draw();
  }

  reset() {
    Object.assign(this.see, START, { opacity: this.data.opacity, view: this.see.view, direction: this.see.direction });
    this.draw();
    this.say("View reset");
  }

  say(text) { this.root.querySelector("[role=status]").textContent = text; }

  // --- Drawing: sizes, transforms and filters of pictures that the browser has already decoded ---

  draw() {
    const { see, picture, data } = this;
    const mapped = Boolean(picture.layers);
    const [film, map] = this.panes;
    map.hidden = !mapped;
    film.hidden = mapped && see.view === "map";
    const beside = mapped && see.view === "both";
    film.style.right = beside ? "calc(50% + 2px)" : "0";
    map.style.left = beside ? "calc(50% + 2px)" : "0";
    const wipe = mapped && see.view === "wipe";
    map.style.clipPath = wipe ? `inset(0 0 0 ${see.wipe}%)` : "none";
    this.divider.hidden = !wipe;
    this.divider.style.display = wipe ? "" : "none";
    this.divider.style.left = `${see.wipe}%`;
    this.divider.setAttribute("aria-valuenow", Math.round(see.wipe));
    this.divider.setAttribute("aria-valuetext", `${Math.round(see.wipe)} % original, the rest ${picture.method}`);
    for (const pane of this.panes) pane.style.display = pane.hidden ? "none" : "";
    if (!film.clientWidth && !map.clientWidth) return; // not laid out yet: the observer calls again
    this.limit();
    for (const pane of this.panes.filter((pane) => !pane.hidden)) this.drawPane(pane);
    film.querySelector(".chip").textContent = picture.name;
    this.drawTools(mapped);
    const free = see.zoom === 1 && see.drag === "pan"; // a finger scrolls the page, as long as there is nothing to move
    this.stage.style.touchAction = free ? "pan-y" : "none";
    this.stage.dataset.cursor = data.place ? "cross" : see.drag;
    if (!this.cross.hidden) this.drawCross();
  }

  drawPane(pane) {
    const { see, picture } = this;
    const { left, top, width, height } = this.placed(pane);
    const frame = pane.querySelector(".frame");
    frame.style.width = `${width}px`;
    frame.style.height = `${height}px`;
    frame.style.transform = `translate(${left}px, ${top}px) scale(${see.zoom})`;
    const isMap = pane.dataset.pane === "map";
    const image = pane.querySelector(".film");
    show(image, picture.src, isMap ? picture.mapAlt : picture.alt);
    image.style.filter = tones(see.window / 100, see.level / 100);
    if (!isMap) return;
    const [x0, y0, x1, y1] = picture.box;
    for (const heat of pane.querySelectorAll(".heat")) {
      show(heat, picture.layers[heat.dataset.side], "");
      const shown = see.direction === "both" || see.direction === heat.dataset.side;
      Object.assign(heat.style, {
        left: `${100 * x0}%`, top: `${100 * y0}%`, width: `${100 * (x1 - x0)}%`, height: `${100 * (y1 - y0)}%`,
        opacity: shown ? see.opacity / 100 : 0,
      });
    }
  }

  drawTools(mapped) {
    const { see, data, root } = this;
    root.querySelector("[data-for=map]").hidden = !mapped;
    for (const label of root.querySelectorAll("[data-method]")) label.textContent = this.picture.method;
    for (const group of root.querySelectorAll("[data-choice]"))
      for (const button of group.children)
        button.setAttribute("aria-pressed", String(see[group.dataset.choice]) === button.value);
    for (const input of this.inputs) input.value = see[input.name];
    const preset = Object.keys(PRESETS).find((name) => PRESETS[name][0] === see.window && PRESETS[name][1] === see.level);
    root.querySelector("[name=preset]").value = preset ?? "Custom";
    root.querySelector("[name=drag]").value = see.drag;
    const sides = !mapped ? [] : see.direction === "both" ? ["for", "against"] : [see.direction];
    root.querySelector(".legend").replaceChildren(...sides.map((side) => {
      const entry = document.createElement("span");
      const strip = document.createElement("i");
      strip.style.background = `linear-gradient(to right, ${data.ramps[side].map((color) => `rgb(${color})`).join()})`;
      entry.append(strip, data.legends[side]);
      return entry;
    }));
  }

  drawCross() {
    const pane = this.paneAt({ clientX: Infinity });
    const { left, top, width, height } = this.placed(pane);
    this.cross.style.left = `${pane.offsetLeft + left + this.at.x * width * this.see.zoom}px`;
    this.cross.style.top = `${pane.offsetTop + top + this.at.y * height * this.see.zoom}px`;
  }

  place(at) {
    if (at.x < 0 || at.x > 1 || at.y < 0 || at.y > 1) return;
    this.report({ x: Math.round(1000 * at.x) / 1000, y: Math.round(1000 * at.y) / 1000 });
    this.say("Placed");
  }

  // --- Pointers, wheel and keys ---

  listen() {
    const { stage, root, divider } = this;
    stage.onpointerdown = (event) => this.press(event);
    stage.onpointermove = (event) => this.move(event);
    stage.onpointerup = (event) => this.release(event, false);
    stage.onpointercancel = (event) => this.release(event, true);
    stage.oncontextmenu = (event) => event.preventDefault(); // the right button sets window and level
    stage.ondblclick = (event) => {
      if (!this.data.place && !divider.contains(event.target))
        this.zoomTo(this.see.zoom > 1 ? 1 : 2.5, this.spot(event));
    };
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.onkeydown = (event) => this.key(event);
    stage.onblur = () => { this.cross.hidden = true; };
    divider.onkeydown = (event) => {
      const step = { ArrowLeft: -2, ArrowRight: 2, ArrowDown: -2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
      if (event.key in step) {
        this.see.wipe = clamp(this.see.wipe + step[event.key], 0, 100);
        this.draw();
        event.preventDefault();
        event.stopPropagation();
      }
    };
    root.querySelector(".tools").onclick = ({ target }) => {
      const button = target.closest("button");
      const group = button?.closest("[data-choice]");
      if (group) {
        this.see[group.dataset.choice] = group.dataset.choice === "shown" ? Number(button.value) : button.value;
        this.draw();
      } else if (button) {
        if (button.name === "reset") this.reset();
        else this.zoomTo(this.see.zoom * (button.name === "in" ? ZOOM_STEP : 1 / ZOOM_STEP));
      }
    };
    root.querySelector(".tools").oninput = ({ target }) => {
      if (target.name === "preset") [this.see.window, this.see.level] = PRESETS[target.value] ?? [this.see.window, this.see.level];
      else this.see[target.name] = target.type === "range" ? Number(target.value) : target.value;
      this.draw();
    };
  }

  press(event) {
    const { clientX: x, clientY: y } = event;
    const action = this.divider.contains(event.target) ? "wipe" : event.button === 2 || event.shiftKey ? "tones" : this.see.drag;
    this.pointers.set(event.pointerId, { x, y, startX: x, startY: y, action, moved: false });
    this.stage.setPointerCapture(event.pointerId);
    if (event.button === 2) event.preventDefault();
  }

  move(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const { clientX: x, clientY: y } = event;
    const [byX, byY] = [x - pointer.x, y - pointer.y];
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    pointer.moved ||= Math.hypot(x - pointer.startX, y - pointer.startY) > CLICK;
    if (others.length) {
      const apart = (px, py) => Math.max(Math.hypot(px - others[0].x, py - others[0].y), 1);
      const ratio = apart(x, y) / apart(pointer.x, pointer.y);
      const middle = this.spot({ clientX: (x + others[0].x) / 2, clientY: (y + others[0].y) / 2 });
      others[0].moved = pointer.moved = true;
      this.zoomTo(this.see.zoom * ratio, middle);
      this.panBy(byX / 2, byY / 2);
    } else if (pointer.action === "wipe") {
      const box = this.stage.getBoundingClientRect();
      this.see.wipe = clamp((100 * (x - box.left)) / box.width, 0, 100);
      this.draw();
    } else if (pointer.moved) {
      this.stage.classList.add("dragging");
      if (pointer.action === "tones") this.tonesBy(byX, byY);
      else this.panBy(byX, byY);
    }
    Object.assign(pointer, { x, y });
  }

  release(event, canceled) {
    const pointer = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    this.stage.classList.remove("dragging");
    if (pointer && !canceled && !pointer.moved && pointer.action !== "wipe" && this.data.place && event.button === 0)
      this.place(this.spot(event));
  }

  wheel(event) {
    const out = event.deltaY > 0;
    const now = performance.now();
    // At full size the page scrolls on, and what began as a scroll of the page does not turn into a zoom midway.
    if (!event.ctrlKey && ((out && this.see.zoom === 1) || now - this.scrolled < SCROLLING)) {
      this.scrolled = now;
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? 30 : 1) * (event.ctrlKey ? 4 : 1);
    this.zoomTo(this.see.zoom * Math.exp(-WHEEL * pixels), this.spot(event));
  }

  key(event) {
    if (event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (arrow && this.data.place) {
      this.at ??= { x: 0.5, y: 0.5 };
      const step = event.shiftKey ? 5 * NUDGE : NUDGE;
      this.at = { x: clamp(this.at.x + step * arrow[0], 0, 1), y: clamp(this.at.y + step * arrow[1], 0, 1) };
      this.cross.hidden = false;
      this.draw();
      this.say(`${Math.round(100 * this.at.x)} % from the left, ${Math.round(100 * this.at.y)} % from the top`);
    } else if (arrow) {
      const { clientWidth, clientHeight } = this.panes.find((pane) => !pane.hidden);
      this.panBy(-PAN_STEP * clientWidth * arrow[0], -PAN_STEP * clientHeight * arrow[1]);
    } else if (event.key === "+" || event.key === "=") this.zoomTo(this.see.zoom * ZOOM_STEP);
    else if (event.key === "-" || event.key === "_") this.zoomTo(this.see.zoom / ZOOM_STEP);
    else if (event.key === "0") this.reset();
    else if ((event.key === "Enter" || event.key === " ") && this.data.place) this.place(this.at ?? { x: 0.5, y: 0.5 });
    else return;
    event.preventDefault();
  }

  close() { this.observer.disconnect(); }
}

function choice(text, value) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: text, value: String(value) });
  return button;
}

function show(image, src, alt) {
  if (image.getAttribute("src") !== src) image.src = src;
  if (image.alt !== alt) image.alt = alt;
}

// A CSS filter that spreads the grays around `level` over the whole range; both in [0, 1]. `brightness` and `contrast`
// cut at black and white, so a window that reaches below black is computed on the inverted picture.
function tones(window, level) {
  if (window === 1 && level === 0.5) return "none";
  const spread = (at) => `brightness(${1 / (2 * at)}) contrast(${(2 * at) / window})`;
  return level >= window / 2 ? spread(level) : `invert(1) ${spread(1 - level)} invert(1)`;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if (!viewers.has(parentElement)) viewers.set(parentElement, new Viewer(parentElement));
  const viewer = viewers.get(parentElement);
  viewer.update(data, (spot) => setTriggerValue("click", spot));
  return () => {
    viewer.close();
    viewers.delete(parentElement);
  };
}
