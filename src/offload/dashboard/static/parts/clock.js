/** `<offload-time>`: how long ago something was, or how long it has lasted, going on by itself. */

import { now } from "../core/api.js";
import { age, duration, exact } from "../core/format.js";

/** @type {Set<Clock>} */
const shown = new Set();
let timer = 0;

function tick() {
  if (!document.hidden) for (const each of shown) each.draw();
}

/**
 * Attributes: `since`, and `until` where it is over; `how` is `ago` (the default), `in`, or `lasting`.
 */
class Clock extends HTMLElement {
  static observedAttributes = ["since", "until", "how", "less"];

  connectedCallback() {
    shown.add(this);
    timer ||= setInterval(tick, 1000);
    this.draw();
  }

  disconnectedCallback() {
    shown.delete(this);
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name === "since") this.title = exact(this.getAttribute("since") ?? "");
    if (this.isConnected) this.draw();
  }

  draw() {
    const since = this.getAttribute("since");
    if (!since) {
      this.textContent = "–";
      return;
    }
    const until = this.getAttribute("until");
    const end = until ? Date.parse(until) / 1000 : now();
    const passed = end - Date.parse(since) / 1000;
    const text = written(passed - Number(this.getAttribute("less") ?? 0), this.getAttribute("how"));
    if (this.firstChild?.nodeValue !== text) this.textContent = text;
  }
}

/** @param {number} passed @param {string | null} how */
function written(passed, how) {
  if (how === "lasting") return duration(passed < 10 ? Math.max(0, passed) : Math.floor(passed));
  if (how === "in" || passed < -1) return passed < 0 ? `in ${age(-passed)}` : "due";
  const text = age(passed);
  return text === "now" ? "just now" : `${text} ago`;
}

customElements.define("offload-time", Clock);
