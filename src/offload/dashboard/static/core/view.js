/**
 * What is to be seen, as a tree of plain records, and the least that must be done to show it.
 *
 * Text is only ever set as text. Elements stay when the same one is drawn again, so focus, selection
 * and what somebody is typing survive every update.
 *
 * @typedef {VNode | string | number | bigint | null | undefined | false | any[]} Child
 *
 * @typedef {object} VNode
 * @property {string} tag
 * @property {Props} props
 * @property {(VNode | string)[]} children
 *
 * @typedef {{
 *   key?: string | number,
 *   on?: {[type: string]: (event: any) => void},
 *   set?: {[name: string]: any},
 *   style?: {[name: string]: string | number},
 *   [attribute: string]: any,
 * }} Props
 */

const SVG = "http://www.w3.org/2000/svg";
const SPECIAL = new Set(["key", "on", "set", "style"]);

/** @type {WeakMap<Element, VNode>} */
const drawn = new WeakMap();

/**
 * Describe an element.
 *
 * `on` holds listeners, `set` properties (value, checked: set when they change here, not when
 * somebody types), `style` single styles; all else are attributes, left out when null or false.
 *
 * @param {string} tag
 * @param {Props | null} [props]
 * @param {...Child} children
 * @returns {VNode}
 */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, children: flat(children) };
}

/**
 * @param {Child[]} children
 * @returns {(VNode | string)[]}
 */
function flat(children) {
  /** @type {(VNode | string)[]} */
  const found = [];
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) found.push(...flat(child));
    else if (typeof child === "object") found.push(child);
    else found.push(String(child));
  }
  return found;
}

/**
 * Show nodes as the content of an element.
 *
 * @param {Element} parent
 * @param {Child[]} children
 */
export function show(parent, children) {
  patchChildren(parent, flat(children));
}

/**
 * @param {Element} parent
 * @param {(VNode | string)[]} children
 */
function patchChildren(parent, children) {
  const keyed = new Map();
  for (const node of parent.childNodes) {
    const key = node instanceof Element ? drawn.get(node)?.props.key : undefined;
    if (key !== undefined) keyed.set(key, node);
  }
  let cursor = parent.firstChild;
  for (const child of children) {
    const found = reusable(child, cursor, keyed);
    const node = found ?? create(parent, child);
    if (found) patch(node, child);
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

/**
 * @param {VNode | string} child
 * @param {ChildNode | null} cursor
 * @param {Map<any, ChildNode>} keyed
 * @returns {ChildNode | null}
 */
function reusable(child, cursor, keyed) {
  if (typeof child === "string") return cursor instanceof Text ? cursor : null;
  if (child.props.key !== undefined) {
    const found = keyed.get(child.props.key);
    return found && isSame(found, child) ? found : null;
  }
  return cursor &&
    isSame(cursor, child) &&
    drawn.get(/** @type {Element} */ (cursor))?.props.key === undefined
    ? cursor
    : null;
}

/**
 * @param {ChildNode} node
 * @param {VNode} child
 */
function isSame(node, child) {
  return node instanceof Element && drawn.get(node)?.tag === child.tag;
}

/**
 * @param {Element} parent
 * @param {VNode | string} child
 * @returns {ChildNode}
 */
function create(parent, child) {
  if (typeof child === "string") return document.createTextNode(child);
  const isSvg =
    child.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  const node = isSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  drawn.set(node, { tag: child.tag, props: {}, children: [] });
  patch(node, child);
  return node;
}

/**
 * @param {ChildNode} node
 * @param {VNode | string} child
 */
function patch(node, child) {
  if (typeof child === "string") {
    if (/** @type {Text} */ (node).data !== child) /** @type {Text} */ (node).data = child;
    return;
  }
  const element = /** @type {any} */ (node);
  const before = drawn.get(element)?.props ?? {};
  drawn.set(element, child);
  patchAttributes(element, before, child.props);
  patchListeners(element, before.on ?? {}, child.props.on ?? {});
  // What a custom element holds is its own.
  if (!child.tag.includes("-")) patchChildren(element, child.children);
  for (const [name, value] of Object.entries(child.props.set ?? {})) {
    if (before.set?.[name] !== value) element[name] = value;
  }
  for (const [name, value] of Object.entries(child.props.style ?? {})) {
    if (before.style?.[name] !== value) element.style.setProperty(name, String(value));
  }
}

/**
 * @param {Element} element
 * @param {Props} before
 * @param {Props} after
 */
function patchAttributes(element, before, after) {
  for (const name of Object.keys(before)) {
    if (!(name in after) && !SPECIAL.has(name)) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(after)) {
    if (SPECIAL.has(name) || before[name] === value) continue;
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * @param {any} element
 * @param {{[type: string]: (event: any) => void}} before
 * @param {{[type: string]: (event: any) => void}} after
 */
function patchListeners(element, before, after) {
  for (const type of Object.keys(after)) {
    if (!(type in before)) element.addEventListener(type, dispatch);
  }
  for (const type of Object.keys(before)) {
    if (!(type in after)) element.removeEventListener(type, dispatch);
  }
}

/** @param {Event} event */
function dispatch(event) {
  drawn.get(/** @type {Element} */ (event.currentTarget))?.props.on?.[event.type]?.(event);
}
