// Where a time stands. Three ways: by the logarithm of each gap, true to scale, and one place for each record.

const GAP_LEAST = 13, GAP_GROWTH = 5.2, RECORD_WIDTH = 34, TRUE_WIDTH = 1000, WIDEST = 16e6;

// `times` ascend, each once; `walk` are the records in their order. Positions are pixels at zoom 1.
function makeScale(mode, times, walk) {
  const at = mode === "record" ? Float64Array.from(walk, m => moments.time[m]) : times;
  const pos = new Float64Array(at.length);
  if (mode === "record") {
    for (let i = 1; i < at.length; i++) {
      at[i] = Math.max(at[i], at[i - 1]);
      pos[i] = i * RECORD_WIDTH;
    }
  } else if (mode === "true") {
    const span = at[at.length - 1] - at[0] || 1;
    for (let i = 1; i < at.length; i++) pos[i] = (at[i] - at[0]) / span * TRUE_WIDTH;
  } else {
    for (let i = 1; i < at.length; i++) pos[i] = pos[i - 1] + GAP_LEAST + GAP_GROWTH * Math.log1p((at[i] - at[i - 1]) / MICRO);
  }
  const last = at.length - 1, end = times[times.length - 1];
  const tail = mode === "record" ? RECORD_WIDTH * 2 : 0;
  const rank = mode === "record" ? new Map(Array.from(walk, (m, i) => [m, i])) : null;
  const width = Math.max(1, pos[last] + tail);

  // Pixels at zoom 1 of any time, in between by the share of the gap.
  function x(time) {
    if (!(time > at[0])) return 0;
    const i = lastUpTo(at, time);
    if (i >= last) return pos[last] + (end > at[last] ? tail * Math.min(1, (time - at[last]) / (end - at[last])) : 0);
    return pos[i] + (pos[i + 1] - pos[i]) * ((time - at[i]) / (at[i + 1] - at[i] || 1));
  }
  function time(px) {
    if (px <= 0) return at[0];
    const i = lastUpTo(pos, px);
    if (i >= last) return tail ? at[last] + (end - at[last]) * Math.min(1, (px - pos[last]) / tail) : at[last];
    return at[i] + (at[i + 1] - at[i]) * ((px - pos[i]) / (pos[i + 1] - pos[i] || 1));
  }
  const ofMoment = rank ? m => rank.has(m) ? pos[rank.get(m)] : x(moments.time[m]) : m => x(moments.time[m]);
  return { mode, at, pos, width, x, time, ofMoment, begin: times[0], end, mostZoom: WIDEST / width };
}

// The index of the last value that is not above `value`, -1 when all are.
function lastUpTo(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}

function firstFrom(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

// A list of moments in the order of time that can be asked for those which touch a window.
function timed(list) {
  const begins = new Float64Array(list.length), reach = new Float64Array(list.length);
  let furthest = -Infinity;
  for (let i = 0; i < list.length; i++) {
    const m = list[i], open = kind(m) === CALL && Number.isNaN(moments.ended[m]);
    begins[i] = moments.time[m];
    reach[i] = furthest = Math.max(furthest, open ? Infinity : lastOf(m));
  }
  return { list, from: time => firstFrom(reach, time), to: time => lastUpTo(begins, time) + 1 };
}
