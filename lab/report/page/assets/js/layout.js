// What the picture shows of the chosen connections: the records to walk through, the times that need room, the rows.

const SEVERAL = 12, MOST_THREADS = 24;
const TOP = 76; // the steps, the marks, the axis
const SET_UP = new Set(doc.set_up), WAITS = new Set(doc.waits_for_many);

// `from`: a time that the scale reaches back to, though none of the connections does.
function arrange(chosen, mode, from = Infinity) {
  const isChosen = new Uint8Array(talks.count), rank = new Map(chosen.map((t, i) => [t, i]));
  for (const t of chosen) isChosen[t] = 1;
  const all = chosen.length === talks.count;
  const mine = m => moments.talk[m] !== NONE && isChosen[moments.talk[m]] === 1;
  const involved = new Set();
  for (const t of chosen) for (const m of ofTalk.of(t)) if (threadOf[m] !== NONE) involved.add(threadOf[m]);

  const walk = [], woken = all ? null : wakings(involved, mine);
  for (let m = 0; m < moments.count; m++) if (mine(m) || moments.talk[m] === NONE && (all || woken.has(m) || belongs(m, involved, mine))) walk.push(m);
  for (const m of walk) if (threadOf[m] !== NONE) involved.add(threadOf[m]);
  const inWalk = new Uint8Array(moments.count);
  for (const m of walk) inWalk[m] = 1;

  const crowd = chosen.length > SEVERAL;
  const times = anchors(walk, chosen.some(t => talks.begun[t] === firstBegun), from);
  const model = {
    chosen, times, isChosen, rank, walk: Int32Array.from(walk), inWalk, crowd, coloured: chosen.length > 1 && !crowd,
    wire: timed(walk.filter(m => kind(m) === SEGMENT)), scale: makeScale(mode, times, walk),
    zero: zeroOf(walk), threads: [...involved].map(i => threads[i]), plan: [], lanes: [], talkRows: [],
  };
  if (crowd) model.height = crowdRows(model);
  else { laneRows(model); settle(model, -Infinity, Infinity); }
  return model;
}

// Times are told from the first segment on: what a program did before it stands below zero.
function zeroOf(walk) {
  const first = walk.find(m => kind(m) === SEGMENT) ?? walk[0];
  return first === undefined ? 0 : moments.time[first];
}

// A call on no connection, or on several: that of a program which these connections have to do with.
function belongs(m, involved, mine) {
  if (causesOf(m).some(mine)) return true;
  for (const effect of effects.of(m)) if (mine(effect)) return true;
  if (kind(m) !== CALL || !involved.has(threadOf[m])) return false;
  return SET_UP.has(doc.tables.names[calls.name[moments.place[m]]]);
}

// The waits of a program for any of its connections that ended with work on one of these.
function wakings(involved, mine) {
  const found = new Set();
  for (const i of involved) {
    let wait = NONE;
    for (const m of threads[i].calls) {
      if (moments.talk[m] === NONE && WAITS.has(doc.tables.names[calls.name[moments.place[m]]])) wait = m;
      else if (wait !== NONE && mine(m)) { found.add(wait); wait = NONE; }
    }
  }
  return found;
}

const firstBegun = talks.begun.reduce((least, time) => Math.min(least, time), Infinity);

// The times that the scale gives room to, each once, in their order. What was done and looked at before the first of all
// connections belongs to it.
function anchors(walk, first, from) {
  const times = [];
  for (const m of walk) {
    times.push(moments.time[m]);
    if (!Number.isNaN(moments.ended[m])) times.push(moments.ended[m]);
  }
  const around = [
    ...doc.steps.flatMap(step => [step.begun, step.ended]), ...doc.looks.map(look => look.time), ...doc.spots.map(spot => spot.time),
  ];
  times.push(...around);
  const begin = Math.min(walk.length ? moments.time[walk[0]] : 0, from, ...(first ? around : []));
  const sorted = Float64Array.from(times.filter(time => time >= begin && time <= doc.ended)).sort();
  const once = sorted.filter((time, i) => i === 0 || time !== sorted[i - 1]);
  return once.length && once[once.length - 1] >= doc.ended ? once : Float64Array.from([...once, Math.max(doc.ended, begin + 1)]);
}

const colourOf = (model, t) => model.coloured && model.rank.has(t) ? `--own:var(--c${model.rank.get(t) % 10})` : "";

function laneRows(model) {
  const lane = (name, rows, gap = 9) => {
    if (rows.length) model.plan.push({ name, label: doc.lanes[name], rows, gap });
  };
  const byLane = number => model.threads.filter(thread => thread.lane === number);
  const callRows = (number, up) => {
    const found = byLane(number), tall = found.length <= 2;
    return found.map(thread => ({ kind: "calls", up, h: tall ? 50 : 19, tall, thread, label: threadName(thread), calls: timed(thread.calls), own: timed(thread.calls.filter(m => model.inWalk[m])) }));
  };
  const stateRows = number => model.chosen.map(t => ({
    kind: "states", h: model.chosen.length > 1 ? 18 : 26, talk: t, label: model.chosen.length > 1 ? talkName(t) : "",
    states: Array.from(ofTalk.of(t)).filter(m => moments.lane[m] === number),
  }));
  lane("client-calls", callRows(CLIENT_CALLS, true), 3);
  lane("client-state", stateRows(CLIENT_STATE), 0);
  lane("wire", [{ kind: "wire", h: model.chosen.length > 1 ? 170 : 140, label: "" }], 0);
  lane("server-state", [...listenRows(model), ...stateRows(SERVER_STATE)], 3);
  lane("server-calls", callRows(SERVER_CALLS, false), 10);
  lane("queues", queueRows(model), 6);
}

