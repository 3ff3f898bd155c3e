/** One task: what it does, and the form that starts it. */

import { get, post, Problem, query } from "../core/api.js";
import { inShort } from "../core/format.js";
import { write } from "../core/json.js";
import { may } from "../core/rights.js";
import { go, link } from "../core/router.js";
import { h } from "../core/view.js";
import { aboutTask } from "../parts/about_task.js";
import { copyCard } from "../parts/copies.js";
import { Fields } from "../parts/fields.js";
import { holdButton, pausedBadge } from "../parts/halting.js";
import { icon } from "../parts/icons.js";
import { COLUMNS, opening } from "../parts/job_rows.js";
import { card, empty, heading, loading, prose, shown, table, trouble } from "../parts/pieces.js";
import { complain, toast } from "../parts/toasts.js";
import { Page } from "../shell/page.js";

const OPTIONS = {
  type: "object",
  properties: {
    queue: { type: "string", description: "Another queue than the task's own." },
    priority: { type: "integer", description: "Higher goes first." },
    delay: { type: "string", description: "Start later: 90, 10m, 2h." },
    timeout: { type: "string", description: "How long it may run: 90, 10m, 2h." },
    retries: { type: "integer", minimum: 0, description: "Further attempts if it fails." },
    tags: { type: "array", items: { type: "string" } },
    key: {
      type: "string",
      description: "While a job with this key is there, no second one is made.",
    },
  },
};
const RECENT = 5;

