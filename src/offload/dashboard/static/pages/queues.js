/** Queues: how full, how old, how fast; what they may do at once, and whether they go on. */

import { now, query } from "../core/api.js";
import { age, count, figure } from "../core/format.js";
import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { holdButton, pausedBadge } from "../parts/halting.js";
import { icon } from "../parts/icons.js";
import { limits } from "../parts/limits.js";
import { card, empty, heading, shown, table } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

const ENDED = `v1/jobs${query({ state: "succeeded,failed,cancelled", since: "15m", limit: 500 })}`;
const LATELY_SECONDS = 300;

export class Queues extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.queues = this.shelf.at("v1/queues");
    this.ended = this.shelf.at(ENDED, 5000);
  }

  get title() {
    return "Queues";
  }

  view() {
    return [
      heading("Queues"),
      shown(this.queues, ({ items }) =>
        items.length
          ? card(null, this._table(items), { class: "flush" })
          : empty(
              "No queue was used yet",
              "A queue appears with the first job that is put into it.",
            ),
      ),
    ];
  }

  /** @param {any[]} items */
  _table(items) {
    return table(
      "Queues",
      [
        {
          name: "Queue",
          class: "c-name",
          cell: (each) => [
            h("a", { href: link(["jobs"], { queue: each.name }), class: "job-name" }, each.name),
            pausedBadge(each),
            this._unserved(each),
            each.paused_reason ? h("div", { class: "params" }, each.paused_reason) : null,
          ],
        },
        {
          name: "Running",
          class: "c-wide",
          cell: (each) => meter(each.counts.running ?? 0, each.limit, "running", "at once"),
        },
        {
          name: "Waiting",
          class: "c-wide",
          cell: (each) =>
            meter(
              (each.counts.queued ?? 0) + (each.counts.paused ?? 0),
              each.capacity,
              "queued",
              "may wait",
            ),
        },
        {
          name: "Oldest",
          class: "number",
          cell: (each) =>
            each.oldest_at
              ? h("offload-time", { since: each.oldest_at, how: "lasting" })
              : h("span", { class: "soft" }, "–"),
        },
        { name: "Rate", class: "number", cell: (each) => this._rate(each) },
        {
          name: "Failed",
          class: "number",
          cell: (each) =>
            each.counts.failed
              ? h(
                  "a",
                  { href: link(["jobs"], { queue: each.name, state: "failed" }) },
                  count(each.counts.failed),
                )
              : h("span", { class: "soft" }, "0"),
        },
        {
          name: "Succeeded",
          class: "number c-rare",
          cell: (each) => count(each.counts.succeeded ?? 0),
        },
        { name: "Keeps", class: "number c-rare", cell: (each) => count(each.keep) },
        {
          name: "Actions",
          isHidden: true,
          class: "c-actions",
          cell: (each) =>
            h(
              "div",
              { class: "buttons" },
              holdButton("queue", each, () => this.queues.load()),
              may("admin")
                ? h(
                    "button",
                    {
                      class: "button small",
                      type: "button",
                      on: { click: () => limits(each, () => this.queues.load()) },
                    },
                    "Limits",
                  )
                : null,
            ),
        },
      ],
      items,
      { key: (each) => each.name },
    );
  }

  /** How fast its jobs end, and when none waits any more if that goes on. */
  /** @param {QueueShape} queue */
  _rate(queue) {
    const speed = rate(this.ended.value?.items ?? [], queue.name, now());
    if (!speed) return h("span", { class: "soft" }, "–");
    const waiting = queue.counts.queued ?? 0;
    return [
      `${figure(speed * 60)} per min`,
      waiting && !queue.paused
        ? h("div", { class: "soft small" }, `empty in ${age(Math.max(1, waiting / speed))}`)
        : null,
    ];
  }

  /** @param {QueueShape} queue */
  _unserved(queue) {
    const workers = this.env.workers.value?.items;
    if (!workers || queue.paused || !queue.counts.queued) return null;
    const served = workers.some(
      (/** @type {any} */ each) =>
        each.alive && (!each.queues.length || each.queues.includes(queue.name)),
    );
    return served
      ? null
      : h("span", { class: "badge is-failed" }, icon("warning"), h("span", null, "no worker"));
  }
}

/**
 * @param {number} amount
 * @param {number | null} most
 * @param {string} state
 * @param {string} words
 */
function meter(amount, most, state, words) {
  const share = most ? Math.min(1, amount / most) : 0;
  return h(
    "div",
    { class: `progress is-${share > 0.8 && state === "queued" ? "paused" : state}` },
    most === null
      ? null
      : h(
          "div",
          {
            class: "bar",
            role: "meter",
            "aria-label": `${state}, of those that ${words}`,
            "aria-valuemin": 0,
            "aria-valuemax": most,
            "aria-valuenow": amount,
          },
          h("div", { class: "fill", style: { "--share": share } }),
        ),
    h(
      "div",
      { class: "far figure" },
      h("span", null, count(amount)),
      h("span", { class: "soft" }, most === null ? "no limit" : `of ${count(most)} ${words}`),
    ),
  );
}

/**
 * Return how many jobs of a queue end in a second, from those that did so lately.
 *
 * @param {JobShape[]} jobs newest first
 * @param {string} queue
 * @param {number} now
 */
export function rate(jobs, queue, now) {
  const ends = jobs
    .filter((job) => job.queue === queue && job.started_at)
    .map((job) => Date.parse(job.finished_at ?? "") / 1000)
    .filter((at) => at > now - LATELY_SECONDS);
  if (ends.length < 2) return 0;
  return ends.length / Math.max(10, now - Math.min(...ends));
}
