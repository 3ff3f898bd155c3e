/** The keys: `g` and a letter goes somewhere, others mean something to the page or to every page. */

import { go, link } from "../core/router.js";
import { showKeys } from "../parts/dialog.js";

/** @type {Record<string, string>} */
const PLACES = {
  o: "",
  j: "jobs",
  t: "tasks",
  q: "queues",
  w: "workers",
  s: "schedules",
  e: "errors",
  a: "activity",
};
const PATIENCE_MILLISECONDS = 1500;

/** @param {{page: import("./page.js").Page}} app */
export function listen(app) {
  let goesUntil = 0;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event) || document.querySelector("dialog[open]")) return;
    const place = PLACES[event.key];
    if (performance.now() < goesUntil && place !== undefined) {
      goesUntil = 0;
      event.preventDefault();
      return go(link(place ? [place] : []));
    }
    goesUntil = event.key === "g" ? performance.now() + PATIENCE_MILLISECONDS : 0;
    if (everywhere(event.key) || app.page.press(event.key)) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.isContentEditable || target.matches("textarea, select")) {
    return true;
  }
  if (target instanceof HTMLInputElement && !["checkbox", "radio"].includes(target.type)) {
    if (event.key === "Escape") target.blur();
    return true;
  }
  // Enter and the space bar press what has the focus.
  return (
    (event.key === "Enter" || event.key === " ") && target.matches("a, button, summary, input")
  );
}

/** @param {string} key */
function everywhere(key) {
  if (key === "/") {
    const search = /** @type {HTMLInputElement | null} */ (document.getElementById("search"));
    search?.focus();
    search?.select();
    return true;
  }
  if (key === "n") {
    go(link(["tasks"]));
    return true;
  }
  if (key === "?") showKeys();
  return key === "?";
}
