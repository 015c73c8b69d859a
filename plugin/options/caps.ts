import Joi from 'joi';

/** How many of a thing there can be at a time. */
export interface Caps {
    /** Applications that one account can create. Default 100. */
    clientsPerAccount: number;
    /** Authorization requests of one client that wait for one account. The oldest goes. Default 20. */
    pendingPerAccountAndClient: number;
    /** Grants of one account to one client. The one that was used longest ago is revoked. Default 100. */
    grantsPerAccountAndClient: number;
    /** Device authorizations from one client address that nobody has decided yet. Default 100. */
    pendingDevicesPerAddress: number;
    /** Personal access keys of one account. At most 1000. Default 100. */
    accessKeysPerAccount: number;
}

const cap = Joi.number().strict().integer().min(1).max(1_000_000);

export const caps = Joi.object<Caps>({
    clientsPerAccount: cap.default(100),
    pendingPerAccountAndClient: cap.default(20),
    grantsPerAccountAndClient: cap.default(100),
    pendingDevicesPerAddress: cap.default(100),
    // A list shows all of them.
    accessKeysPerAccount: cap.max(1000).default(100)
}).default();
