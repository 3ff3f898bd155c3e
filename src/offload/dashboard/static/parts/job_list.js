/**
 * The jobs that a list shows: the newest page, kept fresh, and the older ones that were read since.
 *
 * While somebody is about to press a row, the rows stand still, and new ones wait.
 */

import { get, query } from "../core/api.js";
import { complain } from "./toasts.js";

const NEWEST = 100;
const OLDER = 500;

export class JobList {
  /**
   * @param {Record<string, string>} asked
   * @param {import("../core/store.js").Shelf} shelf
   * @param {() => void} redraw
   */
  constructor(asked, shelf, redraw) {
    this._asked = asked;
    this._redraw = redraw;
    this.newest = shelf.at(path(asked, NEWEST));
    /** @type {any[]} */
    this._older = [];
    /** @type {string | null | undefined} */
    this._cursor = undefined;
    /** @type {any[] | null} */
    this._still = null;
    this.isReading = false;
  }

  /** Where the next older page begins; null when there is none. */
  get next() {
    return this._cursor === undefined ? (this.newest.value?.next_cursor ?? null) : this._cursor;
  }

  /** All that was read, newest first. */
  /** @returns {any[]} */
  get jobs() {
    const newest = this.newest.value?.items ?? [];
    if (!this._older.length) return newest;
    const known = new Set(newest.map((/** @type {any} */ job) => job.id));
    return [...newest, ...this._older.filter((job) => !known.has(job.id))];
  }

  /**
   * Return the rows to show, and how many new ones wait.
   *
   * @param {boolean} isHeld they do not move now
   */
  shown(isHeld) {
    const jobs = this.jobs;
    if (!isHeld) {
      this._still = null;
      return { rows: jobs, waiting: 0 };
    }
    const still = (this._still ??= jobs);
    const first = still[0]?.id ?? 0;
    const waiting = jobs.findIndex((job) => job.id <= first);
    const fresh = new Map(jobs.map((job) => [job.id, job]));
    return {
      rows: still.map((job) => fresh.get(job.id) ?? job),
      waiting: waiting < 0 ? jobs.length : waiting,
    };
  }

  release() {
    this._still = null;
  }

  /** Read the next older page. */
  async more() {
    const cursor = this.next;
    if (cursor === null || this.isReading) return;
    this.isReading = true;
    try {
      const page = await get(`${path(this._asked, OLDER)}&cursor=${cursor}`);
      this._older.push(...page.items);
      if (this._still) this._still = [...this._still, ...page.items];
      this._cursor = page.next_cursor;
    } catch (error) {
      complain(error);
    }
    this.isReading = false;
    this._redraw();
  }

  /**
   * Older pages are not read anew: their jobs are, one by one, when something happens to them.
   *
   * @param {any[]} events
   */
  async mend(events) {
    const known = new Set(this._older.map((job) => job.id));
    for (const id of new Set(events.map((each) => each.job_id))) {
      if (!known.has(id)) continue;
      const job = await get(`v1/jobs/${id}`).catch(() => null);
      if (job) this._older = this._older.map((each) => (each.id === id ? job : each));
      this._redraw();
    }
  }
}

/** @param {Record<string, string>} asked @param {number} limit */
function path(asked, limit) {
  return `v1/jobs${query({ ...asked, limit })}`;
}
