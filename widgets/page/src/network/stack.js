// A network's layers in the page: forward, and a gradient back. Pure functions: no document, no state.
// Numbers are in C order, as torch has them, without a batch axis; a picture is [channel, row, column].

import { bytes } from "../shared/bytes.js";

/**
 * Layers that are ready to run: from the kernel's description (see inpage.py) with its bytes as arrays.
 * @param {{shape: number[], layers: SaidLayer[]}} described
 */
export function makeStack(described) {
  let before = described.shape;
  return described.layers.map((layer) => {
    const made = { ...layer, before, ...LAYERS[layer.kind](layer, before) };
    before = layer.shape;
    return made;
  });
}

/**
 * The outputs of the layers up to number `last` (all, if not given).
 * @param {Layer[]} stack
 * @param {Numbers} input
 * @param {number} [last]
 */
export function runStack(stack, input, last = stack.length - 1) {
  /** @type {Numbers[]} */
  const outputs = [];
  for (let at = 0; at <= last; at += 1) outputs.push(stack[at].forward(at ? outputs[at - 1] : input));
  return outputs;
}

/**
 * One unit's output of a layer: of a dense layer, alone or before a ReLU, the other units are not computed.
 * @param {Layer[]} stack
 * @param {Numbers} input
 * @param {number} last
 * @param {number} unit
 */
export function runUnit(stack, input, last, unit) {
  const at = stack[last].kind === "relu" && last > 0 ? last - 1 : last;
  if (!stack[at].single) return runStack(stack, input, last)[last][unit];
  const before = at ? runStack(stack, input, at - 1)[at - 1] : input;
  const value = stack[at].single(before, unit);
  return at === last ? value : Math.max(0, value);
}

/**
 * Reads one unit of a layer at states that differ little from each other, such as a sweep's: of the first dense layer only
 * what differs from the first state's input is computed anew.
 * @param {Layer[]} stack
 * @param {number} last
 * @param {number} unit
 * @returns {(input: Numbers) => number}
 */
export function unitReader(stack, last, unit) {
  const first = stack.findIndex((layer) => layer.again);
  const at = stack[last].kind === "relu" && last > 0 ? last - 1 : last;
  if (first < 0 || first > at || (first === at && stack[at].single)) return (input) => runUnit(stack, input, last, unit);
  /** @type {Numbers} */
  let base;
  let begun = false;
  /** @type {Numbers} */
  let sums;
  const rest = stack.slice(first + 1);
  const again = /** @type {NonNullable<Layer["again"]>} */ (stack[first].again);
  return (input) => {
    const seen = first ? runStack(stack, input, first - 1)[first - 1] : input;
    if (!begun) {
      begun = true;
      base = seen.slice(); // a picture is painted over
      sums = stack[first].forward(base);
    }
    const now = again(seen, base, sums);
    return last === first ? now[unit] : runUnit(rest, now, last - first - 1, unit);
  };
}

/**
 * The gradient at the input of a scalar whose gradient at the stack's output is given.
 * @param {Layer[]} stack
 * @param {Numbers} input
 * @param {Numbers[]} outputs
 * @param {Numbers} gradient
 */
export function pullBack(stack, input, outputs, gradient) {
  let now = gradient;
  for (let at = stack.length - 1; at >= 0; at -= 1) now = stack[at].backward(at ? outputs[at - 1] : input, outputs[at], now);
  return now;
}

