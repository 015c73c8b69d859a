import { expect } from '@hapi/code';
import type { Answer } from './forum';

/** An id that is well-formed and of nothing. */
export const ABSENT = 'cc5lnd2s1s4652adtu50';

/** Ids of nothing, as a path may have them. */
export const ABSENT_IDS = [ABSENT, 'x', 'x'.repeat(300), '%00', '..%2f..', ABSENT.toUpperCase(), `${ABSENT}%20`];

/** Expects the error of a management endpoint, in its shape and never cached. */
export function expectError(answer: Answer, status: number, error: string, what: string): void {
    expect([answer.status, answer.body?.error], `${what}: ${answer.text}`).to.equal([status, error]);
    expect(Object.keys(answer.body as object)).to.equal([
        'error',
        'message',
        'error_description',
        'suggested',
        'metadata'
    ]);
    expect(answer.headers['cache-control']).to.equal('no-store');
}
