import { mariadb } from './mariadb.mjs';

/** A MariaDB server whose changes others can follow. */
export const primaryMariadb = {
    ...mariadb,
    arguments: (folder, port) => [...mariadb.arguments(folder, port), '--server-id=1', '--log-bin=changes']
};

/** A MariaDB server that can follow another. It follows none until it is told which one. */
export const replicaMariadb = {
    ...mariadb,
    arguments: (folder, port) => [...mariadb.arguments(folder, port), '--server-id=2']
};
