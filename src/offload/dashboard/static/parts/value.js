/** A value as it is: written over several lines, to copy, to keep as a file, long ones folded. */

import { write } from "../core/json.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";
import { copy, download } from "./toasts.js";

const LONG = 4000;

/** @type {Set<string>} */
const unfolded = new Set();

/**
 * @param {string} what
 * @param {any} value
 * @param {{name: string, redraw: () => void}} options
 */
export function value(what, value, { name, redraw }) {
  const text = write(value, 2);
  const isLong = text.length > LONG && !unfolded.has(name);
  return [
    h(
      "pre",
      { class: "value", tabindex: 0, role: "region", "aria-label": what },
      isLong ? text.slice(0, LONG) : text,
    ),
    isLong
      ? h(
          "button",
          {
            class: "button quiet small",
            type: "button",
            on: { click: () => (unfolded.add(name), redraw()) },
          },
          `… ${(text.length - LONG).toLocaleString("en")} more characters`,
        )
      : null,
  ];
}

/** @param {string} what @param {any} given @param {string} name */
export function valueButtons(what, given, name) {
  return [
    h(
      "button",
      {
        class: "button quiet small square",
        type: "button",
        title: `Copy the ${what}`,
        "aria-label": `Copy the ${what}`,
        on: { click: () => copy(write(given, 2), `The ${what} was copied`) },
      },
      icon("copy"),
    ),
    h(
      "button",
      {
        class: "button quiet small square",
        type: "button",
        title: `Download the ${what}`,
        "aria-label": `Download the ${what}`,
        on: { click: () => download(name, write(given, 2)) },
      },
      icon("download"),
    ),
  ];
}
