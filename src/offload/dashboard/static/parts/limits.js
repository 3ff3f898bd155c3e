/** The dialog that sets what a queue may hold and run. */

import { ask } from "../core/api.js";
import { h, show } from "../core/view.js";
import { opened } from "./dialog.js";
import { complain, toast } from "./toasts.js";

/**
 * @param {QueueShape} queue
 * @param {() => void} changed
 */
export function limits(queue, changed) {
  const dialog = opened("ask", `Limits of ${queue.name}`);
  /** @type {Record<string, string>} */
  const said = {
    limit: queue.limit === null ? "" : String(queue.limit),
    capacity: queue.capacity === null ? "" : String(queue.capacity),
    keep: String(queue.keep),
  };
  /** @type {Record<string, string>} */
  let faults = {};
  const words = /** @type {const} */ ([
    ["limit", "Running at once", "Over all workers. Empty: no limit."],
    ["capacity", "Waiting", "Further starts are refused. Empty: no limit."],
    ["keep", "Finished jobs kept", "Older ones are forgotten."],
  ]);
  const save = async () => {
    faults = {};
    /** @type {Record<string, number | null>} */
    const body = {};
    for (const [name, text] of Object.entries(said)) {
      if (text.trim() === "" && name !== "keep") body[name] = null;
      else if (/^\d+$/.test(text.trim())) body[name] = Number(text);
      else faults[name] = "A whole number, from 0 on.";
    }
    if (Object.keys(faults).length) return draw();
    try {
      await ask("PATCH", `v1/queues/${encodeURIComponent(queue.name)}`, { body });
      toast(`The limits of ${queue.name} are set`, "good");
      dialog.close();
      changed();
    } catch (error) {
      for (const each of /** @type {any} */ (error).errors ?? [])
        faults[each.parameter] = each.problem;
      if (!Object.keys(faults).length) complain(error);
      draw();
    }
  };
  const draw = () =>
    show(dialog, [
      h("h2", null, `Limits of ${queue.name}`),
      words.map(([name, label, help]) =>
        h(
          "label",
          { class: "field", key: name },
          h("span", { class: "name" }, label),
          h("input", {
            type: "text",
            inputmode: "numeric",
            set: { value: said[name] },
            "aria-invalid": faults[name] ? "true" : null,
            on: { input: (event) => (said[name] = event.target.value) },
          }),
          h("span", { class: faults[name] ? "fault" : "help" }, faults[name] ?? help),
        ),
      ),
      h(
        "div",
        { class: "buttons end" },
        h(
          "button",
          { class: "button", type: "button", on: { click: () => dialog.close() } },
          "Not now",
        ),
        h("button", { class: "button primary", type: "button", on: { click: save } }, "Set"),
      ),
    ]);
  dialog.addEventListener("close", () => dialog.remove());
  draw();
  dialog.showModal();
}
