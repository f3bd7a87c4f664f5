// The drawing code of all panels, which the session's model carries into the page.

import { mountPanel } from "../panel/panel.js";
import { makeAccount } from "../parts/account.js";
import { makeGroups, makeProbabilities } from "../parts/bars.js";
import { makeBoard } from "../parts/board.js";
import { makeCells } from "../parts/cells.js";
import { makeChanges } from "../parts/changes.js";
import { makeCurves, makeUnits } from "../parts/curves.js";
import { makeFindings } from "../parts/findings.js";
import { makeGraph } from "../parts/graph.js";
import { makeKnobs } from "../parts/knobs.js";
import { makeLessons } from "../parts/lessons.js";
import { makePicture } from "../parts/picture.js";
import { makeLiveCurve } from "../parts/live_curve.js";
import { makeRace, makeRanges } from "../parts/race.js";
import { makeResponse } from "../parts/response.js";
import { makeScatter } from "../parts/scatter.js";
import { makeSeries } from "../parts/series.js";
import { makeSizes } from "../parts/sizes.js";
import { makeStatePicture } from "../parts/state_picture.js";
import { makeSweepMap } from "../parts/sweep_map.js";
import { makeGuide } from "../parts/guide.js";
import { makeStrip } from "../parts/strip.js";
import { makeVerdict } from "../parts/verdict.js";
import { makeTabs } from "../parts/tabs.js";
import { makeThresholds } from "../parts/thresholds.js";
import { makeTimeline } from "../parts/timeline.js";
import { makeTree } from "../parts/tree.js";
import { makeMisfits, makeNotes, makeTrust } from "../parts/trust.js";
import { makeChild } from "../parts/child.js";
import { makePageLink } from "../session/page_link.js";

/** What draws a part, by the part's name. */
const MAKERS = {
  picture: makePicture,
  knobs: makeKnobs,
  probabilities: makeProbabilities,
  groups: makeGroups,
  units: makeUnits,
  curves: makeCurves,
  timeline: makeTimeline,
  cells: makeCells,
  board: makeBoard,
  findings: makeFindings,
  trust: makeTrust,
  misfits: makeMisfits,
  notes: makeNotes,
  account: makeAccount,
  state: makeStatePicture,
  thresholds: makeThresholds,
  response: makeResponse,
  changes: makeChanges,
  scatter: makeScatter,
  tree: makeTree,
  sizes: makeSizes,
  lessons: makeLessons,
  "sweep-map": makeSweepMap,
  "live-curve": makeLiveCurve,
  tabs: makeTabs,
  verdict: makeVerdict,
  guide: makeGuide,
  strip: makeStrip,
  graph: makeGraph,
  series: makeSeries,
  race: makeRace,
  ranges: makeRanges,
  child: makeChild,
  "page-link": makePageLink,
};

/**
 * Draws a panel into el.
 * @param {any} view
 */
export const mount = (view) => mountPanel(view, MAKERS);

export { PageModel, revive } from "../host/page_model.js";
export { PageNetwork } from "../network/network.js";
export { csvOf } from "../panel/tables.js";
export { arrange } from "../parts/geometry.js";
