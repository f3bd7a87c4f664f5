// The network in the page: what the kernel says of it (inpage.py), and what becomes of that here.

/** Bytes as they come from the kernel; shared/bytes.js makes numbers of them. */
type Packed = ArrayBufferView;

/** A layer as it is said: weights as bytes, the shape of what it gives without a batch axis. */
interface SaidLayer {
  kind: string;
  name: string;
  shape: number[];
  weight?: Packed;
  bias?: Packed;
  kernel: number[];
  stride: number[];
  padding: number[];
  margins: number[];
  parts: number[];
  whole?: boolean[];
}

/** What a layer does; `again` and `single` where only a part has to be computed. */
interface LayerWork {
  forward(input: Numbers): Numbers;
  backward(input: Numbers, output: Numbers, gradient: Numbers): Numbers;
  again?(input: Numbers, base: Numbers, sums: Numbers): Numbers;
  single?(input: Numbers, unit: number): number;
}

type Layer = SaidLayer & LayerWork & { before: number[] };

/** A layer whose neurons are read: by its place in the stack. */
interface ReadableLayer {
  name: string;
  at: number;
  rectified: boolean;
}

interface Cells {
  row: number;
  column: number;
  rows: number;
  columns: number;
}

/** A number, the name of a knob or a quantity, or a term over such (contract/terms.py). */
type SaidTerm = number | string | { kind: string; does: string; terms?: SaidTerm[]; table: string; row: SaidTerm; column: SaidTerm; value: SaidTerm };

interface SaidLet {
  name: string;
  term: SaidTerm;
}

/** How a knob is painted; which fields there are depends on the kind (contract/paintings.py). Knobs by name. */
interface SaidStroke {
  kind: string;
  cells: Cells;
  keeps: boolean;
  levels: number[];
  scale: number;
  offset: number;
  place: [number, number];
  nearest: number;
  unit: number;
  level: number;
  slope: number;
  knob?: string;
  down?: string;
  right?: string;
  east?: string;
  north?: string;
}

/** The same with knobs by their positions, and cells by theirs. */
type KnobName = "knob" | "down" | "right" | "east" | "north";

interface Stroke extends Omit<SaidStroke, "cells" | KnobName> {
  cells: number[];
  wide: number;
  knobs: number[];
  knob: number;
  down: number;
  right: number;
  east: number;
  north: number;
}

interface Demand<Name> {
  knob: Name;
  use: Name[];
  room: number;
}

interface SaidMask<Name> {
  kind: string;
  output: Name;
  knob: Name;
  length: Name;
  low: number;
  high: number;
  busy?: Name[];
  demands?: Demand<Name>[];
}

type Mask = Required<SaidMask<number>>;

interface Phrase {
  kind: string;
  text: string;
  when?: string;
}

/** A phrase, or a list of phrases with what stands behind one, behind several, and instead of none. */
type Saying = Phrase & { items: Phrase[]; singular: string; plural: string; none: string };

interface Painting {
  strokes: SaidStroke[];
  wholes: { needs: string[][] }[];
  masks: SaidMask<string>[];
  words: Saying[];
  repairs: SaidLet[];
  quantities: SaidLet[];
  tables: { name: string; rows: number[][] }[];
}

type Let = import("./terms.js").Let;
type FlowGraph = import("./routed.js").FlowGraph;
type Sketch = ReturnType<typeof import("./sketch.js").makeSketch>;

interface SaidNetwork {
  shape: number[];
  layers: SaidLayer[];
  readable: ReadableLayer[];
  masked: boolean;
  told: boolean;
  alone: boolean;
  painting: Painting;
  graph: FlowGraph | null;
  output: { kind: string; low: (number | null)[]; high: (number | null)[] };
  cellGroup: Packed;
  middles: Numbers;
  baselines?: { name: string; count: number; cells: Packed; own: Packed }[];
  kinds: Record<string, number[]>;
  kindOf: string[];
}

/** What outputs mean: a chosen action, or what is set. */
interface Decision {
  outputs: Numbers;
  valid: Uint8Array;
  /** Of a choice. */
  action: number | undefined;
  /** Of a choice, and of switches. */
  probabilities?: Numbers;
  /** Of numbers and switches. */
  taken?: (number | boolean)[];
}

/** What targets are told by. */
type Chosen = Pick<Decision, "outputs" | "valid" | "action">;

/** What is explained: its value and slopes at the outputs, and at the knobs where it depends on them directly. */
interface Target {
  name: string;
  unit?: string;
  pro?: string;
  contra?: string;
  probability?: boolean;
  share?: { name: string; unit: string };
  value(decision: Decision, known: Numbers): number;
  slope(decision: Decision, known: Numbers): Numbers;
  direct?(decision: Decision, known: Numbers): Numbers;
}

/** No target: why, and whether the kernel may know it. */
interface NoTarget {
  failure: string;
  unknown?: boolean;
}

/** What a map gives to a group: for and against. */
interface GroupSum {
  name: string;
  up: number;
  down: number;
}

/** A neuron's response to a knob; `labels` once it is classified. */
interface Curve {
  place: number;
  knob: Knob;
  grid: number[];
  values: number[];
  note: string;
  labels?: number[];
}
