class BitrateNetwork {
    // What a player knows: see BitrateTree; and, for each column of an observation, oldest first: levels and buffers (s)
    // after past chunks, remaining chunks, the smallest size (MB) that was offered next.

    constructor(made) {
        this.made = made;
        this.layers = made.layers.map((layer) => ({ ...layer, weight: this.numbers(layer.weight), bias: this.numbers(layer.bias) }));
    }

    // Float32 numbers, least significant byte first, in base 64.
    numbers(text) {
        if (!text) return null;
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        return new Float32Array(bytes.buffer);
    }

    // The observation, 6 rows as one.
    observation(known) {
        const { history, ladder, cap, wrap } = this.made;
        const top = ladder[ladder.length - 1];
        const row = (values) => {
            const last = values.slice(-history);
            return [...Array(history - last.length).fill(0), ...last];
        };
        const behind = row(known.smallest).map((size) => (wrap ? size : 0));
        return Float32Array.from([
            ...row(known.levels.map((level) => ladder[level] / top)),
            ...row(known.buffers.map((buffer) => buffer / 10)),
            ...row(known.throughputs.map((rate) => rate / 8)),
            ...row(known.times.map((time) => time / 10)),
            ...known.sizes, ...behind.slice(known.sizes.length),
            ...row(known.lefts.map((left) => Math.min(left, cap) / cap)),
        ]);
    }

    outputs(values) {
        for (const { kind, weight, bias } of this.layers) {
            if (kind === "relu") values = values.map((value) => Math.max(value, 0));
            else if (kind === "dense") {
                const before = values, width = before.length;
                values = Float32Array.from({ length: weight.length / width }, (_, unit) => {
                    let sum = bias ? bias[unit] : 0;
                    for (let n = 0; n < width; n++) sum += weight[unit * width + n] * before[n];
                    return sum;
                });
            }
        }
        return [...values];
    }

    decide(known) {
        const outputs = this.outputs(this.observation(known));
        return outputs.indexOf(Math.max(...outputs));
    }
}
