"use strict";
// The page from the JSON in it.

const report = JSON.parse(byId("data").textContent);
const { classes, runs, clips } = report;
const names = report.videos?.names ?? [], links = report.videos?.links ?? [];
const labels = report.videos ? decode(report.videos.labels) : new Int32Array();
const MOST_ROWS = 2000, MOST_LISTED = 200;
const scored = runs.filter((run) => run.scores);
for (const run of scored) run.figures = tally(run.scores, labels, classes);
let shown = scored[0];

const className = (label) => (label < 0 ? "no label" : classes[label]);
const hasTop5 = classes.length > 5;

function head() {
  document.title = `${report.title} · gta report`;
  byId("title").textContent = report.title;
  const run = runs[0], figures = run.figures;
  const said = figures?.labeled
    ? ` ${percent(figures.top1)} of ${figures.labeled} ${run.scores.split === "test" ? "test" : "validation"} videos right (95 % interval ${percent(figures.interval[0])} to ${percent(figures.interval[1])}), protocol ${run.scores.protocol}.`
    : " Not scored yet: gta test makes the scores.";
  byId("lead").textContent = `${run.network}; ${classes.length} ${classes.length === 1 ? "class" : "classes"}.${said}`;
  for (const section of document.querySelectorAll("main > section")) {
    if (!section.hidden) byId("sections").append(el("li", {}, el("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
  }
  byId("footer").textContent = `Written by gta ${report.version} on ${report.made}. Charts: uPlot 1.6.32 by Leon Sorokin (MIT license, in this file). `;
}

function facts(run) {
  const figures = run.figures, seconds = (run.history.seconds ?? []).reduce((sum, value) => sum + (value ?? 0), 0);
  const rows = [];
  if (figures?.labeled) {
    rows.push([percent(figures.top1), "top-1", `${percent(figures.interval[0])} to ${percent(figures.interval[1])} (95 %)`]);
    if (hasTop5) rows.push([percent(figures.top5), "top-5", ""]);
    rows.push([percent(figures.meanClass), "mean over classes", ""]);
    rows.push([String(figures.labeled), "videos", `protocol ${run.scores.protocol}`]);
  }
  rows.push([`${run.cost.gflops.toFixed(2)}`, "GFLOPs a view", `${run.cost.views} ${run.cost.views === 1 ? "view" : "views"} a video`]);
  rows.push([`${run.cost.params_m.toFixed(2)} M`, "parameters", ""]);
  if (seconds) rows.push([duration(seconds), "training", `${run.history.epoch.length} of ${run.epochs} epochs`]);
  return rows;
}

function summary() {
  if (runs.length === 1) {
    for (const [value, name, more] of facts(runs[0])) byId("tiles").append(el("div", { class: "tile" }, el("b", {}, value), el("span", {}, name), more ? el("span", {}, more) : null));
  } else {
    const all = runs.map((run) => new Map(facts(run).map(([value, name, more]) => [name, [value, more]])));
    const columns = [...new Set(all.flatMap((of) => [...of.keys()]))];
    const body = runs.map((run, r) => el("tr", {}, el("th", { scope: "row" }, run.name, el("div", { class: "quiet" }, run.network)),
      ...columns.map((name) => { const [value, more] = all[r].get(name) ?? ["–", ""]; return el("td", { class: "n" }, value, more ? el("div", { class: "quiet" }, more) : null); })));
    byId("tiles").replaceWith(el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Runs" }, el("table", { class: "figures", id: "runs" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "run"), ...columns.map((name) => el("th", { class: "n", scope: "col" }, name)))), el("tbody", {}, ...body))));
  }
  report.comparisons.forEach((text, r) => { if (text) byId("compared").append(el("p", {}, `A is ${runs[0].name}, B is ${runs[r].name}: ${text}`)); });
  for (const run of scored) if (run.scores.failures.length) {
    byId("compared").append(el("details", {}, el("summary", {}, `${run.name}: ${run.scores.failures.length} videos could not be read and are in no figure`),
      el("ul", { class: "videos" }, ...run.scores.failures.slice(0, MOST_LISTED).map(([path, why]) => el("li", {}, `${path}: ${why}`)))));
  }
}

function training() {
  const place = byId("charts"), share = (value) => percent(value, 0), seconds = (value) => (value === null ? "" : duration(value));
  const trained = runs.filter((run) => run.history.epoch);
  if (!trained.length) { byId("training").hidden = true; return; }
  chart(place, "Loss", trained, [["training", "train_loss"], ["validation", "val_loss"]], (value) => short(value));
  const accuracies = [["training, top-1", "train_top1"], ["validation, top-1", "val_top1"]];
  if (hasTop5 && trained.length === 1) accuracies.push(["validation, top-5", "val_top5"]);
  chart(place, "Accuracy", trained, accuracies, share, true);
  chart(place, "Learning rate", trained, [["learning rate", "lr"]], (value) => short(value), true);
  chart(place, "Time: all, and waiting for videos", trained, [["an epoch", "seconds", true], ["waiting", "waited", true]], seconds, true);
  const details = byId("epochs");
  details.addEventListener("toggle", () => {
    const box = details.querySelector(".scroll");
    if (!details.open || box.children.length) return;
    for (const run of trained) {
      const columns = Object.keys(run.history);
      box.append(el("table", { class: "figures" }, runs.length > 1 ? el("caption", {}, run.name) : null,
        el("thead", {}, el("tr", {}, ...columns.map((name) => el("th", { class: "n", scope: "col" }, name.replaceAll("_", " "))))),
        el("tbody", {}, ...run.history.epoch.map((_, i) => el("tr", {}, ...columns.map((name) => el("td", { class: "n" }, short(run.history[name][i]))))))));
    }
  });
}

const sorting = { key: "accuracy", up: true };

function classRows() {
  const figures = shown.figures, base = scored[0] !== shown ? scored[0].figures : null;
  return classes.map((name, c) => {
    const worst = figures.worst.get(c), accuracy = figures.videos[c] ? figures.correct[c] / figures.videos[c] : NaN;
    const before = base && base.videos[c] ? base.correct[c] / base.videos[c] : NaN;
    return { c, class: name, videos: figures.videos[c], accuracy, gain: accuracy - before, mistake: worst ? classes[worst.answer] : "", worst, count: worst ? worst.list.length : 0 };
  });
}

function classTable() {
  const compared = scored.length > 1 && shown !== scored[0], table = byId("class-table");
  const columns = [["class", "class"], ["videos", "videos"], ["accuracy", "accuracy"], ...(compared ? [["gain", `gain over ${scored[0].name}`]] : []), ["mistake", "most often taken for"], ["count", "how often"]];
  const asked = byId("filter").value.trim().toLowerCase();
  let rows = classRows();
  if (asked) rows = rows.filter((row) => row.class.toLowerCase().includes(asked) || row.mistake.toLowerCase().includes(asked));
  const { key, up } = sorting, empty = (value) => value === "" || Number.isNaN(value);
  rows.sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (empty(x) || empty(y)) return empty(x) - empty(y);
    return (typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y) * (up ? 1 : -1) || a.c - b.c;
  });
  byId("class-count").textContent = asked ? `${rows.length} of ${classes.length} classes` : `${classes.length} ${classes.length === 1 ? "class" : "classes"}`;
  const more = rows.length - MOST_ROWS;
  const cells = {
    class: (row) => el("th", { scope: "row" }, row.class), videos: (row) => el("td", { class: "n" }, String(row.videos)),
    accuracy: (row) => { const bar = el("i"); bar.style.width = `${100 * (row.accuracy || 0)}%`; return el("td", { class: "n" }, el("span", { class: "meter", "aria-hidden": "true" }, bar), percent(row.accuracy)); },
    gain: (row) => el("td", { class: "n" }, Number.isFinite(row.gain) ? `${row.gain > 0 ? "+" : ""}${(100 * row.gain).toFixed(1)}` : "–"),
    mistake: (row) => el("td", {}, row.worst ? el("button", { type: "button", onclick: () => listCell(row.c, row.worst.answer) }, row.mistake) : ""),
    count: (row) => el("td", { class: "n" }, row.count ? String(row.count) : ""),
  };
  const header = el("tr", {}, ...columns.map(([name, title]) => el("th", { scope: "col", class: ["class", "mistake"].includes(name) ? null : "n", "aria-sort": key === name ? (up ? "ascending" : "descending") : "none" },
    el("button", { type: "button", "data-key": name, onclick: () => { sorting.up = sorting.key === name ? !sorting.up : ["class", "mistake", "accuracy"].includes(name); sorting.key = name; classTable(); byId("class-table").querySelector(`[data-key="${name}"]`).focus(); } }, title))));
  table.replaceChildren(el("thead", {}, header), el("tbody", {}, ...rows.slice(0, MOST_ROWS).map((row) => el("tr", {}, ...columns.map(([name]) => cells[name](row)))),
    more > 0 ? el("tr", {}, el("td", { colspan: columns.length }, `${more} more: filter by a part of the name`)) : ""));
}

let matrix = null;

function confusion() {
  matrix ??= new Confusion(byId("matrix"), byId("cell"), classes, listCell);
  matrix.show(shown.figures);
  byId("pairs").replaceChildren(...shown.figures.wrong.slice(0, 40).map(({ label, answer, list }) =>
    el("li", {}, el("button", { type: "button", onclick: () => { Object.assign(matrix, { row: label, column: answer }); matrix.follow(); listCell(label, answer); } }, `${classes[label]} → ${classes[answer]}`), ` ${list.length} of ${shown.figures.videos[label]}`)));
  if (!shown.figures.wrong.length) byId("pairs").replaceChildren(el("li", {}, "none"));
  byId("listed").replaceChildren();
}

function videoName(index) {
  return links[index] ? el("a", { href: links[index] }, names[index]) : el("span", {}, names[index]);
}

function listCell(label, answer) {
  const list = [...(shown.figures.cells.get(label * classes.length + answer) ?? [])].sort((a, b) => shown.figures.own[a] - shown.figures.own[b]);
  const title = label === answer ? `${classes[label]}, right` : `${classes[label]}, taken for ${classes[answer]}`;
  const there = new Map(clips.map((clip) => [clip.video, clip]));
  const items = (most) => list.slice(0, most).map((index) => el("li", {}, videoName(index), ` own class ${chance(shown.figures.own[index])}, ${answers(index)[0]}`));
  const all = el("ul", { class: "videos" }, ...items(MOST_LISTED));
  const seen = list.filter((index) => there.has(index)).slice(0, 12);
  byId("listed").replaceChildren(el("h3", {}, `${title}: ${list.length} ${list.length === 1 ? "video" : "videos"}`),
    seen.length ? el("div", { class: "cards" }, ...seen.map((index) => card(there.get(index)))) : "", all,
    list.length > MOST_LISTED ? el("button", { type: "button", onclick: (event) => { all.replaceChildren(...items(list.length)); event.target.remove(); } }, `Show all ${list.length}`) : "");
  byId("listed").focus({ preventScroll: true });
  byId("listed").scrollIntoView({ block: "nearest" });
}

function answers(index) {
  const { top, probability, count } = shown.figures;
  return Array.from({ length: count }, (_, k) => `${classes[top[index * count + k]]} ${chance(probability[index * count + k]).replaceAll(" ", "\u00a0")}`);
}

function player(strip, frames, text) {
  const image = el("img", { src: strip, alt: text, decoding: "async", loading: "lazy" }), box = el("div", { class: "player" }, image);
  box.style.setProperty("--n", frames);
  return box;
}

function card(clip) {
  const { video } = clip, label = labels[video], right = shown.figures.rank[video] === 1;
  const said = answers(video).slice(0, 3).map((text, k) => el("li", {}, `${k + 1}. ${text}`));
  const verdict = label < 0 ? null : el("p", { class: right ? "right" : "wrong" }, right ? "✓ right" : `✗ wrong, own class ${chance(shown.figures.own[video])}`);
  const views = [el("figure", {}, player(clip.strip, clip.frames, `${names[video]}: ${className(label)}`), el("figcaption", {}, "the clip")),
    ...(clip.maps ?? []).map((map) => el("figure", {}, player(map.strip, map.frames, `${map.name} on ${names[video]}`), el("figcaption", {}, `${map.name}; ${map.layer}`)))];
  return el("article", { class: clip.maps?.length ? "card wide" : "card" }, el("div", { class: "players" }, ...views),
    el("div", { class: "words" }, el("h3", {}, className(label)), verdict, el("ol", {}, ...said), el("p", { class: "quiet" }, videoName(video))));
}

function clipCards() {
  if (!clips.length) { byId("clips").hidden = true; return; }
  const kinds = ["hardest", "easiest", "confused"].filter((kind) => clips.some((clip) => clip.why.includes(kind)));
  const show = (kind) => {
    for (const button of byId("kinds").children) button.setAttribute("aria-pressed", button.dataset.kind === kind);
    byId("cards").replaceChildren(...clips.filter((clip) => clip.why.includes(kind)).map(card));
    byId("cards").dataset.kind = kind;
  };
  const titles = { hardest: "Hardest", easiest: "Easiest", confused: "Of frequent mistakes" };
  for (const kind of kinds) byId("kinds").append(el("button", { type: "button", "data-kind": kind, "aria-pressed": "false", onclick: () => show(kind) }, titles[kind]));
  const play = byId("play");
  play.addEventListener("click", () => {
    const paused = document.body.classList.toggle("paused");
    play.textContent = paused ? "Play" : "Pause";
    play.setAttribute("aria-pressed", paused);
  });
  play.hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;
  clipCards.again = () => show(byId("cards").dataset.kind);
  show(kinds[0]);
}

function matrices() {
  const with_ = runs.filter((run) => run.matrices.length);
  if (!with_.length) { byId("matrices").hidden = true; return; }
  const { shape: [, T], causal } = with_[0].matrices[0], one = (f) => Float32Array.from({ length: T * T }, (_, i) => f(Math.floor(i / T), i % T));
  byId("patterns").append(
    matrixFigure(one((t, s) => (t - s === 1 ? 1 : 0)), T, T, "a pure shift: takes the frame before", { size: 72 }),
    matrixFigure(one((t, s) => (t === s ? 1 : t - s === 1 ? -1 : 0)), T, T, "a pure difference: itself minus the frame before", { size: 72 }),
    matrixFigure(one((t, s) => (causal && s > t ? 0 : 1 / T)), T, T, `a mean: all frames ${causal ? "so far" : "alike"}`, { size: 72 }));
  for (const run of with_) {
    if (runs.length > 1) byId("all-matrices").append(el("h3", {}, run.name));
    for (const each of run.matrices) {
      const [K, T, G, S] = each.shape, added = decode(each.added), mean = decode(each.mean);
      const like = Object.entries(each.likeness).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
      const parts = el("details", {}, el("summary", {}, `All ${K} × ${G} parts, and numbers`));
      parts.addEventListener("toggle", () => {
        if (parts.children.length > 1) return;
        parts.append(el("div", { class: "maps" }, matrixFigure(decode(each.weights), K * T, G * S, `the weights: head and frame in rows, channel group and frame in columns`, { size: Math.min(512, 8 * K * T), lines: T === S ? T : 0 })),
          el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "What is added, in numbers" }, numberTable(added, T, S)));
      });
      byId("all-matrices").append(el("h3", {}, `${each.block}, ${each.level} level`),
        el("div", { class: "maps" }, matrixFigure(added, T, S, "what the branch adds, on the mean of all channels"), matrixFigure(mean, T, S, "the weights, on the mean of heads and groups")),
        el("p", { class: "quiet" }, `Likeness of what is added (cosine): ${like}.`), parts);
    }
  }
}

