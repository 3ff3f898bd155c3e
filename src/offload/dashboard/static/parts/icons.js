/** Signs, drawn on 16 × 16 in the colour of the text beside them. */

import { h } from "../core/view.js";

/** @type {Record<string, string>} */
const PATHS = {
  scheduled: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3.2l2.2 1.4",
  queued: "M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10",
  running: "M5.2 3.4v9.2L12.6 8z",
  waiting:
    "M4.5 2.5h7M4.5 13.5h7M5.3 2.5c0 3 2.7 3.7 2.7 5.5S5.3 10.5 5.3 13.500M10.7 2.500c0 3-2.7 3.7-2.7 5.500s2.7 2.5 2.7 5.5",
  pausing: "M5.5 4v8M10.5 4v3.2",
  paused: "M5.5 3.800v8.400M10.5 3.800v8.4",
  resuming: "M3.5 4v8M7 4.200v7.600L12.8 8z",
  cancelling: "M4.5 4.500l7 7M11.5 4.500l-2 2",
  succeeded: "M3.2 8.600l3.1 3.1 6.5-7",
  failed: "M4 4l8 8M12 4l-8 8",
  cancelled: "M8 2.500a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 4.200l7.6 7.6",
  retry: "M12.8 6.500A5 5 0 1 0 13 9.200M13.2 3.200v3.500H9.7",
  copy: "M5.5 5.500V3h7.500v7.500h-2.500M3 5.500h7.500V13H3z",
  search: "M7 2.800a4.2 4.2 0 1 0 0 8.400a4.2 4.2 0 1 0 0-8.400M10.2 10.200l3.3 3.3",
  plus: "M8 3v10M3 8h10",
  download: "M8 2.500v7M5 6.8 8 9.800l3-3M3 13h10",
  warning: "M8 2.6 14.2 13H1.800zM8 6.500v3M8 11.200v.2",
  sun: "M8 5.200a2.8 2.8 0 1 0 0 5.600a2.8 2.8 0 1 0 0-5.600M8 1.500v1.500M8 13v1.500M1.5 8H3M13 8h1.500M3.4 3.400l1.1 1.100M11.5 11.500l1.1 1.100M12.6 3.400l-1.1 1.100M4.5 11.500l-1.1 1.1",
  moon: "M13 9.700A5.5 5.5 0 0 1 6.3 3 5.5 5.5 0 1 0 13 9.700z",
  system: "M2.5 3.500h11v7.500h-11zM6 13.500h4",
  help: "M6 6.200a2 2 0 1 1 2.9 1.800c-.6.3-.9.7-.9 1.400M8 11.600v.2M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12",
  close: "M4.5 4.500l7 7M11.5 4.500l-7 7",
  arrow: "M3.5 8h9M9 4.5 12.5 8 9 11.5",
  overview: "M2.5 9h3v4.500h-3zM6.7 5h3v8.500h-3zM10.9 2.500h3v11h-3z",
  jobs: "M2.5 4h11M2.5 8h11M2.5 12h7",
  tasks: "M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4",
  queues: "M2.5 3h11v3h-11zM2.5 8h11v2h-11zM2.5 12h11v1.500h-11z",
  workers:
    "M4.5 4.500h7v7h-7zM6.5 1.800v2.700M9.5 1.800v2.700M6.5 11.500v2.700M9.5 11.500v2.700M1.8 6.500h2.700M1.8 9.500h2.700M11.5 6.500h2.700M11.5 9.500h2.7",
  schedules: "M2.5 3.500h11v10h-11zM2.5 6.500h11M5.5 2v2.500M10.5 2v2.5",
  errors: "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12M8 4.800v4M8 11v.2",
  activity: "M1.8 8.500h3L6.5 4l3 8.5 1.7-4h3",
};

const FILLED = new Set(["running"]);

/**
 * @param {string} name
 * @param {string} [more] classes
 */
export function icon(name, more = "") {
  return h(
    "svg",
    {
      class: `icon ${FILLED.has(name) ? "filled" : ""} ${more}`,
      viewBox: "0 0 16 16",
      "aria-hidden": "true",
      focusable: "false",
    },
    h("path", { d: PATHS[name] ?? PATHS.queued }),
  );
}
