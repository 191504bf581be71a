// The lanes as SVG: only what stands in the window, and what stands too close together as one.
//
// A view says which part: { model, zoom, x, y: the scroll, width, height, gutter, id }.

const CLOSE = 4; // pixels: what begins and ends within them is drawn as one

// The record `current` is never one of several that are drawn as one.
function makeView(model, zoom, x, y, width, height, gutter, id = "v", current = NONE) {
  const scale = model.scale, shift = gutter + 8 - x;
  return {
    model, zoom, x, y, width, height, gutter, id, current,
    px: time => scale.x(time) * zoom + shift,
    pxOf: m => scale.ofMoment(m) * zoom + shift,
    left: gutter, right: width,
    from: scale.time((gutter - 60 - shift) / zoom), to: scale.time((width + 60 - shift) / zoom),
    edge: scale.width * zoom + shift,
    timeOf: px => scale.time((px - shift) / zoom),
  };
}

const number = value => Math.round(value * 10) / 10;
const attributes = (m, names, style) => `class="${names}" data-m="${m}" tabindex="-1" role="img" aria-label="${escaped(label(m))}"${style ? ` style="${style}"` : ""}`;

// What lies over a state that nobody observed.
const hatch = id => `<pattern id="hatch-${id}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`
  + '<path d="M0 0V6" style="stroke:var(--soft)" stroke-width="1.6" opacity=".55"/></pattern>';

// Keeps labels apart: a label takes its place only where no other stands.
class Room {
  constructor() { this.boxes = []; }
  free(x, y, width, height) {
    return !this.boxes.some(b => x < b[2] && x + width > b[0] && y < b[3] && y + height > b[1]);
  }
  take(x, y, width, height) { this.boxes.push([x, y, x + width, y + height]); }
}

function drawBody(view) {
  const out = [], rooms = new Room();
  for (const lane of view.model.lanes) {
    if (lane.name === "queues" || lane.name === "overview") {
      for (const row of lane.rows) out.push(`<g data-row="${row.kind}">`
        + `${row.kind === "queue" ? drawQueue(view, row) : drawRow(view, row, rooms)}</g>`);
      continue;
    }
    const wire = lane.name === "wire", parts = lane.rows.map(row => drawRow(view, row, rooms));
    out.push(`<g data-lane="${lane.name}">`
      + `<rect class="stripe" x="${view.left}" y="${lane.y}" width="${view.right - view.left}" height="${lane.h}" `
      + `opacity="${wire ? 0 : .6}"/>${parts.join("")}</g>`);
  }
  return out.join("");
}

function drawRow(view, row, rooms) {
  if (row.kind === "calls") return drawCalls(view, row);
  if (row.kind === "folded") return drawFolded(view, row);
  return row.kind === "wire" ? drawWire(view, row, rooms) : drawStates(view, row, row.y + 2, row.h - 4, row.states, true);
}

// One line for the rows that are empty here.
const drawFolded = (view, row) => `<text class="folded" x="${view.left + 6}" y="${row.y + 12}">`
  + `${escaped(shortened(filled(ui.folded, { names: row.names.join(", ") }), view.right - view.left - 12))}</text>`;

// --- calls: a bar from begin to return; one that waits is pale between two caps, with a dotted line ---

function drawCalls(view, row) {
  const { list } = row.calls, first = row.calls.from(view.from), after = row.calls.to(view.to), out = [];
  const barHeight = row.tall ? 13 : 9, barY = row.up ? row.y + row.h - barHeight - 3 : row.y + 3;
  const groups = [];
  let open = null, until = -Infinity; // what ends before then is in the open group: no need to ask where it stands
  for (let i = first; i < after; i++) {
    const m = list[i];
    const current = m === view.current;
    if (!current && moments.ended[m] < until) { open.count++; continue; }
    const x0 = view.pxOf(m), never = Number.isNaN(moments.ended[m]);
    const x1 = Math.max(x0 + 2.5, never ? Math.max(view.edge, x0 + 20) : view.px(moments.ended[m]));
    if (open && !current && x1 - open.x0 < CLOSE) { open.x1 = Math.max(open.x1, x1); open.count++; continue; }
    const group = { m, x0, x1, never, count: 1 };
    groups.push(group);
    open = current ? null : group;
    until = open && x1 - x0 < CLOSE ? view.timeOf(x0 + CLOSE - .1) : -Infinity;
  }
  const ends = row.tall ? [-Infinity, -Infinity] : [-Infinity];
  let above = "";
  groups.forEach((group, i) => {
    if (group.x1 < view.left || group.x0 > view.right) return;
    const next = i + 1 < groups.length ? groups[i + 1].x0 : Infinity;
    const drawn = group.count > 1 ? dense(group, barY, barHeight) : drawCall(view, row, group, barY, barHeight, next, ends);
    if (group.m === view.current && group.count === 1) above = drawn; else out.push(drawn);
  });
  return out.join("") + above;
}