/** @type {Record<string, (layer: SaidLayer, before: number[]) => LayerWork>} */
const LAYERS = {
  same: () => ({ forward: (/** @type {Numbers} */ input) => input, backward: (/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) => gradient }),
  relu: () => ({
    forward: (/** @type {Numbers} */ input) => input.map((/** @type {number} */ value) => Math.max(0, value)),
    backward: (/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) => gradient.map((/** @type {number} */ value, /** @type {number} */ at) => (input[at] > 0 ? value : 0)),
  }),
  sigmoid: () => ({
    forward: (/** @type {Numbers} */ input) => Float64Array.from(input, (value) => 1 / (1 + Math.exp(-value))),
    backward: (/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) => gradient.map((/** @type {number} */ value, /** @type {number} */ at) => value * output[at] * (1 - output[at])),
  }),
  tanh: () => ({
    forward: (/** @type {Numbers} */ input) => Float64Array.from(input, Math.tanh),
    backward: (/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) => gradient.map((/** @type {number} */ value, /** @type {number} */ at) => value * (1 - output[at] ** 2)),
  }),
  scale: makeScale,
  shares: makeShares,
  dense: makeDense,
  turn: makeTurn,
  conv: makeConvolution,
  pad: makePadding,
  "max-pool": (layer, before) => makePool(layer, before, false),
  "mean-pool": (layer, before) => makePool(layer, before, true),
};

/** @param {number[]} shape */
function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * Each number times a weight, plus a bias; one weight may be for all.
 * @param {SaidLayer} layer
 */
function makeScale(layer) {
  const weight = bytes(layer.weight, Float32Array);
  const bias = bytes(layer.bias, Float32Array);
  return {
    forward: (/** @type {Numbers} */ input) => Float64Array.from(input, (value, at) => weight[at % weight.length] * value + bias[at % bias.length]),
    backward: (/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) => gradient.map((/** @type {number} */ value, /** @type {number} */ at) => value * weight[at % weight.length]),
  };
}

/**
 * Each number divided by the sum over its group; where the sum is 0, even.
 * @param {SaidLayer} layer
 */
function makeShares(layer) {
  const groups = layer.parts;
  const count = 1 + Math.max(...groups);
  /** @param {(at: number) => number} value */
  const sums = (value) => {
    const gradient = new Float64Array(count);
    groups.forEach((/** @type {number} */ group, /** @type {number} */ at) => { gradient[group] += value(at); });
    return gradient;
  };
  const members = sums(() => 1);
  return {
    forward(/** @type {Numbers} */ input) {
      const total = sums((at) => input[at]);
      return Float64Array.from(input, (value, at) => (total[groups[at]] > 0 ? value / total[groups[at]] : 1 / members[groups[at]]));
    },
    backward(/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) {
      const total = sums((at) => input[at]);
      const mean = sums((at) => gradient[at] * output[at]);
      return Float64Array.from(input, (_, at) => (total[groups[at]] > 0 ? (gradient[at] - mean[groups[at]]) / total[groups[at]] : 0));
    },
  };
}

/**
 * Fully connected; of a picture most cells are empty, so only the others are gone through.
 * @param {SaidLayer} layer
 * @param {number[]} before
 */
function makeDense(layer, before) {
  const [inputs, units] = [sizeOf(before), layer.shape[0]];
  const weight = bytes(layer.weight, Float32Array);
  const bias = bytes(layer.bias, Float32Array);
  return {
    forward(/** @type {Numbers} */ input) {
      const filled = new Int32Array(inputs);
      let count = 0;
      for (let i = 0; i < inputs; i += 1) if (input[i] !== 0) filled[count++] = i;
      const output = new Float64Array(units);
      for (let unit = 0; unit < units; unit += 1) {
        let sum = 0;
        for (let at = 0; at < count; at += 1) sum += weight[unit * inputs + filled[at]] * input[filled[at]];
        output[unit] = sum + bias[unit];
      }
      return output;
    },
    again(/** @type {Numbers} */ input, /** @type {Numbers} */ base, /** @type {Numbers} */ sums) {
      const output = Float64Array.from(sums);
      for (let i = 0; i < inputs; i += 1) {
        const apart = input[i] - base[i];
        if (apart !== 0) for (let unit = 0; unit < units; unit += 1) output[unit] += weight[unit * inputs + i] * apart;
      }
      return output;
    },
    single(/** @type {Numbers} */ input, /** @type {number} */ unit) {
      let sum = 0;
      for (let i = 0; i < inputs; i += 1) if (input[i] !== 0) sum += weight[unit * inputs + i] * input[i];
      return sum + bias[unit];
    },
    backward(/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) {
      const back = new Float64Array(inputs);
      for (let unit = 0; unit < units; unit += 1) {
        const slope = gradient[unit];
        if (slope === 0) continue;
        for (let i = 0; i < inputs; i += 1) back[i] += slope * weight[unit * inputs + i];
      }
      return back;
    },
  };
}

