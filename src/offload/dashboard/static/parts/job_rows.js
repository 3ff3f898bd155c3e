/** Jobs as rows: the same columns wherever jobs are listed. */

import { inShort, quoted } from "../core/format.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { buttons } from "./actions.js";
import { badge, lasting, progress, when } from "./state.js";

/** @import { Column } from "./pieces.js" */

/** @type {Record<string, Column>} */
export const COLUMNS = {
  state: { name: "State", class: "c-state", cell: (job) => badge(job.state) },
  job: {
    name: "Job",
    class: "c-job",
    cell: (job) => [
      h(
        "div",
        { class: "job-line" },
        h("a", { href: link(["jobs", job.id]), class: "job-name" }, job.task),
        h("span", { class: "soft figure" }, `#${job.id}`),
        job.tags.map((/** @type {string} */ tag) =>
          h("a", { class: "tag", key: tag, href: link(["jobs"], { tag }) }, tag),
        ),
      ),
      h("div", { class: "params", title: inShort(job.params, 400) }, inShort(job.params)),
    ],
  },
  progress: { name: "Progress", class: "c-progress", cell: (job) => [progress(job), why(job)] },
  queue: {
    name: "Queue",
    class: "c-queue",
    cell: (job) =>
      h("a", { class: "plain", href: link(["jobs"], { queue: job.queue }) }, job.queue),
  },
  attempt: {
    name: "Attempt",
    class: "c-attempt figure",
    cell: (job) =>
      job.attempt
        ? `${job.attempt}${job.retries ? ` of ${job.retries + 1}` : ""}`
        : h("span", { class: "soft" }, "–"),
  },
  worker: {
    name: "Worker",
    class: "c-worker figure",
    cell: (job) =>
      job.worker === null
        ? h("span", { class: "soft" }, "–")
        : h("a", { class: "plain", href: link(["workers"]) }, job.worker),
  },
  age: { name: "Created", class: "c-age figure", cell: (job) => when(job.created_at) },
  duration: { name: "Ran", class: "c-duration figure", cell: (job) => lasting(job) },
};

/**
 * The buttons that work now, in the last column.
 *
 * @param {() => void} changed
 * @returns {Column}
 */
export function actionsColumn(changed) {
  return {
    name: "Actions",
    isHidden: true,
    class: "c-actions",
    cell: (job) => h("div", { class: "buttons" }, buttons(job, changed, { isSmall: true })),
  };
}

/**
 * Why a job waits, or stands still: in amber where somebody holds it.
 *
 * @param {JobShape} job
 */
function why(job) {
  const { state, reason } = job;
  if (!reason || !["queued", "scheduled", "paused", "resuming", "waiting"].includes(state))
    return null;
  const isHeld = state === "paused" || isHeldByPause(job);
  const text = reason === job.pause?.reason ? quoted(reason) : reason;
  return h("div", { class: `cause ${isHeld ? "why" : "soft"}`, title: text }, text);
}

/**
 * Whether a job waits because its queue or its task is paused.
 *
 * @param {JobShape} job
 */
export function isHeldByPause({ reason }) {
  return /^the (queue|task) '.*' is paused(:|$)/s.test(reason ?? "");
}

/**
 * Open a job where its row is pressed, beside links and buttons.
 *
 * @param {JobShape} job
 */
export function opening(job) {
  return {
    click: (/** @type {MouseEvent} */ event) => {
      const target = /** @type {Element} */ (event.target);
      if (target.closest("a, button, input, label") || getSelection()?.toString()) return;
      go(link(["jobs", job.id]));
    },
  };
}

/**
 * Put how far jobs have come into what is shown, until it is read anew.
 *
 * @param {JobShape[]} jobs
 * @param {Map<number, any>} motions
 * @returns {boolean} whether any of them moved
 */
export function move(jobs, motions) {
  let moved = false;
  for (const job of jobs) {
    const motion = motions.get(job.id);
    if (!motion || job.done) continue;
    job.progress = motion.progress;
    moved = true;
  }
  return moved;
}
