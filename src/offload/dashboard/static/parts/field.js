/**
 * What all fields of a form have: a name, help, and the fault that the server found.
 *
 * A field that says nothing is left out, so that the task's own default holds.
 *
 * @typedef {object} Field
 * @property {string} path as the server names it: a, a.b, a[0]
 * @property {() => import("../core/view.js").Child} view
 * @property {() => any} read throws Unfit; `undefined` says nothing
 * @property {(value: any) => void} fill
 * @property {string} fault
 * @property {boolean} isSecret what is written here is not to be seen
 * @property {boolean} isWithheld it had a value, which the server does not tell
 */

import { write } from "../core/json.js";
import { h } from "../core/view.js";
import { prose } from "./pieces.js";
import { typeName } from "./schema.js";

/** What was written cannot be a value of this field. */
export class Unfit extends Error {
  /** @param {Field} field @param {string} message */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/**
 * @typedef {object} Given
 * @property {any} schema
 * @property {any} root where `$ref` leads
 * @property {string} path
 * @property {string} name
 * @property {boolean} isRequired
 * @property {() => void} redraw
 * @property {(given: Given) => Field} make a field for what is inside
 */

/** What must be given is marked; most of what a task takes has a default. */
export function required() {
  return h("span", { class: "needed" }, " · required");
}

const WITHHELD = "What stood here is shown to nobody. Give it anew.";

let made = 0;

export class Base {
  /** @param {Given & {isNullable?: boolean}} given */
  constructor(given) {
    this.given = given;
    this.path = given.path;
    this.fault = "";
    this.isWithheld = false;
    this.text = "";
    this.id = `field-${(made += 1)}`;
  }

  get schema() {
    return this.given.schema;
  }

  get isSecret() {
    return Boolean(this.schema.writeOnly) || this.schema.format === "password";
  }

  get isNeeded() {
    return this.given.isRequired || this.isWithheld;
  }

  /** What holds where nothing is said; empty where nothing would. */
  get hint() {
    const said = this.schema.default;
    if (this.isWithheld || said === undefined || said === "") return "";
    const text = said === null ? "none" : typeof said === "string" ? said : write(said);
    return `${text} (default)`;
  }

  /** What may stand here, in few words. */
  get kind() {
    return typeName(this.schema);
  }

  /** @param {any} value */
  fill(value) {
    this.text =
      value === undefined || value === null ? "" : typeof value === "string" ? value : write(value);
  }

  /** @returns {any} */
  read() {
    return undefined;
  }

  view() {
    return this.framed(null);
  }

  /** Attributes that a control has. */
  get common() {
    const described = [
      this.fault && `${this.id}-fault`,
      this.isWithheld && `${this.id}-withheld`,
      this.schema.description && `${this.id}-help`,
    ]
      .filter(Boolean)
      .join(" ");
    return {
      id: this.id,
      "aria-invalid": this.fault ? "true" : null,
      "aria-required": this.isNeeded ? "true" : null,
      "aria-describedby": described || null,
    };
  }

  /** @param {import("../core/view.js").Child} control */
  framed(control) {
    return h(
      "div",
      { class: `field ${this.fault ? "is-wrong" : ""}`, key: this.path },
      h(
        "label",
        { class: "name", for: this.id },
        this.given.name,
        h("span", { class: "soft" }, ` ${this.kind}`),
        this.isNeeded ? required() : null,
      ),
      control,
      this.fault ? h("span", { class: "fault", id: `${this.id}-fault` }, this.fault) : null,
      this.isWithheld ? h("span", { class: "help", id: `${this.id}-withheld` }, WITHHELD) : null,
      this.schema.description
        ? h("span", { class: "help", id: `${this.id}-help` }, prose(this.schema.description))
        : null,
    );
  }

  /** @param {any} event */
  typed(event) {
    this.text = event.target.value;
    if (this.fault) {
      this.fault = "";
      this.given.redraw();
    }
  }
}
