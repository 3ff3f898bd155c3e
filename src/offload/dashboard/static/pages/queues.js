/** Queues: how full, how old, how fast; what they may do at once, and whether they go on. */

import { now, query } from "../core/api.js";
import { age, count, figure } from "../core/format.js";
import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { holdButton, pausedBadge } from "../parts/halting.js";
import { icon } from "../parts/icons.js";
import { isHeldByPause } from "../parts/job_rows.js";
import { limits } from "../parts/limits.js";
import { card, empty, heading, shown, table } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

const ENDED = `v1/jobs${query({ state: "succeeded,failed,cancelled", since: "15m", limit: 500 })}`;
const WAITING = `v1/jobs${query({ state: "queued", limit: 200 })}`;
const LATELY_SECONDS = 300;

export class Queues extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.queues = this.shelf.at("v1/queues");
    this.ended = this.shelf.at(ENDED, 5000);
    this.waiting = this.shelf.at(WAITING, 5000);
    this.tasks = this.shelf.at("v1/tasks", 15_000);
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
              waiting(each),
              each.capacity,
              "queued",
              "may wait",
              waitingInWords(each),
              this._holds(each),
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
    const { speed, seconds } = rate(this.ended.value?.items ?? [], queue.name, now());
    const end = this._end(queue, speed);
    if (!speed) return h("span", { class: "soft" }, "–");
    return [
      `${figure(speed * 60)} per min`,
      h("div", { class: "soft small" }, `in the last ${age(seconds)}`),
      end ? h("div", { class: "soft small" }, end) : null,
    ];
  }

  /**
   * Say when the queue is empty: only of jobs that nothing holds, and as far as they are known.
   *
   * @param {QueueShape} queue
   * @param {number} speed
   */
  _end(queue, speed) {
    const waiting = queue.counts.queued ?? 0;
    const { value } = this.waiting;
    if (!speed || !waiting || !value || queue.paused) return null;
    const { held, due } = this._known(queue);
    // Of what is beyond the page nobody can tell whether it is held.
    const mayHold = this.tasks.value?.items.some((/** @type {TaskShape} */ each) => each.paused);
    if (value.next_cursor !== null && (held || mayHold || !due)) return null;
    const free = value.next_cursor === null ? due : waiting;
    return free ? `empty in ${age(Math.max(1, free / speed))}` : null;
  }

  /** Say what does not start, though it waits. @param {QueueShape} queue */
  _holds(queue) {
    const waiting = queue.counts.queued ?? 0;
    if (!waiting) return null;
    const { held, due } = this._known(queue);
    if (queue.paused || (held && !due)) return "held by a pause";
    return held ? `${count(held)} held by a pause` : null;
  }

  /**
   * Count those that wait: how many a pause holds, and how many only wait for a place.
   *
   * @param {QueueShape} queue
   */
  _known(queue) {
    const known = (this.waiting.value?.items ?? []).filter(
      (/** @type {JobShape} */ job) => job.queue === queue.name && job.state === "queued",
    );
    const held = known.filter(isHeldByPause).length;
    return { held, due: known.length - held };
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

/** @param {QueueShape} queue all that take up its capacity, if it has one */
function waiting({ admitted, counts }) {
  return admitted ?? (counts.queued ?? 0) + (counts.paused ?? 0);
}

/** @param {QueueShape} queue */
function waitingInWords(queue) {
  const queued = queue.counts.queued ?? 0;
  const paused = waiting(queue) - queued;
  return paused > 0 ? `${count(queued)} queued, ${count(paused)} paused` : `${count(queued)} queued`;
}

/**
 * @param {number} amount
 * @param {number | null} most
 * @param {string} state
 * @param {string} words
 * @param {string} [said] the amount in words
 * @param {string | null} [held] which of them do not go on
 */
function meter(amount, most, state, words, said = count(amount), held = null) {
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
      h("span", null, said),
      h("span", { class: "soft" }, most === null ? "no limit" : `of ${count(most)} ${words}`),
      held ? h("span", { class: "why" }, held) : null,
    ),
  );
}

/**
 * Return how many jobs of a queue end in a second, from those that did so lately, and over which
 * time that is.
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
  if (ends.length < 2) return { speed: 0, seconds: 0 };
  const seconds = Math.max(10, now - Math.min(...ends));
  return { speed: ends.length / seconds, seconds };
}
