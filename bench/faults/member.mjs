import { createPublicKey, verify } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { persist, retryDelay, send } from '../lib/http.mjs';

/** How often a client sends a refresh twice at once, asks for less scope, and uses its access token. */
const TWICE = 0.05;
const LESS = 0.1;
const USED = 0.1;

/**
 * An application that stays signed in for one account. It keeps its refresh token until it has read the next one completely,
 * and retries when a response says so or is missing.
 */
export class Member {
    /** How many new refresh tokens it has received. */
    rotations = 0;
    isLost = false;
    /** When the revocation of its grant began, and when it was confirmed: milliseconds. */
    revokingAt;
    revokedAt;
    /** The outcomes of its last attempts, the latest last. They are printed when a grant is lost. */
    #attempts = [];

    /** @param tokens the first token response; later ones must have the same scope */
    constructor({ application, account, tokens, issuer, key, records }) {
        this.application = application;
        this.account = account;
        this.token = tokens.refresh_token;
        this.scope = tokens.scope;
        this.issuer = issuer;
        this.key = createPublicKey({ key, format: 'jwk' });
        this.records = records;
        this.#check(tokens, this.scope);
    }

    get grantId() {
        return this.token.slice(6, 26);
    }

    get isRevoking() {
        return this.revokingAt !== undefined;
    }

    /** Refreshes at random intervals. @param interval average, milliseconds */
    async live(interval, until) {
        while (!this.isLost) {
            await sleep(interval * (0.5 + Math.random()));
            if (performance.now() > until) {
                return;
            }
            await this.refresh(until + 60_000);
        }
    }

    /** Refreshes until there is a final response. A revoked grant is tried too: it must stay revoked. */
    async refresh(deadline) {
        const token = this.token;
        const began = performance.now();
        while (performance.now() < deadline) {
            const times = Math.random() < TWICE ? 2 : 1;
            const responses = await Promise.all(Array.from({ length: times }, () => this.#present(token)));
            const successors = responses.map(({ successor }) => successor).filter(Boolean);
            if (successors.length > 0) {
                this.token = successors[0];
                this.rotations += 1;
            }
            if (responses.some(({ refused }) => refused) && !this.isRevoking) {
                this.isLost = true;
                const waited = Math.round((performance.now() - began) / 1000);
                this.#lost(`invalid_grant, ${waited} s after it first presented its token`);
            }
            if (successors.length > 0 || responses.some(({ refused }) => refused)) {
                return;
            }
            await sleep(Math.max(...responses.map(({ wait }) => wait)));
        }
        this.isLost = true;
        this.#lost('no response until the deadline');
    }

    /** Revokes the grant, as its account or as its client. */
    async revoke(asAccount) {
        this.revokingAt = performance.now();
        const { origin } = this.application;
        const note = ({ failed, status }) => this.records.count(failed ?? status);
        let response;
        if (asAccount) {
            const tokens = `${origin}/api/auth/oauth/tokens`;
            const headers = { 'x-account': this.account };
            response = await persist('GET', `${tokens}?status=active`, { headers }, note);
            const [head] = response.body?.tokens ?? [];
            if (head?.grant_id === this.grantId) {
                response = await persist('DELETE', `${tokens}/${head.id}`, { headers }, note);
            }
        } else {
            const form = this.application.form(this.account, { token: this.token });
            response = await persist('POST', `${origin}/api/oauth/revoke`, form, note);
        }
        if (response.status !== (asAccount ? 204 : 200)) {
            this.#wrong(`${asAccount ? 'DELETE' : 'revoke'} answered ${response.status} ${response.text}`);
        }
        this.revokedAt = performance.now();
    }

    /** Presents a refresh token once. @returns `{ successor }`, `{ refused: true }` or `{ wait }` */
    async #present(token) {
        const asked = Math.random() < LESS ? 'openid' : undefined;
        const form = this.application.form(this.account, {
            grant_type: 'refresh_token',
            refresh_token: token,
            ...(asked !== undefined && { scope: asked })
        });
        const sent = performance.now();
        const response = await send('POST', `${this.application.origin}/api/oauth/token`, form);
        const outcome =
            response.failed ?? `${response.status}${response.status === 400 ? ` ${response.body?.error}` : ''}`;
        this.records.count(outcome);
        this.#attempts.push({ sent, took: performance.now() - sent, outcome });
        this.#attempts.splice(0, this.#attempts.length - 25);
        const wait = retryDelay(response);
        if (wait !== null) {
            return { wait };
        }
        if (response.status === 400 && response.body?.error === 'invalid_grant') {
            return { refused: true };
        }
        const successor = response.body?.refresh_token;
        if (response.status !== 200 || typeof successor !== 'string') {
            this.#wrong(`a refresh answered ${response.status} ${response.text}`);
            return { wait: 1000 };
        }
        if (this.revokedAt !== undefined && sent > this.revokedAt) {
            this.#wrong('refreshed after its grant was revoked');
        }
        this.records.refreshed({ presented: token, successor, sent });
        this.#check(response.body, asked ?? this.scope);
        if (Math.random() < USED) {
            await this.#useAccessToken(response.body.access_token);
        }
        return { successor };
    }

    #check(tokens, scope) {
        const access = this.#claims(tokens.access_token);
        const id = this.#claims(tokens.id_token);
        const { clientId } = this.application;
        const isOwn =
            access?.iss === this.issuer &&
            access.sub === this.account &&
            access.client_id === clientId &&
            access.scope === scope &&
            tokens.scope === scope &&
            id?.sub === this.account &&
            id.aud === clientId &&
            tokens.refresh_token.slice(6, 26) === this.grantId;
        if (!isOwn) {
            this.#wrong(
                `tokens of another account, client or scope: ${JSON.stringify({ access, id, scope: tokens.scope })}`
            );
        }
    }

    /** The claims of a token; undefined unless the forum signed it. */
    #claims(token = '') {
        const [header, payload, signature] = token.split('.');
        const isSigned =
            signature !== undefined &&
            verify('sha256', Buffer.from(`${header}.${payload}`), this.key, Buffer.from(signature, 'base64url'));
        return isSigned ? JSON.parse(Buffer.from(payload, 'base64url')) : undefined;
    }

    async #useAccessToken(token) {
        const headers = { authorization: `Bearer ${token}` };
        const response = await send('GET', `${this.application.origin}/whoami`, { headers });
        const { failed, status, body } = response;
        if (failed === undefined && retryDelay(response) === null) {
            if (status !== 200 || body.account !== this.account || body.client !== this.application.clientId) {
                this.#wrong(`its access token was answered ${status} ${response.text}`);
            }
        }
    }

    #wrong(what) {
        this.records.wrong.push(`${this.account}: ${what}`);
    }

    #lost(what) {
        const now = performance.now();
        const seconds = (value) => (value / 1000).toFixed(1);
        const attempts = this.#attempts.map(
            ({ sent, took, outcome }) => `${seconds(now - sent)} s ago for ${seconds(took)} s: ${outcome}`
        );
        console.error(`lost: ${this.account}: ${what}; ${attempts.join('; ')}`);
        this.records.lost.push(`${this.account}: ${what}; ${attempts.join('; ')}`);
    }
}
