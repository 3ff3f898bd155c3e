/**
 * What somebody should look at, from what the API says and from when it was first seen.
 *
 * @typedef {object} Note
 * @property {"bad" | "warn"} how
 * @property {string} subject what is so; names in backticks
 * @property {string} [why]
 * @property {string} link where more of it stands
 * @property {string} see what that is
 * @property {{kind: "queue" | "task", held: import("./halting.js").Held}} [hold] what a click lets
 *   go on
 */

import { age, count, duration, plural } from "../core/format.js";
import { link } from "../core/router.js";

const SLOW_WISH_SECONDS = 30;
const LONG_PAUSE_SECONDS = 86_400;
const FULL = 0.8;
export const LATE_SECONDS = 1;
const SPIKE = 0.2;
const FEWEST_FAILURES = 3;
const MOST_NAMES = 2;

/**
 * @param {object} known
 * @param {JobShape[]} known.jobs that have not ended
 * @param {boolean} known.isWhole whether these are all that wait
 * @param {QueueShape[]} known.queues
 * @param {TaskShape[]} known.tasks
 * @param {WorkerShape[] | null} known.workers
 * @param {JobShape[]} known.recent
 * @param {JobShape | null} known.failed the newest of those that failed, with its error
 * @param {import("./sample.js").Sample} known.sample
 * @param {string} known.span of the sample, in words
 * @param {Map<number, number>} known.seen since when jobs are about to stop; kept up here
 * @param {number} known.now
 * @returns {Note[]}
 */
export function attention({ jobs, isWhole, queues, tasks, workers, seen, now, ...ended }) {
  return [
    ...unserved(queues, workers),
    ...full(queues),
    ...heldQueues(queues),
    ...heldTasks(tasks, isWhole ? jobs : []),
    ...failures(ended),
    ...slow(jobs, seen, now),
    ...forgotten(jobs, now),
    ...silent(workers),
    ...late(workers),
  ].sort((a, b) => Number(b.how === "bad") - Number(a.how === "bad"));
}

/**
 * That there is no worker at all is told on top of every page.
 *
 * @param {QueueShape[]} queues
 * @param {WorkerShape[] | null} workers
 * @returns {Note[]}
 */
function unserved(queues, workers) {
  const alive = (workers ?? []).filter((each) => each.alive && !each.stopping);
  if (!alive.length) return [];
  return queues
    .filter((queue) => (queue.counts.queued ?? 0) > 0 && !queue.paused)
    .filter(
      (queue) => !alive.some((each) => !each.queues.length || each.queues.includes(queue.name)),
    )
    .map((queue) => ({
      how: "bad",
      subject: `No live worker serves the queue \`${queue.name}\``,
      why: `${waits(queue.counts.queued ?? 0)}; start one with \`offload worker --queue ${queue.name}\``,
      link: link(["workers"]),
      see: "workers",
    }));
}

/** @param {QueueShape[]} queues @returns {Note[]} */
function heldQueues(queues) {
  return queues
    .filter((queue) => queue.paused)
    .map((queue) => ({
      how: "warn",
      subject: `Queue \`${queue.name}\` is paused`,
      why: reasons(queue.paused_reason, queue.counts.queued ?? 0),
      link: link(["queues"]),
      see: "queue",
      hold: { kind: /** @type {"queue"} */ ("queue"), held: queue },
    }));
}

/** @param {TaskShape[]} tasks @param {JobShape[]} jobs @returns {Note[]} */
function heldTasks(tasks, jobs) {
  return tasks
    .filter((task) => task.paused)
    .map((task) => ({
      how: "warn",
      subject: `Task \`${task.name}\` is paused`,
      why: reasons(
        task.paused_reason,
        jobs.filter((job) => job.state === "queued" && job.task === task.name).length,
      ),
      link: link(["tasks", task.name]),
      see: "task",
      hold: { kind: /** @type {"task"} */ ("task"), held: task },
    }));
}

/** @param {string | null} given @param {number} waiting */
function reasons(given, waiting) {
  return [given, waiting ? waits(waiting) : ""].filter(Boolean).join("; ");
}

/** @param {number} waiting */
function waits(waiting) {
  return plural(waiting, "job waits", "jobs wait");
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
      subject: `Job ${job.id} is ${job.state} since ${age(now - since)}`,
      why: `its code (\`${job.task}\`) has not come to where it can stop`,
      link: link(["jobs", job.id]),
      see: "job",
    }));
}

/** @param {QueueShape[]} queues @returns {Note[]} */
function full(queues) {
  return queues
    .map(({ name, capacity, counts, admitted }) => ({
      name,
      capacity: capacity || Infinity,
      admitted: admitted ?? 0,
      queued: counts.queued ?? 0,
    }))
    .filter(({ capacity, admitted }) => admitted >= capacity * FULL)
    .map(({ name, capacity, queued, admitted }) => ({
      ...fullness(name, admitted, capacity),
      why: admitted > queued ? `${count(queued)} queued + ${count(admitted - queued)} paused` : "",
      link: link(["queues"]),
      see: "queue",
    }));
}

/**
 * @param {string} name
 * @param {number} admitted
 * @param {number} capacity
 * @returns {Pick<Note, "how" | "subject">}
 */
function fullness(name, admitted, capacity) {
  const far = `${count(admitted)} of ${count(capacity)}`;
  if (admitted >= capacity)
    return { how: "bad", subject: `Queue \`${name}\` is full: new jobs are refused (${far})` };
  const share = Math.floor((admitted / capacity) * 100);
  return { how: "warn", subject: `Queue \`${name}\` is ${share} % full: ${far}` };
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
          subject: `${plural(old.length, "job")} paused for more than a day`,
          link: link(["jobs"], { state: "paused" }),
          see: "jobs",
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
      subject: `Worker ${each.id} is gone`,
      why: `it was on ${each.host}`,
      link: link(["workers"]),
      see: "workers",
    }));
}

/** @param {WorkerShape[] | null} workers @returns {Note[]} */
function late(workers) {
  return (workers ?? [])
    .map((each) => ({ ...each, lag: each.loop_lag ?? 0 }))
    .filter((each) => each.alive && each.lag > LATE_SECONDS)
    .map((each) => ({
      how: "warn",
      subject: `Worker ${each.id} is late by ${duration(each.lag)}`,
      why: "code that does not await blocks its loop",
      link: link(["workers"]),
      see: "workers",
    }));
}

/**
 * @param {Pick<Parameters<typeof attention>[0], "recent" | "failed" | "sample" | "span">} known
 * @returns {Note[]}
 */
function failures({ recent, failed, sample, span }) {
  if (!sample.failed) return [];
  const isSpike = sample.failed >= FEWEST_FAILURES && sample.failed >= sample.ended * SPIKE;
  const names = [
    ...new Set(recent.filter((job) => job.state === "failed").map((job) => job.task)),
  ].slice(0, MOST_NAMES + 1);
  const tasks = names.length > MOST_NAMES ? `${names[0]} and others` : names.join(", ");
  const error = failed?.error ? (failed.error.type ?? failed.error.code) : "";
  return [
    {
      how: isSpike ? "bad" : "warn",
      subject: `${plural(sample.failed, "job")} failed in ${span}`,
      why: tasks + (error && (names.length > 1 ? `; the newest: ${error}` : `: ${error}`)),
      link: link(["errors"]),
      see: "failures",
    },
  ];
}
