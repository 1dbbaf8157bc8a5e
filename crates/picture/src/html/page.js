"use strict";
(() => {
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const COLUMNS = 104, COLUMN = 8, LEFT = 80, PER_PIECE = 7, NEIGHBOURS = 4, EVERY = 256;
const WIDTH = LEFT + COLUMNS * COLUMN + 8;
const calls = D.calls.map(([number, text, result, subject, brk, gone, come, system, wrong]) => ({
  number, text, result, subject, brk, gone, come, system: system || [],
  wrong: wrong && { rule: wrong[0], sentence: wrong[1], result: wrong[2], system: wrong[3], gone: wrong[4], come: wrong[5] },
}));
const differences = calls.flatMap((call, at) => (call.wrong ? [at] : []));

// Rows: a map from the key of a piece's start to the piece. One in a fixed number of calls is kept.
const piece = ([offset, size, kind, name, region = 0, header = D.header]) => ({ offset, size, kind, name, region, header, payload: offset + header, end: offset + header + size });
const keyOf = (p) => (p.region ? p.region + ":" + p.offset : p.offset);
const apply = (row, change) => {
  for (const key of change.gone) row.delete(key);
  for (const p of change.come.map(piece)) row.set(keyOf(p), p);
  return row;
};
const changed = (row, change) => apply(new Map(row), change);
const kept = [new Map(D.first.map(piece).map((p) => [keyOf(p), p]))];
for (let at = 0, row = new Map(kept[0]); at < calls.length; at++) {
  apply(row, calls[at]);
  if ((at + 1) % EVERY === 0) kept.push(new Map(row));
}
const before = (at) => {
  const from = Math.floor(at / EVERY);
  const row = new Map(kept[from]);
  for (let i = from * EVERY; i < at; i++) apply(row, calls[i]);
  return row;
};
const sorted = (row) => [...row.values()].sort((a, b) => a.region - b.region || a.offset - b.offset);

// The axis: the same column for the same address in every row.
const id = (p) => [p.region, p.offset, p.header, p.size, p.name, p.kind].join();
const label = (p, subject, short) => {
  const word = p.kind === 0 ? (p.name ? "b" + p.name : "used") : p.kind === 1 ? "free" : "not ours";
  return (subject && p.name === subject ? "*" : "") + word + (short ? "" : " " + p.size);
};
const place = (p, offset) => (p.region ? "MAP" + p.region : "") + "+0x" + offset.toString(16);
const layOut = (rows, subject) => {
  const union = new Map();
  for (const row of rows) for (const p of row) { const k = id(p); const had = union.get(k); if (had) had.rows++; else union.set(k, { p, rows: 1 }); }
  const all = [...union.values()].sort((a, b) => a.p.region - b.p.region || a.p.offset - b.p.offset || a.p.size - b.p.size);
  let near = all.map((e) => e.rows < rows.length);
  if (!near.includes(true)) near = all.map((e) => subject && e.p.name === subject);
  if (!near.includes(true) && near.length) near[0] = true;
  const distance = near.map(() => Infinity);
  for (let i = 0, last = -Infinity; i < near.length; i++) { if (near[i]) last = i; distance[i] = i - last; }
  for (let i = near.length - 1, next = Infinity; i >= 0; i--) { if (near[i]) next = i; distance[i] = Math.min(distance[i], next - i); }
  for (let most = Math.floor(COLUMNS / PER_PIECE); ; most--) {
    const axis = attempt(all, distance, most, subject);
    if (axis.width <= COLUMNS || most <= 1) return axis;
  }
};
const attempt = (all, distance, most, subject) => {
  let keep;
  if (all.length <= most) keep = all.map(() => true);
  else {
    let reach = NEIGHBOURS;
    while (reach >= 0 && distance.filter((d) => d <= reach).length > most) reach--;
    let left = most;
    keep = distance.map((d) => (reach >= 0 ? d <= reach : d === 0 && left-- > 0));
  }
  const drawn = [], folded = [];
  all.forEach((e, i) => (keep[i] ? drawn : folded).push(e.p));
  const parts = [];
  const fold = (count) => { if (!count) return; const last = parts[parts.length - 1]; if (last && last.fold) last.fold += count; else parts.push({ fold: count, width: 4 }); };
  for (const region of [...new Set(all.map((e) => e.p.region))]) {
    const mine = drawn.filter((p) => p.region === region), hidden = folded.filter((p) => p.region === region);
    const cuts = [...new Set(mine.flatMap((p) => [p.offset, p.payload, p.end]))].sort((a, b) => a - b);
    const within = (from, to) => hidden.filter((p) => p.offset >= from && p.end <= to).length;
    const last = parts[parts.length - 1];
    if (last && !(last.fold && !cuts.length)) parts.push({ width: 2 });
    if (!cuts.length) { fold(hidden.length); continue; }
    fold(within(0, cuts[0]));
    for (let i = 1; i < cuts.length; i++) {
      const [from, to] = [cuts[i - 1], cuts[i]], count = within(from, to);
      if (count && !mine.some((p) => p.offset <= from && to <= p.end)) fold(count);
      else parts.push({ region, from, to, width: 1 });
    }
    fold(within(cuts[cuts.length - 1], Infinity));
  }
  const inside = (region, from, to) => parts.filter((s) => s.region === region && s.from >= from && s.to <= to);
  const total = () => parts.reduce((sum, s) => sum + s.width, 0);
  for (const short of [true, false]) for (const p of drawn) {
    const mine = inside(p.region, p.offset, p.end), has = mine.reduce((sum, s) => sum + s.width, 0);
    const missing = label(p, subject, short).length + 1 - has;
    if (mine.length && missing > 0 && missing <= COLUMNS - total()) {
      const payload = mine.filter((s) => s.from >= p.payload);
      (payload.length ? payload : mine).reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a)).width += missing;
    }
  }
  const weight = (s) => (s.region !== undefined && s.to - s.from > 512 ? Math.floor(Math.log2(s.to - s.from)) : 0);
  const weights = parts.reduce((sum, s) => sum + weight(s), 0), left = COLUMNS - total();
  if (weights && left > 0) for (const s of parts) s.width += Math.floor((left * weight(s)) / weights);
  let column = 0;
  for (const s of parts) { s.column = column; column += s.width; }
  const names = new Set(drawn.map(id));
  return {
    parts, width: column, draws: (p) => names.has(id(p)),
    columns: (region, from, to) => { const mine = inside(region, from, to); return mine.length ? [mine[0].column, mine[mine.length - 1].column + mine[mine.length - 1].width] : null; },
  };
};