const dense = (group, y, height) =>
  `<rect class="dense" x="${number(group.x0)}" y="${y}" width="${number(Math.max(2, group.x1 - group.x0))}" height="${height}" data-many="${group.count}"/>`;

// What a call that does not block, or that a signal interrupts, returns is no failure.
const NO_FAILURE = new Set(["EAGAIN", "EWOULDBLOCK", "EINPROGRESS", "EALREADY", "EINTR"]);
const failed = c => {
  const error = doc.tables.errors[calls.error[c]];
  return error !== undefined && !NO_FAILURE.has(error) && !error.startsWith("ERESTART");
};

function drawCall(view, row, { m, x0, x1, never }, y, height, next, ends) {
  const c = moments.place[m], t = moments.talk[m], waits = calls.waits[c], inWalk = view.model.inWalk[m];
  const colour = t === NONE ? "" : colourOf(view.model, t);
  const names = `call${waits ? " wait" : ""}${failed(c) ? " error" : ""}${inWalk ? "" : " dim"}${colour ? " coloured" : ""}`;
  const shownX = Math.max(x0, view.left - 4), shownEnd = Math.min(x1, view.right + 4), width = number(Math.max(1, shownEnd - shownX));
  const bar = `<rect class="bar" x="${number(shownX)}" y="${y}" width="${width}" height="${height}" rx="${waits ? 0 : 2}"/>`;
  const line = row.tall ? `<path class="wire" fill="none" d="M${number(shownX)} ${y + height / 2}h${width}"/>` : "";
  const caps = waits ? `${line}<rect class="cap" x="${number(x0)}" y="${y}" width="3" height="${height}"/>`
    + `${never ? "" : `<rect class="cap end" x="${number(x1 - 3)}" y="${y}" width="3" height="${height}"/>`}` : "";
  return `<g ${attributes(m, names, colour)}>`
    + `${bar}${caps}${inWalk ? callText(view, row, m, { x0, x1, shownX, shownEnd, y, height, next, waits, never }, ends) : ""}</g>`;
}

function callText(view, row, m, at, ends) {
  const took = at.never ? ui.unfinished : at.waits ? lasting(moments.ended[m] - moments.time[m]) : "";
  const full = callLabel(m, true), texts = [took ? `${full} · ${took}` : full, full, callLabel(m, false)];
  if (!row.tall) { // in the bar, or behind it where nothing follows
    const begin = Math.max(at.x0, view.left) + 5, middle = at.y + at.height / 2 + 3.5;
    for (const text of texts) {
      const width = textWidth(text, 10);
      if (begin + width < at.shownEnd - 4 && begin > ends[0]) { ends[0] = begin + width; return halo(begin, middle, text); }
    }
    for (const text of texts.slice(1)) {
      const width = textWidth(text, 10), behind = at.x1 + 4;
      if (behind <= Math.max(ends[0], view.left) || behind + width >= Math.min(at.next, view.edge) - 3) continue;
      ends[0] = behind + width;
      return halo(behind, middle, text);
    }
    return "";
  }
  const begin = Math.max(at.x0, view.left + 2);
  for (const text of texts) {
    const width = textWidth(text);
    for (let level = 0; level < 2; level++) {
      if (begin < ends[level] + 6 || begin + width > view.right + 40) continue;
      ends[level] = begin + width;
      const y = row.up ? at.y - 4 - level * 13 : at.y + at.height + 11 + level * 13;
      const leader = level ? `<path class="tick" d="M${number(begin + .5)} ${row.up ? `${y + 2}V${at.y}` : `${y - 9}V${at.y + at.height}`}"/>` : "";
      return `${leader}<text x="${number(begin + (level ? 3 : 0))}" y="${y}">${escaped(text)}</text>`;
    }
  }
  return "";
}

const halo = (x, y, text) => `<text class="halo small" x="${number(x)}" y="${number(y)}">${escaped(text)}</text>`;

// --- states: a band from each change to the next, hatched where it is inferred ---

