// An explorable: what it shows stands beside this code in the page, as data.

import { startExplorable } from "../host/explorable.js";
import { makeGroups, makeProbabilities } from "../parts/bars.js";
import { makeCurves, makeUnits } from "../parts/curves.js";
import { makeGraph } from "../parts/graph.js";
import { makeKnobs } from "../parts/knobs.js";
import { makePicture } from "../parts/picture.js";
import { makeSeries } from "../parts/series.js";

/** The parts that need no kernel. */
const MAKERS = {
  picture: makePicture,
  graph: makeGraph,
  knobs: makeKnobs,
  probabilities: makeProbabilities,
  groups: makeGroups,
  units: makeUnits,
  curves: makeCurves,
  series: makeSeries,
};

startExplorable(JSON.parse(document.getElementById("explorable-data")?.textContent ?? ""), MAKERS);