// The rows of which something is to be seen between two times, and that of the current record; the others are one line.
function settle(model, from, to, current = NONE) {
  let y = TOP;
  model.lanes = model.plan.map(({ name, label, rows, gap }) => {
    const alone = rows.length === 1 && name !== "queues";
    const busy = rows.filter(row => alone || isBusy(row, from, to) || current !== NONE && holds(row, current));
    const shown = busy.slice(0, MOST_THREADS);
    if (current !== NONE) shown.push(...busy.slice(MOST_THREADS).filter(row => holds(row, current)));
    const folded = rows.filter(row => !shown.includes(row));
    if (folded.length) shown.push({ kind: "folded", h: 17, label: "", names: folded.map(row => [row.label, row.host].filter(Boolean).join(" ")) });
    const lane = { name, label, y, h: shown.reduce((sum, row) => sum + row.h, 0), rows: shown };
    for (const row of shown) { row.y = y; y += row.h; }
    y += gap;
    return lane;
  });
  model.height = y;
}

const holds = (row, m) => row.kind === "calls" ? row.thread === threads[threadOf[m]] : row.kind === "states" && row.states.includes(m);

function isBusy(row, from, to) {
  if (row.kind === "calls") return row.own.from(from) < row.own.to(to);
  if (row.kind === "states") {
    return row.states.some((m, i) => {
      const begun = moments.time[m], until = i + 1 < row.states.length ? moments.time[row.states[i + 1]] : Infinity;
      return begun <= to && (changes.state[moments.place[m]] === OVER ? begun : until) >= from;
    });
  }
  if (row.kind !== "queue") return true;
  return row.queues.some(queue => {
    for (let i = Math.max(0, lastUpTo(queue.time, from)); i < queue.time.length && queue.time[i] <= to; i++) if (queue.value[i] > 0) return true;
    return false;
  });
}

// Sockets that listen have no connection, and nothing tells one from another: a row where they follow each other.
function listenRows(model) {
  const byHost = new Map();
  for (const m of model.walk) {
    if (kind(m) !== STATE || moments.talk[m] !== NONE || moments.lane[m] !== SERVER_STATE) continue;
    if (!byHost.has(moments.host[m])) byHost.set(moments.host[m], []);
    byHost.get(moments.host[m]).push(m);
  }
  const follow = states => states.every((m, i) => (changes.state[moments.place[m]] === OVER) === (i % 2 === 1));
  return [...byHost.values()].filter(follow).map(states => ({ kind: "states", h: 18, label: ui.listener, states }));
}

function queueRows(model) {
  const servers = new Set(model.chosen.map(t => talks.server[t]));
  const named = new Set(Array.from(servers, i => doc.tables.words[i]));
  const rows = new Map();
  for (const queue of queues) {
    const listening = queue.talk === NONE;
    if (listening ? !named.has(queue.listener) : model.crowd || !model.isChosen[queue.talk]) continue;
    if (!queue.value.some(value => value > 0)) continue;
    const key = `${queue.kind} ${listening ? queue.listener : queue.host}`;
    if (!rows.has(key)) {
      const host = listening ? (named.size > 1 ? `${doc.tables.hosts[queue.host]}:${queue.listener.split(":").pop()}` : "") : doc.tables.hosts[queue.host];
      rows.set(key, { kind: "queue", h: 42, label: doc.queues_named[queue.kind], host, queues: [], most: 0 });
    }
    const row = rows.get(key);
    row.queues.push(queue);
    for (const value of queue.value) row.most = Math.max(row.most, value);
  }
  const order = ["accept", "recv", "send"];
  return [...rows.values()].sort((one, other) => order.indexOf(one.queues[0].kind) - order.indexOf(other.queues[0].kind));
}

// How many of the chosen connections are open, over time.
function openCount(model) {
  const begins = Float64Array.from(model.chosen, t => talks.begun[t]).sort();
  const ends = Float64Array.from(model.chosen, t => talks.begun[t] + talks.took[t]).sort();
  const time = [], value = [];
  let i = 0, j = 0, open = 0, most = 0;
  while (i < begins.length || j < ends.length) {
    const begin = i < begins.length && begins[i] <= ends[j];
    time.push(begin ? begins[i++] : ends[j++]);
    value.push(open += begin ? 1 : -1);
    most = Math.max(most, open);
  }
  const seen = new Uint8Array(time.length);
  return { kind: "queue", h: 46, label: doc.lanes.open, queues: [{ kind: "open", talk: NONE, time, value, seen }], most };
}

const CROWD_ROW = 21;

function crowdRows(model) {
  let y = TOP;
  const top = [openCount(model), ...queueRows(model).sort((one, other) => other.most - one.most).slice(0, 3)];
  const keepers = model.threads.filter(thread => thread.lane === SERVER_CALLS);
  if (keepers.length <= 3) {
    for (const thread of keepers) top.push({ kind: "calls", up: true, h: 19, tall: false, thread, label: `${threadName(thread)}`, calls: timed(thread.calls) });
  }
  for (const row of top) { row.y = y; y += row.h + 3; }
  model.lanes.push({ name: "overview", label: "", y: TOP, h: y - TOP, rows: top });
  model.bodyTop = y + 6;
  model.talkRows = model.chosen;
  return model.bodyTop + model.chosen.length * CROWD_ROW + 8;
}
