/** Events in words: what happened, who did it, through which door, and why. */

import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";

/** @type {Record<string, string>} */
const WORDS = {
  queued: "started",
  claimed: "begun by a worker",
  "cancel-requested": "cancel asked for",
  "pause-requested": "pause asked for",
  "pause-withdrawn": "pause withdrawn",
  "pause-refused": "could not be paused",
  "resume-requested": "resume asked for",
  "resume-withdrawn": "resume withdrawn",
  "complete-requested": "its outcome came from outside",
  held: "held before it began",
  released: "back in the queue",
  stopped: "stopped, as asked",
  interrupted: "interrupted, back in the queue",
  retried: "tried again",
  rescued: "rescued from a worker that is gone",
};

/** @param {string} kind */
export function inWords(kind) {
  return WORDS[kind] ?? kind.replaceAll("-", " ");
}

/**
 * @param {any[]} events newest first
 * @param {{ofOne?: boolean}} [options]
 */
export function eventRows(events, { ofOne = false } = {}) {
  return h(
    "ol",
    { class: "events" },
    events.map((event) =>
      h(
        "li",
        { key: event.id, class: `is-${event.state}` },
        h("span", { class: "sign" }, icon(event.state)),
        h(
          "div",
          null,
          h(
            "p",
            null,
            ofOne
              ? null
              : [
                  h(
                    "a",
                    { class: "job-name", href: link(["jobs", event.job_id]) },
                    event.task,
                    h("span", { class: "soft figure" }, ` #${event.job_id}`),
                  ),
                  " ",
                ],
            h("b", null, inWords(event.kind)),
            event.attempt && ofOne
              ? h("span", { class: "soft" }, ` attempt ${event.attempt}`)
              : null,
          ),
          event.reason ? h("p", { class: "reason" }, event.reason) : null,
          h(
            "p",
            { class: "soft small" },
            event.actor,
            event.door && !event.actor.startsWith(event.door) ? ` through ${event.door}` : "",
          ),
        ),
        h("offload-time", { since: event.at, class: "soft figure" }),
      ),
    ),
  );
}
