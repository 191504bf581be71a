// On paper the picture stands in strips under each other, as wide as the page, and the lists in full.

const PAPER_WIDTH = 1060, PAPER_SHAPE = 1.5, MOST_STRIPS = 6, MOST_RECORDS = 400, MOST_TALKS = 200, MOST_CROWD = 40;

function strips() {
  const { model } = picture, gutter = 118;
  if (!model.crowd) settle(model, -Infinity, Infinity);
  const height = model.crowd ? Math.min(model.height, model.bodyTop + MOST_CROWD * CROWD_ROW) : model.height;
  const width = Math.max(PAPER_WIDTH, Math.round(height * PAPER_SHAPE)), room = width - gutter - 24;
  const natural = model.scale.mode === "true" || model.crowd ? room / model.scale.width : Math.max(model.coloured ? .3 : .7, Math.min(1, picture.zoom));
  const count = Math.max(1, Math.min(MOST_STRIPS, Math.ceil(model.scale.width * natural / room - .15)));
  const zoom = count * room / model.scale.width, out = [];
  for (let i = 0; i < count; i++) {
    const view = makeView(model, zoom, i * room, 0, width, height, gutter, `p${i}`);
    out.push(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" preserveAspectRatio="xMinYMin meet">${whole(view)}</svg>`);
  }
  return out.join("");
}

function table(heads, rows) {
  const cells = row => row.map(cell => `<td>${cell}</td>`).join("");
  return `<table><thead><tr>${heads.map(head => `<th>${escaped(head)}</th>`).join("")}</tr></thead><tbody>`
    + `${rows.map(row => `<tr>${cells(row)}</tr>`).join("")}</tbody></table>`;
}

addEventListener("beforeprint", () => {
  if (!picture.model) return;
  const { model } = picture, shown = model.chosen.slice(0, MOST_TALKS), told = model.walk.subarray(0, MOST_RECORDS);
  const path = each => `<span class="path">${statesOf(each)}</span>`;
  const talksTable = table([ui.name, ui.ports, ui.lasted, ui.ending, ui.client, ui.server], shown.map(t => [
    escaped(talks.name[t] || "–"), escaped(`${talks.port[t]} → ${serverName(t)}`), lastingOf(t), escaped(endingName(t)),
    path(talks.clientPath[t]), path(talks.serverPath[t]),
  ]));
  const recordsTable = table([ui.time, ui.where, ui.what, ""], Array.from(told, m => [
    standing(moments.time[m] - picture.zero()), escaped(where(m)), `<span class="mono">${escaped(label(m))}`
      + `</span>`, marked(sentence(m)),
  ]));
  const left = (text, count) => count > 0 ? `<p>${escaped(filled(text, { count }))}</p>` : "";
  $("on-paper").innerHTML = `<h2>${escaped(ui.connections)}</h2>`
    + `${talksTable}${left(ui["more-connections"], model.chosen.length - shown.length)}<div id="checks-on-paper"></div>`
    + `<h2>${escaped(ui.picture)}</h2><div class="legend">${$("legend").innerHTML}</div>${strips()}`
    + `<h2>${escaped(ui.records)}</h2>${recordsTable}${left(ui["more-records"], model.walk.length - told.length)}`;
  // A strip takes a sheet of its own: what was expected fills the one before it.
  $("checks-on-paper").append($("checks"));
});
addEventListener("afterprint", () => {
  if ($("checks-on-paper")) document.querySelector("main").append($("checks"));
  $("on-paper").innerHTML = "";
});
