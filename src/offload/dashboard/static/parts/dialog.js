/** Questions that must be answered first, in the browser's own dialog: it keeps the focus. */

import { h, show } from "../core/view.js";

/**
 * Ask whether to go on; gives what was said beside it, or null for no.
 *
 * @param {{title: string, text: string, act: string, isDangerous?: boolean, asksReason?: boolean, also?: string}} question
 * @returns {Promise<{reason: string, also: boolean} | null>}
 */
export function confirm({ title, text, act, isDangerous = false, asksReason = false, also = "" }) {
  return new Promise((resolve) => {
    const dialog = opened("ask", title);
    const said = { reason: "", also: false };
    const yes = () => {
      resolve(said);
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      resolve(null);
      dialog.remove();
    });
    show(dialog, [
      h("h2", { id: "dialog-title" }, title),
      h("p", null, text),
      asksReason
        ? h(
            "label",
            { class: "field" },
            h(
              "span",
              { class: "name" },
              "Reason",
              h("span", { class: "soft" }, " optional, kept in the history"),
            ),
            h("input", {
              type: "text",
              maxlength: 200,
              on: {
                input: (event) => (said.reason = event.target.value),
                keydown: (event) => event.key === "Enter" && yes(),
              },
            }),
          )
        : null,
      also
        ? h(
            "label",
            { class: "switch" },
            h("input", {
              type: "checkbox",
              role: "switch",
              on: { change: (event) => (said.also = event.target.checked) },
            }),
            also,
          )
        : null,
      h(
        "div",
        { class: "buttons end" },
        h(
          "button",
          { class: "button", type: "button", on: { click: () => dialog.close() } },
          "Not now",
        ),
        h(
          "button",
          {
            class: `button ${isDangerous ? "danger" : "primary"}`,
            type: "button",
            autofocus: !asksReason,
            on: { click: yes },
          },
          act,
        ),
      ),
    ]);
    dialog.showModal();
  });
}

/**
 * @param {string} kind
 * @param {string} label
 */
export function opened(kind, label) {
  const dialog = document.createElement("dialog");
  dialog.className = kind;
  dialog.setAttribute("aria-label", label);
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}

const KEYS = /** @type {const} */ ([
  ["/", "search"],
  ["g o", "overview"],
  ["g j", "jobs"],
  ["g t", "tasks"],
  ["g q", "queues"],
  ["g w", "workers"],
  ["g s", "schedules"],
  ["g e", "errors"],
  ["g a", "activity"],
  ["j  k", "next, previous row"],
  ["x", "select the row"],
  ["Enter", "open the row"],
  ["p", "pause or resume"],
  ["r", "retry"],
  ["c", "cancel"],
  ["n", "start a job"],
  ["?", "this list"],
]);

/** Show what the keys do. */
export function showKeys() {
  if (document.querySelector("dialog[open]")) return;
  const dialog = opened("keys", "Keyboard");
  dialog.addEventListener("close", () => dialog.remove());
  show(dialog, [
    h("h2", null, "Keyboard"),
    h(
      "dl",
      { class: "keys" },
      KEYS.map(([key, what]) =>
        h(
          "div",
          { key },
          h(
            "dt",
            null,
            key.split(/\s+/).map((each) => h("kbd", null, each)),
          ),
          h("dd", null, what),
        ),
      ),
    ),
    h(
      "div",
      { class: "buttons end" },
      h(
        "button",
        { class: "button", type: "button", autofocus: true, on: { click: () => dialog.close() } },
        "Close",
      ),
    ),
  ]);
  dialog.showModal();
}
