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

    least(seen) {
        const there = seen.throughputs.slice(-5).filter((rate) => rate > 0);
        return there.length ? Math.min(...there) : 0;
    }

    // Mb/s that can be played for some chunks until the buffer is used up: by the mean, by the least, to the end.
    carried(seen) {
        const { chunk, ahead } = this.made, five = this.harmonic(seen.throughputs, 5);
        const kinds = [[five, ahead], [this.least(seen), ahead], [five, Math.max(seen.remaining, 1)]];
        return kinds.map(([rate, chunks]) => rate * (1 + seen.buffer / (chunk * chunks)));
    }

    below(mbps) {
        return Math.max(this.made.ladder.filter((rate) => rate <= mbps * 1000).length - 1, 0);
    }

    // QoE of one bitrate, kept for a plan's chunks: the next one of its known size, the others of what its rate says.
    kept(seen, plan, level) {
        const { ladder, chunk, slowest, quality, rebuffer, change } = this.made, [share, least, most] = plan;
        const speed = share * (least ? this.least(seen) : this.harmonic(seen.throughputs, 5));
        const time = (megabits) => (speed > 0 ? Math.min(megabits / speed, slowest) : slowest);
        const count = Math.min(most, Math.max(Math.floor(seen.remaining), 1)), later = time((ladder[level] / 1000) * chunk);
        let took = time(8 * seen.sizes[level]), buffer = seen.buffer, stall = 0;
        for (let n = 0; n < count; n++) {
            stall += Math.max(took - buffer, 0);
            buffer = Math.max(buffer - took, 0) + chunk;
            took = later;
        }
        return count * quality[level] - rebuffer * stall - change * Math.abs(quality[level] - quality[seen.level]);
    }

    best(seen, plan) {
        const worth = seen.sizes.map((_, level) => this.kept(seen, plan, level));
        return worth.indexOf(Math.max(...worth));
    }

    gains(seen) {
        const { plans, gains } = this.made, top = seen.sizes.length - 1;
        const others = [Math.min(seen.level + 1, top), Math.max(seen.level - 1, 0)];
        return gains.flatMap((plan) => others.map(
            (other) => this.kept(seen, plans[plan], other) - this.kept(seen, plans[plan], seen.level),
        ));
    }

    features(seen) {
        const rates = seen.throughputs, five = this.harmonic(rates, 5), least = this.least(seen);
        const after = (size, rate) => seen.buffer - (rate > 0 ? Math.min((8 * size) / rate, this.made.slowest) : this.made.slowest);
        const next = [seen.sizes[seen.level], seen.sizes[Math.min(seen.level + 1, seen.sizes.length - 1)]];
        return [
            this.made.ladder[seen.level], seen.buffer, ...[...rates].reverse(), five,
            least, seen.times[seen.times.length - 1], seen.remaining, ...seen.sizes,
            this.harmonic(rates, 3), this.harmonic(rates, rates.length),
            ...seen.sizes.map((size) => after(size, five)),
            ...next.map((size) => after(size, five)), ...next.map((size) => after(size, least)), ...this.carried(seen),
            ...this.gains(seen),
        ];
    }

    moves(seen) {
        const ladder = this.made.ladder, top = ladder.length - 1;
        const below = this.below(this.harmonic(seen.throughputs, 5)), aims = this.carried(seen).map((rate) => this.below(rate));
        const up = Math.min(seen.level + 1, top), down = Math.max(seen.level - 1, 0);
        const towards = (aim) => Math.min(Math.max(aim, seen.level - 1), seen.level + 1);
        const kept = this.made.plans.map((plan) => this.best(seen, plan));
        return [
            seen.level, up, down, below, ...ladder.keys(), ...aims, ...aims.map(towards), ...kept, ...kept.map(towards),
        ];
    }

    decide(known) {
        const { feature, threshold, left, right, scores } = this.made.tree;
        const seen = this.seen(known), values = this.features(seen);
        let node = 0;
        while (feature[node] >= 0) node = values[feature[node]] <= threshold[node] ? left[node] : right[node];
        const best = Array(this.made.ladder.length).fill(1e-9);
        const moves = this.moves(seen);
        scores[node].forEach((score, move) => {
            best[moves[move]] = Math.max(best[moves[move]], score);
        });
        return best.indexOf(Math.max(...best));
    }
}
