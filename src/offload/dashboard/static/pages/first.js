/** The first visit: nothing was ever started, and here is how, with a button that does. */

import { address, post } from "../core/api.js";
import { count, inShort, plural } from "../core/format.js";
import { may } from "../core/rights.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { shellLine } from "../parts/copies.js";
import { icon } from "../parts/icons.js";
import { card, empty, prose, shown } from "../parts/pieces.js";
import { complain, copy } from "../parts/toasts.js";

/** @import { Resource } from "../core/store.js" */

/** Worth a look: it moves, and has an end. */
const TASTES = /** @type {Record<string, object>} */ ({
  power_sim: { a: 2, b: 30, delay_seconds: 1 },
  count_primes: { limit: 2_000_000 },
  remote_sim: { seconds: 30 },
  patient_sim: { steps: 20, delay_seconds: 1 },
});

/** What says of itself that it fails is no first thing to see. */
const ALARMING = /\b(fail|rais|crash|break|die|boom|kill|abort|error)/i;
const MOST_CHOICES = 6;

/** @param {Resource} tasks @param {Resource} workers */
export function firstStart(tasks, workers) {
  return [
    h(
      "div",
      { class: "welcome" },
      h("h1", { tabindex: -1 }, "Nothing has been started yet"),
      h(
        "p",
        { class: "soft" },
        "A job is one execution of a task. Start one here and watch it; or from Python, a terminal, or anything that speaks HTTP.",
      ),
      readiness(workers),
    ),
    shown(tasks, ({ items }) =>
      items.length
        ? [
            h("div", { class: "choices" }, chosen(items).map(choice)),
            h(
              "p",
              null,
              h(
                "a",
                { class: "more", href: link(["tasks"]) },
                items.length === 1 ? "The task" : `All ${count(items.length)} tasks`,
                icon("arrow"),
              ),
            ),
          ]
        : empty(
            "No task is registered",
            "Name the file that has your tasks when you start the server:",
            h("code", null, "offload serve tasks.py"),
          ),
    ),
  ];
}

/** @param {Resource} workers */
function readiness(workers) {
  if (!workers.value) return null;
  /** @type {WorkerShape[]} */
  const ready = workers.value.items.filter(
    (/** @type {WorkerShape} */ each) => each.alive && !each.stopping,
  );
  const slots = ready.reduce((sum, each) => sum + each.slots, 0);
  return ready.length
    ? h(
        "p",
        { class: "calm" },
        icon("succeeded"),
        ready.length === 1
          ? `A worker is ready: it runs ${plural(slots, "job")} at once.`
          : `${count(ready.length)} workers are ready: they run ${plural(slots, "job")} at once.`,
      )
    : h(
        "p",
        { class: "calm is-none" },
        icon("warning"),
        "No worker is ready yet: what you start waits for one.",
      );
}

/** First what moves, then what needs no form; never what fails, if there is anything else. */
/** @param {TaskShape[]} tasks */
function chosen(tasks) {
  const calm = tasks.filter((each) => !isAlarming(each));
  return [...(calm.length ? calm : tasks)]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST_CHOICES);
}

/** @param {TaskShape} task */
function isAlarming({ name, summary }) {
  return !TASTES[name] && ALARMING.test(`${name.replaceAll("_", " ")} ${summary}`);
}

/** @param {TaskShape} task */
function rank(task) {
  const at = Object.keys(TASTES).indexOf(task.name);
  return at >= 0 ? at : (task.params.required ?? []).length ? 99 : 50;
}

/** @param {TaskShape} task */
function choice(task) {
  const params = TASTES[task.name] ?? ((task.params.required ?? []).length ? null : {});
  const line = `curl -X POST ${shellLine(address(`start/${encodeURIComponent(task.name)}`) + asQuery(params))}`;
  return card(
    h("code", null, task.name),
    [
      h("p", { class: "soft" }, prose(task.summary || "No documentation.")),
      h(
        "div",
        { class: "buttons" },
        params === null || !may("submit")
          ? null
          : h(
              "button",
              { class: "button primary", type: "button", on: { click: () => start(task, params) } },
              icon("plus"),
              "Start",
              Object.keys(params).length ? h("span", { class: "with" }, inShort(params)) : null,
            ),
        h(
          "a",
          { class: "button", href: link(["tasks", task.name]) },
          params === null ? "Fill in the form" : "Other parameters",
        ),
        h(
          "button",
          {
            class: "button quiet square",
            type: "button",
            "aria-label": `Copy a line for the terminal that starts ${task.name}`,
            title: line,
            on: { click: () => copy(line, "Line copied") },
          },
          icon("copy"),
        ),
      ),
    ],
    { key: task.name },
  );
}

/** @param {any} params */
function asQuery(params) {
  const text = new URLSearchParams(
    Object.entries(params ?? {}).map(([name, value]) => [name, String(value)]),
  ).toString();
  return text && `?${text}`;
}

/** @param {TaskShape} task @param {any} params */
async function start(task, params) {
  try {
    const { id } = await post(`v1/tasks/${encodeURIComponent(task.name)}/jobs`, { params });
    go(link(["jobs", id]));
  } catch (error) {
    complain(error);
  }
}
