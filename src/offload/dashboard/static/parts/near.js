/**
 * A long list of which only what is near the eye is in the page; spacers stand for the rest.
 *
 * Rows may be of any height: those that were seen are known by what they measured, in stretches of
 * `STRETCH` rows, the others are taken for as high as these are.
 */

const STRETCH = 16;
const SHORT = 6 * STRETCH;

/** @typedef {{from: number, to: number, above: number, below: number}} Part */

export class Near {
  /**
   * @param {string} place a selector of what holds the rows
   * @param {() => void} redraw
   * @param {{guess?: number, scrolls?: boolean, ended?: () => void}} [options] pixels of a row;
   *   whether the place scrolls by itself, and not with the page; what is done when somebody has
   *   scrolled near the end
   */
  constructor(place, redraw, { guess = 57, scrolls = false, ended } = {}) {
    this._place = place;
    this._redraw = redraw;
    this._guess = guess;
    this._scrolls = scrolls;
    this._ended = ended;
    this._moved = false;
    this._first = 0;
    this._last = 4;
    this._count = 0;
    /** @type {Map<number, number>} pixels of the stretches that were seen whole */
    this._heights = new Map();
    this._frame = 0;
    this._soon = () => {
      this._frame ||= requestAnimationFrame(() => {
        this._frame = 0;
        this._look();
      });
    };
    this._heard = () => {
      this._moved = true;
      this._soon();
    };
    addEventListener("scroll", this._heard, { passive: true, capture: true });
    addEventListener("resize", this._soon, { passive: true });
  }

  /**
   * Return which rows to draw, and how high what stands for the others is.
   *
   * @param {number} count
   * @returns {Part}
   */
  part(count) {
    this._count = count;
    if (count <= SHORT) return { from: 0, to: count, above: 0, below: 0 };
    const most = this._stretches - 1;
    const last = Math.min(this._last, most);
    const first = Math.max(0, Math.min(this._first, last));
    this._soon();
    return {
      from: first * STRETCH,
      to: Math.min(count, (last + 1) * STRETCH),
      above: this._top(first),
      below: this._top(most + 1) - this._top(last + 1),
    };
  }

  /**
   * Bring a row near that may not be drawn.
   *
   * @param {number} row
   */
  reveal(row) {
    const place = document.querySelector(this._place);
    if (!place || this._count <= SHORT) return;
    const stretch = Math.floor(row / STRETCH);
    if (stretch >= this._first && stretch <= this._last) return;
    const top = this._top(stretch) + (row % STRETCH) * this._mean;
    if (this._scrolls) place.scrollTop = top;
    else scrollTo(0, place.getBoundingClientRect().top + scrollY + top - innerHeight / 2);
  }

  close() {
    cancelAnimationFrame(this._frame);
    removeEventListener("scroll", this._heard, { capture: true });
    removeEventListener("resize", this._soon);
  }

  get _stretches() {
    return Math.ceil(this._count / STRETCH);
  }

  /** Pixels of a row that was not seen. */
  get _mean() {
    if (!this._heights.size) return this._guess;
    let sum = 0;
    for (const each of this._heights.values()) sum += each;
    return sum / this._heights.size / STRETCH;
  }

  /** @param {number} stretch @returns {number} pixels above it */
  _top(stretch) {
    const mean = this._mean;
    let top = 0;
    for (let each = 0; each < stretch; each += 1) {
      const rows = Math.min(STRETCH, this._count - each * STRETCH);
      top += this._heights.get(each) ?? rows * mean;
    }
    return top;
  }

  /** Find what is near the eye now: what is seen, and half as much above and below it. */
  _look() {
    const place = document.querySelector(this._place);
    if (!place) return;
    const height = this._scrolls ? place.clientHeight : innerHeight;
    const top = this._scrolls ? place.scrollTop : -place.getBoundingClientRect().top;
    if (this._moved && top + 2 * height > place.scrollHeight) this._ended?.();
    this._moved = false;
    if (this._count <= SHORT) return;
    this._measure(place);
    const first = this._at(top - height / 2);
    const last = this._at(top + 1.5 * height);
    if (first === this._first && last === this._last) return;
    this._first = first;
    this._last = last;
    this._redraw();
  }

  /** @param {Element} place */
  _measure(place) {
    const rows = place.querySelectorAll(":scope > [data-row]");
    for (let at = 0; at + STRETCH <= rows.length; at += STRETCH) {
      const row = Number(rows[at].getAttribute("data-row"));
      const next = rows[at + STRETCH - 1].getBoundingClientRect().bottom;
      if (row % STRETCH === 0)
        this._heights.set(row / STRETCH, next - rows[at].getBoundingClientRect().top);
    }
  }

  /** @param {number} pixels @returns {number} the stretch that is there */
  _at(pixels) {
    const mean = this._mean;
    let top = 0;
    for (let each = 0; each < this._stretches; each += 1) {
      top += this._heights.get(each) ?? STRETCH * mean;
      if (top > pixels) return each;
    }
    return Math.max(0, this._stretches - 1);
  }
}
