// A player's rules as a decision tree, a custom rule for dash.js 4 (rules with getMaxIndex).
//
//     player.updateSettings({ streaming: { abr: { useDefaultABRRules: false } } });
//     player.addABRCustomRule("qualitySwitchRules", "TreeRule", TreeRule);
//
// Where the player's ladder has another number of bitrates, or nothing was downloaded yet, the rule asks for nothing.
// Sizes of the next chunk are those of MADE.sizes while its chunks are asked for in order, of a film of as many chunks;
// elsewhere bitrate times length.

const MADE = __MADE__;

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

function TreeRuleClass() {
    const context = this.context, factory = dashjs.FactoryMaker, tree = new BitrateTree(MADE);
    const SwitchRequest = factory.getClassFactoryByName("SwitchRequest");
    const DashMetrics = factory.getSingletonFactoryByName("DashMetrics");

    function known(rulesContext) {
        const media = rulesContext.getMediaInfo(), now = rulesContext.getRepresentationInfo();
        const metrics = DashMetrics(context).getInstance();
        const done = metrics.getHttpRequests("video").filter(
            (request) => request.type === "MediaSegment" && request._tfinish && request.trace && request.trace.length);
        if (media.type !== "video" || media.bitrateList.length !== MADE.ladder.length || !done.length) return null;
        const times = done.map((request) => Math.max((request._tfinish - request.trequest) / 1000, 0.001));
        const bytes = done.map((request) => request.trace.reduce((sum, part) => sum + part.b[0], 0));
        const length = now.fragmentDuration, chunks = Math.round(media.streamInfo.duration / length);
        const typical = media.bitrateList.map((one) => (one.bandwidth * length) / 8e6);
        const listed = chunks === MADE.chunks && MADE.sizes[done.length];
        return {
            level: now.quality, buffer: metrics.getCurrentBufferLevel("video"), times,
            throughputs: bytes.map((size, n) => (8e-6 * size) / times[n]),
            sizes: listed || typical, remaining: Math.max(chunks - done.length, 0),
        };
    }

    function getMaxIndex(rulesContext) {
        const request = SwitchRequest(context).create(), seen = known(rulesContext);
        if (seen) {
            request.quality = tree.decide(seen);
            request.reason = "tree";
            request.priority = SwitchRequest.PRIORITY.STRONG;
        }
        return request;
    }

    return { getMaxIndex };
}

TreeRuleClass.__dashjs_factory_name = "TreeRule";
const TreeRule = typeof dashjs === "undefined" ? null : dashjs.FactoryMaker.getClassFactory(TreeRuleClass);
if (typeof module !== "undefined") module.exports = { BitrateTree, TreeRule, TreeRuleClass, MADE };
