/**
 * What a page is: it shows itself, hears what happens, and lets go of what it held.
 *
 * @typedef {object} Env
 * @property {import("../core/router.js").Route} route
 * @property {import("../core/store.js").Resource} stats
 * @property {import("../core/store.js").Resource} workers
 * @property {import("../core/live.js").Live} live
 * @property {() => void} redraw
 * @property {() => void} refresh ask for everything again: something was done to it
 */

import { Shelf } from "../core/store.js";

export class Page {
  /** @param {Env} env */
  constructor(env) {
    this.env = env;
    this.route = env.route;
    this.shelf = new Shelf(env.redraw);
  }

  get title() {
    return "";
  }

  /** @returns {import("../core/view.js").Child} */
  view() {
    return null;
  }

  /**
   * Hear what has happened.
   *
   * @param {import("../core/live.js").Batch} batch
   */
  hear(batch) {
    if (batch.events.length || batch.isReset) this.shelf.touch();
  }

  /** The address is another one of the same page; without this the page is opened anew. */
  /** @type {(() => void) | undefined} */
  moved;

  /**
   * A key was pressed; returns whether it meant something here.
   *
   * @param {string} key
   * @returns {boolean}
   */
  press(key) {
    return Boolean(key) && false;
  }

  close() {
    this.shelf.close();
  }
}
