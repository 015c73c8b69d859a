import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';

/** What its holders may do. In this forum every account has a role of its own. */
@Entity('forum_roles')
export class Role {
    @PrimaryColumn({ type: 'varchar', length: 20 })
    id!: string;

    @Column({ type: 'varchar', length: 100 })
    name!: string;

    @Column({ type: 'simple-json' })
    permissions!: string[];
}

@Entity('forum_accounts')
export class Account {
    @PrimaryColumn({ type: 'varchar', length: 20 })
    id!: string;

    @Column({ type: 'varchar', length: 50, unique: true })
    handle!: string;

    @Column({ type: 'varchar', length: 100 })
    name!: string;

    @Column({ type: 'varchar', length: 200 })
    email!: string;

    @Column({ type: 'varchar', length: 200, name: 'password_hash' })
    passwordHash!: string;

    @Column({ type: 'boolean', default: false })
    suspended!: boolean;

    @Column({ type: 'varchar', length: 20, name: 'role_id' })
    roleId!: string;

    @ManyToOne(() => Role, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'role_id' })
    role!: Role;
}

@Entity('forum_threads')
export class Thread {
    @PrimaryColumn({ type: 'varchar', length: 20 })
    id!: string;

    @Column({ type: 'varchar', length: 200 })
    title!: string;

    @Column({ type: 'text' })
    body!: string;

    @Column({ type: 'varchar', length: 20, name: 'author_id' })
    authorId!: string;

    @ManyToOne(() => Account, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'author_id' })
    author!: Account;

    /** Epoch milliseconds; the driver may return a `bigint` as text. */
    @Column({ type: 'bigint', name: 'created_at', transformer: { from: Number, to: (value: number) => value } })
    createdAt!: number;
}

export const entities = [Role, Account, Thread];
