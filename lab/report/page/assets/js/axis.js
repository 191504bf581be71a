// Above the lanes: the steps, the marks of what proves something and of each look of ss, the times. At the left: names.

function drawSteps(view) {
  const out = [];
  let last = -Infinity;
  doc.steps.forEach((step, i) => {
    if (step.ended < view.model.scale.begin || step.begun > view.model.scale.end) return;
    const x0 = view.px(step.begun), x1 = view.px(step.ended);
    if (x1 < view.left || x0 > view.right || x1 - x0 < 1) return;
    const begin = Math.max(x0, view.left), end = Math.min(x1, view.right);
    out.push(`<rect class="stepband${i % 2 ? " odd" : ""}" x="${number(begin)}" y="0" width="${number(end - begin)}" height="${view.height}"/>`);
    for (const text of [`${step.number} ${step.title}`, `${step.number}`]) {
      if (begin + 5 + textWidth(text, 11) > Math.max(end, 0) || begin < last) continue;
      last = begin + textWidth(text, 11);
      out.push(`<text class="steplabel" data-step="${i}" x="${number(begin + 5)}" y="12">${escaped(text)}</text>`);
      break;
    }
  });
  return out.join("");
}

function drawLooks(view) {
  const out = [];
  let last = -Infinity, lastLabel = -Infinity;
  doc.looks.forEach((look, i) => {
    if (look.time < view.model.scale.begin) return;
    const x = view.px(look.time), lit = picture.proof && picture.proof.looks.includes(i);
    if (x < view.left || x > view.right || (x - last < 3 && !lit)) return;
    last = x;
    const named = x - lastLabel > 20 || lit;
    if (named) lastLabel = x;
    out.push(`<g data-look="${i}">`
      + `<path class="${lit ? "proofline" : "look"}"${lit ? ' style="stroke-width:2.5"' : ""} `
      + `d="M${number(x)} ${named ? 43 : 46}V${view.height}"/>`
      + `<path d="M${number(x)} 20V${view.height}" stroke="transparent" stroke-width="9"/>`
      + `${named ? `<text class="looklabel" x="${number(x - 6)}" y="40">ss</text>` : ""}</g>`);
  });
  return out.join("");
}

// When what proves an expectation was, where no record of the timeline does.
const timeOfProof = check => Math.min(...check.spots.map(i => doc.spots[i].time), ...check.looks.map(i => doc.looks[i].time));

// The verdict of each expectation, over the place that proves it.
function drawProofs(view) {
  const places = [];
  doc.checks.forEach((check, i) => {
    const m = check.moments.find(each => view.model.inWalk[each]);
    const time = timeOfProof(check);
    const x = m !== undefined ? view.pxOf(m) : time >= view.model.scale.begin && time < Infinity ? view.px(time) : NaN;
    if (x >= view.left && x <= view.right) places.push({ x, i });
  });
  places.sort((one, other) => one.x - other.x);
  const out = [];
  let last = -Infinity;
  for (const { x, i } of places) {
    if (x - last < 11) continue;
    last = x;
    const check = doc.checks[i];
    out.push(`<text class="mark ${check.verdict}" data-check="${i}" x="${number(x - 4)}" y="27">${check.mark}</text>`);
  }
  return out.join("");
}

function drawAxis(view) {
  const { scale } = view.model, out = [`<path class="rule" d="M${view.left} ${TOP - 4}H${view.right}"/>`];
  const zero = picture.zero();
  let reach = -Infinity;
  const tick = (x, time, force) => {
    const text = standing(time - zero), width = textWidth(text, 10);
    if (x < reach && !force || x + width > view.right) return;
    reach = x + width + 12;
    out.push(`<path class="tick" d="M${number(x)} 46V${view.height}" opacity=".45"/>`
      + `<text class="small" data-tick x="${number(x + 3)}" y="54">${text}</text>`);
  };
  if (scale.mode === "true") {
    const span = scale.time((view.right - view.left) / view.zoom) - scale.time(0), rough = span / 8;
    const unit = 10 ** Math.floor(Math.log10(rough || 1)), step = [1, 2, 5, 10].map(k => k * unit).find(each => each >= rough) || unit;
    const begin = Math.ceil((Math.max(view.from, scale.begin) - zero) / step) * step + zero;
    for (let time = begin, n = 0; time <= Math.min(view.to, scale.end) && n < 60; time += step, n++) if (view.px(time) >= view.left) tick(view.px(time), time);
    return out.join("");
  }
  const { at, pos } = scale, shift = view.gutter + 8 - view.x;
  let i = Math.max(0, lastUpTo(pos, (view.left - shift) / view.zoom));
  for (let n = 0; i < at.length && n < 400; n++) {
    const x = pos[i] * view.zoom + shift;
    if (x > view.right) break;
    if (x >= view.left) tick(x, at[i]);
    const next = Math.max(i + 1, firstFrom(pos, (Math.max(reach, x + 1) - shift) / view.zoom));
    i = next;
  }
  out.push(drawGaps(view, shift));
  return out.join("");
}

