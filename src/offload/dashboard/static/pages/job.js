/** One job: how it is, what it has done, what came of it, and what can be done with it now. */

import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { act, buttons, verbsFor } from "../parts/actions.js";
import { attempts, receipts } from "../parts/attempts.js";
import { copyCard } from "../parts/copies.js";
import { details, failure } from "../parts/details.js";
import { eventRows } from "../parts/events.js";
import { icon } from "../parts/icons.js";
import { move } from "../parts/job_rows.js";
import { Logs } from "../parts/logs.js";
import { card, empty, heading, loading, trouble } from "../parts/pieces.js";
import { badge, bars, lasting, progress, when } from "../parts/state.js";
import { spans, timeline, told } from "../parts/timeline.js";
import { value, valueButtons } from "../parts/value.js";
import { Page } from "../shell/page.js";

export class JobPage extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.id = env.route.path[1];
    this.job = this.shelf.at(`v1/jobs/${encodeURIComponent(this.id)}`, 250);
    this.events = this.shelf.at(`v1/jobs/${encodeURIComponent(this.id)}/events`, 500);
    /** @type {import("../core/store.js").Resource | null} */
    this.story = null;
    /** @type {Logs | null} */
    this.logs = null;
    this._timer = setInterval(() => this._tick(), 1000);
  }

  get title() {
    return this.job.value ? `${this.job.value.task} #${this.id}` : `Job ${this.id}`;
  }

  /** The bar of a job that goes on grows; and what it writes has no events. */
  _tick() {
    if (!this.job.value || this.job.value.done || document.hidden) return;
    this.logs?.touch();
    this.env.redraw();
  }

  /** What a server offers stands among a job's links. */
  /** @param {JobShape} job */
  _offered(job) {
    if (job.links.attempts && !this.story)
      this.story = this.shelf.at(`v1/jobs/${encodeURIComponent(this.id)}/attempts`, 1000);
    if (job.links.logs && !this.logs) this.logs = new Logs(this.id, this.env.redraw);
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    const isMeant = batch.isReset || batch.events.some((each) => String(each.job_id) === this.id);
    if (isMeant) {
      this.shelf.touch();
      this.logs?.touch();
    }
    if (this.job.value && move([this.job.value], batch.motions)) this.env.redraw();
  }

  close() {
    clearInterval(this._timer);
    this.logs?.close();
    super.close();
  }

  view() {
    const { value: job, problem } = this.job;
    if (job) return this._job(job);
    if (!problem) return [heading(`Job ${this.id}`), loading(6)];
    if (problem.status === 410)
      return [
        heading(`Job ${this.id}`),
        empty(
          "This job is no longer kept",
          "It has ended, and the server keeps finished jobs for a while only.",
          back(),
        ),
      ];
    if (problem.status === 404)
      return [heading(`Job ${this.id}`), empty("There is no such job", problem.message, back())];
    return [heading(`Job ${this.id}`), trouble(problem, () => this.job.load())];
  }

  /** @param {JobShape} job */
  _job(job) {
    this._offered(job);
    return [
      h(
        "div",
        { class: "heading job-heading" },
        h(
          "div",
          null,
          h(
            "div",
            { class: "job-title" },
            h("h1", { tabindex: -1 }, job.task, h("span", { class: "soft figure" }, ` #${job.id}`)),
            badge(job.state),
          ),
          this._sentence(job),
        ),
        h(
          "div",
          { class: "buttons" },
          buttons(job, () => this.job.load()),
          this._again(job),
        ),
      ),
      h(
        "div",
        { class: "columns" },
        h(
          "div",
          { class: "stack" },
          job.error ? failure(job.error) : null,
          job.state === "succeeded" ? this._result(job) : null,
          this._progress(job),
          this.logs?.view(job) ?? null,
          receipts(this.story?.value?.receipts),
          attempts(this.story?.value?.items),
          card("Events", this._events(), { key: "events" }),
        ),
        h(
          "div",
          { class: "stack" },
          card(
            "Parameters",
            value("parameters", job.params, { name: `params ${job.id}`, redraw: this.env.redraw }),
            { aside: valueButtons("parameters", job.params, `job-${job.id}-parameters.json`) },
          ),
          details(job),
          may("submit")
            ? copyCard("Start it from elsewhere", job.task, job.params, job.secret)
            : null,
        ),
      ),
    ];
  }

  /** @param {JobShape} job */
  _sentence(job) {
    const said = {
      succeeded: ["Succeeded ", when(job.finished_at), ", after ", lasting(job), "."],
      failed: ["Failed ", when(job.finished_at), ", after ", lasting(job), "."],
      cancelled: ["Cancelled ", when(job.finished_at), "."],
      running: ["Runs for ", lasting(job), "."],
      paused: job.pause ? ["Paused ", when(job.pause.since), ` by ${job.pause.by}`] : null,
      scheduled: ["Begins ", when(job.run_at, "in"), "."],
    }[/** @type {string} */ (job.state)] ?? ["Started ", when(job.created_at), "."];
    const reason =
      job.state === "paused" ? job.pause?.reason || job.reason : job.done ? null : job.reason;
    return h(
      "p",
      { class: "sentence" },
      h("span", { class: "soft" }, said, job.state === "paused" ? (reason ? ": " : ".") : null),
      reason ? h("span", { class: "reason" }, reason) : null,
    );
  }

  /** @param {JobShape} job */
  _again(job) {
    if (!may("submit")) return null;
    return h(
      "a",
      {
        class: `button ${job.state === "succeeded" ? "primary" : ""}`,
        href: link(["tasks", job.task], { from: String(job.id) }),
      },
      icon("plus"),
      "Start again",
    );
  }

  /** @param {JobShape} job */
  _progress(job) {
    const line = this.events.value
      ? timeline(
          this.story?.value ? told(this.story.value.timeline) : spans(this.events.value.items, job),
          job,
        )
      : null;
    const shown = job.progress ? [progress(job, { isLarge: true }), bars(job)] : null;
    const keeps =
      job.pause && (job.pause.keeps || job.pause.frees)
        ? h("p", { class: "soft note" }, pauseWords(job.pause))
        : null;
    return [
      shown ? card("Progress", shown, { key: "progress" }) : null,
      card("Timeline", [line ?? (this.events.problem ? null : loading(1)), keeps], {
        key: "timeline",
        class: "spaced",
      }),
    ];
  }

  /** @param {JobShape} job */
  _result(job) {
    return card(
      "Result",
      value("result", job.result, { name: `result ${job.id}`, redraw: this.env.redraw }),
      { key: "result", aside: valueButtons("result", job.result, `job-${job.id}-result.json`) },
    );
  }

  _events() {
    const { value: story, problem } = this.events;
    if (story) return eventRows([...story.items].reverse(), { ofOne: true });
    return problem ? h("p", { class: "soft pad" }, problem.message) : loading(3);
  }

  /** @param {string} key */
  press(key) {
    const job = this.job.value;
    if (!job) return false;
    const verb = { p: job.links.resume ? "resume" : "pause", r: "retry", c: "cancel" }[key];
    if (!verb || !verbsFor(job).includes(/** @type {any} */ (verb))) return false;
    act(job, /** @type {any} */ (verb)).then(() => this.job.load());
    return true;
  }
}

function back() {
  return h("a", { class: "button", href: link(["jobs"]) }, "All jobs");
}

/** @param {any} pause */
function pauseWords(pause) {
  const words = (/** @type {any} */ said) => (Array.isArray(said) ? said.join(", ") : said);
  return [
    pause.mode && `It is ${pause.mode.replaceAll("-", " ")}.`,
    pause.keeps && `Keeps: ${words(pause.keeps)}.`,
    pause.frees && `Frees: ${words(pause.frees)}.`,
  ]
    .filter(Boolean)
    .join(" ");
}
