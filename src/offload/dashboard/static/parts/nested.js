/** Fields that hold fields: lists, and objects with names. */

import { h } from "../core/view.js";
import { Base, required } from "./field.js";
import { icon } from "./icons.js";
import { plain, typeName } from "./schema.js";

/** @import { Field } from "./field.js" */

/** @type {Record<string, string>} */
const NOUNS = { integer: "number", number: "number", string: "text" };

export class List extends Base {
  constructor(/** @type {any} */ given) {
    super(given);
    /** @type {Field[] | null} */
    this.items = given.isRequired ? [] : null;
  }

  /** @param {any} value */
  fill(value) {
    this.items = Array.isArray(value)
      ? value.map((each, at) => this.item(at, each))
      : this.given.isRequired
        ? []
        : null;
  }

  /** @param {number} at @param {any} value @returns {Field} */
  item(at, value) {
    const made = this.given.make({
      ...this.given,
      schema: this.schema.items,
      path: `${this.path}[${at}]`,
      name: String(at + 1),
      isRequired: true,
    });
    if (value !== undefined) made.fill(value);
    return made;
  }

  view() {
    /** @type {Field[]} */
    const items = this.items ?? [];
    return h(
      "fieldset",
      { class: "field nested", key: this.path },
      h(
        "legend",
        { class: "name" },
        this.given.name,
        h("span", { class: "soft" }, ` ${typeName(this.schema)}`),
        this.given.isRequired ? required() : null,
      ),
      this.schema.description ? h("span", { class: "help" }, this.schema.description) : null,
      items.map((each, at) =>
        h(
          "div",
          { class: "item", key: at },
          each.view(),
          h(
            "button",
            {
              class: "button quiet square",
              type: "button",
              "aria-label": `Remove item ${at + 1} of ${this.given.name}`,
              on: { click: () => this.without(at) },
            },
            icon("close"),
          ),
        ),
      ),
      this.fault ? h("span", { class: "fault" }, this.fault) : null,
      h(
        "button",
        {
          class: "button small",
          type: "button",
          "aria-label": `${this.invitation} to ${this.given.name}`,
          on: {
            click: () => (
              (this.items = [...items, this.item(items.length, undefined)]),
              this.given.redraw()
            ),
          },
        },
        icon("plus"),
        this.invitation,
      ),
      items.length === 0 && (this.schema.default ?? null) !== null ? h("span", { class: "help" }, this.hint) : null,
    );
  }

  get invitation() {
    const noun = NOUNS[plain(this.schema.items, this.given.root).schema.type] ?? "value";
    return `Add ${this.items?.length ? "another" : "a"} ${noun}`;
  }

  /** @param {number} at */
  without(at) {
    const values = (this.items ?? [])
      .filter((_, each) => each !== at)
      .map((each) => {
        try {
          return each.read();
        } catch {
          return undefined;
        }
      });
    this.fill(values);
    this.given.redraw();
  }

  read() {
    return this.items === null ? undefined : this.items.map((each) => each.read());
  }

  get fields() {
    return this.items ?? [];
  }
}

export class Nested extends Base {
  constructor(/** @type {any} */ given) {
    super(given);
    const needed = new Set(given.schema.required ?? []);
    this.isSaid = given.isRequired;
    this.fields = Object.entries(given.schema.properties).map(([name, schema]) => ({
      name,
      field: given.make({
        ...given,
        schema,
        path: `${given.path}.${name}`,
        name,
        isRequired: needed.has(name),
      }),
    }));
  }

  /** @param {any} value */
  fill(value) {
    this.isSaid = this.given.isRequired || (value !== undefined && value !== null);
    for (const each of this.fields) each.field.fill(value?.[each.name]);
  }

  view() {
    return h(
      "fieldset",
      { class: "field nested", key: this.path },
      h(
        "legend",
        { class: "name" },
        this.given.name,
        this.given.isRequired ? required() : null,
      ),
      this.schema.description ? h("span", { class: "help" }, this.schema.description) : null,
      this.given.isRequired
        ? null
        : h(
            "label",
            { class: "switch" },
            h("input", {
              type: "checkbox",
              role: "switch",
              set: { checked: this.isSaid },
              on: {
                change: (event) => ((this.isSaid = event.target.checked), this.given.redraw()),
              },
            }),
            `Set ${this.given.name}`,
          ),
      this.isSaid ? this.fields.map((each) => each.field.view()) : null,
      this.fault ? h("span", { class: "fault" }, this.fault) : null,
    );
  }

  read() {
    if (!this.isSaid) return undefined;
    return Object.fromEntries(
      this.fields
        .map((each) => [each.name, each.field.read()])
        .filter(([, value]) => value !== undefined),
    );
  }
}
