/** The overview: what runs, what is broken, and what to press. */

import { now, query } from "../core/api.js";
import { count } from "../core/format.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { attention } from "../parts/attention.js";
import { outcomes } from "../parts/charts.js";
import { icon } from "../parts/icons.js";
import { actionsColumn, COLUMNS, move, opening } from "../parts/job_rows.js";
import { notes } from "../parts/notes.js";
import { card, heading, loading, shown, table } from "../parts/pieces.js";
import { SPANS, take } from "../parts/sample.js";
import { when } from "../parts/state.js";
import { tiles } from "../parts/tiles.js";
import { Page } from "../shell/page.js";
import { firstStart } from "./first.js";

// Apart from what waits: however long a queue is, what has ended is seen.
const ENDED = `v1/jobs${query({ state: "succeeded,failed,cancelled", limit: 500 })}`;
const RUNNING = `v1/jobs${query({ state: "running", limit: 50 })}`;
const QUEUED = `v1/jobs${query({ state: "queued", limit: 500 })}`;
const PAUSED = `v1/jobs${query({ state: "paused", limit: 500 })}`;
const MOST_ROWS = 8;

/** @param {string} path whether it is of one job */
function isOne(path) {
  return path.startsWith("v1/jobs/");
}

export class Overview extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.ended = this.shelf.at(ENDED, 2000);
    this.running = this.shelf.at(RUNNING);
    this.queued = this.shelf.at(QUEUED, 2000);
    this.paused = this.shelf.at(PAUSED, 2000);
    this.queues = this.shelf.at("v1/queues", 2000);
    this.tasks = this.shelf.at("v1/tasks", 10_000);
    /** @type {Map<number, number>} when jobs were first seen to be about to stop */
    this.wished = new Map();
    // What is paused and resumed is no job's event.
    this._timer = setInterval(() => {
      this.queues.touch();
      this.tasks.touch();
      env.redraw();
    }, 5000);
    this._narrow = matchMedia("(max-width: 640px)");
    this._narrow.addEventListener("change", env.redraw);
  }

  get title() {
    return "Overview";
  }

  moved = () => {};

  /** Whether nothing was ever started. */
  get isEmpty() {
    const jobs = this.env.stats.value?.jobs;
    return jobs && !Object.values(jobs).some(Boolean);
  }

  get span() {
    return SPANS[this.route.query.get("over") ?? ""]
      ? /** @type {string} */ (this.route.query.get("over"))
      : "1h";
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    if (batch.events.length || batch.isReset) this.shelf.touch((path) => !isOne(path));
    if (move(this.running.value?.items ?? [], batch.motions)) this.env.redraw();
  }

  close() {
    clearInterval(this._timer);
    this._narrow.removeEventListener("change", this.env.redraw);
    super.close();
  }

  view() {
    if (this.ended.isFirst || this.env.stats.isFirst) return [heading("Overview"), loading(6)];
    if (this.isEmpty) return firstStart(this.tasks, this.env.workers);
    return [heading("Overview", this._spans()), this._content()];
  }

  _spans() {
    return h(
      "div",
      { class: "segments", role: "group", "aria-label": "Time shown" },
      Object.entries(SPANS).map(([name, { label }]) =>
        h(
          "a",
          {
            key: name,
            href: link([], { over: name }),
            "aria-current": name === this.span ? "true" : null,
          },
          label,
        ),
      ),
    );
  }

  _content() {
    return shown(this.ended, ({ items, next_cursor }) => {
      const open = [this.running, this.queued, this.paused].flatMap(
        (each) => each.value?.items ?? [],
      );
      const span = SPANS[this.span];
      const sample = take([...open, ...items], now(), span.seconds);
      const found = this._found(items, open, sample);
      const noted = notes(found, () => this.env.refresh());
      // A telephone shows first what should be seen to.
      const isFirst = this._narrow.matches && found.length > 0;
      const oldest = items.at(-1);
      const isPart =
        next_cursor !== null &&
        oldest &&
        now() - Date.parse(oldest.finished_at) / 1000 < span.seconds;
      return [
        isFirst ? noted : null,
        tiles({
          sample,
          span,
          jobs: this.env.stats.value?.jobs ?? {},
          slots: this.env.stats.value?.slots ?? 0,
          oldest: this._oldest(),
        }),
        h(
          "div",
          { class: "columns of-overview" },
          h(
            "div",
            { class: "stack" },
            card("Running now", this._runningNow(), {
              aside: h(
                "a",
                { class: "more", href: link(["jobs"], { state: "running" }) },
                "All running",
                icon("arrow"),
              ),
            }),
            card("Finished jobs", [
              sample.ended
                ? outcomes(sample)
                : h(
                    "p",
                    { class: "soft pad" },
                    `Nothing has ended in the last ${span.label.replace("1 hour", "hour")}.`,
                  ),
              isPart
                ? h(
                    "p",
                    { class: "soft note" },
                    `From the newest ${count(items.length)} that have ended, back to `,
                    when(oldest.finished_at),
                    ".",
                  )
                : null,
            ]),
          ),
          h("div", { class: "stack" }, isFirst ? null : noted, this._failures(items)),
        ),
      ];
    });
  }

  /** Since when the job waits that has waited longest of those that could begin. */
  _oldest() {
    const since = (this.queues.value?.items ?? [])
      .filter((/** @type {any} */ queue) => queue.oldest_at)
      .map((/** @type {any} */ queue) => Date.parse(queue.oldest_at) / 1000);
    return since.length ? Math.min(...since) : null;
  }

  _runningNow() {
    return shown(
      this.running,
      ({ items }) => {
        if (!items.length) return h("p", { class: "soft pad" }, "Nothing runs at the moment.");
        const longest = [...items]
          .sort((a, b) => (a.started_at ?? "").localeCompare(b.started_at ?? ""))
          .slice(0, MOST_ROWS);
        const columns = [
          COLUMNS.state,
          COLUMNS.job,
          COLUMNS.progress,
          COLUMNS.duration,
          actionsColumn(() => this.running.load()),
        ];
        return table("Running now", columns, longest, {
          key: (job) => job.id,
          row: (job) => ({ class: "open", on: opening(job) }),
        });
      },
      3,
    );
  }

  /**
   * @param {JobShape[]} items that have ended
   * @param {JobShape[]} jobs that have not
   * @param {import("../parts/sample.js").Sample} sample
   */
  _found(items, jobs, sample) {
    const since = now() - SPANS[this.span].seconds;
    return attention({
      jobs,
      isWhole: this.queued.value?.next_cursor === null,
      queues: this.queues.value?.items ?? [],
      tasks: this.tasks.value?.items ?? [],
      workers: this.env.workers.value?.items ?? null,
      recent: items.filter((job) => Date.parse(job.finished_at ?? "") / 1000 > since),
      failed: this._newestFailed(items),
      sample,
      span: SPANS[this.span].label,
      seen: this.wished,
      now: now(),
    });
  }

  /**
   * The list does not tell how a job failed: the newest is asked for by itself.
   *
   * @param {JobShape[]} items
   * @returns {JobShape | null}
   */
  _newestFailed(items) {
    const newest = items.find((job) => job.state === "failed");
    const path = newest ? `v1/jobs/${newest.id}` : "";
    this.shelf.keep((each) => !isOne(each) || each === path);
    return path ? this.shelf.at(path).value : null;
  }

  /** @param {any[]} items */
  _failures(items) {
    const failed = items.filter((job) => job.state === "failed").slice(0, 6);
    if (!failed.length) return null;
    return card(
      "Latest failures",
      h(
        "ul",
        { class: "plainlist" },
        failed.map((job) =>
          h(
            "li",
            { key: job.id },
            h(
              "a",
              { href: link(["jobs", job.id]) },
              h("b", null, job.task),
              h("span", { class: "soft figure" }, ` #${job.id}`),
            ),
            h("span", { class: "soft" }, when(job.finished_at)),
          ),
        ),
      ),
      { aside: h("a", { class: "more", href: link(["errors"]) }, "Errors", icon("arrow")) },
    );
  }
}
