// The forms of what travels between kernel and page, and of what modules hand to one another.
// What Python says is described where it is made: scene and step in messages.py, figures in each panel.

/** A Jupyter model, or what stands in for one (host/page_model.js). Its values are what Python's traits hold. */
interface PanelModel {
  get(name: string): any;
  set(name: string, value: unknown): void;
  on(event: string, callback: () => void): void;
  off?(event: string, callback: () => void): void;
  save_changes(): unknown;
  widget_manager?: WidgetManager;
}

/** What gives a panel other models and their views. Where the kernel hangs depends on the host: Voilà's manager, JupyterLab's. */
interface WidgetManager {
  get_model(id: string): Promise<Hub>;
  create_view(model: PanelModel): Promise<{ el: Element; remove(): void; processLuminoMessage?(message: { type: string }): void }>;
  kernel?: PageKernel;
  context?: { sessionContext?: { session?: { kernel?: PageKernel } } };
}

/** A kernel as the page knows it. */
interface PageKernel {
  id: string;
  serverSettings: { baseUrl: string };
  statusChanged?: { connect(heard: (kernel: PageKernel, status: string) => void): void };
  disposed?: { connect?(heard: () => void): void };
}

/** The drawing code as the session's model carries it. */
interface PanelCode {
  mount(panel: { model: PanelModel; el: Element; hub: Hub }): unknown;
}

/** The model that all panels of a session share. */
interface Hub extends PanelModel {
  dnnexplainStore?: Store;
  dnnexplainCode?: Promise<PanelCode>;
  dnnexplainNetwork?: PageNetwork;
}

type Store = import("./session/store.js").Store;
type PageNetwork = import("./network/network.js").PageNetwork;

interface Knob {
  name: string;
  unit: string;
  low: number;
  high: number;
  step: number | null;
  group: string;
}

interface Handle {
  knob: number;
  axis: "down" | "right";
}

interface Pane {
  title: string;
  first: number;
  width: number;
  row: number;
  column: number;
  colour: number | null;
  note: string;
  handles: Handle[];
  group: string | null;
}

/** What the page knows of a system. */
interface Scene {
  system: string;
  knobs: Knob[];
  picture: { rows: number; columns: number; panes: Pane[] };
  output: { kind: string; names: string[]; unit: string; verbs?: Record<string, string>; low?: number[]; high?: number[] };
  outputColours: (number | null)[];
  groups: { name: string; colour: number | null }[];
  colours: Record<string, number>;
}

/** What the page asks about a state. */
interface Ask {
  parts: string[];
  target: string;
  method: string;
  baseline?: string;
  layer: string;
  sweep: string;
  unit?: number;
}

/** One step: what is known of the present state. */
interface Step {
  stamp: number;
  link: string;
  ask: Ask;
  values: Float64Array;
  picture: Uint8Array | Uint8ClampedArray;
  overlay: Int8Array;
  scale: number;
  overlayUnit: string;
  outputs: Numbers;
  probabilities: Numbers;
  valid: Uint8Array;
  action: number;
  rules: Record<string, number>;
  groups: Float32Array;
  units: Numbers;
  /** How many of all units are on, and how many there are; `units` holds the first of them. */
  unitsOn: [number, number] | null;
  unit: number;
  curves: Numbers;
  /** Of each curve: knob, number of values, first and last value. */
  swept: [number, number, number, number][];
  words: Words;
  failures: Record<string, string>;
}

/** Sentences about a step, by who says them; `axis`: what a family of curves is over. */
interface Words {
  state?: string;
  decision?: string;
  probability?: string;
  saliency?: string;
  overlay?: string;
  map?: string;
  neurons?: string;
  axis?: { family: string; unit: string };
}

/** What the page's own network finds of a step. */
type OwnStep = Partial<Omit<Step, "values">> & { taken?: (number | boolean)[]; values: Numbers; words: Words; failures: Record<string, string>; whole?: boolean; map?: Numbers };

type Numbers = Float64Array | Float32Array;

/** A part of a panel as Python asks for it; what else it holds depends on its kind. */
interface PartSpec {
  part: string;
  [option: string]: any;
}

/** A part in the page. `what` changed: "scene", "live", "local" (by the page alone), "theme" or "gone". */
interface Part {
  element: Element;
  update(what: string): void;
  stop?(): void;
  table?(): unknown[][] | null;
}

type PartMaker = (store: Store, spec: PartSpec, model: PanelModel) => Part;

/** Where a pane lies, in CSS px; how far its title may run. */
interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
  title?: number;
}

interface Layout {
  cell: number;
  step: number;
  width: number;
  height: number;
  places: Place[];
}

/** Attributes and properties of an element: see h() in shared/dom.js. */
interface Props {
  [handler: `on${string}`]: ((event: any) => unknown) | null | undefined | false;
  [name: string]: any;
}

/** With what a canvas has its titles painted. */
interface PaintedTitles {
  layout: Layout;
  panes: Pane[];
  theme: string;
  selected: unknown;
}

type Attributes = Record<string, string | number>;

type Colour = number[];

interface HTMLElement {
  dnnexplainWidth?: ResizeObserver;
  dnnexplainFlash?: ReturnType<typeof setTimeout>;
}

interface HTMLCanvasElement {
  dnnexplainFigure?: () => string;
  dnnexplainTitles?: PaintedTitles;
}

interface Window {
  dnnexplainTook?: [Store, number][];
  explorable?: unknown;
}
