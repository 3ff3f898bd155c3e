/** Numbers, times and values as people read them. */

import { write } from "./json.js";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
// One that is kept is a hundred times faster than one that is made for every row.
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });
const days = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const years = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** @param {number | bigint} value */
export function count(value) {
  return typeof value === "number" && value >= 100_000
    ? compact.format(value)
    : whole.format(value);
}

/** @param {number} value */
export function figure(value) {
  return Math.abs(value) >= 1000 || Number.isInteger(value)
    ? whole.format(value)
    : short.format(value);
}

/**
 * Write a duration in seconds: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 4 d 3 h.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 0) seconds = 0;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const units = /** @type {const} */ ([
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ]);
  // Whole units that have passed, as ages count them: or one time would be 12 s here, 13 s there.
  let rest = Math.floor(seconds);
  const first = units.findIndex(([, size]) => rest >= size);
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const amount = Math.floor(rest / size);
      rest -= amount * size;
      return amount ? `${amount} ${unit}` : "";
    })
    .filter(Boolean)
    .join(" ");
}

/**
 * Write roughly how long ago something was: just now, 12 s, 3 min, 2 h, 4 d.
 *
 * @param {number} seconds
 */
export function age(seconds) {
  if (seconds < 1) return "now";
  for (const [unit, size] of /** @type {const} */ ([
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
  ])) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}

/** @param {string} instant RFC 3339 */
export function exact(instant) {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : instants.format(date);
}

/**
 * Write date and time in one short line: Nov 22, 11:02:36; the year where it is another one.
 *
 * @param {string} instant
 */
export function moment(instant) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  const isOfNow = date.getFullYear() === new Date().getFullYear();
  return `${(isOfNow ? days : years).format(date)}, ${clock.format(date)}`;
}

/** @param {string} text */
export function quoted(text) {
  return `“${text}”`;
}

/** @param {string} instant */
export function clockTime(instant) {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : clock.format(date);
}

/** @param {number} bytes */
export function bytes(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) {
    bytes /= 1000;
    at += 1;
  }
  return `${short.format(bytes)} ${units[at]}`;
}

/**
 * Write parameters in one line: a=2, b=20.
 *
 * @param {{[name: string]: any}} params
 * @param {number} [most] characters
 */
export function inShort(params, most = 90) {
  const line = Object.entries(params ?? {})
    .map(([name, value]) => `${name}=${write(value)}`)
    .join(", ");
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/**
 * @param {number} amount
 * @param {string} one
 * @param {string} [many]
 */
export function plural(amount, one, many = `${one}s`) {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

/**
 * Return the word for several of a unit: frame, frames; "s" and "%" stay.
 *
 * @param {string | null} unit
 * @param {number} amount
 */
export function units(unit, amount) {
  if (!unit) return "";
  return unit.length < 3 || amount === 1 || unit.endsWith("s") ? ` ${unit}` : ` ${unit}s`;
}
