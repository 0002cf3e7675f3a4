"use strict";
// Curves by uPlot, and matrices of numbers with a sign.

const LINES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const drawn = [];

function chart(place, title, runs, keys, format, fromZero) {
  const series = [], data = [];
  const epochs = [...new Set(runs.flatMap((run) => run.history.epoch || []))].sort((a, b) => a - b);
  runs.forEach((run, r) => keys.forEach(([name, key, filled], k) => {
    const values = run.history[key];
    if (!values || values.every((value) => value === null)) return;
    const at = new Map(run.history.epoch.map((epoch, i) => [epoch, values[i]]));
    data.push(epochs.map((epoch) => at.get(epoch) ?? null));
    const stroke = LINES[(runs.length > 1 ? r : k) % LINES.length];
    series.push({
      label: runs.length > 1 ? `${run.name}, ${name}` : name, stroke, width: 2,
      dash: runs.length > 1 && k > 0 ? [6, 4] : undefined, fill: filled ? stroke + "33" : undefined,
      points: { show: epochs.length < 40, size: 5 }, value: (_, value) => (value === null ? "–" : format(value)),
    });
  }));
  if (!series.length) return;
  const box = el("div", { class: "chart" }, el("h3", {}, title));
  const inside = el("div", { role: "img", "aria-label": `${title} of each epoch: ${series.map((s, i) => `${s.label} ${format(data[i].at(-1) ?? NaN)} at last`).join(", ")}` });
  box.append(inside);
  place.append(box);
  let plot = null;
  const draw = () => {
    plot?.destroy();
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    plot = new uPlot({
      width: Math.max(200, inside.clientWidth), height: 210, series: [{ label: "epoch" }, ...series],
      scales: { x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) }, y: fromZero ? { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] } : {} },
      axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }, { ...axis, size: (_, labels) => (labels ? 22 + 7 * Math.max(...labels.map((label) => label.length)) : 58), values: (_, ticks) => ticks.map(format) }],
      cursor: { drag: { x: true, y: false } },
      hooks: { ready: [(self) => self.setLegend({ idx: epochs.length - 1 })] },
    }, [epochs, ...data], inside);
  };
  drawn.push(draw);
  draw();
  new ResizeObserver(() => {
    if (!plot || !inside.clientWidth || Math.abs(plot.width - inside.clientWidth) <= 2) return;
    plot.setSize({ width: inside.clientWidth, height: 210 });
    plot.setLegend({ idx: epochs.length - 1 });
  }).observe(inside);
}

// Purple adds, orange takes off, the page's own color is nothing (ColorBrewer's PuOr at its ends).
function signed(value, most) {
  const share = Math.max(-1, Math.min(1, value / (most || 1))), end = share > 0 ? [110, 62, 160] : [214, 104, 10];
  return `rgba(${end}, ${Math.sqrt(Math.abs(share)).toFixed(3)})`;
}

function matrixFigure(values, rows, columns, caption, { size = 132, lines = 0 } = {}) {
  const canvas = el("canvas", { role: "img", "aria-label": caption });
  const scale = Math.max(1, Math.round(size / Math.max(rows, columns)));
  const most = values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  canvas.width = columns * scale; canvas.height = rows * scale;
  canvas.style.width = `${canvas.width}px`; canvas.style.maxWidth = "100%"; canvas.style.height = "auto";
  const draw = () => {
    const pen = canvas.getContext("2d");
    pen.fillStyle = color("--panel"); pen.fillRect(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
      pen.fillStyle = signed(values[i * columns + j], most);
      pen.fillRect(j * scale, i * scale, scale, scale);
    }
    pen.strokeStyle = color("--quiet"); pen.lineWidth = 0.5;
    for (let k = lines; lines && k < Math.max(rows, columns); k += lines) {
      pen.beginPath();
      pen.moveTo(k * scale, 0); pen.lineTo(k * scale, canvas.height);
      pen.moveTo(0, k * scale); pen.lineTo(canvas.width, k * scale);
      pen.stroke();
    }
  };
  drawn.push(draw);
  draw();
  return el("figure", {}, canvas, el("figcaption", {}, caption, most ? ` (± ${short(most)})` : ""));
}

function numberTable(values, rows, columns) {
  const head = el("tr", {}, el("th", {}, "to \\ from"), ...Array.from({ length: columns }, (_, j) => el("th", { class: "n", scope: "col" }, String(j))));
  const body = Array.from({ length: rows }, (_, i) => el("tr", {}, el("th", { scope: "row" }, String(i)), ...Array.from({ length: columns }, (_, j) => el("td", { class: "n" }, short(values[i * columns + j])))));
  return el("table", { class: "figures" }, el("thead", {}, head), el("tbody", {}, ...body));
}
