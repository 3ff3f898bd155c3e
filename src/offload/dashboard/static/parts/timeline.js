/** The life of a job as one bar: when it waited, ran, stood still, and how it ended. */

import { now } from "../core/api.js";
import { clockTime, duration } from "../core/format.js";
import { h } from "../core/view.js";
import { when } from "./state.js";

/** @typedef {{state: string, from: number, to: number, seconds: number, attempt: number}} Span */

const WORDS = /** @type {Record<string, string>} */ ({
  queued: "waited",
  running: "ran",
  waiting: "waited elsewhere",
  paused: "paused",
});
const NARROWEST = 0.004;

/**
 * Return the spans between events: what a job was from one to the next.
 *
 * @param {any[]} events oldest first
 * @param {JobShape} job
 * @returns {Span[]}
 */
export function spans(events, job) {
  /** @type {Span[]} */
  const found = [];
  for (const [at, event] of events.entries()) {
    if (event.state in WORDS === false) continue;
    const from = Date.parse(event.at) / 1000;
    const next = events[at + 1];
    const to = next ? Date.parse(next.at) / 1000 : job.done ? from : now();
    const last = found.at(-1);
    const seconds = to - from;
    if (last && last.state === event.state && last.attempt === event.attempt) {
      last.to = to;
      last.seconds += seconds;
    } else found.push({ state: event.state, from, to, seconds, attempt: event.attempt });
  }
  return found;
}

/**
 * Return the spans that the server tells.
 *
 * @param {any[]} stretches
 * @returns {Span[]}
 */
export function told(stretches) {
  return stretches
    .filter((each) => each.stage in WORDS)
    .map((each) => {
      const from = Date.parse(each.began_at) / 1000;
      const to = each.ended_at ? Date.parse(each.ended_at) / 1000 : now();
      const seconds = each.ended_at ? each.seconds : to - from;
      return { state: each.stage, attempt: each.attempt, from, to, seconds };
    });
}

/**
 * Return how long a job ran, or an attempt that began at an instant, and how long it stood still.
 * All that a page says of it comes from here, or it would say it in two ways.
 *
 * @param {Span[]} found
 * @param {number} [since] seconds
 */
export function sums(found, since = 0) {
  const of = (/** @type {string[]} */ ...states) =>
    found
      .filter((each) => each.from >= since && states.includes(each.state))
      .reduce((sum, each) => sum + each.seconds, 0);
  return { active: of("running", "waiting"), paused: of("paused") };
}

/**
 * @param {Span[]} found
 * @param {JobShape} job
 */
export function timeline(found, job) {
  if (!found.length) return null;
  const begin = found[0].from;
  const whole = Math.max(found[found.length - 1].to - begin, 0.001);
  const spent = found.reduce(
    (sum, each) => ({ ...sum, [each.state]: (sum[each.state] ?? 0) + each.seconds }),
    /** @type {Record<string, number>} */ ({}),
  );
  const words = Object.entries(spent).map(
    ([state, seconds]) => `${WORDS[state]} ${duration(seconds)}`,
  );
  const kept = job.checkpoint ? Date.parse(job.checkpoint.at) / 1000 - begin : null;
  return h(
    "figure",
    { class: "timeline" },
    h(
      "div",
      {
        class: "track",
        role: "img",
        "aria-label": `${words.join(", ")}${job.done ? `, then ${job.state}` : ""}`,
      },
      found.map((each, at) =>
        h("span", {
          key: at,
          class: `span is-${each.state}`,
          title: `${WORDS[each.state]} ${duration(each.seconds)}${each.attempt ? `, attempt ${each.attempt}` : ""}`,
          style: { "--grow": Math.max((each.to - each.from) / whole, NARROWEST).toFixed(4) },
        }),
      ),
      h("span", { class: `end is-${job.done ? job.state : "open"}` }),
      kept !== null && kept >= 0 && kept <= whole
        ? h("i", {
            key: "kept",
            class: "kept",
            title: `last checkpoint, after ${duration(kept)}`,
            style: { "--at": (kept / whole).toFixed(4) },
          })
        : null,
    ),
    h(
      "figcaption",
      { class: "legend" },
      h(
        "span",
        { class: "soft figure" },
        `created ${clockTime(new Date(begin * 1000).toISOString())}`,
      ),
      Object.entries(spent).map(([state, seconds]) =>
        h(
          "span",
          { class: `key is-${state}`, key: state },
          h("i", { class: "dot", "aria-hidden": "true" }),
          `${WORDS[state]} ${duration(seconds)}`,
        ),
      ),
      job.done && job.finished_at
        ? h(
            "span",
            { class: "key figure", key: "end" },
            h("i", { class: `end is-${job.state}`, "aria-hidden": "true" }),
            `${job.state} ${clockTime(job.finished_at)}`,
          )
        : null,
      kept === null
        ? null
        : h(
            "span",
            { class: "key", key: "kept" },
            h("i", { class: "kept", "aria-hidden": "true" }),
            "last checkpoint ",
            when(job.checkpoint?.at ?? null),
          ),
    ),
  );
}
