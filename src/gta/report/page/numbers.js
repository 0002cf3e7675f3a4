"use strict";
// What is counted anew from the scores of each video.

const KINDS = { uint16: Uint16Array, uint32: Uint32Array, int32: Int32Array, float32: Float32Array };

function decode({ kind, data }) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new KINDS[kind](bytes.buffer);
}

// The 95 % interval of a share (Wilson), as gta.evaluation.significance has it.
function wilson(hits, n) {
  const z = 1.959963984540054, share = hits / n, scale = 1 + (z * z) / n;
  const center = (share + (z * z) / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, center - half), Math.min(1, center + half)];
}

// Figures of one run; `cells` maps label * classes + answer to the videos of that cell.
function tally(scores, labels, classes) {
  const C = classes.length;
  const predicted = decode(scores.predicted), rank = decode(scores.rank);
  const videos = new Uint32Array(C), correct = new Uint32Array(C), cells = new Map();
  let labeled = 0, first = 0, five = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label < 0) continue;
    labeled++;
    videos[label]++;
    if (rank[i] === 1) { first++; correct[label]++; }
    if (rank[i] <= 5) five++;
    const key = label * C + predicted[i];
    const cell = cells.get(key);
    if (cell) cell.push(i); else cells.set(key, [i]);
  }
  let sum = 0, present = 0;
  for (let c = 0; c < C; c++) if (videos[c]) { sum += correct[c] / videos[c]; present++; }
  const wrong = [];
  for (const [key, list] of cells) {
    const label = Math.floor(key / C), answer = key % C;
    if (label !== answer) wrong.push({ label, answer, list });
  }
  wrong.sort((a, b) => b.list.length - a.list.length || b.list.length / videos[b.label] - a.list.length / videos[a.label]);
  const worst = new Map();
  for (const pair of wrong) if (!worst.has(pair.label)) worst.set(pair.label, pair);
  return {
    labeled, videos, correct, cells, wrong, worst, predicted, rank,
    top: decode(scores.top), probability: decode(scores.probability), own: decode(scores.own), count: scores.count,
    top1: first / labeled, top5: five / labeled, meanClass: sum / present,
    interval: labeled ? wilson(first, labeled) : null,
  };
}

const percent = (share, digits = 1) => (Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : "–");
const chance = (sixteen) => { const p = sixteen / 655.35; return p > 0 && p < 0.1 ? "< 0.1 %" : `${p.toFixed(1)} %`; };
const short = (value) => (value === null || value === undefined ? "" : Number(value.toPrecision(4)).toString());

function duration(seconds) {
  if (seconds < 90) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  if (seconds < 5400) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

// An element; what comes from outside is always text, never markup.
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
