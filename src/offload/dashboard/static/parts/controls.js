/** Fields with one control: text, numbers, switches, choices, and JSON where nothing else would do. */

import { read, write } from "../core/json.js";
import { h } from "../core/view.js";
import { Base, Unfit } from "./field.js";

/** @type {Record<string, string>} */
const KINDS = {
  "date-time": "datetime-local",
  date: "date",
  time: "time",
  email: "email",
  uri: "url",
};

/** What browsers put nothing into that they know, such as the password of this page. */
const UNKNOWN = "new-password";

export class Textual extends Base {
  view() {
    const kind = KINDS[this.schema.format] ?? "text";
    const isLong = this.text.includes("\n") || (this.schema.maxLength ?? 0) > 200;
    const props = {
      ...this.common,
      placeholder: this.hint,
      set: { value: kind === "datetime-local" ? onThisClock(this.text) : this.text },
      on: { input: (/** @type {any} */ event) => this.typed(event) },
    };
    return this.framed([
      isLong && !this.isSecret
        ? h("textarea", { ...props, rows: 4 })
        : h("input", {
            ...props,
            type: this.isSecret ? "password" : kind,
            step: kind === "datetime-local" ? 1 : null,
            autocomplete: this.isSecret ? UNKNOWN : "off",
            spellcheck: "false",
          }),
      // A control for dates shows no placeholder.
      /^(date|time)/.test(kind) && (this.schema.default ?? null) !== null
        ? h("span", { class: "help" }, this.hint)
        : null,
    ]);
  }

  /** @param {any} event */
  typed(event) {
    super.typed(event);
    this.isHalf = event.target.validity.badInput;
  }

  /** @param {any} value */
  fill(value) {
    super.fill(value);
    this.isHalf = false;
  }

  read() {
    if (this.isHalf) throw new Unfit(this, "A part of it is missing.");
    if (this.text === "")
      return this.given.isRequired && !this.given.isNullable
        ? ""
        : this.given.isRequired
          ? null
          : undefined;
    return this.schema.format === "date-time" ? withOffset(this.text) : this.text;
  }
}

export class Numeric extends Base {
  get kind() {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = this.schema;
    return [
      super.kind,
      minimum !== undefined && `from ${minimum}`,
      exclusiveMinimum !== undefined && `more than ${exclusiveMinimum}`,
      maximum !== undefined && `to ${maximum}`,
      exclusiveMaximum !== undefined && `less than ${exclusiveMaximum}`,
    ]
      .filter(Boolean)
      .join(" ");
  }

  view() {
    // A control for numbers would round what is beyond 2⁵³.
    return this.framed(
      h("input", {
        ...this.common,
        type: this.isSecret ? "password" : "text",
        inputmode: this.schema.type === "integer" ? "numeric" : "decimal",
        placeholder: this.hint,
        autocomplete: this.isSecret ? UNKNOWN : "off",
        class: "figure",
        set: { value: this.text },
        on: { input: (event) => this.typed(event) },
      }),
    );
  }

  read() {
    const text = this.text.trim().replaceAll("_", "");
    if (text === "") {
      if (!this.given.isRequired) return undefined;
      if (this.given.isNullable) return null;
      throw new Unfit(this, "A number is needed here.");
    }
    if (/^[+-]?\d+$/.test(text)) {
      const value = Number(text);
      return Number.isSafeInteger(value) ? value : BigInt(text);
    }
    const value = Number(text);
    if (this.schema.type === "integer" || !Number.isFinite(value))
      throw new Unfit(
        this,
        this.schema.type === "integer"
          ? "A whole number is needed here."
          : "A number is needed here.",
      );
    return value;
  }
}

export class Switch extends Base {
  constructor(/** @type {any} */ given) {
    super(given);
    this.isOn = Boolean(given.schema.default);
    this.isSaid = given.isRequired;
  }

  /** @param {any} value */
  fill(value) {
    this.isSaid = this.given.isRequired || value !== undefined;
    this.isOn = value === undefined ? Boolean(this.schema.default) : value === true;
  }

