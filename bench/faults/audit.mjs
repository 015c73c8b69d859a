import { createHash } from 'node:crypto';

const HEADS = `
    SELECT g.id, g.account_id, g.ended_at, g.end_reason, t.generation, t.token_hash
    FROM oauth_grants g
    LEFT JOIN (SELECT grant_id, MAX(generation) AS head FROM oauth_refresh_tokens GROUP BY grant_id) h ON h.grant_id = g.id
    LEFT JOIN oauth_refresh_tokens t ON t.grant_id = g.id AND t.generation = h.head`;

const FORKS = `
    SELECT grant_id, generation FROM oauth_refresh_tokens GROUP BY grant_id, generation HAVING COUNT(*) > 1`;

const REVOKED = ['revoked_by_account', 'revoked_by_client'];

/**
 * Compares the database with what the clients know. The head of each token family must be the token that its client has,
 * its generation the number of rotations that the client has seen, and the grant alive unless it was revoked.
 *
 * @returns how many grants are alive
 */
export async function audit(connection, members, records) {
    const [forks] = await connection.query(FORKS);
    records.forked.push(...forks.map(({ grant_id: id, generation }) => `Two rows of ${id}, ${generation}`));
    const [rows] = await connection.query(HEADS);
    const heads = new Map(rows.map((row) => [row.id, row]));
    const unknown = new Set(heads.keys());
    for (const member of members) {
        const head = heads.get(member.grantId);
        unknown.delete(member.grantId);
        const isAlive = head !== undefined && head.ended_at === null;
        if (member.isRevoking) {
            if (isAlive || (head && !REVOKED.includes(head.end_reason))) {
                records.wrong.push(`${member.account}: its grant was revoked, but is ${head.end_reason ?? 'alive'}`);
            }
        } else if (member.isLost) {
            records.notes.push(
                `${member.account}: lost, and its grant is ${head === undefined ? 'gone' : (head.end_reason ?? 'alive')}`
            );
        } else if (!isAlive) {
            records.lost.push(`${member.account}: its grant is ${head?.end_reason ?? 'gone'}`);
        } else if (head.token_hash !== createHash('sha256').update(member.token).digest('base64url')) {
            records.lost.push(`${member.account}: the head of its token family is not the token that it has`);
        } else if (head.generation !== member.rotations) {
            records.forked.push(`${member.account}: ${head.generation} generations, ${member.rotations} rotations`);
        }
    }
    records.wrong.push(...[...unknown].map((id) => `${id}: a grant that no client received`));
    return rows.filter((row) => row.ended_at === null).length;
}
