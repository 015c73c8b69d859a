import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ACCOUNT_ID, BOOLEAN, ENGINE, ID, TIME } from './columns';

/** A wrong user code that an account entered. It is in the database so that all processes count together. */
@Entity('oauth_user_code_failures', { engine: ENGINE })
@Index('idx_oauth_user_code_failures_account', ['accountId', 'createdAt', 'id'])
@Index('idx_oauth_user_code_failures_created', ['createdAt', 'id'])
export class OAuthUserCodeFailure {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    /** False for one row of each account, which its attempts lock so that they are counted one after another. */
    @Column(BOOLEAN)
    wrong!: boolean;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;
}
