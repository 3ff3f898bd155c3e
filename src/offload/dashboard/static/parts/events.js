/** Events in words: what happened, who did it, through which door, and why. */

import { quoted } from "../core/format.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";

/** @type {Record<string, string>} */
const WORDS = {
  queued: "created",
  claimed: "started by a worker",
  "cancel-requested": "cancel requested",
  "pause-requested": "pause requested",
  "pause-withdrawn": "pause withdrawn",
  "pause-refused": "could not be paused",
  "resume-requested": "resume requested",
  "resume-withdrawn": "resume withdrawn",
  "complete-requested": "its outcome came from outside",
  held: "held before it started",
  released: "back in the queue",
  stopped: "stopped, as asked",
  interrupted: "interrupted, back in the queue",
  retried: "tried again",
  rescued: "rescued from a worker that is gone",
};

/** What looks like another state than the one that a job has then. @type {Record<string, string>} */
const LOOKS = {
  "cancel-requested": "cancelling",
  "pause-requested": "paused",
  "pause-withdrawn": "running",
  "resume-requested": "running",
  "resume-withdrawn": "paused",
  resumed: "running",
  released: "running",
};

/** What somebody has said, as it was said. */
const SAID = new Set(["pause-requested", "paused", "held", "cancel-requested"]);

/** @type {Record<string, string>} */
const DOORS = { http: "over HTTP", python: "from Python", cli: "in the terminal" };

/**
 * Who asked, as far as that is known, and how: lena over HTTP. An address is told where it matters.
 *
 * @param {string} actor
 * @param {string} door
 * @param {{withAddress?: boolean}} [options]
 */
export function who(actor, door, { withAddress = false } = {}) {
  const way = DOORS[door];
  if (!way) return { name: actor === "care" ? "offload itself" : actor, way: "" };
  const [kind, ...rest] = actor.split(" ");
  if (kind === "http" && rest.length)
    return { name: "", way: withAddress ? `${way} from ${rest.join(" ")}` : way };
  if (kind === "python" && rest.length) return { name: "", way };
  return { name: kind === "cli" ? rest.join(" ") : actor, way };
}

/** @param {any} event @param {boolean} withAddress */
function byWhom(event, withAddress) {
  if (event.kind === "claimed" && event.worker !== null) return null;
  const { name, way } = who(event.actor, event.door, { withAddress });
  return h(
    "p",
    { class: "soft small", title: event.actor },
    [name, way].filter(Boolean).join(" "),
  );
}

/** @param {any} event */
function what(event) {
  return event.kind === "claimed" && event.worker !== null
    ? `started on worker ${event.worker}`
    : inWords(event.kind);
}

/** @param {string} kind */
export function inWords(kind) {
  return WORDS[kind] ?? kind.replaceAll("-", " ");
}

/**
 * @param {any[]} events newest first
 * @param {{ofOne?: boolean}} [options]
 */
export function eventRows(events, { ofOne = false } = {}) {
  const addresses = events.map(({ actor }) => actor).filter((actor) => actor.startsWith("http "));
  const withAddress = new Set(addresses).size > 1;
  return h(
    "ol",
    { class: "events" },
    events.map((event) =>
      h(
        "li",
        { key: event.id, class: `is-${LOOKS[event.kind] ?? event.state}` },
        h("span", { class: "sign" }, icon(event.kind === "retried" ? "retry" : (LOOKS[event.kind] ?? event.state))),
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
            h("b", null, what(event)),
            event.attempt && ofOne
              ? h("span", { class: "soft" }, ` attempt ${event.attempt}`)
              : null,
          ),
          event.reason
            ? h("p", { class: "reason" }, SAID.has(event.kind) ? quoted(event.reason) : event.reason)
            : null,
          byWhom(event, withAddress),
        ),
        h("offload-time", { since: event.at, class: "soft figure" }),
      ),
    ),
  );
}
