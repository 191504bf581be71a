// A long list of which only the rows in sight are in the document.

class LongList {
  // row(i) returns the inside of a row and its attributes; moved(i, event) is told when a key moved to it.
  constructor(box, height, row, moved) {
    Object.assign(this, { box, height, row, moved, count: 0, at: 0, selected: () => false });
    this.inside = document.createElement("div");
    this.inside.style.position = "relative";
    this.inside.setAttribute("role", "presentation");
    box.append(this.inside);
    this.drawn = [0, 0];
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    box.addEventListener("keydown", event => this.key(event));
  }

  fill(count) {
    this.count = count;
    this.at = Math.max(0, Math.min(this.at, count - 1));
    this.inside.style.height = `${count * this.height}px`;
    this.draw();
  }

  // Which rows are in sight: from the first to before the last.
  inSight() {
    const { scrollTop, clientHeight } = this.box;
    return [Math.max(0, Math.floor(scrollTop / this.height)), Math.min(this.count, Math.ceil((scrollTop + clientHeight) / this.height))];
  }

  // A row that is drawn already stays the same element: it may be just being clicked.
  scrolled() {
    const [first, after] = this.inSight();
    if (first < this.drawn[0] || after > this.drawn[1]) this.draw();
  }

  draw() {
    const seen = this.inSight(), first = Math.max(0, seen[0] - 4), after = Math.min(this.count, seen[1] + 4), rows = [];
    this.drawn = [first, after];
    for (let i = first; i < after; i++) {
      const { inside, names } = this.row(i);
      rows.push(`<div class="row ${names}${i === this.at ? " at" : ""}" id="${this.box.id}-${i}" data-row="${i}" role="option" `
        + `aria-selected="${this.selected(i)}" aria-setsize="${this.count}" aria-posinset="${i + 1}" `
        + `style="top:${i * this.height}px">${inside}</div>`);
    }
    this.inside.innerHTML = rows.join("");
    if (this.count) this.box.setAttribute("aria-activedescendant", `${this.box.id}-${this.at}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  go(i) {
    this.at = Math.max(0, Math.min(i, this.count - 1));
    this.show(this.at);
  }

  show(i) {
    const top = i * this.height, seen = this.box.clientHeight;
    if (i >= 0 && top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + this.height > this.box.scrollTop + seen) this.box.scrollTop = top + this.height - seen;
    this.draw();
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page, Home: 0, End: this.count - 1 }[event.key];
    if (to === undefined || event.altKey || !this.count) return;
    event.preventDefault();
    event.stopPropagation();
    this.go(to);
    this.moved(this.at, event);
  }
}
