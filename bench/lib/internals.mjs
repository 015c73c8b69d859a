// All that measurements use of the plugin beyond its public API.

export { createId } from '../dist/plugin/ids.js';
export { Database } from '../dist/plugin/database.js';
export { createChainKey, createRefreshToken, readRefreshToken } from '../dist/plugin/tokens/refresh-token.js';
export { findPresentation, rotate } from '../dist/plugin/tokens/chain.js';
export { importKeys } from '../dist/plugin/tokens/keys.js';
export { signTokens } from '../dist/plugin/tokens/response.js';
