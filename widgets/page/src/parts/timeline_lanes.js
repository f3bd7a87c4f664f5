// Where the lanes of a timeline are, and the axis of time that they share.

export const LANE = { right: 8, title: 22, axis: 18, flag: 16, row: 46, gap: 6, thin: 13, thinGap: 3 };

/** Where each lane of each run begins, and how tall it is.
 *
 * @param {TimelineFigure} given
 */
export function lanesOf({ runs, flags }) {
  let top = LANE.flag * flags.length;
  const lanes = runs.map(({ tracks }) => {
    const title = top + LANE.title - 8;
    top += LANE.title;
    const rows = tracks.map(({ thin }) => {
      const lane = { top, tall: thin ? LANE.thin : LANE.row };
      top += lane.tall + (thin ? LANE.thinGap : LANE.gap);
      return lane;
    });
    top += 10;
    return { title, rows };
  });
  return { lanes, height: top + LANE.axis };
}

/** From where to where the lanes of each run go.
 *
 * @param {RunLanes[]} lanes
 * @returns {[number, number][]}
 */
export function stretches(lanes) {
  return lanes.map(({ rows }) => [rows[0].top - 4, rows[rows.length - 1].top + rows[rows.length - 1].tall + 4]);
}

/** The line of the present moment stands in the lanes and leaves the titles between them readable.
 *
 * @param {RunLanes[]} lanes
 */
export function stripesOf(lanes) {
  const stops = stretches(lanes).flatMap(([from, to]) => {
    return [`transparent ${from}px`, `var(--dx-ink) ${from}px`, `var(--dx-ink) ${to}px`, `transparent ${to}px`];
  });
  return `linear-gradient(${["transparent 0", ...stops].join(", ")})`;
}

/**
 * @param {TimeAxis} view
 * @param {number} time
 */
export function timeX(view, time) {
  const { begin, end } = view.figure;
  return view.left + ((time - begin) / (end - begin || 1)) * (view.width - view.left - LANE.right);
}

/**
 * @param {TimeAxis} view
 * @param {number} x
 */
export function timeAt(view, x) {
  const { begin, end } = view.figure;
  return begin + ((x - view.left) / (view.width - view.left - LANE.right)) * (end - begin);
}
