/** What is known of a job beside its life: why it failed, and its settings. */

import { bytes, duration, exact, moment } from "../core/format.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";
import { card, facts } from "./pieces.js";
import { when } from "./state.js";
import { copy } from "./toasts.js";

/** @param {ErrorShape} error */
export function failure(error) {
  const more = [
    error.exit_code === null ? null : `exit code ${error.exit_code}`,
    error.signal,
    error.peak_memory ? `held ${bytes(error.peak_memory)}` : null,
  ]
    .filter(Boolean)
    .join(", ");
  return card(
    h("span", { class: "is-failed ink" }, icon("failed"), error.type ?? error.code),
    [
      h("p", { class: "message" }, error.message),
      more || !error.retryable
        ? h(
            "p",
            { class: "soft note" },
            more,
            more && !error.retryable ? "; " : "",
            error.retryable ? "" : "another attempt would fail in the same way",
          )
        : null,
      error.traceback
        ? h(
            "pre",
            { class: "value trace", tabindex: 0, role: "region", "aria-label": "Traceback" },
            error.traceback,
          )
        : null,
    ],
    {
      key: "error",
      class: "is-bad",
      aside: error.traceback
        ? h(
            "button",
            {
              class: "button quiet small square",
              type: "button",
              "aria-label": "Copy the traceback",
              title: "Copy the traceback",
              on: { click: () => copy(error.traceback ?? "", "The traceback was copied") },
            },
            icon("copy"),
          )
        : null,
    },
  );
}

/** @param {JobShape} job */
export function details(job) {
  const at = (/** @type {string | null} */ instant) =>
    instant ? h("time", { datetime: instant, title: exact(instant) }, moment(instant)) : null;
  const { usage } = job;
  return card(
    "Details",
    facts([
      ["Task", h("a", { href: link(["tasks", job.task]) }, job.task)],
      ["Kind", job.kind],
      ["Queue", h("a", { href: link(["jobs"], { queue: job.queue }) }, job.queue)],
      [
        "Group",
        job.group === null
          ? null
          : h("a", { href: link(["groups", job.group]) }, `group ${job.group}`),
      ],
      [
        "Tags",
        job.tags.length
          ? job.tags.map((/** @type {string} */ tag) =>
              h("a", { class: "tag", key: tag, href: link(["jobs"], { tag }) }, tag),
            )
          : null,
      ],
      ["Owner", job.owner],
      ["Key", job.key],
      ["Priority", job.priority || null],
      [
        "Attempt",
        job.attempt ? `${job.attempt}${job.retries ? ` of at most ${job.retries + 1}` : ""}` : null,
      ],
      ["Crashes", job.crashes || null],
      ["Interrupts", job.interrupts || null],
      [
        "Worker",
        job.worker === null
          ? null
          : h("a", { href: link(["jobs"], { worker: String(job.worker) }) }, job.worker),
      ],
      ["Checkpoint", job.checkpoint ? when(job.checkpoint.at) : null],
      ["Memory", usage?.peak_memory ? `${bytes(usage.peak_memory)} at most` : null],
      ["CPU", typeof usage?.cpu_seconds === "number" ? duration(usage.cpu_seconds) : null],
      ["Exit", usage?.signal ?? (usage?.exit_code || null)],
      ["Created", at(job.created_at)],
      ["Due", at(job.run_at)],
      ["Deadline", at(job.deadline_at)],
      ["Next check", job.next_check_at ? when(job.next_check_at, "in") : null],
      ["Started", at(job.started_at)],
      ["Ended", at(job.finished_at)],
      ["Kept until", at(job.kept_until)],
    ]),
  );
}
