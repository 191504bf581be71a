// The step-through: record after record, each with its sentence, its time and who told it.

const where = m => {
  const lane = doc.lanes[["client-calls", "client-state", "wire", "server-state", "server-calls"][moments.lane[m]]];
  return moments.talk[m] !== NONE && picture.model.chosen.length > 1 ? `${lane} · ${talkName(moments.talk[m])}` : lane;
};

const walk = {
  at: NONE,
  moment() { return this.at === NONE || !picture.model ? NONE : picture.model.walk[this.at] ?? NONE; },

  list: new LongList($("record-list"), 24, i => {
    const m = picture.model.walk[i];
    return {
      names: "record",
      inside: `<span class="number mono">${standing(moments.time[m] - picture.zero())}</span><span>`
        + `${escaped(where(m))}</span><span class="mono">${escaped(label(m))}</span><span class="said">`
        + `${marked(sentence(m))}</span>`,
    };
  }, i => walk.set(i, true)),

  // New connections are chosen: stay at the record, if it is still among theirs.
  fill(current) {
    this.at = current === NONE ? NONE : picture.model.walk.indexOf(current);
    this.list.fill(picture.model.walk.length);
    this.tell();
    if (this.at !== NONE) { picture.reveal(current); picture.draw(); }
  },
  to(m) {
    const i = picture.model.walk.indexOf(m);
    if (i >= 0) this.set(i);
  },
  step(by) { this.set(this.at === NONE ? (by > 0 ? 0 : picture.model.walk.length - 1) : this.at + by); },
  // Who reads in the list stays there.
  set(i, inList = false) {
    if (!picture.model.walk.length) return;
    this.at = Math.max(0, Math.min(i, picture.model.walk.length - 1));
    const m = this.moment(), inPicture = svg.contains(document.activeElement);
    picture.hover = NONE;
    picture.reveal(m);
    picture.draw();
    if (inPicture) svg.querySelector(`[data-m="${m}"]`)?.focus({ preventScroll: true });
    this.list.go(this.at);
    this.tell();
    if (!inList) picture.bringIntoWindow(".current", "rect.here", ".herehead");
  },
  leave() { this.at = NONE; this.list.draw(); this.tell(); picture.paint(); },

  // Of the current record, or of the expectation that was chosen just now.
  tell(check = null) {
    const count = picture.model.walk.length, m = this.moment();
    $("position").textContent = m === NONE ? "" : filled(ui.position, { number: this.at + 1, total: count });
    $("previous").disabled = !count || this.at === 0;
    $("next").disabled = !count || this.at === count - 1;
    $("now").classList.toggle("idle", m === NONE && !check);
    $("now").innerHTML = check ? proved(check) : m === NONE ? `<p class="hint">`
      + `${escaped(count ? ui.start : moments.count ? ui.nothing : ui.empty)}</p>` : explained(m, this.at);
  },
};
walk.list.selected = i => i === walk.at;

function explained(m, i) {
  const facts = [];
  const fact = (name, value) => value && facts.push(`<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`);
  fact(ui["since-begin"], standing(moments.time[m] - picture.zero()));
  if (i > 0) fact(ui["since-previous"], `+ ${lasting(Math.max(0, moments.time[m] - moments.time[picture.model.walk[i - 1]]))}`);
  if (!Number.isNaN(moments.ended[m]) && kind(m) !== STATE) {
    const time = lasting(moments.ended[m] - moments.time[m]), text = filled(kind(m) === CALL ? ui.took : ui.travelled, { time: "\0" });
    fact(text.replace("\0", "").trim(), time);
  }
  fact(ui.clock, clock(moments.time[m]));
  const told = doc.sources[moments.source[m]], proved = kind(m) === STATE && (told === "inferred" || told === "ss");
  const exact = moments.precision[m] ? filled(ui.within, { time: lasting(moments.precision[m]) }) : proved ? ui["at-segment"] : ui.exact;
  fact(ui.source, `${doc.sources_named[told]} · ${exact}`);
  if (kind(m) === SEGMENT) fact(ui.frames, frames(m));
  const step = moments.step[m] === NONE ? "" : ` · ${filled(ui.step, doc.steps[moments.step[m]])}`;
  return `<p class="what"><span class="mono">${escaped(label(m))}</span><span class="where">`
    + `${escaped(where(m) + step)}</span></p><p class="said">${marked(sentence(m))}</p><dl>${facts.join("")}</dl>`;
}

const MOST_TOLD = 5;

// An expectation, and what proves it.
function proved(check) {
  const facts = [
    ...check.spots.map(i => [doc.spots[i].time, doc.spots[i].said]), ...check.moments.map(m => [moments.time[m], label(m)]),
    ...check.looks.map(i => [doc.looks[i].time, filled(ui.look, doc.looks[i])]),
  ];
  const step = check.step === NONE ? "" : filled(ui.step, doc.steps[check.step]);
  const told = facts.slice(0, MOST_TOLD).map(([time, what]) => `<div><dt>${standing(time - picture.zero())}</dt><dd>${escaped(what)}</dd></div>`);
  if (facts.length > MOST_TOLD) told.push(`<div><dt>+ ${facts.length - MOST_TOLD}</dt></div>`);
  return `<p class="what"><span class="${check.verdict}">${check.mark}</span> ${marked(check.title)}<span class="where">${escaped(step)}</span></p>`
    + `<p class="said">${marked(check.why)}</p><dl>${told.join("")}</dl>`;
}

function frames(m) {
  const s = moments.place[m], t = moments.talk[m];
  if (t === NONE) return "";
  const found = [[talks.clientHost[t], segments.there[s]], [talks.serverHost[t], segments.here[s]]].filter(([, frame]) => frame !== NONE);
  return found.map(([host, frame]) => filled(ui.frame, { file: doc.captures[doc.tables.hosts[host]] || doc.tables.hosts[host], frame })).join(" · ");
}

$("next").addEventListener("click", () => walk.step(1));
$("previous").addEventListener("click", () => walk.step(-1));
$("record-list").addEventListener("click", event => {
  const row = event.target.closest("[data-row]");
  if (row) walk.set(+row.dataset.row, true);
});
