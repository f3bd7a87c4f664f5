// Figures as panels in Python make them (widgets/dnnexplain_widgets/panels), and what the page keeps of each.

type Ink = (typeof import("../shared/dom.js").INK)["light"];
type Pen = CanvasRenderingContext2D;

// --- timelines ------------------------------------------------------------------------------------

interface Track {
  name: string;
  unit: string;
  capacity: number;
  thin: boolean;
  wrong: boolean;
}

interface SaidRunCurve {
  name: string;
  track: number;
  steps: boolean;
  quiet: boolean;
  points: Packed;
}

/** A curve of a run, unpacked. */
interface RunCurve extends SaidRunCurve {
  times: Float32Array;
  values: Float32Array;
}

/** Of an object on a track: from and to in time, low and high in the track's unit. */
type RunBar = [object: number, track: number, from: number, to: number, low: number, high: number];

interface Run<Line> {
  name: string;
  summary: string;
  wrong: string;
  tracks: Track[];
  objects: { colour: number; words: string }[];
  bars: RunBar[];
  curves: Line[];
}

interface GripSet {
  knobs: number[];
  track: number;
  times: number[];
}

interface TimelineFigure<Line = RunCurve> {
  runs: Run<Line>[];
  begin: number;
  end: number;
  unit: string;
  words?: string;
  times: number[];
  marks: number[];
  flags: [decision: number, words: string][];
  grips: GripSet[];
  states?: Packed;
  did: string[];
}

interface Lane {
  top: number;
  tall: number;
}

interface RunLanes {
  title: number;
  said: number;
  rows: Lane[];
}

/** An object of a run. */
interface Pointed {
  run: number;
  at: number;
}

/** Where time stands on a timeline's axis. */
interface TimeAxis {
  figure: { begin: number; end: number };
  left: number;
  width: number;
}

interface TimelineView extends TimeAxis {
  store: Store;
  model: PanelModel;
  canvas: HTMLCanvasElement;
  line: HTMLElement;
  tip: HTMLElement;
  stage: HTMLElement;
  box: HTMLElement;
  scrub: { element: HTMLElement; update(): void };
  grips: { element: HTMLElement; say: HTMLElement; update(): void };
  object: Pointed | null;
  given?: TimelineFigure<SaidRunCurve>;
  figure: TimelineFigure;
  height: number;
  lanes: RunLanes[];
}

interface Grip {
  set: GripSet;
  back: number;
  index: number;
  knob: Knob;
  element: HTMLElement;
}

interface HeldGrip {
  mark: Grip;
  pointer: number;
  shift: number;
  moved: boolean;
  y: number;
}

/** `wanted`: what is asked for until its decision is open. */
interface Grips {
  view: TimelineView;
  place: (time: number) => number;
  element: HTMLElement;
  chip: HTMLElement;
  say: HTMLElement;
  marks: Grip[];
  given: TimelineFigure | null;
  states: Float64Array;
  held: HeldGrip | null;
  wanted: { decision: number; index: number; value: number; settled: boolean } | null;
  loaded: number;
  asked: number;
}

// --- maps over two quantities -----------------------------------------------------------------------

interface SweepAxis {
  name: string;
  unit: string;
  values: number[];
  knobs: number[];
}

interface Sweep {
  across: SweepAxis;
  down: SweepAxis;
  sides: { name: string; action: Packed }[];
  kind: string;
  names: string[];
  ordered: boolean;
  low: number;
  high: number;
  still?: string;
  box?: [left: number, right: number, bottom: number, top: number];
}

interface SweepSide {
  side: number;
  title: HTMLElement;
  canvas: HTMLCanvasElement;
  here: HTMLElement;
  box: HTMLElement;
  stage: HTMLElement;
  down: HTMLElement;
  foot: HTMLElement;
  element: HTMLElement;
}

interface SweepView {
  store: Store;
  model: PanelModel;
  maps: SweepSide[];
  given: Sweep;
  room: number;
  width: number;
  actions: (Uint16Array | Float32Array)[];
  grid: HTMLElement;
  legend: HTMLElement;
  readout: HTMLElement;
  element: HTMLElement;
}

// --- the picture and its handles ----------------------------------------------------------------------

interface PictureGrip {
  element: HTMLElement;
  handle: Handle;
  pane: Pane;
  index: number;
}

interface PictureView {
  store: Store;
  part: PartSpec;
  canvas: HTMLCanvasElement;
  stage: HTMLElement;
  tip: HTMLElement;
  legend: { element: HTMLElement; update(store: Store): void } | null;
  scratch: HTMLCanvasElement;
  element: HTMLElement;
  grips: PictureGrip[];
  layout: Layout;
  ratio: number;
  selected?: string | null;
}

interface Cell {
  index: number;
  row: number;
  column: number;
}

// --- sliders -------------------------------------------------------------------------------------------

/** A knob and its place among all knobs. */
interface PlacedKnob {
  knob: Knob;
  index: number;
}

interface KnobsView {
  store: Store;
  tabs: HTMLElement;
  body: HTMLElement;
  rows: { element: HTMLElement; update(): void }[];
  shown: string | null;
}

