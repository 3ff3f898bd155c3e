/** What a task is: its signature, its documentation, and what can be done with its jobs. */

import { h } from "../core/view.js";
import { card, facts, prose } from "./pieces.js";

const KINDS = /** @type {Record<string, string>} */ ({
  async: "async: on the worker's loop",
  thread: "blocking: in a thread",
  process: "blocking: in a process of its own",
  poll: "polling: work elsewhere, looked at now and then",
  box: "a box of the brief's kind",
});

const PAUSE = /** @type {Record<string, string>} */ ({
  "at-await": "stands still at its next await",
  stopped: "its processes are stopped where they are",
  "at-checkpoint": "stands still at its next checkpoint()",
  "not-checking": "no more looks; the work elsewhere goes on",
  no: "only before it starts",
});

const CANCEL = /** @type {Record<string, string>} */ ({
  "at-await": "stops at its next await",
  asked: "is asked, and stops where it looks",
  killed: "is asked, then killed",
  told: "the other side is told",
});

/** @param {TaskShape} task */
export function aboutTask(task) {
  const { capabilities } = task;
  return card(
    "About",
    [
      h("code", { class: "signature" }, task.signature),
      beyondSummary(task),
      facts([
        ["Runs", KINDS[task.executor] ?? task.executor],
        ["Queue", task.queue],
        ["Priority", task.priority || null],
        ["Tags", task.tags.length ? task.tags.join(", ") : null],
        ["Also named", task.aliases.length ? task.aliases.join(", ") : null],
        ["Cancel", CANCEL[capabilities.cancel] ?? capabilities.cancel],
        ["Pause", PAUSE[capabilities.pause] ?? null],
        ["Note", capabilities.reason],
      ]),
    ],
    { class: "spaced" },
  );
}

/**
 * The rest of the docstring in paragraphs: lines that were broken to fit its file are joined.
 *
 * @param {TaskShape} task
 */
function beyondSummary(task) {
  return (task.doc ?? "")
    .split(/\n\s*\n/)
    .filter((/** @type {string} */ part) => part.replace(/\s+/g, " ") !== task.summary)
    .map((/** @type {string} */ part, /** @type {number} */ at) =>
      /\n\s/.test(part)
        ? h("pre", { key: at, class: "doc" }, part)
        : h("p", { key: at, class: "soft" }, prose(part.replaceAll("\n", " "))),
    );
}
