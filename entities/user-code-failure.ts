import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ACCOUNT_ID, ENGINE, ID, TIME } from './columns';

/** A wrong user code that an account entered; in the database so that all processes count together. */
@Entity('oauth_user_code_failures', { engine: ENGINE })
@Index('idx_oauth_user_code_failures_account', ['accountId', 'createdAt', 'id'])
@Index('idx_oauth_user_code_failures_created', ['createdAt', 'id'])
export class OAuthUserCodeFailure {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;
}
