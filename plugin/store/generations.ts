/**
 * SQL for the generation of a family's head. One step from the end of the family's index: MAX() would read all of it.
 *
 * @param grantId SQL for the grant's id, such as `g.id`
 */
export function headGeneration(grantId: string): string {
    return outermost(grantId, 'DESC');
}

/** SQL for the generation of a family's oldest row, likewise. */
export function oldestGeneration(grantId: string): string {
    return outermost(grantId, 'ASC');
}

function outermost(grantId: string, order: 'ASC' | 'DESC'): string {
    return `(SELECT x.generation FROM oauth_refresh_tokens x WHERE x.grant_id = ${grantId}
        ORDER BY x.generation ${order} LIMIT 1)`;
}
