import { expect } from '@hapi/code';
import { ManagementError } from '../../plugin/errors/management-error';

/** The field and the rule that a check refuses with 400; null where it refuses nothing. */
export function refusal(check: () => void): string | null {
    try {
        check();
        return null;
    } catch (error) {
        const { payload, statusCode } = (error as ManagementError).output;
        const { error: code, metadata } = payload as unknown as {
            error: string;
            metadata: { field: string; rule: string };
        };
        expect(error).to.be.instanceof(ManagementError);
        expect([statusCode, code]).to.equal([400, 'invalid_request']);
        return `${metadata.field} ${metadata.rule}`;
    }
}
