/** Small pictures of figures over time, with the figures in words for who cannot see them. */

import { clockTime, plural } from "../core/format.js";
import { h } from "../core/view.js";

const FEWEST_POINTS = 4;

/**
 * A line without axes: whether it rises or falls. Of fewer than a few points nothing is drawn: it
 * would be a spike that says nothing.
 *
 * @param {(number | null)[]} values null where nothing is known
 * @param {string} [colour] of a state
 */
export function spark(values, colour = "queued") {
  if (values.filter(Boolean).length < FEWEST_POINTS) return null;
  const top = Math.max(...values.map((value) => value ?? 0));
  const step = 100 / (values.length - 1);
  const points = values.flatMap((value, at) =>
    value === null ? [] : [[(at * step).toFixed(1), (23 - (value / top) * 22).toFixed(1)]],
  );
  const line = points.map((each) => each.join(",")).join(" L");
  return h(
    "svg",
    {
      class: `spark is-${colour}`,
      viewBox: "0 0 100 24",
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    h("path", { class: "area", d: `M${points[0][0]},24 L${line} L${points.at(-1)?.[0]},24 Z` }),
    h("path", { class: "line", d: `M${line}` }),
  );
}

const OUTCOMES = /** @type {const} */ (["succeeded", "failed", "cancelled"]);

/**
 * Finished jobs per interval, stacked by how they ended.
 *
 * @param {import("./sample.js").Sample} sample
 */
export function outcomes(sample) {
  const { bins } = sample;
  const top = Math.max(4, ...bins.map((each) => each.succeeded + each.failed + each.cancelled));
  const width = 100 / bins.length;
  const words = OUTCOMES.map(
    (each) => `${bins.reduce((sum, bin) => sum + bin[each], 0)} ${each}`,
  ).join(", ");
  return h(
    "figure",
    { class: "chart" },
    h(
      "div",
      { class: "plot" },
      h("span", { class: "most soft figure" }, String(top)),
      h(
        "svg",
        {
          viewBox: "0 0 100 40",
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `Finished jobs: ${words}`,
        },
        bins.map((bin, at) => {
          let base = 40;
          return OUTCOMES.map((each) => {
            if (!bin[each]) return null;
            const height = (bin[each] / top) * 40;
            base -= height;
            return h(
              "rect",
              {
                class: `is-${each}`,
                x: (at * width + width * 0.14).toFixed(3),
                y: base.toFixed(3),
                width: (width * 0.72).toFixed(3),
                height: height.toFixed(3),
              },
              h(
                "title",
                null,
                `${clockTime(new Date(bin.from * 1000).toISOString())}: ${plural(bin[each], "job")} ${each}`,
              ),
            );
          });
        }),
      ),
    ),
    h(
      "div",
      { class: "ticks soft figure", "aria-hidden": "true" },
      [0, 0.25, 0.5, 0.75, 1].map((share) => h("span", null, tick(bins, sample.size, share))),
    ),
    h(
      "figcaption",
      { class: "legend" },
      OUTCOMES.map((each) =>
        h(
          "span",
          { class: `key is-${each}` },
          h("i", { class: "dot", "aria-hidden": "true" }),
          each,
        ),
      ),
    ),
  );
}

/** @param {import("./sample.js").Sample["bins"]} bins @param {number} size @param {number} share */
function tick(bins, size, share) {
  const at = bins[0].from + share * bins.length * size;
  return new Date(at * 1000).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}
