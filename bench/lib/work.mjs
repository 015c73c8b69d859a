// What all servers of a comparison share: key, account, scope and lifetimes.

export const ISSUER = 'https://forum.example';
export const CLIENT_ID = 'storyden-cli';
export const PERMISSIONS = [
    'CREATE_POST',
    'READ_PUBLISHED_THREADS',
    'CREATE_REACTION',
    'READ_PROFILE',
    'USE_OAUTH_CLIENTS'
];
export const SCOPE = ['openid', 'profile', 'offline_access', ...PERMISSIONS];
/** Seconds. */
export const ACCESS_TOKEN = 900;
export const REFRESH_TOKEN = 2_592_000;

/** The private JWK that all servers of a run sign with, from SIGNING_KEY. */
export const signingKey = () => JSON.parse(process.env.SIGNING_KEY);