function cost() {
  const rows = [["multiply-adds of a view, GFLOPs", (run) => run.cost.gflops.toFixed(2)], ["views of a video", (run) => String(run.cost.views)], ["multiply-adds of a video, GFLOPs", (run) => (run.cost.gflops * run.cost.views).toFixed(2)],
    ["parameters, millions", (run) => run.cost.params_m.toFixed(2)], ["activations of a training step, MiB a clip", (run) => run.cost.activations_mib.toFixed(0)],
    ["a view where this page was written, CPU, ms", (run) => (run.speed ? `${run.speed.ms.toFixed(1)} (${run.speed.threads} ${run.speed.threads === 1 ? "thread" : "threads"}, median of ${run.speed.passes})` : "–")],
    ["an epoch, median", (run) => { const s = (run.history.seconds ?? []).filter((v) => v !== null).sort((a, b) => a - b); return s.length ? duration(s[Math.floor(s.length / 2)]) : "–"; }],
    ["waiting for videos, share of training", (run) => { const sum = (key) => (run.history[key] ?? []).reduce((a, b) => a + (b ?? 0), 0); return sum("seconds") ? percent(sum("waited") / sum("seconds"), 0) : "–"; }]];
  byId("cost-table").append(el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), ...runs.map((run) => el("th", { class: "n", scope: "col" }, run.name)))),
    el("tbody", {}, ...rows.map(([name, of]) => el("tr", {}, el("th", { scope: "row" }, name), ...runs.map((run) => el("td", { class: "n" }, of(run)))))));
}