function drawStates(view, row, y, height, list, named) {
  const out = [];
  let open = null, above = "";
  const flush = () => {
    if (!open || open.x1 < view.left || open.x0 > view.right) return;
    if (open.m === view.current) above = band(view, { ...open, x1: Math.max(open.x1, open.x0 + 2.5) }, y, height, named);
    else out.push(open.count > 1 ? dense(open, y, height) : band(view, open, y, height, named));
  };
  for (let i = 0; i < list.length; i++) {
    const m = list[i], x0 = view.pxOf(m);
    if (x0 > view.right + 10) break;
    const over = changes.state[moments.place[m]] === OVER;
    const x1 = over ? x0 : i + 1 < list.length ? view.pxOf(list[i + 1]) : view.edge;
    if (open && x1 - open.x0 < CLOSE && m !== view.current && open.m !== view.current) { open.count++; open.x1 = Math.max(open.x1, x1); continue; }
    flush();
    open = { m, x0, x1, over, count: 1 };
  }
  flush();
  return out.join("") + above;
}

function band(view, { m, x0, x1, over }, y, height, named) {
  if (over) return `<g ${attributes(m, "state over")}><path class="over band" d="M${number(x0)} ${y}v${height}"/>`
    + `<circle class="band" fill="var(--soft)" cx="${number(x0)}" cy="${y + height / 2}" r="2.5"/></g>`;
  const shownX = Math.max(x0, view.left - 4), width = number(Math.max(1, Math.min(x1, view.right + 4) - shownX));
  const guessed = inferred(m), name = guessed ? `${stateName(m)} ~` : stateName(m);
  const shape = `x="${number(shownX)}" y="${y}" width="${width}" height="${height}"`;
  const small = height < 18, size = small ? 10 : 11, begin = Math.max(x0, view.left) + 4;
  const text = named && begin + textWidth(name, size) + 2 < Math.min(x1, view.right + 200)
    ? `<text${small ? ' class="small"' : ""} x="${number(begin)}" y="${number(y + height / 2 + 3.8)}">${escaped(name)}`
      + `</text>` : "";
  return `<g ${attributes(m, guessed ? "state inferred" : "state")}>`
    + `<rect class="band" style="fill:var(--${stateName(m)})" ${shape}/>`
    + `${guessed ? `<rect ${shape} fill="url(#hatch-${view.id})" pointer-events="none"/>` : ""}${text}</g>`;
}

// --- the wire: arrows from departure to arrival; the client is above, the server below ---

function drawWire(view, row, room) {
  const { wire } = view.model, out = [], groups = [];
  const first = wire.from(view.from), after = wire.to(view.to);
  let open = null, until = -Infinity;
  for (let i = first; i < after; i++) {
    const m = wire.list[i];
    const current = m === view.current;
    if (!current && moments.time[m] < until) { open.count++; continue; }
    const way = segments.client[moments.place[m]], x0 = view.pxOf(m);
    if (open && !current && x0 - open.x0 < 2.5) { open.count++; open.x1 = x0; continue; }
    const group = { m, x0, x1: x0, way, count: 1 };
    groups.push(group);
    open = current ? null : group;
    until = open ? view.timeOf(x0 + 2.4) : -Infinity;
  }
  groups.forEach((group, i) => {
    // A label may cover its neighbours' arrows a little, not hide them.
    const before = groups[Math.max(0, i - 2)].x0, behind = groups[Math.min(groups.length - 1, i + 2)].x0;
    group.room = groups.length > 5 ? Math.max(9, behind - before) : Infinity;
    if (group.count > 1) {
      const width = number(Math.max(2, group.x1 - group.x0 + 2)), text = `×${group.count}`;
      const pill = group.room >= 34 ? pillText(view, text, group.x0 + 1, row.y + row.h / 2, room) : "";
      out.push(`<g data-many="${group.count}">`
        + `<path class="dense" d="M${number(group.x0)} ${row.y + 4}h${width}v${row.h - 8}h-${width}z"/>${pill}</g>`);
    } else out.push(drawSegment(view, row, group, room));
  });
  return out.join("");
}

