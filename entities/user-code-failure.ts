import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ACCOUNT_ID, ENGINE, ID, TIME } from './columns';

/** A user code that an account entered and that is, or may yet prove, wrong. Here so that all processes count together. */
@Entity('oauth_user_code_failures', { engine: ENGINE })
@Index('idx_oauth_user_code_failures_account', ['accountId', 'createdAt', 'id'])
@Index('idx_oauth_user_code_failures_created', ['createdAt', 'id'])
export class OAuthUserCodeFailure {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    /** False while the code is being looked up; a right one takes its row away. */
    @Column({ type: 'boolean' })
    wrong!: boolean;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;
}
