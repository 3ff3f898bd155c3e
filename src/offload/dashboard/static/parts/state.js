/** States and progress: each state is a sign, a word and a colour, so that none of them is needed. */

import { now } from "../core/api.js";
import { age, duration, figure, units } from "../core/format.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";

export const STATES = /** @type {const} */ ([
  "queued",
  "running",
  "paused",
  "failed",
  "succeeded",
  "cancelled",
]);

/** @param {string} state */
export function badge(state) {
  return h("span", { class: `badge is-${state}` }, icon(state), h("span", null, state));
}

/**
 * Show how far a job has come.
 *
 * @param {any} job
 * @param {{isLarge?: boolean}} [options]
 */
export function progress(job, { isLarge = false } = {}) {
  const said = job.progress;
  if (!said) return null;
  const { done, total, message, unit } = said;
  const share = total ? Math.min(1, Math.max(0, done / total)) : null;
  const counted = total
    ? `${figure(done)} / ${figure(total)}`
    : `${figure(done)}${units(unit, done)}`;
  const left = remaining(job);
  return h(
    "div",
    { class: `progress is-${job.state} ${isLarge ? "large" : ""}` },
    share === null
      ? null
      : h(
          "div",
          {
            class: "bar",
            role: "progressbar",
            "aria-label": `progress of job ${job.id}`,
            "aria-valuemin": 0,
            "aria-valuemax": total,
            "aria-valuenow": done,
          },
          h("div", { class: "fill", style: { "--share": share } }),
        ),
    h(
      "div",
      { class: "far" },
      h(
        "span",
        { class: "figure" },
        share === null ? counted : isLarge ? `${Math.floor(share * 100)} %` : counted,
      ),
      isLarge && total ? h("span", { class: "soft" }, `${counted}${units(unit, total)}`) : null,
      isLarge && rate(job) ? h("span", { class: "soft" }, rate(job)) : null,
      left === null
        ? null
        : h("span", { class: "soft" }, `${age(left) === "now" ? "1 s" : age(left)} left`),
      message && isLarge ? h("span", { class: "message" }, message) : null,
    ),
  );
}

/** @param {any} job */
function activeSeconds(job) {
  if (!job.started_at) return 0;
  if (job.done && typeof job.active_seconds === "number") return job.active_seconds;
  const end = job.finished_at ? Date.parse(job.finished_at) / 1000 : now();
  return Math.max(0, end - Date.parse(job.started_at) / 1000 - (job.paused_seconds ?? 0));
}

/**
 * Return the seconds that a job still needs, if it goes on as it did.
 *
 * @param {any} job
 * @returns {number | null}
 */
export function remaining(job) {
  const said = job.progress;
  if (!said?.total || !(said.done > 0) || said.done >= said.total) return null;
  if (job.state !== "running" && job.state !== "waiting") return null;
  return (activeSeconds(job) / said.done) * (said.total - said.done);
}

/** @param {any} job */
function rate(job) {
  const seconds = activeSeconds(job);
  if (!job.progress?.done || seconds < 1) return "";
  const perSecond = job.progress.done / seconds;
  const unit = units(job.progress.unit, 2);
  return perSecond >= 0.5
    ? `${figure(perSecond)}${unit} per second`
    : `${duration(1 / perSecond)} each`;
}

/**
 * Show how long a job has run, or ran, or waits.
 *
 * @param {any} job
 */
export function lasting(job) {
  if (!job.started_at) return h("span", { class: "soft" }, "–");
  return h("offload-time", {
    how: "lasting",
    since: job.started_at,
    until: job.finished_at,
    less: job.paused_seconds || null,
  });
}

/** @param {string | null} instant @param {string} [how] */
export function when(instant, how = "ago") {
  return instant ? h("offload-time", { since: instant, how }) : h("span", { class: "soft" }, "–");
}