function again() {
  for (const run of runs) {
    const { arguments: _, resumptions = [], git, ...rest } = run.environment;
    const state = (of) => (of ? `${of.commit.slice(0, 12)}${of.changed ? `, ${of.changed} files changed` : ""}` : "no checkout");
    const pairs = [...Object.entries(rest).map(([name, value]) => [name, value === null ? "none" : String(value)]), ...(git ? [["git, gta", state(git.gta)], ["git, folder", state(git.folder)]] : [])];
    byId("commands").append(el("h3", {}, run.name), el("pre", { tabindex: 0 }, run.commands.join("\n")),
      el("details", {}, el("summary", {}, "Environment"), el("dl", {}, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
        ...resumptions.map((one) => el("p", { class: "quiet" }, `Went on after epoch ${one.epoch}, batch ${one.batch}: ${one.began ?? ""}`))),
      el("details", {}, el("summary", {}, "The recipe, complete"), el("pre", { tabindex: 0 }, run.recipe)));
  }
}

function chooseRun(place) {
  shown = scored[place];
  for (const select of document.querySelectorAll(".run-select")) select.value = place;
  classTable();
  confusion();
  clipCards.again?.();
}

function scores() {
  const labeled = scored.some((run) => run.figures.labeled);
  for (const id of ["classes", "confusion"]) byId(id).hidden = !labeled;
  if (!labeled) return;
  for (const select of document.querySelectorAll(".run-select")) {
    select.append(...scored.map((run, place) => el("option", { value: place }, run.name)));
    select.addEventListener("change", () => chooseRun(Number(select.value)));
    select.closest(".of-run").hidden = scored.length < 2;
  }
  byId("filter").addEventListener("input", classTable);
  byId("zoom-in").addEventListener("click", () => matrix.zoom(0.5));
  byId("zoom-out").addEventListener("click", () => matrix.zoom(2));
  byId("zoom-all").addEventListener("click", () => matrix.whole());
  classTable();
  confusion();
}

scores();
summary();
training();
clipCards();
matrices();
cost();
again();
head();

const redraw = () => drawn.forEach((draw) => draw());
const printing = (on) => { document.documentElement.classList.toggle("printing", on); redraw(); };
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
matchMedia("print").addEventListener("change", (event) => printing(event.matches));
document.documentElement.dataset.ready = "yes";
