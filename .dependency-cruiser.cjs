'use strict';

// The layers of the code, from the top. A file may import from its own folder and from lower layers, never from a higher
// one; importing a type counts. Folders of one layer do not import each other, unless `siblings` says so.
// docs/architecture.md describes them.
const LAYERS = [
    { name: 'plugin', paths: ['plugin/(index|register|api)\\.ts'], siblings: true },
    { name: 'endpoints, pages and auth', paths: ['plugin/endpoints/', 'plugin/pages/', 'plugin/auth/'] },
    { name: 'http', paths: ['plugin/http/'] },
    { name: 'flows and grant types', paths: ['plugin/flows/', 'plugin/grant-types/'] },
    {
        name: 'clients and policy',
        paths: ['plugin/clients/', 'plugin/(policy|parameters|resources|revoke-grant)\\.ts'],
        siblings: true
    },
    {
        name: 'context and jobs',
        paths: ['plugin/(context|events|accounts)\\.ts', 'plugin/rate-limits/', 'plugin/documents/', 'jobs/'],
        siblings: true
    },
    { name: 'store and tokens', paths: ['plugin/store/', 'plugin/tokens/'] },
    { name: 'options', paths: ['plugin/options/'] },
    {
        name: 'foundations',
        paths: [
            'plugin/scopes/',
            'plugin/errors/',
            'plugin/(ids|loopback|within|user-code)\\.ts',
            'entities/',
            'migrations/'
        ],
        siblings: true
    }
];

const CODE = '^(plugin|jobs|entities|migrations)/';

const anyOf = (paths) => `^(${paths.join('|')})`;

const upwards = LAYERS.slice(1).map(({ name, paths }, index) => ({
    name: `${name}: no import from a higher layer`,
    severity: 'error',
    from: { path: anyOf(paths) },
    to: { path: anyOf(LAYERS.slice(0, index + 1).flatMap((layer) => layer.paths)) }
}));

const sideways = LAYERS.filter(({ siblings }) => !siblings).flatMap(({ name, paths }) =>
    paths
        .filter(() => paths.length > 1)
        .map((path) => ({
            name: `${name}: no import between folders of one layer`,
            severity: 'error',
            from: { path: anyOf([path]) },
            to: { path: anyOf(paths.filter((other) => other !== path)) }
        }))
);

module.exports = {
    forbidden: [
        { name: 'no cycles', severity: 'error', from: { path: CODE }, to: { circular: true } },
        ...upwards,
        ...sideways,
        {
            name: 'every file belongs to a layer',
            severity: 'error',
            from: { path: CODE, pathNot: anyOf(LAYERS.flatMap(({ paths }) => paths)) },
            to: {}
        },
        {
            name: 'only http and what is above it knows requests of hapi',
            severity: 'error',
            // The server's events and the type of an option that takes a request.
            from: {
                path: anyOf(LAYERS.slice(3).flatMap(({ paths }) => paths)),
                pathNot: '^plugin/(context\\.ts|events\\.ts|options/)'
            },
            to: { path: 'node_modules/@hapi/hapi/' }
        },
        {
            name: 'only the store speaks to the database',
            severity: 'error',
            from: { path: '^plugin/', pathNot: '^plugin/(store/|options/)' },
            to: { path: 'node_modules/typeorm/' }
        }
    ],
    options: {
        doNotFollow: { path: 'node_modules' },
        // A type that a file imports is something that its reader has to know.
        tsPreCompilationDeps: true,
        tsConfig: { fileName: 'tsconfig.json' }
    }
};
