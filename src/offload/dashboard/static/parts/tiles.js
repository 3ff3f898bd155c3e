/** The figures on top of the overview, each with how it went lately. */

import { now } from "../core/api.js";
import { age, count, duration } from "../core/format.js";
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
      under: jobs.running ? `of ${count(slots)} slots` : "nothing runs",
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
      under: "per minute",
      state: "succeeded",
      values: bins.map((bin) => bin.succeeded + bin.failed + bin.cancelled),
      href: ofState("succeeded,failed,cancelled"),
    }),
    tile("Wait", sample.wait === null ? "–" : duration(sample.wait), {
      under: "95 % began within",
      state: "plain",
      values: bins.map((bin) => p95(bin.waits) ?? 0),
    }),
    tile("Run", sample.run === null ? "–" : duration(sample.run), {
      under: "95 % took at most",
      state: "plain",
      values: bins.map((bin) => p95(bin.runs) ?? 0),
    }),
  );
}

/**
 * @param {string} name
 * @param {string} value
 * @param {{under: string, state: string, values: number[], href?: string}} more
 */
function tile(name, value, { under, state, values, href }) {
  const is = value === "0" || value === "0.0" ? "none" : state;
  return h(
    "li",
    { key: name, class: `tile is-${is}` },
    h(
      href ? "a" : "div",
      href ? { href } : null,
      h("span", { class: "name" }, name),
      h("b", { class: "figure" }, value),
      h("span", { class: "soft" }, under),
      values.some(Boolean) ? spark(values, state) : null,
    ),
  );
}
