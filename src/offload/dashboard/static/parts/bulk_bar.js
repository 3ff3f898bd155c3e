/** What can be done with the rows that are selected, or with all that match. */

import { plural } from "../core/format.js";
import { h } from "../core/view.js";
import { VERBS } from "./actions.js";

/**
 * @typedef {object} Selection
 * @property {any[]} rows that are shown
 * @property {Set<number>} selected
 * @property {boolean} isWhole every job that fits the filters is meant
 * @property {boolean} hasMore there are older ones than those that are shown
 * @property {string} working how far it has come; empty where nothing is done
 *
 * @typedef {object} Told
 * @property {() => void} selectShown
 * @property {() => void} selectWhole
 * @property {(chosen: any[], verb: import("./actions.js").Verb) => void} act
 * @property {() => void} done
 */

/**
 * @param {Selection} selection
 * @param {Told} told
 */
export function bulkBar({ rows, selected, isWhole, hasMore, working }, told) {
  const chosen = rows.filter((job) => selected.has(job.id));
  return h(
    "div",
    { class: "bulk", role: "region", "aria-label": "Selected jobs", key: "bulk" },
    h(
      "b",
      { class: "figure" },
      working || (isWhole ? "All that match" : `${plural(chosen.length, "job")} selected`),
    ),
    chosen.length < rows.length
      ? quiet(`Select all ${rows.length} shown`, told.selectShown)
      : hasMore && !isWhole
        ? quiet("Select all that match the filters", told.selectWhole)
        : null,
    h(
      "div",
      { class: "buttons" },
      VERBS.map((verb) => {
        const able = chosen.filter((job) => job.links[verb]).length;
        return h(
          "button",
          {
            key: verb,
            class: "button small",
            type: "button",
            disabled: !(able || isWhole) || Boolean(working),
            on: { click: () => told.act(chosen, verb) },
          },
          verb[0].toUpperCase() + verb.slice(1),
          able && !isWhole ? h("span", { class: "soft figure" }, ` ${able}`) : null,
        );
      }),
      quiet("Done", told.done),
    ),
  );
}

/** @param {string} text @param {() => void} click */
function quiet(text, click) {
  return h(
    "button",
    { key: text, class: "button small quiet", type: "button", on: { click } },
    text,
  );
}
