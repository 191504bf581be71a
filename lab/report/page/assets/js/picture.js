// The picture: what is shown of it, how it is moved, and what is highlighted in it.

const scroller = $("scroller"), spacer = $("spacer"), svg = $("view");

const picture = {
  model: null, mode: "compressed", zoom: 1, view: null, hover: NONE, proof: null, waiting: false,

  zero() { return this.model.zero; },
  gutter() { return scroller.clientWidth < 560 ? 92 : 128; },
  room() { return Math.max(120, scroller.clientWidth - this.gutter() - 8 - 16); },
  fitting() { return this.room() / this.model.scale.width; },
  least() { return Math.min(1, this.fitting()); },

  show(chosen, from) {
    this.model = arrange(chosen, this.mode, from);
    this.hover = NONE;
    this.open();
  },

  // A new scale, or other connections: as much as can be read, from the begin on.
  open() {
    const fit = this.fitting();
    this.resize(this.model.crowd || this.mode === "true" ? fit : Math.max(fit, this.model.coloured ? .11 : .6));
    scroller.scrollTop = 0;
    scroller.scrollLeft = 0;
    this.draw();
    this.toFirstSegment();
  },

  // In a narrow window the begin may be what a program did alone: an empty wire. Begin at the first segment then.
  toFirstSegment() {
    const first = this.model.walk.find(m => moments.lane[m] === WIRE);
    if (this.model.crowd || first === undefined || !this.view) return;
    const x = this.view.pxOf(first), from = this.gutter() + 24, to = scroller.clientWidth - 90;
    if (x <= to) return;
    scroller.scrollLeft = x - from;
    this.draw();
  },

  // Set the zoom; what stands `at` so many pixels from the left stays there.
  resize(zoom, at = this.gutter() + 8) {
    const before = this.zoom, inset = this.gutter() + 8, x = at - inset + scroller.scrollLeft;
    this.zoom = Math.min(Math.max(zoom, this.least()), Math.max(this.model.scale.mostZoom, this.least()));
    this.fitted = Math.abs(this.zoom / this.fitting() - 1) < 1e-6;
    spacer.style.width = `${Math.ceil(this.model.scale.width * this.zoom + inset + (this.fitted ? 14 : 60))}px`;
    spacer.style.height = `${this.model.height}px`;
    scroller.style.height = this.model.crowd ? `${Math.min(this.model.height + 14, Math.max(320, innerHeight * .72))}px` : "";
    scroller.scrollLeft = x * this.zoom / before - at + inset;
  },

  zoomBy(factor, at) {
    const wanted = this.zoom * factor, focus = at ?? this.focus();
    this.resize(wanted < this.fitting() && factor < 1 ? this.fitting() : wanted, focus);
    this.draw();
  },

  // Where zooming leaves the picture in place: the current record, if it is to be seen, else the middle.
  focus() {
    const current = walk.moment();
    const x = current === NONE || !this.view ? NaN : this.view.pxOf(current);
    return x > this.gutter() && x < scroller.clientWidth ? x : (scroller.clientWidth + this.gutter()) / 2;
  },

  fit() { this.resize(this.fitting()); scroller.scrollLeft = 0; this.draw(); },

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const { x, top } = this.view;
      if (x !== scroller.scrollLeft || top !== scroller.scrollTop) this.draw();
    });
  },

  draw() {
    if (!this.model || scroller.clientWidth <= this.gutter()) return; // not laid out: a window without any width
    const { model } = this, width = scroller.clientWidth;
    const focused = svg.contains(document.activeElement) ? document.activeElement.dataset.m : null;
    const current = walk.moment();
    this.view = makeView(model, this.zoom, scroller.scrollLeft, model.crowd ? scroller.scrollTop : 0, width, scroller.clientHeight, this.gutter(), "v", current);
    if (!model.crowd) {
      settle(model, this.view.timeOf(this.view.left), this.view.timeOf(width), current);
      spacer.style.height = `${model.height}px`;
      this.view.height = model.height;
    }
    const { height } = this.view;
    this.view.top = scroller.scrollTop;
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.innerHTML = whole(this.view) + '<g id="over"></g>';
    if (focused) svg.querySelector(`[data-m="${focused}"]`)?.focus({ preventScroll: true });
    this.paint();
  },

  // Light what is pointed at, or else the current record, with what caused it and what it caused.
  paint() {
    const current = walk.moment(), lit = this.hover !== NONE ? this.hover : current;
    const near = new Set(), far = new Set(), proof = new Set(this.proof ? this.proof.moments : []);
    if (lit !== NONE) relatives(lit, near, far);
    for (const each of svg.querySelectorAll("[data-m]")) {
      const m = +each.dataset.m;
      each.classList.toggle("lit", m === lit || near.has(m));
      each.classList.toggle("lit2", far.has(m));
      each.classList.toggle("current", m === current);
      each.classList.toggle("proof", proof.has(m));
    }
    svg.classList.toggle("failing", Boolean(this.proof && this.proof.verdict === "fail"));
    const over = svg.querySelector("#over");
    for (const each of svg.querySelectorAll("[data-spot]")) each.classList.toggle("proof", Boolean(this.proof && this.proof.spots.includes(+each.dataset.spot)));
    over.innerHTML = (this.proof ? proofLines(this.view, this.proof) : "") + (current === NONE ? "" : hereLine(this.view, current)) + links(lit, near);
  },

  reveal(m) {
    const { view, model } = this, x = view.pxOf(m), end = Number.isNaN(moments.ended[m]) ? x : view.px(moments.ended[m]);
    const from = this.gutter() + 24, to = scroller.clientWidth - 90;
    if (x < from || Math.min(end, x + 160) > to + 60 || x > to) scroller.scrollLeft += x - (from + (to - from) * .4);
    const row = model.crowd ? model.rank.get(moments.talk[m]) : undefined;
    if (row !== undefined) {
      const y = row * CROWD_ROW, seen = scroller.clientHeight - model.bodyTop - CROWD_ROW;
      if (y < scroller.scrollTop || y > scroller.scrollTop + seen) scroller.scrollTop = Math.max(0, y - seen / 2);
    }
  },

  // Scroll the page so that it is seen under what is told of it: no further than needed, but the whole picture where
  // there is room for all of it. In one go: who walks fast must not wait, and nothing glides.
  bringIntoWindow(...selectors) {
    const target = selectors.map(each => svg.querySelector(each)).find(Boolean) || scroller, box = target.getBoundingClientRect(), all = scroller.getBoundingClientRect();
    const told = $("walk").getBoundingClientRect(), top = told.height + 4, bottom = innerHeight - 8;
    if (box.top >= told.bottom && box.bottom <= bottom) return;
    const whole = all.height <= bottom - top;
    const from = whole ? all.top : box.top - 12, to = whole ? all.bottom : box.bottom + 12;
    if (to - from > bottom - top || from < top) scrollBy(0, from - top);
    else if (to > bottom) scrollBy(0, whole ? from - top : to - bottom);
  },

  setMode(mode) {
    this.mode = mode;
    for (const button of document.querySelectorAll("[data-scale]")) {
      const on = button.dataset.scale === mode;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    if (!this.model) return;
    const current = walk.moment();
    this.model.scale = makeScale(mode, this.model.times, this.model.walk);
    this.open();
    if (current !== NONE) { this.reveal(current); this.draw(); }
  },
};

