/** The attempts at a job, and the receipts: what was asked of it, and what came true. */

import { bytes, duration, plural } from "../core/format.js";
import { h } from "../core/view.js";
import { inWords } from "./events.js";
import { icon } from "./icons.js";
import { card, table } from "./pieces.js";

/** @param {any[] | undefined} items */
export function attempts(items) {
  if (!items?.length) return null;
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
            duration(each.active_seconds),
            each.paused_seconds
              ? h("div", { class: "soft small" }, `paused ${duration(each.paused_seconds)}`)
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
 * What was asked of it, what was done, and whether it is known to have come true.
 *
 * @param {any[] | undefined} given
 */
export function receipts(given) {
  if (!given?.length) return null;
  return card("Receipts", h("ol", { class: "receipts" }, given.map(receipt)), {
    key: "receipts",
  });
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
      each.says,
    ),
    each.reason ? h("p", { class: "reason" }, each.reason) : null,
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
