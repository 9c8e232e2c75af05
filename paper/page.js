"use strict";

// The digits of Python's base85, of which five hold four bytes.
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const VALUES = new Map(Array.from(DIGITS, (digit, value) => [digit.charCodeAt(0), value]));

// Returns the bytes of a text in base85; a last group that is short is filled up with the highest digit.
function decode(text) {
  const left = (5 - (text.length % 5)) % 5;
  const whole = text + "~".repeat(left);
  const view = new DataView(new ArrayBuffer((whole.length / 5) * 4));
  for (let i = 0; i < whole.length; i += 5) {
    let group = 0;
    for (let k = i; k < i + 5; k++) group = group * 85 + VALUES.get(whole.charCodeAt(k));
    view.setUint32((i / 5) * 4, group);
  }
  return new Uint8Array(view.buffer, 0, view.byteLength - left);
}

// Figures and data lie in the page as gzip in base85; each is unpacked when it is looked at.
async function unpack(name) {
  const packed = decode(document.getElementById(name).textContent);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();
}

function element(name, attributes, ...children) {
  const made = name === "circle" || name === "rect"
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Ticks of an axis of numbers between two ends: steps of 1, 2 or 5 times a power of ten; on a logarithm those numbers.
function ticks(log, low, high) {
  if (log && high > 8 * low) {
    const found = [];
    for (let ten = 10 ** Math.floor(Math.log10(low)); ten <= high; ten *= 10) found.push(ten, 2 * ten, 5 * ten);
    return found.filter((value) => value >= low && value <= high);
  }
  const rough = (high - low) / 4;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((times) => times * ten >= rough) * ten;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

class Figure {
  static NEAR = 24; // pixels within which a mark is found
  static TOUCH = 40; // the same for a finger
  static MARGIN = 22; // of a panel's box in the figure's units, in which its ticks are named
  static STEP = 1.25; // of a zoom
  static MOST = 12; // times

  constructor(figure) {
    this.figure = figure;
    this.stage = figure.querySelector(".stage");
    this.tip = element("div", { class: "tip", role: "status", hidden: "" });
    this.chosen = -1;
  }

  async load() {
    this.drawing = JSON.parse(await (await unpack(`figure:${this.figure.dataset.figure}`)).text());
  }

  draw() {
    if (!this.drawing || this.svg) return;
    const { svg, marks, panels } = this.drawing;
    this.panels = panels;
    this.stage.innerHTML = svg;
    this.svg = this.stage.querySelector("svg");
    this.marks = marks.map(([x, y, ...says]) => ({ x, y, says }));
    const { x, y, width, height } = this.svg.viewBox.baseVal;
    this.whole = { x, y, w: width, h: height };
    this.view = { ...this.whole };
    this.ring = element("circle", { class: "ring", visibility: "hidden" });
    this.svg.append(this.ring);
    this.scales = Object.fromEntries(["x", "y"].map((name) => [name, element("div", { class: `scale ${name}` })]));
    this.stage.append(...Object.values(this.scales), this.tip);
    this.listen();
    this.figure.dataset.drawn = "";
  }

  listen() {
    const { stage, figure } = this;
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointerup", (event) => this.release(event));
    stage.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.choose(-1));
    stage.addEventListener("blur", () => this.choose(-1));
    stage.addEventListener("dblclick", () => this.show(this.whole));
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("keydown", (event) => this.key(event));
    const acts = {
      in: () => this.zoom(Figure.STEP ** 2),
      out: () => this.zoom(Figure.STEP ** -2),
      reset: () => this.show(this.whole),
    };
    for (const button of figure.querySelectorAll("button[data-zoom]")) {
      button.disabled = false;
      button.addEventListener("click", acts[button.dataset.zoom]);
    }
  }

  // A place on the screen in the figure's own units.
  place(event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
  }

  show(view) {
    const { whole } = this;
    const w = Math.min(whole.w, Math.max(whole.w / Figure.MOST, view.w));
    const h = (w / whole.w) * whole.h;
    const x = Math.min(whole.w - w, Math.max(0, view.x + (view.w - w) / 2));
    const y = Math.min(whole.h - h, Math.max(0, view.y + (view.h - h) / 2));
    this.view = { x, y, w, h };
    this.svg.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
    this.stage.classList.toggle("zoomed", w < whole.w);
    this.showScales();
    if (this.chosen >= 0) this.choose(this.chosen);
  }

  // Where a part of the figure is shown without the ticks of its panel, ticks stand along the edges instead.
  showScales() {
    const { x, y, w, h } = this.view;
    const overlap = ({ box: [left, upper, right, lower] }) =>
      Math.max(0, Math.min(right, x + w) - Math.max(left, x)) * Math.max(0, Math.min(lower, y + h) - Math.max(upper, y));
    const panel = this.panels.reduce((best, one) => (overlap(one) > overlap(best) ? one : best));
    const [left, upper, right, lower] = panel.box;
    this.showScale("x", panel.x, [left, right], [x, x + w], y + h < lower + Figure.MARGIN && overlap(panel) > 0);
    this.showScale("y", panel.y, [lower, upper], [y + h, y], x > left - Figure.MARGIN && overlap(panel) > 0);
  }

  // Ticks of one axis, whose ends lie at `ends`, over the part of it in `view`; both in the figure's units.
  showScale(name, { label, log, ends: values, ticks: named }, ends, view, wanted) {
    const bar = this.scales[name];
    bar.hidden = !wanted;
    if (!wanted) return;
    const [from, to] = view.map((at) => Math.min(1, Math.max(0, (at - ends[0]) / (ends[1] - ends[0]))));
    let places = named;
    if (!named) {
      const [low, high] = log ? values.map(Math.log) : values;
      const value = (share) => (log ? Math.exp(low + share * (high - low)) : low + share * (high - low));
      const share = (number) => ((log ? Math.log(number) : number) - low) / (high - low);
      places = ticks(log, value(from), value(to)).map((number) => [share(number), number.toLocaleString("en")]);
    }
    const side = name === "x" ? "left" : "bottom";
    const marks = places.filter(([at]) => at >= from && at <= to).map(([at, text]) => {
      const where = (ends[0] + at * (ends[1] - ends[0]) - view[0]) / (view[1] - view[0]);
      return element("span", { style: `${side}: ${100 * where}%` }, text);
    });
    bar.replaceChildren(element("b", {}, label), ...marks);
    if (name === "y") bar.style.width = `${24 + Math.max(24, ...marks.map((mark) => mark.offsetWidth))}px`;
  }

  // Show `times` more closely, with `at` staying where it is.
  zoom(times, at = { x: this.view.x + this.view.w / 2, y: this.view.y + this.view.h / 2 }) {
    const { x, y, w, h } = this.view;
    const by = Math.min(1 / times, this.whole.w / w);
    this.show({ x: at.x - (at.x - x) * by, y: at.y - (at.y - y) * by, w: w * by, h: h * by });
  }

  // Scrolling zooms where the figure was clicked, or with Ctrl (as a pinch on a touch pad says); else the page scrolls.
  wheel(event) {
    const outwards = event.deltaY > 0;
    if (!event.ctrlKey && document.activeElement !== this.stage) return;
    if (outwards && this.view.w >= this.whole.w) return;
    event.preventDefault();
    this.zoom(outwards ? 1 / Figure.STEP : Figure.STEP, this.place(event));
  }

  press(event) {
    if (event.pointerType === "touch" || event.button !== 0) return;
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    this.from = this.place(event);
  }

  release(event) {
    if (event.pointerType === "touch") {
      this.stage.focus({ preventScroll: true });
      this.choose(this.nearest(this.place(event), Figure.TOUCH));
      return;
    }
    const box = this.box?.getBBox();
    this.box?.remove();
    this.from = this.box = undefined;
    if (!box || box.width < this.view.w / 50) return;
    const w = Math.max(box.width, (box.height * this.whole.w) / this.whole.h);
    const h = (w * this.whole.h) / this.whole.w;
    this.show({ x: box.x + (box.width - w) / 2, y: box.y + (box.height - h) / 2, w, h });
    this.move(event);
  }

  move(event) {
    if (event.pointerType === "touch") return;
    const at = this.place(event);
    if (!this.from) {
      this.choose(this.nearest(at));
    } else if (this.view.w < this.whole.w) {
      this.show({ ...this.view, x: this.view.x + this.from.x - at.x, y: this.view.y + this.from.y - at.y });
    } else {
      this.choose(-1);
      this.box ??= this.svg.appendChild(element("rect", { class: "box" }));
      const [x, y] = [Math.min(at.x, this.from.x), Math.min(at.y, this.from.y)];
      const [width, height] = [Math.abs(at.x - this.from.x), Math.abs(at.y - this.from.y)];
      for (const [key, value] of Object.entries({ x, y, width, height })) this.box.setAttribute(key, value);
    }
  }

  nearest(at, near = Figure.NEAR) {
    let found = -1;
    let least = (near * this.view.w) / this.stage.clientWidth;
    this.marks.forEach((mark, i) => {
      const far = Math.hypot(mark.x - at.x, mark.y - at.y);
      if (far < least) [found, least] = [i, far];
    });
    return found;
  }

  // Ring a mark and say its values beside it; none where `i` is -1.
  choose(i) {
    this.chosen = i;
    this.tip.hidden = i < 0;
    this.ring.setAttribute("visibility", i < 0 ? "hidden" : "visible");
    if (i < 0) return;
    const { x, y, says } = this.marks[i];
    const unit = this.view.w / this.whole.w;
    for (const [key, value] of Object.entries({ cx: x, cy: y, r: 6 * unit, "stroke-width": 1.2 * unit })) {
      this.ring.setAttribute(key, value);
    }
    this.tip.replaceChildren(element("b", {}, says[0]), ...says.slice(1).map((line) => element("span", {}, line)));
    const { clientWidth: width, clientHeight: height } = this.stage;
    const left = ((x - this.view.x) / this.view.w) * width;
    const top = ((y - this.view.y) / this.view.h) * height;
    const { scrollLeft, clientWidth } = this.figure; // a narrow screen shows a part of the stage
    const beside = left + 14 + this.tip.offsetWidth > Math.min(width, scrollLeft + clientWidth)
      ? Math.max(scrollLeft, left - 14 - this.tip.offsetWidth)
      : left + 14;
    this.tip.style.left = `${beside}px`;
    this.tip.style.top = `${Math.max(0, Math.min(top + 10, height - this.tip.offsetHeight))}px`;
  }

  key(event) {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps) {
      const count = this.marks.length;
      const from = this.chosen < 0 && steps[event.key] < 0 ? 0 : this.chosen;
      this.choose((from + steps[event.key] + count) % count);
    } else if (event.key === "+" || event.key === "=") {
      this.zoom(Figure.STEP, this.marks[this.chosen]);
    } else if (event.key === "-") {
      this.zoom(1 / Figure.STEP, this.marks[this.chosen]);
    } else if (event.key === "Escape" || event.key === "0") {
      this.choose(-1);
      this.show(this.whole);
    } else {
      return;
    }
    event.preventDefault();
  }
}

