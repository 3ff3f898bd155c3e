/**
 * What was read from the API, each address once: its value, or why there is none, kept fresh.
 *
 * A value is never made up from events: they say that something has changed, and it is asked for
 * again, not sooner than `pace` after the last answer came, and not while nobody looks.
 */

import { get, Problem } from "./api.js";

export class Resource {
  /**
   * @param {string} path
   * @param {() => void} changed
   * @param {number} [pace] milliseconds
   */
  constructor(path, changed, pace = 1000) {
    this.path = path;
    this.pace = pace;
    /** @type {any} */
    this.value = null;
    /** @type {Problem | null} */
    this.problem = null;
    this.isLoading = false;
    this._changed = changed;
    this._isStale = false;
    this._timer = 0;
    this._answeredAt = 0;
    this._aborter = new AbortController();
    this._seen = () => this._isStale && !document.hidden && this.touch();
    document.addEventListener("visibilitychange", this._seen);
  }

  /** Whether nothing has come yet. */
  get isFirst() {
    return this.value === null && this.problem === null;
  }

  /** Ask now; if it is being asked already, once more afterwards. */
  async load() {
    if (this.isLoading) {
      this._isStale = true;
      return;
    }
    clearTimeout(this._timer);
    this._timer = 0;
    this._isStale = false;
    this.isLoading = true;
    try {
      this.value = await get(this.path, this._aborter.signal);
      this.problem = null;
    } catch (error) {
      if (this._aborter.signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
      if (error.status !== 0 && error.status < 500 && error.status !== 429) this.value = null;
    } finally {
      this.isLoading = false;
      this._answeredAt = performance.now();
    }
    this._changed();
    if (this._isStale) this.touch();
  }

  /** Ask soon: something has changed. */
  touch() {
    if (document.hidden || this.isLoading) {
      this._isStale = true;
      return;
    }
    if (this._timer) return;
    const wait = Math.max(0, this._answeredAt + this.pace - performance.now());
    this._timer = setTimeout(() => this.load(), wait);
  }

  /** Forget that something has changed: nobody wants to see it now. */
  rest() {
    clearTimeout(this._timer);
    this._timer = 0;
    this._isStale = false;
  }

  close() {
    this.rest();
    this._aborter.abort();
    document.removeEventListener("visibilitychange", this._seen);
  }
}

/** Resources of a page: made when first asked for, closed with it. */
export class Shelf {
  /** @param {() => void} changed */
  constructor(changed) {
    this._changed = changed;
    /** @type {Map<string, Resource>} */
    this._kept = new Map();
  }

  /**
   * @param {string} path
   * @param {number} [pace]
   * @returns {Resource}
   */
  at(path, pace) {
    let found = this._kept.get(path);
    if (!found) {
      found = new Resource(path, this._changed, pace);
      this._kept.set(path, found);
      found.load();
    }
    return found;
  }

  /**
   * Keep only these addresses.
   *
   * @param {(path: string) => boolean} isWanted
   */
  keep(isWanted) {
    for (const [path, each] of this._kept) {
      if (isWanted(path)) continue;
      each.close();
      this._kept.delete(path);
    }
  }

  /** @param {(path: string) => boolean} [isMeant] */
  touch(isMeant = () => true) {
    for (const [path, each] of this._kept) if (isMeant(path)) each.touch();
  }

  rest() {
    for (const each of this._kept.values()) each.rest();
  }

  close() {
    this.keep(() => false);
  }
}