function whole(view) {
  const { model, id, left, width, height } = view, body = model.crowd ? model.bodyTop : height;
  return `<defs><clipPath id="time-${id}"><rect x="${left}" y="0" width="${width - left}" height="${height}"/></clipPath>`
    + `<clipPath id="rows-${id}"><rect x="0" y="${body}" width="${width}" height="${Math.max(0, height - body)}"/></clipPath>`
    + `${hatch(id)}</defs>`
    + `<g clip-path="url(#time-${id})">${drawSteps(view)}${drawLooks(view)}${drawBody(view)}${drawAxis(view)}${drawSpots(view)}</g>`
    + (model.crowd ? `<g clip-path="url(#rows-${id})"><g clip-path="url(#time-${id})">${drawCrowd(view)}</g></g>` : "")
    + `<g>${drawGutter(view)}${drawProofs(view)}</g>`
    + (model.crowd ? `<rect class="ground" x="0" y="0" width="${left - 1}" height="${TOP - 4}"/>` : "");
}

// What caused a moment and what it caused, and one step further on both sides.
function relatives(m, near, far) {
  const around = each => [...causesOf(each), ...effects.of(each)];
  for (const one of around(m)) near.add(one);
  for (const one of near) for (const other of around(one)) if (other !== m && !near.has(other)) far.add(other);
}

function point(m, leaving) {
  const group = svg.querySelector(`[data-m="${m}"]`);
  if (!group) return null;
  const line = group.querySelector(".line");
  if (line) {
    const at = leaving ? line.getPointAtLength(line.getTotalLength()) : line.getPointAtLength(0);
    return [at.x, at.y];
  }
  const box = (group.querySelector(".bar, .band") || group).getBBox();
  return [box.x + Math.min(3, box.width / 2), box.y + box.height / 2];
}

function links(lit, near) {
  const out = [];
  for (const other of near) {
    const causes = causesOf(lit).includes(other), from = causes ? other : lit, to = causes ? lit : other;
    const a = point(from, true), b = point(to, false);
    if (!a || !b) continue;
    const bend = `${number((a[0] + b[0]) / 2 + 14)} ${number((a[1] + b[1]) / 2)}`;
    out.push(`<path class="link" d="M${number(a[0])} ${number(a[1])}Q${bend} ${number(b[0])} ${number(b[1])}"/>`);
  }
  return out.join("");
}

