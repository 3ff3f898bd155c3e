/** What everybody must know, whatever page they look at: nobody answers, or nobody works. */

import { state as api, query } from "../core/api.js";
import { clockTime, exact, plural } from "../core/format.js";
import { h } from "../core/view.js";
import { holdButton } from "../parts/halting.js";
import { icon } from "../parts/icons.js";
import { copy } from "../parts/toasts.js";

const STARTING_MILLISECONDS = 5000;
const DAY_MILLISECONDS = 86_400_000;
const COMMAND = "offload worker";

/**
 * Whether no worker takes jobs. Who opens the page while the server starts is not told of one that
 * is about to come.
 *
 * @param {any} app
 */
export function isUnmanned({ workers, stats }) {
  if (!workers.value || !stats.value) return false;
  /** @type {WorkerShape[]} */
  const known = workers.value.items;
  if (known.some((each) => each.alive && !each.stopping)) return false;
  const mayStillCome = !known.length && performance.now() < STARTING_MILLISECONDS;
  return Boolean(stats.value.jobs.queued) || !mayStillCome;
}

/** @param {any} app */
export function news(app) {
  if (!app.isReached) return unanswered(app);
  return isUnmanned(app) ? unmanned(app) : null;
}

/** @param {any} app */
function unanswered(app) {
  return banner(
    "bad",
    h(
      "p",
      null,
      h("b", null, "The server does not answer."),
      api.answeredAt ? ` What you see is from ${written(api.answeredAt)}.` : "",
      " This page goes on by itself when it is back.",
    ),
    h(
      "button",
      { class: "button small", type: "button", on: { click: () => app.retry() } },
      icon("retry"),
      "Retry now",
    ),
  );
}

/** @param {number} instant in milliseconds, of this browser's clock */
function written(instant) {
  const text = new Date(instant).toISOString();
  return Date.now() - instant > DAY_MILLISECONDS ? exact(text) : clockTime(text);
}

/** @param {any} app */
function unmanned(app) {
  const waiting = app.stats.value.jobs.queued ?? 0;
  const words = waiting
    ? `${plural(waiting, "job")} wait${waiting === 1 ? "s" : ""} for one. Start it with:`
    : "Jobs can be started and will wait. Start one with:";
  return banner(waiting ? "bad" : "plain", [
    h(
      "p",
      null,
      h("b", null, "No worker is alive."),
      ` ${words} `,
      h("code", null, COMMAND),
      h(
        "button",
        {
          class: "button quiet small square",
          type: "button",
          "aria-label": "Copy the command",
          title: "Copy",
          on: { click: () => copy(COMMAND, "Command copied") },
        },
        icon("copy"),
      ),
    ),
    waiting ? alsoHeld(app) : null,
  ]);
}

/**
 * What would still hold the jobs that wait if a worker came: paused queues and tasks.
 *
 * @param {any} app
 */
function alsoHeld(app) {
  const paused = (/** @type {string} */ path) =>
    (app.beside.at(path, 2000).value?.items ?? []).filter((/** @type {any} */ each) => each.paused);
  const queues = paused("v1/queues").filter(
    (/** @type {QueueShape} */ each) => (each.counts.queued ?? 0) > 0,
  );
  const tasks = paused("v1/tasks").filter((/** @type {TaskShape} */ each) => {
    const path = `v1/jobs${query({ state: "queued", task: each.name, limit: 1 })}`;
    return app.beside.at(path, 2000).value?.items.length;
  });
  /** @type {["queue" | "task", QueueShape | TaskShape][]} */
  const held = [
    ...queues.map((/** @type {QueueShape} */ each) => ["queue", each]),
    ...tasks.map((/** @type {TaskShape} */ each) => ["task", each]),
  ];
  return held.map(([kind, each], at) =>
    heldLine(at ? "And the" : "That alone is not enough: the", kind, each, app),
  );
}

/**
 * @param {string} begin
 * @param {"queue" | "task"} kind
 * @param {QueueShape | TaskShape} held
 * @param {any} app
 */
function heldLine(begin, kind, held, app) {
  return h(
    "p",
    { key: `${kind} ${held.name}`, class: "held" },
    h(
      "span",
      null,
      `${begin} ${kind} `,
      h("code", null, held.name),
      ` is paused${held.paused_reason ? `: ${held.paused_reason}` : ""}.`,
    ),
    holdButton(kind, held, () => app.refresh()),
  );
}

/**
 * @param {"bad" | "plain"} how
 * @param {import("../core/view.js").Child} content
 * @param {import("../core/view.js").Child} [act]
 */
function banner(how, content, act) {
  return h(
    "div",
    { class: `banner is-${how}`, role: "status", key: "news" },
    icon("warning"),
    h("div", { class: "told" }, content),
    act,
  );
}
