/** The frame as it looks: the bar on top, the places on the left, and the page. */

import { now } from "../core/api.js";
import { count } from "../core/format.js";
import { may } from "../core/rights.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { showKeys } from "../parts/dialog.js";
import { icon } from "../parts/icons.js";
import { SPANS } from "../parts/sample.js";
import { toast } from "../parts/toasts.js";
import { isUnmanned, news } from "./news.js";

const PLACES = /** @type {const} */ ([
  ["", "Overview"],
  ["jobs", "Jobs"],
  ["tasks", "Tasks"],
  ["queues", "Queues"],
  ["workers", "Workers"],
  ["schedules", "Schedules"],
  ["errors", "Errors"],
  ["activity", "Activity"],
]);

/** @param {any} app */
export function frame(app) {
  return [
    h("a", { class: "skip", href: "#main", on: { click: toMain } }, "Skip to the content"),
    top(app),
    places(app),
    h(
      "main",
      { id: "main", tabindex: -1, class: app.isReached ? null : "is-gone" },
      news(app),
      h("div", { class: "page", key: app.page.route.path.join("/") }, app.page.view()),
    ),
  ];
}

/** @param {Event} event */
function toMain(event) {
  event.preventDefault(); // the address tells the page
  document.getElementById("main")?.focus();
}

/** @param {any} app */
function top(app) {
  return h(
    "header",
    { class: "top" },
    h(
      "a",
      { class: "brand", href: link([]), "aria-label": "offload, overview" },
      mark(),
      h("span", null, "offload"),
    ),
    h(
      "form",
      { class: "search", role: "search", on: { submit: (event) => event.preventDefault() } },
      icon("search"),
      h("input", {
        id: "search",
        type: "search",
        placeholder: "Search jobs, or go to an id",
        "aria-label": "Search jobs, or go to an id",
        autocomplete: "off",
        spellcheck: "false",
        on: { keydown: (event) => event.key === "Enter" && search(event.target) },
      }),
      h("kbd", { "aria-hidden": "true" }, "/"),
    ),
    h(
      "div",
      { class: "buttons" },
      liveMark(app),
      themeButton(app),
      app.isGuarded
        ? h(
            "button",
            { class: "button quiet", type: "button", on: { click: () => app.logOut() } },
            "Log out",
          )
        : null,
      h(
        "button",
        {
          class: "button quiet square wide-only",
          type: "button",
          "aria-label": "Keyboard shortcuts",
          title: "Keyboard shortcuts (?)",
          on: { click: showKeys },
        },
        icon("help"),
      ),
      may("submit")
        ? h(
            "a",
            { class: "button primary", href: link(["tasks"]) },
            icon("plus"),
            h("span", null, "Start"),
          )
        : null,
    ),
  );
}

function mark() {
  return h(
    "svg",
    { class: "mark", viewBox: "0 0 16 16", "aria-hidden": "true" },
    h("rect", { width: 16, height: 16, rx: 4, class: "ground" }),
    h("path", { d: "M3.6 11.5V8.2a3.6 3.6 0 0 1 7.2 0M8.5 6.2l2.3 2.4 2.3-2.4" }),
  );
}

/** @param {HTMLInputElement} input */
function search(input) {
  const text = input.value.trim().replace(/^#/, "");
  if (/^[1-9]\d*$/.test(text)) {
    input.value = "";
    go(link(["jobs", text]));
  } else {
    go(link(["jobs"], { q: text }));
  }
  input.blur();
}

const LIVE = /** @type {const} */ ({
  live: ["live", "Live: changes are shown as they happen. Press to pause."],
  connecting: ["connecting", "Connecting to the server."],
  reconnecting: ["reconnecting", "The connection is lost; it is being made anew."],
  paused: ["paused", "Nothing moves while you look. Press to go on."],
  gone: ["no answer", "The server does not answer. It is asked again by itself."],
  unmanned: ["no worker", "Connected, but no worker is alive: no job begins. Press to pause."],
});

/** @param {any} app @returns {keyof typeof LIVE} */
function standing(app) {
  if (!app.isReached) return "gone";
  return app.live.shown === "live" && isUnmanned(app) ? "unmanned" : app.live.shown;
}

/** @param {any} app */
function liveMark(app) {
  const shown = standing(app);
  const [word, title] = LIVE[shown];
  return h(
    "button",
    {
      class: `live is-${shown}`,
      type: "button",
      title,
      "aria-pressed": app.live.isPaused ? "true" : "false",
      "aria-label": `Updates: ${word}. ${app.live.isPaused ? "Go on" : "Pause"}`,
      on: { click: () => app.toggleUpdates() },
    },
    h("i", { class: "dot", "aria-hidden": "true" }),
    h("span", null, word),
  );
}

const NEXT = /** @type {const} */ ({ system: "light", light: "dark", dark: "system" });

function theme() {
  return /** @type {keyof typeof NEXT} */ (document.documentElement.dataset.theme ?? "system");
}

/** @param {any} app */
function themeButton(app) {
  const chosen = theme();
  const sign = { system: "system", light: "sun", dark: "moon" }[chosen];
  const next = NEXT[chosen];
  return h(
    "button",
    {
      class: "button quiet square",
      type: "button",
      "aria-label": `Theme: ${chosen}. Change to ${next}`,
      title: `Theme: ${chosen}`,
      on: {
        click: () => {
          if (next === "system") delete document.documentElement.dataset.theme;
          else document.documentElement.dataset.theme = next;
          try {
            localStorage.setItem("offload.theme", next);
          } catch {
            toast("This browser keeps no settings: the theme lasts until the page is closed.");
          }
          app.redraw();
        },
      },
    },
    icon(sign),
  );
}

/** @param {any} app */
function places(app) {
  const at = app.page.route.path[0] ?? "";
  const running = app.stats.value?.jobs.running ?? 0;
  return h(
    "nav",
    { class: "places", "aria-label": "Pages" },
    PLACES.map(([path, name]) =>
      h(
        "a",
        {
          key: path || "overview",
          href: link(path ? [path] : []),
          "aria-current": at === path || (path === "jobs" && at === "groups") ? "page" : null,
        },
        icon(path || "overview"),
        h("span", null, name),
        path === "jobs" && running ? tally(count(running), "running") : null,
        path === "errors" ? failures(app) : null,
      ),
    ),
  );
}

/**
 * How many jobs failed in the time that the overview shows, or would.
 *
 * @param {any} app
 */
function failures(app) {
  const { label, seconds } = SPANS[app.page.span ?? "1h"];
  /** @type {{items: JobShape[], next_cursor: string | null} | null} */
  const known = app.failed.value;
  const since = now() - seconds;
  const items = (known?.items ?? []).filter(
    (each) => Date.parse(each.finished_at ?? "") / 1000 > since,
  );
  const isPart = known?.next_cursor && items.length === known.items.length;
  return items.length
    ? tally(count(items.length) + (isPart ? "+" : ""), `failed in ${label}`, "is-failed")
    : null;
}

/** @param {string} amount @param {string} words @param {string} [more] */
function tally(amount, words, more = "is-running") {
  return h(
    "span",
    { class: `tally ${more}`, title: `${amount} ${words}` },
    amount,
    h("span", { class: "unseen" }, ` ${words}`),
  );
}