function hereLine(view, m) {
  const x = view.pxOf(m);
  if (x < view.left || x > view.right) return "";
  const row = view.model.crowd ? view.model.rank.get(moments.talk[m]) : undefined;
  const y = row === undefined ? null : view.model.bodyTop + row * CROWD_ROW - view.y;
  const ring = y === null || y < view.model.bodyTop - CROWD_ROW ? ""
    : `<rect class="here" fill="none" x="${number(x - 5)}" y="${y}" width="12" height="${CROWD_ROW}" rx="3"/>`;
  return `<path class="here" d="M${number(x)} ${TOP - 4}V${view.height}" opacity=".55"/>`
    + `<path class="herehead" d="M${number(x - 5)} ${TOP - 9}h10l-5 8z"/>${ring}`;
}

function proofLines(view, proof) {
  return [...proof.moments.map(m => view.pxOf(m)), ...proof.spots.map(i => view.px(doc.spots[i].time))].map(x => {
    return x < view.left || x > view.right ? "" : `<path class="proofline" d="M${number(x)} 30V${view.height}"/>`;
  }).join("");
}

// --- moving it ---

scroller.addEventListener("scroll", () => picture.later(), { passive: true });
scroller.addEventListener("wheel", event => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  picture.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? .08 : .0025)), event.clientX - scroller.getBoundingClientRect().left);
}, { passive: false });

let drag = null;
scroller.addEventListener("pointerdown", event => {
  if (event.button !== 0 || event.pointerType === "touch") return;
  const box = scroller.getBoundingClientRect();
  if (event.clientX - box.left > scroller.clientWidth || event.clientY - box.top > scroller.clientHeight) return; // the scroll bars
  drag = { x: event.clientX, y: event.clientY, left: scroller.scrollLeft, top: scroller.scrollTop, moved: false };
});
addEventListener("pointermove", event => {
  if (!drag) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  drag.moved = true;
  scroller.classList.add("held");
  scroller.scrollLeft = drag.left - dx;
  if (picture.model.crowd) scroller.scrollTop = drag.top - dy;
});
addEventListener("pointerup", () => {
  if (drag && drag.moved) { // the click that ends a drag chooses nothing
    const swallow = event => event.stopPropagation();
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }));
  }
  drag = null;
  scroller.classList.remove("held");
});

svg.addEventListener("click", event => {
  const at = event.target.closest("[data-m], [data-talk], [data-check], [data-spot], [data-look]");
  if (!at) return;
  if (at.dataset.m) walk.to(+at.dataset.m);
  else if (at.dataset.talk) choice.only(+at.dataset.talk);
  else if (at.dataset.spot) checks.choose(doc.checks.findIndex(check => check.spots.includes(+at.dataset.spot)));
  else if (at.dataset.check) checks.choose(+at.dataset.check);
});

// --- what is pointed at ---

const tip = $("tip");
function pointed(m, event) {
  if (m !== picture.hover) { picture.hover = m; picture.paint(); }
  const target = event && event.target.closest("[data-m], [data-many], [data-look], [data-check], [data-spot], [data-step]");
  const words = target ? described(target) : "";
  tip.hidden = !words;
  if (!words) return;
  tip.textContent = words;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 12 : event.clientY + 18}px`;
}

function described(target) {
  const { m, many, look, check, spot, step } = target.dataset;
  if (m) {
    const took = kind(+m) === STATE || Number.isNaN(moments.ended[m]) ? "" : ` · ${lasting(moments.ended[m] - moments.time[m])}`;
    const of = picture.model.chosen.length > 1 && moments.talk[m] !== NONE ? `${talkName(moments.talk[m])} · ` : "";
    return `${of}${label(+m)} · ${standing(moments.time[m] - picture.zero())}${took}`;
  }
  if (many) return filled(ui.many, { count: many });
  if (look) return filled(ui.look, doc.looks[look]);
  if (spot) return `${doc.spots[spot].said} · ${standing(doc.spots[spot].time - picture.zero())}`;
  if (check) return `${doc.checks[check].mark} ${filled(ui.proof, doc.checks[check])}`;
  return `${doc.steps[step].number} ${doc.steps[step].title}`;
}

svg.addEventListener("pointermove", event => {
  if (drag && drag.moved) return;
  const at = event.target.closest("[data-m]");
  pointed(at ? +at.dataset.m : NONE, event);
});
svg.addEventListener("pointerleave", () => { tip.hidden = true; picture.hover = NONE; picture.paint(); });
svg.addEventListener("focusin", event => { if (event.target.dataset.m) { picture.hover = +event.target.dataset.m; picture.paint(); } });
svg.addEventListener("focusout", () => { picture.hover = NONE; });
