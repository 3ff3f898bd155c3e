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
 * @param {Moving} job
 * @param {{isLarge?: boolean}} [options]
 */
export function progress(job, { isLarge = false } = {}) {
  const said = job.progress;
  if (!said) return null;
  const share = shareOf(said);
  const left = remaining(job.state, said);
  return h(
    "div",
    { class: `progress is-${job.state} ${isLarge ? "large" : ""}` },
    bar(`progress of job ${job.id}`, said),
    h(
      "div",
      { class: "far" },
      h(
        "span",
        { class: "figure" },
        share === null || !isLarge ? counted(said, isLarge) : `${Math.floor(share * 100)} %`,
      ),
      isLarge && share !== null ? h("span", { class: "soft" }, counted(said, true)) : null,
      isLarge && said.rate && moves(job.state) ? h("span", { class: "soft" }, pace(said.rate, said.unit)) : null,
      left === null
        ? null
        : h("span", { class: "soft" }, `${age(left) === "now" ? "1 s" : age(left)} left`),
      isLarge && said.message ? h("span", { class: "message" }, said.message) : null,
    ),
  );
}

/**
 * Show what else a job counts, beside its progress: each with its name.
 *
 * @param {JobShape} job
 */
export function bars(job) {
  const given = job.progress?.bars ?? [];
  if (!given.length) return null;
  return h(
    "ul",
    { class: "bars" },
    given.map((each, at) =>
      h(
        "li",
        { key: `${at} ${each.name}`, class: `progress is-${job.state}` },
        h("span", { class: "name" }, each.name),
        bar(`${each.name} of job ${job.id}`, each),
        h(
          "div",
          { class: "far" },
          h("span", { class: "figure" }, counted(each, true)),
          each.message ? h("span", { class: "message" }, each.message) : null,
        ),
      ),
    ),
  );
}

/** @typedef {{id: number | string, state: string, progress: ProgressShape | null}} Moving */

/** @typedef {{done: number, total: number | null, unit: string | null}} Count */

/** @param {Count} said */
function shareOf({ done, total }) {
  return total ? Math.min(1, Math.max(0, done / total)) : null;
}

/** @param {string} label @param {Count} said */
function bar(label, said) {
  const share = shareOf(said);
  if (share === null) return null;
  return h(
    "div",
    {
      class: "bar",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": said.total,
      "aria-valuenow": said.done,
    },
    h("div", { class: "fill", style: { "--share": share } }),
  );
}

/**
 * Write 3 / 40 steps; in a row without a long unit, and where there is no total always with it.
 *
 * @param {Count} said
 * @param {boolean} isWhole
 */
function counted({ done, total, unit }, isWhole) {
  const far = total ? `${figure(done)} / ${figure(total)}` : figure(done);
  const isShort = (unit ?? "").length < 3;
  return total && !isWhole && !isShort ? far : far + units(unit, total || done);
}

/** @param {string} state */
function moves(state) {
  return state === "running" || state === "waiting";
}

/**
 * Return the seconds that a job still needs, as the server expects.
 *
 * @param {string} state
 * @param {ProgressShape} said
 * @returns {number | null}
 */
function remaining(state, said) {
  if (!moves(state)) return null;
  const eta = said.eta ? Date.parse(said.eta) / 1000 : 0;
  return eta > now() ? eta - now() : null;
}

/** @param {number} rate @param {string | null} unit */
function pace(rate, unit) {
  const shown = Number(rate.toPrecision(2));
  return rate >= 0.5
    ? `${figure(shown)}${units(unit, shown)} per second`
    : `${duration(1 / rate)} each`;
}

/**
 * Show how long a job has run, or ran, or waits.
 *
 * @param {JobShape} job
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