function drawSegment(view, row, { m, x0, way, room: most }, room) {
  const s = moments.place[m], flags = doc.tables.names[segments.flags[s]], lost = segments.lost[s];
  const top = row.y + 1, bottom = row.y + row.h - 1, unknown = Number.isNaN(moments.ended[m]);
  const begin = way ? top : bottom, whole = way ? bottom : top;
  const x1 = lost ? x0 + 16 : unknown ? x0 : view.px(moments.ended[m]);
  const end = lost ? begin + (whole - begin) * .55 : whole;
  const colour = colourOf(view.model, moments.talk[m]);
  const type = flags.includes("R") ? "reset" : flags.includes("F") ? "fin" : segments.length[s] ? "data" : "plain";
  const path = `M${number(x0)} ${begin}L${number(x1)} ${number(end)}`;
  const long = Math.hypot(x1 - x0, end - begin) || 1, ux = (x1 - x0) / long, uy = (end - begin) / long;
  const tip = lost
    ? `<path class="cross" d="M${number(x1 - 4)} ${number(end - 4)}l8 8m0-8l-8 8"/>`
    : `<path class="head" d="M${number(x1)} ${number(end)}`
      + `L${number(x1 - 8 * ux - 3.5 * uy)} ${number(end - 8 * uy + 3.5 * ux)}`
      + `L${number(x1 - 8 * ux + 3.5 * uy)} ${number(end - 8 * uy - 3.5 * ux)}z"/>`;
  const names = `segment ${type}${lost ? " lost" : ""}${colour ? " coloured" : ""}`;
  return `<g ${attributes(m, names, colour)}><path class="hit" d="${path}"/><path class="line" d="${path}"/>`
    + `${tip}${segmentText(view, m, { x0, x1, begin, end, most }, room)}</g>`;
}

const ALONG = [.28, .5, .72, .14, .86, .39, .61];

function segmentText(view, m, at, room) {
  for (const text of segmentLabels(m)) {
    if (Math.max(textWidth(text), text === "." ? 30 : 10) > at.most) continue; // a bare ACK is the first to go unnamed
    for (const share of ALONG) {
      const pill = pillText(view, text, at.x0 + (at.x1 - at.x0) * share, at.begin + (at.end - at.begin) * share, room);
      if (pill) return pill;
    }
  }
  return "";
}

// A text on a ground of its own, centred there; nothing where another one stands.
function pillText(view, text, middle, y, room) {
  const width = Math.max(textWidth(text), 10), x = middle - width / 2;
  if (x < view.left + 4 || x + width > view.right - 4 || !room.free(x - 4, y - 8, width + 8, 16)) return "";
  room.take(x - 4, y - 8, width + 8, 16);
  return `<rect class="pill" x="${number(x - 3)}" y="${number(y - 7)}" width="${number(width + 6)}" height="14" rx="3"/>`
    + `<text x="${number(middle)}" y="${number(y + 4)}" text-anchor="middle">${escaped(text)}</text>`;
}

// --- queues: how long each is, as steps; a ring where ss looked ---

function drawQueue(view, row) {
  const bottom = row.y + row.h - 8, top = row.y + 8, high = value => number(bottom - (bottom - top) * value / (row.most || 1));
  const out = [`<path class="faint" d="M${view.left} ${bottom}H${number(Math.min(view.right, view.edge))}"/>`];
  for (const queue of row.queues) {
    const points = [], rings = [];
    let i = Math.max(0, lastUpTo(queue.time, view.from)), until = -Infinity, most = 0, level = 0, drawn = 0, ringed = -Infinity;
    const begin = Math.max(view.left, Math.min(view.px(queue.time[i] ?? 0), view.right));
    points.push(`M${number(begin)} ${bottom}`);
    for (; i < queue.time.length && queue.time[i] <= view.to; i++) {
      const before = level;
      level = queue.value[i];
      if (queue.time[i] < until && level <= most) continue; // within a pixel only what is longer is to be seen …
      if (drawn !== before) points.push(`V${high(before)}`); // … and then what it ended with
      const px = Math.max(view.left, view.px(queue.time[i]));
      most = drawn = level;
      until = view.timeOf(px + 1);
      points.push(`H${number(px)}V${high(level)}`);
      if (!queue.seen[i] || px <= view.left || px - ringed < 9) continue;
      ringed = px;
      rings.push(`<circle class="seen" cx="${number(px)}" cy="${high(level)}" r="2.6"/>`);
    }
    points.push(`V${high(level)}H${number(Math.min(view.right, view.edge))}`);
    const colour = queue.talk === NONE ? "" : colourOf(view.model, queue.talk), path = points.join("");
    if (row.queues.length === 1) out.push(`<path class="area" d="${path}V${bottom}z"/>`);
    out.push(`<path class="level${colour ? " coloured" : ""}"${colour ? ` style="${colour}"` : ""} d="${path}"/>`, rings.join(""));
  }
  return out.join("");
}
