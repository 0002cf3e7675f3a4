"use strict";
// The demo's page. What comes from outside is always text, never markup: see `el` in numbers.js.

const LOOKS = { joint: "Attention over the whole clip", spatial: "Attention within the frame", temporal: "Attention over frames", regions: "Regions", evidence: "Evidence for its answer" };
const REGIONS = [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0], [240, 228, 66], [0, 0, 0]];
// matplotlib's inferno, at nine places
const HEAT = [[0, 0, 4], [27, 12, 65], [74, 12, 107], [120, 28, 109], [165, 44, 96], [207, 68, 70], [237, 105, 37], [251, 155, 6], [252, 255, 164]];
const CAMERA_SECONDS = 2;

let clip = null, pictures = [], look = null, map = null, query = { x: 0, y: 0, frame: 0 }, asked = 0, timer = null, stream = null;
const stage = byId("stage"), size = stage.width;

async function api(path, settings) {
  const answer = await fetch(path, settings);
  const told = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : {};
  if (!answer.ok) throw new Error(told.error ?? `the server answers ${answer.status}`);
  return told;
}

function problem(text) { byId("problem").textContent = text; byId("status").textContent = ""; }

async function open(path, settings, name) {
  byId("problem").textContent = "";
  byId("status").textContent = `Reading ${name} …`;
  try {
    const found = await api(path, settings);
    await show(found);
    byId("status").textContent = `${name}: ${found.top[0].class}, ${percent(found.top[0].score)}`;
  } catch (error) { problem(error.message); }
}

