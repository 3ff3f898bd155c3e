/** Workers: who is there, since when, and what it is doing. */

import { now, query } from "../core/api.js";
import { bytes, duration, figure, plural } from "../core/format.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { LATE_SECONDS } from "../parts/attention.js";
import { icon } from "../parts/icons.js";
import { move } from "../parts/job_rows.js";
import { card, empty, facts, heading, shown } from "../parts/pieces.js";
import { progress, when } from "../parts/state.js";
import { Page } from "../shell/page.js";

const MOST_JOBS = 8;

export class Workers extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    env.workers.load();
    this.running = this.shelf.at(`v1/jobs${query({ state: "running,paused", limit: 200 })}`);
  }

  get title() {
    return "Workers";
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    super.hear(batch);
    if (move(this.running.value?.items ?? [], batch.motions)) this.env.redraw();
  }

  view() {
    return [
      heading("Workers"),
      shown(this.env.workers, ({ items }) =>
        items.length
          ? h(
              "div",
              { class: "cards" },
              items.map((/** @type {any} */ each) => this._worker(each)),
            )
          : empty(
              "No worker is there",
              "Jobs that are started wait until one comes. Start one beside the server, or on another machine that shares the database:",
              h("code", null, "offload worker tasks.py"),
            ),
      ),
    ];
  }

  /** @param {WorkerShape} worker */
  _worker(worker) {
    const jobs = (this.running.value?.items ?? []).filter(
      (/** @type {any} */ job) => job.worker === worker.id,
    );
    const busy = jobs.filter((/** @type {any} */ job) => job.state !== "paused").length;
    const how = worker.alive
      ? worker.stopping
        ? ["cancelling", "stopping"]
        : ["succeeded", "alive"]
      : ["failed", "gone"];
    const silent = now() - Date.parse(worker.seen_at) / 1000;
    return card(
      [
        `Worker ${worker.id}`,
        h("span", { class: `badge is-${how[0]}` }, icon(how[0]), h("span", null, how[1])),
      ],
      [
        facts([
          ["Machine", worker.host],
          ["Process", h("span", { class: "figure" }, worker.pid)],
          ["Busy", h("span", { class: "figure" }, `${busy} of ${worker.slots} slots`)],
          ["Queues", worker.queues.length ? worker.queues.join(", ") : "all"],
          ["Up", h("offload-time", { since: worker.started_at, how: "lasting" })],
          ["Sign of life", worker.alive && silent < 60 ? "now" : when(worker.seen_at)],
          ["Memory", worker.memory ? bytes(worker.memory) : null],
          ["CPU", typeof worker.cpu === "number" ? cores(worker.cpu) : null],
          ["Loop lag", typeof worker.loop_lag === "number" ? lag(worker.loop_lag) : null],
        ]),
        jobs.length
          ? h(
              "ul",
              { class: "plainlist" },
              jobs
                .slice(0, MOST_JOBS)
                .map((/** @type {any} */ job) =>
                  h(
                    "li",
                    { key: job.id },
                    h(
                      "a",
                      { href: link(["jobs", job.id]) },
                      h("b", null, job.task),
                      h("span", { class: "soft figure" }, ` #${job.id}`),
                    ),
                    progress(job),
                  ),
                ),
            )
          : h(
              "p",
              { class: "soft" },
              worker.alive ? "Runs nothing now." : "What it ran goes back to the queue.",
            ),
        h(
          "a",
          {
            class: "more",
            href: link(["jobs"], { worker: String(worker.id) }),
            "aria-label": `Jobs of worker ${worker.id}`,
          },
          jobs.length > MOST_JOBS ? `${plural(jobs.length - MOST_JOBS, "more job")}` : "Its jobs",
          icon("arrow"),
        ),
      ],
      { key: String(worker.id), class: "spaced" },
    );
  }
}

/** @param {number} share of one core */
function cores(share) {
  return share < 1.5 ? `${Math.round(share * 100)} % of a core` : `${figure(share)} cores`;
}

/** A loop that is late is blocked by code that does not await. @param {number} seconds */
function lag(seconds) {
  return seconds < LATE_SECONDS
    ? duration(seconds)
    : h("span", { class: "is-failed ink" }, icon("warning"), duration(seconds), " code blocks it");
}
