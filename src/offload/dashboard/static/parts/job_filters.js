/** What narrows a list of jobs: states, tasks, queues, times, tags and words; all of it an address. */

import { count } from "../core/format.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { icon } from "./icons.js";
import { STATES } from "./state.js";

/** @typedef {Record<string, string>} Asked */

const MOST_LOOKED_AT = 100;
const MOST_SAID = 40;

export const FILTERS = /** @type {const} */ ([
  "state",
  "task",
  "queue",
  "worker",
  "tag",
  "group",
  "since",
  "q",
]);
const TIMES = /** @type {const} */ ([
  ["", "Any time"],
  ["15m", "15 minutes"],
  ["1h", "1 hour"],
  ["24h", "24 hours"],
  ["7d", "7 days"],
]);

/** @param {Asked} asked @param {Record<string, string | null>} changes */
function with_(asked, changes) {
  return link(["jobs"], { ...asked, ...changes });
}

/**
 * The states, each with how many jobs are in it.
 *
 * @param {Asked} asked
 * @param {Record<string, number>} counts
 */
export function chips(asked, counts) {
  const chosen = new Set((asked.state ?? "").split(",").filter(Boolean));
  const toggled = (/** @type {string} */ state) => {
    const next = new Set(chosen);
    if (!next.delete(state)) next.add(state);
    return [...next].join(",");
  };
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": "States" },
    h(
      "a",
      {
        class: "chip",
        href: with_(asked, { state: null }),
        "aria-current": chosen.size ? null : "true",
      },
      "All",
    ),
    STATES.map((state) =>
      h(
        "a",
        {
          key: state,
          class: `chip is-${state}`,
          href: with_(asked, { state: toggled(state) }),
          "aria-current": chosen.has(state) ? "true" : null,
        },
        icon(state),
        state,
        h("span", { class: "figure" }, count(counts[state] ?? 0)),
      ),
    ),
  );
}

/**
 * What else narrows the list.
 *
 * @param {Asked} asked
 * @param {{names: string[], queues: string[], workers: string[], tags: string[], words: string[]}} known
 */
export function filters(asked, { names, queues, workers, tags, words }) {
  const isFiltered = Object.keys(asked).some((name) => name !== "state");
  return h(
    "form",
    { class: "filters", on: { submit: (event) => event.preventDefault() } },
    choose("Task", "Any task", names, asked.task, (task) => go(with_(asked, { task }))),
    queues.length > 1 || asked.queue
      ? choose("Queue", "Any queue", queues, asked.queue, (queue) => go(with_(asked, { queue })))
      : null,
    workers.length > 1 || asked.worker
      ? choose(
          "Worker",
          "Any worker",
          workers,
          asked.worker,
          (worker) => go(with_(asked, { worker })),
          "worker ",
        )
      : null,
    h(
      "label",
      { class: "choice" },
      h("span", { class: "unseen" }, "Created within"),
      h(
        "select",
        {
          set: { value: asked.since ?? "" },
          on: { change: (event) => go(with_(asked, { since: event.target.value })) },
        },
        TIMES.map(([value, label]) =>
          h(
            "option",
            { key: value || "any", value, selected: (asked.since ?? "") === value },
            label,
          ),
        ),
      ),
    ),
    typed("Tag", asked.tag, (tag) => go(with_(asked, { tag })), tags, asked.tag ? "" : "rare"),
    typed(
      "Text, param.name:value, error:…",
      asked.q,
      (q) => go(with_(asked, { q })),
      words,
      "wide",
    ),
    asked.group
      ? h(
          "a",
          { class: "chip", href: with_(asked, { group: null }), "aria-label": "Leave the group" },
          `group ${asked.group}`,
          icon("close"),
        )
      : null,
    isFiltered
      ? h("a", { class: "button quiet", href: link(["jobs"], { state: asked.state }) }, "Clear")
      : null,
  );
}

/**
 * @param {string} label
 * @param {string} any
 * @param {string[]} names
 * @param {string | undefined} chosen
 * @param {(value: string) => void} changed
 * @param {string} [before] what is said before each
 */
function choose(label, any, names, chosen, changed, before = "") {
  const all = chosen && !names.includes(chosen) ? [chosen, ...names] : names;
  return h(
    "label",
    { class: "choice" },
    h("span", { class: "unseen" }, label),
    h(
      "select",
      { set: { value: chosen ?? "" }, on: { change: (event) => changed(event.target.value) } },
      h("option", { key: "", value: "", selected: !chosen }, any),
      all.map((name) =>
        h("option", { key: `=${name}`, value: name, selected: name === chosen }, before + name),
      ),
    ),
  );
}

/**
 * @param {string} label
 * @param {string | undefined} value
 * @param {(value: string) => void} changed
 * @param {string[]} known what it might be
 * @param {string} [more]
 */
function typed(label, value, changed, known, more = "") {
  const list = `known-${label.slice(0, 3).toLowerCase()}`;
  return h(
    "label",
    { class: `choice ${more}` },
    h("span", { class: "unseen" }, label),
    h("input", {
      type: "search",
      placeholder: label,
      autocomplete: "off",
      spellcheck: "false",
      set: { value: value ?? "" },
      list,
      on: { change: (event) => changed(event.target.value.trim()) },
    }),
    h(
      "datalist",
      { id: list },
      known.map((each) => h("option", { key: each, value: each })),
    ),
  );
}

/**
 * Return what somebody might look for in jobs like these.
 *
 * @param {JobShape[]} jobs
 */
export function suggestions(jobs) {
  /** @type {Set<string>} */
  const tags = new Set();
  /** @type {Set<string>} */
  const words = new Set(["error:"]);
  for (const job of jobs.slice(0, MOST_LOOKED_AT)) {
    for (const tag of job.tags) tags.add(tag);
    for (const [name, value] of Object.entries(job.params ?? {})) {
      const isPlain = value === null || ["string", "number", "boolean"].includes(typeof value);
      const text = isPlain ? String(value) : "";
      words.add(`param.${name}:${text.length < 30 && !/\s/.test(text) ? text : ""}`);
    }
  }
  return { tags: [...tags].slice(0, MOST_SAID), words: [...words].slice(0, MOST_SAID) };
}