const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
};
const words = (row, subject) => row.map((p) => label(p, subject, false)).join(", ");
const drawRows = (rows, subject) => {
  const axis = layOut(rows.map((r) => r.row), subject);
  const top = 26, step = 52, height = top + step * rows.length;
  const spoken = rows.map((r) => r.name + ": " + (words(r.row.filter(axis.draws), subject) || "nothing")).join("; ");
  const out = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": spoken });
  const x = (column) => LEFT + column * COLUMN;
  let free = 0, seen = new Set();
  for (const p of rows.flatMap((r) => r.row).filter(axis.draws).sort((a, b) => a.region - b.region || a.payload - b.payload)) {
    if (seen.has(p.region + ":" + p.payload)) continue;
    seen.add(p.region + ":" + p.payload);
    const head = axis.columns(p.region, p.offset, p.payload), whole = axis.columns(p.region, p.offset, p.end);
    if (!whole) continue;
    const at = head ? Math.min(head[1], whole[1]) : whole[0], text = place(p, p.payload);
    if (at >= free && at + text.length <= COLUMNS) { out.append(svg("text", { class: "m", x: x(at), y: top - 8 }, text)); free = at + text.length + 1; }
  }
  rows.forEach(({ name, row, good, bad }, number) => {
    const y = top + step * number;
    out.append(svg("text", { class: "m", x: 0, y: y + 16 }, name));
    for (const p of row.filter(axis.draws)) {
      const at = axis.columns(p.region, p.offset, p.end);
      if (!at) continue;
      const mine = subject && p.name === subject;
      const kind = p.kind === 0 ? (mine && good ? "r" : mine && bad ? "w" : "u") : p.kind === 1 ? "f" : "x";
      const rect = svg("rect", { class: kind, x: x(at[0]), y, width: (at[1] - at[0]) * COLUMN - 1, height: 24 });
      rect.append(svg("title", {}, `${label(p, 0, false)} bytes, payload at ${p.region ? "" : "HEAP"}${place(p, p.payload)}, header of ${p.header} bytes`));
      out.append(rect);
      const head = axis.columns(p.region, p.offset, p.payload);
      if (head && p.header) out.append(svg("rect", { class: "h", x: x(head[0]), y, width: (head[1] - head[0]) * COLUMN - 2, height: 24 }));
      const text = [label(p, subject, false), label(p, subject, true)].find((t) => t.length <= at[1] - at[0]);
      if (text) out.append(svg("text", { class: "t", x: x(at[0]), y: y + 37 }, text));
    }
    for (const s of axis.parts) if (s.fold) out.append(svg("text", { class: "m", x: x(s.column), y: y + 16 }, "…" + s.fold));
  });
  return out;
};
const drawWhole = (row, brk) => {
  const heap = row.filter((p) => p.region === 0), top = Math.max(brk, ...(heap.length ? [heap[heap.length - 1].end] : [0]), 1);
  const out = svg("svg", { viewBox: `0 0 ${WIDTH} 46`, role: "img", "aria-label": `the heap of ${brk} bytes to scale` });
  const x = (offset) => ((WIDTH * offset) / top).toFixed(2);
  const path = { 0: "", 1: "", 2: "" };
  for (const p of heap) path[p.kind] += `M${x(p.offset)} 4H${x(p.end)}V28H${x(p.offset)}Z`;
  out.append(svg("path", { class: "f", d: path[1] }), svg("path", { class: "u", d: path[0] }), svg("path", { class: "x", d: path[2] }));
  const mapped = row.filter((p) => p.region !== 0).length;
  const text = heap.length ? `0 to +0x${top.toString(16)}: ${heap.filter((p) => p.kind === 0).length} blocks in use, ${heap.filter((p) => p.kind === 1).length} free` : "no heap";
  out.append(svg("text", { class: "m", x: 0, y: 43 }, text + (mapped ? `; ${mapped} mapped` : "")));
  return out;
};

