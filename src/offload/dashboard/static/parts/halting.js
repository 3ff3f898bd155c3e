/** Pausing a whole queue or a whole task: asked first, with a reason, and whether what runs is meant. */

import { post } from "../core/api.js";
import { plural } from "../core/format.js";
import { confirm } from "./dialog.js";
import { complain, toast } from "./toasts.js";

/**
 * @param {string} path of the queue or the task
 * @param {string} what in words
 * @param {boolean} isPaused
 */
export async function hold(path, what, isPaused) {
  const sure = await confirm(
    isPaused
      ? {
          title: `Resume ${what}?`,
          text: "Its jobs are begun again, as places become free.",
          act: "Resume",
          also: "Resume its paused jobs, too",
        }
      : {
          title: `Pause ${what}?`,
          text: "None of its jobs is begun until it is resumed. New ones are still taken, and wait.",
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
