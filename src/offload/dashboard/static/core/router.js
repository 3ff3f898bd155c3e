/**
 * Where we are: `#/jobs/7` or `#/jobs?state=failed`. Behind the sign that browsers keep to
 * themselves, so it works under any prefix, and no route of the server can be meant.
 *
 * @typedef {{path: string[], query: URLSearchParams}} Route
 */

/** @returns {Route} */
export function here() {
  const [path, query] = split(location.hash.replace(/^#\/?/, ""));
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** @param {string} text */
function split(text) {
  const at = text.indexOf("?");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Return the address of a page.
 *
 * @param {(string | number | bigint)[]} path
 * @param {Record<string, string | null | undefined>} [query]
 */
export function link(path, query = {}) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) found.set(name, value);
  const asked = found.toString();
  return `#/${path.map((each) => encodeURIComponent(String(each))).join("/")}${asked ? `?${asked}` : ""}`;
}

/**
 * @param {string} address from `link`
 * @param {{replace?: boolean}} [options]
 */
export function go(address, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", address);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address;
  }
}
