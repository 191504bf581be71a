// What a program did that is no record of the timeline: a line it printed, its end, a call that only strace saw.

const SPOTS = { printed: "M-5-5h10v7h-5l-3 3v-3h-2z", ended: "M-4-4h8v8h-8z", called: "M0-5l5 5-5 5-5-5z" };

function drawSpots(view) {
  const out = [], last = new Map(), proof = new Set(picture.proof ? picture.proof.spots : []);
  const order = doc.spots.map((_, i) => i).sort((one, other) => proof.has(one) - proof.has(other) || doc.spots[one].time - doc.spots[other].time);
  for (const i of order) {
    const spot = doc.spots[i], x = view.px(spot.time);
    if (spot.time < view.model.scale.begin || x < view.left || x > view.right || !proof.has(i) && isElsewhere(view, spot)) continue;
    const y = spotHeight(view, spot);
    if (!proof.has(i) && Math.abs(x - (last.get(y) ?? -Infinity)) < 7) continue;
    last.set(y, x);
    out.push(`<g class="spot ${spot.kind}${proof.has(i) ? " proof" : ""}" data-spot="${i}" role="img" aria-label="${escaped(spot.said)}">`
      + `<path d="${SPOTS[spot.kind]}" transform="translate(${number(x)} ${number(y)})"/></g>`);
  }
  return out.join("");
}

// A program of connections that are not chosen.
const isElsewhere = (view, spot) => known.has(spot.party) && !view.model.threads.some(thread => threadName(thread) === spot.party);
const known = new Set(threads.map(threadName));

// In the row of its program, else at the outer edge of its side's lane; a crowd has no lanes.
function spotHeight(view, spot) {
  const lane = view.model.lanes.find(each => each.name === (spot.client ? "client-calls" : "server-calls"));
  if (!lane) return TOP - 42;
  const row = lane.rows.find(each => each.kind === "calls" && each.label === spot.party);
  if (!row) return spot.client ? lane.y + 6 : lane.y + lane.h - 6;
  return row.up ? row.y + row.h - 9.5 : row.y + 9.5;
}
