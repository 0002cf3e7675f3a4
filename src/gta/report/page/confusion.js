"use strict";
// The confusion matrix: a canvas that zooms, moves, and is used with a pointer or with keys.

class Confusion {
  constructor(canvas, readout, classes, onCell) {
    Object.assign(this, { canvas, readout, classes, onCell, C: classes.length, row: 0, column: 0 });
    this.whole();
    drawn.push(() => this.draw());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerdown", (event) => { this.drag = { x: event.clientX, y: event.clientY, left: this.left, top: this.top, far: false }; });
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => { this.drag = null; this.tell(); });
    canvas.addEventListener("dblclick", (event) => { this.at(event, true); this.zoom(0.5); });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      this.at(event, true);
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25);
    }, { passive: false });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(figures) { this.figures = figures; this.draw(); this.tell(); }

  whole() { this.left = this.top = 0; this.span = this.C; if (this.figures) this.draw(); }

  zoom(factor) {
    this.span = Math.max(Math.min(5, this.C), Math.min(this.C, Math.round(this.span * factor)));
    this.left = this.column - Math.floor(this.span / 2);
    this.top = this.row - Math.floor(this.span / 2);
    this.keep();
  }

  keep() {
    this.left = Math.max(0, Math.min(this.C - this.span, this.left));
    this.top = Math.max(0, Math.min(this.C - this.span, this.top));
    this.canvas.style.touchAction = this.span < this.C ? "none" : "pan-y";
    this.draw();
  }

  cell(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(this.left + (event.clientX - box.left - this.gutter) / this.side);
    const row = Math.floor(this.top + (event.clientY - box.top) / this.side);
    const inside = (value, from) => value >= from && value < Math.min(this.C, from + this.span);
    return inside(column, this.left) && inside(row, this.top) ? { row, column } : null;
  }

  at(event, keep) {
    const found = this.cell(event);
    if (found && keep) Object.assign(this, found);
    return found;
  }

  move(event) {
    const drag = this.drag;
    if (drag && this.span < this.C) {
      const x = event.clientX - drag.x, y = event.clientY - drag.y;
      drag.far ||= Math.hypot(x, y) > 6;
      if (drag.far) {
        this.left = Math.round(drag.left - x / this.side); this.top = Math.round(drag.top - y / this.side);
        this.keep();
        return;
      }
    }
    const found = this.cell(event);
    if (found) this.tell(found);
  }

  up(event) {
    const far = this.drag?.far;
    this.drag = null;
    if (!far && this.at(event, true)) { this.draw(); this.tell(); this.onCell(this.row, this.column); }
  }

  key(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === "+" || event.key === "=") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else if (event.key === "Home") { this.column = this.row; this.follow(); }
    else if (event.key === "Enter" || event.key === " ") this.onCell(this.row, this.column);
    else if (step) {
      do { this.row += step[0]; this.column += step[1]; }
      while (event.shiftKey && this.in(this.row) && this.in(this.column) && !this.figures.cells.has(this.row * this.C + this.column));
      this.row = Math.max(0, Math.min(this.C - 1, this.row)); this.column = Math.max(0, Math.min(this.C - 1, this.column));
      this.follow();
    } else return;
    event.preventDefault();
  }

  in(value) { return value >= 0 && value < this.C; }

  follow() {
    if (this.column < this.left) this.left = this.column;
    if (this.column >= this.left + this.span) this.left = this.column - this.span + 1;
    if (this.row < this.top) this.top = this.row;
    if (this.row >= this.top + this.span) this.top = this.row - this.span + 1;
    this.keep();
    this.tell();
  }

  tell({ row, column } = this) {
    const list = this.figures.cells.get(row * this.C + column) || [], videos = this.figures.videos[row];
    const share = videos ? `, ${percent(list.length / videos)}` : "";
    this.readout.textContent = row === column
      ? `${this.classes[row]}: ${list.length} of ${videos} right${share}`
      : `${this.classes[row]} taken for ${this.classes[column]}: ${list.length} of ${videos}${share}`;
  }

  draw() {
    if (!this.figures || !this.canvas.clientWidth) return;
    const { canvas, span } = this, ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
    const named = span <= 40;
    this.gutter = named ? Math.min(170, Math.round(width * 0.28)) : 0;
    this.side = (width - this.gutter) / span;
    const height = Math.round(this.side * span) + (named ? 20 : 0);
    canvas.width = width * ratio; canvas.height = height * ratio; canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d"), cell = color("--cell"), gap = this.side > 8 ? 1 : 0;
    pen.scale(ratio, ratio);
    const end = Math.min(this.C, this.left + span), bottom = Math.min(this.C, this.top + span);
    pen.font = `${Math.min(12, Math.max(9, this.side * 0.5))}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    for (const [key, list] of this.figures.cells) {
      const row = Math.floor(key / this.C), column = key % this.C;
      if (row < this.top || row >= bottom || column < this.left || column >= end) continue;
      const share = list.length / this.figures.videos[row];
      const x = this.gutter + (column - this.left) * this.side, y = (row - this.top) * this.side;
      pen.fillStyle = `rgba(${cell}, ${(0.08 + 0.92 * Math.sqrt(share)).toFixed(3)})`;
      pen.fillRect(x, y, Math.max(1, this.side - gap), Math.max(1, this.side - gap));
      if (this.side >= 18) {
        pen.fillStyle = share > 0.3 ? color("--page") : color("--ink");
        pen.textAlign = "center";
        pen.fillText(String(list.length), x + this.side / 2, y + this.side / 2, this.side - 2);
      }
    }
    if (named) {
      pen.fillStyle = color("--quiet");
      pen.textAlign = "right";
      for (let row = this.top; row < bottom; row++) pen.fillText(this.fit(pen, `${this.classes[row]}  ${row}`), this.gutter - 6, (row - this.top + 0.5) * this.side);
      pen.textAlign = "center";
      if (this.side >= 14) for (let column = this.left; column < end; column++) pen.fillText(String(column), this.gutter + (column - this.left + 0.5) * this.side, height - 9);
    }
    if (this.in(this.row) && this.row >= this.top && this.row < bottom && this.column >= this.left && this.column < end) {
      pen.strokeStyle = color("--wrong"); pen.lineWidth = 2;
      pen.strokeRect(this.gutter + (this.column - this.left) * this.side - 1, (this.row - this.top) * this.side - 1, Math.max(this.side, 6) + 1, Math.max(this.side, 6) + 1);
    }
  }

  fit(pen, text) {
    if (pen.measureText(text).width <= this.gutter - 10) return text;
    const number = text.slice(text.lastIndexOf("  "));
    let letters = [...text.slice(0, text.lastIndexOf("  "))].slice(0, 60);
    while (letters.length && pen.measureText(`${letters.join("")}…${number}`).width > this.gutter - 10) letters = letters.slice(0, -1);
    return `${letters.join("")}…${number}`;
  }
}
