/** A group: jobs that were started together, seen and acted on as one. */

import { post } from "../core/api.js";
import { count, plural } from "../core/format.js";
import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { consequence } from "../parts/actions.js";
import { confirm } from "../parts/dialog.js";
import { icon } from "../parts/icons.js";
import { actionsColumn, COLUMNS, move, opening } from "../parts/job_rows.js";
import { card, heading, shown, table } from "../parts/pieces.js";
import { progress, when } from "../parts/state.js";
import { complain, toast } from "../parts/toasts.js";
import { Page } from "../shell/page.js";

export class Group extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.id = env.route.path[1];
    this.group = this.shelf.at(`v1/groups/${encodeURIComponent(this.id)}`);
    this.jobs = this.shelf.at(`v1/jobs?group=${encodeURIComponent(this.id)}&limit=100`);
  }

  get title() {
    return `Group ${this.id}`;
  }

  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    super.hear(batch);
    if (move(this.jobs.value?.items ?? [], batch.motions)) this.env.redraw();
  }

  view() {
    const group = this.group.value;
    const verbs = /** @type {const} */ (["pause", "resume", "retry", "cancel"]).filter(
      (verb) => group?.links[verb],
    );
    return [
      heading(
        this.title,
        (may("control") ? verbs : []).map((verb) =>
          h(
            "button",
            {
              key: verb,
              class: `button ${verb === "cancel" ? "danger-soft" : ""}`,
              type: "button",
              on: { click: () => this._act(verb) },
            },
            icon(
              verb === "retry"
                ? "retry"
                : verb === "cancel"
                  ? "close"
                  : verb === "pause"
                    ? "paused"
                    : "running",
            ),
            verb[0].toUpperCase() + verb.slice(1),
          ),
        ),
      ),
      shown(this.group, (found) => [
        card(
          "Progress",
          [
            progress(
              {
                id: `group ${found.id}`,
                state: found.done ? "succeeded" : "running",
                progress: found.progress,
              },
              { isLarge: true },
            ),
            h(
              "div",
              { class: "chips" },
              Object.entries(found.counts).map(([state, amount]) =>
                h(
                  "a",
                  {
                    key: state,
                    class: `chip is-${state}`,
                    href: link(["jobs"], { group: this.id, state }),
                  },
                  icon(state),
                  state,
                  h("span", { class: "figure" }, count(Number(amount))),
                ),
              ),
            ),
            h(
              "p",
              { class: "soft note" },
              `${plural(found.size, "job")}, created `,
              when(found.created_at),
              ".",
            ),
          ],
          { class: "spaced" },
        ),
        card(
          null,
          shown(this.jobs, ({ items }) =>
            table(
              "Jobs of the group",
              [
                COLUMNS.state,
                COLUMNS.job,
                COLUMNS.progress,
                COLUMNS.attempt,
                COLUMNS.duration,
                actionsColumn(() => this.jobs.load()),
              ],
              items,
              { key: (job) => job.id, row: (job) => ({ class: "open", on: opening(job) }) },
            ),
          ),
          { class: "flush" },
        ),
      ]),
    ];
  }

  /** @param {"pause" | "resume" | "retry" | "cancel"} verb */
  async _act(verb) {
    const sure = await confirm({
      title: `${verb[0].toUpperCase() + verb.slice(1)} the whole group?`,
      text: consequence(verb),
      act: verb[0].toUpperCase() + verb.slice(1),
      isDangerous: verb === "cancel",
    });
    if (!sure) return;
    try {
      const { changed } = await post(`v1/groups/${this.id}/${verb}`);
      toast(`${plural(changed ?? 0, "job")} changed`, "good");
    } catch (error) {
      complain(error);
    }
    this.shelf.touch();
  }
}
