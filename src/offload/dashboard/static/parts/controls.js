/** Fields with one control: text, numbers, switches, choices, and JSON where nothing else would do. */

import { read, write } from "../core/json.js";
import { h } from "../core/view.js";
import { Base, Unfit } from "./field.js";

export class Textual extends Base {
  view() {
    const { format } = this.schema;
    const kind =
      {
        "date-time": "datetime-local",
        date: "date",
        time: "time",
        email: "email",
        uri: "url",
        password: "password",
      }[/** @type {string} */ (format)] ?? "text";
    const isSecret = this.schema.writeOnly || format === "password";
    const isLong = this.text.includes("\n") || (this.schema.maxLength ?? 0) > 200;
    const props = {
      ...this.common,
      placeholder: this.hint,
      set: { value: this.shownText(kind) },
      on: { input: (/** @type {any} */ event) => this.typed(event) },
    };
    return this.framed(
      isLong
        ? h("textarea", { ...props, rows: 4 })
        : h("input", {
            ...props,
            type: isSecret ? "password" : kind,
            step: kind === "datetime-local" ? 1 : null,
            autocomplete: "off",
            spellcheck: "false",
          }),
    );
  }

  /** @param {string} kind */
  shownText(kind) {
    if (kind !== "datetime-local" || !/Z|[+-]\d\d:\d\d$/.test(this.text)) return this.text;
    const date = new Date(this.text);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  }

  read() {
    if (this.text === "")
      return this.given.isRequired && !this.given.isNullable
        ? ""
        : this.given.isRequired
          ? null
          : undefined;
    if (this.schema.format === "date-time" && /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(this.text))
      return new Date(this.text).toISOString();
    return this.text;
  }
}

export class Numeric extends Base {
  view() {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = this.schema;
    const bounds = [
      minimum !== undefined && `from ${minimum}`,
      exclusiveMinimum !== undefined && `more than ${exclusiveMinimum}`,
      maximum !== undefined && `to ${maximum}`,
      exclusiveMaximum !== undefined && `less than ${exclusiveMaximum}`,
    ]
      .filter(Boolean)
      .join(" ");
    // A control for numbers would round what is beyond 2⁵³.
    return this.framed(
      h("input", {
        ...this.common,
        type: "text",
        inputmode: this.schema.type === "integer" ? "numeric" : "decimal",
        placeholder: [this.hint, bounds].filter(Boolean).join(", "),
        autocomplete: "off",
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
    const nothing =
      isOpen || this.text === ""
        ? [h("option", { key: "", value: "" }, isOpen ? `(${this.hint || "none"})` : "Choose…")]
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
        this.values.map((/** @type {any} */ each) =>
          h(
            "option",
            { key: write(each), value: write(each), selected: write(each) === this.text },
            typeof each === "string" ? each : write(each),
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
    return this.framed(
      h("textarea", {
        ...this.common,
        rows: Math.min(10, 2 + this.text.split("\n").length),
        class: "code",
        spellcheck: "false",
        placeholder: this.hint || "JSON",
        set: { value: this.text },
        on: { input: (event) => this.typed(event) },
      }),
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