let at = 0;
const sides = (call) => {
  const told = (list) => list.join(", ") || "no system call";
  return call.wrong.result !== call.result ? [call.wrong.result, call.result] : [told(call.wrong.system), told(call.system)];
};
const fill = (element, items) => element.replaceChildren(...items);
const item = (text) => { const li = document.createElement("li"); li.textContent = text; return li; };
const line = (call) => call.text + (!call.result ? "" : /^(NULL|\?)$/.test(call.result) ? " = " + call.result : " at " + call.result);
const show = (to) => {
  if (!calls.length) return;
  at = Math.max(0, Math.min(calls.length - 1, to));
  const call = calls[at], row = before(at);
  $("call").textContent = `call ${call.number}: ${line(call)}`;
  fill($("system"), call.system.map(item));
  $("wrong").hidden = !call.wrong;
  const after = changed(row, call), rows = [{ name: "before", row: sorted(row) }];
  if (call.wrong) {
    const [expected, actual] = sides(call);
    $("rule").textContent = call.wrong.rule + ":";
    $("sentence").textContent = call.wrong.sentence;
    $("expected").textContent = expected;
    $("actual").textContent = actual;
    $("cause").textContent = D.cause && at === differences[0] ? "Likely cause: " + D.cause : "";
    rows.push({ name: "expected", row: sorted(changed(row, call.wrong)), good: true }, { name: "actual", row: sorted(after), bad: true });
  } else rows.push({ name: "after", row: sorted(after), good: true });
  fill($("rows"), [drawRows(rows, call.subject)]);
  fill($("whole"), [drawWhole(sorted(after), call.brk)]);
  const from = Math.max(0, Math.min(at - 6, calls.length - 13));
  fill($("list"), calls.slice(from, from + 13).map((other, i) => {
    const li = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = `${other.number}  ${line(other)}`;
    button.tabIndex = -1;
    if (from + i === at) { button.className = "now"; button.setAttribute("aria-current", "step"); }
    if (other.wrong) button.classList.add("bad");
    button.onclick = () => show(from + i);
    li.append(button);
    return li;
  }));
  $("number").value = call.number;
  $("slider").value = at;
  $("slider").setAttribute("aria-valuetext", line(call));
  $("first").disabled = $("back").disabled = at === 0;
  $("last").disabled = $("next").disabled = at === calls.length - 1;
};
const nextDifference = () => { const to = differences.find((d) => d > at); show(to === undefined ? differences[0] : to); };
const keys = {
  ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1), PageDown: () => show(at + 10), PageUp: () => show(at - 10),
  Home: () => show(0), End: () => show(calls.length - 1), d: () => differences.length && nextDifference(),
};
document.addEventListener("keydown", (event) => {
  if (event.target === $("number") || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
$("first").onclick = keys.Home; $("back").onclick = keys.ArrowLeft; $("next").onclick = keys.ArrowRight; $("last").onclick = keys.End;
$("differs").onclick = nextDifference;
$("differs").disabled = !differences.length;
$("slider").max = Math.max(0, calls.length - 1);
$("slider").oninput = () => show(Number($("slider").value));
if (calls.length) { $("number").min = calls[0].number; $("number").max = calls[calls.length - 1].number; }
$("number").onchange = () => show(Number($("number").value) - calls[0].number);
const count = differences.length;
$("notes").textContent = [`${calls.length} calls; ${count === 0 ? "none leaves" : count === 1 ? "1 leaves" : count + " leave"} the contract`, ...D.notes].join(". ") + ".";
show(D.at);
})();
