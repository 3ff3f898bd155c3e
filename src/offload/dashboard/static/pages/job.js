/** One job: how it is, what it has done, what came of it, and what can be done with it now. */

import { duration, quoted } from "../core/format.js";
import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { act, buttons, verbsFor } from "../parts/actions.js";
import { attempts, receipts } from "../parts/attempts.js";
import { copyCard } from "../parts/copies.js";
import { details, failure } from "../parts/details.js";
import { eventRows, who } from "../parts/events.js";
import { icon } from "../parts/icons.js";
import { move } from "../parts/job_rows.js";
import { Logs } from "../parts/logs.js";
import { card, empty, heading, loading, trouble } from "../parts/pieces.js";
import { badge, bars, lasting, progress, when } from "../parts/state.js";
import { spans, sums, timeline, told } from "../parts/timeline.js";
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
    const found = this._spans(job);
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
          this._sentence(job, found),
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
          this._progress(job, found),
          this.logs?.view(job) ?? null,
          receipts(this.story?.value?.receipts, job.pause),
          attempts(this.story?.value?.items, found ?? []),
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

  /**
   * How its time was spent, at this instant; null until that was read.
   *
   * @param {JobShape} job
   */
  _spans(job) {
    if (this.story?.value) return told(this.story.value.timeline);
    return this.events.value ? spans(this.events.value.items, job) : null;
  }

  /** @param {JobShape} job @param {import("../parts/timeline.js").Span[] | null} found */
  _sentence(job, found) {
    if (job.state === "paused" && job.pause) return paused(job, job.pause);
    const isWhole = this.story?.value?.is_whole !== false;
    const ran = found?.length && isWhole ? duration(sums(found).active) : lasting(job);
    const said = {
      succeeded: ["Succeeded ", when(job.finished_at), ", after ", ran, "."],
      failed: ["Failed ", when(job.finished_at), ", after ", ran, "."],
      cancelled: ["Cancelled ", when(job.finished_at), "."],
      running: ["Runs for ", ran, "."],
      scheduled: ["Starts ", when(job.run_at, "in"), "."],
    }[/** @type {string} */ (job.state)] ?? ["Created ", when(job.created_at), "."];
    const reason = job.done ? null : job.reason;
    return h(
      "p",
      { class: "sentence" },
      h("span", { class: "soft" }, said),
      reason ? [" ", h("span", { class: "reason" }, reason)] : null,
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
        title: "Make a new job of it, with an id of its own: its parameters can be changed first",
      },
      icon("copy"),
      "Start a copy…",
    );
  }

  /** @param {JobShape} job @param {import("../parts/timeline.js").Span[] | null} found */
  _progress(job, found) {
    const line = found ? timeline(found, job) : null;
    const shown = job.progress ? [progress(job, { isLarge: true }), bars(job)] : null;
    return [
      shown ? card("Progress", shown, { key: "progress" }) : null,
      card("Timeline", line ?? (this.events.problem ? null : loading(1)), {
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

/**
 * Since when it stands still, who wanted that, and why: Paused 24 s ago over HTTP: “lunch”
 *
 * @param {JobShape} job
 * @param {PauseShape} pause
 */
function paused(job, pause) {
  const { name, way } = who(pause.by, pause.door);
  const reason = pause.reason ? quoted(pause.reason) : job.reason;
  return h(
    "p",
    { class: "sentence", title: pause.by },
    h(
      "span",
      { class: "soft" },
      "Paused ",
      when(pause.since),
      name ? ` by ${name}` : "",
      way ? ` ${way}` : "",
      reason ? ": " : ".",
    ),
    reason ? h("span", { class: "reason" }, reason) : null,
  );
}
