// Keys, theme, legend; then the first picture.

const root = document.documentElement, help = $("help"), themes = ["auto", "light", "dark"];

function setTheme(theme) {
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  $("theme").textContent = `${ui.theme}: ${ui[`theme-${theme}`]}`;
  $("theme").dataset.at = theme;
}
const nextTheme = () => setTheme(themes[(themes.indexOf($("theme").dataset.at) + 1) % themes.length]);

$("legend").innerHTML = (() => {
  const item = (drawing, words) => `<span><svg width="26" height="14" aria-hidden="true">${drawing}</svg>`
    + `${escaped(words)}</span>`;
  const waiting = caps => '<g class="call wait"><rect class="bar" x="1" y="2" width="25" height="10"/><path class="wire" d="M1 7h25"/>'
    + `${caps.map(x => `<rect class="cap" x="${x}" y="2" width="3" height="10"/>`).join("")}</g>`;
  return [
    item('<g class="call"><rect class="bar" x="8" y="2" width="9" height="10" rx="2"/></g>', ui["legend-call"]),
    item(waiting([1, 23]), ui["legend-wait"]),
    item(waiting([1]), ui["legend-unfinished"]),
    item('<rect x="1" y="2" width="24" height="10" style="fill:var(--ESTAB)"/>', ui["legend-observed"]),
    item(`${hatch("legend")}<rect x="1" y="2" width="24" height="10" style="fill:var(--SYN-RECV)"/>`
      + `<rect x="1" y="2" width="24" height="10" fill="url(#hatch-legend)"/>`, ui["legend-inferred"]),
    item('<g class="segment lost"><path class="line" d="M4 1L18 9"/><path class="cross" d="M14 5l8 8m0-8l-8 8"/></g>', ui["legend-lost"]),
    item('<path class="look" d="M13 0v14"/>', ui["legend-look"]),
    item(`<g class="spot"><path d="${SPOTS.printed}" transform="translate(13 7)"/></g>`, ui["legend-printed"]),
    item(`<g class="spot ended"><path d="${SPOTS.ended}" transform="translate(13 7)"/></g>`, ui["legend-ended"]),
    item('<text class="mark pass" x="8" y="11">✓</text>', ui["legend-proof"]),
  ].join("");
})();

const actions = {
  n: () => walk.step(1), j: () => walk.step(1), p: () => walk.step(-1), k: () => walk.step(-1),
  "+": () => picture.zoomBy(1.5), "=": () => picture.zoomBy(1.5), "-": () => picture.zoomBy(1 / 1.5), 0: () => picture.fit(),
  1: () => picture.setMode("compressed"), 2: () => picture.setMode("true"), 3: () => picture.setMode("record"),
  a: () => choice.all(), "/": () => $("filter").focus(), e: () => checks.step(1), E: () => checks.step(-1),
  t: nextTheme, "?": () => help.showModal(),
  Escape: () => { if (checks.at !== NONE) checks.leave(); walk.leave(); },
};

addEventListener("keydown", event => {
  const typing = event.target.matches("input");
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (typing) { if (event.key === "Escape") { event.target.value = ""; choice.filter(""); event.target.blur(); } return; }
  const action = actions[event.key];
  if (action) { event.preventDefault(); action(); }
});

scroller.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const by = { ArrowLeft: [-90, 0], ArrowRight: [90, 0], ArrowUp: [0, -CROWD_ROW * 2], ArrowDown: [0, CROWD_ROW * 2] }[event.key];
  if (by && (by[0] || picture.model.crowd)) { event.preventDefault(); scroller.scrollBy(...by); }
  else if (event.key === "Home" || event.key === "End") { event.preventDefault(); walk.set(event.key === "Home" ? 0 : picture.model.walk.length - 1); }
});

for (const button of document.querySelectorAll("[data-scale]")) {
  button.addEventListener("click", () => picture.setMode(button.dataset.scale));
  button.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const all = [...document.querySelectorAll("[data-scale]")], to = all[(all.indexOf(button) + by + all.length) % all.length];
    event.preventDefault();
    picture.setMode(to.dataset.scale);
    to.focus();
  });
}
$("zoom-in").addEventListener("click", () => picture.zoomBy(1.5));
$("zoom-out").addEventListener("click", () => picture.zoomBy(1 / 1.5));
$("fit").addEventListener("click", () => picture.fit());
$("theme").addEventListener("click", nextTheme);
$("keys").addEventListener("click", () => help.showModal());

let lastWidth = 0;
new ResizeObserver(() => {
  if (!scroller.clientWidth || scroller.clientWidth === lastWidth || !picture.model) return;
  lastWidth = scroller.clientWidth;
  picture.resize(picture.fitted ? picture.fitting() : picture.zoom);
  picture.draw();
}).observe(scroller);

setTheme("auto");
picture.setMode("compressed");
choice.filter("");
lastWidth = scroller.clientWidth;
choice.first();
