/** The figures on top of the overview, each with how it went lately. */

import { now } from "../core/api.js";
import { age, count, duration, figure } from "../core/format.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { spark } from "./charts.js";
import { p95 } from "./sample.js";

/** @import { Sample, Span } from "./sample.js" */

/**
 * @param {{sample: Sample, span: Span, jobs: Record<string, number>, slots: number, oldest: number | null}} known
 */
export function tiles({ sample, span, jobs, slots, oldest }) {
  const { bins } = sample;
  const perMinute = sample.ended / (span.seconds / 60);
  const ofState = (/** @type {string} */ state) => link(["jobs"], { state });
  return h(
    "ul",
    { class: "tiles" },
    tile("Running", count(jobs.running ?? 0), {
      under: jobs.running ? `now, of ${count(slots)} slots` : "nothing runs now",
      state: "running",
      values: bins.map((bin) => bin.running),
      href: ofState("running"),
    }),
    tile("Queued", count(jobs.queued ?? 0), {
      under: oldest ? `oldest ${age(now() - oldest)}` : jobs.queued ? "none is due" : "none waits",
      state: "queued",
      values: bins.map((bin) => bin.queued),
      href: ofState("queued"),
    }),
    tile("Paused", count(jobs.paused ?? 0), {
      under: jobs.paused ? "until resumed" : "none",
      state: "paused",
      values: bins.map((bin) => bin.paused),
      href: ofState("paused"),
    }),
    tile("Failed", count(sample.failed), {
      under: `in ${span.label}`,
      state: "failed",
      values: bins.map((bin) => bin.failed),
      href: link(["errors"]),
    }),
    tile("Throughput", perMinute >= 10 ? count(perMinute) : perMinute.toFixed(1), {
      under: `per minute, over ${span.label}`,
      state: "succeeded",
      values: bins.map((bin) => bin.succeeded + bin.failed + bin.cancelled),
      href: ofState("succeeded,failed,cancelled"),
    }),
    tile("Wait (p95)", roughly(sample.wait), {
      under: `started in ${span.label}`,
      title: "95 % of them began within this time after they could have",
      state: "plain",
      values: bins.map((bin) => p95(bin.waits)),
    }),
    tile("Run time (p95)", roughly(sample.run), {
      under: `ended in ${span.label}`,
      title: "95 % of them took at most this time",
      state: "plain",
      values: bins.map((bin) => p95(bin.runs)),
    }),
  );
}

/**
 * A duration that fits a tile: 3 ms, 12 s, 3.3 min, 2 h.
 *
 * @param {number | null} seconds
 */
function roughly(seconds) {
  if (seconds === null) return "–";
  if (seconds < 60) return duration(seconds);
  const [unit, size] = seconds < 3600 ? ["min", 60] : seconds < 86400 ? ["h", 3600] : ["d", 86400];
  return `${figure(Number((seconds / Number(size)).toPrecision(2)))} ${unit}`;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {object} more
 * @param {string} more.under
 * @param {string} more.state
 * @param {(number | null)[]} more.values
 * @param {string} [more.href]
 * @param {string} [more.title]
 */
function tile(name, value, { under, state, values, href, title }) {
  const is = value === "0" || value === "0.0" ? "none" : state;
  return h(
    "li",
    { key: name, class: `tile is-${is}`, title },
    h(
      href ? "a" : "div",
      href ? { href } : null,
      h("span", { class: "name" }, name),
      h("b", { class: "figure" }, value),
      h("span", { class: "soft" }, under),
      spark(values, state),
    ),
  );
}
