/**
 * What who looks may do. The server refuses the rest anyway: what is not theirs is not shown.
 *
 * @typedef {"submit" | "control" | "admin"} Right
 */

import { get, Problem } from "./api.js";

/** @type {Record<Right, boolean>} */
const rights = { submit: true, control: true, admin: true };

/** @param {Right} right */
export function may(right) {
  return rights[right];
}

/** Ask the server; one that does not tell is asked for everything, and refuses in its own words. */
export async function learnRights() {
  try {
    const { scopes } = await get("v1/session");
    for (const each of /** @type {Right[]} */ (Object.keys(rights)))
      rights[each] = scopes.includes(each);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}