interface ProfileBar extends PlacedKnob {
  element: HTMLElement;
  fill: HTMLElement;
}

// --- nodes and edges ---------------------------------------------------------------------------------------

interface GraphNode {
  place: [number, number];
  moves: [number, number] | null;
  amount: number;
  switch: number;
  output: number;
  shape: string;
}

type Point = [x: number, y: number];
type Box = [left: number, top: number, right: number, bottom: number];

/** A graph as a panel is given it; pairs, knobs and paths where pairs send traffic over paths. */
interface Graph {
  names: string[];
  nodes: GraphNode[];
  links: [from: number, to: number][];
  directed: boolean;
  full: boolean;
  marked?: boolean;
  means: string;
  capacity: number[] | null;
  unit: string;
  pairs: [from: number, to: number][];
  knobs: number[];
  earlier: number[][];
  pathPair: number[];
  pathLinks: number[][];
}

interface SaidGraphPicture {
  names: string[];
  headlines: string[];
  verdict: string;
  level: Packed;
  shares: Packed;
  marks: Packed;
  on: Packed | null;
  words: string[][] | null;
}

/** The same with its arrays unpacked, one for each side. */
interface GraphPicture extends Pick<SaidGraphPicture, "names" | "headlines" | "verdict" | "words"> {
  level: Float32Array[];
  shares: Float32Array[];
  marks: Int8Array;
  on: Uint8Array[] | null;
}

/** Where a link runs, and its direction as a unit vector. */
interface Ends {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  ux: number;
  uy: number;
}

interface GraphLink {
  element: SVGElement;
  line: SVGElement;
  arrow: SVGElement;
  reach: SVGElement;
  ends: [from: number, to: number];
  at: Ends;
}

interface NodeMark {
  element: SVGElement;
  dot: SVGElement;
  reach: SVGElement;
  text: SVGElement;
}

/** Where a word has room: its middle and foot, its box, and how much it covers. */
interface Room {
  /** Of a name on a crowded map: shown only where its node is pointed at or chosen. */
  hidden?: boolean;
  covers: number;
  box: Box;
  x: number;
  y: number;
}

interface GraphMap {
  view: GraphView;
  side: number;
  svg: SVGElement;
  element: HTMLElement;
  routes: SVGElement;
  labels: SVGElement;
  links: GraphLink[];
  nodes: NodeMark[];
  make(): void;
  update(picture: GraphPicture): void;
}

interface GraphView {
  store: Store;
  model: PanelModel;
  graph: Graph;
  edit: boolean;
  mode: string;
  /** The link that is looked at, the pair that is chosen, the node that a choice began with. */
  link: number | null;
  pair: number | null;
  pending: number | null;
  element: HTMLElement;
  verdict: HTMLElement;
  readout: HTMLElement;
  legend: HTMLElement;
  grid: HTMLElement;
  maps: GraphMap[];
  traffic: Traffic | null;
  amounts: { element: HTMLElement; update(): void } | null;
  travels: boolean;
  theme: string | null;
  placed: boolean;
  width: number;
  height: number;
  scale: number;
  left: number;
  top: number;
  at: Point[];
  names: Room[];
  given?: SaidGraphPicture;
  picture: GraphPicture;
  draw(): void;
}

interface TrafficRange {
  element: HTMLElement;
  input: HTMLInputElement;
  show(now: number, text: string): void;
}

interface PathRow {
  element: HTMLElement;
  update(picture: GraphPicture): void;
}

/** `anchor`: values when a scale was first changed; `expected`: those that the scale asked for. */
interface Traffic {
  view: GraphView;
  scale: number;
  anchor: Float64Array | null;
  expected: Float64Array;
  rows: "both" | "now" | "before";
  rowsShown: PathRow[];
  from: HTMLSelectElement;
  to: HTMLSelectElement;
  demand: TrafficRange;
  all: TrafficRange;
  paths: HTMLElement;
  element: HTMLElement;
  pick(node: number): void;
  update(): void;
}

/** A scenario's place on a line of shifts; x from 0 to 1, y from -1 (less than the best rule) to 1 (more). */
interface ShiftPoint { at: number; name: string; verdict: string; x: number; y: number; text: string }

/** Scenarios along one quantity; `crossed` is where the policy and the best rule are alike, `open` whose worst cases are offered. */
interface ShiftLine { label: string; words: string[]; points: ShiftPoint[]; crossed: number[]; ends: [string, string]; open: number[] }

/** A cell of a finding's table. */
interface FindingCell { text: string; note?: string; verdict?: string }

/** A row of it; `at` is its scenario's place, if it is one's. */
interface FindingRow { label: string; at?: number; cells: FindingCell[] }

/** A finding's table. */
interface FindingTable { caption: string; heads: string[]; rows: FindingRow[] }

/** What a test found: a sentence with a small picture or table, and where it leads. */
interface Finding { title: string; words: string; lines?: ShiftLine[]; table?: FindingTable; button?: { press: string; label: string } }
