class BitrateTree {
    // What a player knows: { level, buffer (s), throughputs (Mb/s) and times (s) of past chunks, oldest first,
    // sizes (MB) of the next chunk, remaining (chunks) }.

    constructor(made) {
        this.made = made;
    }

    seen(known) {
        const { history, fastest, longest, buffer } = this.made;
        const held = (values, most) => {
            const last = values.slice(-history).map((value) => Math.min(value, most));
            return [...Array(history - last.length).fill(0), ...last];
        };
        return {
            ...known,
            buffer: Math.min(Math.max(known.buffer, 0), buffer),
            throughputs: held(known.throughputs, fastest),
            times: held(known.times, longest),
            remaining: Math.min(known.remaining, this.made.most_remaining),
        };
    }

    harmonic(rates, count) {
        const there = rates.slice(-count).filter((rate) => rate > 0);
        const slow = there.reduce((sum, rate) => sum + 1 / rate, 0);
        return slow > 0 ? there.length / slow : 0;
    }

    features(seen) {
        const rates = seen.throughputs, there = rates.slice(-5).filter((rate) => rate > 0);
        const five = this.harmonic(rates, 5);
        return [
            this.made.ladder[seen.level], seen.buffer, ...[...rates].reverse(), five,
            there.length ? Math.min(...there) : 0, seen.times[seen.times.length - 1], seen.remaining, ...seen.sizes,
            this.harmonic(rates, 3), this.harmonic(rates, rates.length),
            ...seen.sizes.map((size) => seen.buffer - Math.min((8 * size) / five, this.made.slowest)),
        ];
    }

    moves(seen) {
        const ladder = this.made.ladder, top = ladder.length - 1;
        const five = this.harmonic(seen.throughputs, 5);
        const below = Math.max(ladder.filter((rate) => rate <= five * 1000).length - 1, 0);
        return [seen.level, Math.min(seen.level + 1, top), Math.max(seen.level - 1, 0), below, ...ladder.keys()];
    }

    decide(known) {
        const { feature, threshold, left, right, scores } = this.made.tree;
        const seen = this.seen(known), values = this.features(seen);
        let node = 0;
        while (feature[node] >= 0) node = values[feature[node]] <= threshold[node] ? left[node] : right[node];
        const best = Array(this.made.ladder.length).fill(1e-9);
        this.moves(seen).forEach((level, move) => {
            best[level] = Math.max(best[level], scores[node][move]);
        });
        return best.indexOf(Math.max(...best));
    }
}
