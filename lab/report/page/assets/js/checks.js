// The expectations: choosing one shows the places that prove it.

const checks = {
  at: NONE,
  buttons: Array.from(document.querySelectorAll(".check")),

  choose(i) {
    if (i === this.at) { this.leave(); return; }
    this.at = i;
    const check = doc.checks[i];
    for (const [n, button] of this.buttons.entries()) button.setAttribute("aria-pressed", String(n === i));
    this.buttons[i].scrollIntoView({ block: "nearest" });
    this.bring(check);
    picture.proof = check;
    const first = check.moments.find(m => picture.model.inWalk[m]);
    const time = timeOfProof(check), begun = check.step === NONE ? Infinity : doc.steps[check.step].begun;
    if (first !== undefined) picture.reveal(first);
    else if (time < Infinity) showTime(time);
    else if (begun < Infinity) showTime(begun);
    picture.draw();
    walk.tell(check);
    picture.bringIntoWindow(first === undefined ? ".spot.proof" : `[data-m="${first}"]`);
  },

  // A place in a connection that is not chosen: choose it too, or all when that would be many.
  bring(check) {
    const missing = check.moments.filter(m => !picture.model.inWalk[m]).map(m => moments.talk[m]);
    missing.push(...check.spots.map(i => doc.spots[i].talk).filter(t => !choice.chosen.has(t)));
    const brought = [...new Set(missing)].filter(t => t !== NONE);
    if (brought.length) choice.set([...choice.chosen, ...brought]);
    const time = timeOfProof(check);
    if (time >= picture.model.scale.begin || check.moments.length) return;
    const current = walk.moment();
    picture.show(picture.model.chosen, time); // before all that these connections did
    walk.fill(current);
  },

  step(by) {
    if (!this.buttons.length) return;
    const to = this.at === NONE ? (by > 0 ? 0 : this.buttons.length - 1) : (this.at + by + this.buttons.length) % this.buttons.length;
    this.choose(to);
  },

  leave() {
    this.at = NONE;
    picture.proof = null;
    walk.tell();
    for (const button of this.buttons) button.setAttribute("aria-pressed", "false");
    picture.draw();
  },
};

function showTime(time) {
  const x = picture.view.px(time);
  if (x < picture.gutter() || x > scroller.clientWidth - 20) scroller.scrollLeft += x - (scroller.clientWidth + picture.gutter()) / 2;
}

checks.buttons.forEach((button, i) => button.addEventListener("click", () => checks.choose(i)));
