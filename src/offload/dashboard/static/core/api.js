/**
 * The public API, as the dashboard asks it: paths relative to the page, exact JSON, and problems
 * that say in words what went wrong.
 */

import { read, write } from "./json.js";

/**
 * @type {{
 *   skew: number,
 *   answeredAt: number,
 *   onUnauthorized: () => void,
 *   onReached: (reached: boolean) => void,
 * }}
 */
export const state = { skew: 0, answeredAt: 0, onUnauthorized: () => {}, onReached: () => {} };

/** Our server never says so: a proxy does whose server is gone, or takes too long. */
const OF_A_PROXY = new Set([502, 504]);

/** What the server refused, or that it could not be reached (then `status` is 0). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {any} document
   */
  constructor(status, document) {
    super(document.detail || document.title || `the server answered ${status}`);
    this.status = status;
    this.kind = String(document.type ?? "").replace("/problems/", "");
    this.title = document.title ?? "";
    /** @type {{parameter: string, problem: string}[]} */
    this.errors = document.errors ?? [];
    this.document = document;
  }
}

/**
 * Return where something of the API is, seen from this page; links of the API begin with a slash.
 *
 * @param {string} path
 */
export function address(path) {
  return new URL(path.replace(/^\//, ""), new URL(".", document.baseURI)).href;
}

/** The server's clock, in seconds: a browser's may be wrong. */
export function now() {
  return Date.now() / 1000 + state.skew;
}

/**
 * Ask.
 *
 * @param {string} method
 * @param {string} path
 * @param {{body?: any, signal?: AbortSignal, headers?: Record<string, string>}} [options]
 * @returns {Promise<any>}
 * @throws {Problem}
 */
export async function ask(method, path, { body, signal, headers } = {}) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address(path), {
      method,
      signal,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: write(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreached();
  }
  if (OF_A_PROXY.has(response.status)) throw unreached();
  state.onReached(true);
  keepTime(response);
  const text = await response.text();
  if (response.ok) state.answeredAt = Date.now();
  if (response.ok) return text ? read(text) : null;
  if (response.status === 401) state.onUnauthorized();
  throw new Problem(response.status, document_(text, response));
}

function unreached() {
  state.onReached(false);
  return new Problem(0, {
    title: "no answer",
    detail: "The server does not answer. Is it running?",
  });
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => ask("GET", path, { signal });

/** @param {string} path @param {any} [body] @param {Record<string, string>} [headers] */
export const post = (path, body, headers) => ask("POST", path, { body, headers });

/** @param {Response} response */
function keepTime(response) {
  const said = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(said)) return;
  const skew = (said - Date.now()) / 1000;
  state.skew = Math.abs(skew) > 3 ? skew : 0; // the header knows whole seconds only
}

/** @param {string} text @param {Response} response */
function document_(text, response) {
  try {
    const found = read(text);
    if (found && typeof found === "object") return found;
  } catch {
    // A proxy in between answers in its own words.
  }
  return { title: response.statusText, detail: `The server answered ${response.status}.` };
}

/**
 * Return a query string of what is set.
 *
 * @param {Record<string, string | number | null | undefined>} values
 */
export function query(values) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") found.set(name, String(value));
  }
  const text = found.toString();
  return text ? `?${text}` : "";
}
