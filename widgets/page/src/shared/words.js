// Words.

/** @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * "a", "a and b", "a, b and c".
 * @param {string[]} words
 */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/**
 * A text as it is set for people: minus signs, and arrows between the ends of a link.
 * @param {string} text
 */
export function typeset(text) {
  return typeof text === "string" && text.includes("-") ? withMinus(text).replaceAll(" -> ", " → ") : text;
}

/**
 * A text with true minus signs before its numbers; hyphens of names and ranges stay.
 * @param {string} text
 */
export function withMinus(text) {
  if (typeof text !== "string" || !text.includes("-")) return text;
  return text.replace(/(?<![\p{L}\p{N}_.)\]-])-(?=\.?\d|infinite)|(?<=\d[eE])-(?=\d)/gu, "−");
}
