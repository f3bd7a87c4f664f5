// A Jupyter model for a page without Jupyter: an exported page, a lesson of the site, a test.

/** Like Jupyter's: changes are told to those that listen, and saved on demand; what is as before is not told. */
export class PageModel {
  /**
   * @param {Record<string, any>} state
   * @param {(changes: Record<string, any>) => unknown} saved is called with what was set since the last time
   */
  constructor(state, saved = () => {}) {
    this.state = state;
    this.saved = saved;
    /** @type {Record<string, Set<() => void>>} */
    this.handlers = {};
    /** @type {Record<string, any>} */
    this.dirty = {};
  }

  /** @param {string} name */
  get(name) {
    return this.state[name];
  }

  /**
   * @param {string} name
   * @param {number} value
   */
  set(name, value) {
    if (isSame(this.state[name], value)) return;
    this.state[name] = value;
    this.dirty[name] = value;
    this.fire(name);
  }

  /**
   * @param {string} event
   * @param {() => void} callback
   */
  on(event, callback) {
    (this.handlers[event] ??= new Set()).add(callback);
  }

  /**
   * @param {string} event
   * @param {() => void} callback
   */
  off(event, callback) {
    this.handlers[event]?.delete(callback);
  }

  /** @param {string} name */
  fire(name) {
    for (const callback of this.handlers[`change:${name}`] || []) callback();
  }

  /** A change from the other side, as if a kernel had sent it: all are taken before the first is told. */
  take(/** @type {Record<string, any>} */ changes) {
    const news = Object.keys(changes).filter((name) => !isSame(this.state[name], changes[name]));
    for (const name of news) this.state[name] = changes[name];
    for (const name of news) this.fire(name);
  }

  save_changes() {
    const changes = this.dirty;
    this.dirty = {};
    return this.saved(changes);
  }
}

/**
 * Whether two values of a model's state are the same, bytes included.
 * @param {any} first
 * @param {any} other
 * @returns {boolean}
 */
export function isSame(first, other) {
  if (Object.is(first, other)) return true;
  if (!first || !other || typeof first !== "object" || typeof other !== "object") return false;
  if (ArrayBuffer.isView(first) || ArrayBuffer.isView(other)) return ArrayBuffer.isView(first) && ArrayBuffer.isView(other) && haveSameBytes(first, other);
  const names = Object.keys(first);
  return Array.isArray(first) === Array.isArray(other) && names.length === Object.keys(other).length
    && names.every((name) => name in other && isSame(first[name], other[name]));
}

/**
 * @param {ArrayBufferView} first
 * @param {ArrayBufferView} other
 */
function haveSameBytes(first, other) {
  const [left, right] = [first, other].map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return left.length === right.length && left.every((value, at) => value === right[at]);
}

/**
 * A state that came as JSON, its {__bytes__: base64} as bytes.
 * @param {any} value
 * @returns {any}
 */
export function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (!value || typeof value !== "object") return value;
  if ("__bytes__" in value) return new DataView(Uint8Array.from(atob(value.__bytes__), (letter) => letter.charCodeAt(0)).buffer);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item)]));
}
