/** An address that leads nowhere. */

import { link } from "../core/router.js";
import { h } from "../core/view.js";
import { empty, heading } from "../parts/pieces.js";
import { Page } from "../shell/page.js";

export class NotFound extends Page {
  get title() {
    return "Nothing here";
  }

  view() {
    return [
      heading("Nothing here"),
      empty(
        "There is no such page",
        "The address may be old, or mistyped.",
        h("a", { class: "button", href: link([]) }, "To the overview"),
      ),
    ];
  }
}
