/** All jobs: filters in the address, rows to select, and what can be done with many at once. */

import { plural } from "../core/format.js";
import { may } from "../core/rights.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { act, actOnAll, actOnFilter, verbsFor } from "../parts/actions.js";
import { bulkBar } from "../parts/bulk_bar.js";
import { icon } from "../parts/icons.js";
import { chips, FILTERS, filters, suggestions } from "../parts/job_filters.js";
import { JobList } from "../parts/job_list.js";
import { actionsColumn, COLUMNS, move, opening } from "../parts/job_rows.js";
import { Near } from "../parts/near.js";
import { empty, heading, shown, table } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

export class Jobs extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.queues = this.shelf.at("v1/queues", 10_000);
    this.tasks = this.shelf.at("v1/tasks", 60_000);
    /** @type {Set<number>} */
    this.selected = new Set();
    this.row = -1;
    this.isUnderPointer = false;
    this.working = "";
    /** Every job that fits the filters is meant, also those that are not shown. */
    this.isWhole = false;
    this.list = new JobList(this.asked, this.shelf, env.redraw);
    this.near = this._near();
  }

  get title() {
    return "Jobs";
  }

  moved = () => {
    this.selected.clear();
    this.isWhole = false;
    this.row = -1;
    this.near.close();
    this.near = this._near();
    this.list = new JobList(this.asked, this.shelf, this.env.redraw);
    const { path } = this.list.newest;
    this.shelf.keep((each) => each === path || !each.startsWith("v1/jobs"));
  };

  close() {
    this.near.close();
    super.close();
  }

  _near() {
    return new Near(".jobs tbody", this.env.redraw, { ended: () => this.list.more() });
  }

  /** @returns {Record<string, string>} */
  get asked() {
    /** @type {Record<string, string>} */
    const asked = {};
    for (const name of FILTERS) {
      const value = this.route.query.get(name);
      if (value) asked[name] = value;
    }
    return asked;
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    if (batch.events.length || batch.isReset) {
      this.shelf.touch((path) => path.startsWith("v1/jobs"));
      this.list.mend(batch.events);
    }
    if (move(this.list.jobs, batch.motions)) this.env.redraw();
  }

  /** The rows that are shown: they do not move while one is selected or under the pointer. */
  get rows() {
    return this.list.shown(this.isUnderPointer || this.selected.size > 0);
  }

  view() {
    const { rows, waiting } = this.rows;
    return [
      heading("Jobs"),
      chips(this.asked, this.env.stats.value?.jobs ?? {}),
      filters(this.asked, {
        names: names(this.tasks),
        queues: names(this.queues),
        workers: (this.env.workers.value?.items ?? []).map((/** @type {any} */ each) =>
          String(each.id),
        ),
        ...suggestions(rows),
      }),
      this.selected.size ? this._bulk(rows) : null,
      waiting
        ? h(
            "button",
            { class: "pill", type: "button", on: { click: () => this._release() } },
            `${plural(waiting, "new job")} above: show`,
          )
        : null,
      shown(this.list.newest, () => (rows.length ? this._table(rows) : this._nothing()), 8),
    ];
  }

  _release() {
    this.list.release();
    this.isUnderPointer = false;
    this.selected.clear();
    this.isWhole = false;
    this.env.redraw();
  }

  // --- many at once

  /** @param {any[]} rows */
  _bulk(rows) {
    const { selected, isWhole, working } = this;
    return bulkBar(
      { rows, selected, isWhole, working, hasMore: this.list.next !== null },
      {
        selectShown: () => {
          for (const job of rows) this.selected.add(job.id);
          this.env.redraw();
        },
        selectWhole: () => {
          this.isWhole = true;
          this.env.redraw();
        },
        act: (chosen, verb) => this._actOn(chosen, verb),
        done: () => this._release(),
      },
    );
  }

  /** @param {JobShape[]} jobs @param {import("../parts/actions.js").Verb} verb */
  async _actOn(jobs, verb) {
    const told = (/** @type {number} */ done, /** @type {number} */ of) => {
      this.working = `${done} of ${of}`;
      this.env.redraw();
    };
    await (this.isWhole ? actOnFilter(this.asked, verb, told) : actOnAll(jobs, verb, told));
    this.working = "";
    this.list.newest.load();
    this.env.redraw();
  }

  // --- rows

  /** @param {any[]} rows */
  _table(rows) {
    const columns = [
      ...(may("control") ? [this._tick()] : []),
      COLUMNS.state,
      COLUMNS.job,
      COLUMNS.progress,
      COLUMNS.queue,
      COLUMNS.attempt,
      COLUMNS.worker,
      COLUMNS.age,
      COLUMNS.duration,
      actionsColumn(() => this.list.newest.load()),
    ];
    return [
      h(
        "div",
        {
          class: "card flush jobs",
          on: {
            pointerenter: () => (this.isUnderPointer = true),
            pointerleave: () => this._leave(),
          },
        },
        table("Jobs", columns, rows, {
          key: (job) => job.id,
          row: (/** @type {any} */ job) => ({
            class: `open ${this.selected.has(job.id) ? "selected" : ""} ${rows[this.row] === job ? "at" : ""}`,
            on: opening(job),
          }),
          near: this.near,
        }),
      ),
      h(
        "div",
        { class: "after" },
        h("span", { class: "soft figure" }, `${plural(rows.length, "job")} shown`),
        this.list.next === null
          ? null
          : h(
              "button",
              {
                class: "button",
                type: "button",
                disabled: this.list.isReading,
                on: { click: () => this.list.more() },
              },
              "Older jobs",
            ),
      ),
    ];
  }

  /** @returns {import("../parts/pieces.js").Column} */
  _tick() {
    return {
      name: "Select",
      isHidden: true,
      class: "c-select",
      cell: (job) =>
        h(
          "label",
          { class: "tick" },
          h("input", {
            type: "checkbox",
            "aria-label": `Select job ${job.id}`,
            set: { checked: this.selected.has(job.id) },
            on: { change: () => this._toggle(job) },
          }),
        ),
    };
  }

  _leave() {
    this.isUnderPointer = false;
    this.env.redraw();
  }

  _nothing() {
    return Object.keys(this.asked).length > 0
      ? empty(
          "No job is like that",
          "Nothing that is kept fits these filters. Finished jobs are kept for a while only.",
          h("a", { class: "button", href: link(["jobs"]) }, "Show all jobs"),
        )
      : empty(
          "No jobs yet",
          "What is started appears here at once.",
          may("submit")
            ? h("a", { class: "button primary", href: link(["tasks"]) }, icon("plus"), "Start one")
            : null,
        );
  }

  /** @param {JobShape} job */
  _toggle(job) {
    this.list.shown(true); // they stand still from now on
    this.isWhole = false;
    if (!this.selected.delete(job.id)) this.selected.add(job.id);
    this.env.redraw();
  }

  // --- keys

  /** @param {string} key */
  press(key) {
    const { rows } = this.rows;
    if (key === "j" || key === "k") {
      this.row = Math.max(0, Math.min(rows.length - 1, this.row + (key === "j" ? 1 : -1)));
      this.near.reveal(this.row);
      this.env.redraw();
      requestAnimationFrame(() =>
        document.querySelector("tr.at")?.scrollIntoView({ block: "nearest" }),
      );
      return true;
    }
    const job = rows[this.row];
    if (!job) return false;
    if (key === "x" && may("control")) this._toggle(job);
    else if (key === "Enter") go(link(["jobs", job.id]));
    else if (key === "p" || key === "r" || key === "c") this._pressVerb(job, key);
    else return false;
    return true;
  }

  /** @param {JobShape} job @param {"p" | "r" | "c"} key */
  _pressVerb(job, key) {
    const verb =
      key === "p" ? (job.links.resume ? "resume" : "pause") : key === "r" ? "retry" : "cancel";
    const chosen = this.rows.rows.filter((/** @type {any} */ each) => this.selected.has(each.id));
    if (!may("control")) return;
    if (chosen.length) this._actOn(chosen, verb);
    else if (verbsFor(job).includes(verb)) act(job, verb).then(() => this.list.newest.load());
  }
}

/** @param {import("../core/store.js").Resource} resource @returns {string[]} */
function names(resource) {
  return (resource.value?.items ?? []).map((/** @type {any} */ each) => each.name);
}