/**
 * The first numbers as they are, then cosines, then sines of degrees (contract.PlainParts).
 * @param {SaidLayer} layer
 */
function makeTurn({ parts: [plain, cosines] }) {
  const degree = Math.PI / 180;
  return {
    forward(/** @type {Numbers} */ input) {
      const output = new Float64Array(input.length);
      for (let at = 0; at < input.length; at += 1) output[at] = at < plain ? input[at] : at < plain + cosines ? Math.cos(degree * input[at]) : Math.sin(degree * input[at]);
      return output;
    },
    backward(/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) {
      return Float64Array.from(input, (value, at) => gradient[at] * (at < plain ? 1 : at < plain + cosines ? -degree * Math.sin(degree * value) : degree * Math.cos(degree * value)));
    },
  };
}

/**
 * Which output places an input place reaches along one axis: [output, place in the kernel].
 * @param {number} size
 * @param {number} outputs
 * @param {number} kernel
 * @param {number} stride
 * @param {number} padding
 */
function reaches(size, outputs, kernel, stride, padding) {
  return Array.from({ length: size }, (_, at) => {
    /** @type {[number, number][]} */
    const picked = [];
    for (let k = 0; k < kernel; k += 1) {
      const place = at + padding - k;
      if (place >= 0 && place % stride === 0 && place / stride < outputs) picked.push([place / stride, k]);
    }
    return picked;
  });
}

/**
 * Weights [out, in, row, column] as [in, row, column, out], so that one input cell's lie together.
 * @param {Float32Array} weight
 * @param {number} out
 * @param {number} rest
 */
function outputsLast(weight, out, rest) {
  const turned = new Float32Array(weight.length);
  for (let o = 0; o < out; o += 1) for (let r = 0; r < rest; r += 1) turned[r * out + o] = weight[o * rest + r];
  return turned;
}

/**
 * @param {SaidLayer} layer
 * @param {number[]} given
 */
function makeConvolution(layer, [channels, rows, columns]) {
  const [out, outRows, outColumns] = layer.shape;
  const [high, wide] = layer.kernel;
  const weight = outputsLast(bytes(layer.weight, Float32Array), out, channels * high * wide);
  const bias = bytes(layer.bias, Float32Array);
  const down = reaches(rows, outRows, high, layer.stride[0], layer.padding[0]);
  const right = reaches(columns, outColumns, wide, layer.stride[1], layer.padding[1]);
  const area = outRows * outColumns;
  /**
   * Calls each(input cell, output cell of channel 0, first weight) for every pair that is joined.
   * @param {Numbers | null} wanted
   * @param {(cell: number, place: number, first: number) => void} each
   */
  const joined = (wanted, each) => {
    for (let channel = 0; channel < channels; channel += 1) {
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          const cell = (channel * rows + row) * columns + column;
          if (wanted && wanted[cell] === 0) continue;
          for (const [y, ky] of down[row]) {
            for (const [x, kx] of right[column]) each(cell, y * outColumns + x, ((channel * high + ky) * wide + kx) * out);
          }
        }
      }
    }
  };
  return {
    forward(/** @type {Numbers} */ input) {
      const output = new Float64Array(out * area);
      joined(input, (cell, place, first) => {
        for (let o = 0; o < out; o += 1) output[o * area + place] += weight[first + o] * input[cell];
      });
      for (let o = 0; o < out; o += 1) for (let place = 0; place < area; place += 1) output[o * area + place] += bias[o];
      return output;
    },
    backward(/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) {
      const back = new Float64Array(channels * rows * columns);
      joined(null, (cell, place, first) => {
        let sum = 0;
        for (let o = 0; o < out; o += 1) sum += weight[first + o] * gradient[o * area + place];
        back[cell] += sum;
      });
      return back;
    },
  };
}

