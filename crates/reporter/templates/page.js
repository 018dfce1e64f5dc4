"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { strings, lists, words, plan, org_files } = data;
  const stride = plan ? 5 : 3;
  const [LINE, ORG, NAME, WAVE, WORD, CHANGES, EXTRA, COURSE] = [0, 1, 2, 3, 4, 5, 6, 7];
  const courseOf = (row) => row[COURSE] || [0, null, null, 0, 0];
  const FIRST = 60, MORE = 200, PRINTED = 1000;
  const rows = data.rows.sort((a, b) => a[LINE] - b[LINE]);
  // A row names a list for each column of its changes; here the changes follow each other. Many rows share them.
  const joined = new Map();
  for (const row of rows) {
    const columns = row[CHANGES], key = columns.join();
    let changes = joined.get(key);
    if (changes === undefined) {
      changes = columns.length ? lists[columns[0]].flatMap((_, i) => columns.map((list) => lists[list][i])) : [];
      joined.set(key, changes);
    }
    row[CHANGES] = changes;
  }
  const $ = (id) => document.getElementById(id);
  const number = (n) => n.toLocaleString("en-US");
  const els = { list: $("list"), found: $("found"), more: $("more"), q: $("q"), wave: $("wave"), word: $("word"), place: $("place"), kind: $("kind"), fold: $("fold"), empty: $("empty") };

  // Text goes in as text, never as markup.
  const make = (tag, cls, text) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  // doorInfoMap.<key>.doorName -> doorInfoMap.*.doorName
  const places = new Map();
  const placeOf = (index) => {
    let place = places.get(index);
    if (place === undefined) {
      const parts = strings[index].match(/(?:\\.|[^.\\])+/gs) || [strings[index]];
      place = parts.length < 2 ? parts[0] : [parts[0], "*", ...parts.slice(2)].join(".");
      places.set(index, place);
    }
    return place;
  };
  const hays = new Map();
  const hay = (row) => {
    let text = hays.get(row);
    if (text === undefined) {
      const parts = [row[ORG], row[NAME]];
      row[CHANGES].forEach((value, i) => { if (i % stride < 3) parts.push(strings[value]); });
      Object.values(row[EXTRA] || {}).flat().forEach((value) => { if (typeof value === "string") parts.push(value); });
      text = parts.join("\n").toLowerCase();
      hays.set(row, text);
    }
    return text;
  };

  let shown = [], drawn = 0, kind = null;
  const has = (row, test) => {
    for (let i = 0; i < row[CHANGES].length; i += stride) if (test(i)) return true;
    return false;
  };
  const filter = () => {
    const q = els.q.value.trim().toLowerCase(), wave = els.wave.value, word = els.word.value, place = els.place.value;
    shown = rows.filter((row) =>
      (!wave || String(row[WAVE]) === wave) &&
      (!word || words[row[WORD]][0] === word) &&
      (!place || has(row, (i) => placeOf(row[CHANGES][i]) === place)) &&
      (kind === null || has(row, (i) => row[CHANGES][i + 4] === kind)) &&
      (!q || (row[ORG].toLowerCase() === q) || hay(row).includes(q)));
    els.list.replaceChildren();
    drawn = 0;
    draw(FIRST);
  };
  const draw = (count) => {
    const batch = document.createDocumentFragment();
    const end = Math.min(shown.length, drawn + count);
    for (; drawn < end; drawn++) batch.append(item(shown[drawn]));
    els.list.append(batch);
    els.found.textContent = shown.length === rows.length ? `${number(rows.length)} orgs` : `${number(shown.length)} of ${number(rows.length)} orgs`;
    els.empty.hidden = shown.length > 0;
    els.more.hidden = drawn >= shown.length;
    els.more.textContent = `Show ${number(Math.min(MORE, shown.length - drawn))} more of ${number(shown.length - drawn)}`;
    els.fold.textContent = "Unfold all shown";
  };

  const seconds = (ms) => ms === null || ms === undefined ? "" : ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
  const item = (row) => {
    const li = make("li"), details = make("details"), summary = make("summary");
    const [word, tone] = words[row[WORD]];
    const name = make("span", "name");
    name.append(make("bdi", "", row[NAME].trim() || row[ORG]));
    const changes = row[CHANGES].length / stride + ((row[EXTRA] || {}).k || 0);
    const right = plan ? [changes ? `${changes} change${changes === 1 ? "" : "s"}` : "", ""]
      : [courseOf(row)[0] ? `${courseOf(row)[0]} send${courseOf(row)[0] === 1 ? "" : "s"}` : "", seconds(courseOf(row)[2])];
    summary.append(make("span", "line", row[LINE]), name, make("span", "wave", row[WAVE] || ""),
      make("span", `word ${tone}`, word), make("span", "num", right[0]), make("span", "num", right[1]));
    details.append(summary);
    details.addEventListener("toggle", () => { if (details.open) fill(details, row); });
    li.append(details);
    return li;
  };
  const hex = (org) => Array.from(atob(org.replace(/-/g, "+").replace(/_/g, "/") + "=="), (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const from = (text, line) => text === "row" ? `row, line ${line}` : text === "default" ? "rollout default" : text.replace(":", ", line ");
  const fill = (details, row) => {
    if (details.querySelector(".body")) return;
    const body = make("div", "body"), facts = make("dl", "facts"), extra = row[EXTRA] || {};
    const fact = (label, value, cls) => {
      if (value === undefined || value === null || value === "") return;
      const dd = make("dd");
      dd.append(value instanceof Node ? value : make("bdi", cls || "", value));
      facts.append(make("dt", "", label), dd);
    };
    fact("org", row[ORG], "mono");
    fact("manifest line", row[LINE]);
    fact("note", extra.n);
    fact("skipped", extra.s);
    if (extra.c) fact("error", `${extra.c}  ${extra.m || ""}`);
    fact("what to do", extra.t === undefined ? "" : strings[extra.t]);
    fact("warning", extra.w);
    for (const [label, ids, ...items] of extra.l || []) fact(strings[label], items.join(", "), ids ? "mono" : "");
    fact("risk", (extra.r || []).join(", "));
    fact("added, not live", (extra.a || []).join("; "));
    fact("to be removed, not live", (extra.i || []).join("; "));
    if (extra.e) fact("expects", extra.e.join(", "), "mono");
    if (!plan) {
      const [sends, started, took, http, verified] = courseOf(row);
      if (started !== null) fact("started", `${seconds(started)} into the run, took ${seconds(took)}`);
      fact("sends", sends || "");
      fact("HTTP status", http || "");
      fact("verified", ["yes", "no", "all but the secrets, which the vendor doesn't return"][verified]);
      if (org_files) {
        const link = make("a", "", "this org's own record (CSV)");
        link.href = `orgs/${hex(row[ORG])}.csv`;
        fact("for the client", link);
      }
    }
    body.append(facts);
    if (row[CHANGES].length) body.append(table(row));
    if (extra.k) body.append(make("p", "note", `and ${number(extra.k)} more changes: see ${data.csv}`));
    details.append(body);
  };
  const table = (row) => {
    const table = make("table", "stack"), head = make("tr"), body = make("tbody");
    ["setting", "before", "after"].concat(plan ? ["from"] : []).forEach((name) => head.append(make("th", "", name)));
    const thead = make("thead");
    thead.append(head);
    for (let i = 0; i < row[CHANGES].length; i += stride) {
      const tr = make("tr"), [path, before, after] = row[CHANGES].slice(i, i + 3).map((index) => strings[index]);
      const cell = (cls, text) => { const td = make("td", cls); td.append(make("bdi", "", text)); tr.append(td); };
      cell("mono", path);
      cell("mono old", before);
      cell("mono", after);
      if (plan) cell("", from(strings[row[CHANGES][i + 3]], row[LINE]));
      body.append(tr);
    }
    table.append(thead, body);
    return table;
  };

  const fillSelect = (select, all, values) => {
    select.append(new Option(all, ""));
    values.forEach(([value, count]) => select.append(new Option(`${value} (${number(count)})`, value)));
  };
  const tally = (each) => {
    const counts = new Map();
    rows.forEach((row) => new Set(each(row)).forEach((key) => counts.set(key, (counts.get(key) || 0) + 1)));
    return [...counts];
  };
  fillSelect(els.wave, "all waves", tally((row) => row[WAVE] ? [row[WAVE]] : []).sort((a, b) => a[0] - b[0]));
  fillSelect(els.word, plan ? "all verdicts" : "all statuses", tally((row) => [words[row[WORD]][0]]));
  fillSelect(els.place, "all settings", tally((row) => row[CHANGES].filter((_, i) => i % stride === 0).map(placeOf)).sort());

  let waiting = 0;
  els.q.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, rows.length > 2000 ? 120 : 0); });
  [els.wave, els.word, els.place].forEach((select) => select.addEventListener("change", filter));
  els.more.addEventListener("click", () => {
    const next = drawn;
    draw(MORE);
    els.list.children[next].querySelector("summary").focus();
  });
  els.kind.addEventListener("click", () => { kind = null; els.kind.hidden = true; filter(); els.q.focus(); });
  const only = (text) => { els.kind.hidden = false; els.kind.textContent = `Only: ${text}  ×`; $("orgs").scrollIntoView(); els.q.focus({ preventScroll: true }); };
  document.querySelectorAll("button[data-kind]").forEach((button) => button.addEventListener("click", () => {
    kind = Number(button.dataset.kind);
    filter();
    only(button.dataset.label);
  }));
  document.querySelectorAll("button[data-find]").forEach((button) => button.addEventListener("click", () => {
    els.q.value = button.dataset.find;
    filter();
    $("orgs").scrollIntoView();
    els.q.focus({ preventScroll: true });
  }));
  const unfold = (open) => els.list.querySelectorAll("details").forEach((details, i) => {
    if (open) fill(details, shown[i]);
    details.open = open;
  });
  els.fold.addEventListener("click", () => {
    const open = els.fold.textContent.startsWith("Unfold");
    unfold(open);
    els.fold.textContent = open ? "Fold all" : "Unfold all shown";
  });
  addEventListener("beforeprint", () => { if (drawn < PRINTED) draw(PRINTED - drawn); unfold(true); });
  addEventListener("afterprint", () => unfold(false));
  document.querySelectorAll("[data-script]").forEach((node) => { node.hidden = false; });
  filter();
  performance.mark("rows");
})();