export class TaskPage extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.name = env.route.path[1];
    this.task = this.shelf.at(`v1/tasks/${encodeURIComponent(this.name)}`, 60_000);
    this.recent = this.shelf.at(`v1/jobs${query({ task: this.name, limit: 30 })}`);
    /** @type {Fields | null} */
    this.fields = null;
    this.options = new Fields(OPTIONS, env.redraw);
    /** @type {string[]} */
    this.faults = [];
    this.isStarting = false;
    this.filledFrom = "";
    /** @type {any} the job that it begins from, until there are fields */
    this.given = null;
    this._fillFrom(env.route.query.get("from"));
  }

  get title() {
    return this.name;
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    if (batch.isReset || batch.events.some((each) => each.task === this.name)) this.recent.touch();
  }

  /** @param {string | null} id */
  async _fillFrom(id) {
    if (!id) return;
    try {
      const job = await get(`v1/jobs/${encodeURIComponent(id)}`);
      this.given = job;
      this._fill(job);
    } catch (error) {
      complain(error);
    }
    this.env.redraw();
  }

  view() {
    const { value: task, problem } = this.task;
    if (!task && problem?.status === 404)
      return [
        heading(this.name),
        empty(
          "This task is not registered here",
          problem.message,
          h("a", { class: "button", href: link(["tasks"]) }, "All tasks"),
        ),
      ];
    if (!task)
      return [heading(this.name), problem ? trouble(problem, () => this.task.load()) : loading(6)];
    if (!this.fields) {
      this.fields = new Fields(task.params, this.env.redraw);
      if (this.given) this.fields.fill(this.given.params, this.given.secret);
    }
    return [
      heading(
        this.name,
        [
          holdButton("task", task, () => this.task.load()),
          h("a", { class: "button", href: link(["jobs"], { task: this.name }) }, "Its jobs"),
        ],
        prose(task.summary),
      ),
      task.paused
        ? h(
            "p",
            { class: "standing" },
            pausedBadge(task),
            h("span", null, task.paused_reason || "None of its jobs starts until it is resumed."),
          )
        : null,
      h(
        "div",
        { class: "columns" },
        h("div", { class: "stack" }, may("submit") ? this._form(task) : null, this._history()),
        h(
          "div",
          { class: "stack" },
          may("submit") ? this._recent() : null,
          aboutTask(task),
          this._elsewhere(),
        ),
      ),
    ];
  }

  /** @param {TaskShape} task */
  _form(task) {
    const fields = /** @type {Fields} */ (this.fields);
    return card(
      "Start a job",
      h(
        "form",
        { class: "form whole", novalidate: true, on: { submit: (event) => this._start(event) } },
        this.faults.length
          ? h(
              "div",
              { class: "faults", role: "alert" },
              icon("warning"),
              h(
                "div",
                null,
                this.faults.map((each) => h("p", { key: each }, each)),
              ),
            )
          : null,
        this.filledFrom
          ? h("p", { class: "soft note" }, `Filled in from ${this.filledFrom}.`)
          : null,
        fields.all.length
          ? fields.all.map(({ field }) => field.view())
          : h("p", { class: "soft" }, "It takes no parameters."),
        h(
          "details",
          { class: "options" },
          h("summary", null, "Options"),
          h(
            "div",
            { class: "form" },
            this.options.all.map(({ field }) => field.view()),
          ),
        ),
        h(
          "div",
          { class: "buttons foot" },
          h(
            "button",
            {
              class: "button primary",
              type: "submit",
              "aria-disabled": this.isStarting ? "true" : null,
            },
            icon("plus"),
            `Start ${task.name}`,
          ),
        ),
      ),
      { key: "form" },
    );
  }

  /** @param {Event} event */
  async _start(event) {
    event.preventDefault();
    if (this.isStarting || !this.fields) return;
    this.faults = [];
    const params = this.fields.read();
    const options = this.options.read();
    if (!params || !options) return this._showFaults();
    this.isStarting = true;
    this.env.redraw();
    try {
      const started = await post(`v1/tasks/${encodeURIComponent(this.name)}/jobs`, {
        params,
        ...(Object.keys(options).length ? { options } : {}),
      });
      toast(
        started.changed === false
          ? `Job ${started.id} has this key already`
          : `Job ${started.id} was created`,
        "good",
      );
      go(link(["jobs", started.id]));
    } catch (error) {
      if (error instanceof Problem && error.errors.length) {
        const rest = this.fields
          .blame(error.errors)
          .map((each) => ({ ...each, parameter: each.parameter.replace(/^options\./, "") }));
        this.faults = this.options.blame(rest).map((each) => `${each.parameter}: ${each.problem}`);
      } else {
        this.faults = [error instanceof Error ? error.message : String(error)];
      }
      this._showFaults();
    } finally {
      this.isStarting = false;
      this.env.redraw();
    }
  }

  /** Lead to the first field that is wrong. */
  _showFaults() {
    this.env.redraw();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const wrong = document.querySelector('[aria-invalid="true"]');
        const details = wrong?.closest("details");
        if (details) details.open = true;
        if (wrong instanceof HTMLElement) wrong.focus();
      }),
    );
  }

  _recent() {
    /** @type {Map<string, any>} */
    const found = new Map();
    for (const job of this.recent.value?.items ?? []) {
      const text = write(job.params);
      if (text !== "{}" && !found.has(text) && found.size < RECENT) found.set(text, job);
    }
    if (!found.size) return null;
    return card(
      "Fill in from",
      h(
        "ul",
        { class: "plainlist" },
        [...found.values()].map((job) =>
          h(
            "li",
            { key: job.id },
            h(
              "button",
              { class: "asline", type: "button", on: { click: () => this._fill(job) } },
              h("code", null, inShort(job.params, 60)),
            ),
            h("a", { class: "soft figure", href: link(["jobs", job.id]) }, `#${job.id}`),
          ),
        ),
      ),
    );
  }

  /** @param {JobShape} job */
  _fill(job) {
    this.fields?.fill(job.params, job.secret);
    this.faults = [];
    this.filledFrom = `job ${job.id}`;
    this.env.redraw();
  }

  _history() {
    return card(
      "Latest jobs",
      shown(
        this.recent,
        ({ items }) =>
          items.length
            ? table(
                "Latest jobs",
                [COLUMNS.state, COLUMNS.job, COLUMNS.progress, COLUMNS.age, COLUMNS.duration],
                items.slice(0, 10),
                { key: (job) => job.id, row: (job) => ({ class: "open", on: opening(job) }) },
              )
            : h(
                "p",
                { class: "soft pad" },
                "It was never started, or its jobs are no longer kept.",
              ),
        3,
      ),
      { class: "flush-body" },
    );
  }

  _elsewhere() {
    const seen = may("submit") ? this.fields?.seen() : null;
    return seen ? copyCard("The same from elsewhere", this.name, seen.params, seen.secret) : null;
  }
}
