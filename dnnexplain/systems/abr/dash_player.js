// __TITLE__, a custom rule for dash.js 4 (rules with getMaxIndex).
//
//     player.updateSettings({ streaming: { abr: { useDefaultABRRules: false } } });
//     player.addABRCustomRule("qualitySwitchRules", "__RULE__", __RULE__);
//
// Where the player's ladder has another number of bitrates, or nothing was downloaded yet, the rule asks for nothing.
// Sizes of the next chunk are those of MADE.sizes while its chunks are asked for in order, of a film of as many chunks;
// elsewhere bitrate times length.

const MADE = __MADE__;

__CLASS__
function __RULE__Class() {
    const context = this.context, factory = dashjs.FactoryMaker, decider = new __DECIDER__(MADE);
    const SwitchRequest = factory.getClassFactoryByName("SwitchRequest");
    const DashMetrics = factory.getSingletonFactoryByName("DashMetrics");

    let past = [];

    // For each of the last chunks, oldest first: what was seen once it had come.
    function remembered(count, now) {
        past = past.slice(0, count);
        if (!past[count - 1]) past[count - 1] = now;
        const first = Math.max(count - MADE.history, 0);
        return Array.from({ length: count - first }, (_, n) => past[first + n] || now);
    }

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
        const level = now.quality, buffer = metrics.getCurrentBufferLevel("video"), left = (n) => Math.max(chunks - n, 0);
        const seen = remembered(done.length, { level, buffer }), first = done.length - seen.length;
        const places = Array.from({ length: MADE.history }, (_, n) => done.length - MADE.history + n);
        return {
            level, buffer, times, levels: seen.map((one) => one.level), buffers: seen.map((one) => one.buffer),
            lefts: seen.map((_, n) => left(first + n + 1)),
            smallest: places.map((n) => (n < 1 ? 0 : chunks === MADE.chunks ? MADE.sizes[n][0] : typical[0])),
            throughputs: bytes.map((size, n) => (8e-6 * size) / times[n]),
            sizes: listed || typical, remaining: left(done.length),
        };
    }

    function getMaxIndex(rulesContext) {
        const request = SwitchRequest(context).create(), seen = known(rulesContext);
        if (seen) {
            request.quality = decider.decide(seen);
            request.reason = "__WORD__";
            request.priority = SwitchRequest.PRIORITY.STRONG;
        }
        return request;
    }

    return { getMaxIndex };
}

__RULE__Class.__dashjs_factory_name = "__RULE__";
const __RULE__ = typeof dashjs === "undefined" ? null : dashjs.FactoryMaker.getClassFactory(__RULE__Class);
if (typeof module !== "undefined") module.exports = { __DECIDER__, __RULE__, __RULE__Class, MADE };
