/** The frame round every page: where to go, whether it is live, and what the keys do. */

import { address, state as api, query } from "../core/api.js";
import { Live } from "../core/live.js";
import { learnRights } from "../core/rights.js";
import { go, here } from "../core/router.js";
import { Resource, Shelf } from "../core/store.js";
import { show } from "../core/view.js";
import "../parts/clock.js";
import { Activity } from "../pages/activity.js";
import { Errors } from "../pages/errors.js";
import { Group } from "../pages/group.js";
import { JobPage } from "../pages/job.js";
import { Jobs } from "../pages/jobs.js";
import { NotFound } from "../pages/not_found.js";
import { Overview } from "../pages/overview.js";
import { Queues } from "../pages/queues.js";
import { Schedules } from "../pages/schedules.js";
import { TaskPage } from "../pages/task.js";
import { Tasks } from "../pages/tasks.js";
import { Workers } from "../pages/workers.js";
import { toast } from "../parts/toasts.js";
import { frame } from "./frame.js";
import { listen } from "./keyboard.js";

/** @import { Env, Page } from "./page.js" */
/** @import { Route } from "../core/router.js" */

/** @type {Record<string, new (env: Env) => Page>} */
const PAGES = {
  "": Overview,
  jobs: Jobs,
  "jobs/*": JobPage,
  tasks: Tasks,
  "tasks/*": TaskPage,
  queues: Queues,
  workers: Workers,
  schedules: Schedules,
  errors: Errors,
  activity: Activity,
  "groups/*": Group,
};

const PLACE = "offload.place";
const FAILED = `v1/jobs${query({ state: "failed", limit: 100 })}`;

/** @param {EventShape} event */
function isOfFailures(event) {
  return event.state === "failed" || event.kind === "retried";
}

class App {
  constructor() {
    this.root = /** @type {HTMLElement} */ (document.getElementById("app"));
    this.isReached = true;
    this.isGuarded = false;
    this._frame = 0;
    this.stats = new Resource("v1/stats", () => this.redraw());
    this.workers = new Resource("v1/workers", () => this.redraw(), 2000);
    this.failed = new Resource(FAILED, () => this.redraw(), 5000);
    /** What only bad news asks for. */
    this.beside = new Shelf(() => this.redraw());
    this.live = new Live(
      (batch) => this._hear(batch),
      () => this.redraw(),
    );
    /** @type {Page} */
    this.page = this._opened(here());
    api.onUnauthorized = () => this._logIn();
    api.onReached = (reached) => {
      if (this.isReached === reached) return;
      this.isReached = reached;
      this.redraw();
    };
    addEventListener("hashchange", () => this._move());
    listen(this);
    // A worker that has died says nothing any more.
    setInterval(() => this._findWorker(), 2_000);
    setInterval(() => this.workers.touch(), 10_000);
  }

  get _isManned() {
    return (this.workers.value?.items ?? []).some(
      (/** @type {WorkerShape} */ each) => each.alive && !each.stopping,
    );
  }

  _findWorker() {
    if (this._isManned) {
      this.beside.close();
    } else {
      this.workers.touch();
      this.beside.touch();
    }
  }

  start() {
    this.stats.load();
    this.workers.load();
    this.failed.load();
    this.live.start();
    this._findGuard();
    learnRights().then(() => this.redraw());
    this.draw();
  }

  /** Draw in the next frame. */
  redraw() {
    this._frame ||= requestAnimationFrame(() => {
      this._frame = 0;
      this.draw();
    });
  }

  draw() {
    const { title } = this.page;
    document.title = title === "Overview" ? "offload" : `${title} · offload`;
    show(this.root, frame(this));
  }

  /** @param {Route} route @returns {Page} */
  _opened(route) {
    const name = route.path.length > 1 ? `${route.path[0]}/*` : (route.path[0] ?? "");
    const kind = route.path.length > 2 ? NotFound : (PAGES[name] ?? NotFound);
    return new kind({
      route,
      stats: this.stats,
      workers: this.workers,
      live: this.live,
      redraw: () => this.redraw(),
      refresh: () => this.refresh(),
    });
  }

  _move() {
    const route = here();
    const before = this.page.route;
    if (before.path.join("/") === route.path.join("/") && this.page.moved) {
      this.page.route = route;
      this.page.moved();
      this.draw();
      return;
    }
    this.page.close();
    this.page = this._opened(route);
    this.draw();
    scrollTo(0, 0);
    const title = this.root.querySelector("h1");
    if (title instanceof HTMLElement) title.focus({ preventScroll: true });
  }

  /** @param {import("../core/live.js").Batch} batch */
  _hear(batch) {
    if (batch.events.length || batch.isReset) this.stats.touch();
    if (batch.isReset) this.workers.touch();
    if (batch.isReset || batch.events.some(isOfFailures)) this.failed.touch();
    if (batch.events.length || batch.isReset) this.beside.touch();
    this.page.hear(batch);
  }

  /** Stop or go on showing what happens, at once: what was to be asked soon is not. */
  toggleUpdates() {
    this.live.toggle();
    if (!this.live.isPaused) return;
    for (const each of [this.stats, this.workers, this.failed, this.beside, this.page.shelf])
      each.rest();
  }

  /** Everything may have changed: somebody has just seen to it. */
  refresh() {
    this._hear({ events: [], motions: new Map(), isReset: true });
  }

  /** Ask a server that did not answer, now. */
  async retry() {
    this.live.wake();
    await this.stats.load();
    if (this.isReached) this.refresh();
    else toast("The server still does not answer.", "bad");
  }

  // --- who may look

  /** The server's own page asks for a token; afterwards we come back to this place. */
  _logIn() {
    sessionStorage.setItem(PLACE, location.hash);
    location.assign(address("login"));
  }

  /** Where a server has no token, its page has nothing to fill in. */
  async _findGuard() {
    const page = await fetch(address("login")).catch(() => null);
    this.isGuarded = Boolean(page?.ok && (await page.text()).includes("<form"));
    this.redraw();
  }

  async logOut() {
    await fetch(address("logout"), { method: "POST" }).catch(() => null);
    location.assign(address("login"));
  }
}

const back = sessionStorage.getItem(PLACE);
sessionStorage.removeItem(PLACE);
if (back && !location.hash) go(back, { replace: true });
new App().start();
