/**
 * What somebody should look at: pure, from what the API says.
 *
 * @typedef {{how: "bad" | "warn", text: string, link: string}} Note
 */

import { age, count, plural } from "../core/format.js";
import { link } from "../core/router.js";

const SLOW_WISH_SECONDS = 30;
const LONG_PAUSE_SECONDS = 86_400;
const FULL = 0.8;
const SPIKE = 0.2;
const FEWEST_FAILURES = 3;

/**
 * @param {{jobs: any[], queues: any[], workers: any[] | null, recent: any[], sample: import("./sample.js").Sample, now: number}} known
 * @returns {Note[]}
 */
export function attention({ jobs, queues, workers, recent, sample, now }) {
  return [
    ...unserved(queues, workers),
    ...held(queues),
    ...waiting(jobs),
    ...slow(jobs, now),
    ...full(queues),
    ...forgotten(jobs, now),
    ...silent(workers),
    ...spike(recent, sample),
  ];
}

/** @param {any[]} queues @param {any[] | null} workers @returns {Note[]} */
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
      text: `No live worker serves the queue ${queue.name}, where ${plural(queue.counts.queued, "job waits", "jobs wait")}`,
      link: link(["workers"]),
    }));
}

/** @param {any[]} queues @returns {Note[]} */
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
 * @param {any[]} jobs
 * @returns {Note[]}
 */
function waiting(jobs) {
  /** @type {Map<string, any[]>} */
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

/** @param {any[]} jobs @param {number} now @returns {Note[]} */
function slow(jobs, now) {
  return jobs
    .filter((job) => job.state === "cancelling" || job.state === "pausing")
    .map((job) => ({ job, asked: job.pause?.asked_at ?? job.cancel_asked_at ?? null }))
    .filter(({ asked }) => asked === null || now - Date.parse(asked) / 1000 > SLOW_WISH_SECONDS)
    .map(({ job, asked }) => ({
      how: "warn",
      text: `Job ${job.id} (${job.task}) is ${job.state}${asked ? ` since ${age(now - Date.parse(asked) / 1000)}` : ""}`,
      link: link(["jobs", job.id]),
    }));
}

/** @param {any[]} queues @returns {Note[]} */
function full(queues) {
  return queues
    .filter((queue) => queue.capacity)
    .map((queue) => ({ queue, waiting: (queue.counts.queued ?? 0) + (queue.counts.paused ?? 0) }))
    .filter(({ queue, waiting }) => waiting >= queue.capacity * FULL)
    .map(({ queue, waiting }) => ({
      how: waiting >= queue.capacity ? "bad" : "warn",
      text: `The queue ${queue.name} is ${waiting >= queue.capacity ? "full" : "almost full"}: ${count(waiting)} of ${count(queue.capacity)}`,
      link: link(["queues"]),
    }));
}

/** @param {any[]} jobs @param {number} now @returns {Note[]} */
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

/** @param {any[] | null} workers @returns {Note[]} */
function silent(workers) {
  return (workers ?? [])
    .filter((each) => !each.alive)
    .map((each) => ({
      how: "warn",
      text: `Worker ${each.id} on ${each.host} is gone`,
      link: link(["workers"]),
    }));
}

/** @param {any[]} recent @param {import("./sample.js").Sample} sample @returns {Note[]} */
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
