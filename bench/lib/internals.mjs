// All that measurements use of the plugin beyond its public API.

export { createId } from '../dist/plugin/ids.js';
export { signTokens } from '../dist/plugin/grant-types/token-response.js';
export { Database } from '../dist/plugin/store/database.js';
export { findPresentedToken, insertSuccessor } from '../dist/plugin/store/token-family.js';
export { encryptSuccessor } from '../dist/plugin/tokens/encrypted-successor.js';
export { importKeys } from '../dist/plugin/tokens/keys.js';
export { createFamilyKey, createRefreshToken, readRefreshToken } from '../dist/plugin/tokens/refresh-token.js';
export { hashSecret } from '../dist/plugin/tokens/secret.js';
