/** What needs attention as it looks: what is so, why, and beside it what to press. */

import { h } from "../core/view.js";
import { holdButton } from "./halting.js";
import { icon } from "./icons.js";
import { card, prose } from "./pieces.js";

/** @import { Note } from "./attention.js" */

/**
 * @param {Note[]} found
 * @param {() => void} changed
 */
export function notes(found, changed) {
  return card(
    "Needs attention",
    found.length
      ? h(
          "ul",
          { class: "notes" },
          found.map((each) => row(each, changed)),
        )
      : h("p", { class: "calm pad" }, icon("succeeded"), "Nothing right now."),
    { key: "attention" },
  );
}

/** @param {Note} note @param {() => void} changed */
function row({ how, subject, why, link, see, hold }, changed) {
  const act = hold ? holdButton(hold.kind, hold.held, changed) : null;
  return h(
    "li",
    { key: `${see} ${subject}`, class: `is-${how}` },
    icon(how === "bad" ? "errors" : "warning"),
    h(
      "div",
      { class: "told" },
      h("b", null, act ? h("a", { href: link }, prose(subject)) : prose(subject)),
      why ? h("p", { class: "soft" }, prose(why)) : null,
    ),
    act ?? h("a", { class: "button", href: link, "aria-label": `View ${see}` }, "View"),
  );
}
