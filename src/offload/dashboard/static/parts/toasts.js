/** Short words about what was just done, in the one place that is read aloud. */

/**
 * @param {string} text
 * @param {"good" | "bad" | "plain"} [how]
 */
export function toast(text, how = "plain") {
  const place = document.getElementById("toasts");
  if (!place) return;
  const shown = document.createElement("p");
  shown.className = `toast is-${how}`;
  shown.textContent = text;
  place.append(shown);
  while (place.children.length > 3) place.firstElementChild?.remove();
  setTimeout(() => shown.remove(), how === "bad" ? 9000 : 4500);
}

/** @param {unknown} error */
export function complain(error) {
  toast(error instanceof Error ? error.message : String(error), "bad");
}

/**
 * Put text on the clipboard; also where the browser gives no clipboard, over plain HTTP.
 *
 * @param {string} text
 * @param {string} [what]
 */
export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(what);
}

/**
 * @param {string} name
 * @param {string} text
 */
export function download(name, text) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([text]));
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}
