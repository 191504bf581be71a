// The document's columns, turned into arrays by record: a moment's number is its place in each of them.

const doc = JSON.parse(document.getElementById("data").textContent);
const ui = doc.ui;
const NONE = -1;
const CALL = 0, STATE = 1, SEGMENT = 2;
const CLIENT_CALLS = 0, CLIENT_STATE = 1, WIRE = 2, SERVER_STATE = 3, SERVER_CALLS = 4;
const KIND_OF_LANE = [CALL, STATE, SEGMENT, STATE, CALL];
const OVER = doc.states.indexOf("CLOSED");

const $ = id => document.getElementById(id);
const escaped = text => String(text).replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`);
const filled = (text, fields) => text.replace(/\{(\w+)\}/g, (_, name) => fields[name]);

function summed(deltas) {
  const values = new Float64Array(deltas.length);
  let value = 0;
  for (let i = 0; i < deltas.length; i++) values[i] = value += deltas[i];
  return values;
}

function digits(text) {
  const values = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) values[i] = text.charCodeAt(i) - 48;
  return values;
}

const moments = (() => {
  const read = doc.moments, count = read.took.length, time = summed(read.time);
  const ended = new Float64Array(count), cause = new Int32Array(count), place = new Int32Array(count);
  const lane = digits(read.lane), seen = [0, 0, 0];
  for (let m = 0; m < count; m++) {
    ended[m] = read.took[m] < 0 ? NaN : time[m] + read.took[m];
    cause[m] = read.back[m] ? m - read.back[m] : NONE;
    place[m] = seen[KIND_OF_LANE[lane[m]]]++;
  }
  return {
    count, time, ended, cause, place, lane, source: digits(read.source), talk: Int32Array.from(read.talk),
    host: Uint8Array.from(read.host), precision: Float64Array.from(read.precision), step: Int16Array.from(read.step),
  };
})();
const kind = m => KIND_OF_LANE[moments.lane[m]];
const lastOf = m => Number.isNaN(moments.ended[m]) ? moments.time[m] : moments.ended[m];

const calls = { ...doc.calls, waits: digits(doc.calls.waits) };
const changes = doc.changes;
const segments = {
  ...doc.segments, client: digits(doc.segments.client), again: digits(doc.segments.again), lost: digits(doc.segments.lost),
};
const talks = { ...doc.talks, open: digits(doc.talks.open), count: doc.talks.took.length, begun: summed(doc.talks.begun) };
const queues = doc.queues.map(queue => ({ ...queue, time: summed(queue.time), seen: digits(queue.seen) }));

// A list of lists in two arrays: of(i) is what belongs to i.
function grouped(count, groupOf) {
  const begins = new Int32Array(count + 1);
  for (let m = 0; m < moments.count; m++) if (groupOf(m) >= 0) begins[groupOf(m) + 1]++;
  for (let i = 0; i < count; i++) begins[i + 1] += begins[i];
  const next = begins.slice(), all = new Int32Array(begins[count]);
  for (let m = 0; m < moments.count; m++) if (groupOf(m) >= 0) all[next[groupOf(m)]++] = m;
  return { of: i => all.subarray(begins[i], begins[i + 1]) };
}
const ofTalk = grouped(talks.count, m => moments.talk[m]);

// What brought a record about, and what it brought about. A wait for many descriptors may have several causes.
const also = new Map(doc.also.map(([m, ...causes]) => [m, causes]));
const causesOf = m => [...(moments.cause[m] === NONE ? [] : [moments.cause[m]]), ...(also.get(m) || [])];
const effects = (() => {
  const first = grouped(moments.count, m => moments.cause[m]), more = new Map();
  for (const [m, causes] of also) for (const cause of causes) more.set(cause, [...(more.get(cause) || []), m]);
  return { of: m => more.has(m) ? [...first.of(m), ...more.get(m)] : first.of(m) };
})();

// Who calls: a thread of a program on one side.
const threads = [], threadOf = new Int32Array(moments.count).fill(NONE);
{
  const known = new Map();
  for (let m = 0; m < moments.count; m++) {
    if (kind(m) !== CALL) continue;
    const c = moments.place[m], key = `${moments.lane[m]} ${moments.host[m]} ${calls.party[c]} ${calls.pid[c]}`;
    if (!known.has(key)) {
      known.set(key, threads.length);
      threads.push({ lane: moments.lane[m], party: calls.party[c], pid: calls.pid[c], calls: [] });
    }
    threads[threadOf[m] = known.get(key)].calls.push(m);
  }
}
const threadName = thread => thread.party === NONE ? `pid ${thread.pid}` : doc.tables.parties[thread.party];

// The sentence of each moment: its text's fields are filled from one list of values.
const valuesBegin = (() => {
  const fields = doc.tables.texts.map(text => (text.match(/\{\w+\}/g) || []).length);
  const begins = new Int32Array(moments.count + 1);
  for (let m = 0; m < moments.count; m++) begins[m + 1] = begins[m] + fields[doc.told.text[m]];
  return begins;
})();

function sentence(m) {
  let at = valuesBegin[m];
  return doc.tables.texts[doc.told.text[m]].replace(/\{\w+\}/g, () => {
    const value = doc.told.values[at++];
    return value < 0 ? doc.tables.words[-1 - value] : value;
  });
}
