// Many connections: a row for each, its two ends' states, and a tick for each segment between them.

function drawCrowd(view) {
  const { model } = view, out = [], first = Math.max(0, Math.floor(view.y / CROWD_ROW));
  const after = Math.min(model.talkRows.length, Math.ceil((view.y + view.height - model.bodyTop) / CROWD_ROW) + 1);
  for (let i = first; i < after; i++) {
    const t = model.talkRows[i], y = model.bodyTop + i * CROWD_ROW - view.y, mine = Array.from(ofTalk.of(t));
    const row = { talk: t };
    out.push(`<g data-talk-row="${t}">`
      + `${i % 2 ? `<rect class="stripe" x="0" y="${y}" width="${view.width}" height="${CROWD_ROW}"/>` : ""}`);
    out.push(drawStates(view, row, y + 2, 6, mine.filter(m => moments.lane[m] === CLIENT_STATE), false));
    out.push(drawStates(view, row, y + 13, 6, mine.filter(m => moments.lane[m] === SERVER_STATE), false));
    let last = -Infinity;
    for (const m of mine) {
      if (kind(m) !== SEGMENT) continue;
      const x = view.pxOf(m);
      if (x < view.left || x > view.right || x - last < 3 && m !== view.current) continue;
      last = x;
      const s = moments.place[m], up = segments.client[s] ? 0 : 5, lean = Math.min(6, Math.max(0, view.px(lastOf(m)) - x));
      const type = segments.lost[s] ? " reset" : segments.length[s] ? " data" : "";
      out.push(`<g ${attributes(m, `segment${type}`)}>`
        + `<path class="line" d="M${number(x)} ${y + 8 + up}l${number(lean)} ${up ? -5 : 5}"/></g>`);
    }
    out.push("</g>");
  }
  return out.join("");
}
