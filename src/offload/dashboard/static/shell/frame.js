/** The frame as it looks: the bar on top, the places on the left, the page, and bad news above it. */

import { count, plural } from "../core/format.js";
import { may } from "../core/rights.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { showKeys } from "../parts/dialog.js";
import { icon } from "../parts/icons.js";
import { toast } from "../parts/toasts.js";

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
      { id: "main", tabindex: -1 },
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
});

/** @param {any} app */
function liveMark(app) {
  const shown = /** @type {keyof typeof LIVE} */ (app.live.shown);
  const [word, title] = LIVE[shown];
  return h(
    "button",
    {
      class: `live is-${shown}`,
      type: "button",
      title,
      "aria-pressed": app.live.isPaused ? "true" : "false",
      "aria-label": `Updates: ${word}. ${app.live.isPaused ? "Go on" : "Pause"}`,
      on: { click: () => app.live.toggle() },
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
  const jobs = app.stats.value?.jobs ?? {};
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
        path === "jobs" && jobs.running
          ? h(
              "span",
              { class: "tally", title: `${jobs.running} running` },
              count(jobs.running),
              h("span", { class: "unseen" }, " running"),
            )
          : null,
      ),
    ),
  );
}

const STARTING_MILLISECONDS = 5000;

/**
 * What everybody must know, whatever page they look at.
 *
 * @param {any} app
 */
function news(app) {
  if (!app.isReached) {
    return banner(
      "bad",
      "The server does not answer.",
      "What you see is what it said last. This page goes on by itself when it is back.",
    );
  }
  const { workers, stats } = app;
  if (!workers.value || !stats.value) return null;
  const alive = workers.value.items.filter(
    (/** @type {any} */ each) => each.alive && !each.stopping,
  );
  const waiting = stats.value.jobs.queued ?? 0;
  if (alive.length) return null;
  // Who opens the page while the server starts is not told of a worker that is about to come.
  if (!waiting && !workers.value.items.length && performance.now() < STARTING_MILLISECONDS)
    return null;
  return banner(
    waiting ? "bad" : "plain",
    "No worker is alive.",
    waiting
      ? `${plural(waiting, "job")} wait${waiting === 1 ? "s" : ""} for one. Start it with:`
      : "Jobs can be started and will wait. Start one with:",
    h("code", null, "offload worker"),
  );
}

/**
 * @param {"bad" | "plain"} how
 * @param {string} title
 * @param {string} text
 * @param {import("../core/view.js").Child} [more]
 */
function banner(how, title, text, more) {
  return h(
    "div",
    { class: `banner is-${how}`, role: "status", key: "news" },
    icon("warning"),
    h("p", null, h("b", null, title), " ", text, " ", more),
  );
}
