/** Tasks: everything that can be started here, and which of them stand still. */

import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { holdButton, pausedBadge } from "../parts/halting.js";
import { icon } from "../parts/icons.js";
import { card, empty, heading, prose, shown } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

/** Tasks stay as they are while the server runs; only whether they are paused may change. */
const PACE_MILLISECONDS = 15_000;

export class Tasks extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.tasks = this.shelf.at("v1/tasks", PACE_MILLISECONDS);
  }

  get title() {
    return "Tasks";
  }

  view() {
    return [
      heading("Tasks", null, "What can be started. Choose one to fill in its parameters."),
      shown(this.tasks, ({ items }) =>
        items.length
          ? h(
              "div",
              { class: "cards" },
              items.map((/** @type {any} */ each) => this._task(each)),
            )
          : empty(
              "No task is registered",
              "Name the file that has your tasks when you start the server:",
              h("code", null, "offload serve tasks.py"),
            ),
      ),
    ];
  }

  /** @param {TaskShape} task */
  _task(task) {
    return card(
      [h("a", { href: link(["tasks", task.name]) }, task.name), pausedBadge(task)],
      [
        h(
          "p",
          null,
          (task.summary && prose(task.summary)) ||
            h("span", { class: "soft" }, "No documentation."),
        ),
        task.paused_reason ? h("p", { class: "why" }, task.paused_reason) : null,
        h("code", { class: "signature" }, task.signature),
        h(
          "div",
          { class: "buttons" },
          may("submit")
            ? h(
                "a",
                {
                  class: "button",
                  href: link(["tasks", task.name]),
                  "aria-label": `Start ${task.name}`,
                },
                icon("plus"),
                "Start",
              )
            : null,
          h(
            "a",
            {
              class: "button",
              href: link(["jobs"], { task: task.name }),
              "aria-label": `Jobs of ${task.name}`,
            },
            "Its jobs",
          ),
          holdButton("task", task, () => this.tasks.load()),
          h("span", { class: "soft kind" }, task.executor),
        ),
      ],
      { key: task.name, class: "spaced task" },
    );
  }
}