// A figure is drawn when the reader comes near it. All are unpacked at once, so that printing, which does not wait,
// finds them.
async function watchFigures() {
  const figures = new Map();
  document.querySelectorAll("figure[data-figure]").forEach((figure) => figures.set(figure, new Figure(figure)));
  const seen = new IntersectionObserver((found) => {
    for (const { isIntersecting, target } of found) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      const figure = figures.get(target);
      figure.loaded.then(() => figure.draw());
    }
  }, { rootMargin: "600px" });
  figures.forEach((figure, element) => {
    figure.loaded = figure.load();
    seen.observe(element);
  });
  const opened = [];
  addEventListener("beforeprint", () => {
    figures.forEach((figure) => figure.draw());
    opened.push(...document.querySelectorAll(".study details:not([open], .configuration)"));
    opened.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => opened.splice(0).forEach((details) => (details.open = false)));
  for (const figure of figures.values()) await figure.loaded;
  document.documentElement.dataset.unpacked = "";
}

// The list of contents is open where there is room for it, and where it was asked for.
function foldContents() {
  const details = document.querySelector("#contents details");
  details.open = matchMedia("(min-width: 60rem)").matches;
  document.querySelector("#contents .back").addEventListener("click", () => (details.open = true));
}

// Returns a CSV row by row from its columns, which lie one behind the other with a NUL between them.
function transpose(text) {
  const columns = text.split("\0").map((column) => column.split("\n"));
  return columns[0].slice(0, -1).map((_, row) => `${columns.map((column) => column[row]).join(",")}\n`).join("");
}

function offerDownloads() {
  for (const button of document.querySelectorAll("button[data-download]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const study = button.dataset.download;
      const text = await (await unpack(`data:${study}`)).text();
      const data = new Blob([transpose(text)], { type: "text/csv" });
      const link = element("a", { href: URL.createObjectURL(data), download: `${study.replaceAll("/", "-")}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }
}

function filterClaims() {
  const form = document.querySelector(".filters");
  const apply = () => {
    const { paper, verdict } = Object.fromEntries(new FormData(form));
    let shown = 0;
    for (const body of document.querySelectorAll(".claims tbody")) {
      const ofPaper = !paper || body.dataset.paper === paper;
      let here = 0;
      for (const row of body.querySelectorAll("tr[data-verdict]")) {
        row.hidden = !ofPaper || (verdict && row.dataset.verdict !== verdict);
        here += !row.hidden;
      }
      body.hidden = !here;
      shown += here;
    }
    form.querySelector("output").textContent = paper || verdict ? `${shown} shown` : "";
  };
  form.hidden = false;
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

foldContents();
filterClaims();
offerDownloads();
watchFigures();
