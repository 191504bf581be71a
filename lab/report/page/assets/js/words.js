// Times, names and labels as a person reads them.

const MICRO = 1e3, MILLI = 1e6, SECOND = 1e9;
const trimmed = (value, places) => places ? value.toFixed(places).replace(/\.?0+$/, "") : value.toFixed(0);

function lasting(ns) {
  if (ns < MICRO) return `${Math.round(ns)} ns`;
  if (ns < MILLI) return `${trimmed(ns / MICRO, ns < 10 * MICRO ? 1 : 0)} µs`;
  if (ns < SECOND) return `${trimmed(ns / MILLI, ns < 10 * MILLI ? 2 : ns < 100 * MILLI ? 1 : 0)} ms`;
  return `${trimmed(ns / SECOND, ns < 10 * SECOND ? 2 : 1)} s`;
}

// How long a connection lasted; at least so long, if it still stood when the run ended.
const lastingOf = t => talks.open[t] ? filled(ui["at-least"], { time: lasting(talks.took[t]) }) : lasting(talks.took[t]);

// To the microsecond, whatever the size: 0.061 ms, 2.000071 s.
function standing(ns) {
  if (Math.abs(ns) < SECOND) return `${(ns / MILLI).toFixed(3)} ms`;
  return `${(ns / SECOND).toFixed(6)} s`;
}

function clock(ns) {
  const whole = BigInt(doc.begun) + BigInt(Math.round(ns)), second = whole / 1000000000n;
  const fraction = String(whole % 1000000000n).padStart(9, "0");
  return `${new Date(Number(second) * 1000).toISOString().slice(11, 19)}.${fraction} UTC`;
}

const stateName = m => doc.states[changes.state[moments.place[m]]];
const inferred = m => doc.sources[moments.source[m]] === "inferred";

function callLabel(m, full) {
  const c = moments.place[m], name = doc.tables.names[calls.name[c]];
  if (!full) return `${name}()`;
  const about = calls.about[c] === NONE ? "" : doc.tables.words[calls.about[c]], asked = `${name}(${about})`;
  if (calls.error[c] !== NONE) {
    const error = doc.tables.errors[calls.error[c]];
    return `${asked} ${error.startsWith("ERESTART") ? ui.interrupted : error}`; // no program sees such a name
  }
  return calls.result[c] === null ? `${asked} …` : `${asked} = ${calls.result[c]}`;
}

// What stands on an arrow, the longest first; tcpdump's letters, numbers counted from each end's first.
function segmentLabels(m) {
  const s = moments.place[m], flags = doc.tables.names[segments.flags[s]];
  const again = segments.again[s] ? ` ${ui.again}` : "", lost = segments.lost[s] ? ` ${ui.lost}` : "";
  const labels = [];
  if (segments.length[s]) {
    const data = segments.data[s] === NONE ? "" : doc.tables.words[segments.data[s]];
    if (data) labels.push(`${flags} "${data}"${again}${lost}`);
    labels.push(`${flags} ${segments.length[s]}${again}${lost}`);
  } else if (again || lost) labels.push(`${flags}${again}${lost}`);
  labels.push(flags);
  return labels;
}

function label(m) {
  switch (kind(m)) {
    case CALL: return callLabel(m, true);
    case STATE: return `${stateName(m)}${inferred(m) ? " ~" : ""}`;
    default: return `${segments.client[moments.place[m]] ? "→" : "←"} ${segmentLabels(m)[0]}`;
  }
}

function talkName(t) {
  return talks.name[t] || `:${talks.port[t]}`;
}

const marked = text => escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");

const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();
let face = "";
function textWidth(text, size = 11) {
  if (!face) face = getComputedStyle(document.body).getPropertyValue("--mono").trim() || "monospace";
  const key = `${size} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    ruler.font = `600 ${size}px ${face}`;
    if (widths.size > 20000) widths.clear();
    widths.set(key, width = ruler.measureText(text).width + 1);
  }
  return width;
}
