/**
 * What somebody should look at, from what the API says and from when it was first seen.
 *
 * @typedef {{how: "bad" | "warn", text: string, link: string}} Note
 */

import { age, count, duration, plural } from "../core/format.js";
import { link } from "../core/router.js";

const SLOW_WISH_SECONDS = 30;
const LONG_PAUSE_SECONDS = 86_400;
const FULL = 0.8;
export const LATE_SECONDS = 1;
const SPIKE = 0.2;
const FEWEST_FAILURES = 3;

/**
 * @param {object} known
 * @param {JobShape[]} known.jobs
 * @param {QueueShape[]} known.queues
 * @param {WorkerShape[] | null} known.workers
 * @param {JobShape[]} known.recent
 * @param {import("./sample.js").Sample} known.sample
 * @param {Map<number, number>} known.seen since when jobs are about to stop; kept up here
 * @param {number} known.now
 * @returns {Note[]}
 */
export function attention({ jobs, queues, workers, recent, sample, seen, now }) {
  return [
    ...unserved(queues, workers),
    ...held(queues),
    ...waiting(jobs),
    ...slow(jobs, seen, now),
    ...full(queues),
    ...forgotten(jobs, now),
    ...silent(workers),
    ...late(workers),
    ...spike(recent, sample),
  ];
}

/** @param {QueueShape[]} queues @param {WorkerShape[] | null} workers @returns {Note[]} */
function unserved(queues, workers) {
  if (workers === null) return [];
  const alive = workers.filter((each) => each.alive && !each.stopping);
  return queues
    .filter((queue) => (queue.counts.queued ?? 0) > 0 && !queue.paused)
    .filter(
      (queue) => !alive.some((each) => !each.queues.length || each.queues.includes(queue.name)),
    )
    .map((queue) => ({
      how: "bad",
      text: `No live worker serves the queue ${queue.name}, where ${plural(queue.counts.queued ?? 0, "job waits", "jobs wait")}`,
      link: link(["workers"]),
    }));
}

/** @param {QueueShape[]} queues @returns {Note[]} */
function held(queues) {
  return queues
    .filter((queue) => queue.paused)
    .map((queue) => ({
      how: "warn",
      text: `The queue ${queue.name} is paused${queue.paused_reason ? `: ${queue.paused_reason}` : ""}`,
      link: link(["queues"]),
    }));
}

/**
 * Jobs that wait for somebody, together where they say the same; of paused queues more is known.
 *
 * @param {JobShape[]} jobs
 * @returns {Note[]}
 */
function waiting(jobs) {
  /** @type {Map<string, JobShape[]>} */
  const found = new Map();
  for (const job of jobs)
    if (job.state === "queued" && job.reason?.startsWith("the task "))
      found.set(job.reason, [...(found.get(job.reason) ?? []), job]);
  return [...found].map(([reason, alike]) => ({
    how: "warn",
    text: `${plural(alike.length, "job waits", "jobs wait")}: ${reason}`,
    link: link(["tasks", alike[0].task]),
  }));
}

/**
 * When a job was asked to cancel is not told: it counts from when it was first seen to be about it.
 *
 * @param {JobShape[]} jobs
 * @param {Map<number, number>} seen
 * @param {number} now
 * @returns {Note[]}
 */
function slow(jobs, seen, now) {
  const about = jobs.filter((job) => job.state === "cancelling" || job.state === "pausing");
  const ids = new Set(about.map((job) => job.id));
  for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
  return about
    .map((job) => {
      const asked = job.state === "pausing" ? job.pause?.asked_at : null;
      if (!seen.has(job.id)) seen.set(job.id, asked ? Date.parse(asked) / 1000 : now);
      return { job, since: seen.get(job.id) ?? now };
    })
    .filter(({ since }) => now - since > SLOW_WISH_SECONDS)
    .map(({ job, since }) => ({
      how: "warn",
      text: `Job ${job.id} (${job.task}) is ${job.state} since ${age(now - since)}`,
      link: link(["jobs", job.id]),
    }));
}

/** @param {QueueShape[]} queues @returns {Note[]} */
function full(queues) {
  return queues
    .map(({ name, capacity, counts }) => ({
      name,
      capacity: capacity || Infinity,
      waiting: (counts.queued ?? 0) + (counts.paused ?? 0),
    }))
    .filter(({ capacity, waiting }) => waiting >= capacity * FULL)
    .map(({ name, capacity, waiting }) => ({
      how: waiting >= capacity ? "bad" : "warn",
      text: `The queue ${name} is ${waiting >= capacity ? "full" : "almost full"}: ${count(waiting)} of ${count(capacity)}`,
      link: link(["queues"]),
    }));
}

/** @param {JobShape[]} jobs @param {number} now @returns {Note[]} */
function forgotten(jobs, now) {
  const old = jobs.filter(
    (job) =>
      job.state === "paused" &&
      job.pause?.since &&
      now - Date.parse(job.pause.since) / 1000 > LONG_PAUSE_SECONDS,
  );
  return old.length
    ? [
        {
          how: "warn",
          text: `${plural(old.length, "job")} paused for more than a day`,
          link: link(["jobs"], { state: "paused" }),
        },
      ]
    : [];
}

/** @param {WorkerShape[] | null} workers @returns {Note[]} */
function silent(workers) {
  return (workers ?? [])
    .filter((each) => !each.alive)
    .map((each) => ({
      how: "warn",
      text: `Worker ${each.id} on ${each.host} is gone`,
      link: link(["workers"]),
    }));
}

/** @param {WorkerShape[] | null} workers @returns {Note[]} */
function late(workers) {
  return (workers ?? [])
    .map((each) => ({ ...each, lag: each.loop_lag ?? 0 }))
    .filter((each) => each.alive && each.lag > LATE_SECONDS)
    .map((each) => ({
      how: "warn",
      text: `Worker ${each.id} is late by ${duration(each.lag)}: code that does not await blocks its loop`,
      link: link(["workers"]),
    }));
}

/** @param {JobShape[]} recent @param {import("./sample.js").Sample} sample @returns {Note[]} */
function spike(recent, sample) {
  if (sample.failed < FEWEST_FAILURES || sample.failed < sample.ended * SPIKE) return [];
  /** @type {Map<string, number>} */
  const tasks = new Map();
  for (const job of recent)
    if (job.state === "failed") tasks.set(job.task, (tasks.get(job.task) ?? 0) + 1);
  const [task] = [...tasks].sort((a, b) => b[1] - a[1])[0] ?? [""];
  return [
    {
      how: "bad",
      text: `${sample.failed} of ${plural(sample.ended, "job")} failed lately, most of them ${task}`,
      link: link(["errors"]),
    },
  ];
}