/**
 * The largest or the mean of each window. Of equal cells the first is the largest, as in torch.
 * @param {SaidLayer} layer
 * @param {number[]} given
 * @param {boolean} average
 */
function makePool(layer, [channels, rows, columns], average) {
  const [, outRows, outColumns] = layer.shape;
  /** @type {number[][]} */
  const windows = [];
  for (let y = 0; y < outRows; y += 1) for (let x = 0; x < outColumns; x += 1) windows.push(windowAt(layer, rows, columns, y, x));
  const area = rows * columns;
  /** @param {number[]} cells */
  const share = (cells) => 1 / (layer.whole?.[0] ? layer.kernel[0] * layer.kernel[1] : cells.length);
  /**
   * @param {Numbers} input
   * @param {number} first
   * @param {number[]} cells
   */
  const best = (input, first, cells) => cells.reduce((leader, cell) => (input[first + cell] > input[first + leader] ? cell : leader), cells[0]);
  /** @param {(first: number, cells: number[], at: number) => void} call */
  const each = (call) => {
    for (let channel = 0; channel < channels; channel += 1) windows.forEach((cells, at) => call(channel * area, cells, channel * windows.length + at));
  };
  return {
    forward(/** @type {Numbers} */ input) {
      const output = new Float64Array(channels * windows.length);
      each((first, cells, at) => {
        if (average) output[at] = share(cells) * cells.reduce((sum, cell) => sum + input[first + cell], 0);
        else output[at] = input[first + best(input, first, cells)];
      });
      return output;
    },
    backward(/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) {
      const back = new Float64Array(input.length);
      each((first, cells, at) => {
        if (average) for (const cell of cells) back[first + cell] += share(cells) * gradient[at];
        else back[first + best(input, first, cells)] += gradient[at];
      });
      return back;
    },
  };
}

/**
 * The cells of a pool's window that lie in the picture.
 * @param {SaidLayer} layer
 * @param {number} rows
 * @param {number} columns
 * @param {number} y
 * @param {number} x
 */
function windowAt(layer, rows, columns, y, x) {
  /** @type {number[]} */
  const cells = [];
  for (let ky = 0; ky < layer.kernel[0]; ky += 1) {
    for (let kx = 0; kx < layer.kernel[1]; kx += 1) {
      const row = y * layer.stride[0] - layer.padding[0] + ky;
      const column = x * layer.stride[1] - layer.padding[1] + kx;
      if (row >= 0 && row < rows && column >= 0 && column < columns) cells.push(row * columns + column);
    }
  }
  return cells;
}

/**
 * Zeros around each channel: margins are left, right, top, bottom.
 * @param {SaidLayer} layer
 * @param {number[]} given
 */
function makePadding(layer, [channels, rows, columns]) {
  const [left, , top] = layer.margins;
  const [, outRows, outColumns] = layer.shape;
  /**
   * @param {number} channel
   * @param {number} row
   */
  const place = (channel, row) => (channel * outRows + row + top) * outColumns + left;
  /** @param {(from: number, to: number) => void} call */
  const each = (call) => {
    for (let channel = 0; channel < channels; channel += 1) for (let row = 0; row < rows; row += 1) call((channel * rows + row) * columns, place(channel, row));
  };
  return {
    forward(/** @type {Numbers} */ input) {
      const output = new Float64Array(sizeOf(layer.shape));
      each((from, to) => output.set(input.subarray(from, from + columns), to));
      return output;
    },
    backward(/** @type {Numbers} */ input, /** @type {Numbers} */ output, /** @type {Numbers} */ gradient) {
      const back = new Float64Array(channels * rows * columns);
      each((from, to) => back.set(gradient.subarray(to, to + columns), from));
      return back;
    },
  };
}
