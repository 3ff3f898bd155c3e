/**
 * Figures from the newest jobs: how many ended and how, how long they waited and ran, over a time.
 *
 * Taken from the jobs themselves, so they cost the server one page; where more have happened than it
 * holds, the time that it covers is shorter, and said.
 */

/** @typedef {{label: string, seconds: number}} Span */

/** @type {Record<string, Span>} */
export const SPANS = {
  "15m": { label: "15 min", seconds: 900 },
  "1h": { label: "1 hour", seconds: 3600 },
  "24h": { label: "24 hours", seconds: 86400 },
};

export const BINS = 48;

/** @typedef {ReturnType<typeof take>} Sample */

/**
 * @param {JobShape[]} jobs newest first
 * @param {number} end seconds
 * @param {number} span seconds
 */
export function take(jobs, end, span) {
  const size = span / BINS;
  // Bins stand still while time passes, or bars would dance.
  const last = Math.ceil(end / size) * size;
  const begin = last - span;
  const bins = Array.from({ length: BINS }, (_, at) => ({
    from: begin + at * size,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    queued: 0,
    running: 0,
    paused: 0,
    waits: /** @type {number[]} */ ([]),
    runs: /** @type {number[]} */ ([]),
  }));
  const binOf = (/** @type {number | null} */ instant) =>
    instant === null || instant < begin
      ? null
      : bins[Math.min(BINS - 1, Math.floor((instant - begin) / size))];
  const waits = [];
  const runs = [];
  for (const job of jobs) {
    const created = at(job.created_at);
    const started = at(job.started_at);
    const finished = at(job.finished_at);
    const bin = binOf(finished);
    if (bin) bin[/** @type {"succeeded"} */ (job.state)] += 1;
    if (bin && started !== null && finished !== null) {
      bin.runs.push(finished - started);
      runs.push(finished - started);
    }
    const begun = binOf(started);
    const due = Math.max(created ?? 0, at(job.run_at) ?? 0);
    if (begun && started !== null && isFirstBegin(job) && started >= due) {
      begun.waits.push(started - due);
      waits.push(started - due);
    }
    for (const each of bins) {
      // What is now is seen in the last one, however short a time it covers yet.
      const middle = each.from + size >= end ? end : each.from + size / 2;
      if (created !== null && created <= middle && (started ?? finished ?? Infinity) > middle)
        each.queued += 1;
      const paused = job.state === "paused" ? at(job.pause?.since) : null;
      if (paused !== null && paused <= middle) each.paused += 1;
      if (started !== null && started <= middle && (finished ?? Infinity) > middle)
        each.running += 1;
    }
  }
  const ended = bins.reduce((sum, each) => sum + each.succeeded + each.failed + each.cancelled, 0);
  return {
    bins,
    size,
    ended,
    failed: bins.reduce((sum, each) => sum + each.failed, 0),
    wait: p95(waits),
    run: p95(runs),
  };
}

/** Whether it began only once: of an earlier time it is not known when it could have. */
/** @param {JobShape} job */
function isFirstBegin(job) {
  return job.attempt === 1 && !job.interrupts && !job.crashes && !job.paused_seconds;
}

/** @param {string | null | undefined} instant */
function at(instant) {
  return instant ? Date.parse(instant) / 1000 : null;
}

/**
 * @param {number[]} values
 * @returns {number | null}
 */
export function p95(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))];
}
