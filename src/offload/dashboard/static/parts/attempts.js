/** The attempts at a job, and its stops and pauses: what was asked of it, and what came true. */

import { bytes, duration, plural, quoted } from "../core/format.js";
import { h } from "../core/view.js";
import { inWords } from "./events.js";
import { icon } from "./icons.js";
import { card, table } from "./pieces.js";
import { sums } from "./timeline.js";

/** @import { Span } from "./timeline.js" */

/** @param {any[] | undefined} items @param {Span[]} spans */
export function attempts(items, spans) {
  if (!items?.length) return null;
  // An attempt that lasts goes on since the server told of it.
  const spent = (/** @type {any} */ each) =>
    each.ended_at
      ? { active: each.active_seconds, paused: each.paused_seconds }
      : sums(spans, Date.parse(each.began_at) / 1000);
  return card(
    "Attempts",
    table(
      "Attempts",
      [
        { name: "Attempt", class: "figure", cell: (each) => each.number },
        { name: "Ended", cell: (each) => ending(each) },
        {
          name: "Worker",
          class: "figure",
          cell: (each) => [
            each.worker ?? "–",
            h(
              "div",
              { class: "soft small" },
              [each.host, each.pid && `pid ${each.pid}`].filter(Boolean).join(", "),
            ),
          ],
        },
        {
          name: "Ran",
          class: "figure",
          cell: (each) => [
            duration(spent(each).active),
            spent(each).paused
              ? h("div", { class: "soft small" }, `paused ${duration(spent(each).paused)}`)
              : null,
          ],
        },
        {
          name: "Memory",
          class: "figure",
          cell: (each) => (each.usage?.peak_memory ? bytes(each.usage.peak_memory) : "–"),
        },
        {
          name: "CPU",
          class: "figure",
          cell: (each) =>
            typeof each.usage?.cpu_seconds === "number" ? duration(each.usage.cpu_seconds) : "–",
        },
      ],
      items,
      { key: (each) => each.token },
    ),
    { key: "attempts", class: "flush-body" },
  );
}

/**
 * What was asked of it, what was done, and whether it is known to have come true; and what it means
 * for the machine that it stands still.
 *
 * @param {any[] | undefined} given
 * @param {PauseShape | null} pause
 */
export function receipts(given, pause) {
  const still = pause ? standing(pause) : "";
  if (!given?.length && !still) return null;
  return card(
    "Stops and pauses",
    [
      still ? h("p", null, still) : null,
      given?.length ? h("ol", { class: "receipts" }, given.map(receipt)) : null,
    ],
    { key: "receipts" },
  );
}

/** @param {PauseShape} pause */
function standing({ keeps, frees }) {
  const words = [keeps && `keeps ${keeps}`, frees && `frees ${frees}`].filter(Boolean);
  return words.length ? `While it stands still, it ${words.join("; it ")}.` : "";
}

/** What came true, of what was asked. @type {Record<string, string>} */
const CAME_TRUE = { cancel: "Stopped", pause: "Stood still", resume: "Went on" };

/** What is still true of what stands still, behind what was done: …; threads go on. */
const BESIDES = /;\s*(.+\bgo(?:es)? on)$/;

/**
 * One sentence for what came of it, and one for what goes on all the same.
 *
 * @param {any} each
 */
function sentences(each) {
  const done = each.outcome === "done" && each.ended !== "held" ? CAME_TRUE[each.asked] : null;
  if (!done || each.seconds === null) return sentence(each.says);
  const besides = each.deeds
    .map((/** @type {any} */ deed) => BESIDES.exec(deed.what)?.[1])
    .find(Boolean);
  const after = each.seconds ? `${duration(each.seconds)} after it was asked to` : "at once";
  return `${done} ${after}.${besides ? ` ${sentence(besides)}` : ""}`;
}

/** @param {string} text */
function sentence(text) {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`;
}

/** @param {any} each */
function ending(each) {
  if (!each.ended) return h("span", { class: "soft" }, "goes on");
  const how = [
    each.reason?.startsWith(each.code) ? null : each.code,
    each.usage?.signal,
    each.usage?.exit_code ? `exit code ${each.usage.exit_code}` : null,
    each.reason,
  ]
    .filter(Boolean)
    .join(", ");
  return [inWords(each.ended), how ? h("div", { class: "soft small" }, how) : null];
}

/** @param {any} each @param {number} at */
function receipt(each, at) {
  const isOver =
    each.outcome === "done" || each.outcome === "finished-first" || each.outcome === "withdrawn";
  return h(
    "li",
    { key: at },
    h(
      "p",
      null,
      icon(isOver ? "succeeded" : each.outcome === "pending" ? "waiting" : "warning"),
      " ",
      sentences(each),
    ),
    each.reason && each.outcome !== "refused"
      ? h("p", { class: "reason" }, quoted(each.reason))
      : null,
    each.deeds.length
      ? h(
          "details",
          null,
          h("summary", null, plural(each.deeds.length, "step")),
          h(
            "ol",
            { class: "deeds" },
            each.deeds.map((/** @type {any} */ deed, /** @type {number} */ n) =>
              h(
                "li",
                { key: n },
                h("span", { class: "soft figure" }, `+${duration(deed.after_seconds)}`),
                " ",
                deed.what,
                deed.pids.length
                  ? h(
                      "span",
                      { class: "soft figure" },
                      ` (${deed.pids.length > 4 ? plural(deed.pids.length, "process", "processes") : deed.pids.join(", ")})`,
                    )
                  : null,
              ),
            ),
          ),
        )
      : null,
  );
}
