import { lookup } from 'node:dns/promises';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isIPv6, type LookupFunction } from 'node:net';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { isLoopback } from '../loopback';
import { FetchError } from './fetch-error';
import { isPublicAddress } from './public-address';

/** For everything, milliseconds. */
const TIMEOUT = 5000;

/** Of a document, also before it is decompressed, bytes. */
const MAX_BYTES = 5 * 1024;

const FRESH_DEFAULT = 300;
const FRESH_LEAST = 60;
const FRESH_MOST = 24 * 60 * 60;

/** A document as it was fetched. */
export interface Fetched {
    value: Record<string, unknown>;
    /** For how long it need not be fetched again, seconds. */
    freshFor: number;
}

/** What a test may replace: the addresses of a host, which then may be on the loopback interface too, and who certifies it. */
export interface TestNetwork {
    resolve?: (host: string) => Promise<string[]>;
    ca?: string;
}

/**
 * Fetches a JSON document from a host that anybody may have named. The host is resolved once, every address must be public, and
 * a checked address is the one that is dialled. No redirect, cookie or proxy has a say.
 *
 * @throws FetchError
 */
export async function fetchDocument(url: string, network: TestNetwork = {}): Promise<Fetched> {
    const signal = AbortSignal.timeout(TIMEOUT);
    const timedOut = new Promise<never>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new FetchError('it took too long')), { once: true })
    );
    return Promise.race([fetchIt(new URL(url), network, signal), timedOut]);
}

async function fetchIt(url: URL, network: TestNetwork, signal: AbortSignal): Promise<Fetched> {
    const addresses = await resolve(url.hostname, network);
    const response = await get(url, addresses, network, signal);
    const { statusCode, headers } = response;
    if (statusCode !== 200) {
        response.destroy();
        throw new FetchError(`the status is ${statusCode}`, statusCode === 404 || statusCode === 410);
    }
    const type = String(headers['content-type']).split(';', 1)[0]!.trim().toLowerCase();
    if (!/^application\/(?:json|[a-z0-9.-]+\+json)$/.test(type)) {
        response.destroy();
        throw new FetchError('it is no JSON', true);
    }
    const bytes = decompress(await readBytes(response), headers['content-encoding']);
    return { value: parseObject(bytes), freshFor: freshness(headers['cache-control']) };
}

async function resolve(host: string, { resolve: own }: TestNetwork): Promise<string[]> {
    const addresses = own
        ? await own(host)
        : (await lookup(host, { all: true }).catch(noAddress)).map(({ address }) => address);
    if (addresses.length === 0) {
        noAddress();
    }
    // One address that is not public is enough to show what the name is for.
    const isAllowed = (address: string): boolean =>
        isPublicAddress(address) || (own !== undefined && isLoopback(address));
    if (!addresses.every(isAllowed)) {
        throw new FetchError('its host is not on the public internet', true);
    }
    return addresses;
}

function noAddress(): never {
    throw new FetchError('its host has no address');
}

function get(
    url: URL,
    addresses: readonly string[],
    { ca }: TestNetwork,
    signal: AbortSignal
): Promise<IncomingMessage> {
    const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    const known: LookupFunction = (_host, options, done) =>
        options.all ? done(null, found) : done(null, found[0]!.address, found[0]!.family);
    return new Promise((resolvePromise, reject) => {
        const request = httpsRequest(
            url,
            {
                // No connection is kept, and no setting of another one applies.
                agent: false,
                // Also where the environment says otherwise.
                rejectUnauthorized: true,
                lookup: known,
                signal,
                headers: { accept: 'application/json', 'accept-encoding': 'identity' },
                maxHeaderSize: 16 * 1024,
                ...(ca !== undefined && { ca })
            },
            resolvePromise
        );
        request.on('error', (error: NodeJS.ErrnoException) => reject(new FetchError(error.code ?? error.message)));
        request.end();
    });
}

async function readBytes(response: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
        for await (const chunk of response as AsyncIterable<Buffer>) {
            length += chunk.length;
            if (length > MAX_BYTES) {
                throw new FetchError('it is too long', true);
            }
            chunks.push(chunk);
        }
    } catch (error) {
        throw error instanceof FetchError ? error : new FetchError((error as Error).message);
    } finally {
        response.destroy();
    }
    return Buffer.concat(chunks);
}

function decompress(bytes: Buffer, encoding = 'identity'): Buffer {
    const options = { maxOutputLength: MAX_BYTES };
    try {
        switch (encoding.trim().toLowerCase()) {
            case 'identity':
                return bytes;
            case 'gzip':
                return gunzipSync(bytes, options);
            case 'deflate':
                return inflateSync(bytes, options);
            case 'br':
                return brotliDecompressSync(bytes, options);
        }
    } catch {
        throw new FetchError('it cannot be decompressed to 5 KiB at most', true);
    }
    throw new FetchError('its compression is unknown', true);
}

function parseObject(bytes: Buffer): Record<string, unknown> {
    let text: string;
    let value: unknown;
    try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        value = JSON.parse(text);
    } catch {
        throw new FetchError('it is no JSON object in UTF-8', true);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new FetchError('it is no JSON object in UTF-8', true);
    }
    // Another reader might take the other one.
    const strings = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g);
    const written = [...strings].filter(([, colon]) => colon !== undefined).length;
    if (written !== countMembers(value)) {
        throw new FetchError('it has a member twice', true);
    }
    return value as Record<string, unknown>;
}

/** How many members an object has, with those of the objects in it. */
function countMembers(value: unknown): number {
    if (typeof value !== 'object' || value === null) {
        return 0;
    }
    const inside = Object.values(value).reduce((sum: number, each) => sum + countMembers(each), 0);
    return inside + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

/** RFC 9111 §5.2.2, within bounds. */
function freshness(cacheControl = ''): number {
    if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(cacheControl)) {
        return FRESH_LEAST;
    }
    const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(cacheControl) ?? [];
    return seconds === undefined ? FRESH_DEFAULT : Math.min(Math.max(Number(seconds), FRESH_LEAST), FRESH_MOST);
}
