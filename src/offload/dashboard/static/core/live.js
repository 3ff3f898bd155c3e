/**
 * What happens, as it happens: one stream of events for all tabs of a browser.
 *
 * A browser opens six connections to a server at most, so only one tab holds the stream, the one
 * that has the lock, and tells the others. When it goes, another takes the lock and goes on behind
 * the last event that all of them know. Without locks (plain HTTP from another machine) each tab
 * that is looked at has a stream of its own.
 *
 * @typedef {"connecting" | "live" | "reconnecting" | "paused"} Status
 *
 * @typedef {object} Batch
 * @property {any[]} events in their order
 * @property {Map<number, any>} motions how far jobs have come, by id
 * @property {boolean} isReset something was missed: everything may have changed
 */

import { address, state } from "./api.js";

const FLUSH_MILLISECONDS = 250;
const SILENCE_MILLISECONDS = 40_000;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 5_000;

export class Live {
  /**
   * @param {(batch: Batch) => void} tell
   * @param {() => void} changed the status has
   */
  constructor(tell, changed) {
    /** @type {Status} */
    this.status = "connecting";
    this.isPaused = false;
    this._tell = tell;
    this._changed = changed;
    this._last = "";
    this._batch = empty();
    this._timer = 0;
    this._stopped = false;
    /** @type {AbortController | null} */
    this._stream = null;
    /** @type {(() => void) | null} */
    this._wake = null;
    this._name = `offload ${address("v1/events")}`;
    this._channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(this._name) : null;
  }

  /** The status that is shown: who paused is told so first of all. */
  get shown() {
    return this.isPaused ? "paused" : this.status;
  }

  start() {
    this._channel?.addEventListener("message", (event) => this._hear(event.data));
    addEventListener("online", () => this.wake());
    if (navigator.locks && this._channel) {
      this._channel.postMessage({ kind: "hello" });
      navigator.locks.request(this._name, () => this._lead()).catch(() => this._lead());
    } else {
      document.addEventListener("visibilitychange", () => this._look());
      this._look();
    }
  }

  /** Stop or go on showing what happens; what was missed is asked for then. */
  toggle() {
    this.isPaused = !this.isPaused;
    if (!this.isPaused) this._tell({ ...empty(), isReset: true });
    this._changed();
  }

  /** Try now what would be tried soon. */
  wake() {
    this._wake?.();
  }

  // --- between tabs

  /** @param {any} said */
  _hear(said) {
    if (said.kind === "hello" && this._stream) this._say();
    if (said.kind === "status" && !this._stream) {
      this._last ||= said.last;
      this._set(said.status);
    }
    if (said.kind === "parts" && !this._stream) {
      this._set("live");
      for (const part of said.parts) this._take(part);
    }
  }

  _say() {
    this._broadcast({ kind: "status", status: this.status, last: this._last });
  }

  /** @param {any} said */
  _broadcast(said) {
    this._channel?.postMessage(said);
  }

  _look() {
    if (document.hidden) {
      this._stopped = true;
      this._stream?.abort();
    } else if (!this._stream) {
      this._stopped = false;
      this._lead();
    }
  }

  // --- the stream

  async _lead() {
    let delay = FIRST_DELAY;
    while (!this._stopped) {
      const aborter = new AbortController();
      this._stream = aborter;
      try {
        await this._follow(aborter, () => (delay = FIRST_DELAY));
      } catch {
        // Whatever it was: it is tried again, and the status says so.
      }
      if (this._stopped) break;
      this._set("reconnecting");
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, delay * (0.7 + 0.6 * Math.random()));
        this._wake = () => (clearTimeout(timer), resolve(undefined));
      });
      delay = Math.min(LONGEST_DELAY, delay * 2);
    }
    this._stream = null;
  }

  /**
   * @param {AbortController} aborter
   * @param {() => void} opened
   */
  async _follow(aborter, opened) {
    /** @type {Record<string, string>} */
    const headers = { accept: "text/event-stream" };
    if (this._last) headers["last-event-id"] = this._last;
    const response = await fetch(address("v1/events"), {
      headers,
      signal: aborter.signal,
      cache: "no-store",
    });
    state.onReached(true);
    if (response.status === 401) state.onUnauthorized();
    if (!response.ok || !response.body) throw new Error(`refused with ${response.status}`);
    opened();
    this._set("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const silence = setTimeout(() => aborter.abort(), SILENCE_MILLISECONDS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() ?? "";
      const parts = blocks.map(parsed).filter((part) => part.id || part.data);
      if (!parts.length) continue;
      this._broadcast({ kind: "parts", parts });
      for (const part of parts) this._take(part);
    }
  }

  /** @param {Part} part */
  _take({ id, type, data }) {
    // Nobody tells what happened between the page's first reads and the stream's beginning.
    if (id && !this._last) this._batch.isReset = true;
    if (id) this._last = id;
    if (data) this._put(type, JSON.parse(data));
    if (data || this._batch.isReset) this._flushSoon();
  }

  /**
   * @param {string} type
   * @param {any} said
   */
  _put(type, said) {
    if (type === "progress") this._batch.motions.set(said.job_id, said);
    else if (type === "reset") this._batch.isReset = true;
    else this._batch.events.push(said);
  }

  _flushSoon() {
    this._timer ||= setTimeout(() => this._flush(), FLUSH_MILLISECONDS);
  }

  _flush() {
    const batch = this._batch;
    this._batch = empty();
    this._timer = 0;
    if (!this.isPaused) this._tell(batch);
  }

  /** @param {Status} status */
  _set(status) {
    if (this.status === status) return;
    this.status = status;
    if (this._stream) this._say();
    this._changed();
  }
}

/** @returns {Batch} */
function empty() {
  return { events: [], motions: new Map(), isReset: false };
}

/** @typedef {{id: string, type: string, data: string}} Part */

/**
 * Read one block of server-sent events.
 *
 * @param {string} block
 * @returns {Part}
 */
function parsed(block) {
  const part = { id: "", type: "message", data: "" };
  for (const line of block.split("\n")) {
    const [field, value] = [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 1).trimStart(),
    ];
    if (field === "id") part.id = value;
    if (field === "event") part.type = value;
    if (field === "data") part.data += value;
  }
  return part;
}
