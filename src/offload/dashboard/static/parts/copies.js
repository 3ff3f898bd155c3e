/** A start as lines to copy: for a terminal, for Python, for anything that speaks HTTP. */

import { address } from "../core/api.js";
import { write } from "../core/json.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";
import { card } from "./pieces.js";
import { copy } from "./toasts.js";

/**
 * Quote a word for a shell.
 *
 * @param {string} text
 */
export function shellLine(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * @param {string} task
 * @param {Record<string, any>} params
 * @returns {[string, string][]}
 */
export function copies(task, params) {
  const body = write({ params });
  const url = address(`v1/tasks/${encodeURIComponent(task)}/jobs`);
  const words = Object.entries(params).map(([name, value]) =>
    shellLine(`${name}=${typeof value === "string" ? value : write(value)}`),
  );
  const named = Object.entries(params).map(([name, value]) => `${name}=${python(value)}`);
  const isPlain =
    Object.keys(params).every((name) => /^[A-Za-z_]\w*$/.test(name)) && /^[A-Za-z_]\w*$/.test(task);
  return [
    [
      "curl",
      `curl -X POST ${shellLine(url)} -H 'content-type: application/json' -d ${shellLine(body)}`,
    ],
    [
      "Python",
      isPlain
        ? `${task}.start(${named.join(", ")})`
        : `app.start(${[python(task), `**${python(params)}`].join(", ")})`,
    ],
    ["Terminal", ["offload", "start", shellLine(task), ...words].join(" ")],
  ];
}

/**
 * Write a value as Python does.
 *
 * @param {any} value
 * @returns {string}
 */
function python(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([name, each]) => `${write(name)}: ${python(each)}`)
      .join(", ")}}`;
  return write(value);
}

/**
 * The lines, each with a button that copies it.
 *
 * @param {string} title
 * @param {string} task
 * @param {any} params
 * @param {string[]} secret the names of those that stand there as `***`
 */
export function copyCard(title, task, params, secret = []) {
  return card(title, [
    h(
      "dl",
      { class: "copies" },
      copies(task, params).map(([name, line]) =>
        h(
          "div",
          { key: name },
          h("dt", null, name),
          h(
            "dd",
            null,
            h("code", null, line),
            h(
              "button",
              {
                class: "button quiet small square",
                type: "button",
                "aria-label": `Copy the line for ${name}`,
                title: "Copy",
                on: { click: () => copy(line, "Line copied") },
              },
              icon("copy"),
            ),
          ),
        ),
      ),
    ),
    secret.length
      ? h("p", { class: "soft note" }, `Put ${secret.join(", ")} in the place of ***.`)
      : null,
  ]);
}
