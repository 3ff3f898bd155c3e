/** JSON Schemas, as far as a form must understand them. */

/**
 * Follow references, and take null out of the choices.
 *
 * @param {any} schema
 * @param {any} root
 * @returns {{schema: any, isNullable: boolean}}
 */
export function plain(schema, root) {
  let found = schema === true || !schema ? {} : schema;
  for (let hops = 0; found.$ref && hops < 8; hops += 1) {
    const { $ref, ...beside } = found;
    const target = String($ref)
      .replace(/^#\//, "")
      .split("/")
      .reduce((at, name) => at?.[name], root);
    found = { ...target, ...beside };
  }
  const choices = found.anyOf ?? found.oneOf;
  if (!choices) return { schema: found, isNullable: false };
  const others = choices.filter((/** @type {any} */ each) => each.type !== "null");
  const { anyOf, oneOf, ...beside } = found;
  if (others.length === 1) {
    const inner = plain(others[0], root);
    return {
      schema: { ...inner.schema, ...beside },
      isNullable: others.length < choices.length || inner.isNullable,
    };
  }
  return { schema: beside, isNullable: false };
}

/** @param {any} schema @param {any} root */
export function isSimple(schema, root) {
  const found = plain(schema, root).schema;
  return (
    ["string", "integer", "number", "boolean"].includes(found.type) || Array.isArray(found.enum)
  );
}

/** @type {Record<string, string>} */
const NAMES = {
  integer: "whole number",
  number: "number",
  string: "text",
  boolean: "yes or no",
  array: "list",
  object: "object",
  "date-time": `date and time (${Intl.DateTimeFormat().resolvedOptions().timeZone})`,
  password: "secret",
};

/** @param {any} schema */
export function typeName(schema) {
  if (schema.enum || "const" in schema) return "one of a few";
  return NAMES[schema.format] ?? schema.format ?? NAMES[schema.type] ?? "JSON";
}
