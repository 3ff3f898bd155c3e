/** Tasks: everything that can be started here. */

import { may } from "../core/rights.js";
import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { icon } from "../parts/icons.js";
import { card, empty, heading, prose, shown } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

export class Tasks extends Page {
  /** @param {import("../shell/page.js").Env} env */
  constructor(env) {
    super(env);
    this.tasks = this.shelf.at("v1/tasks", 60_000);
  }

  get title() {
    return "Tasks";
  }

  /** Tasks do not change while the server runs; and when it comes back, all is read anew. */
  /** @param {import("../core/live.js").Batch} batch */
  hear(batch) {
    if (batch.isReset) this.shelf.touch();
  }

  view() {
    return [
      heading("Tasks", null, "What can be started. Choose one to fill in its parameters."),
      shown(this.tasks, ({ items }) =>
        items.length
          ? h("div", { class: "cards" }, items.map(one))
          : empty(
              "No task is registered",
              "Name the file that has your tasks when you start the server:",
              h("code", null, "offload serve tasks.py"),
            ),
      ),
    ];
  }
}

/** @param {any} task */
function one(task) {
  return card(
    h("a", { href: link(["tasks", task.name]) }, task.name),
    [
      h(
        "p",
        null,
        (task.summary && prose(task.summary)) || h("span", { class: "soft" }, "No documentation."),
      ),
      h("code", { class: "signature" }, task.signature),
      h(
        "div",
        { class: "buttons" },
        may("submit")
          ? h(
              "a",
              {
                class: "button primary",
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
        h("span", { class: "soft kind" }, task.executor),
      ),
    ],
    { key: task.name, class: "spaced task" },
  );
}
