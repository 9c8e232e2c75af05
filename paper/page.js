"use strict";

// Figures and data lie in the page as gzip in base64; each is unpacked when it is looked at.
async function unpack(name) {
  const packed = Uint8Array.from(atob(document.getElementById(name).textContent), (c) => c.charCodeAt(0));
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

class Figure {
  static NEAR = 24; // pixels within which a mark is found
  static STEP = 1.25; // of a zoom
  static MOST = 12; // times

  constructor(figure) {
    this.figure = figure;
    this.stage = figure.querySelector(".stage");
    this.tip = element("div", { class: "tip", role: "status", hidden: "" });
    this.chosen = -1;
  }

  async draw() {
    const { svg, marks } = JSON.parse(await (await unpack(`figure:${this.figure.dataset.figure}`)).text());
    this.stage.innerHTML = svg;
    this.svg = this.stage.querySelector("svg");
    this.marks = marks.map(([x, y, ...says]) => ({ x, y, says }));
    const { x, y, width, height } = this.svg.viewBox.baseVal;
    this.whole = { x, y, w: width, h: height };
    this.view = { ...this.whole };
    this.ring = element("circle", { class: "ring", visibility: "hidden" });
    this.svg.append(this.ring);
    this.stage.append(this.tip);
    this.listen();
    this.figure.dataset.drawn = "";
  }

  listen() {
    const { stage, figure } = this;
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointerup", (event) => this.release(event));
    stage.addEventListener("pointerleave", () => this.choose(-1));
    stage.addEventListener("blur", () => this.choose(-1));
    stage.addEventListener("dblclick", () => this.show(this.whole));
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("keydown", (event) => this.key(event));
    const button = (text, label, act) => {
      const made = element("button", { type: "button", "aria-label": label, title: label }, text);
      made.addEventListener("click", act);
      return made;
    };
    figure.querySelector("figcaption").append(
      button("+", "zoom in (drag a box; then drag to move)", () => this.zoom(Figure.STEP ** 2)),
      button("−", "zoom out", () => this.zoom(Figure.STEP ** -2)),
      button("reset", "show the whole figure (double-click)", () => this.show(this.whole)),
    );
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
    if (this.chosen >= 0) this.choose(this.chosen);
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

  nearest(at) {
    let found = -1;
    let least = (Figure.NEAR * this.view.w) / this.stage.clientWidth;
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
    this.tip.style.left = `${left + 14 + this.tip.offsetWidth > width ? left - 14 - this.tip.offsetWidth : left + 14}px`;
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

function watchFigures() {
  const seen = new IntersectionObserver((found) => {
    for (const { isIntersecting, target } of found) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      new Figure(target).draw();
    }
  }, { rootMargin: "600px" });
  document.querySelectorAll("figure[data-figure]").forEach((figure) => seen.observe(figure));
}

function offerDownloads() {
  for (const button of document.querySelectorAll("button[data-download]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const study = button.dataset.download;
      const data = new Blob([await unpack(`data:${study}`)], { type: "text/csv" });
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

filterClaims();
offerDownloads();
watchFigures();
