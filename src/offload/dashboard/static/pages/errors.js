/** Errors: failed jobs, grouped by what failed, how, and where. */

import { get, query } from "../core/api.js";
import { count, plural, quoted } from "../core/format.js";
import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { actOnAll, actOnFilter } from "../parts/actions.js";
import { icon } from "../parts/icons.js";
import { card, empty, heading, loading, trouble } from "../parts/pieces.js";
import { when } from "../parts/state.js";
import { Page } from "../shell/page.js";

const NEWEST = `v1/jobs${query({ state: "failed", limit: 100 })}`;
const AT_ONCE = 4;

/**
 * What lists leave out, because it can be long: how each job has failed. A visit costs 100 small
 * requests at most, the newest first and few at once; the next one only those for what has failed
 * since, as long as the tab is open.
 *
 * @type {Map<number, {version: number, error: any}>}
 */
const whole = new Map();
const MOST_KEPT = 500;

export class Errors extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.failed = this.shelf.at(NEWEST, 2000);
    this.tasks = this.shelf.at("v1/tasks", 15_000);
    this.isReading = false;
    this.aborter = new AbortController();
  }

  get title() {
    return "Errors";
  }

  view() {
    const items = this.failed.value?.items;
    const known = (items ?? [])
      .filter((/** @type {any} */ job) => whole.has(job.id))
      .map((/** @type {any} */ job) => ({ ...job, error: whole.get(job.id)?.error }));
    const alike = groups(known);
    // Of one group that is all there is, its own button does the same.
    const isOne = alike.length < 2 && this.failed.value?.next_cursor === null;
    const intro = heading(
      "Errors",
      items?.length > 1 && known.length === items.length && !isOne
        ? retrying("Retry every failed job", () =>
            actOnFilter({ state: "failed" }, "retry", () => {}).then(() => this.failed.load()),
          )
        : null,
      items?.length
        ? `The newest ${plural(items.length, "failed job")}, by task, kind and place.`
        : null,
    );
    if (!items)
      return [
        intro,
        this.failed.problem ? trouble(this.failed.problem, () => this.failed.load()) : loading(5),
      ];
    if (!items.length)
      return [
        intro,
        empty("No job has failed", "Failed jobs that are kept appear here, alike ones together."),
      ];
    this._read(items);
    if (!known.length) return [intro, loading(5)];
    return [
      intro,
      h(
        "div",
        { class: "stack" },
        alike.map((each) => this._group(each)),
      ),
      known.length < items.length
        ? h(
            "p",
            { class: "soft note", role: "status" },
            `${items.length - known.length} more are read…`,
          )
        : null,
    ];
  }

  close() {
    this.aborter.abort();
    super.close();
  }

  /**
   * Read what was not read yet; one that cannot be read stands among those of which no more is known.
   *
   * @param {any[]} items
   */
  async _read(items) {
    const missing = items.filter((job) => whole.get(job.id)?.version !== job.version);
    if (this.isReading || !missing.length) return;
    this.isReading = true;
    const { signal } = this.aborter;
    const work = async () => {
      for (let job = missing.shift(); job && !signal.aborted; job = missing.shift()) {
        const found = await get(`v1/jobs/${job.id}`, signal).catch(() => null);
        if (signal.aborted) return;
        keep(job.id, { version: job.version, error: found?.error ?? null });
        this.env.redraw();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.isReading = false;
    if (!signal.aborted) this.env.redraw();
  }

  /** @param {string} name of a task: what is tried again of one that is paused does not start. */
  _held(name) {
    const task = this.tasks.value?.items.find((/** @type {TaskShape} */ each) => each.name === name);
    if (!task?.paused) return null;
    const why = task.paused_reason ? ` (${quoted(task.paused_reason)})` : "";
    return h("p", { class: "why" }, `The task ${name} is paused${why}: retries wait until it goes on.`);
  }

  /** @param {ErrorGroup} group */
  _group(group) {
    const { jobs, error } = group;
    const newest = jobs[0];
    return card(
      h(
        "span",
        { class: "is-failed ink" },
        icon("failed"),
        error?.type ?? error?.code ?? "unknown",
        h("span", { class: "soft" }, " in "),
        h("a", { href: link(["tasks", newest.task]) }, newest.task),
      ),
      [
        h("p", { class: "message" }, error?.message ?? "No more is known."),
        group.place ? h("p", null, h("code", null, group.place)) : null,
        h(
          "p",
          { class: "soft" },
          h("b", { class: "figure" }, plural(jobs.length, "job")),
          jobs.length > 1
            ? [", first ", when(jobs[jobs.length - 1].finished_at), ", last "]
            : [", "],
          when(newest.finished_at),
        ),
        this._held(newest.task),
        h(
          "div",
          { class: "ids" },
          jobs
            .slice(0, 12)
            .map((job) =>
              h(
                "a",
                { key: job.id, class: "tag figure", href: link(["jobs", job.id]) },
                `#${job.id}`,
              ),
            ),
          jobs.length > 12
            ? h("span", { class: "soft" }, `and ${count(jobs.length - 12)} more`)
            : null,
        ),
      ],
      {
        key: group.key,
        class: "spaced is-bad",
        aside: retrying(jobs.length > 1 ? `Retry all ${jobs.length}` : "Retry", () =>
          actOnAll(jobs, "retry", () => {}).then(() => this.failed.load()),
        ),
      },
    );
  }
}

/** @param {string} text @param {() => void} click */
function retrying(text, click) {
  if (!may("control")) return null;
  return h("button", { class: "button small", type: "button", on: { click } }, icon("retry"), text);
}

/** @param {number} id @param {{version: number, error: any}} known */
function keep(id, known) {
  whole.delete(id);
  whole.set(id, known);
  if (whole.size > MOST_KEPT) whole.delete(whole.keys().next().value ?? 0);
}

/** @typedef {{key: string, error: any, place: string, jobs: any[]}} ErrorGroup */

/**
 * @param {JobShape[]} jobs newest first
 * @returns {ErrorGroup[]}
 */
export function groups(jobs) {
  /** @type {Map<string, ErrorGroup>} */
  const found = new Map();
  for (const job of jobs) {
    const place = placeOf(job.error?.traceback ?? "");
    const key = [job.task, job.error?.type ?? job.error?.code, place].join(" ");
    const group = found.get(key) ?? { key, error: job.error, place, jobs: [] };
    group.jobs.push(job);
    found.set(key, group);
  }
  return [...found.values()].sort((a, b) => b.jobs[0].id - a.jobs[0].id);
}

/**
 * Return where a traceback ends: file, line and function of its innermost frame.
 *
 * @param {string} traceback
 */
export function placeOf(traceback) {
  const frames = [...traceback.matchAll(/^\s*File "([^"]+)", line (\d+), in (.+)$/gm)];
  const last = frames.at(-1);
  return last ? `${last[1].split(/[\\/]/).slice(-2).join("/")}:${last[2]} ${last[3]}` : "";
}
