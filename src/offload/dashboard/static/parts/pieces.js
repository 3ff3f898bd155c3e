/** What pages are made of: headings, cards, and the four faces of a list that is not there. */

import { h } from "../core/view.js";
import { icon } from "./icons.js";

/** @import { Child } from "../core/view.js" */

/**
 * @param {string} title
 * @param {Child} [aside]
 * @param {Child} [under]
 */
export function heading(title, aside, under) {
  return h(
    "div",
    { class: "heading" },
    h(
      "div",
      null,
      h("h1", { tabindex: -1 }, title),
      under ? h("p", { class: "soft" }, under) : null,
    ),
    h("div", { class: "buttons" }, aside),
  );
}

/**
 * @param {Child} title
 * @param {Child} content
 * @param {{aside?: Child, class?: string, key?: string}} [options]
 */
export function card(title, content, { aside, class: more = "", key } = {}) {
  return h(
    "section",
    { class: `card ${more}`, ...(key ? { key } : {}) },
    title
      ? h(
          "div",
          { class: "card-head" },
          h("h2", null, title),
          aside ? h("div", { class: "buttons" }, aside) : null,
        )
      : null,
    content,
  );
}

/**
 * @param {string} title
 * @param {Child} text
 * @param {Child} [act]
 */
export function empty(title, text, act) {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "title" }, title),
    h("p", { class: "soft" }, text),
    act ? h("div", { class: "buttons" }, act) : null,
  );
}

/** @param {number} [rows] */
export function loading(rows = 4) {
  return h(
    "div",
    { class: "loading", role: "status", "aria-label": "Loading" },
    Array.from({ length: rows }, () => h("div", { class: "bone" })),
  );
}

/**
 * @param {import("../core/api.js").Problem} problem
 * @param {() => void} again
 */
export function trouble(problem, again) {
  return h(
    "div",
    { class: "empty trouble", role: "alert" },
    icon("warning"),
    h(
      "p",
      { class: "title" },
      problem.status ? problem.title || "The server refused this" : "No answer from the server",
    ),
    h("p", { class: "soft" }, problem.message),
    h(
      "div",
      { class: "buttons" },
      h(
        "button",
        { class: "button", type: "button", on: { click: again } },
        icon("retry"),
        "Try again",
      ),
    ),
  );
}

/**
 * Show a resource: its content, or why there is none.
 *
 * @param {import("../core/store.js").Resource} resource
 * @param {(value: any) => Child} content
 * @param {number} [rows]
 */
export function shown(resource, content, rows) {
  if (resource.value !== null) return content(resource.value);
  return resource.problem ? trouble(resource.problem, () => resource.load()) : loading(rows);
}

/**
 * @param {[Child, Child][]} pairs
 */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}

/**
 * A table of plain rows; on a narrow screen each row is a card of its own. Of a long one only what
 * `near` says is drawn.
 *
 * @typedef {{name: string, cell: (item: any) => Child, class?: string, isHidden?: boolean}} Column
 *
 * @param {string} label
 * @param {Column[]} columns
 * @param {any[]} items
 * @param {{key: (item: any) => string | number, row?: (item: any) => object, near?: import("./near.js").Near}} options
 */
export function table(label, columns, items, { key, row, near }) {
  const { from, to, above, below } = near?.part(items.length) ?? { ...WHOLE, to: items.length };
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    h(
      "table",
      { role: "table", "aria-rowcount": above || below ? items.length + 1 : null },
      h("caption", { class: "unseen" }, label),
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          columns.map((each) =>
            h(
              "th",
              { role: "columnheader", scope: "col", class: each.class ?? "" },
              each.isHidden ? h("span", { class: "unseen" }, each.name) : each.name,
            ),
          ),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        spacer("above", above),
        items.slice(from, to).map((item, at) =>
          h(
            "tr",
            {
              role: "row",
              key: key(item),
              "data-row": near ? from + at : null,
              "aria-rowindex": above || below ? from + at + 2 : null,
              ...(row ? row(item) : {}),
            },
            columns.map((each) =>
              h(
                "td",
                { role: "cell", class: each.class ?? "", "data-name": each.name },
                each.cell(item),
              ),
            ),
          ),
        ),
        spacer("below", below),
      ),
    ),
  );
}

const WHOLE = { from: 0, above: 0, below: 0 };

/**
 * What stands for rows that are not drawn.
 *
 * @param {string} key
 * @param {number} height
 */
function spacer(key, height) {
  if (!height) return null;
  const style = { height: `${Math.round(height)}px` };
  return h("tr", { key, class: "spacer", "aria-hidden": "true" }, h("td", { style }));
}

/**
 * Show what docstrings set in backticks as code; the rest is text.
 *
 * @param {string} text
 */
export function prose(text) {
  return text
    .split("`")
    .map((part, at, all) =>
      at % 2 && at < all.length - 1 ? h("code", null, part) : at % 2 ? `\`${part}` : part,
    );
}

/** @param {string} text @param {string} href @param {string} [more] */
export function to(text, href, more = "") {
  return h("a", { href, class: more }, text);
}
