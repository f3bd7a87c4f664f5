// Bytes as the kernel sends them, as typed arrays of the page's own.

/**
 * The numbers of a view's bytes; none where there is no view.
 * @template T
 * @param {ArrayBufferView | null | undefined} view
 * @param {new (of: any) => T} Kind
 * @returns {T}
 */
export function bytes(view, Kind) {
  if (!view) return new Kind(0);
  const start = view.byteOffset;
  return new Kind(view.buffer.slice(start, start + view.byteLength));
}
