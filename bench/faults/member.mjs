import { createPublicKey, verify } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { comeBack, persist, send } from './http.mjs';

/** How often a client sends the same refresh twice at the same time, asks for less, and shows its access token. */
const TWICE = 0.05;
const LESS = 0.1;
const SHOWN = 0.1;

/**
 * An application that stays signed in for one account, as it should: it keeps its refresh token until it has read
 * another completely, and tries again when it is told to or told nothing.
 */
export class Member {
    /** How often it was given a new refresh token. */
    rotations = 0;
    isLost = false;
    /** When somebody began to end its grant, and when that was answered: milliseconds. */
    endingAt;
    endedAt;
    /** What its last attempts came to, the latest last, for the report of a loss. */
    #attempts = [];

    /** @param tokens the first, whose scope all later ones have to have */
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

    get isEnding() {
        return this.endingAt !== undefined;
    }

    /** Refreshes now and then. @param interval milliseconds on average */
    async live(interval, until) {
        while (!this.isLost) {
            await sleep(interval * (0.5 + Math.random()));
            if (performance.now() > until) {
                return;
            }
            await this.refresh(until + 60_000);
        }
    }

    /** Refreshes until there is an answer. An ended grant is tried again and again: it may never come back. */
    async refresh(deadline) {
        const token = this.token;
        const began = performance.now();
        while (performance.now() < deadline) {
            const times = Math.random() < TWICE ? 2 : 1;
            const answers = await Promise.all(Array.from({ length: times }, () => this.#present(token)));
            const successors = answers.map(({ successor }) => successor).filter(Boolean);
            if (successors.length > 0) {
                this.token = successors[0];
                this.rotations += 1;
            }
            if (answers.some(({ refused }) => refused) && !this.isEnding) {
                this.isLost = true;
                const waited = Math.round((performance.now() - began) / 1000);
                this.#lost(`invalid_grant, ${waited} s after it had first presented its token`);
            }
            if (successors.length > 0 || answers.some(({ refused }) => refused)) {
                return;
            }
            await sleep(Math.max(...answers.map(({ wait }) => wait)));
        }
        this.isLost = true;
        this.#lost('no answer any more');
    }

    /** Ends the grant, as its account or as its client. */
    async end(asAccount) {
        this.endingAt = performance.now();
        const { origin } = this.application;
        const note = ({ failed, status }) => this.records.count(failed ?? status);
        let answer;
        if (asAccount) {
            const tokens = `${origin}/api/auth/oauth/tokens`;
            const headers = { 'x-account': this.account };
            answer = await persist('GET', `${tokens}?status=active`, { headers }, note);
            const [head] = answer.body?.tokens ?? [];
            if (head?.grant_id === this.grantId) {
                answer = await persist('DELETE', `${tokens}/${head.id}`, { headers }, note);
            }
        } else {
            const form = this.application.form(this.account, { token: this.token });
            answer = await persist('POST', `${origin}/api/oauth/revoke`, form, note);
        }
        if (answer.status !== (asAccount ? 204 : 200)) {
            this.#wrong(`${asAccount ? 'DELETE' : 'revoke'} answered ${answer.status} ${answer.text}`);
        }
        this.endedAt = performance.now();
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
        const answer = await send('POST', `${this.application.origin}/api/oauth/token`, form);
        const outcome = answer.failed ?? `${answer.status}${answer.status === 400 ? ` ${answer.body?.error}` : ''}`;
        this.records.count(outcome);
        this.#attempts.push({ sent, took: performance.now() - sent, outcome });
        this.#attempts.splice(0, this.#attempts.length - 25);
        const wait = comeBack(answer);
        if (wait !== null) {
            return { wait };
        }
        if (answer.status === 400 && answer.body?.error === 'invalid_grant') {
            return { refused: true };
        }
        const successor = answer.body?.refresh_token;
        if (answer.status !== 200 || typeof successor !== 'string') {
            this.#wrong(`a refresh answered ${answer.status} ${answer.text}`);
            return { wait: 1000 };
        }
        if (this.endedAt !== undefined && sent > this.endedAt) {
            this.#wrong('refreshed after its grant had been ended');
        }
        this.records.refreshed({ presented: token, successor, sent });
        this.#check(answer.body, asked ?? this.scope);
        if (Math.random() < SHOWN) {
            await this.#show(answer.body.access_token);
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
            this.#wrong(`tokens that are not its own: ${JSON.stringify({ access, id, scope: tokens.scope })}`);
        }
    }

    /** Undefined for what the forum did not sign. */
    #claims(token = '') {
        const [header, payload, signature] = token.split('.');
        const isSigned =
            signature !== undefined &&
            verify('sha256', Buffer.from(`${header}.${payload}`), this.key, Buffer.from(signature, 'base64url'));
        return isSigned ? JSON.parse(Buffer.from(payload, 'base64url')) : undefined;
    }

    async #show(token) {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await send('GET', `${this.application.origin}/whoami`, { headers });
        const { failed, status, body } = answer;
        if (failed === undefined && comeBack(answer) === null) {
            if (status !== 200 || body.account !== this.account || body.client !== this.application.clientId) {
                this.#wrong(`its access token answered ${status} ${answer.text}`);
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
