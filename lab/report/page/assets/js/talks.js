// The connections: which there are, which of them are chosen.

const endingName = t => doc.endings[doc.tables.names[talks.ending[t]]];

function statesOf(path) {
  const words = doc.tables.paths[path];
  const states = words.split(" ").filter(Boolean);
  return states.length ? states.map(state => `<b style="background:var(--${state})">${state}</b>`).join("") : "–";
}

// The server's end is told once where all have the same.
const oneServer = new Set(talks.server).size <= 1;
const serverName = t => `${doc.tables.hosts[talks.serverHost[t]]}:${doc.tables.words[talks.server[t]].split(":").pop()}`;
const ports = t => escaped(oneServer ? talks.port[t] : `${talks.port[t]} → ${serverName(t)}`);

const choice = {
  found: [], chosen: new Set(), last: 0,
  texts: Array.from({ length: talks.count }, (_, t) => [
    talks.name[t], talks.client[t], doc.tables.words[talks.server[t]], endingName(t), doc.tables.paths[talks.clientPath[t]], doc.tables.paths[talks.serverPath[t]],
  ].join(" ").toLowerCase()),

  list: new LongList($("talk-list"), 26, i => {
    const t = choice.found[i], own = picture.model ? colourOf(picture.model, t) : "";
    return {
      names: "talk",
      inside: `<span><i class="swatch" style="${own ? `${own};background:var(--own)` : ""}"></i>`
        + `${escaped(talks.name[t] || "–")}</span><span class="mono">${ports(t)}</span><span class="number">`
        + `${lastingOf(t)}</span><span>${escaped(endingName(t))}</span>`
        + `<span class="path">${statesOf(talks.clientPath[t])}</span><span class="path">`
          + `${statesOf(talks.serverPath[t])}</span>`,
    };
  }, (i, event) => {
    if (event.shiftKey) choice.upTo(i);
    else if (!event.ctrlKey) choice.only(choice.found[i]);
  }),

  filter(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    this.found = [];
    for (let t = 0; t < talks.count; t++) if (wanted.every(word => this.texts[t].includes(word))) this.found.push(t);
    this.list.box.scrollTop = 0;
    this.list.at = 0;
    this.list.fill(this.found.length);
    this.tell(wanted.length > 0);
  },

  set(chosen) {
    this.chosen = new Set(chosen);
    const current = walk.moment();
    picture.show([...this.chosen].sort((one, other) => one - other));
    walk.fill(current);
    this.list.show(this.found.findIndex(t => this.chosen.has(t)));
    this.tell();
  },
  only(t) { this.last = this.found.indexOf(t); if (this.last >= 0) this.list.at = this.last; this.set([t]); },
  toggle(i) {
    const chosen = new Set(this.chosen), t = this.found[i];
    if (chosen.has(t) && chosen.size > 1) chosen.delete(t); else chosen.add(t);
    this.last = i;
    this.set(chosen);
  },
  upTo(i) { this.set(this.found.slice(Math.min(this.last, i), Math.max(this.last, i) + 1)); },
  all() { if (this.found.length) this.set(this.found); },
  // To begin with, the connections of the lesson (lab/report/page/opening.py).
  first() { this.set(doc.first); },
  tell(filtered = $("filter").value.trim() !== "") {
    const parts = [filled(ui.chosen, { count: this.chosen.size, total: talks.count })];
    if (filtered) parts.push(filled(ui.shown, { count: this.found.length }));
    $("chosen").textContent = parts.join(" · ");
  },
};

$("talk-head").innerHTML = `<div class="row talk"><span>${escaped(ui.name)}</span><span>`
  + `${escaped(oneServer ? ui.port : ui.ports)}</span><span class="number">${escaped(ui.lasted)}</span><span>`
  + `${escaped(ui.ending)}</span><span>${escaped(ui["client-states"])}</span><span>${escaped(ui["server-states"])}`
  + `</span></div>`;
$("talks").classList.toggle("one-server", oneServer);
$("talk-list").style.height = `${Math.min(Math.max(talks.count, 1), 4.5) * 26 + 2}px`; // half a row tells that more follow
choice.list.selected = i => choice.chosen.has(choice.found[i]);
$("talk-list").addEventListener("click", event => {
  const row = event.target.closest("[data-row]");
  if (!row) return;
  const i = +row.dataset.row;
  choice.list.at = i;
  if (event.shiftKey) choice.upTo(i);
  else if (event.ctrlKey || event.metaKey) choice.toggle(i);
  else choice.only(choice.found[i]);
});
$("talk-list").addEventListener("keydown", event => {
  if (event.key === " ") {
    event.preventDefault();
    if (event.ctrlKey || event.shiftKey) choice.toggle(choice.list.at);
    else choice.only(choice.found[choice.list.at]);
  } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); choice.all(); }
});
$("filter").addEventListener("input", event => choice.filter(event.target.value));
$("all").addEventListener("click", () => choice.all());
