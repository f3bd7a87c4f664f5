// Where the lanes of a timeline are, and the axis of time that they share.

export const LANE = { right: 8, title: 22, said: 20, axis: 18, flag: 16, row: 46, gap: 6, thin: 13, thinGap: 3 };

export const FONT = 'system-ui, "Segoe UI", Roboto, sans-serif';
export const TITLE = `600 13px ${FONT}`;
export const SOFT = `400 12px ${FONT}`;
export const LOUD = `700 15px ${FONT}`;

/** Whether what is said of a run fits on the line of its name; on a phone it has one of its own.
 * @param {Pen} context
 * @param {Run<RunCurve>} run
 * @param {number} width
 */
export function fitsBeside(context, run, width) {
  const parts = [[TITLE, run.name], [SOFT, run.summary], [LOUD, run.wrong]].filter(([, text]) => text);
  const wide = parts.map(([font, text]) => {
    context.font = font;
    return context.measureText(text).width;
  });
  return wide.reduce((sum, each) => sum + each, 10 * (wide.length - 1)) <= width;
}

/** Where each lane of each run begins, and how tall it is.
 *
 * @param {TimelineFigure} given
 * @param {boolean[]} [under] whether what is said of a run has a line of its own below its name
 */
export function lanesOf({ runs, flags }, under = []) {
  let top = LANE.flag * flags.length;
  const lanes = runs.map(({ tracks }, at) => {
    const title = top + LANE.title - 8;
    const said = under[at] ? title + LANE.said : title;
    top += LANE.title + said - title;
    const rows = tracks.map(({ thin }) => {
      const lane = { top, tall: thin ? LANE.thin : LANE.row };
      top += lane.tall + (thin ? LANE.thinGap : LANE.gap);
      return lane;
    });
    top += 10;
    return { title, said, rows };
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
