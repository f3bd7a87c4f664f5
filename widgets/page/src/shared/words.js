// Words.

/** @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * A text with true minus signs before its numbers; hyphens of names, ranges and powers stay.
 * @param {string} text
 */
export function withMinus(text) {
  return text.replace(/(?<![\p{L}\p{N}_.)\]-])-(?=\.?\d|infinite)/gu, "−");
}
