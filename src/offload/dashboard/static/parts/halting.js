/** Pausing a whole queue or a whole task: asked first, with a reason, and whether what runs is meant. */

import { post } from "../core/api.js";
import { plural } from "../core/format.js";
import { may } from "../core/rights.js";
import { h } from "../core/view.js";
import { confirm } from "./dialog.js";
import { icon } from "./icons.js";
import { complain, toast } from "./toasts.js";

/** @typedef {{name: string, paused: boolean, links: {self: string}}} Held */

/** @param {Held} held */
export function pausedBadge(held) {
  return held.paused
    ? h("span", { class: "badge is-paused" }, icon("paused"), h("span", null, "paused"))
    : null;
}

/**
 * The button that pauses it, or lets it go on.
 *
 * @param {"queue" | "task"} kind
 * @param {Held} held
 * @param {() => void} changed
 */
export function holdButton(kind, held, changed) {
  if (!may("control")) return null;
  const what = `the ${kind} ${held.name}`;
  const verb = held.paused ? "Resume" : "Pause";
  return h(
    "button",
    {
      class: `button ${kind === "queue" ? "small" : ""}`,
      type: "button",
      "aria-label": `${verb} ${what}`,
      on: { click: () => hold(held.links.self, what, held.paused).then(changed) },
    },
    icon(held.paused ? "running" : "paused"),
    verb,
  );
}

/**
 * @param {string} path of the queue or the task
 * @param {string} what in words
 * @param {boolean} isPaused
 */
async function hold(path, what, isPaused) {
  const sure = await confirm(
    isPaused
      ? {
          title: `Resume ${what}?`,
          text: "Its jobs start again, as places become free.",
          act: "Resume",
          also: "Resume its paused jobs, too",
        }
      : {
          title: `Pause ${what}?`,
          text: "None of its jobs starts until it is resumed. New ones are still taken, and wait.",
          act: "Pause",
          asksReason: true,
          also: "Pause what runs, too",
        },
  );
  if (!sure) return;
  try {
    const said = {
      ...(sure.reason ? { reason: sure.reason } : {}),
      ...(sure.also ? { include_running: true } : {}),
    };
    const { changed } = await post(`${path}/${isPaused ? "resume" : "pause"}`, said);
    toast(
      `${what[0].toUpperCase()}${what.slice(1)} ${isPaused ? "goes on" : "is paused"}${changed ? `, and ${plural(changed, "job")} with it` : ""}`,
      "good",
    );
  } catch (error) {
    complain(error);
  }
}
