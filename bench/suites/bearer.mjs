import { ratios } from '../lib/findings.mjs';
import { CONNECTIONS, hammer } from '../lib/measure.mjs';
import { mintAccessTokens } from '../lib/mint.mjs';
import { Process } from '../lib/process.mjs';

/** How long a turn lasts. */
export const MILLISECONDS = 500;
/** How many tokens are sent once each in a round. */
export const ONCE = 3000;
const KINDS = {
    oauth: 'hapi-forum-oauth',
    'oauth-current': "hapi-forum-oauth, permissions 'current'",
    'hapi-jwt': '@hapi/jwt',
    'bearer-token': 'hapi-auth-bearer-token and jose'
};

/** P2: a route that needs a bearer token, for each plugin, and the same route without auth in the same process. */
export async function bearer(_server, { rounds, seconds }, findings) {
    // Many short turns are steadier than a few long ones.
    const turns = Math.round((rounds * seconds * 1000) / MILLISECONDS);
    const servers = {};
    for (const kind of Object.keys(KINDS)) {
        servers[kind] = new Process('processes/bearer.mjs', [kind]);
        servers[kind].origin = (await servers[kind].line()).origin;
    }
    const known = await mintAccessTokens(CONNECTIONS);
    const targets = (tokens, bare, once) => {
        const at = (path) => (kind) => [
            `${kind} ${path}`,
            { origin: servers[kind].origin, path: `/${path}`, tokens, once }
        ];
        return Object.fromEntries([...bare.map(at('bare')), ...Object.keys(KINDS).map(at('protected'))]);
    };
    const kinds = targets(known, ['oauth', 'oauth-current']);
    kinds['oauth admitted'] = { ...kinds['oauth bare'], path: '/admitted' };
    await hammer({ targets: kinds, rounds: 2, milliseconds: MILLISECONDS });
    const measured = await hammer({ targets: kinds, rounds: turns, milliseconds: MILLISECONDS });
    const unknown = await mintAccessTokens(ONCE * rounds);
    const fresh = await hammer({
        targets: targets(unknown, ['oauth'], true),
        rounds,
        milliseconds: MILLISECONDS
    });
    for (const kind of Object.keys(KINDS)) {
        await servers[kind].stop('SIGKILL');
    }

    const compare = (what, from, one, other, wanted, wantedOfCpu) => {
        const of = (name, value) => from[name].map((turn) => turn[value]);
        findings.line('P2', what, ratios(of(one, 'rate'), of(other, 'rate')), '×', wanted);
        findings.line('P2', `${what}, by CPU`, ratios(of(other, 'cpu'), of(one, 'cpu')), '×', wantedOfCpu);
    };
    compare(
        'protected route against the same without auth',
        measured,
        'oauth protected',
        'oauth bare',
        '≥ 0.9',
        '≥ 0.9'
    );
    compare(
        "hapi's own part: a scheme that admits every request, against no auth",
        measured,
        'oauth admitted',
        'oauth bare'
    );
    compare('protected route against that scheme', measured, 'oauth protected', 'oauth admitted');
    compare(
        "with bearer.permissions: 'current', against the same without auth",
        measured,
        'oauth-current protected',
        'oauth-current bare'
    );
    compare('against @hapi/jwt', measured, 'oauth protected', 'hapi-jwt protected', '≥ 2.0');
    compare('against hapi-auth-bearer-token and jose', measured, 'oauth protected', 'bearer-token protected');
    compare('each token sent once: against the route without auth', fresh, 'oauth protected', 'oauth bare');
    compare('each token sent once: against @hapi/jwt', fresh, 'oauth protected', 'hapi-jwt protected');
    const column = (from, kind, path, value) => from[`${kind} ${path}`]?.map((turn) => turn[value]) ?? '';
    findings.grid(
        'Bearer routes: requests per second, and CPU of the server for one in µs',
        Object.entries(KINDS).map(([kind, name]) => ({
            server: name,
            'without auth': column(measured, kind, 'bare', 'rate'),
            'CPU without auth': column(measured, kind, 'bare', 'cpu'),
            protected: column(measured, kind, 'protected', 'rate'),
            'CPU protected': column(measured, kind, 'protected', 'cpu'),
            'each token sent once': column(fresh, kind, 'protected', 'rate'),
            'CPU, each token sent once': column(fresh, kind, 'protected', 'cpu')
        }))
    );
    return `${turns} turns of ${MILLISECONDS} ms with ${CONNECTIONS} tokens, ${rounds} turns with ${ONCE} tokens sent once each`;
}