  view() {
    return this.framed(
      h(
        "span",
        { class: "switch" },
        h("input", {
          ...this.common,
          type: "checkbox",
          role: "switch",
          set: { checked: this.isOn },
          on: {
            change: (event) => (
              (this.isOn = event.target.checked),
              (this.isSaid = true),
              this.given.redraw()
            ),
          },
        }),
        h("span", { class: "soft", "aria-hidden": "true" }, this.isOn ? "yes" : "no"),
      ),
    );
  }

  read() {
    return this.isSaid ? this.isOn : undefined;
  }
}

export class Choice extends Base {
  get values() {
    return this.schema.enum ?? [this.schema.const];
  }

  view() {
    const isOpen = !this.given.isRequired || this.given.isNullable;
    // The default stands there once, unless a job has it by name.
    const first = isOpen && "default" in this.schema ? write(this.schema.default) : null;
    const values = this.values
      .map((/** @type {any} */ each) => ({ each, text: write(each) }))
      .filter((/** @type {{text: string}} */ { text }) => text !== first || text === this.text);
    const nothing =
      isOpen || this.text === ""
        ? [h("option", { key: "", value: "" }, isOpen ? this.hint || "left out" : "Choose…")]
        : [];
    return this.framed(
      h(
        "select",
        {
          ...this.common,
          set: { value: this.text },
          on: { change: (event) => (this.typed(event), this.given.redraw()) },
        },
        nothing,
        values.map((/** @type {{each: any, text: string}} */ { each, text }) =>
          h(
            "option",
            { key: text, value: text, selected: text === this.text },
            typeof each === "string" ? each : text,
          ),
        ),
      ),
    );
  }

  /** @param {any} value */
  fill(value) {
    this.text = value === undefined || value === null ? "" : write(value);
  }

  read() {
    if (this.text !== "") return read(this.text);
    if (!this.given.isRequired) return undefined;
    if (this.given.isNullable) return null;
    throw new Unfit(this, "Choose one of them.");
  }
}

export class AsJson extends Base {
  view() {
    const props = {
      ...this.common,
      class: "code",
      spellcheck: "false",
      placeholder: this.hint || "JSON",
      set: { value: this.text },
      on: { input: (/** @type {any} */ event) => this.typed(event) },
    };
    const rows = Math.min(10, 2 + this.text.split("\n").length);
    return this.framed(
      this.isSecret
        ? h("input", { ...props, type: "password", autocomplete: UNKNOWN })
        : h("textarea", { ...props, rows }),
    );
  }

  /** @param {any} value */
  fill(value) {
    this.text = value === undefined ? "" : write(value, 2);
  }

  read() {
    if (this.text.trim() === "") {
      if (!this.given.isRequired) return undefined;
      throw new Unfit(this, 'A value is needed here, as JSON: 3, "text", [1, 2], {"a": 1}, null.');
    }
    try {
      return read(this.text);
    } catch {
      throw new Unfit(this, 'This is not JSON. Text needs quotes: "text".');
    }
  }
}

/**
 * Return an instant as the clock on this wall shows it, without an offset; other text as it is.
 *
 * @param {string} text
 */
function onThisClock(text) {
  if (!/T.*(Z|[+-]\d\d:\d\d)$/i.test(text)) return text;
  const date = new Date(text);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/**
 * Return what a control for date and time holds as RFC 3339 has it, with the offset that holds here
 * on that day; other text as it is.
 *
 * @param {string} text
 */
function withOffset(text) {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/.exec(text);
  if (!found) return text;
  const minutes = -new Date(text).getTimezoneOffset();
  const two = (/** @type {number} */ amount) => String(Math.trunc(amount)).padStart(2, "0");
  const ahead = Math.abs(minutes);
  return `${found[1]}${found[2] ?? ":00"}${minutes < 0 ? "-" : "+"}${two(ahead / 60)}:${two(ahead % 60)}`;
}
