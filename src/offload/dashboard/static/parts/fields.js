/** The fields of a form, made from a JSON Schema. What no control can show is written as JSON. */

import { AsJson, Choice, Numeric, Switch, Textual } from "./controls.js";
import { Unfit } from "./field.js";
import { List, Nested } from "./nested.js";
import { isSimple, plain } from "./schema.js";

/** @import { Field, Given } from "./field.js" */

/** What the server shows in place of a secret value. */
const HIDDEN = "***";

/**
 * Return the field for a schema.
 *
 * @param {Given} given
 * @returns {Field}
 */
function field(given) {
  const { schema, isNullable } = plain(given.schema, given.root);
  const known = { ...given, schema, isNullable };
  if (schema.enum || "const" in schema) return new Choice(known);
  const isPlain = ["boolean", "integer", "number", "string"].includes(schema.type);
  if (schema.writeOnly && !isPlain) return new AsJson(known);
  if (schema.type === "boolean")
    return isNullable || (!given.isRequired && schema.default === undefined)
      ? new Choice({ ...known, schema: { ...schema, enum: [true, false] } })
      : new Switch(known);
  if (schema.type === "integer" || schema.type === "number") return new Numeric(known);
  if (schema.type === "string") return new Textual(known);
  if (schema.type === "array" && schema.items && isSimple(schema.items, given.root))
    return new List(known);
  if (schema.type === "object" && schema.properties && schema.additionalProperties !== true)
    return new Nested(known);
  return new AsJson(known);
}

/** All parameters of a task. */
export class Fields {
  /**
   * @param {any} schema
   * @param {() => void} redraw
   */
  constructor(schema, redraw) {
    const needed = new Set(schema.required ?? []);
    this.all = Object.entries(schema.properties ?? {}).map(([name, each]) => ({
      name,
      field: field({
        schema: each,
        root: schema,
        path: name,
        name,
        isRequired: needed.has(name),
        redraw,
        make: field,
      }),
    }));
  }

  /**
   * Take over the parameters of a job.
   *
   * @param {Record<string, any>} params
   * @param {string[]} secret the names of those that stand there as `***`
   */
  fill(params, secret = []) {
    for (const { name, field } of this.all) {
      field.fault = "";
      field.isWithheld = name in params && secret.includes(name);
      field.fill(field.isWithheld ? undefined : params[name]);
    }
  }

  /**
   * Return the parameters, or null where something does not fit: the fields say what.
   *
   * @returns {Record<string, any> | null}
   */
  read() {
    /** @type {Record<string, any>} */
    const params = {};
    let fits = true;
    for (const { name, field } of this.all) {
      try {
        const value = field.read();
        if (field.isWithheld && (value ?? "") === "")
          throw new Unfit(field, "A value is needed here.");
        if (value !== undefined) params[name] = value;
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        error.field.fault = error.message;
        fits = false;
      }
    }
    return fits ? params : null;
  }

  /**
   * Return the parameters as they may be seen; null where something does not fit.
   *
   * @returns {{params: Record<string, any>, secret: string[]} | null}
   */
  seen() {
    /** @type {Record<string, any>} */
    const params = {};
    const secret = [];
    for (const { name, field } of this.all) {
      /** @type {any} */
      let value;
      try {
        value = field.read();
      } catch (error) {
        if (error instanceof Unfit) return null;
        throw error;
      }
      if (value === undefined && !field.isWithheld) continue;
      if (field.isSecret) secret.push(name);
      params[name] = field.isSecret ? HIDDEN : value;
    }
    return { params, secret };
  }

  /**
   * Put what the server found where it belongs; returns what belongs nowhere.
   *
   * @param {{parameter: string, problem: string}[]} faults
   */
  blame(faults) {
    return faults.filter(({ parameter, problem }) => {
      const path = parameter.replace(/^params\./, "");
      const found = nearest(
        this.all.map((each) => each.field),
        path,
      );
      if (found)
        found.fault =
          path === found.path
            ? problem
            : `${path.slice(found.path.length).replace(/^\./, "")}: ${problem}`;
      return !found;
    });
  }
}

/**
 * @param {any[]} fields
 * @param {string} path
 * @returns {Field | null}
 */
function nearest(fields, path) {
  for (const each of fields) {
    const found = each.field ?? each;
    if (path === found.path) return found;
    if (path.startsWith(`${found.path}.`) || path.startsWith(`${found.path}[`))
      return nearest(found.fields ?? [], path) ?? found;
  }
  return null;
}
