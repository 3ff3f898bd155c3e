/** What a job has written: followed as it comes, searched, narrowed to a level, and kept as a file. */

import { get, query } from "../core/api.js";
import { clockTime, plural } from "../core/format.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";
import { Near } from "./near.js";
import { card } from "./pieces.js";
import { download } from "./toasts.js";

const AT_ONCE = 500;
const MOST_LINES = 20_000;
const BOX = ".log-lines";
const LINE_PIXELS = 18;
const PACE_MILLISECONDS = 500;
const LEVELS = ["", "DEBUG", "INFO", "WARNING", "ERROR"];

export class Logs {
  /**
   * @param {number | string} jobId
   * @param {() => void} redraw
   */
  constructor(jobId, redraw) {
    this.jobId = jobId;
    this.redraw = redraw;
    /** @type {any[]} */
    this.lines = [];
    this.after = 0;
    this.isThere = true;
    this.follows = true;
    this.text = "";
    this.level = "";
    this._reading = false;
    this._again = false;
    this._readAt = 0;
    this._timer = 0;
    this._near = new Near(BOX, redraw, { guess: LINE_PIXELS, scrolls: true });
    this.read();
  }

  /** Read what is new, soon. */
  touch() {
    if (!this.isThere || this._timer) return;
    this._timer = setTimeout(
      () => {
        this._timer = 0;
        this.read();
      },
      Math.max(0, this._readAt + PACE_MILLISECONDS - performance.now()),
    );
  }

  async read() {
    if (this._reading || !this.isThere) {
      this._again = true;
      return;
    }
    this._reading = true;
    this._again = false;
    let more = false;
    try {
      const page = await get(
        `v1/jobs/${this.jobId}/logs${query({ after: this.after || null, limit: AT_ONCE })}`,
      );
      const items = page?.items ?? [];
      this.lines.push(...items);
      if (this.lines.length > MOST_LINES) this.lines.splice(0, this.lines.length - MOST_LINES);
      this.after = page?.after ?? items.at(-1)?.n ?? this.after;
      more = page?.more ?? items.length === AT_ONCE;
      if (items.length) this.redraw();
    } catch (error) {
      // A server without logs, or a job that is gone: the page says that in its own words.
      if (/** @type {any} */ (error).status === 404 || /** @type {any} */ (error).status === 410)
        this.isThere = false;
    }
    this._reading = false;
    this._readAt = performance.now();
    if (more || this._again) this.touch();
  }

  close() {
    clearTimeout(this._timer);
    this._near.close();
    this.isThere = false;
  }

  get found() {
    const text = this.text.toLowerCase();
    const least = LEVELS.indexOf(this.level);
    return this.lines.filter(
      (line) =>
        (!text || line.text.toLowerCase().includes(text)) && (least < 1 || weight(line) >= least),
    );
  }

  /** @param {JobShape} job */
  view(job) {
    if (!this.isThere || (!this.lines.length && job.state === "queued")) return null;
    const found = this.found;
    return card("Logs", [this.lines.length ? this._tools() : null, this._box(found, job)], {
      key: "logs",
      class: "logs",
    });
  }

  _tools() {
    return h(
      "div",
      { class: "filters" },
      h(
        "label",
        { class: "choice wide" },
        h("span", { class: "unseen" }, "Search the log"),
        h("input", {
          type: "search",
          placeholder: "Search the log",
          on: { input: (event) => this._set({ text: event.target.value }) },
        }),
      ),
      h(
        "label",
        { class: "choice" },
        h("span", { class: "unseen" }, "Level"),
        h(
          "select",
          { on: { change: (event) => this._set({ level: event.target.value }) } },
          LEVELS.map((level) =>
            h(
              "option",
              { key: level, value: level },
              level ? `${level.toLowerCase()} and up` : "Every level",
            ),
          ),
        ),
      ),
      h(
        "label",
        { class: "switch" },
        h("input", {
          type: "checkbox",
          role: "switch",
          set: { checked: this.follows },
          on: { change: (event) => this._set({ follows: event.target.checked }) },
        }),
        "Follow",
      ),
      h(
        "button",
        {
          class: "button quiet",
          type: "button",
          on: {
            click: () => download(`job-${this.jobId}.log`, this.lines.map(written).join("\n")),
          },
        },
        icon("download"),
        "Download",
      ),
    );
  }

  /** @param {object} changes */
  _set(changes) {
    Object.assign(this, changes);
    this.redraw();
  }

  /** @param {any[]} found @param {JobShape} job */
  _box(found, job) {
    if (this.follows) {
      requestAnimationFrame(() => {
        const box = document.querySelector(BOX);
        if (box) box.scrollTop = box.scrollHeight;
      });
    }
    if (!found.length)
      return h(
        "p",
        { class: "soft pad" },
        this.lines.length
          ? "No line is like that."
          : job.done
            ? "It has written nothing."
            : "Nothing was written yet.",
      );
    const { from, to, above, below } = this._near.part(found.length);
    return h(
      "div",
      {
        class: "log-lines",
        tabindex: 0,
        role: "log",
        "aria-label": "Log",
        "aria-live": "off",
        // Who goes back to read is not torn away.
        on: { wheel: (event) => event.deltaY < 0 && this.follows && this._set({ follows: false }) },
      },
      room("above", above),
      found.slice(from, to).map((line, at) => lineOf(line, from + at)),
      room("below", below),
    );
  }
}

/**
 * What stands for lines that are not drawn.
 *
 * @param {string} key
 * @param {number} height
 */
function room(key, height) {
  return height ? h("div", { key, style: { height: `${Math.round(height)}px` } }) : null;
}

/**
 * A line, and before it how many are missing there.
 *
 * @param {any} line
 * @param {number} row
 */
function lineOf(line, row) {
  return h(
    "div",
    { key: line.n, "data-row": row },
    line.skipped
      ? h("div", { class: "log-gap soft" }, `${plural(line.skipped, "line")} not kept`)
      : null,
    h(
      "div",
      { class: `log-line is-${(line.level || line.source || "").toLowerCase()}` },
      h("time", { class: "soft figure" }, clockTime(line.at)),
      line.level ? h("span", { class: "level" }, line.level.toLowerCase()) : null,
      h("span", { class: "text" }, line.text),
    ),
  );
}

/** What is printed weighs as much as INFO. */
/** @param {any} line */
function weight(line) {
  return line.level === "CRITICAL" ? LEVELS.length : LEVELS.indexOf(line.level || "INFO");
}

/** @param {any} line */
function written(line) {
  return [line.at, line.level, line.text].filter(Boolean).join(" ");
}