// How long the gaps last that are wide enough to say so.
function drawGaps(view, shift) {
  const { at, pos } = view.model.scale, out = [];
  const first = Math.max(0, lastUpTo(pos, (view.left - shift) / view.zoom)), after = lastUpTo(pos, (view.right - shift) / view.zoom) + 1;
  if (after - first > 1500) return "";
  for (let i = first; i < Math.min(after, at.length - 1); i++) {
    const x0 = Math.max(view.left, pos[i] * view.zoom + shift), x1 = Math.min(view.right, pos[i + 1] * view.zoom + shift), text = lasting(at[i + 1] - at[i]);
    const width = textWidth(text, 10);
    if (x1 - x0 < width + 6) continue;
    const middle = (x0 + x1) / 2;
    out.push(`<text class="small soft" data-gap x="${number(middle - width / 2)}" y="67">${text}</text>`);
    const line = `M${number(x0 + 3)} 63.5H${number(middle - width / 2 - 4)}M${number(middle + width / 2 + 4)} 63.5H${number(x1 - 3)}`;
    if (x1 - x0 > width + 26) out.push(`<path class="tick" d="${line}"/>`);
  }
  return out.join("");
}

function drawGutter(view) {
  const out = [`<rect class="ground" x="0" y="0" width="${view.gutter}" height="${view.height}"/>`
    + `<path class="rule" d="M${view.gutter} 0V${view.height}"/>`];
  const room = view.gutter - 10;
  for (const lane of view.model.lanes) {
    const rowsNamed = lane.rows.some(row => row.label), offset = lane.rows.length > 1 && lane.h > 20 && rowsNamed && lane.name !== "queues" && lane.name !== "overview";
    if (lane.label && lane.name !== "queues") out.push(lanelabel(view, lane, offset));
    for (const row of lane.rows) {
      const y = row.y + (row.kind === "queue" ? 16 : Math.min(row.h / 2 + 4, row.h - 4));
      if (row.kind === "queue") out.push(atEnd(view, row.y + 12, row.most), atEnd(view, row.y + row.h - 5, 0));
      if (row.kind === "folded" || !row.label || row.kind === "calls" && lane.name !== "overview" && lane.rows.length === 1) continue;
      const right = row.kind === "queue" ? room - textWidth(String(row.most), 10) - 4 : room;
      if (row.kind === "states" || row.kind === "calls" && lane.name !== "overview") out.push(rowLabel(view, row, y, right));
      else out.push(`<text class="name" x="6" y="${y}">${escaped(shortened(row.label, right))}</text>`
        + `${row.host ? `<text class="name soft" x="6" y="${y + 14}">${escaped(shortened(row.host, right))}</text>` : ""}`);
    }
  }
  if (view.model.crowd) {
    const { model } = view, first = Math.max(0, Math.floor(view.y / CROWD_ROW));
    const after = Math.min(model.talkRows.length, Math.ceil((view.y + view.height - model.bodyTop) / CROWD_ROW) + 1);
    for (let i = first; i < after; i++) {
      const t = model.talkRows[i], y = model.bodyTop + i * CROWD_ROW - view.y;
      out.push(`<text class="picked small" data-talk="${t}" x="8" y="${y + 14}">`
        + `${escaped(shortened(talkName(t), room))}</text>`);
    }
  }
  return out.join("");
}

const atEnd = (view, y, text) => `<text class="soft small" x="${view.gutter - 4}" y="${y}" text-anchor="end">${text}</text>`;

function lanelabel(view, lane, offset) {
  const words = lane.label.split(/[:：]\s*/), room = offset ? 52 : view.gutter - 12, middle = lane.y + lane.h / 2;
  const y = lane.name === "wire" ? middle : offset ? lane.y + 13 : middle + (words.length > 1 ? -2 : 4);
  return words.map((word, i) => `<text class="name${i ? " soft" : ""}" x="6" y="${number(y + i * 14)}">`
    + `${escaped(shortened(word, room))}</text>`).join("");
}

// In a lane of several rows the names of the rows stand at the right, in the colour of their connection.
function rowLabel(view, row, y, right) {
  const t = row.talk, colour = t !== undefined ? colourOf(view.model, t) : row.thread ? threadColour(view, row.thread) : "";
  const pick = t === undefined ? "" : ` data-talk="${t}"`;
  return `<text class="small rowname${pick ? " picked" : ""}"${pick} x="${view.gutter - 6}" y="${number(y)}" style="${colour}">`
    + `${escaped(shortened(row.label, Math.min(right, view.gutter - 62)))}</text>`;
}

// A program that serves one connection alone has that connection's colour.
function threadColour(view, thread) {
  let only = NONE;
  for (const m of thread.calls) {
    if (moments.talk[m] === NONE) continue;
    if (only !== NONE && only !== moments.talk[m]) return "";
    only = moments.talk[m];
  }
  return only === NONE ? "" : colourOf(view.model, only);
}

function shortened(text, room, size = 11) {
  if (textWidth(text, size) <= room) return text;
  let most = text.length;
  while (most > 1 && textWidth(`${text.slice(0, most)}…`, size) > room) most--;
  return `${text.slice(0, most)}…`;
}
