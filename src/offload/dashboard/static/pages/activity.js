/** Activity: what people and programs asked for, and what the house did with it. */

import { get, query } from "../core/api.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { eventRows } from "../parts/events.js";
import { card, empty, heading, loading, trouble } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

const BEFORE = 300;
const MOST = 500;

export class Activity extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    /** @type {any[] | null} newest first */
    this.events = null;
    /** @type {any} */
    this.problem = null;
    this._read();
  }

  get title() {
    return "Activity";
  }

  moved = () => {};

  get everything() {
    return this.route.query.get("show") === "everything";
  }

  /** The newest events stand at the end of the feed: look for the end, then read up to it. */
  async _read() {
    this.problem = null;
    try {
      const end = await this._newest();
      const page = await get(
        `v1/events${query({ after: Math.max(0, end - BEFORE), limit: BEFORE })}`,
      );
      this._add(page.items);
    } catch (error) {
      this.problem = error;
    }
    this.env.redraw();
  }

  async _newest() {
    const { items } = await get("v1/jobs?limit=1");
    if (!items.length) return 0;
    const story = await get(`v1/jobs/${items[0].id}/events`);
    return story.after + BEFORE / 2;
  }

  /** @param {any[]} events oldest first */
  _add(events) {
    const known = new Set((this.events ?? []).map((each) => each.id));
    const fresh = events.filter((each) => !known.has(each.id)).reverse();
    this.events = [...fresh, ...(this.events ?? [])].sort((a, b) => b.id - a.id).slice(0, MOST);
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    if (batch.isReset) this._read();
    if (!batch.events.length) return;
    this._add(batch.events);
    this.env.redraw();
  }

  view() {
    const tabs = h(
      "div",
      { class: "segments", role: "group", "aria-label": "Shown" },
      h(
        "a",
        { href: link(["activity"]), "aria-current": this.everything ? null : "true" },
        "Asked for",
      ),
      h(
        "a",
        {
          href: link(["activity"], { show: "everything" }),
          "aria-current": this.everything ? "true" : null,
        },
        "Everything",
      ),
    );
    return [
      heading(
        "Activity",
        tabs,
        this.everything
          ? "All that has happened to jobs, newest first."
          : "What people and programs asked for, newest first.",
      ),
      this._list(),
    ];
  }

  _list() {
    if (this.problem) return trouble(this.problem, () => this._read());
    if (!this.events) return loading(8);
    const shown = this.events.filter((each) => this.everything || each.door !== "worker");
    if (!shown.length)
      return empty(
        "Nothing has happened yet",
        "Starts, cancels, pauses and retries appear here, with who asked for them.",
      );
    return card(null, eventRows(shown));
  }
}
