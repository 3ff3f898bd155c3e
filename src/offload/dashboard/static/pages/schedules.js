/** Schedules: what starts by itself, in words, and when next. */

import { ask, post, Problem } from "../core/api.js";
import { exact, moment } from "../core/format.js";
import { may } from "../core/rights.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { icon } from "../parts/icons.js";
import { card, empty, heading, shown, table } from "../parts/pieces.js";
import { when } from "../parts/state.js";
import { complain, toast } from "../parts/toasts.js";
import { Page } from "../shell/page.js";

export class Schedules extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.schedules = this.shelf.at("v1/schedules", 5000);
  }

  get title() {
    return "Schedules";
  }

  view() {
    return [
      heading("Schedules"),
      shown(this.schedules, ({ items }) =>
        items.length
          ? card(null, this._table(items), { class: "flush" })
          : empty(
              "Nothing starts by itself",
              "A task with a schedule appears here:",
              h("pre", { class: "value" }, '@app.task(every="10 min")\ndef refresh() -> None: …'),
            ),
      ),
    ];
  }

  /** @param {any[]} items */
  _table(items) {
    return table(
      "Schedules",
      [
        {
          name: "Schedule",
          cell: (each) => [
            h("a", { class: "job-name", href: link(["tasks", each.task]) }, each.name),
            each.paused
              ? h("span", { class: "badge is-paused" }, icon("paused"), h("span", null, "paused"))
              : null,
            each.name === each.task ? null : h("div", { class: "params" }, each.task),
          ],
        },
        {
          name: "When",
          cell: (each) => [
            h("span", null, each.words ?? inWords(each.when)),
            h(
              "div",
              { class: "params" },
              inWords(each.when) === each.when ? each.tz : `${each.when} · ${each.tz}`,
            ),
          ],
        },
        {
          name: "Next",
          class: "c-wide",
          cell: (each) =>
            each.next_at.length
              ? h(
                  "ol",
                  { class: "next figure" },
                  each.next_at
                    .slice(0, 3)
                    .map((/** @type {string} */ at, /** @type {number} */ n) =>
                      h(
                        "li",
                        { key: at, title: exact(at), class: n ? "soft" : "" },
                        n ? moment(at) : when(at, "in"),
                      ),
                    ),
                )
              : "never",
        },
        {
          name: "Last",
          cell: (each) =>
            each.last_at
              ? [
                  when(each.last_at),
                  each.last_job
                    ? h(
                        "div",
                        null,
                        h("a", { href: link(["jobs", each.last_job]) }, `#${each.last_job}`),
                      )
                    : null,
                ]
              : h("span", { class: "soft" }, "–"),
        },
        {
          name: "If missed",
          cell: (each) => h("span", { class: "soft" }, `${each.misfire}, overlap ${each.overlap}`),
        },
        {
          name: "Actions",
          isHidden: true,
          class: "c-actions",
          cell: (each) =>
            h(
              "div",
              { class: "buttons" },
              may("submit")
                ? h(
                    "button",
                    { class: "button small", type: "button", on: { click: () => this._run(each) } },
                    icon("plus"),
                    "Run now",
                  )
                : null,
              (each.links?.pause || each.links?.resume) && may("control")
                ? h(
                    "button",
                    {
                      class: "button small",
                      type: "button",
                      on: { click: () => this._hold(each) },
                    },
                    each.links.resume ? "Resume" : "Pause",
                  )
                : null,
            ),
        },
      ],
      items,
      { key: (each) => each.name },
    );
  }

  /** @param {any} schedule */
  async _run(schedule) {
    try {
      const { id } = await (schedule.links?.run
        ? post(schedule.links.run)
        : post(`v1/tasks/${encodeURIComponent(schedule.task)}/jobs`, {
            params: schedule.params ?? {},
          }));
      toast(`Job ${id} was created`, "good");
      go(link(["jobs", id]));
    } catch (error) {
      if (error instanceof Problem && error.errors.length) go(link(["tasks", schedule.task]));
      complain(error);
    }
  }

  /** @param {any} schedule */
  async _hold(schedule) {
    await ask("POST", schedule.links.resume ?? schedule.links.pause).catch(complain);
    this.schedules.load();
  }
}

const DAYS = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
];

/**
 * Say the usual cron lines in words; others stay as they are.
 *
 * @param {string} when
 */
export function inWords(when) {
  const [minute, hour, day, month, weekday, more] = when.trim().split(/\s+/);
  if (weekday === undefined || more !== undefined) return when;
  const each = /^\*\/(\d+)$/;
  const isPlain = (/** @type {string} */ text) => /^\d+$/.test(text);
  const at =
    isPlain(minute) && isPlain(hour)
      ? `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`
      : "";
  if (month !== "*") return when;
  if (day === "*" && weekday === "*") {
    if (minute === "*" && hour === "*") return "every minute";
    if (each.test(minute) && hour === "*") return `every ${each.exec(minute)?.[1]} minutes`;
    if (isPlain(minute) && hour === "*") return `every hour at ${minute.padStart(2, "0")} past`;
    if (at) return `every day ${at}`;
  }
  if (at && day === "*" && /^[0-7]$/.test(weekday)) return `every ${DAYS[Number(weekday)]} ${at}`;
  if (at && day === "*" && weekday === "1-5") return `every weekday ${at}`;
  if (at && isPlain(day) && weekday === "*") return `on day ${day} of every month ${at}`;
  return when;
}
