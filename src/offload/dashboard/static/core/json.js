/**
 * JSON that stays exact: an integer beyond 2⁵³ is read as a BigInt, and written as it was.
 *
 * @typedef {null | boolean | number | bigint | string | any[] | {[name: string]: any}} Json
 */

const LONG_NUMBER = /\d{16}/;
const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const WORDS = /** @type {const} */ ({ true: true, false: false, null: null });

/**
 * Read a text. The browser's own reader is faster, and exact where no long number stands.
 *
 * @param {string} text
 * @returns {any}
 */
export function read(text) {
  return LONG_NUMBER.test(text) ? new Reader(text).all() : JSON.parse(text);
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** @returns {Json} */
  all() {
    const value = this.value();
    this.match(SPACE);
    if (this.at < this.text.length) this.fail();
    return value;
  }

  /** @returns {Json} */
  value() {
    this.match(SPACE);
    const sign = this.text[this.at];
    if (sign === "{") return this.object();
    if (sign === "[") return this.list();
    if (sign === '"') return this.string();
    for (const [word, value] of Object.entries(WORDS)) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return number(this.match(NUMBER) || this.fail());
  }

  /** @returns {Json} */
  object() {
    /** @type {[string, Json][]} */
    const pairs = [];
    this.items("}", () => {
      this.match(SPACE);
      const name = this.string();
      this.match(SPACE);
      this.expect(":");
      pairs.push([name, this.value()]);
    });
    return Object.fromEntries(pairs); // it defines: "__proto__" is a name like any other
  }

  /** @returns {Json} */
  list() {
    /** @type {Json[]} */
    const items = [];
    this.items("]", () => items.push(this.value()));
    return items;
  }

  /**
   * @param {string} end
   * @param {() => void} item
   */
  items(end, item) {
    this.at += 1;
    this.match(SPACE);
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      item();
      this.match(SPACE);
      if (this.text[this.at] === end) break;
      this.expect(",");
    }
    this.at += 1;
  }

  /** @returns {string} */
  string() {
    return JSON.parse(this.match(STRING) || this.fail());
  }

  /** @param {string} sign */
  expect(sign) {
    if (this.text[this.at] !== sign) this.fail();
    this.at += 1;
  }

  /** @param {RegExp} pattern */
  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return "";
    this.at = pattern.lastIndex;
    return found[0];
  }

  /** @returns {never} */
  fail() {
    throw new SyntaxError(`not JSON: something unexpected at character ${this.at + 1}`);
  }
}

/**
 * @param {string} digits
 * @returns {number | bigint}
 */
function number(digits) {
  const value = Number(digits);
  return Number.isSafeInteger(value) || /[.eE]/.test(digits) ? value : BigInt(digits);
}

/**
 * Write a value; over several lines with `indent`.
 *
 * @param {any} value
 * @param {number} [indent]
 * @param {string} [margin]
 * @returns {string}
 */
export function write(value, indent = 0, margin = "") {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const inner = margin + " ".repeat(indent);
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((each) => write(each, indent, inner))
    : Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(
          ([name, each]) =>
            `${JSON.stringify(name)}:${indent ? " " : ""}${write(each, indent, inner)}`,
        );
  const [begin, end] = isList ? "[]" : "{}";
  if (!parts.length) return begin + end;
  if (!indent) return begin + parts.join(",") + end;
  return `${begin}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${end}`;
}
