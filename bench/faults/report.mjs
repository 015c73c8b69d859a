const milliseconds = (value) => `${Math.round(value)} ms`;

/** Prints what a run has shown; the last line is all of it as JSON. */
export function report(run) {
    const { seconds, clients, records, cleanups, stopped } = run;
    const refreshes = records.latencies.length;
    const outages = records.outages();
    console.log(`
${clients} clients of ${run.applications} applications, ${seconds} s: ${refreshes} refreshes, ${(refreshes / run.took).toFixed(0)} per second
faults: ${outages.map(({ kind, times }) => `${kind} ${times}`).join(', ')}; ${run.cuts} connections cut
responses: ${Object.entries(records.outcomes)
        .map(([outcome, times]) => `${times} × ${outcome}`)
        .join(', ')}
latency: p50 ${milliseconds(records.percentile(0.5))}, p99 ${milliseconds(records.percentile(0.99))}
longest time without a successful refresh around: ${outages
        .map(({ kind, longest }) => `${kind} ${milliseconds(longest)}`)
        .join(', ')}
grants: ${run.alive} alive, ${run.revoked} revoked on purpose; ${cleanups.runs} cleanups removed ${cleanups.rows} rows
the web process stopped after ${stopped === null ? 'a kill' : milliseconds(stopped)}; processor time of the clients ${run.processorTime.toFixed(0)} s

grants lost ${records.lost.length}, token families forked ${records.forked.length}, wrong responses ${records.wrong.length}`);
    for (const [what, list] of Object.entries({
        lost: records.lost,
        forked: records.forked,
        wrong: records.wrong,
        note: records.notes
    })) {
        list.slice(0, 20).forEach((text) => console.log(`${what}: ${text}`));
    }
    console.log(
        JSON.stringify({
            seconds,
            clients,
            refreshes,
            outcomes: records.outcomes,
            p50: records.percentile(0.5),
            p99: records.percentile(0.99),
            outages,
            cuts: run.cuts,
            alive: run.alive,
            lost: records.lost.length,
            forked: records.forked.length,
            wrong: records.wrong.length
        })
    );
}