async function picture(frame) {
  const answer = await fetch(`/api/clips/${clip.clip}/frames/${frame}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  return createImageBitmap(await answer.blob());
}

async function show(found) {
  clip = found;
  pictures = await Promise.all(Array.from({ length: found.frames }, (_, frame) => picture(frame)));
  byId("seen").hidden = false;
  const before = byId("kind").value, options = found.maps.map((each, place) => el("option", { value: `${each.kind} ${each.name}`, "data-place": place }, `${LOOKS[each.kind]} · ${each.name}`));
  byId("kind").replaceChildren(...options);
  if (options.some((option) => option.value === before)) byId("kind").value = before;
  const frame = byId("frame");
  frame.max = found.frames - 1;
  query = { x: size / 2, y: size / 2, frame: 0 };
  const first = found.maps.find((each) => each.query);
  if (first) query = { ...first.query };
  frame.value = query.frame;
  words();
  await choose();
}

function words() {
  byId("top").replaceChildren(...clip.top.map((each, k) => {
    const bar = el("i", { "aria-hidden": "true" }), item = el("li", {}, bar, el("span", {}, each.class), el("b", {}, percent(each.score)));
    item.style.setProperty("--swatch", LINES[k]);
    bar.style.width = `${100 * each.score}%`;
    return item;
  }));
  byId("timeline-text").textContent = clip.times.length > 1
    ? `${clip.times.length} windows: ${clip.times.map((at, w) => { const k = clip.over_time.map((row) => row[w]).reduce((best, value, i, all) => (value > all[best] ? i : best), 0); return `${Math.round(100 * at)} % ${clip.top[k].class}`; }).filter((text, w, all) => !w || text.split(" % ")[1] !== all[w - 1].split(" % ")[1]).join(", ")}.`
    : "The video is as short as a clip: one window.";
  timeline();
}

function timeline() {
  const canvas = byId("timeline"), ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = 150;
  canvas.width = width * ratio; canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = "12px system-ui, sans-serif"; pen.fillStyle = color("--quiet"); pen.strokeStyle = color("--line");
  for (const share of [0, 0.5, 1]) {
    const y = 8 + (1 - share) * (height - 30);
    pen.beginPath(); pen.moveTo(40, y); pen.lineTo(width, y); pen.stroke();
    pen.fillText(`${100 * share} %`, 0, y + 4);
  }
  pen.fillText("start", 40, height - 4); pen.textAlign = "right"; pen.fillText("end", width, height - 4);
  clip.over_time.forEach((row, k) => {
    pen.strokeStyle = pen.fillStyle = LINES[k]; pen.lineWidth = 2; pen.beginPath();
    row.forEach((value, w) => {
      const x = 40 + clip.times[w] * (width - 44), y = 8 + (1 - value) * (height - 30);
      if (row.length === 1) pen.arc(x, y, 4, 0, 7); else pen[w ? "lineTo" : "moveTo"](x, y);
    });
    if (row.length === 1) pen.fill(); else pen.stroke();
  });
}

async function choose() {
  look = clip.maps[Number(byId("kind").selectedOptions[0].dataset.place)];
  map = null;
  byId("how").hidden = !look.query;
  await ask();
}

// The newest question counts; an older answer that comes later is dropped.
async function ask() {
  const number = ++asked, own = clip, began = performance.now();
  try {
    const found = await api(`/api/clips/${clip.clip}/map?kind=${look.kind}&layer=${look.layer}&x=${query.x}&y=${query.y}&frame=${query.frame}`);
    if (number !== asked || own !== clip) return;
    map = { ...found, weights: Uint8Array.from(atob(found.data), (c) => c.charCodeAt(0)) };
    draw();
    document.documentElement.dataset.latency = Math.round(performance.now() - began);
    if (look.query) byId("query").textContent = `Query at x ${Math.round(query.x)}, y ${Math.round(query.y)}, frame ${query.frame}.`;
    else byId("query").textContent = look.kind === "regions" ? "Each color is a region, where it has more than its mean." : `Where the evidence for ${clip.top[0].class} is.`;
  } catch (error) { problem(error.message); }
}

function heat(share) {
  const at = share * (HEAT.length - 1), low = Math.min(HEAT.length - 2, Math.floor(at)), part = at - low;
  return HEAT[low].map((value, i) => value + part * (HEAT[low + 1][i] - value));
}

// The map of a frame as a small picture, which the browser enlarges smoothly.
function layerPicture(frame) {
  const { shape, frames, weights } = map;
  if (shape.length < 3) return null;
  const [H, W] = shape.slice(-2), T = frames.length;
  const t = frames.reduce((best, each, i) => (Math.abs(each - frame) < Math.abs(frames[best] - frame) ? i : best), 0);
  const pixels = new ImageData(W, H);
  for (let cell = 0; cell < H * W; cell++) {
    let rgba;
    if (shape.length === 4) {
      const shares = Array.from({ length: shape[0] }, (_, r) => weights[(r * T + t) * H * W + cell]), sum = shares.reduce((a, b) => a + b, 0) || 1;
      rgba = [0, 1, 2].map((c) => shares.reduce((total, share, r) => total + (share / sum) * REGIONS[r][c], 0)).concat(190 * Math.sqrt(Math.min(1, sum / 255)));
    } else {
      const share = weights[t * H * W + cell] / 255;
      rgba = [...heat(0.15 + 0.8 * share), 217 * share ** 0.6];
    }
    pixels.data.set(rgba, 4 * cell);
  }
  const small = new OffscreenCanvas(W, H);
  small.getContext("2d").putImageData(pixels, 0, 0);
  return small;
}

function draw() {
  const frame = Number(byId("frame").value), pen = stage.getContext("2d"), scale = size / pictures[0].width;
  byId("frame-number").textContent = `${frame + 1} of ${clip.frames}`;
  byId("frame").setAttribute("aria-valuetext", `frame ${frame + 1} of ${clip.frames}`);
  pen.filter = map && map.shape.length > 2 ? "grayscale(0.75) brightness(0.85)" : "none";
  pen.imageSmoothingQuality = "high";
  pen.drawImage(pictures[frame], 0, 0, size, size);
  pen.filter = "none";
  const layer = map && layerPicture(frame);
  if (layer) pen.drawImage(layer, 0, 0, size, size);
  if (look?.query && (frame === query.frame || look.kind === "spatial" || look.kind === "temporal")) {
    const x = query.x * scale, y = query.y * scale;
    for (const [width, stroke] of [[5, "#10202a"], [2.5, "#00e5ff"]]) {
      pen.lineWidth = width; pen.strokeStyle = stroke; pen.beginPath();
      pen.moveTo(x - 11, y); pen.lineTo(x + 11, y); pen.moveTo(x, y - 11); pen.lineTo(x, y + 11); pen.stroke();
    }
  }
  over();
}

function over() {
  const canvas = byId("over"), values = map?.over_frames;
  canvas.hidden = !values;
  if (!values) return;
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = 44, most = Math.max(...values, 1e-9);
  canvas.width = width * ratio; canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  values.forEach((value, t) => {
    pen.fillStyle = map.frames[t] === Number(byId("frame").value) ? color("--wrong") : color("--accent");
    pen.fillRect((t * width) / values.length + 1, height - 2 - (height - 4) * (value / most), width / values.length - 2, 2 + (height - 4) * (value / most));
  });
  canvas.setAttribute("aria-label", `What the query takes from each frame: ${values.map((value, t) => `frame ${map.frames[t]} ${percent(value, 0)}`).join(", ")}`);
}

function toFrame(frame, asks = true) {
  const next = (frame + clip.frames) % clip.frames;
  byId("frame").value = next;
  if (asks && look.kind === "joint") { query.frame = next; ask(); }
  draw();
}

function moveQuery(x, y) {
  const most = pictures[0].width - 1;
  query = { x: Math.max(0, Math.min(most, x)), y: Math.max(0, Math.min(most, y)), frame: Number(byId("frame").value) };
  if (!look.query) return;
  draw();
  ask();
}

stage.addEventListener("click", (event) => {
  const box = stage.getBoundingClientRect(), scale = pictures[0].width / box.width;
  moveQuery((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
});
stage.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  const cell = pictures[0].width / (look.grid ? look.grid[2] : 16);
  if (step) moveQuery(query.x + step[0] * cell, query.y + step[1] * cell);
  else if (event.key === ",") toFrame(Number(byId("frame").value) - 1);
  else if (event.key === ".") toFrame(Number(byId("frame").value) + 1);
  else return;
  event.preventDefault();
});
byId("frame").addEventListener("input", () => toFrame(Number(byId("frame").value)));
byId("kind").addEventListener("change", choose);
byId("play").addEventListener("click", () => {
  if (timer) { clearInterval(timer); timer = null; } else timer = setInterval(() => toFrame(Number(byId("frame").value) + 1, false), 160);
  byId("play").textContent = timer ? "Pause" : "Play";
  byId("play").setAttribute("aria-pressed", Boolean(timer));
});

function send(file) { return open("/api/clips", { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } }, file.name ?? "the camera"); }

byId("file").addEventListener("change", () => { const [file] = byId("file").files; if (file) send(file).then(() => { byId("file").value = ""; }); });
const drop = byId("drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
}
byId("pick").addEventListener("change", () => { const { value, selectedOptions } = byId("pick"); if (value) open(`/api/videos/${value}`, { method: "POST" }, selectedOptions[0].textContent); });

async function camera() {
  const button = byId("camera"), live = byId("live");
  if (stream) {
    for (const track of stream.getTracks()) track.stop();
    stream = null;
  } else {
    try { stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 }, audio: false }); }
    catch (error) { problem(`the camera cannot be used: ${error.message}`); return; }
    live.srcObject = stream;
    live.play();
  }
  live.hidden = !stream;
  button.textContent = stream ? "Stop the camera" : "Use the camera";
  button.setAttribute("aria-pressed", Boolean(stream));
  while (stream) {
    const piece = await record(stream);
    if (stream && piece.size) await send(piece);
  }
}

function record(from) {
  return new Promise((done) => {
    const recorder = new MediaRecorder(from), parts = [];
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => done(new Blob(parts, { type: "video/webm" })));
    recorder.start();
    setTimeout(() => recorder.state === "inactive" || recorder.stop(), 1000 * CAMERA_SECONDS);
  });
}
byId("camera").addEventListener("click", camera);

async function begin() {
  const about = await api("/api/about");
  document.title = `${about.run} · gta demo`;
  byId("title").textContent = about.run;
  byId("lead").textContent = `${about.network}; ${about.classes} classes; ${about.weights}. Videos up to ${Math.round(about.limit / 2 ** 20)} MB.`;
  byId("pick").append(...about.videos.map((video, place) => el("option", { value: place }, video.class === null ? video.id : `${video.id} · ${video.class}`)));
  byId("of-run").hidden = !about.videos.length;
  byId("camera").hidden = !navigator.mediaDevices;
  byId("matrices").hidden = !about.matrices.length;
  byId("all-matrices").append(...about.matrices.map((each) => matrixFigure(decode(each.added), each.shape[1], each.shape[3], `${each.block}, ${each.level}: what the branch adds`, { size: 120 })));
  const redraw = () => { drawn.forEach((again) => again()); if (clip) { timeline(); draw(); } };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", redraw);
  document.documentElement.dataset.ready = "yes";
}
begin().catch((error) => problem(error.message));
