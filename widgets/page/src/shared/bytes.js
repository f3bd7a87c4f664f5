// Bytes as the kernel sends them, as typed arrays of the page's own.

/** The numbers of a view's bytes; none where there is no view. */
export function bytes(view, Kind) {
  if (!view) return new Kind(0);
  const start = view.byteOffset;
  return new Kind(view.buffer.slice(start, start + view.byteLength));
}
